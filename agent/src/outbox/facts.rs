//! What the outbox's records say: a record's head comes in, a fact comes out, and back. What a fact changes stands in [`super::state`], by
//! which keys a record is found in [`super::kinds`]. Nothing is decided, and nothing is read from a disk.
//!
//! ```text
//! NAMED      feed's number | name                                                     once, before anything else says the number
//! ACCEPTED   feed | number | at | content | data | key | id | name, where it is the first of its feed in a group    bytes: the event
//! REFUSED    feed | number | at | id                                                                               bytes: the refusal
//! RELEASED, DROPPED   feed | number | id
//! SETTLED, REMAINS    feed | position | hash | number | leaves | time | at | content | data | key | id     bytes: the signed event, none
//! RECEIPT    feed | position | hash | admitted | after                                                             bytes: the receipt
//! RETRACTED, BRANCH   feed | position | hash | time                                                bytes: none, the signed event
//! PRUNED     feed | first | last | hash | by horizon
//! UNTOLD     feed | first | last | hash                                                                            0: it is told
//! READER     feed | reader | position | at | log                                                               bytes: its confirmation
//! LOST       feed | number | at | id
//! GONE       feed | first | last                                                                                   no record of these reads
//! ASKED      feed                                                                                                  the bus was asked for them
//! ALARM      number | at | code                                                                                    bytes: its text
//! ```
//! *Time* counts the retractions of a feed's log: an event that was settled before the retraction of its place is not in the own log.

mod write;

use schemas::event::{Hash, Position};

use crate::store::fields::NONE;
use crate::store::log::Head;
use crate::store::log::fields::Take;

pub(super) const ACCEPTED: u8 = 1;
pub(super) const REFUSED: u8 = 2;
pub(super) const RELEASED: u8 = 3;
pub(super) const DROPPED: u8 = 4;
pub(super) const SETTLED: u8 = 5;
pub(super) const RECEIPT: u8 = 6;
const RETRACTED: u8 = 7;
pub(super) const PRUNED: u8 = 8;
pub(super) const UNTOLD: u8 = 9;
pub(super) const READER: u8 = 10;
const LOST: u8 = 11;
const REMAINS: u8 = 12;
pub(super) const GONE: u8 = 13;
pub(super) const ASKED: u8 = 14;
const BRANCH: u8 = 19;
const ALARM: u8 = 48;
const NAMED: u8 = 62;

/// All of them.
pub const KNOWN: u64 = (1 << ACCEPTED)
    | (1 << REFUSED)
    | (1 << RELEASED)
    | (1 << DROPPED)
    | (1 << SETTLED)
    | (1 << RECEIPT)
    | (1 << RETRACTED)
    | (1 << PRUNED)
    | (1 << UNTOLD)
    | (1 << READER)
    | (1 << LOST)
    | (1 << REMAINS)
    | (1 << GONE)
    | (1 << ASKED)
    | (1 << BRANCH)
    | (1 << ALARM)
    | (1 << NAMED);

/// An event is in line: it was accepted, or put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<'a> {
    pub feed: u32,
    /// The place in line: lower ones go first.
    pub number: u64,
    pub at_ms: u64,
    /// Of the submission; none for an event that was taken back from the bus and then put back.
    pub content: Option<Hash>,
    pub data: Hash,
    /// Of the submitter's idempotency key, if there is one.
    pub key: Option<Hash>,
    pub id: &'a str,
    /// So that a feed is known by its number also where the record that gave it does not read.
    pub name: &'a str,
}

/// One event by its place in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed<'a> {
    pub feed: u32,
    pub number: u64,
    pub at_ms: u64,
    pub id: &'a str,
}

/// An event is part of the own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled<'a> {
    pub feed: u32,
    pub position: Position,
    pub hash: Hash,
    /// Its place in line before; 0 for one that was never in line.
    pub number: u64,
    /// Whether it leaves that place, be it in line or in the tray.
    pub leaves: bool,
    /// So many retractions came before it.
    pub time: u64,
    pub at_ms: u64,
    pub content: Option<Hash>,
    pub data: Hash,
    pub key: Option<Hash>,
    pub id: &'a str,
}

/// A place in the own log, and what stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stood {
    pub feed: u32,
    pub position: Position,
    pub hash: Hash,
    pub time: u64,
}

/// What a gateway said of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouches {
    pub feed: u32,
    pub position: Position,
    pub hash: Hash,
    /// In seconds since 1970, by the gateway's clock.
    pub admitted: i64,
    /// It stands for all receipts behind this position and before its own, for events that are still there.
    pub after: u64,
}

/// Events of the own log are here no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    pub feed: u32,
    pub first: u64,
    pub last: Position,
    /// Of the event at the last position.
    pub hash: Hash,
    /// False where their bytes did not read any more.
    pub by_horizon: bool,
}

