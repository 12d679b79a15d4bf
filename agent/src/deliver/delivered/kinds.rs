//! The records of what was delivered: an entry comes in, a kind and a head go out, and back. A log of a target has a number, and each record of it
//! has that in the place of the two names.
//!
//! | kind | says |
//! |---|---|
//! | MARK | how far a log is delivered to a target, what was passed over, and what was marked with that |
//! | SKIPPED, AGAIN | what a person said |
//! | TARGET | a target as it stood in the settings |
//! | NAMED | the number of a log of a target |

use schemas::event::Hash;
use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName};
use serde::{Deserialize, Serialize};

use super::state::{Seen, State, UpTo};
use crate::store::log::fields::{Put as _, Take};
use crate::store::log::{Head, Keys, Kinds, Section, Unreadable};

pub const MARK: u8 = 32;
pub const SKIPPED: u8 = 33;
pub const AGAIN: u8 = 34;
pub const TARGET: u8 = 35;
pub const NAMED: u8 = 62;

/// In the place of a number that is not there.
const NONE: u32 = u32::MAX;

/// The file that a target wrote last, and how long it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
}

impl FileSeen {
    pub fn is_same_file(&self, other: &FileSeen) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What a person said of a delivery, who, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub at_ms: u64,
    pub by: String,
    pub why: String,
    #[serde(flatten)]
    pub what: Ordered,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase")]
pub enum Ordered {
    /// An event is not delivered.
    Skip {
        source: String,
        position: u64,
        id: String,
        hash: String,
    },
    /// What was delivered is delivered again: an event with those behind it, or what arrived from a number on.
    Again { from: String, logs: usize },
}

/// An event that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub position: u64,
    pub hash: Hash,
}

/// What is written down: with its number among all that were ever written, but for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Mark {
        n: u64,
        pair: u32,
        up_to: UpTo,
        /// What was marked, where it is another one than stands at the position.
        also: Option<Event>,
    },
    Order {
        n: u64,
        target: String,
        order: Order,
    },
    Target {
        n: u64,
        target: String,
        seen: Seen,
    },
    Named {
        pair: u32,
        target: String,
        log: LogName,
        /// What was delivered under this number, too, was delivered to the target: it had another name then.
        before: Option<u32>,
    },
}

impl Entry {
    pub fn write(&self) -> (u8, Vec<u8>) {
        let mut head = Vec::with_capacity(96);
        let kind = match self {
            Entry::Mark {
                n,
                pair,
                up_to,
                also,
            } => {
                head.put_u64(*n);
                head.put_u32(*pair);
                write_up_to(&mut head, up_to);
                head.put_u8(u8::from(also.is_some()));
                if let Some(Event { position, hash }) = also {
                    head.put_u64(*position);
                    head.extend_from_slice(hash.as_bytes());
                }
                MARK
            }
            Entry::Order { n, target, order } => {
                head.put_u64(*n);
                head.put_text(target);
                put_json(&mut head, order);
                match order.what {
                    Ordered::Skip { .. } => SKIPPED,
                    Ordered::Again { .. } => AGAIN,
                }
            }
            Entry::Target { n, target, seen } => {
                head.put_u64(*n);
                head.put_text(target);
                write_seen(&mut head, seen);
                TARGET
            }
            Entry::Named {
                pair,
                target,
                log,
                before,
            } => {
                head.put_u32(*pair);
                head.put_text(target);
                head.put_text(&log.source());
                head.put_u32(before.unwrap_or(NONE));
                NAMED
            }
        };
        (kind, head)
    }

