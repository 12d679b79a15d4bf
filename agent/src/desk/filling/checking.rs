//! Checking a form: what was typed comes in, and everything that is wrong with it at once, each at its field, or the draft of the event
//! that it becomes goes out. It is read by the one reader of sheets, and needs no connection.

use schemas::event;
use schemas::form::{Doubt, Form, Place};
use schemas::registry::Registry;
use serde_json::Value;

use super::Filling;
use super::typed::{Typed, fields};
use crate::submit::sheet::{Reader, Reading, Row, Table};
use crate::submit::{Desk, now};
use crate::web::App;
use crate::words::{self, Words};

/// Where on the page: the numbers of field and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    Field(usize),
    Cell {
        row: usize,
        field: usize,
    },
    /// The form as a whole.
    Form,
}

/// One thing to be said of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub at: At,
    pub words: Words,
}

/// What a form comes to.
#[derive(Debug)]
pub struct Checked {
    /// In the order of the page.
    pub wrong: Vec<Remark>,
    /// None while something is wrong.
    pub event: Option<event::Draft>,
}

impl Checked {
    pub fn data(&self) -> Option<Value> {
        let event = self.event.as_ref()?;
        serde_json::from_slice(&event.data).ok()
    }
}

/// Checks by contract, rules and rights of this moment.
pub fn check(app: &App, filling: &Filling) -> Checked {
    let registry = app.registry();
    match read(app, &registry, filling) {
        Ok(checked) => checked,
        Err(words) => Checked {
            wrong: vec![Remark {
                at: At::Form,
                words,
            }],
            event: None,
        },
    }
}

fn read(app: &App, registry: &Registry, filling: &Filling) -> Result<Checked, Words> {
    let desk = Desk {
        registry,
        office: &app.settings.office,
        now: now(),
    };
    let reader = Reader::of(desk, &filling.feed).map_err(|fault| fault.words())?;
    let reader = reader.of_page();
    let table = table(reader.form(), &filling.typed);
    let reading = reader.read(table).map_err(|fault| fault.words())?;
    let wrong = remarks(reader.form(), &reading);
    let mut entries = reading.entries.into_iter();
    let event = match (entries.next(), entries.next(), wrong.is_empty()) {
        (Some(mut entry), None, true) => {
            if let Some(corrected) = filling.purpose.corrects() {
                reader.correct(&mut entry, corrected);
            }
            entry.draft.id = Some(filling.event_id());
            Some(entry.draft)
        }
        (_, _, _) => None,
    };
    Ok(Checked { wrong, event })
}

/// A row for each entry of the list, each with the fields of the event before it; one row where there is none.
fn table(form: &Form, typed: &Typed) -> Table {
    let cells = |row: usize| {
        let cell = |field: &schemas::form::Field| match field.at.in_list() {
            Some(_) => typed.cell(row, field).to_owned(),
            None => typed.field(field).to_owned(),
        };
        form.fields().map(cell).collect()
    };
    let heading = form.layouts.iter().flat_map(|layout| &layout.columns);
    let heading = heading.map(|column| column.name.clone()).collect();
    let rows = (0..typed.rows.len().max(1)).map(|row| numbered(row.saturating_add(1), cells(row)));
    Table {
        rows: std::iter::once(numbered(0, heading)).chain(rows).collect(),
        separator: ',',
    }
}

fn numbered(number: usize, cells: Vec<String>) -> Row {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    Row {
        number,
        last: number,
        cells,
    }
}

/// What is wrong, each at its field; what every row says of the event itself is said once.
fn remarks(form: &Form, reading: &Reading) -> Vec<Remark> {
    let own: Vec<usize> = fields(form, false).map(|(index, _)| index).collect();
    let row_of = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut remarks = Vec::new();
    for bad in reading.bad.iter().filter(|bad| !bad.held_back) {
        let row = row_of(bad.row.number);
        for wrong in &bad.wrong {
            let at = match wrong.column {
                Some((field, _)) if own.contains(&field) => At::Field(field),
                Some((field, _)) => At::Cell { row, field },
                None if form.list().is_some() && reading.rows > 1 => first_cell(form, row),
                None => At::Form,
            };
            let words = wrong.words.clone();
            remarks.push(Remark { at, words });
        }
    }
    // An entry that says what another one says would be gone without a word.
    for skipped in &reading.skipped {
        let at = first_cell(form, row_of(skipped.row));
        let words = skipped.why.clone();
        remarks.push(Remark { at, words });
    }
    if remarks.is_empty() && reading.entries.len() != 1 {
        let words = words::no_row();
        remarks.push(Remark {
            at: At::Form,
            words,
        });
    }
    remarks.sort_by_key(|remark| remark.at);
    remarks.dedup_by_key(|remark| (remark.at, remark.words.en.clone()));
    remarks
}

fn first_cell(form: &Form, row: usize) -> At {
    let first = fields(form, true).next();
    first.map_or(At::Form, |(field, _)| At::Cell { row, field })
}

/// Figures to look at again, each at its field.
pub fn doubts(form: &Form, data: &Value, last: Option<&Value>) -> Vec<Remark> {
    let place = |Doubt { at, text }: Doubt| {
        let place = Place::of_pointer(&at);
        let mut fields = form.fields().enumerate();
        let field = fields.find(|(_, field)| field.at.as_str() == place);
        let row = at.split('/').nth(2).and_then(|row| row.parse().ok());
        let at = match (field, row) {
            (Some((field, _)), Some(row)) => At::Cell { row, field },
            (Some((field, _)), None) => At::Field(field),
            (None, _) => At::Form,
        };
        let words = text.into();
        Remark { at, words }
    };
    form.doubts(data, last).into_iter().map(place).collect()
}
