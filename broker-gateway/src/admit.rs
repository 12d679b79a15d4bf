//! A permit and a run in, Admitted out: size, envelope, signer, signature, chain, contract.

use bytes::Bytes;

use crate::acl::PublishPermit;
use crate::peer::Peer;
use crate::refuse::Answered;
use crate::wire::Subject;

/// One event as its sender wrote it.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The header block, its version line included; empty if none was sent.
    pub headers: Bytes,
    pub payload: Bytes,
    /// Where the answer goes: a subject inside the peer's own inbox.
    pub reply: Option<Subject>,
}

impl RawEvent {
    /// What it occupies while it waits for its answer.
    pub fn bytes(&self) -> usize {
        self.headers.len() + self.payload.len()
    }
}

/// Consecutive publishes of one session to one log, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Submission {
    pub peer: Peer,
    pub permit: PublishPermit,
    pub events: Vec<RawEvent>,
}

/// What became of a submission. Each of its events, named by its place in it, is in exactly one of the two.
#[derive(Debug, Default)]
pub struct Judged {
    /// In the order in which they are to be stored.
    pub admitted: Vec<Admitted>,
    pub answered: Vec<Answered>,
}

/// A run that may be stored; made only here.
#[derive(Debug)]
pub struct Admitted {
    places: Vec<usize>,
}

impl Admitted {
    /// The places of its events in their submission.
    pub fn places(&self) -> &[usize] {
        &self.places
    }
}

/// The checks that need no broker: compiled contracts and what else is worth keeping between submissions.
#[derive(Debug, Default)]
pub struct Admission {}

impl Admission {
    pub fn new() -> Admission {
        Admission::default()
    }

    /// Checks a submission against the registry that its permit was made by.
    pub fn admit(&self, submission: Submission) -> Judged {
        let _ = submission;
        Judged::default()
    }
}
