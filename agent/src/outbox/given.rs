//! What the outbox is given and what it gives: submissions, answers, events in line, settled, put back, refused.
//! Plain values; nothing is decided here.

use bytes::Bytes;
use schemas::envelope::nats;
use schemas::event::{Hash, Position};
use schemas::limits::MESSAGE_BYTES_MAX;
use schemas::receipt::VerifiedReceipt;
use schemas::signing::SignedEvent;
use schemas::subject::FeedName;

use crate::store::Outage;
use crate::submit::ValidEvent;

/// How far an event has come, by what is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In line.
    Accepted,
    /// On the bus, at this position.
    Settled { position: Position },
    /// In the tray, until corrected.
    Refused,
    /// The disk lost its bytes before it was sent; submitting it again heals it.
    Lost,
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub stage: Stage,
    /// Its place in line; 0 where it never was in line.
    pub number: u64,
    /// When it was accepted.
    pub at_ms: u64,
    /// Of the submission; None for an event that was taken back from the bus.
    pub content: Option<Hash>,
    /// SHA-256 of the data's bytes.
    pub data: Hash,
    /// Of the submitter's idempotency key.
    pub key: Option<Hash>,
}

/// An event in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at_ms: u64,
    pub id: String,
    pub refusal: String,
}

/// The last event of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnHead {
    pub position: Position,
    pub hash: Hash,
}

/// A valid event, as it is given to the outbox; there is no other way to make one.
#[derive(Debug, Clone)]
pub struct Submission {
    pub(crate) feed: FeedName,
    pub(crate) id: String,
    /// Of the submitter's idempotency key.
    pub(crate) key: Option<Hash>,
    /// Of what the submitter said, before anything was filled in: says whether two submissions are the same.
    pub(crate) content: Hash,
    /// SHA-256 of the data's bytes.
    pub(crate) data: Hash,
    /// The event, not yet numbered, in its stored encoding.
    pub(crate) bytes: Bytes,
}

impl Submission {
    /// `key` is the submitter's idempotency key.
    pub fn of(valid: &ValidEvent, key: Option<&str>) -> Submission {
        let event = valid.event();
        Submission {
            feed: event.log().feed.clone(),
            id: event.id().into(),
            key: key.map(|key| Hash::of(key.as_bytes())),
            content: valid.content(),
            data: Hash::of(event.data()),
            bytes: nats::stored_unsigned(event),
        }
    }

    /// How large it is as it is stored.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

/// The event is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The first submitter's, when the idempotency key was used before.
    pub id: String,
    pub stage: Stage,
    /// It was accepted before, with the same content.
    pub again: bool,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    #[error("the id {id} was used for other content")]
    IdTaken { id: String },
    #[error("the disk budget is used up: {used} of {budget} bytes")]
    DiskBudget { used: u64, budget: u64 },
    #[error("the disk itself is full")]
    DiskFull,
    #[error("the event is larger than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    #[error(transparent)]
    Outage(#[from] Outage),
}

/// An event in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in its feed's line.
    pub number: u64,
    pub id: String,
    pub at_ms: u64,
    pub bytes: Bytes,
}

/// A signed event that is on the bus.
#[derive(Debug, Clone)]
pub struct Settled {
    pub id: String,
    pub position: Position,
    pub hash: Hash,
    /// SHA-256 of the data's bytes.
    pub data: Hash,
    /// The signed event in its stored encoding.
    pub bytes: Bytes,
}

impl Settled {
    pub fn of(event: &SignedEvent) -> Settled {
        Settled {
            id: event.id().into(),
            position: event.link().position,
            hash: event.hash(),
            data: Hash::of(event.event().data()),
            bytes: nats::stored(event),
        }
    }
}

/// Whether events that are taken back are to be told of on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    Due,
    /// Several agents write this log, and take back each other's events.
    NotDue,
}

/// Events that a receipt covers: only these are settled.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub(super) events: Vec<Settled>,
    /// In the order of the log; the last one covers all of it.
    pub(super) receipts: Vec<VerifiedReceipt>,
}

impl Vouched {
    /// The receipt is for the last of these events, or for one behind it.
    pub fn by(receipt: VerifiedReceipt, events: Vec<Settled>) -> Vouched {
        Vouched {
            events,
            receipts: vec![receipt],
        }
    }

    /// These, and what comes behind them.
    pub fn and(&mut self, behind: Vouched) {
        self.events.extend(behind.events);
        self.receipts.extend(behind.receipts);
    }

    /// What the gateways signed.
    pub fn receipts(&self) -> &[VerifiedReceipt] {
        &self.receipts
    }

    /// How many events are settled by it.
    pub fn events(&self) -> usize {
        self.events.len()
    }
}

/// For the stores' tests, which are about what is settled already.
#[cfg(test)]
impl From<Vec<Settled>> for Vouched {
    fn from(events: Vec<Settled>) -> Vouched {
        let receipts = Vec::new();
        Vouched { events, receipts }
    }
}

/// An event of the own log that can no longer stand where it stood, to be numbered anew.
#[derive(Debug, Clone)]
pub struct PutBack {
    pub position: Position,
    pub hash: Hash,
    /// As it stood there, in its stored encoding.
    pub signed: Bytes,
    pub id: String,
    pub data: Hash,
    /// The event without its number, in its stored encoding.
    pub bytes: Bytes,
}

impl PutBack {
    pub fn of(event: &SignedEvent) -> PutBack {
        PutBack {
            position: event.link().position,
            hash: event.hash(),
            signed: nats::stored(event),
            id: event.id().into(),
            data: Hash::of(event.event().data()),
            bytes: nats::stored_unsigned(event.event()),
        }
    }
}

/// A refused event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTray {
    pub feed: FeedName,
    pub number: u64,
    pub entry: Entry,
}
