//! Spreadsheets: a CSV file in one of the forms that offices have comes in, drafts go out, each with the lines it was made of.
//! A row that cannot be read is named with its line, its column and the reason; nothing is guessed, and no column is dropped unsaid.
//!
//! The same rows make the same ids, so a file that is submitted twice is accepted once. An id is `csv-` and the first 26
//! characters of base64url SHA-256 over the log's source, a line feed, and the data as it is sent.

mod bad_rows;
mod cells;
mod health;
mod labour;
mod prices;
mod sheet;

use schemas::event::{Draft, Hash};
use schemas::refusal::Detail;
use schemas::subject::{FeedName, LogName};
use serde_json::Value;

pub use self::bad_rows::BadRows;
pub use self::sheet::{Line, Sheet, SheetFault};
use super::problem::Problem;

/// The spreadsheets that can be read, one form a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Columns of WFP and HDX, or `period,admin1_code,...`: a row is an event.
    Prices,
    /// DHIS2 data values: the rows of one province, quarter and data set are an event.
    Health {
        /// The data set, where no column names it and it is not the usual one.
        data_set: Option<String>,
    },
    /// Columns of ILOSTAT, bare or `.label`, or those of WFP's day wages: a row is an event.
    Labour,
}

/// What is submitted, and the lines that it was made of.
#[derive(Debug)]
pub struct Entry {
    pub draft: Draft,
    pub lines: Vec<Line>,
}

/// A row that cannot be submitted, and everything that is wrong with it; `at` is the column.
#[derive(Debug)]
pub struct BadRow {
    pub line: Line,
    pub wrong: Vec<Detail>,
}

pub type Entries = Box<dyn Iterator<Item = Result<Entry, BadRow>>>;

impl Form {
    /// None for a feed that no spreadsheet is known for.
    pub fn of(feed: &FeedName, data_set: Option<String>) -> Option<Form> {
        match feed.as_str() {
            "market-prices" => Some(Form::Prices),
            "health-quarterly" => Some(Form::Health { data_set }),
            "labour-returns" => Some(Form::Labour),
            _ => None,
        }
    }

    /// Reads a sheet's rows as submissions to a log. Rows are read as they are asked for; those of `Health` are gathered first.
    ///
    /// # Errors
    /// The heading is not one of this form.
    pub fn read(self, sheet: Sheet, log: &LogName) -> Result<Entries, SheetFault> {
        match self {
            Form::Prices => {
                sheet.expect(prices::COLUMNS, prices::NEEDED)?;
                Ok(each_row(sheet, log.clone(), prices::read))
            }
            Form::Labour => {
                let read = labour::reader(&sheet)?;
                Ok(each_row(sheet, log.clone(), read))
            }
            Form::Health { data_set } => health::read(sheet, log, data_set.as_deref()),
        }
    }
}

/// A row's data and what it is about, such as `KH17/2024-01`.
struct Figure {
    data: Value,
    subject: String,
}

type ReadRow = fn(&Line) -> Result<Figure, Vec<Detail>>;

fn each_row(sheet: Sheet, log: LogName, read: ReadRow) -> Entries {
    Box::new(sheet.map(move |line| {
        let line = line?;
        match read(&line) {
            Ok(Figure { data, subject }) => Ok(Entry {
                draft: draft(&log, &data, subject),
                lines: vec![line],
            }),
            Err(wrong) => Err(BadRow { line, wrong }),
        }
    }))
}

fn draft(log: &LogName, data: &Value, subject: String) -> Draft {
    let data = data.to_string();
    let hash = Hash::of(format!("{}\n{data}", log.source()).as_bytes()).to_string();
    Draft {
        id: Some(format!("csv-{}", &hash[..26])),
        source: Some(log.source()),
        subject: Some(subject),
        data: data.into(),
        ..Draft::default()
    }
}

impl Entry {
    /// Finds the rows that a problem is about: a fault of the n-th data value is its line's, any other the first line's.
    pub fn blame(self, problem: &Problem) -> Vec<BadRow> {
        let mut details = problem.details();
        if details.is_empty() {
            details.push(Detail::new("", problem.en(), problem.km()));
        }
        let mut rows: Vec<BadRow> = Vec::new();
        let mut lines: Vec<Option<Line>> = self.lines.into_iter().map(Some).collect();
        let mut places: Vec<Option<usize>> = vec![None; lines.len()];
        for detail in details {
            let (index, column) = place(&detail.at);
            let index = index.min(lines.len().saturating_sub(1));
            let row = match (places[index], lines[index].take()) {
                (Some(row), _) => row,
                (None, Some(line)) => {
                    let wrong = Vec::new();
                    rows.push(BadRow { line, wrong });
                    places[index] = Some(rows.len() - 1);
                    rows.len() - 1
                }
                (None, None) => continue,
            };
            let Detail { en, km, .. } = detail;
            rows[row].wrong.push(Detail::new(column, en, km));
        }
        rows
    }
}

/// The data value and the column that a pointer into the data leads to.
fn place(pointer: &str) -> (usize, &str) {
    let column = pointer.rsplit('/').next().unwrap_or_default();
    let index = pointer
        .strip_prefix("/dataValues/")
        .and_then(|rest| rest.split('/').next()?.parse().ok());
    (index.unwrap_or(0), column)
}

#[cfg(test)]
mod tests;
