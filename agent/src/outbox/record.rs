//! What the journal says: one record for each thing that must outlive the index. Fields come in, a body goes out, and back.
//! What the bus can give again (settled events) is never written here.

use schemas::event::Hash;

use super::journal::Journal;
use super::segment::Location;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;
const RELEASED: u8 = 3;
const DROPPED: u8 = 4;

/// In the place of a hash that is not there.
pub const NONE: Hash = Hash::from_bytes([0; 32]);

impl<'a> Record<'a> {
    pub fn stage(&self, journal: &mut Journal) -> Location {
        match *self {
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
                number(into, n);
                text(into, feed);
            }),
            Record::Dropped { number: n, feed } => journal.stage(DROPPED, |into| {
                number(into, n);
                text(into, feed);
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
            _ => return None,
        })
    }
}

pub fn number(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_be_bytes());
}

pub fn text(into: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names and ids are bounded at the door");
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

/// Reads fields one after another.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub fn small(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn hash(&mut self) -> Option<Hash> {
        self.array().map(Hash::from_bytes)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.array().map(u16::from_be_bytes)?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
