//! What the journal says: one record for each thing that must outlive the index. Fields come in, a body goes out, and back.
//! What the bus can give again (settled events) is never written here, but for what was pruned of them.

use schemas::event::{Hash, Position};

use super::index::OwnHead;
use super::journal::Journal;
use super::segment::Location;
use crate::store::fields::{Fields, NONE, number, text};

/// An event was accepted, put back in line, or copied on from an old segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// The place in line: lower ones go first.
    pub number: u64,
    pub at_ms: u64,
    pub content: Hash,
    pub data: Hash,
    pub feed: &'a str,
    pub id: &'a str,
    /// Of the submitter's idempotency key, if there is one.
    pub key: Option<Hash>,
    pub bytes: &'a [u8],
}

/// An event was refused, and lies in the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused<'a> {
    pub number: u64,
    pub at_ms: u64,
    pub feed: &'a str,
    pub id: &'a str,
    pub refusal: &'a str,
}

/// Settled events of the own log were pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned<'a> {
    pub feed: &'a str,
    /// The last of them.
    pub head: OwnHead,
    /// The numbers and positions of those that the journal still has as accepted: they are not in line.
    pub places: Vec<(u64, Position)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    Accepted(Accepted<'a>),
    Refused(Refused<'a>),
    /// From the tray back into line.
    Released {
        number: u64,
        feed: &'a str,
    },
    /// From the tray out of the store.
    Dropped {
        number: u64,
        feed: &'a str,
    },
    Pruned(Pruned<'a>),
}

const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;
const RELEASED: u8 = 3;
const DROPPED: u8 = 4;
const PRUNED: u8 = 5;

impl<'a> Record<'a> {
    pub fn stage(&self, journal: &mut Journal) -> Location {
        match self {
            Record::Accepted(accepted) => journal.stage(ACCEPTED, |into| {
                number(into, accepted.number);
                number(into, accepted.at_ms);
                into.extend_from_slice(accepted.content.as_bytes());
                into.extend_from_slice(accepted.data.as_bytes());
                text(into, accepted.feed);
                text(into, accepted.id);
                into.extend_from_slice(accepted.key.unwrap_or(NONE).as_bytes());
                into.extend_from_slice(accepted.bytes);
            }),
            Record::Refused(refused) => journal.stage(REFUSED, |into| {
                number(into, refused.number);
                number(into, refused.at_ms);
                text(into, refused.feed);
                text(into, refused.id);
                into.extend_from_slice(refused.refusal.as_bytes());
            }),
            Record::Released { number: n, feed } => journal.stage(RELEASED, |into| {
                number(into, *n);
                text(into, feed);
            }),
            Record::Dropped { number: n, feed } => journal.stage(DROPPED, |into| {
                number(into, *n);
                text(into, feed);
            }),
            Record::Pruned(pruned) => journal.stage(PRUNED, |into| {
                text(into, pruned.feed);
                number(into, pruned.head.position.number());
                into.extend_from_slice(pruned.head.hash.as_bytes());
                for (place, position) in &pruned.places {
                    number(into, *place);
                    number(into, position.number());
                }
            }),
        }
    }

    /// None for a body that no version of this code has written.
    pub fn read(kind: u8, body: &'a [u8]) -> Option<Record<'a>> {
        let mut from = Fields(body);
        Some(match kind {
            ACCEPTED => Record::Accepted(Accepted {
                number: from.number()?,
                at_ms: from.number()?,
                content: from.hash()?,
                data: from.hash()?,
                feed: from.text()?,
                id: from.text()?,
                key: Some(from.hash()?).filter(|key| *key != NONE),
                bytes: from.0,
            }),
            REFUSED => Record::Refused(Refused {
                number: from.number()?,
                at_ms: from.number()?,
                feed: from.text()?,
                id: from.text()?,
                refusal: std::str::from_utf8(from.0).ok()?,
            }),
            RELEASED => Record::Released {
                number: from.number()?,
                feed: from.text()?,
            },
            DROPPED => Record::Dropped {
                number: from.number()?,
                feed: from.text()?,
            },
            PRUNED => Record::Pruned(Pruned {
                feed: from.text()?,
                head: OwnHead {
                    position: Position::new(from.number()?)?,
                    hash: from.hash()?,
                },
                places: read_places(from)?,
            }),
            _ => return None,
        })
    }
}

fn read_places(mut from: Fields<'_>) -> Option<Vec<(u64, Position)>> {
    let mut places = Vec::new();
    while !from.0.is_empty() {
        places.push((from.number()?, Position::new(from.number()?)?));
    }
    Some(places)
}
