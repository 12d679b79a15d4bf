//! What came of one fault at one system: waited for, counted, written down.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::system::System;

/// How long a system may go without a new delivery before the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(45);
/// And once everything is there: what is delivered once more comes soon behind it.
const QUIET: Duration = Duration::from_secs(3);

#[derive(Serialize)]
pub struct Row {
    pub fault: &'static str,
    pub system: &'static str,
    /// Events that were accepted.
    pub accepted: usize,
    pub lost: usize,
    /// Deliveries of an event that the application already had.
    pub doubled: usize,
    /// Lost events, where nothing says that something is missing.
    pub undetected: usize,
    /// Over the office's line, both ways, for the whole run.
    pub bytes: u64,
    /// From the mending until the application had everything that it was ever to have.
    pub catch_up_s: f64,
}

impl Row {
    pub fn harm(&self) -> usize {
        self.lost + self.doubled + self.undetected
    }
}

/// Waits until nothing more comes.
pub async fn settle(
    fault: &'static str,
    system: &mut impl System,
    accepted: Vec<String>,
    mended: Instant,
) -> Result<Row> {
    let wanted: HashSet<&String> = accepted.iter().collect();
    let (mut last, mut newest) = (0, mended);
    let delivered = loop {
        let delivered = system.delivered().await?;
        if delivered.len() > last {
            (last, newest) = (delivered.len(), Instant::now());
        }
        let there: HashSet<&String> = delivered.iter().collect();
        let patience = match wanted.is_subset(&there) {
            true => QUIET,
            false => PATIENCE,
        };
        if newest.elapsed() > patience {
            break delivered;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let there: HashSet<&String> = delivered.iter().collect();
    let lost = wanted.difference(&there).count();
    let tells = system.tells().await?;
    let traffic = system.line().traffic();
    Ok(Row {
        fault,
        system: system.name(),
        accepted: accepted.len(),
        lost,
        doubled: delivered.len() - there.len(),
        undetected: if tells { 0 } else { lost },
        bytes: traffic.up + traffic.down,
        catch_up_s: newest.duration_since(mended).as_secs_f64(),
    })
}

const COLUMNS: [(&str, usize); 6] = [
    ("accepted", 10),
    ("lost", 6),
    ("doubled", 9),
    ("undetected", 12),
    ("bytes", 11),
    ("catch-up s", 12),
];

pub fn headings() -> String {
    text("fault", "system", &COLUMNS.map(|(name, _)| name.to_owned()))
}

pub fn line(row: &Row) -> String {
    text(row.fault, row.system, &cells(row))
}

fn text(fault: &str, system: &str, cells: &[String; 6]) -> String {
    let cells = cells.iter().zip(COLUMNS);
    let cells: String = cells
        .map(|(cell, (_, width))| format!("{cell:>width$}"))
        .collect();
    format!("{fault:<18}{system:<24}{cells}")
}

fn cells(row: &Row) -> [String; 6] {
    [
        row.accepted.to_string(),
        row.lost.to_string(),
        row.doubled.to_string(),
        row.undetected.to_string(),
        row.bytes.to_string(),
        format!("{:.1}", row.catch_up_s),
    ]
}

pub fn markdown(rows: &[Row]) -> String {
    let names = COLUMNS.map(|(name, _)| name).join(" | ");
    let line = "---:|".repeat(COLUMNS.len());
    let mut text = format!("| fault | system | {names} |\n|---|---|{line}\n");
    for row in rows {
        let cells = cells(row).join(" | ");
        text.push_str(&format!("| {} | {} | {cells} |\n", row.fault, row.system));
    }
    text
}
