//! The layout of the inbox's index: events by log and position, ids, arrivals by feed, the state of each log, cursors, branches.
//! Typed keys and values come in and go out; nothing is decided here, and nothing is synced.

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName, OfficeId};
use sled::{Db, IVec};

use crate::store::batch::Batch;
use crate::store::fields::{Fields, number, text};
use crate::store::keys::{feed_key, unreadable};
use crate::store::{branches, chunked};

const EVENT: u8 = b'e';
const BYTES: u8 = b'b';
const ID: u8 = b'i';
const ARRIVAL: u8 = b'r';
const LOG: u8 = b'l';
const CURSOR: u8 = b'c';
const NEXT: u8 = b'n';
const BRANCH: u8 = b'x';
const CONFIRMED: u8 = b'k';
const ON_BRANCH: u8 = b'f';

pub(super) fn log_key(letter: u8, log: &LogName, rest: &[u8]) -> Vec<u8> {
    let office = log.office.to_string();
    feed_key(letter, &log.feed, &[office.as_bytes(), &[0], rest].concat())
}

/// The number that a key ends with.
pub(super) fn number_at_end(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|number| u64::from_be_bytes(*number))
}

fn position_key(letter: u8, log: &LogName, position: Position) -> Vec<u8> {
    log_key(letter, log, &position.number().to_be_bytes())
}

/// What is held at a position, besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub hash: Hash,
    pub prev: Hash,
    /// 0 while it is parked behind a gap.
    pub arrival: u64,
    pub size: u64,
    pub id: String,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Everything up to here is held; 0 before the first.
    pub complete: u64,
    /// Of the event there.
    pub hash: Hash,
    /// The highest position that was seen, or named by a head on the bus.
    pub known: u64,
    pub parked_events: u64,
    pub parked_bytes: u64,
    /// Something behind a gap was not taken, for want of room; it is to be read again.
    pub left_behind: bool,
}

/// Where a reader of a feed's stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub stream_sequence: u64,
    /// Of the event there.
    pub hash: Hash,
}

/// Where an arrival lies, and whether applications get it: it is data, and the first of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub log: LogName,
    pub position: Position,
    pub for_applications: bool,
}

type Result<T> = std::result::Result<T, sled::Error>;

fn read<T>(
    value: Option<IVec>,
    what: &str,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<Option<T>> {
    let read = |bytes: IVec| read(&mut Fields(&bytes)).ok_or_else(|| unreadable(what));
    value.map(read).transpose()
}

/// Typed reads.
pub struct Reads<'a>(pub &'a Db);

