//! The layout of the outbox's index: what became of each id, where it lies in the journal, the own log, the tray.
//! Typed keys and values come in and go out; nothing is decided here, and nothing is synced.

use schemas::event::{Hash, Position};
use schemas::subject::FeedName;
use sled::{Db, IVec};

use super::Settled;
use super::journal::Mark;
use super::segment::Location;
use crate::store::batch::Batch;
use crate::store::fields::{Fields, NONE, number, text};
use crate::store::keys::{feed_key as key, unreadable};

const ID: u8 = b'i';
const IDEMPOTENCY: u8 = b'k';
pub(super) const OWN: u8 = b'o';
pub(super) const OWN_HASH: u8 = b'p';
const TRAY: u8 = b't';
const REFUSAL: u8 = b'u';
const FEED: u8 = b'f';
const MARK: &[u8] = b"m";
const NUMBERS: &[u8] = b"n";

/// An event that waits to be sent, or lies in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Location,
    pub at_ms: u64,
    pub id: String,
    /// Only in the tray.
    pub refusal: String,
}

impl Entry {
    fn write(&self) -> Vec<u8> {
        let mut into = Vec::with_capacity(32 + self.id.len());
        location(&mut into, self.at);
        number(&mut into, self.at_ms);
        text(&mut into, &self.id);
        into
    }

    fn read(bytes: &[u8], refusal: String) -> Option<Entry> {
        let mut from = Fields(bytes);
        Some(Entry {
            at: read_location(&mut from)?,
            at_ms: from.number()?,
            id: from.text()?.into(),
            refusal,
        })
    }
}

pub(super) fn location(into: &mut Vec<u8>, at: Location) {
    for part in [at.segment, at.offset, at.length] {
        into.extend_from_slice(&part.to_be_bytes());
    }
}

pub(super) fn read_location(from: &mut Fields<'_>) -> Option<Location> {
    Some(Location {
        segment: from.small()?,
        offset: from.small()?,
        length: from.small()?,
    })
}

/// How far an event has come, by what is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In line.
    Accepted,
    /// On the bus, at this position.
    Settled { position: Position },
    /// In the tray, until corrected.
    Refused,
    /// The disk lost its bytes before it was sent; submitting it again heals it.
    Lost,
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub stage: Stage,
    /// Its place in line.
    pub number: u64,
    /// Where its bytes lie in the journal while it waits.
    pub at: Location,
    /// When it was accepted.
    pub at_ms: u64,
    /// Of the submission; None for an event that was taken back from the bus.
    pub content: Option<Hash>,
    /// SHA-256 of the data's bytes.
    pub data: Hash,
}

impl Known {
    fn write(&self) -> Vec<u8> {
        let (stage, position) = match self.stage {
            Stage::Accepted => (0, 0),
            Stage::Settled { position } => (1, position.number()),
            Stage::Refused => (2, 0),
            Stage::Lost => (3, 0),
        };
        let mut into = Vec::with_capacity(101);
        into.push(stage);
        number(&mut into, self.number);
        number(&mut into, position);
        location(&mut into, self.at);
        number(&mut into, self.at_ms);
        into.extend_from_slice(self.content.unwrap_or(NONE).as_bytes());
        into.extend_from_slice(self.data.as_bytes());
        into
    }

    fn read(bytes: &[u8]) -> Option<Known> {
        let mut from = Fields(bytes);
        let stage = from.byte()?;
        let number = from.number()?;
        let position = from.number()?;
        Some(Known {
            stage: match stage {
                0 => Stage::Accepted,
                1 => Stage::Settled {
                    position: Position::new(position)?,
                },
                2 => Stage::Refused,
                3 => Stage::Lost,
                _ => return None,
            },
            number,
            at: read_location(&mut from)?,
            at_ms: from.number()?,
            content: Some(from.hash()?).filter(|hash| *hash != NONE),
            data: from.hash()?,
        })
    }
}

/// The last event of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnHead {
    pub position: Position,
    pub hash: Hash,
}

pub(super) type Result<T> = std::result::Result<T, sled::Error>;

/// Typed reads.
pub struct Reads<'a>(pub &'a Db);

