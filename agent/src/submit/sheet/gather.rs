//! Rows become events: rows that were read come in; those about one thing are one event, and those that are bad, that say nothing
//! or that say again what another one says go out by name. A report goes whole: one bad row holds back the others of its report.

use std::collections::HashMap;

use schemas::form::Place;
use schemas::ids;
use serde_json::Value;

use super::heading::{Heading, letter};
use super::row::{Read, Rows, Said, of_row};
use super::table::{Row, Table};
use super::{BadRow, Entry, Reader, Reading, SheetFault, Skipped, Wrong};
use crate::words::{self, Words};

/// Rows of one event.
struct Group {
    key: String,
    said: Said,
    rows: Vec<(Row, Said)>,
    /// The entries of its list by what they are about, as indices of `rows`.
    seen: HashMap<String, usize>,
    /// The number of a row that keeps it back.
    bad: Option<u64>,
}

/// What is being made of a table.
struct Gathering<'a> {
    reader: &'a Reader<'a>,
    rows: Rows<'a>,
    groups: Vec<Group>,
    /// Which group a key is.
    places: HashMap<String, usize>,
    bad: Vec<BadRow>,
    skipped: Vec<Skipped>,
}

pub fn read(reader: &Reader<'_>, table: Table) -> Result<Reading, SheetFault> {
    let Table { rows, separator } = table;
    let mut rows = rows.into_iter().skip_while(Row::is_empty);
    let heading_row = rows.next().ok_or(SheetFault::Empty)?;
    let heading = Heading::of(&reader.form, &reader.others, &heading_row)?;
    let rows: Vec<Row> = rows.collect();
    let count = rows.len();
    if rows.iter().all(Row::is_empty) {
        return Err(SheetFault::NoRow);
    }
    let stays = heading.stays();
    let of_notes = heading.of_notes;
    let mut gathering = Gathering {
        reader,
        rows: Rows::below(reader, heading, &rows),
        groups: Vec::new(),
        places: HashMap::new(),
        bad: Vec::new(),
        skipped: Vec::new(),
    };
    let mut at_top = true;
    for mut row in rows {
        if of_notes {
            super::notes::read_back(&mut row);
        }
        match gathering.passes_over(&row, at_top) {
            Some(why) => {
                let row = row.number;
                gathering.skipped.push(Skipped { row, why });
            }
            None => {
                at_top = false;
                gathering.take(row);
            }
        }
    }
    Ok(gathering.finish(count, stays, heading_row, separator))
}

