//! Looking at a sheet: a table of a feed comes in, what it makes, what is wrong with it and what of it was handed in before go out. The
//! same reader as the command line's, and nothing is handed in here.

use crate::outbox::Submission;
use crate::store::Outage;
use crate::submit::problem::Problem;
use crate::submit::sheet::{Entry, Reader, Reading, Table};
use crate::submit::{Desk, now};
use crate::web::App;
use crate::words::Words;
use schemas::subject::FeedName;

/// What becomes of what was handed in before with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is told, and stays here.
    Stays,
    Corrects,
}

/// A sheet that was looked at.
#[derive(Debug)]
pub struct Looked {
    pub reading: Reading,
    /// What is to be handed in, each with its rows.
    pub ready: Vec<(Submission, Entry)>,
    /// Handed in before, with the same values.
    pub known: usize,
    /// Handed in before, with other values.
    pub taken: Vec<Entry>,
}

/// # Errors
/// In words, why the sheet as a whole is not read; a store that cannot be asked.
pub fn look(
    app: &App,
    feed: &FeedName,
    table: Table,
    of_taken: Taken,
) -> Result<Result<Looked, Words>, Outage> {
    let registry = app.registry();
    let desk = Desk {
        registry: &registry,
        office: &app.settings.office,
        now: now(),
    };
    let reader = match Reader::of(desk, feed) {
        Ok(reader) => reader,
        Err(fault) => return Ok(Err(fault.words())),
    };
    let mut reading = match reader.read(table) {
        Ok(reading) => reading,
        Err(fault) => return Ok(Err(fault.words())),
    };
    let mut looked = Looked {
        ready: Vec::new(),
        known: 0,
        taken: Vec::new(),
        reading: Reading {
            entries: Vec::new(),
            ..reading
        },
    };
    for entry in std::mem::take(&mut reading.entries) {
        sort(app, &desk, &reader, feed, entry, of_taken, &mut looked)?;
    }
    looked.reading.bad.sort_by_key(|bad| bad.row.number);
    Ok(Ok(looked))
}

fn sort(
    app: &App,
    desk: &Desk<'_>,
    reader: &Reader<'_>,
    feed: &FeedName,
    mut entry: Entry,
    of_taken: Taken,
    looked: &mut Looked,
) -> Result<(), Outage> {
    let id = entry.draft.id.clone().unwrap_or_default();
    let before = app.outbox.known(feed, &id)?.map(|known| known.content);
    let content = entry.draft.content_digest();
    match (before, of_taken) {
        (None, _) => {}
        (Some(before), _) if before.is_none_or(|before| before == content) => {
            looked.known = looked.known.saturating_add(1);
            return Ok(());
        }
        (Some(_), Taken::Stays) => {
            looked.taken.push(entry);
            return Ok(());
        }
        (Some(_), Taken::Corrects) => reader.correct(&mut entry, &id),
    }
    match desk.submit(entry.draft.clone(), Some(feed)) {
        Ok(valid) => looked.ready.push((Submission::of(&valid, None), entry)),
        Err(problem) => looked.reading.bad.extend(entry.refused(&said(&problem))),
    }
    Ok(())
}

fn said(problem: &Problem) -> Words {
    Words {
        km: problem.km().to_owned(),
        en: problem.en().to_owned(),
    }
}
