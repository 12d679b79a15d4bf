//! What is known of consumers whose pulls wait: what each may still bring, and when it gave a sign of life. No clock and no lock here.

use std::time::Duration;

use tokio::time::Instant;

use crate::wire::Subject;

/// What waits for one consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub name: Box<str>,
    /// Messages that its pulls may still bring, all together: nats-server chooses which of them a message counts for.
    pub wanted: u64,
    /// How many it had delivered with the last of them.
    pub delivered: u64,
    /// When it last gave a sign of life, in time listened.
    pub heard: Duration,
    pub waiting: Vec<Waiting>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub reply: Subject,
    pub batch: u64,
    /// By when it has ended, whatever the broker said of it.
    pub until: Instant,
    pub heartbeats: Heartbeats,
}

/// Who asked for a pull's heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heartbeats {
    Gateway,
    /// They are let through, and the client notices itself when they miss.
    Client,
}

/// A pull that waits in vain, and what it would still bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InVain {
    pub consumer: Box<str>,
    pub reply: Subject,
    pub pending: u64,
}

impl Consumer {
    pub fn waits(&self) -> bool {
        self.wanted > 0 && !self.waiting.is_empty()
    }

    pub fn is_watched(&self) -> bool {
        let by_gateway = |one: &Waiting| one.heartbeats == Heartbeats::Gateway;
        self.waiting.iter().any(by_gateway)
    }

    /// Whoever asked for heartbeats notices by itself.
    pub fn in_vain(self) -> impl Iterator<Item = InVain> {
        let Consumer {
            name,
            mut wanted,
            waiting,
            ..
        } = self;
        let watched = waiting
            .into_iter()
            .filter(|one| one.heartbeats == Heartbeats::Gateway);
        watched.map(move |one| {
            let pending = wanted.min(one.batch);
            wanted = wanted.saturating_sub(pending);
            InVain {
                consumer: name.clone(),
                reply: one.reply,
                pending,
            }
        })
    }
}

impl Waiting {
    pub fn is_at(&self, reply: &[u8]) -> bool {
        self.reply.as_str().as_bytes() == reply
    }
}

/// Whose delivery it is, as `<feed>.<consumer>`, and which: `$JS.ACK[.<domain>.<account>].<feed>.<consumer>.<times>.<stream
/// sequence>.<consumer sequence>.<time>.<pending>[.<token>]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub consumer: String,
    pub delivered: u64,
}

impl Place {
    pub fn read(reply: &[u8]) -> Option<Place> {
        let text = std::str::from_utf8(reply).ok()?;
        let rest = text.strip_prefix("$JS.ACK.")?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let (feed, consumer, delivered) = match tokens.as_slice() {
            [feed, consumer, _, _, delivered, _, _] => (feed, consumer, delivered),
            [_, _, feed, consumer, _, _, delivered, _, _, ..] => (feed, consumer, delivered),
            _ => return None,
        };
        Some(Place {
            consumer: format!("{feed}.{consumer}"),
            delivered: delivered.parse().ok()?,
        })
    }
}
