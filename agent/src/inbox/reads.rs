//! What is asked of the inbox: a log and a position come in, what is held there goes out. What is there at all is told by the state, where its record
//! lies by the log and the tables. Nothing is written, and nothing is decided.

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};

use super::kinds::{Entry, Flags};
use super::state::{OfLog, State};
use super::tables::{self, log_and};
use crate::store::Outage;
use crate::store::limits::{PAGE_BYTES_MAX, TABLE_PAGE_MAX};
use crate::store::log::{Head, Looked, Missing, OwnedHead, Place, Reading, Section};
use crate::store::tables::{Table, Tables, read_place};

/// What is held at a position, besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub hash: Hash,
    pub prev: Hash,
    /// 0 while it is parked behind a gap.
    pub arrival: u64,
    pub flags: Flags,
    pub size: u64,
    pub id: String,
}

/// Why something cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// What was kept does not read any more.
    #[error("{0} does not read")]
    Damaged(&'static str),
    #[error(transparent)]
    Outage(#[from] Outage),
}

pub type Result<T> = std::result::Result<T, Unread>;

/// An event of a table by position and hash, and its value there.
type InTable = ((Position, Hash), Vec<u8>);

/// Times that a record is looked up again that was moved meanwhile: each time a segment was written anew in between.
const MOVES_MAX: usize = 64;

/// Typed reads.
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    pub state: &'a State,
    pub reading: &'a Reading,
    pub tables: &'a Tables,
}

/// What was looked at, as far as its head reads.
fn head_of(looked: &Looked) -> Option<Head<'_>> {
    match looked {
        Looked::Record(record) => Some(record.head()),
        Looked::Damaged { head, .. } => head.as_ref().map(OwnedHead::head),
    }
}