/// Positions that were taken back and are not told on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: u64,
    pub last: u64,
    pub hash: Hash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads<'a> {
    pub feed: u32,
    pub reader: &'a str,
    pub position: Position,
    /// By the reader's clock.
    pub at: &'a str,
    /// Whose log it is.
    pub log: &'a str,
}

/// An alarm; its text are the record's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised<'a> {
    pub number: u64,
    pub at_ms: u64,
    pub code: &'a str,
}

/// What one record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    Accepted(Accepted<'a>),
    Refused(Placed<'a>),
    Released(Placed<'a>),
    Dropped(Placed<'a>),
    Lost(Placed<'a>),
    Settled(Settled<'a>),
    /// The same of one that was pruned; written only where a segment is written anew.
    Remains(Settled<'a>),
    Receipt(Vouches),
    Retracted(Stood),
    Branch(Stood),
    Pruned(Pruned),
    /// Positions of the own log, first and last, of which no record reads: the bus may have them.
    Gone(u32, u64, u64),
    /// The bus was asked for all that is gone: what it has is here again, and the rest is not in the log.
    Asked(u32),
    Untold(u32, Option<Range>),
    Reader(Reads<'a>),
    Alarm(Raised<'a>),
    Named(u32, &'a str),
}

impl<'a> Fact<'a> {
    /// None for a head that no version of this code has written.
    pub fn read(head: Head<'a>) -> Option<Fact<'a>> {
        let take = &mut Take(head.fields);
        Some(match head.kind {
            ACCEPTED => Fact::Accepted(Accepted {
                feed: take.u32()?,
                number: take.u64()?,
                at_ms: take.u64()?,
                content: optional(take)?,
                data: hash(take)?,
                key: optional(take)?,
                id: take.text()?,
                name: take.text()?,
            }),
            REFUSED => Fact::Refused(placed(take)?),
            RELEASED => Fact::Released(placed(take)?),
            DROPPED => Fact::Dropped(placed(take)?),
            LOST => Fact::Lost(placed(take)?),
            SETTLED => Fact::Settled(settled(take)?),
            REMAINS => Fact::Remains(settled(take)?),
            RECEIPT => Fact::Receipt(Vouches {
                feed: take.u32()?,
                position: position(take)?,
                hash: hash(take)?,
                admitted: i64::from_le_bytes(take.array()?),
                after: take.u64()?,
            }),
            RETRACTED => Fact::Retracted(stood(take)?),
            BRANCH => Fact::Branch(stood(take)?),
            PRUNED => Fact::Pruned(Pruned {
                feed: take.u32()?,
                first: take.u64()?,
                last: position(take)?,
                hash: hash(take)?,
                by_horizon: take.u8()? != 0,
            }),
            GONE => Fact::Gone(take.u32()?, take.u64()?, take.u64()?),
            ASKED => Fact::Asked(take.u32()?),
            UNTOLD => {
                let feed = take.u32()?;
                let (first, last, hash) = (take.u64()?, take.u64()?, hash(take)?);
                Fact::Untold(feed, (first > 0).then_some(Range { first, last, hash }))
            }
            READER => Fact::Reader(Reads {
                feed: take.u32()?,
                reader: take.text()?,
                position: position(take)?,
                at: take.text()?,
                log: take.text()?,
            }),
            ALARM => Fact::Alarm(Raised {
                number: take.u64()?,
                at_ms: take.u64()?,
                code: take.text()?,
            }),
            NAMED => Fact::Named(take.u32()?, take.text()?),
            _ => return None,
        })
    }
}

fn hash(take: &mut Take<'_>) -> Option<Hash> {
    take.array().map(Hash::from_bytes)
}

fn optional(take: &mut Take<'_>) -> Option<Option<Hash>> {
    hash(take).map(|hash| Some(hash).filter(|hash| *hash != NONE))
}

fn position(take: &mut Take<'_>) -> Option<Position> {
    Position::new(take.u64()?)
}

fn placed<'a>(take: &mut Take<'a>) -> Option<Placed<'a>> {
    Some(Placed {
        feed: take.u32()?,
        number: take.u64()?,
        at_ms: take.u64()?,
        id: take.text()?,
    })
}

fn settled<'a>(take: &mut Take<'a>) -> Option<Settled<'a>> {
    Some(Settled {
        feed: take.u32()?,
        position: position(take)?,
        hash: hash(take)?,
        number: take.u64()?,
        leaves: take.u8()? != 0,
        time: take.u64()?,
        at_ms: take.u64()?,
        content: optional(take)?,
        data: hash(take)?,
        key: optional(take)?,
        id: take.text()?,
    })
}

fn stood(take: &mut Take<'_>) -> Option<Stood> {
    Some(Stood {
        feed: take.u32()?,
        position: position(take)?,
        hash: hash(take)?,
        time: take.u64()?,
    })
}
