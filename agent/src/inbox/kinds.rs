//! The records of the inbox: an entry comes in, a kind and a head go out, and back; and under which keys each is found. What they say together is
//! told by the state; what a record's bytes are, an event or a text, is not looked at here.
//!
//! | kind | says | its bytes |
//! |---|---|---|
//! | KEPT | an event stands at its position; it has arrived, or is parked (arrival 0) | the event |
//! | ARRIVED | what was parked has arrived | |
//! | DECLARED | a gap that the office has declared | |
//! | BRANCH | another event for a position; it may have been parked there | the event |
//! | ASIDE, NOT_ASIDE | an event that is not believed; it is no longer waited for | the event; none |
//! | CURSOR | where the reader of a feed's stream stands: the last of a batch | |
//! | LOG | what the events of a log do not say | |
//! | NUMBERS | no arrival gets a lower number from here on | |
//! | ALARM | something that a person must know of | its text |
//! | NAMED | the number of a feed or a log, given once | |

mod heads;

use schemas::event::Hash;

use super::Cursor;
use super::state::State;
use crate::store::log::{Head, Keys, Kinds, Section, Unreadable};
pub use heads::{put_said, take_hash, take_said};

pub const KEPT: u8 = 16;
pub const ARRIVED: u8 = 17;
pub const DECLARED: u8 = 18;
pub const BRANCH: u8 = 19;
pub const ASIDE: u8 = 20;
pub const NOT_ASIDE: u8 = 21;
pub const CURSOR: u8 = 22;
pub const LOG: u8 = 23;
// 24 is what a horizon will have taken.
pub const NUMBERS: u8 = 25;
pub const ALARM: u8 = 48;
pub const NAMED: u8 = 62;

/// What is said of an event that has arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// It is data, and the first of its id.
    pub const FOR_APPLICATIONS: Flags = Flags(1);
    /// It came behind what followed it.
    pub const LATE: Flags = Flags(2);
    /// It fills its position, and is not believed.
    pub const UNBELIEVED: Flags = Flags(4);
    /// Its id is found here.
    pub const FIRST_OF_ID: Flags = Flags(8);

    pub fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 == flag.0
    }

    pub fn with(self, flag: Flags, is: bool) -> Flags {
        Flags(if is { self.0 | flag.0 } else { self.0 })
    }
}

/// A position of a log, by the numbers of feed and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub feed: u32,
    pub log: u32,
    pub position: u64,
}

/// Which event, and how many bytes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    pub log: u32,
    pub position: u64,
    pub hash: Hash,
    pub size: u64,
}

/// What the events of a log do not say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfLogSaid {
    pub complete: u64,
    pub hash: Hash,
    pub known: u64,
    pub left_behind: bool,
    pub confirmed: u64,
    pub on_branch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Feed,
    /// Its name is its source.
    Log,
}

/// An event that is held, as its own record and that of its arrival tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    pub at: At,
    pub hash: Hash,
    /// 0: it is parked.
    pub arrival: u64,
    pub flags: Flags,
    pub size: u64,
    pub id: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    Kept {
        event: Event<'a>,
        prev: Hash,
    },
    Arrived(Event<'a>),
    Declared {
        log: u32,
        first: u64,
        last: u64,
        hash: Hash,
    },
    Branch {
        which: Which,
        was_parked: bool,
    },
    Aside(Which),
    NotAside(Which),
    Cursor {
        feed: u32,
        cursor: Cursor,
    },
    Log {
        log: u32,
        said: OfLogSaid,
    },
    Numbers {
        least: u64,
    },
    Alarm {
        number: u64,
        at_ms: u64,
        code: &'a str,
    },
    Named {
        what: Named,
        number: u32,
        name: &'a str,
    },
}

/// The records of the inbox, as its log asks for them.
pub struct Records;

impl Kinds for Records {
    type State = State;
    const KNOWN: u64 = 1 << KEPT
        | 1 << ARRIVED
        | 1 << DECLARED
        | 1 << BRANCH
        | 1 << ASIDE
        | 1 << NOT_ASIDE
        | 1 << CURSOR
        | 1 << LOG
        | 1 << NUMBERS
        | 1 << ALARM
        | 1 << NAMED;

    fn read_state(bytes: &[u8]) -> Option<State> {
        State::read(bytes)
    }

    fn write_state(state: &State, into: &mut Vec<u8>) {
        state.write(into);
    }

    fn fold(state: &mut State, head: Head<'_>) -> Result<(), Unreadable> {
        let entry = Entry::read(head).ok_or(Unreadable)?;
        state.take(&entry).ok_or(Unreadable)
    }

    fn keys(head: Head<'_>, to: &mut Keys) {
        let Some(entry) = Entry::read(head) else {
            return;
        };
        match entry {
            Entry::Kept { event, .. } | Entry::Arrived(event) => {
                let Event {
                    at,
                    arrival,
                    flags,
                    id,
                    ..
                } = event;
                to.at(Section::Own, at.log, at.position);
                if arrival > 0 {
                    to.at(Section::Arrivals, at.feed, arrival);
                }
                if flags.has(Flags::FIRST_OF_ID) {
                    to.id(&[&at.log.to_le_bytes(), id.as_bytes()]);
                }
                if flags.has(Flags::UNBELIEVED) {
                    to.table();
                }
            }
            Entry::Declared { .. }
            | Entry::Branch { .. }
            | Entry::Aside(_)
            | Entry::NotAside(_)
            | Entry::Alarm { .. } => to.table(),
            Entry::Cursor { .. }
            | Entry::Log { .. }
            | Entry::Numbers { .. }
            | Entry::Named { .. } => {}
        }
    }
}
