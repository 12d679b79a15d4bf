//! A room small enough to be seen through: things wait, are done, are noted. It has what the real ones have: a unit of two, a table, a record
//! that shrinks, a successor search.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::fields::{Put as _, Take};
use super::super::{
    Fate, Head, Identity, Keys, Kinds, Log, Opened, Place, Room, Section, Sizes, Unreadable,
};

/// Waits under (of, number), with an id and bytes.
pub const PUT: u8 = 1;
/// What waited is done, and so is its PUT.
pub const DONE: u8 = 2;
/// A receipt at (of, number).
pub const RECEIPT: u8 = 3;
/// Fills a table; a later one of the same `of` replaces it.
pub const NOTE: u8 = 4;
/// What is left of what was done: its id.
pub const REMAINS: u8 = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub waiting: BTreeSet<(u32, u64)>,
    pub done: u64,
    /// The value of the last note of each.
    pub notes: BTreeMap<u32, u64>,
}

pub struct Toy;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    pub of: u32,
    pub number: u64,
    pub id: &'a str,
}

pub fn head(of: u32, number: u64, id: &str) -> Vec<u8> {
    let mut head = Vec::new();
    head.put_u32(of);
    head.put_u64(number);
    head.put_text(id);
    head
}

pub fn named(head: Head<'_>) -> Option<Named<'_>> {
    let mut take = Take(head.fields);
    let (of, number, id) = (take.u32()?, take.u64()?, take.text()?);
    Some(Named { of, number, id })
}

impl Kinds for Toy {
    type State = State;
    const KNOWN: u64 = 1 << PUT | 1 << DONE | 1 << RECEIPT | 1 << NOTE | 1 << REMAINS;

    fn read_state(bytes: &[u8]) -> Option<State> {
        let mut take = Take(bytes);
        let mut state = State {
            done: take.u64()?,
            ..State::default()
        };
        for _ in 0..take.u32()? {
            state.waiting.insert((take.u32()?, take.u64()?));
        }
        for _ in 0..take.u32()? {
            state.notes.insert(take.u32()?, take.u64()?);
        }
        take.0.is_empty().then_some(state)
    }

    fn write_state(state: &State, into: &mut Vec<u8>) {
        into.put_u64(state.done);
        into.put_u32(u32::try_from(state.waiting.len()).expect("few"));
        for (of, number) in &state.waiting {
            into.put_u32(*of);
            into.put_u64(*number);
        }
        into.put_u32(u32::try_from(state.notes.len()).expect("few"));
        for (of, number) in &state.notes {
            into.put_u32(*of);
            into.put_u64(*number);
        }
    }

    fn fold(state: &mut State, head: Head<'_>) -> Result<(), Unreadable> {
        let Named { of, number, .. } = named(head).ok_or(Unreadable)?;
        match head.kind {
            PUT => {
                state.waiting.insert((of, number));
            }
            DONE => state.done += u64::from(state.waiting.remove(&(of, number))),
            NOTE => {
                state.notes.insert(of, number);
            }
            _ => {}
        }
        Ok(())
    }

    fn keys(head: Head<'_>, to: &mut Keys) {
        let Some(Named { of, number, id }) = named(head) else {
            return;
        };
        match head.kind {
            PUT => {
                to.at(Section::Line, of, number);
                to.id(&[id.as_bytes()]);
            }
            REMAINS => to.id(&[id.as_bytes()]),
            RECEIPT => to.at(Section::Receipts, of, number),
            NOTE => to.table(),
            _ => {}
        }
    }
}

/// What is done shrinks to its id; what said so, and notes that were replaced, go.
pub fn fate(state: &State, _: Place, head: Head<'_>) -> Fate {
    let Some(Named { of, number, .. }) = named(head) else {
        return Fate::Lives;
    };
    match head.kind {
        PUT if !state.waiting.contains(&(of, number)) => Fate::Shrinks {
            kind: REMAINS,
            head: head.fields.to_vec(),
            bytes: Vec::new(),
        },
        DONE => Fate::Dead,
        NOTE if state.notes.get(&of) != Some(&number) => Fate::Dead,
        _ => Fate::Lives,
    }
}

pub const WHO: Identity = Identity {
    office: [1; 32],
    authority: [2; 32],
    room: Room::Outbox,
};
pub const SIZES: Sizes = Sizes {
    segment_bytes: 4 * 1024,
};

pub fn open(dir: &Path) -> (Log<Toy>, Opened) {
    Log::open(dir, &WHO, None, SIZES).expect("opens")
}

/// A unit of one record.
pub fn stage(log: &mut Log<Toy>, kind: u8, of: u32, number: u64, bytes: &[u8]) -> Place {
    let head = head(of, number, &id(of, number));
    log.unit().record(kind, &head, bytes).expect("fits")
}

pub fn id(of: u32, number: u64) -> String {
    format!("{of}-{number}")
}
