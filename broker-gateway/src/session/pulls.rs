//! A session's pulls come in while they wait at the broker, those that wait in vain go out: the server that held their consumer is
//! gone, and none is left to say so. The broker is asked for heartbeats; a client that did not ask for them gets none, for they
//! would cost a slow line more than its events.

mod listening;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use self::listening::Listening;
use crate::limits::{PULL_HEARTBEAT, PULL_SILENCE_MAX, PULLS_WATCHED_MAX};
use crate::request::Pull;
use crate::wire::{Delivery, Subject};

/// What nats-server says when the next message does not fit into a pull's bytes any more.
const FULL: &[u8] = b"NATS/1.0 409 Message Size Exceeds MaxBytes";

/// What it says of a pull that is bounded in bytes when all its messages came, or are about to.
const COMPLETED: &[u8] = b"NATS/1.0 409 Batch Completed";

/// The pulls of one session that are watched.
#[derive(Debug, Default)]
pub struct Pulls {
    table: Mutex<Table>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct Table {
    consumers: Vec<Consumer>,
    listening: Listening,
    /// Where pulls are answered whose bytes were bounded here, the last ones.
    bounded: VecDeque<Subject>,
}

/// What waits for one consumer.
#[derive(Debug)]
struct Consumer {
    name: Box<str>,
    /// Messages that its pulls may still bring, all together: nats-server chooses which of them a message counts for.
    wanted: u64,
    /// How many it had delivered with the last of them.
    delivered: u64,
    /// When it last gave a sign of life, in time listened.
    heard: Duration,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    reply: Subject,
    batch: u64,
    /// By when it has ended, whatever the broker said of it.
    until: Instant,
    heartbeats: Heartbeats,
}

/// Who asked for a pull's heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heartbeats {
    Gateway,
    /// They are let through, and the client notices itself when they miss.
    Client,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passes {
    On,
    /// A heartbeat that no client asked for, or a word on bytes that it did not bound.
    NoFurther,
    /// The pull has brought as many bytes as the gateway lets it: to its client it has come to its end.
    Ended {
        reply: Subject,
        pending: u64,
    },
}

/// A pull that waits in vain, and what it would still bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InVain {
    pub consumer: Box<str>,
    pub reply: Subject,
    pub pending: u64,
}

impl Pulls {
    /// Watches a pull that waits for long enough to be worth it; returns the body with which it is sent.
    pub fn ask(&self, pull: &Pull, reply: &Subject) -> Bytes {
        self.lock().bound(pull, reply);
        let heartbeats = match pull.wait() {
            _ if pull.has_heartbeats() => Heartbeats::Client,
            Some(wait) if wait >= PULL_SILENCE_MAX * 2 => Heartbeats::Gateway,
            Some(_) | None => return pull.body(),
        };
        let waiting = Waiting {
            reply: reply.clone(),
            batch: pull.batch(),
            until: Instant::now() + pull.wait().unwrap_or_default() + PULL_SILENCE_MAX,
            heartbeats,
        };
        let watched = self.lock().watch(pull.consumer(), waiting);
        self.asked.notify_one();
        match (watched, heartbeats) {
            (Some(()), Heartbeats::Gateway) => pull.body_with_heartbeats(PULL_HEARTBEAT),
            (Some(()), Heartbeats::Client) | (None, _) => pull.body(),
        }
    }

    /// Waits for what the broker says next. Silence counts only here: what the broker said while the client's line was full
    /// lies ready, and is taken first.
    ///
    /// # Errors
    /// Pulls whose consumer was silent for too long; they wait no longer. Where the client does not listen any more, nothing can be
    /// heard either, and nobody waits.
    pub async fn listen<T>(
        &self,
        next: impl Future<Output = T>,
        is_heard: impl Fn(&Subject) -> bool,
    ) -> Result<T, Vec<InVain>> {
        self.lock().listening.begin();
        let heard = tokio::select! {
            biased;
            heard = next => Ok(heard),
            in_vain = self.in_vain(is_heard) => Err(in_vain),
        };
        self.lock().listening.end();
        heard
    }

    /// Takes note of what the broker delivers.
    pub fn hear(&self, delivery: &Delivery) -> Passes {
        let mut table = self.lock();
        match (delivery.status(), delivery.reply().and_then(Place::read)) {
            (Some(100), _) => table.hear_heartbeat(delivery.subject()),
            (Some(_), _) => {
                let pending = pending(&delivery.body());
                table.end(delivery.subject(), pending);
                table.pass_end(delivery, pending.unwrap_or(0))
            }
            (None, Some(place)) => {
                table.hear_message(&place);
                Passes::On
            }
            (None, None) => Passes::On,
        }
    }

