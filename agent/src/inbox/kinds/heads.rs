//! The heads of the inbox's records: an entry comes in, its fields go out one after the other, and back. What does not read is None.

use schemas::event::Hash;

use super::{
    ALARM, ARRIVED, ASIDE, At, BRANCH, CURSOR, DECLARED, Entry, Event, Flags, KEPT, LOG, NAMED,
    NOT_ASIDE, NUMBERS, Named, OfLogSaid, Which,
};
use crate::inbox::Cursor;
use crate::store::log::Head;
use crate::store::log::fields::{Put as _, Take};

impl<'a> Entry<'a> {
    pub fn write(&self) -> (u8, Vec<u8>) {
        let mut head = Vec::with_capacity(128);
        (self.write_into(&mut head), head)
    }

    fn write_into(&self, head: &mut Vec<u8>) -> u8 {
        match self {
            Entry::Kept { event, prev } => {
                put_event(head, event);
                put_hashes(head, &[prev]);
                KEPT
            }
            Entry::Arrived(event) => {
                put_event(head, event);
                ARRIVED
            }
            Entry::Declared {
                log,
                first,
                last,
                hash,
            } => {
                head.put_u32(*log);
                head.put_u64(*first);
                head.put_u64(*last);
                put_hashes(head, &[hash]);
                DECLARED
            }
            Entry::Branch { which, was_parked } => {
                put_which(head, which);
                head.put_u8(u8::from(*was_parked));
                BRANCH
            }
            Entry::Aside(which) => {
                put_which(head, which);
                ASIDE
            }
            Entry::NotAside(which) => {
                put_which(head, which);
                NOT_ASIDE
            }
            Entry::Cursor { feed, cursor } => {
                head.put_u32(*feed);
                head.put_u64(cursor.stream_sequence);
                put_hashes(head, &[&cursor.hash]);
                CURSOR
            }
            Entry::Log { log, said } => {
                head.put_u32(*log);
                put_said(head, said);
                LOG
            }
            Entry::Alarm {
                number,
                at_ms,
                code,
            } => {
                head.put_u64(*number);
                head.put_u64(*at_ms);
                head.put_text(code);
                ALARM
            }
            Entry::Named { what, number, name } => {
                head.put_u8(u8::from(*what == Named::Log));
                head.put_u32(*number);
                head.put_text(name);
                NAMED
            }
            Entry::Numbers { least } => {
                head.put_u64(*least);
                NUMBERS
            }
        }
    }

    /// None for a head that is not one of its kind.
    pub fn read(head: Head<'a>) -> Option<Entry<'a>> {
        let mut from = Take(head.fields);
        let entry = Entry::take(head.kind, &mut from)?;
        from.0.is_empty().then_some(entry)
    }

    fn take(kind: u8, from: &mut Take<'a>) -> Option<Entry<'a>> {
        Some(match kind {
            KEPT => Entry::Kept {
                event: take_event(from)?,
                prev: take_hash(from)?,
            },
            ARRIVED => Entry::Arrived(take_event(from)?),
            DECLARED => Entry::Declared {
                log: from.u32()?,
                first: from.u64()?,
                last: from.u64()?,
                hash: take_hash(from)?,
            },
            BRANCH => Entry::Branch {
                which: take_which(from)?,
                was_parked: from.u8()? != 0,
            },
            ASIDE => Entry::Aside(take_which(from)?),
            NOT_ASIDE => Entry::NotAside(take_which(from)?),
            CURSOR => Entry::Cursor {
                feed: from.u32()?,
                cursor: Cursor {
                    stream_sequence: from.u64()?,
                    hash: take_hash(from)?,
                },
            },
            LOG => Entry::Log {
                log: from.u32()?,
                said: take_said(from)?,
            },
            NUMBERS => Entry::Numbers { least: from.u64()? },
            ALARM => Entry::Alarm {
                number: from.u64()?,
                at_ms: from.u64()?,
                code: from.text()?,
            },
            NAMED => Entry::Named {
                what: match from.u8()? {
                    0 => Named::Feed,
                    _ => Named::Log,
                },
                number: from.u32()?,
                name: from.text()?,
            },
            _ => return None,
        })
    }
}

fn put_hashes(into: &mut Vec<u8>, hashes: &[&Hash]) {
    for hash in hashes {
        into.extend_from_slice(hash.as_bytes());
    }
}

pub fn take_hash(from: &mut Take<'_>) -> Option<Hash> {
    from.array().map(Hash::from_bytes)
}

fn put_at(into: &mut Vec<u8>, at: &At) {
    into.put_u32(at.feed);
    into.put_u32(at.log);
    into.put_u64(at.position);
}

fn take_at(from: &mut Take<'_>) -> Option<At> {
    Some(At {
        feed: from.u32()?,
        log: from.u32()?,
        position: from.u64()?,
    })
}

fn put_event(into: &mut Vec<u8>, event: &Event<'_>) {
    put_at(into, &event.at);
    put_hashes(into, &[&event.hash]);
    into.put_u64(event.arrival);
    into.put_u8(event.flags.0);
    into.put_u64(event.size);
    into.put_text(event.id);
}

fn take_event<'a>(from: &mut Take<'a>) -> Option<Event<'a>> {
    Some(Event {
        at: take_at(from)?,
        hash: take_hash(from)?,
        arrival: from.u64()?,
        flags: Flags(from.u8()?),
        size: from.u64()?,
        id: from.text()?,
    })
}

fn put_which(into: &mut Vec<u8>, which: &Which) {
    into.put_u32(which.log);
    into.put_u64(which.position);
    put_hashes(into, &[&which.hash]);
    into.put_u64(which.size);
}

fn take_which(from: &mut Take<'_>) -> Option<Which> {
    Some(Which {
        log: from.u32()?,
        position: from.u64()?,
        hash: take_hash(from)?,
        size: from.u64()?,
    })
}

pub fn put_said(into: &mut Vec<u8>, said: &OfLogSaid) {
    into.put_u64(said.complete);
    put_hashes(into, &[&said.hash]);
    into.put_u64(said.known);
    into.put_u64(said.confirmed);
    into.put_u8(u8::from(said.left_behind) | u8::from(said.on_branch) << 1);
}

pub fn take_said(from: &mut Take<'_>) -> Option<OfLogSaid> {
    let (complete, hash) = (from.u64()?, take_hash(from)?);
    let (known, confirmed, bits) = (from.u64()?, from.u64()?, from.u8()?);
    Some(OfLogSaid {
        complete,
        hash,
        known,
        left_behind: bits & 1 != 0,
        confirmed,
        on_branch: bits & 2 != 0,
    })
}
