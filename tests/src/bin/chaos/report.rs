//! How the suite tells what it found: one aligned line for each scenario, and the whole as JSON or Markdown.
//! In: rows as they come. Out: text. Never: a colour, or a line that moves, where nobody watches.

use crate::verdict::Row;

const COLUMNS: [(&str, usize); 12] = [
    ("sent", 7),
    ("durable", 8),
    ("received", 9),
    ("lost", 6),
    ("doubled", 8),
    ("reordered", 10),
    ("undetected", 11),
    ("catch-up s", 11),
    ("bytes", 12),
    ("faults", 8),
    ("took s", 7),
    ("verdict", 0),
];
const NAME_WIDTH: usize = 30;

pub fn headings() -> String {
    line("scenario", &COLUMNS.map(|(name, _)| name.to_owned()))
}

pub fn row(row: &Row) -> String {
    line(&row.scenario, &cells(row))
}

fn line(name: &str, cells: &[String; 12]) -> String {
    let cells = cells
        .iter()
        .zip(COLUMNS)
        .map(|(cell, (_, width))| match width {
            0 => format!("  {cell}"),
            width => format!("{cell:>width$}"),
        });
    format!("{name:<NAME_WIDTH$}{}", cells.collect::<String>())
}

fn cells(row: &Row) -> [String; 12] {
    let verdict = match row.passed() {
        true => "passed".to_owned(),
        false => format!("FAILED: {}", row.failures.join("; ")),
    };
    let faults = format!("{}/{}", row.faults_fired, row.faults_tried);
    [
        row.sent.to_string(),
        row.durable.to_string(),
        row.received.to_string(),
        row.lost.to_string(),
        row.doubled.to_string(),
        row.reordered.to_string(),
        row.undetected.to_string(),
        row.catch_up_s
            .map_or("never".to_owned(), |seconds| format!("{seconds:.1}")),
        row.bytes.to_string(),
        faults,
        format!("{:.0}", row.seconds),
        verdict,
    ]
}

/// A table for a document.
pub fn markdown(rows: &[Row]) -> String {
    let headings = COLUMNS.map(|(name, _)| name).join(" | ");
    let mut text = format!(
        "| scenario | seed | {headings} |\n|---|{}---|\n",
        "---:|".repeat(COLUMNS.len())
    );
    for row in rows {
        let cells = cells(row).join(" | ");
        text.push_str(&format!("| {} | {} | {cells} |\n", row.scenario, row.seed));
    }
    text
}

/// What all rows together say, and what was left out: a partial run says that it is one.
pub fn verdict(rows: &[Row], left_out: &[(String, String)], asked_for_all: bool) -> String {
    let failed = rows.iter().filter(|row| !row.passed()).count();
    let faults: u32 = rows.iter().map(|row| row.faults_fired).sum();
    let events: usize = rows.iter().map(|row| row.accepted).sum();
    if rows.is_empty() {
        return format!(
            "{}Nothing was played, so that nothing was shown.\n",
            named(left_out)
        );
    }
    let mut text = format!(
        "{} scenarios, {events} events accepted, {faults} faults fired: {}\n",
        rows.len(),
        match failed {
            0 => "nothing lost, nothing doubled, nothing reordered, nothing undetected".to_owned(),
            failed => format!("{failed} FAILED"),
        }
    );
    text.push_str(&named(left_out));
    if !left_out.is_empty() || !asked_for_all {
        text.push_str("This was not the whole suite.\n");
    }
    text
}

fn named(left_out: &[(String, String)]) -> String {
    let line = |(name, why): &(String, String)| format!("left out: {name}: {why}\n");
    left_out.iter().map(line).collect()
}
