//! The outbox's tables: what is rare and has to be found by name. Records that fill them come in at a start and as they are written, and what
//! they said last goes out. Everything here stands in the log.
//!
//! ```text
//! readers    feed | reader            position | at | log  what each reader confirmed last
//! branches   feed | position | hash   time                 what stood in the own log, and at which retraction it left
//! ```

use std::ops::Bound;

use schemas::event::{Hash, Position};

use super::facts::{Fact, Reads, Stood};
use crate::store::Outage;
use crate::store::limits::TABLE_PAGE_MAX;
use crate::store::log::fields::{Put as _, Take};
use crate::store::tables::{Table, TableWrites, Tables};

/// What a reader confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub reader: String,
    pub position: u64,
    /// By the reader's clock.
    pub at: String,
    /// Whose log it is.
    pub log: String,
}

/// What this fact puts into a table, if anything.
pub fn write(writes: &mut TableWrites, fact: &Fact<'_>) {
    match fact {
        Fact::Reader(one) => {
            let mut value = one.position.number().to_be_bytes().to_vec();
            value.put_text(one.at);
            value.put_text(one.log);
            writes.insert(Table::Readers, &reader_key(one.feed, one.reader), &value);
        }
        Fact::Retracted(one) | Fact::Branch(one) => {
            let Stood {
                feed,
                position,
                hash,
                time,
            } = *one;
            let key = branch_key(feed, (position, hash));
            writes.insert(Table::Branches, &key, &time.to_be_bytes());
        }
        _ => {}
    }
}

fn reader_key(feed: u32, reader: &str) -> Vec<u8> {
    [&feed.to_be_bytes()[..], reader.as_bytes()].concat()
}

fn branch_key(feed: u32, (position, hash): (Position, Hash)) -> Vec<u8> {
    let position = position.number().to_be_bytes();
    [&feed.to_be_bytes()[..], &position, hash.as_bytes()].concat()
}

/// At which retraction an event left its place last.
pub fn branch_time(
    tables: &Tables,
    feed: u32,
    place: (Position, Hash),
) -> Result<Option<u64>, Outage> {
    let value = tables.get(Table::Branches, &branch_key(feed, place))?;
    let time = value.and_then(|value| value.first_chunk().copied());
    Ok(time.map(u64::from_be_bytes))
}

/// Some of what stood in the own log behind a position, in the order of positions.
pub fn branches_behind(
    tables: &Tables,
    feed: u32,
    after: &Bound<Vec<u8>>,
) -> Result<Vec<(Position, Hash, Vec<u8>)>, Outage> {
    let prefix = feed.to_be_bytes();
    let from = after.as_ref().map(Vec::as_slice);
    let page = tables.page(Table::Branches, &prefix, from, TABLE_PAGE_MAX)?;
    let read = |(key, _): (Vec<u8>, Vec<u8>)| {
        let rest = key.get(prefix.len()..)?;
        let position = Position::new(u64::from_be_bytes(*rest.first_chunk()?))?;
        let hash = Hash::from_bytes(*rest.last_chunk()?);
        Some((position, hash, key))
    };
    Ok(page.into_iter().filter_map(read).collect())
}

/// The key before the first branch behind a position.
pub fn behind(feed: u32, position: u64) -> Bound<Vec<u8>> {
    let next = position.saturating_add(1).to_be_bytes();
    Bound::Included([&feed.to_be_bytes()[..], &next].concat())
}

/// What a reader confirmed last.
pub fn word(tables: &Tables, feed: u32, reader: &str) -> Result<Option<Word>, Outage> {
    let value = tables.get(Table::Readers, &reader_key(feed, reader))?;
    Ok(value.and_then(|value| read_word(reader, &value)))
}

/// The last word of each reader, by their names.
pub fn words(tables: &Tables, feed: u32) -> Result<Vec<Word>, Outage> {
    let prefix = feed.to_be_bytes();
    let mut words = Vec::new();
    let mut from = Bound::Unbounded;
    loop {
        let at = from.as_ref().map(Vec::as_slice);
        let page = tables.page(Table::Readers, &prefix, at, TABLE_PAGE_MAX)?;
        let Some((last, _)) = page.last() else {
            return Ok(words);
        };
        from = Bound::Excluded(last.clone());
        words.extend(page.iter().filter_map(|(key, value)| {
            let reader = std::str::from_utf8(key.get(prefix.len()..)?).ok()?;
            read_word(reader, value)
        }));
    }
}

fn read_word(reader: &str, value: &[u8]) -> Option<Word> {
    let (position, rest) = value.split_first_chunk()?;
    let mut take = Take(rest);
    Some(Word {
        reader: reader.to_owned(),
        position: u64::from_be_bytes(*position),
        at: take.text()?.to_owned(),
        log: take.text()?.to_owned(),
    })
}

/// Whether this is what a reader said last.
pub fn is_last(tables: &Tables, said: &Reads<'_>) -> Result<bool, Outage> {
    let word = word(tables, said.feed, said.reader)?;
    Ok(word.is_some_and(|word| word.position == said.position.number() && word.at == said.at))
}
