//! A row: its cells come in, the members that they say go out, and everything that is wrong with it at once. Cells are read by the
//! form, then held against the contract and the row rule as the one-row document that they make.

use std::collections::BTreeMap;

use schemas::contract::ContractFault;
use schemas::form::{Field, Kind, Place};
use serde_json::{Map, Value};

use super::heading::{Heading, Standing};
use super::number::{self, Marks};
use super::table::Row;
use super::{Reader, Wrong, cell};
use crate::words::{self, Words, shown};

/// What a row says, by place.
pub type Said = BTreeMap<Place, Value>;

/// How the rows below one heading are read.
pub struct Rows<'r> {
    reader: &'r Reader<'r>,
    heading: Heading<'r>,
    /// Each field, with its columns in the order in which they count.
    fields: Vec<(&'r Field, Vec<usize>)>,
    marks: Vec<Marks>,
}

/// A row as it was read: what it says, also where some of it is wrong.
pub struct Read {
    pub said: Said,
    pub wrong: Vec<Wrong>,
    /// Fields that could not be read.
    pub unread: Vec<Place>,
}

impl<'r> Rows<'r> {
    pub fn below(reader: &'r Reader<'r>, heading: Heading<'r>, rows: &[Row]) -> Rows<'r> {
        let at = |wanted: &str| {
            let mut columns = heading.columns.iter();
            columns.position(|standing| match standing {
                Standing::Known { column, .. } => column.name == wanted,
                Standing::Note | Standing::Nameless => false,
            })
        };
        let fields = reader.form.fields().map(|field| {
            let says = heading.layout.says(&field.at);
            (field, says.filter_map(|column| at(&column.name)).collect())
        });
        let fields = fields.collect();
        let marks = (0..heading.columns.len()).map(|index| {
            number::marks(
                rows.iter()
                    .filter_map(|row| row.cells.get(index))
                    .map(String::as_str),
            )
        });
        let marks = marks.collect();
        Rows {
            reader,
            heading,
            fields,
            marks,
        }
    }

    pub fn heading(&self) -> &Heading<'r> {
        &self.heading
    }

    pub fn read(&self, row: &Row) -> Read {
        let mut wrong = self.shape(row);
        let mut said = Said::new();
        let mut unread = Vec::new();
        for (field, columns) in &self.fields {
            match self.field(field, columns, row) {
                Ok(Some(value)) => {
                    said.insert(field.at.clone(), value);
                }
                Ok(None) => {}
                Err(found) => {
                    unread.push(field.at.clone());
                    wrong.extend(found);
                }
            }
        }
        for (place, template) in &self.heading.layout.fill {
            said.insert(place.clone(), self.filled(template, row).into());
        }
        wrong.extend(self.beside(row));
        let judged = self.judge(&said, &wrong, row);
        wrong.extend(judged);
        // In the order of the file; of one cell, the first thing that is wrong.
        wrong.sort_by_key(|wrong| wrong.column.as_ref().map(|(index, _)| *index));
        wrong.dedup_by(|next, first| next.column.is_some() && next.column == first.column);
        Read {
            said,
            wrong,
            unread,
        }
    }

    /// As many cells as the heading, nothing where the heading is empty, and text.
    fn shape(&self, row: &Row) -> Vec<Wrong> {
        let (have, want) = (row.cells.len(), self.heading.columns.len());
        let beyond = row
            .cells
            .iter()
            .skip(want)
            .any(|cell| !cell.trim().is_empty());
        let mut wrong = Vec::new();
        if have < want || beyond {
            wrong.push(of_row(words::cells_counted(have, want)));
        }
        if row
            .cells
            .iter()
            .any(|cell| cell.contains(char::REPLACEMENT_CHARACTER))
        {
            wrong.push(of_row(words::not_utf8()));
        }
        for (index, standing) in self.heading.columns.iter().enumerate() {
            let cell = self.cell(row, index);
            if matches!(standing, Standing::Nameless) && cell.is_some() {
                wrong.push(self.wrong(row, index, words::no_heading_above()));
            }
        }
        wrong
    }

