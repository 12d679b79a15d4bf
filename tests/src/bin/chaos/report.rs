//! How the suite tells what it found: one aligned line for each scenario, and the whole as JSON or Markdown.
//! In: rows as they come. Out: text. Never: a colour, or a line that moves, where nobody watches.

use crate::verdict::Row;

const COLUMNS: [(&str, usize); 13] = [
    ("sent", 7),
    ("durable", 8),
    ("received", 9),
    ("lost", 6),
    ("doubled", 8),
    ("changed", 8),
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

fn line(name: &str, cells: &[String; 13]) -> String {
    let cells = cells
        .iter()
        .zip(COLUMNS)
        .map(|(cell, (_, width))| match width {
            0 => format!("  {cell}"),
            width => format!("{cell:>width$}"),
        });
    format!("{name:<NAME_WIDTH$}{}", cells.collect::<String>())
}

fn cells(row: &Row) -> [String; 13] {
    let verdict = match row.passed() {
        true => "passed".to_owned(),
        false => format!("FAILED: {}", row.failures.join("; ")),
    };
    let faults = format!("{}/{}", row.faults_bit, row.faults_fired);
    [
        row.sent.to_string(),
        row.durable.to_string(),
        row.received.to_string(),
        row.sum(|at| at.lost).to_string(),
        row.sum(|at| at.doubled).to_string(),
        row.sum(|at| at.changed).to_string(),
        row.sum(|at| at.reordered).to_string(),
        row.sum(|at| at.undetected).to_string(),
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

/// A soak's account by application, and its programs' memory.
pub fn soaks(rows: &[Row]) -> String {
    let soaks = rows.iter().filter(|row| !row.memory.is_empty());
    soaks.map(soak).collect()
}

fn soak(row: &Row) -> String {
    let mut text = format!(
        "{} accepted, {} durable; {} faults bit\n",
        row.accepted, row.durable, row.faults_bit
    );
    for tally in &row.applications {
        let harms = tally.harms().map(|(what, count)| format!("{what} {count}"));
        text.push_str(&format!(
            "{:<NAME_WIDTH$}received {}, {}\n",
            tally.application,
            tally.received,
            harms.join(", ")
        ));
    }
    text.push_str("memory in MiB, look by look (| a new process, - none):\n");
    for curve in &row.memory {
        let verdict = match curve.thirds() {
            None => "no life long enough to tell".to_owned(),
            Some((middle, last)) => format!(
                "{}: {} MiB in the middle third of the longest life, {} in the last",
                if curve.is_flat() { "flat" } else { "NOT FLAT" },
                middle / 1024,
                last / 1024
            ),
        };
        text.push_str(&format!("{:<NAME_WIDTH$}{verdict}\n   ", curve.program));
        let mut before = None;
        for look in &curve.looks {
            let shown = match look {
                None => " -".to_owned(),
                Some((id, kib)) if before.is_some_and(|before| before != *id) => {
                    format!(" |{}", kib / 1024)
                }
                Some((_, kib)) => format!(" {}", kib / 1024),
            };
            before = look.map(|(id, _)| id).or(before);
            text.push_str(&shown);
        }
        text.push('\n');
    }
    text
}

/// What all rows together say, and what was left out: a partial run says that it is one.
pub fn verdict(rows: &[Row], left_out: &[(String, String)], asked_for_all: bool) -> String {
    let failed = rows.iter().filter(|row| !row.passed()).count();
    let faults: u32 = rows.iter().map(|row| row.faults_bit).sum();
    let again: usize = rows.iter().map(|row| row.again).sum();
    let events: usize = rows.iter().map(|row| row.accepted).sum();
    if rows.is_empty() {
        return format!(
            "{}Nothing was played, so that nothing was shown.\n",
            named(left_out)
        );
    }
    let mut text = format!(
        "{} scenarios, {events} events accepted, {faults} faults bit: {}\n",
        rows.len(),
        match failed {
            0 => "nothing lost, nothing doubled, nothing changed, nothing reordered, nothing undetected"
                .to_owned(),
            failed => format!("{failed} FAILED"),
        }
    );
    text.push_str(&format!(
        "{again} deliveries came again, as the answer to them was lost.\n"
    ));
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
