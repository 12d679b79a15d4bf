//! Spreadsheets: a table and the form of its feed come in, drafts go out, each with the rows it was made of; and every row that made
//! none, with why. No row is lost on the way: it is part of a draft, or bad, or passed over for a reason that is told.
//!
//! What a row is about makes its event's id, so a sheet that is submitted twice is accepted once, and one that says something else of
//! the same thing is seen. An id is `sheet-` and the first 26 characters of base64url SHA-256 over the log's source, a line feed, and
//! the form's key.

mod cell;
pub mod empty;
mod export;
mod gather;
mod heading;
mod notes;
mod number;
mod row;
mod table;
mod workbook;

use std::collections::BTreeMap;

use schemas::contract::{Contract, ContractFault};
use schemas::event::Draft;
use schemas::feed::{Action, Feed};
use schemas::form::{Form, Place};
use schemas::ids;
use schemas::refusal::Hold;
use schemas::registry::Office;
use schemas::subject::{FeedName, LogName};
use serde_json::Value;

pub use self::export::table as table_of_export;
pub use self::heading::letter;
pub use self::notes::Notes;
pub use self::table::{Row, Table, text};
pub use self::workbook::{is_workbook, table as table_of_workbook};
use super::Desk;
use super::problem::Problem;
use crate::words::{self, Words};

/// Bytes of one file: what is read of a sheet is held whole.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a file as a whole is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub enum SheetFault {
    FormUnknown(FeedName),
    /// Whatever is in it, the office may not submit it.
    NotSubmitted(Box<Problem>),
    Empty,
    NoRow,
    /// A quote opens in this line, and the file ends.
    QuoteOpen(u64),
    RowTooLong(u64, usize),
    RowsTooMany(usize),
    ColumnsTooMany(u64, usize),
    Heading(Box<HeadingFault>),
    /// A workbook that cannot be read, and why.
    Unreadable(String),
    /// A packed file that is none of the known kinds.
    NoWorkbook,
    Macros,
    /// Each of these sheets holds something.
    SheetsMany(Vec<String>),
    UnpacksTooLarge(u64),
}

/// In what a heading differs from the nearest sheet that the form knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadingFault {
    row: u64,
    feed: FeedName,
    lacks: Vec<String>,
    unknown: Vec<String>,
    twice: Vec<String>,
    must: Vec<String>,
    /// It is the heading of a sheet of this feed.
    like: Option<FeedName>,
}

impl SheetFault {
    pub fn words(&self) -> Words {
        match self {
            SheetFault::FormUnknown(feed) => words::form_unknown(feed.as_str()),
            SheetFault::NotSubmitted(problem) => Words {
                km: problem.km().to_owned(),
                en: problem.en().to_owned(),
            },
            SheetFault::Empty => words::file_empty(),
            SheetFault::NoRow => words::no_row(),
            SheetFault::QuoteOpen(row) => words::quote_open(*row),
            SheetFault::RowTooLong(row, most) => words::row_too_long(*row, *most),
            SheetFault::RowsTooMany(most) => words::rows_too_many(*most),
            SheetFault::ColumnsTooMany(row, most) => words::columns_too_many(*row, *most),
            SheetFault::Heading(fault) => fault.words(),
            SheetFault::Unreadable(why) => words::file_unreadable(&words::shown(why)),
            SheetFault::NoWorkbook => words::no_workbook(),
            SheetFault::Macros => words::macros(),
            SheetFault::SheetsMany(names) => words::sheets_many(&words::shown(&names.join(", "))),
            SheetFault::UnpacksTooLarge(most) => words::unpacks_too_large(*most),
        }
    }
}

impl HeadingFault {
    fn words(&self) -> Words {
        let list = |names: &[String]| {
            let shown: Vec<String> = names.iter().map(|name| words::shown(name)).collect();
            shown.join(", ")
        };
        let mut all = vec![words::heading_read(self.row)];
        type Say = fn(&str) -> Words;
        for (names, say) in [
            (&self.lacks, words::heading_lacks as Say),
            (&self.twice, words::heading_twice as Say),
            (&self.unknown, words::heading_unknown as Say),
        ] {
            if !names.is_empty() {
                all.push(say(&list(names)));
            }
        }
        all.push(words::heading_must(self.feed.as_str(), &list(&self.must)));
        all.extend(
            self.like
                .as_ref()
                .map(|feed| words::heading_of(feed.as_str())),
        );
        let (km, en): (Vec<String>, Vec<String>) =
            all.into_iter().map(|words| (words.km, words.en)).unzip();
        Words {
            km: km.join("; "),
            en: en.join("; "),
        }
    }
}

/// The rows of a file, whatever kind of sheet it is.
///
/// # Errors
/// It is none, or larger than one may be.
pub fn table_of(bytes: &[u8]) -> Result<Table, SheetFault> {
    match is_workbook(bytes) {
        true => table_of_workbook(bytes),
        false => Table::of_csv(bytes),
    }
}

/// What became of a table: each of its rows below the heading is in exactly one of `entries`, `bad` and `skipped`.
#[derive(Debug)]
pub struct Reading {
    pub rows: usize,
    pub entries: Vec<Entry>,
    pub bad: Vec<BadRow>,
    pub skipped: Vec<Skipped>,
    /// Columns that are known and not sent.
    pub stays: Vec<String>,
    /// Figures to look at again, with their rows; they are submitted all the same.
    pub doubts: Vec<(u64, Words)>,
    pub heading: Row,
    pub separator: char,
}

