//! A log: records come in as units, they are on disk when `commit` returns; every record is found again by its keys, and at a start the small
//! state is what it was. Never known here: what a record means. That is a room's `Kinds`.
//!
//! ```text
//!            unit, unit ...                      seal                        write anew
//!   room ──────────────────► active segment ──────────────► sealed segments ────────────► fewer, smaller ones
//!                            places in memory               hint beside each              same order, same keys
//! ```
//! The records are the only truth, and their order is the only order. After a crash a log is the fold over a prefix of its units; `sync` says
//! how long that is at least. Hints are made from records, whenever one is missing or not good. Files: [`segment`] (header), [`record`],
//! [`hint`]; the moments at which a crash may find them: [`steps`].
//!
//! Who owns a `Log` is its one writer; `Reading` is for everybody else, in any thread.

pub mod fields;
pub mod limits;
mod hash;
mod record;
mod segment;
mod walk;
mod keys;
mod filter;
mod hint;
mod active;
mod view;
pub mod read;
mod commit;
mod roll;
mod survey;
mod fold;
mod open;
mod clean;
mod check;
pub mod steps;

pub use self::check::{Checked, check};
pub use self::clean::{Cleaned, Cleaning, Fate};
pub use self::commit::{CommitError, Log, Unfit, Unit};
pub use self::hint::{OfKind, Run};
pub use self::keys::{Key, Keys, Section};
pub use self::open::{Opened, Reached, Repair};
pub use self::read::{Looked, Reading, Weight};
pub use self::record::{Head, Missing, OwnedHead, Place, Record, STATE};
pub use self::segment::{Identity, Mark, Room};

/// What a room teaches its log about its records. All of it is pure: the same answer for the same record, whenever it is asked.
pub trait Kinds: Send + Sync + 'static {
    /// What the room knows of all records so far: counts, intervals, heads. It is small, whatever is stored; places do not belong into it.
    type State: Clone + Default + Send + 'static;

    /// Bit n is set where kind n is known; kinds are below 63. A good record of another kind is a newer version's.
    const KNOWN: u64;

    /// None where no version of this code has written it.
    fn read_state(bytes: &[u8]) -> Option<Self::State>;

    fn write_state(state: &Self::State, into: &mut Vec<u8>);

    /// What the state is after this record. It sees the head alone: an event whose bytes rot still waits, and is named.
    ///
    /// # Errors
    /// The head is not one of this kind; the state is as it was.
    fn fold(state: &mut Self::State, head: Head<'_>) -> Result<(), Unreadable>;

    /// Under what the record is found.
    fn keys(head: Head<'_>, to: &mut Keys);
}

/// A head that is not one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record's head does not read")]
pub struct Unreadable;

/// How large a log's files are.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A segment is sealed when it is this long, at most 64 MiB.
    pub segment_bytes: u32,
}

fn knows<K: Kinds>(kind: u8) -> bool {
    kind == STATE || kind < 63 && K::KNOWN >> kind & 1 == 1
}

#[cfg(test)]
pub mod tests;