impl Reads<'_> {
    pub fn held(&self, log: &LogName, position: Position) -> Result<Option<Held>> {
        let value = self.0.get(position_key(EVENT, log, position))?;
        read(value, "event", read_held)
    }

    pub fn bytes(&self, log: &LogName, position: Position) -> Result<Option<Bytes>> {
        let bytes = chunked::read(self.0, &position_key(BYTES, log, position))?;
        Ok(bytes.map(Bytes::from))
    }

    /// The positions behind `after` that are held.
    pub fn positions_behind(
        &self,
        log: &LogName,
        after: u64,
    ) -> impl Iterator<Item = Result<u64>> + use<> {
        let from = log_key(EVENT, log, &after.saturating_add(1).to_be_bytes());
        let to = log_key(EVENT, log, &[0xff; 9]);
        self.0
            .range(from..to)
            .keys()
            .map(|key| number_at_end(&key?).ok_or_else(|| unreadable("position")))
    }

    /// The position at which an id of a log arrived first.
    pub fn position_of_id(&self, log: &LogName, id: &str) -> Result<Option<u64>> {
        let value = self.0.get(log_key(ID, log, id.as_bytes()))?;
        read(value, "id", |from| from.number())
    }

    pub fn arrivals(
        &self,
        feed: &FeedName,
        after: u64,
    ) -> impl Iterator<Item = Result<(u64, Arrival)>> + use<> {
        let from = feed_key(ARRIVAL, feed, &after.saturating_add(1).to_be_bytes());
        let to = feed_key(ARRIVAL, feed, &[0xff; 9]);
        let feed = feed.clone();
        self.0.range(from..to).map(move |entry| {
            let (key, value) = entry?;
            number_at_end(&key)
                .zip(read_arrival(&feed, &value))
                .ok_or_else(|| unreadable("arrival"))
        })
    }

    /// How much of a log was confirmed to its office; 0 where nothing was.
    pub fn confirmed(&self, log: &LogName) -> Result<u64> {
        let value = self.0.get(log_key(CONFIRMED, log, b""))?;
        Ok(read(value, "confirmation", |from| from.number())?.unwrap_or(0))
    }

    /// Whether the bus has another history of a log than is held.
    pub fn on_branch(&self, log: &LogName) -> Result<bool> {
        self.0.contains_key(log_key(ON_BRANCH, log, b""))
    }

    /// Every feed on which something was kept, or a log was named.
    pub fn feeds(&self) -> Result<Vec<FeedName>> {
        let mut feeds: Vec<FeedName> = Vec::new();
        let mut from = vec![LOG];
        while let Some(entry) = self.0.range(from.clone()..vec![LOG + 1]).next() {
            let (key, _) = entry?;
            let name = key[1..].split(|byte| *byte == 0).next();
            let name = name.and_then(|name| std::str::from_utf8(name).ok());
            let feed: FeedName = name
                .and_then(|name| name.parse().ok())
                .ok_or_else(|| unreadable("feed"))?;
            from = [&[LOG], feed.as_str().as_bytes(), &[1]].concat();
            feeds.push(feed);
        }
        Ok(feeds)
    }

    pub fn log(&self, log: &LogName) -> Result<Option<LogState>> {
        read(self.0.get(log_key(LOG, log, b""))?, "log", read_log)
    }

    pub fn logs(&self, feed: &FeedName) -> Result<Vec<(LogName, LogState)>> {
        let prefix = feed_key(LOG, feed, b"");
        let log = |entry: Result<(IVec, IVec)>| {
            let (key, value) = entry?;
            let office = std::str::from_utf8(&key[prefix.len()..key.len() - 1]).ok();
            let office: Option<OfficeId> = office.and_then(|office| office.parse().ok());
            let log = office.map(|office| LogName {
                feed: feed.clone(),
                office,
            });
            log.zip(read_log(&mut Fields(&value)))
                .ok_or_else(|| unreadable("log"))
        };
        self.0.scan_prefix(&prefix).map(log).collect()
    }

    pub fn cursor(&self, feed: &FeedName) -> Result<Option<Cursor>> {
        read(
            self.0.get(feed_key(CURSOR, feed, b""))?,
            "cursor",
            |fields| {
                Some(Cursor {
                    stream_sequence: fields.number()?,
                    hash: fields.hash()?,
                })
            },
        )
    }

    pub fn next_arrival(&self, feed: &FeedName) -> Result<Option<u64>> {
        let value = self.0.get(feed_key(NEXT, feed, b""))?;
        read(value, "number", |from| from.number())
    }

    pub fn has_branch(&self, log: &LogName, position: Position, hash: Hash) -> Result<bool> {
        branches::holds(self.0, &log_key(BRANCH, log, b""), position, hash)
    }

    pub fn branches(
        &self,
        log: &LogName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Bytes)>> {
        branches::page(self.0, &log_key(BRANCH, log, b""), after, limit)
    }
}

fn read_held(from: &mut Fields<'_>) -> Option<Held> {
    Some(Held {
        hash: from.hash()?,
        prev: from.hash()?,
        arrival: from.number()?,
        size: from.number()?,
        id: from.text()?.into(),
    })
}

