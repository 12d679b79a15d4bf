//! A run: signed events of one log come in, one frame's body goes out that holds only what its reader cannot derive, and back. Both ends go
//! in step, a context for each log. What is read are the events that were sent, or nothing: it is never a fault of an event that a run
//! could not be read.

mod read;
mod write;

use super::field::Malformed;
use super::squeeze::{History, NotSqueezed};
use crate::chain::Head;
use crate::event::{Classification, Timestamp};
use crate::signing::SignedEvent;
use crate::subject::LogName;

pub use self::read::{Reader, Size};
pub use self::write::{Packed, Writer};

/// What a run says of itself, in bits.
const FRESH: u8 = 1;
const FOLLOWS: u8 = 2;
const ALIKE: u8 = 4;

/// Bytes of the last event's hash that a run carries: by the chain they vouch for all of it.
const CHECK_BYTES: usize = 4;

/// Why a run was not read. Its sender says its events in full, and nothing is known against them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("it {0}")]
    Malformed(#[from] Malformed),
    #[error("it {0}")]
    NotSqueezed(#[from] NotSqueezed),
    #[error("it goes on behind something that is not known here")]
    NoContext,
    #[error("event {0} of it is not well formed")]
    Event(usize),
    #[error("its events are not those that were packed")]
    Check,
}

/// What both ends know of one log: what was sent last. It says nothing of what became of that.
#[derive(Debug, Clone)]
struct Context {
    log: LogName,
    kind: Kind,
    head: Head,
    recorded: Timestamp,
    history: History,
}

/// What all events of a run have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    keyid: String,
    event_type: String,
    data_schema: String,
    data_content_type: String,
    classification: Classification,
    /// The places of the words by which ids of sheets are made.
    key: Vec<String>,
}

impl Kind {
    fn of(event: &SignedEvent, key: &[String]) -> Kind {
        let core = event.event().core();
        Kind {
            keyid: event.keyid().to_owned(),
            event_type: core.event_type.clone(),
            data_schema: core.data_schema.clone(),
            data_content_type: core.data_content_type.clone(),
            classification: core.data_classification,
            key: key.to_vec(),
        }
    }

    /// Whether an event is of this kind; its key was seen to be.
    fn is_of(&self, event: &SignedEvent) -> bool {
        let core = event.event().core();
        self.keyid == event.keyid()
            && self.event_type == core.event_type
            && self.data_schema == core.data_schema
            && self.data_content_type == core.data_content_type
            && self.classification == core.data_classification
    }
}

/// The classes as they are written.
const CLASSES: [Classification; 4] = [
    Classification::Public,
    Classification::Internal,
    Classification::Confidential,
    Classification::Restricted,
];

#[cfg(test)]
mod tests;