    /// The cell, if there is anything in it.
    fn cell<'c>(&self, row: &'c Row, index: usize) -> Option<&'c str> {
        let cell = row.cells.get(index)?;
        (!cell::visible(cell).is_empty()).then_some(cell)
    }

    /// What the row says of a field: by the first of its columns that can be read; the others may not contradict it.
    fn field(
        &self,
        field: &Field,
        columns: &[usize],
        row: &Row,
    ) -> Result<Option<Value>, Vec<Wrong>> {
        let mut found: Option<(usize, Value)> = None;
        let mut wrong = Vec::new();
        for &index in columns {
            let Some(cell) = self.cell(row, index) else {
                continue;
            };
            match (cell::read(field, cell, self.marks[index]), &found) {
                (Ok(value), None) => found = Some((index, value)),
                (Ok(value), Some((first, said))) if value != *said && may_be_compared(field) => {
                    let other = self.heading.columns[*first].name();
                    wrong.push(self.wrong(row, index, words::columns_disagree(other)));
                }
                (Ok(_), Some(_)) => {}
                // Where a code is good, a name in an unknown spelling beside it is no fault.
                (Err(_), Some(_)) if matches!(field.kind, Kind::Province(_)) => {}
                (Err(why), _) => wrong.push(self.wrong(row, index, expected(field, why))),
            }
        }
        match (found, wrong.is_empty()) {
            (Some((_, value)), true) => Ok(Some(value)),
            (None, true) => self.unsaid(field, columns, row),
            (_, false) => Err(wrong),
        }
    }

    /// What a field is of which the row says nothing.
    fn unsaid(
        &self,
        field: &Field,
        columns: &[usize],
        row: &Row,
    ) -> Result<Option<Value>, Vec<Wrong>> {
        let own = self.reader.unless_said.get(&field.at);
        let own = own.or(field.unless_said.as_ref());
        let filled = self.heading.layout.fill.contains_key(&field.at);
        match (own, columns.first()) {
            (Some(own), _) => Ok(Some(own.clone().into())),
            (None, Some(&index)) if field.required && !filled => {
                Err(vec![self.wrong(row, index, empty(field))])
            }
            (None, _) => Ok(None),
        }
    }

    fn filled(&self, template: &str, row: &Row) -> String {
        let mut text = template.to_owned();
        for (index, standing) in self.heading.columns.iter().enumerate() {
            if let Standing::Known { column, .. } = standing {
                let cell = self.cell(row, index).map(cell::visible).unwrap_or_default();
                text = text.replace(&format!("{{{}}}", column.name), &cell);
            }
        }
        text
    }

    /// What is wrong in columns that are no fields.
    fn beside(&self, row: &Row) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (index, standing) in self.heading.columns.iter().enumerate() {
            let Standing::Known { column, .. } = standing else {
                continue;
            };
            let cell = self.cell(row, index);
            if column.fields.is_empty() {
                let checked = match column.stays {
                    // It is not sent; but a quote that is not closed swallows the rows behind it.
                    Some(_) if !cell.unwrap_or_default().trim().contains(['\n', '\r']) => Ok(()),
                    _ => cell::sound(cell.unwrap_or_default()),
                };
                if let Err(Some(why)) = checked {
                    wrong.push(self.wrong(row, index, why));
                }
            }
            if column.needed && cell.is_none() {
                wrong.push(self.wrong(row, index, words::cell_empty()));
            }
            match (&column.never, cell::truth(cell.unwrap_or_default())) {
                (Some(why), Ok(true)) => wrong.push(self.wrong(row, index, why.clone().into())),
                (Some(_), Err(Some(why))) => wrong.push(self.wrong(row, index, why)),
                (_, _) => {}
            }
            for only in self
                .heading
                .layout
                .only
                .iter()
                .filter(|only| only.column == column.name)
            {
                let text = cell::visible(cell.unwrap_or_default()).to_lowercase();
                let begins = |with: &String| text.starts_with(&with.to_lowercase());
                if cell.is_some() && !only.begins.iter().any(begins) {
                    wrong.push(self.wrong(row, index, only.why.clone().into()));
                }
            }
        }
        wrong
    }

    /// What contract and row rule say against the row, of fields of which nothing wrong is known yet.
    fn judge(&self, said: &Said, known: &[Wrong], row: &Row) -> Vec<Wrong> {
        let reader = self.reader;
        let data = self.document(said, std::slice::from_ref(said));
        let checked = reader.contract.check(data.to_string().as_bytes());
        let rule = reader.rule(&data).err().map(|fault| (fault, true));
        let faults = checked.err().into_iter().flatten();
        let faults = faults.map(|fault| (fault, false)).chain(rule);
        let told = |index: &usize| {
            let mut columns = known.iter().filter_map(|wrong| wrong.column.as_ref());
            columns.any(|(at, _)| at == index)
        };
        let mut wrong = Vec::new();
        for (ContractFault { pointer, en, km }, by_rule) in faults {
            let place = Place::of_pointer(&pointer);
            let mut fields = self.fields.iter();
            let Some((field, columns)) = fields.find(|(field, _)| field.at.as_str() == place)
            else {
                if known.is_empty() {
                    wrong.push(of_row(Words { km, en }));
                }
                continue;
            };
            if columns.iter().any(told) {
                continue;
            }
            let words = match by_rule {
                true => Words { km, en },
                false => expected(field, None),
            };
            let filled = columns
                .iter()
                .find(|index| self.cell(row, **index).is_some());
            wrong.push(match filled.or(columns.first()) {
                Some(&index) => self.wrong(row, index, words),
                None => of_row(words),
            });
        }
        wrong
    }

    /// The data of an event: its own members are the first row's, and its list has an entry of each row.
    pub fn document(&self, said: &Said, rows: &[Said]) -> Value {
        let mut data = Map::new();
        for (place, value) in said.iter().filter(|(place, _)| place.in_list().is_none()) {
            data.insert(place.name().to_owned(), value.clone());
        }
        if let Some(list) = self.reader.form.list() {
            let entry = |row: &Said| {
                let own = row.iter().filter(|(place, _)| place.in_list().is_some());
                let own = own.map(|(place, value)| (place.name().to_owned(), value.clone()));
                Value::Object(own.collect())
            };
            data.insert(list.to_owned(), rows.iter().map(entry).collect());
        }
        Value::Object(data)
    }

    /// The column that says a field, of those that the file has.
    pub fn column_of(&self, place: &str) -> Option<usize> {
        let mut fields = self.fields.iter();
        let (_, columns) = fields.find(|(field, _)| field.at.as_str() == place)?;
        columns.first().copied()
    }

    pub fn wrong(&self, row: &Row, index: usize, words: Words) -> Wrong {
        Wrong {
            column: Some((index, self.heading.columns[index].name().to_owned())),
            read: row
                .cells
                .get(index)
                .map(|cell| cell.trim().to_owned())
                .unwrap_or_default(),
            words,
        }
    }
}