/// What is submitted, and the rows that it was made of.
#[derive(Debug)]
pub struct Entry {
    pub draft: Draft,
    pub rows: Vec<Row>,
}

impl Entry {
    /// Its rows as bad ones: the first for this reason, the others with it.
    pub fn refused(self, why: &Words) -> Vec<BadRow> {
        let mut first = None;
        let rows = self.rows.into_iter().map(|row| {
            let words = match first {
                None => why.clone(),
                Some(first) => words::held_back(first),
            };
            let held_back = first.is_some();
            first = first.or(Some(row.number));
            let wrong = vec![row::of_row(words)];
            BadRow {
                row,
                wrong,
                held_back,
            }
        });
        rows.collect()
    }
}

/// A row that is not submitted, and everything that is wrong with it.
#[derive(Debug)]
pub struct BadRow {
    pub row: Row,
    pub wrong: Vec<Wrong>,
    /// It is good itself, and waits for another row of its report.
    pub held_back: bool,
}

impl BadRow {
    fn of(row: Row, wrong: Vec<Wrong>) -> BadRow {
        BadRow {
            row,
            wrong,
            held_back: false,
        }
    }
}

/// One thing that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where, if it is one cell: as a spreadsheet program counts from 0, and as the heading calls it.
    pub column: Option<(usize, String)>,
    /// What stands there.
    pub read: String,
    pub words: Words,
}

/// A row that says nothing, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    pub row: u64,
    pub why: Words,
}

/// Reads the sheets of one feed for one office.
pub struct Reader<'r> {
    desk: Desk<'r>,
    log: LogName,
    feed: &'r Feed,
    office: &'r Office,
    contract: &'r Contract,
    form: Form,
    /// The forms of the other feeds, to say whose a heading is.
    others: Vec<Form>,
    /// What the office says of all rows, where no column says it.
    unless_said: BTreeMap<Place, String>,
}

impl<'r> Reader<'r> {
    /// # Errors
    /// No form is known for the feed, or the office may not submit to it.
    pub fn of(desk: Desk<'r>, feed: &FeedName) -> Result<Reader<'r>, SheetFault> {
        let held = |hold: Hold| SheetFault::NotSubmitted(Box::new(hold.into()));
        let known = desk
            .registry
            .feed(feed)
            .ok_or_else(|| held(Hold::FeedUnknown))?;
        let office = desk.registry.office(desk.office);
        let office = office.ok_or_else(|| held(Hold::OfficeUnknown))?;
        let log = LogName {
            feed: feed.clone(),
            office: desk.office.clone(),
        };
        desk.may_publish(&log)
            .map_err(|problem| SheetFault::NotSubmitted(Box::new(problem)))?;
        let form = Form::of(desk.registry, feed);
        let Some(Ok(form)) = form else {
            return Err(SheetFault::FormUnknown(feed.clone()));
        };
        let contract = desk.registry.contract(&form.contract);
        let contract = contract.ok_or_else(|| held(Hold::ContractUnknown))?;
        Ok(Reader {
            desk,
            log,
            feed: known,
            office,
            contract,
            form,
            others: Form::all(desk.registry),
            unless_said: BTreeMap::new(),
        })
    }

    /// Reads what was typed into a page in place of a sheet; the columns are the form's fields in their order.
    pub fn of_page(mut self) -> Reader<'r> {
        self.form = self.form.as_sheet();
        self
    }

    pub fn form(&self) -> &Form {
        &self.form
    }

    /// What a field is where no column says it. A place that is no field changes nothing.
    pub fn unless_said(mut self, place: &str, value: String) -> Reader<'r> {
        let field = self.form.fields().find(|field| field.at.as_str() == place);
        let place = field.map(|field| field.at.clone());
        self.unless_said.extend(place.map(|place| (place, value)));
        self
    }

    /// # Errors
    /// The table is of none of the form's sheets.
    pub fn read(&self, table: Table) -> Result<Reading, SheetFault> {
        gather::read(self, table)
    }

    /// Whether the office may send these figures.
    fn rule(&self, data: &Value) -> Result<(), ContractFault> {
        match self.feed.type_of(Action::Submitted) {
            Some(submitted) => {
                let registry = self.desk.registry;
                registry.check_row(self.office, self.feed, submitted, data)
            }
            None => Ok(()),
        }
    }

    /// A draft about what the key tells.
    fn draft(&self, key: &str, data: &Value, subject: String) -> Draft {
        Draft {
            id: Some(ids::of_key(&self.log.source(), key)),
            source: Some(self.log.source()),
            subject: Some(subject),
            data: data.to_string().into(),
            ..Draft::default()
        }
    }

    /// Hands an entry in as a correction of what was submitted before.
    pub fn correct(&self, entry: &mut Entry, corrected: &str) {
        let about = String::from_utf8_lossy(&entry.draft.data);
        let key = format!("corrects\n{corrected}\n{about}");
        entry.draft.id = Some(ids::of_key(&self.log.source(), &key));
        entry.draft.causation_id = Some(corrected.to_owned());
        let event_type = self.feed.type_of(Action::Corrected);
        entry.draft.event_type = event_type.map(|event_type| event_type.name.clone());
    }
}

#[cfg(test)]
mod tests;
