//! The table: on the terminal, and in docs/benchmarks.md.
//! In: outcomes of parts. Out: text, Markdown. Never: a missed figure hidden, a part left out in silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::figure::{Figure, Outcome, plain, spaced};

/// What stands above this line in the file was written by a person and stays.
const MEASURED: &str = "<!-- measured -->";

pub struct Report {
    head: Vec<(&'static str, String)>,
    rows: Vec<[String; 5]>,
    left_out: Vec<String>,
    /// As they came, for programs.
    outcomes: Vec<Value>,
}

const COLUMNS: [&str; 5] = ["part", "figure", "measured", "target", "made of"];

impl Report {
    pub fn begin(head: Vec<(&'static str, String)>) -> Report {
        Report {
            head,
            rows: Vec::new(),
            left_out: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub fn add(&mut self, part: &str, outcome: &Outcome) {
        let rows = outcome.figures.iter().map(|figure| row(part, figure));
        self.rows.extend(rows);
        self.outcomes
            .push(json!({ "part": part, "outcome": outcome }));
        for why in &outcome.left_out {
            self.leave_out(part, why);
        }
    }

    pub fn leave_out(&mut self, part: &str, why: &str) {
        self.left_out.push(format!("{part}: {why}"));
    }

    pub fn text(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(COLUMNS)
            .add_rows(&self.rows);
        let head = self
            .head
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        format!(
            "{}{table}\n{}",
            head.collect::<String>(),
            self.left_out_lines("")
        )
    }

    pub fn json(&self) -> Value {
        let head: BTreeMap<_, _> = self.head.iter().cloned().collect();
        json!({ "head": head, "parts": self.outcomes })
    }

    pub fn write_markdown(&self, file: &Path) -> Result<()> {
        let old = fs::read_to_string(file).unwrap_or_default();
        let above = old
            .split_once(MEASURED)
            .map_or(old.as_str(), |(above, _)| above);
        fs::write(file, format!("{above}{MEASURED}\n\n{}", self.markdown()))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn markdown(&self) -> String {
        let head = self
            .head
            .iter()
            .map(|(name, value)| format!("- {name}: {value}\n"));
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let columns = line(&COLUMNS.map(str::to_owned));
        let rule = line(&COLUMNS.map(|_| "---".to_owned()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!(
            "{}\n{columns}{rule}{rows}\n{}",
            head.collect::<String>(),
            self.left_out_lines("- ")
        )
    }

    fn left_out_lines(&self, bullet: &str) -> String {
        if self.left_out.is_empty() {
            return "Nothing was left out.\n".to_owned();
        }
        let lines = self.left_out.iter().map(|why| format!("{bullet}{why}\n"));
        format!(
            "Left out:\n{}{}",
            if bullet.is_empty() { "" } else { "\n" },
            lines.collect::<String>()
        )
    }
}

fn row(part: &str, figure: &Figure) -> [String; 5] {
    let verdict = match figure.is_met() {
        None => String::new(),
        Some(true) => ", met".to_owned(),
        Some(false) => ", MISSED".to_owned(),
    };
    let target = figure
        .target
        .map(|target| target.words(&figure.unit) + &verdict);
    [
        part.to_owned(),
        figure.what.clone(),
        format!("{}{}", plain(figure.value), spaced(&figure.unit)),
        target.unwrap_or_default(),
        figure.made_of.clone(),
    ]
}