impl Reads<'_> {
    pub fn known(&self, feed: &FeedName, id: &str) -> Result<Option<Known>> {
        let value = self.0.get(key(ID, feed, id.as_bytes()))?;
        let read = |bytes: IVec| Known::read(&bytes).ok_or_else(|| unreadable("id"));
        value.map(read).transpose()
    }

    pub fn id_of_key(&self, feed: &FeedName, idempotency: Hash) -> Result<Option<String>> {
        let value = self.0.get(key(IDEMPOTENCY, feed, idempotency.as_bytes()))?;
        let read = |bytes: IVec| String::from_utf8(bytes.to_vec());
        let id = value.map(read).transpose();
        id.map_err(|_| unreadable("idempotency key"))
    }

    pub fn tray(&self, feed: &FeedName) -> impl Iterator<Item = Result<(u64, Entry)>> + use<> {
        let (db, feed) = (self.0.clone(), feed.clone());
        self.0
            .scan_prefix(key(TRAY, &feed, b""))
            .keys()
            .filter_map(move |key| {
                let number = key.map(|key| key.last_chunk().map(|n| u64::from_be_bytes(*n)));
                match number {
                    Ok(Some(number)) => {
                        let entry = Reads(&db).tray_entry(&feed, number).transpose()?;
                        Some(entry.map(|entry| (number, entry)))
                    }
                    Ok(None) => Some(Err(unreadable("entry"))),
                    Err(error) => Some(Err(error)),
                }
            })
    }

    pub fn tray_entry(&self, feed: &FeedName, number: u64) -> Result<Option<Entry>> {
        let number = number.to_be_bytes();
        let Some(value) = self.0.get(key(TRAY, feed, &number))? else {
            return Ok(None);
        };
        let refusal = crate::store::chunked::read(self.0, &key(REFUSAL, feed, &number))?;
        let refusal = String::from_utf8(refusal.unwrap_or_default());
        let entry = refusal
            .ok()
            .and_then(|refusal| Entry::read(&value, refusal));
        entry.map(Some).ok_or_else(|| unreadable("entry"))
    }

    pub fn feeds(&self) -> Result<Vec<FeedName>> {
        let feed = |entry: Result<(IVec, IVec)>| {
            let (key, _) = entry?;
            let name = std::str::from_utf8(&key[1..key.len() - 1]).ok();
            name.and_then(|name| name.parse().ok())
                .ok_or_else(|| unreadable("feed"))
        };
        self.0.scan_prefix([FEED]).map(feed).collect()
    }

    pub fn own_hash(&self, feed: &FeedName, position: Position) -> Result<Option<Hash>> {
        let value = self.0.get(position_key(OWN_HASH, feed, position))?;
        let read = |bytes: IVec| Fields(&bytes).hash().ok_or_else(|| unreadable("hash"));
        value.map(read).transpose()
    }

    /// The positions from `first` to `last` whose events are here.
    pub fn own_within(
        &self,
        feed: &FeedName,
        (first, last): (Position, Position),
    ) -> impl Iterator<Item = Result<Position>> + use<> {
        let from = position_key(OWN, feed, first);
        let to = [position_key(OWN, feed, last), vec![0xff; 3]].concat();
        let bytes = from.len();
        // An event lies there in pieces, each under its position and a number.
        let position = move |key: IVec| key.get(..bytes)?.last_chunk().copied();
        let mut before = None;
        self.0.range(from..to).keys().filter_map(move |key| {
            let read =
                key.map(|key| position(key).and_then(|n| Position::new(u64::from_be_bytes(n))));
            match read {
                Ok(Some(position)) if before == Some(position) => None,
                Ok(Some(position)) => {
                    before = Some(position);
                    Some(Ok(position))
                }
                Ok(None) => Some(Err(unreadable("position"))),
                Err(error) => Some(Err(error)),
            }
        })
    }

    pub fn own(&self, feed: &FeedName, position: Position) -> Result<Option<Vec<u8>>> {
        crate::store::chunked::read(self.0, &position_key(OWN, feed, position))
    }

    /// The highest position of the own log that the index has.
    pub fn own_head(&self, feed: &FeedName) -> Result<Option<OwnHead>> {
        let Some(last) = self.0.scan_prefix(key(OWN_HASH, feed, b"")).next_back() else {
            return Ok(None);
        };
        let (key, hash) = last?;
        let position = key.last_chunk().map(|n| u64::from_be_bytes(*n));
        let head = || {
            Some(OwnHead {
                position: Position::new(position?)?,
                hash: Fields(&hash).hash()?,
            })
        };
        head().map(Some).ok_or_else(|| unreadable("position"))
    }

    pub fn mark(&self) -> Result<Mark> {
        let Some(value) = self.0.get(MARK)? else {
            return Ok(Mark::START);
        };
        let mut from = Fields(&value);
        let (segment, offset) = (from.small(), from.small());
        match (segment, offset) {
            (Some(segment), Some(offset)) => Ok(Mark { segment, offset }),
            _ => Err(unreadable("mark")),
        }
    }

    /// The lowest number given to what was put back in line, and the next one for what is accepted.
    pub fn numbers(&self) -> Result<Option<(u64, u64)>> {
        let Some(value) = self.0.get(NUMBERS)? else {
            return Ok(None);
        };
        let mut from = Fields(&value);
        let (front, next) = (from.number(), from.number());
        front
            .zip(next)
            .map(Some)
            .ok_or_else(|| unreadable("number"))
    }
}