fn read_log(from: &mut Fields<'_>) -> Option<LogState> {
    Some(LogState {
        complete: from.number()?,
        hash: from.hash()?,
        known: from.number()?,
        parked_events: from.number()?,
        parked_bytes: from.number()?,
        left_behind: from.byte()? != 0,
    })
}

fn read_arrival(feed: &FeedName, value: &[u8]) -> Option<Arrival> {
    let mut from = Fields(value);
    let for_applications = from.byte()? != 0;
    let position = Position::new(from.number()?)?;
    let office = from.text()?.parse().ok()?;
    let log = LogName {
        feed: feed.clone(),
        office,
    };
    Some(Arrival {
        log,
        position,
        for_applications,
    })
}

/// Typed writes, gathered and then applied as one.
#[derive(Default)]
pub struct Writes(pub Batch);

impl Writes {
    pub fn held(&mut self, log: &LogName, position: Position, held: &Held) {
        let mut value = Vec::with_capacity(96);
        value.extend_from_slice(held.hash.as_bytes());
        value.extend_from_slice(held.prev.as_bytes());
        number(&mut value, held.arrival);
        number(&mut value, held.size);
        text(&mut value, &held.id);
        self.0.insert(position_key(EVENT, log, position), value);
    }

    pub fn not_held(&mut self, log: &LogName, position: Position) {
        self.0.remove(position_key(EVENT, log, position));
    }

    pub fn bytes(&mut self, log: &LogName, position: Position, bytes: &[u8]) {
        chunked::insert(&mut self.0, &position_key(BYTES, log, position), bytes);
    }

    pub fn id(&mut self, log: &LogName, id: &str, position: Position) {
        let key = log_key(ID, log, id.as_bytes());
        self.0.insert(key, &position.number().to_be_bytes());
    }

    pub fn arrival(&mut self, arrival: u64, what: &Arrival) {
        let mut value = vec![u8::from(what.for_applications)];
        number(&mut value, what.position.number());
        text(&mut value, &what.log.office.to_string());
        let key = feed_key(ARRIVAL, &what.log.feed, &arrival.to_be_bytes());
        self.0.insert(key, value);
        let next = feed_key(NEXT, &what.log.feed, b"");
        self.0.insert(next, &(arrival + 1).to_be_bytes());
    }

    pub fn log(&mut self, log: &LogName, state: &LogState) {
        let mut value = Vec::with_capacity(65);
        number(&mut value, state.complete);
        value.extend_from_slice(state.hash.as_bytes());
        number(&mut value, state.known);
        number(&mut value, state.parked_events);
        number(&mut value, state.parked_bytes);
        value.push(u8::from(state.left_behind));
        self.0.insert(log_key(LOG, log, b""), value);
    }

    pub fn confirmed(&mut self, log: &LogName, position: Position) {
        let key = log_key(CONFIRMED, log, b"");
        self.0.insert(key, &position.number().to_be_bytes());
    }

    pub fn on_branch(&mut self, log: &LogName) {
        self.0.insert(log_key(ON_BRANCH, log, b""), b"");
    }

    pub fn not_on_branch(&mut self, log: &LogName) {
        self.0.remove(log_key(ON_BRANCH, log, b""));
    }

    pub fn unconfirmed(&mut self, log: &LogName) {
        self.0.remove(log_key(CONFIRMED, log, b""));
    }

    pub fn cursor(&mut self, feed: &FeedName, cursor: Cursor) {
        let mut value = Vec::with_capacity(40);
        number(&mut value, cursor.stream_sequence);
        value.extend_from_slice(cursor.hash.as_bytes());
        self.0.insert(feed_key(CURSOR, feed, b""), value);
    }

    pub fn branch(&mut self, log: &LogName, position: Position, hash: Hash, bytes: &[u8]) {
        let prefix = log_key(BRANCH, log, b"");
        branches::insert(&mut self.0, &prefix, (position, hash), bytes);
    }
}