impl<'a> Reads<'a> {
    pub fn log(&self, log: &LogName) -> &'a OfLog {
        const EMPTY: &OfLog = &OfLog::EMPTY;
        self.state.log(log).unwrap_or(EMPTY)
    }

    /// The number of a log in which something is held at a position.
    fn holds(&self, log: &LogName, position: Position) -> Option<u32> {
        let held = &self.log(log).held;
        let number = self.state.log_number(log);
        number.filter(|_| held.contains(position.number()))
    }

    pub fn held(&self, log: &LogName, position: Position) -> Result<Option<Held>> {
        let Some(number) = self.holds(log, position) else {
            return Ok(None);
        };
        let mut arrived = None;
        let look = |looked: Looked| match Entry::read(head_of(&looked)?)? {
            Entry::Arrived(event) => {
                arrived = Some((event.arrival, event.flags));
                None
            }
            Entry::Kept { event, prev } => {
                let own = (event.arrival, event.flags);
                let (arrival, flags) = arrived.filter(|_| own.0 == 0).unwrap_or(own);
                Some(Held {
                    hash: event.hash,
                    prev,
                    arrival,
                    flags,
                    size: event.size,
                    id: event.id.into(),
                })
            }
            _ => None,
        };
        let found = self
            .reading
            .find(Section::Own, number, position.number(), look)?;
        found
            .map(Some)
            .ok_or(Unread::Damaged("an event that is held"))
    }

    pub fn bytes(&self, log: &LogName, position: Position) -> Result<Option<Bytes>> {
        let Some(number) = self.holds(log, position) else {
            return Ok(None);
        };
        self.bytes_of(number, position.number()).map(Some)
    }

    fn bytes_of(&self, log: u32, position: u64) -> Result<Bytes> {
        let look = |looked: Looked| match Entry::read(head_of(&looked)?)? {
            Entry::Kept { .. } => Some(match &looked {
                Looked::Record(record) => Some(Bytes::copy_from_slice(record.bytes())),
                Looked::Damaged { .. } => None,
            }),
            _ => None,
        };
        let found = self.reading.find(Section::Own, log, position, look)?;
        found
            .flatten()
            .ok_or(Unread::Damaged("an event that is held"))
    }

    /// The position at which an id of a log arrived first.
    pub fn position_of_id(&self, log: &LogName, id: &str) -> Result<Option<u64>> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(None);
        };
        let look = |looked: Looked| match Entry::read(head_of(&looked)?)? {
            Entry::Kept { event, .. } | Entry::Arrived(event) => {
                let is_it = event.at.log == number && event.id == id;
                is_it.then_some(event.at.position)
            }
            _ => None,
        };
        let parts: [&[u8]; 2] = [&number.to_le_bytes(), id.as_bytes()];
        Ok(self.reading.find_id(&parts, look)?)
    }

    /// The places of some arrivals of a feed, in order: all numbers that were given from `first` to `last`, or the first of them.
    pub fn arrivals(
        &self,
        feed: &FeedName,
        (first, last): (u64, u64),
        most: usize,
    ) -> Result<Vec<(u64, Place)>> {
        let (Some(number), Some(of)) = (self.state.feed_number(feed), self.state.feed(feed)) else {
            return Ok(Vec::new());
        };
        // The log may have more already, which is not on disk yet: it is shown to nobody.
        let last = last.min(of.arrivals.last().unwrap_or(0));
        if first > last {
            return Ok(Vec::new());
        }
        let page = self
            .reading
            .page(Section::Arrivals, number, first..=last, most)?;
        let given = of
            .arrivals
            .within(first, last)
            .flat_map(|(first, last)| first..=last);
        // Each number that was given leads to something.
        let there = given.take(most.min(page.len().max(1)));
        if !there.eq(page.iter().map(|(arrival, _)| *arrival)) {
            return Err(Unread::Damaged("an arrival"));
        }
        Ok(page)
    }

    /// What has arrived under a number, with its bytes.
    pub fn arrival(&self, feed: &FeedName, arrival: u64, place: Place) -> Result<OfArrival> {
        const WHAT: Unread = Unread::Damaged("an arrival");
        let record = match self.reading.record(place) {
            Ok(record) => record,
            Err(Missing::Outage(outage)) => return Err(outage.into()),
            Err(Missing::Damaged { .. }) => return Err(WHAT),
            Err(Missing::Moved(_)) => {
                let number = self.state.feed_number(feed).ok_or(WHAT)?;
                let look = |looked| match looked {
                    Looked::Record(record) => Some(record),
                    Looked::Damaged { .. } => None,
                };
                let found = self
                    .reading
                    .find(Section::Arrivals, number, arrival, look)?;
                found.ok_or(WHAT)?
            }
        };
        let (at, flags) = match Entry::read(record.head()) {
            Some(Entry::Kept { event, .. } | Entry::Arrived(event)) => (event.at, event.flags),
            _ => return Err(WHAT),
        };
        let bytes = match record.bytes() {
            [] => None,
            bytes => Some(Bytes::copy_from_slice(bytes)),
        };
        Ok(OfArrival {
            log: self.state.log_named(at.log).cloned().ok_or(WHAT)?,
            position: Position::new(at.position).ok_or(WHAT)?,
            flags,
            bytes,
        })
    }

    pub fn has_branch(&self, log: &LogName, place: (Position, Hash)) -> Result<bool> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(false);
        };
        let key = tables::event_key(number, place.0.number(), place.1);
        Ok(self.tables.get(Table::Branches, &key)?.is_some())
    }

    /// Some of the events behind a position, in the order of positions. All of a position come together, so that there may be a few
    /// more than `limit`.
    pub fn branches(
        &self,
        log: &LogName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Bytes)>> {
        let mut page: Vec<(Position, Bytes)> = Vec::new();
        let mut size = 0;
        for ((position, hash), _) in self.in_table(Table::Branches, log, after.saturating_add(1))? {
            let full = page.len() >= limit || size >= PAGE_BYTES_MAX;
            if full && page.last().is_some_and(|(last, _)| *last != position) {
                break;
            }
            let bytes = self.bytes_in(Table::Branches, log, (position, hash))?;
            let bytes = bytes.ok_or(Unread::Damaged("a branch"))?;
            size += bytes.len();
            page.push((position, bytes));
        }
        Ok(page)
    }

    /// Positions and hashes of a table's events of a log, from a position on, as many as a page has, with their values.
    pub fn in_table(&self, table: Table, log: &LogName, from: u64) -> Result<Vec<InTable>> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(Vec::new());
        };
        let prefix = number.to_be_bytes();
        let low = log_and(number, from);
        let from = std::ops::Bound::Included(&low[..]);
        let page = self.tables.page(table, &prefix, from, TABLE_PAGE_MAX)?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| Some((tables::read_event_key(&key)?, value));
        Ok(page.into_iter().filter_map(read).collect())
    }

    /// The bytes of an event that a table names. Its record may be moved while it is looked for.
    pub fn bytes_in(
        &self,
        table: Table,
        log: &LogName,
        (position, hash): (Position, Hash),
    ) -> Result<Option<Bytes>> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(None);
        };
        let key = tables::event_key(number, position.number(), hash);
        for _ in 0..MOVES_MAX {
            let value = self.tables.get(table, &key)?;
            let Some(place) = value.as_deref().and_then(read_place) else {
                return Ok(None);
            };
            match self.reading.record(place) {
                Ok(record) => return Ok(Some(Bytes::copy_from_slice(record.bytes()))),
                Err(Missing::Moved(_)) => std::thread::yield_now(),
                Err(Missing::Damaged { .. }) => break,
                Err(Missing::Outage(outage)) => return Err(outage.into()),
            }
        }
        Err(Unread::Damaged("an event that is kept aside"))
    }
}

/// What has arrived under a number.
pub struct OfArrival {
    pub log: LogName,
    pub position: Position,
    pub flags: Flags,
    /// None where it was parked: they lie with what is held.
    pub bytes: Option<Bytes>,
}