pub(super) fn position_key(letter: u8, feed: &FeedName, position: Position) -> Vec<u8> {
    key(letter, feed, &position.number().to_be_bytes())
}

/// Typed writes, gathered and then applied as one.
#[derive(Default)]
pub struct Writes(pub Batch);

impl Writes {
    pub fn known(&mut self, feed: &FeedName, id: &str, known: &Known) {
        self.0.insert(key(ID, feed, id.as_bytes()), known.write());
    }

    pub fn forget(&mut self, feed: &FeedName, id: &str) {
        self.0.remove(key(ID, feed, id.as_bytes()));
    }

    pub fn id_of_key(&mut self, feed: &FeedName, idempotency: Hash, id: &str) {
        let key = key(IDEMPOTENCY, feed, idempotency.as_bytes());
        self.0.insert(key, id.as_bytes());
    }

    pub fn tray(&mut self, feed: &FeedName, number: u64, entry: &Entry) {
        let number = number.to_be_bytes();
        self.0.insert(key(TRAY, feed, &number), entry.write());
        let refusal = entry.refusal.as_bytes();
        crate::store::chunked::insert(&mut self.0, &key(REFUSAL, feed, &number), refusal);
    }

    pub fn not_in_tray(&mut self, db: &Db, feed: &FeedName, number: u64) -> Result<()> {
        let number = number.to_be_bytes();
        self.0.remove(key(TRAY, feed, &number));
        crate::store::chunked::remove(db, &mut self.0, &key(REFUSAL, feed, &number))
    }

    pub fn feed(&mut self, feed: &FeedName) {
        self.0.insert(key(FEED, feed, b""), b"");
    }

    pub fn own(&mut self, feed: &FeedName, event: &Settled) {
        let mut value = Vec::with_capacity(34 + event.id.len());
        value.extend_from_slice(event.hash.as_bytes());
        text(&mut value, &event.id);
        let position = event.position;
        self.0.insert(position_key(OWN_HASH, feed, position), value);
        let key = position_key(OWN, feed, position);
        crate::store::chunked::insert(&mut self.0, &key, &event.bytes);
    }

    pub fn not_own(&mut self, db: &Db, feed: &FeedName, position: Position) -> Result<()> {
        self.0.remove(position_key(OWN_HASH, feed, position));
        crate::store::chunked::remove(db, &mut self.0, &position_key(OWN, feed, position))
    }

    pub fn mark(&mut self, mark: Mark) {
        let value = [mark.segment.to_be_bytes(), mark.offset.to_be_bytes()];
        self.0.insert(MARK, value.concat());
    }

    pub fn numbers(&mut self, front: u64, next: u64) {
        self.0
            .insert(NUMBERS, [front.to_be_bytes(), next.to_be_bytes()].concat());
    }
}
