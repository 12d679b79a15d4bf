//! Answers come in, the bodies that a client reads on its reply subject go out. A stored event is answered as a PubAck, all
//! else in the error shape of JetStream's API, so that every stock client sees it. The bodies are kept as golden files.

use schemas::refusal::{Hold, Refusal};
use schemas::subject::FeedName;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `seq` is the stream's; `duplicate`, if the event stood at its position already.
    Stored {
        stream: FeedName,
        seq: u64,
        duplicate: bool,
    },
    Refused(Refusal),
    Held(Hold),
}

/// One event's answer, and what the audit says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The event's place in its submission, from 0.
    pub place: usize,
    pub answer: Answer,
    /// As far as the event could be read.
    pub id: Option<String>,
    pub position: Option<u64>,
}

/// A no: final, or for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    Refused(Refusal),
    Held(Hold),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        No::Refused(refusal)
    }
}

impl From<Hold> for No {
    fn from(hold: Hold) -> No {
        No::Held(hold)
    }
}
