//! A session's pulls come in while they wait at the broker, those that wait in vain go out: the server that held their consumer is
//! gone, and none is left to say so. The broker is asked for heartbeats; a client that did not ask for them gets none, for they
//! would cost a slow line more than its events.

mod listening;
mod pieces;
mod status;
mod watched;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

use self::listening::Listening;
use self::pieces::{Next, Pieces};
use self::status::Status;
use self::watched::{Consumer, Heartbeats, Place, Waiting};
use super::subscriptions::Subscriptions;
use crate::account::Account;
use crate::limits::{PULL_HEARTBEAT, PULL_LOOK_INTERVAL, PULL_SILENCE_MAX, PULLS_WATCHED_MAX};
use crate::request::Pull;
use crate::wire::{Delivery, Subject};

pub use self::pieces::{NotAsked, Told};
pub use self::watched::InVain;

/// The pulls of one session.
#[derive(Debug)]
pub struct Pulls {
    table: Mutex<Table>,
    asked: Notify,
    /// A piece waits for room.
    short: Notify,
}

#[derive(Debug)]
struct Table {
    consumers: Vec<Consumer>,
    listening: Listening,
    pieces: Pieces,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passes {
    On,
    /// On to the client, which has not asked for it: a consumer pushes it.
    Pushed,
    /// A heartbeat that no client asked for, or a word on bytes that it did not bound.
    NoFurther,
    /// The pull goes on with this piece.
    GoesOn(Bytes),
    /// The pull has come to its end, which is told in these words.
    Ended {
        reply: Subject,
        told: Told,
    },
}

impl Pulls {
    /// With the session's room for what it has asked for and not taken.
    pub fn new(ahead: Arc<Semaphore>, account: &Account) -> Pulls {
        Pulls {
            table: Mutex::new(Table {
                consumers: Vec::new(),
                listening: Listening::default(),
                pieces: Pieces::new(ahead, account),
            }),
            asked: Notify::new(),
            short: Notify::new(),
        }
    }

    /// The first piece of a pull, as it is sent. One that waits for long enough to be worth it is watched.
    ///
    /// # Errors
    /// `NotAsked`.
    pub fn ask(&self, pull: &Pull, reply: &Subject) -> Result<Bytes, NotAsked> {
        let mut table = self.lock();
        let listened = table.listening.time();
        let place = table.pieces.admits(pull, reply)?;
        let heartbeat = table.watch_long(pull, reply);
        let piece = table
            .pieces
            .begin((pull, reply), heartbeat, place, listened);
        self.asked.notify_one();
        Ok(piece)
    }

    /// Forgets, again and again, what nats-server has ended without a word, as nobody listens to it any more: its room is others'.
    pub async fn forget(&self, heard: &Subscriptions) {
        loop {
            sleep(PULL_LOOK_INTERVAL).await;
            let mut table = self.lock();
            let listened = table.listening.time();
            table.pieces.forget(listened, |reply| heard.hears(reply));
        }
    }

    /// Waits until there is room for a piece that has to be large; as it is sent.
    pub async fn large(&self) -> Bytes {
        loop {
            let wanted = self.lock().pieces.wanted();
            let Some((ahead, bytes)) = wanted else {
                self.short.notified().await;
                continue;
            };
            // Nobody closes it.
            let Ok(room) = ahead.acquire_many_owned(bytes).await else {
                continue;
            };
            let mut table = self.lock();
            let listened = table.listening.time();
            if let Some(piece) = table.pieces.go_on(room, listened) {
                return piece;
            }
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
                let passes = table.hear_end(delivery.subject(), &Status::read(&delivery.body()));
                self.short.notify_one();
                passes
            }
            (None, Some(place)) => {
                table.hear_message(&place);
                match table.pieces.asks(&place.consumer) {
                    true => Passes::On,
                    false => Passes::Pushed,
                }
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
    /// Watches a pull if it waits for long; how often it is to have a heartbeat.
    fn watch_long(&mut self, pull: &Pull, reply: &Subject) -> Option<Duration> {
        let (own, waits) = (pull.heartbeat(), pull.lasts().filter(|_| pull.waits()));
        let heartbeats = match waits {
            _ if own.is_some() => Heartbeats::Client,
            Some(waits) if waits >= PULL_SILENCE_MAX * 2 => Heartbeats::Gateway,
            Some(_) | None => return None,
        };
        let waiting = Waiting {
            reply: reply.clone(),
            batch: pull.batch(),
            until: Instant::now() + waits.unwrap_or_default() + PULL_SILENCE_MAX,
            heartbeats,
        };
        match (self.watch(pull.consumer(), waiting), heartbeats) {
            (Some(()), Heartbeats::Gateway) => Some(PULL_HEARTBEAT),
            (Some(()), Heartbeats::Client) | (None, _) => own,
        }
    }

    /// The end of a piece, which is a pull's own end or not.
    fn hear_end(&mut self, reply: &[u8], status: &Status<'_>) -> Passes {
        let listened = self.listening.time();
        let next = self.pieces.end(reply, status, listened);
        let passes = match next {
            Some(Next::Piece(piece)) => {
                self.hear_life(reply);
                return Passes::GoesOn(piece);
            }
            Some(Next::Waits) => {
                self.hear_life(reply);
                return Passes::NoFurther;
            }
            Some(Next::Ended { reply, told }) => {
                told.map_or(Passes::On, |told| Passes::Ended { reply, told })
            }
            Some(Next::Silent) => Passes::NoFurther,
            None => Passes::On,
        };
        self.end(reply, status.messages);
        passes
    }

    fn hear_life(&mut self, reply: &[u8]) {
        let heard = self.listening.time();
        for consumer in &mut self.consumers {
            if consumer.waiting.iter().any(|one| one.is_at(reply)) {
                consumer.heard = heard;
            }
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
        let in_vain: Vec<InVain> = silent.flat_map(Consumer::in_vain).collect();
        for pull in &in_vain {
            self.pieces.give_up(&pull.reply);
        }
        in_vain
    }
}

#[cfg(test)]
mod tests;