    /// None for a head that is not one of its kind.
    pub fn read(head: Head<'_>) -> Option<Entry> {
        let mut from = Take(head.fields);
        let entry = match head.kind {
            MARK => Entry::Mark {
                n: from.u64()?,
                pair: from.u32()?,
                up_to: read_up_to(&mut from)?,
                also: match from.u8()? {
                    0 => None,
                    _ => Some(Event {
                        position: from.u64()?,
                        hash: Hash::from_bytes(from.array()?),
                    }),
                },
            },
            SKIPPED | AGAIN => Entry::Order {
                n: from.u64()?,
                target: from.text()?.into(),
                order: serde_json::from_str(from.text()?).ok()?,
            },
            TARGET => Entry::Target {
                n: from.u64()?,
                target: from.text()?.into(),
                seen: read_seen(&mut from)?,
            },
            NAMED => Entry::Named {
                pair: from.u32()?,
                target: from.text()?.into(),
                log: LogName::from_source(from.text()?).ok()?,
                before: Some(from.u32()?).filter(|before| *before != NONE),
            },
            _ => return None,
        };
        from.0.is_empty().then_some(entry)
    }

    /// The events of which this says that they were delivered.
    pub fn events(&self) -> impl Iterator<Item = (u32, Event)> {
        let said = match self {
            Entry::Mark {
                pair, up_to, also, ..
            } => {
                let position = up_to.position;
                let head = up_to.hash.map(|hash| Event { position, hash });
                Some((*pair, [head, *also]))
            }
            Entry::Order { .. } | Entry::Target { .. } | Entry::Named { .. } => None,
        };
        let all = said.into_iter();
        all.flat_map(|(pair, events)| events.into_iter().flatten().map(move |event| (pair, event)))
    }
}

pub fn write_up_to(into: &mut Vec<u8>, up_to: &UpTo) {
    into.put_u64(up_to.position);
    into.put_u8(u8::from(up_to.hash.is_some()));
    if let Some(hash) = up_to.hash {
        into.extend_from_slice(hash.as_bytes());
    }
    let passed: Vec<(u64, u64)> = up_to.passed_over.clone().into();
    into.put_u32(u32::try_from(passed.len()).unwrap_or(u32::MAX));
    for (first, last) in passed {
        into.put_u64(first);
        into.put_u64(last);
    }
}

pub fn read_up_to(from: &mut Take<'_>) -> Option<UpTo> {
    let position = from.u64()?;
    let hash = match from.u8()? {
        0 => None,
        _ => Some(Hash::from_bytes(from.array()?)),
    };
    let mut passed = Vec::new();
    for _ in 0..from.u32()? {
        passed.push((from.u64()?, from.u64()?));
    }
    Some(UpTo {
        position,
        hash,
        passed_over: Ranges::try_from(passed).ok()?,
    })
}

pub fn put_json(into: &mut Vec<u8>, value: &impl Serialize) {
    into.put_text(&serde_json::to_string(value).expect("it is plain text"));
}

pub fn write_seen(into: &mut Vec<u8>, Seen { feed, to, file }: &Seen) {
    into.put_text(feed.as_str());
    into.put_text(to);
    put_json(into, file);
}

pub fn read_seen(from: &mut Take<'_>) -> Option<Seen> {
    let feed: FeedName = from.text()?.parse().ok()?;
    let to = from.text()?.into();
    let file = serde_json::from_str(from.text()?).ok()?;
    Some(Seen { feed, to, file })
}

/// The records of what was delivered, as their log asks for them.
pub struct Marks;

impl Kinds for Marks {
    type State = State;
    const KNOWN: u64 = 1 << MARK | 1 << SKIPPED | 1 << AGAIN | 1 << TARGET | 1 << NAMED;

    fn read_state(bytes: &[u8]) -> Option<State> {
        State::read(bytes)
    }

    fn write_state(state: &State, into: &mut Vec<u8>) {
        state.write(into);
    }

    fn fold(state: &mut State, head: Head<'_>) -> Result<(), Unreadable> {
        let entry = Entry::read(head).ok_or(Unreadable)?;
        state.take(entry).ok_or(Unreadable)
    }

    fn keys(head: Head<'_>, to: &mut Keys) {
        let entry = Entry::read(head).into_iter();
        for (pair, event) in entry.flat_map(|entry| entry.events().collect::<Vec<_>>()) {
            to.at(Section::Own, pair, event.position);
        }
    }
}
