//! Who reads the own log, and how far each has come: verified confirmations come in, the highest of each reader goes out. Cumulative,
//! so the highest is all there is to know; losing one costs nothing but the next one's wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::confirmation::{Confirmation, Said};
use schemas::event::Position;
use schemas::subject::{FeedName, OfficeId};
use serde::Serialize;

use super::committer::{Committer, Job};
use super::index::{Reads, Result, Writes};
use super::{Outbox, Shared};
use crate::store::Outage;
use crate::store::keys::{feed_key as key, unreadable};

const READER: u8 = b'c';

/// A reader of a log, and what it has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    pub office: OfficeId,
    /// It holds everything up to here.
    pub complete: u64,
    /// When it said so, by its clock.
    pub at: String,
    /// The log does not reach that far: its word is shown, and confirms nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

/// How far the own logs reach: what the bus was seen to have, and what was sent behind it. Forgotten with the process: until the
/// bus was looked at, nobody is ahead of a log.
#[derive(Default)]
pub(super) struct Reach(Mutex<Reached>);

#[derive(Default)]
struct Reached {
    numbers: BTreeMap<FeedName, u64>,
    /// Readers of which it was told that they are ahead.
    told: BTreeSet<(FeedName, OfficeId)>,
}

impl Reach {
    fn of(&self, feed: &FeedName) -> Option<u64> {
        self.reached().numbers.get(feed).copied()
    }

    fn seen(&self, feed: &FeedName, number: u64) {
        let mut reached = self.reached();
        let known = reached.numbers.entry(feed.clone()).or_default();
        *known = number.max(*known);
    }

    fn sent(&self, feed: &FeedName, number: u64) {
        if let Some(known) = self.reached().numbers.get_mut(feed) {
            *known = number.max(*known);
        }
    }

    /// Whether this reader is ahead, and was not before.
    fn is_news(&self, feed: &FeedName, reader: &OfficeId, ahead: bool) -> bool {
        let told = &mut self.reached().told;
        let who = (feed.clone(), reader.clone());
        match ahead {
            true => told.insert(who),
            false => {
                told.remove(&who);
                false
            }
        }
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reader_key(feed: &FeedName, reader: &OfficeId) -> Vec<u8> {
    key(READER, feed, reader.to_string().as_bytes())
}

impl Reads<'_> {
    /// In the order of their names, held against how far the log reaches.
    pub fn readers(&self, feed: &FeedName, reach: &Reach) -> Result<Vec<Reader>> {
        let reach = reach.of(feed).unwrap_or(u64::MAX);
        let reader = |confirmation: &Confirmation| {
            let said = confirmation.said();
            Reader {
                office: said.reader.clone(),
                complete: said.position.number(),
                at: said.time.to_string(),
                ahead: said.position.number() > reach,
            }
        };
        Ok(self.words(feed)?.iter().map(reader).collect())
    }

    /// The highest word of each reader.
    fn words(&self, feed: &FeedName) -> Result<Vec<Confirmation>> {
        let all = self.0.scan_prefix(key(READER, feed, b"")).values();
        all.map(|value| read(&value?)).collect()
    }

    fn confirmed(&self, feed: &FeedName, reader: &OfficeId) -> Result<Option<Position>> {
        let value = self.0.get(reader_key(feed, reader))?;
        let confirmed = value.map(|value| Ok(read(&value)?.said().position));
        confirmed.transpose()
    }
}

fn read(value: &[u8]) -> Result<Confirmation> {
    serde_json::from_slice(value).map_err(|_| unreadable("confirmation"))
}

impl Committer {
    /// A reader that holds another event at a position than we do is an alarm, and confirms nothing.
    pub(super) fn confirmed(
        &mut self,
        confirmation: &Confirmation,
    ) -> std::result::Result<(), Outage> {
        let said = confirmation.said();
        let feed = &said.log.feed;
        let unreadable = |e: sled::Error| Outage::index("read", &e);
        let db = self.index.db();
        let reads = Reads(&db);
        let own = reads.own_hash(feed, said.position).map_err(unreadable)?;
        if own.is_some_and(|own| own != said.hash) {
            let text = format!(
                "{} holds another event than we do at position {} of {}",
                said.reader, said.position, said.log
            );
            self.shared.alarms.raise("reader-on-a-branch", text);
            return Ok(());
        }
        let before = reads.confirmed(feed, &said.reader).map_err(unreadable)?;
        let reach = self.shared.reach.of(feed).unwrap_or(u64::MAX);
        let ahead = |position: Position| position.number() > reach;
        if before.is_some_and(|before| before >= said.position && !ahead(before)) {
            return Ok(());
        }
        self.shared.tell_ahead(said, ahead(said.position));
        let mut writes = Writes::default();
        let text = confirmation.to_string();
        writes
            .0
            .insert(reader_key(feed, &said.reader), text.as_bytes());
        self.apply_index(writes)
    }
}

impl Shared {
    /// The surest sign of a key in other hands, the reader's or ours: told once, until the reader is ahead no more.
    fn tell_ahead(&self, said: &Said, ahead: bool) {
        let Said {
            reader,
            log,
            position,
            ..
        } = said;
        if !self.reach.is_news(&log.feed, reader, ahead) {
            return;
        }
        let reach = self.reach.of(&log.feed).unwrap_or_default();
        let text = format!(
            "{reader} says that it holds {log} up to position {position}, and the log ends at {reach}: \
             the reader says what is not so, or another machine has this office's key; tell the authority"
        );
        self.alarms.raise("reader-ahead", text);
    }
}

impl Outbox {
    /// The bus was seen to have the own log up to there, or it is sent again up to there: a reader that says more is an alarm.
    pub fn reaches(&self, feed: &FeedName, number: u64) -> std::result::Result<(), Outage> {
        let shared = &self.inner.shared;
        shared.reach.seen(feed, number);
        let words = Reads(&shared.index.db()).words(feed);
        for confirmation in words.map_err(|error| self.unreadable(&error))? {
            let said = confirmation.said();
            let reach = shared.reach.of(feed).unwrap_or(u64::MAX);
            shared.tell_ahead(said, said.position.number() > reach);
        }
        Ok(())
    }

    /// A further position of the own log is about to be sent.
    pub fn sends(&self, feed: &FeedName, position: Position) {
        self.inner.shared.reach.sent(feed, position.number());
    }

    /// Takes a confirmation that was verified.
    pub fn confirm(&self, confirmation: Confirmation) -> std::result::Result<(), Outage> {
        self.send(Job::Confirmed(Box::new(confirmation)))
    }

    /// Who has confirmed something of the own log on a feed.
    pub fn readers(&self, feed: &FeedName) -> std::result::Result<Vec<Reader>, Outage> {
        let shared = &self.inner.shared;
        let readers = Reads(&shared.index.db()).readers(feed, &shared.reach);
        readers.map_err(|error| self.unreadable(&error))
    }
}