impl Gathering<'_> {
    /// Why a row is none of the data.
    fn passes_over(&self, row: &Row, at_top: bool) -> Option<Words> {
        if row.is_empty() {
            return Some(words::skipped_empty());
        }
        let heading = self.rows.heading();
        let named = heading
            .columns
            .iter()
            .filter(|column| !column.name().is_empty())
            .count();
        let filled = row
            .cells
            .iter()
            .map(|cell| cell.trim())
            .filter(|cell| !cell.is_empty());
        let tags = filled.clone().filter(|cell| is_tag(cell)).count();
        if at_top && tags == filled.count() && tags * 2 > named {
            return Some(words::skipped_tags());
        }
        (at_top && self.is_labels(row)).then(words::skipped_labels)
    }

    /// The row of labels below the heading of a sheet that was written here.
    fn is_labels(&self, row: &Row) -> bool {
        let heading = self.rows.heading();
        let label = |index: usize| {
            let place = heading.columns.get(index)?.field()?;
            let field = self.reader.form.field(place)?;
            Some([field.label.km.as_str(), field.label.en.as_str()])
        };
        let mut cells = row
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.trim().is_empty());
        cells.all(|(index, cell)| label(index).is_some_and(|labels| labels.contains(&cell.trim())))
    }

    fn take(&mut self, row: Row) {
        let places = &self.reader.form.key;
        let Read {
            said,
            mut wrong,
            unread,
        } = self.rows.read(&row);
        // Of which report it is part nobody can tell.
        if unread
            .iter()
            .any(|place| place.in_list().is_none() && places.contains(place))
        {
            self.bad.push(BadRow::of(row, wrong));
            return;
        }
        let about = key(places, &said, Of::Entry);
        let group = self.group(&key(places, &said, Of::Event), &said);
        if wrong.is_empty() {
            wrong = self.contradictions(group, &row, &said);
        }
        if !wrong.is_empty() {
            let group = &mut self.groups[group];
            group.bad = group.bad.or(Some(row.number));
            self.bad.push(BadRow::of(row, wrong));
            return;
        }
        let group = &mut self.groups[group];
        match group.seen.get(&about).map(|index| &group.rows[*index]) {
            None => {
                group.seen.insert(about, group.rows.len());
                group.rows.push((row, said));
            }
            Some((first, before)) if *before == said => self.skipped.push(Skipped {
                row: row.number,
                why: words::skipped_same(first.number),
            }),
            Some((first, _)) => {
                let wrong = vec![of_row(words::said_before(first.number))];
                group.bad = group.bad.or(Some(row.number));
                self.bad.push(BadRow::of(row, wrong));
            }
        }
    }

    fn group(&mut self, key: &str, said: &Said) -> usize {
        if let Some(index) = self.places.get(key) {
            return *index;
        }
        self.groups.push(Group {
            key: key.to_owned(),
            said: said.clone(),
            rows: Vec::new(),
            seen: HashMap::new(),
            bad: None,
        });
        self.places.insert(key.to_owned(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// In what a row says something else of its report than the first row of it. Where a row is an event, nothing can.
    fn contradictions(&self, group: usize, row: &Row, said: &Said) -> Vec<Wrong> {
        let group = &self.groups[group];
        let (Some(_), Some((first, _))) = (self.reader.form.list(), group.rows.first()) else {
            return Vec::new();
        };
        let own = said.iter().filter(|(place, _)| place.in_list().is_none());
        let other =
            own.filter(|(place, value)| group.said.get(*place).is_some_and(|v| v != *value));
        let wrong = other.map(|(place, _)| {
            let words = words::rows_disagree(first.number);
            match self.rows.column_of(place.as_str()) {
                Some(index) => self.rows.wrong(row, index, words),
                None => of_row(words),
            }
        });
        wrong.collect()
    }

    fn finish(mut self, rows: usize, stays: Vec<String>, heading: Row, separator: char) -> Reading {
        let mut reading = Reading {
            rows,
            entries: Vec::new(),
            bad: Vec::new(),
            skipped: Vec::new(),
            stays,
            doubts: Vec::new(),
            heading,
            separator,
        };
        for group in std::mem::take(&mut self.groups) {
            match (group.bad, group.rows.is_empty()) {
                (_, true) => {}
                (Some(bad), false) => self.hold_back(group.rows, bad),
                (None, false) => self.submit(group, &mut reading),
            }
        }
        self.bad.sort_by_key(|bad| bad.row.number);
        reading.bad = self.bad;
        reading.skipped = self.skipped;
        reading
    }

    fn hold_back(&mut self, rows: Vec<(Row, Said)>, bad: u64) {
        for (row, _) in rows {
            let wrong = vec![of_row(words::held_back(bad))];
            self.bad.push(BadRow {
                row,
                wrong,
                held_back: true,
            });
        }
    }

    /// The whole event, checked as the agent will check it again.
    fn submit(&mut self, group: Group, reading: &mut Reading) {
        let Group {
            key, said, rows, ..
        } = group;
        let (rows, entries): (Vec<Row>, Vec<Said>) = rows.into_iter().unzip();
        let data = self.rows.document(&said, &entries);
        let subject: Vec<&str> = self
            .reader
            .form
            .subject
            .iter()
            .map(|at| word(&said, at))
            .collect();
        let draft = self.reader.draft(&key, &data, subject.join("/"));
        let log = &self.reader.log;
        if let Err(problem) = self.reader.desk.submit(draft.clone(), Some(&log.feed)) {
            let details = problem.details();
            let mut wrong: Vec<Wrong> = details
                .into_iter()
                .map(|detail| {
                    of_row(Words {
                        km: detail.km,
                        en: format!("{}: {}", detail.at, detail.en),
                    })
                })
                .collect();
            if wrong.is_empty() {
                wrong.push(of_row(Words {
                    km: problem.km().into(),
                    en: problem.en().into(),
                }));
            }
            let mut rows = rows.into_iter();
            if let Some(row) = rows.next() {
                let first = row.number;
                self.bad.push(BadRow::of(row, wrong));
                self.hold_back(rows.map(|row| (row, Said::new())).collect(), first);
            }
            return;
        }
        for doubt in self.reader.form.doubts(&data, None) {
            let index = doubt
                .at
                .split('/')
                .nth(2)
                .and_then(|index| index.parse().ok());
            let row = rows.get(index.unwrap_or(0)).map_or(0, |row| row.number);
            reading.doubts.push((row, doubt.text.into()));
        }
        reading.entries.push(Entry { draft, rows });
    }
}

impl Heading<'_> {
    /// The columns that are known and not sent.
    fn stays(&self) -> Vec<String> {
        let known = self.columns.iter().enumerate();
        let stays = known.filter_map(|(index, standing)| {
            let column = standing.column()?;
            column.stays.as_ref()?;
            Some(format!("{} ({})", letter(index), standing.name()))
        });
        stays.collect()
    }
}

/// `#adm1+name`: a word behind a hash, and attributes behind it.
fn is_tag(cell: &str) -> bool {
    let Some(rest) = cell.strip_prefix('#') else {
        return false;
    };
    rest.split('+').all(|part| {
        let part = part.trim();
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// What a row says at those places of a key that are of the event, or of an entry of its list.
fn key(places: &[Place], said: &Said, of: Of) -> String {
    let own = places
        .iter()
        .filter(|place| place.in_list().is_some() == (of == Of::Entry));
    let words: Vec<&str> = own.map(|place| word(said, place)).collect();
    words.join(ids::WORD_END)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Event,
    Entry,
}

fn word<'s>(said: &'s Said, place: &Place) -> &'s str {
    said.get(place).and_then(Value::as_str).unwrap_or_default()
}