/// Text and names may be said in two ways, of which the first counts: a code and its label.
fn may_be_compared(field: &Field) -> bool {
    match field.kind {
        Kind::Text | Kind::Code | Kind::Digits => false,
        Kind::Number | Kind::Whole | Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => true,
        Kind::Province(_) | Kind::Codes(_) => true,
    }
}

fn expected(field: &Field, why: cell::Why) -> Words {
    let must = words::must_be(&field.expects.en, &field.expects.km);
    match why {
        Some(why) => Words {
            km: format!("{}; {}", why.km, must.km),
            en: format!("{}; {}", why.en, must.en),
        },
        None => must,
    }
}

fn empty(field: &Field) -> Words {
    expected(field, Some(words::cell_empty()))
}

pub fn of_row(words: Words) -> Wrong {
    Wrong {
        column: None,
        read: String::new(),
        words,
    }
}

impl Wrong {
    /// Where it is and what is wrong, with what was read there; nothing of it moves a cursor.
    pub fn told(&self) -> Words {
        match self.read.is_empty() {
            true => self.words.clone(),
            false => {
                let was = words::read_was(&format!("“{}”", shown(&self.read)));
                Words {
                    km: format!("{}៖ {}", was.km, self.words.km),
                    en: format!("{}: {}", was.en, self.words.en),
                }
            }
        }
    }
}