    async fn in_vain(&self, is_heard: impl Fn(&Subject) -> bool) -> Vec<InVain> {
        loop {
            let wait = self.lock().silence_left();
            match wait {
                None => self.asked.notified().await,
                Some(Duration::ZERO) => {
                    let silent = self.lock().take_silent(&is_heard);
                    if !silent.is_empty() {
                        return silent;
                    }
                }
                Some(left) => sleep(left).await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Whoever panicked with the lock left a whole table behind: at worst a pull is watched for too long.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Takes note of whether the client or the gateway says how many bytes a pull may bring.
    fn bound(&mut self, pull: &Pull, reply: &Subject) {
        self.bounded.retain(|known| known != reply);
        if !pull.is_bounded() {
            self.bounded.push_back(reply.clone());
        }
        if self.bounded.len() > PULLS_WATCHED_MAX {
            self.bounded.pop_front();
        }
    }

    /// Of a bound on bytes that the gateway set, its client hears nothing: some would take it for a failure of their next pull.
    fn pass_end(&self, end: &Delivery, pending: u64) -> Passes {
        let mut bounded = self.bounded.iter();
        let reply = bounded.find(|one| one.as_str().as_bytes() == end.subject());
        match reply {
            Some(reply) if end.body().starts_with(FULL) => Passes::Ended {
                reply: reply.clone(),
                pending,
            },
            Some(_) if end.body().starts_with(COMPLETED) => Passes::NoFurther,
            Some(_) | None => Passes::On,
        }
    }

    /// None: there are too many. Then nobody's heartbeats are kept on this reply, as the client may have asked for some.
    fn watch(&mut self, name: &str, waiting: Waiting) -> Option<()> {
        let now = Instant::now();
        self.retain(|known| known.until > now);
        let count: usize = self.consumers.iter().map(|one| one.waiting.len()).sum();
        if count >= PULLS_WATCHED_MAX {
            self.retain(|known| known.reply != waiting.reply);
            return None;
        }
        let heard = self.listening.time();
        let known = self.consumers.iter_mut().find(|one| *one.name == *name);
        match known {
            Some(consumer) => {
                consumer.wanted = consumer.wanted.saturating_add(waiting.batch);
                consumer.waiting.push(waiting);
            }
            None => self.consumers.push(Consumer {
                name: name.into(),
                wanted: waiting.batch,
                delivered: 0,
                heard,
                waiting: vec![waiting],
            }),
        }
        Some(())
    }

    fn retain(&mut self, stays: impl Fn(&Waiting) -> bool) {
        for consumer in &mut self.consumers {
            let wanted = &mut consumer.wanted;
            consumer.waiting.retain(|waiting| {
                let stays = stays(waiting);
                if !stays {
                    *wanted = wanted.saturating_sub(waiting.batch);
                }
                stays
            });
        }
        self.consumers.retain(Consumer::waits);
    }

    /// A client with two subscriptions that match gets a message twice, and the pull has brought one.
    fn hear_message(&mut self, place: &Place) {
        let heard = self.listening.time();
        let mut consumers = self.consumers.iter_mut();
        if let Some(consumer) = consumers.find(|one| *one.name == *place.consumer) {
            consumer.heard = heard;
            if place.delivered > consumer.delivered {
                consumer.delivered = place.delivered;
                consumer.wanted = consumer.wanted.saturating_sub(1);
            }
        }
        self.consumers.retain(Consumer::waits);
    }

    fn hear_heartbeat(&mut self, reply: &[u8]) -> Passes {
        let heard = self.listening.time();
        let mut passes = Passes::On;
        for consumer in &mut self.consumers {
            let mut here = consumer.waiting.iter().filter(|one| one.is_at(reply));
            if let Some(first) = here.next() {
                consumer.heard = heard;
                let mut all = std::iter::once(first).chain(here);
                if all.all(|one| one.heartbeats == Heartbeats::Gateway) {
                    passes = Passes::NoFurther;
                }
            }
        }
        passes
    }

    /// The broker has ended a pull, which would have brought so many more.
    fn end(&mut self, reply: &[u8], pending: Option<u64>) {
        for consumer in &mut self.consumers {
            let at = consumer.waiting.iter().position(|one| one.is_at(reply));
            if let Some(at) = at {
                let ended = consumer.waiting.remove(at);
                let pending = pending.unwrap_or(ended.batch);
                consumer.wanted = consumer.wanted.saturating_sub(pending);
                break;
            }
        }
        self.consumers.retain(Consumer::waits);
    }

    /// How much longer the one that has been silent for longest may be silent.
    fn silence_left(&self) -> Option<Duration> {
        let now = self.listening.time();
        let watched = self.consumers.iter().filter(|one| one.is_watched());
        let left = watched.map(|one| (one.heard + PULL_SILENCE_MAX).saturating_sub(now));
        left.min()
    }

    fn take_silent(&mut self, is_heard: impl Fn(&Subject) -> bool) -> Vec<InVain> {
        self.retain(|waiting| is_heard(&waiting.reply));
        let now = self.listening.time();
        let silent = |one: &mut Consumer| one.is_watched() && one.heard + PULL_SILENCE_MAX <= now;
        let silent = self.consumers.extract_if(.., silent);
        silent.flat_map(Consumer::in_vain).collect()
    }
}

impl Consumer {
    fn waits(&self) -> bool {
        self.wanted > 0 && !self.waiting.is_empty()
    }

    fn is_watched(&self) -> bool {
        let by_gateway = |one: &Waiting| one.heartbeats == Heartbeats::Gateway;
        self.waiting.iter().any(by_gateway)
    }

    /// Whoever asked for heartbeats notices by itself.
    fn in_vain(self) -> impl Iterator<Item = InVain> {
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
    fn is_at(&self, reply: &[u8]) -> bool {
        self.reply.as_str().as_bytes() == reply
    }
}

/// Whose delivery it is, as `<feed>.<consumer>`, and which: `$JS.ACK[.<domain>.<account>].<feed>.<consumer>.<times>.<stream
/// sequence>.<consumer sequence>.<time>.<pending>[.<token>]`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    consumer: String,
    delivered: u64,
}

impl Place {
    fn read(reply: &[u8]) -> Option<Place> {
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

/// How many messages a pull that has ended would still have brought.
fn pending(status: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(status).ok()?;
    let mut lines = text.lines();
    let number = lines.find_map(|line| line.strip_prefix("Nats-Pending-Messages: "))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests;
