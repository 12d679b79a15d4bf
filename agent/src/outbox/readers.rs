//! Who reads the own log, and how far each has come: verified confirmations come in, the highest of each reader goes out. Cumulative,
//! so the highest is all there is to know; losing one costs nothing but the next one's wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::confirmation::Confirmation;
use schemas::event::Position;
use schemas::subject::{FeedName, OfficeId};
use serde::Serialize;

use super::committer::{Committer, Draft, Job};
use super::facts::{self, Fact};
use super::look::Look;
use super::{Outbox, Shared, tables};
use crate::store::Outage;

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

impl Look<'_> {
    /// In the order of their names, held against how far the log reaches.
    pub fn readers(&self, feed: &FeedName, reach: &Reach) -> Result<Vec<Reader>, Outage> {
        let Some((number, _)) = self.state.named(feed) else {
            return Ok(Vec::new());
        };
        let reach = reach.of(feed).unwrap_or(u64::MAX);
        let words = tables::words(self.tables, number)?.into_iter();
        // Names of readers are checked before they are written down.
        let readers = words.filter_map(|word| {
            Some(Reader {
                office: word.reader.parse().ok()?,
                complete: word.position,
                at: word.at,
                ahead: word.position > reach,
            })
        });
        Ok(readers.collect())
    }
}

impl Committer {
    /// A reader that holds another event at a position than we do is an alarm, and confirms nothing.
    pub(super) fn confirmed(&mut self, confirmation: &Confirmation) -> Result<(), Outage> {
        let said = confirmation.said();
        let feed = &said.log.feed;
        let (number, named) = self.feed_of(feed);
        let look = self.look();
        let own = look.own(number, said.position)?;
        if own.is_some_and(|own| own.hash != said.hash) {
            let text = format!(
                "{} holds another event than we do at position {} of {}",
                said.reader, said.position, said.log
            );
            self.shared.alarms.raise("reader-on-a-branch", text);
            return Ok(());
        }
        let reader = said.reader.to_string();
        let before = tables::word(look.tables, number, &reader)?;
        let reach = self.shared.reach.of(feed).unwrap_or(u64::MAX);
        let position = said.position.number();
        let stands =
            |before: &tables::Word| before.position >= position && before.position <= reach;
        if before.as_ref().is_some_and(stands) {
            return Ok(());
        }
        self.shared
            .tell_ahead(feed, &said.log.to_string(), &said.reader, position);
        let reads = Fact::Reader(facts::Reads {
            feed: number,
            reader: &reader,
            position: said.position,
            at: &said.time.to_string(),
            log: &said.log.to_string(),
        });
        let draft = Draft::of(&reads, confirmation.to_string());
        if let Some(named) = named {
            self.append_unit(&[named])?;
        }
        self.append_unit(&[draft])
    }
}

impl Shared {
    /// The surest sign of a key in other hands, the reader's or ours: told once, until the reader is ahead no more.
    fn tell_ahead(&self, feed: &FeedName, log: &str, reader: &OfficeId, position: u64) {
        let reach = self.reach.of(feed);
        let ahead = reach.is_some_and(|reach| position > reach);
        if !self.reach.is_news(feed, reader, ahead) {
            return;
        }
        let reach = reach.unwrap_or_default();
        let text = format!(
            "{reader} says that it holds {log} up to position {position}, and the log ends at {reach}: \
             the reader says what is not so, or another machine has this office's key; tell the authority"
        );
        self.alarms.raise("reader-ahead", text);
    }
}

impl Outbox {
    /// The bus was seen to have the own log up to there, or it is sent again up to there: a reader that says more is an alarm.
    pub fn reaches(&self, feed: &FeedName, number: u64) -> Result<(), Outage> {
        let shared = &self.inner.shared;
        shared.reach.seen(feed, number);
        let words = self.looking(|look| match look.state.named(feed) {
            Some((number, _)) => tables::words(look.tables, number),
            None => Ok(Vec::new()),
        })?;
        for word in words {
            if let Ok(reader) = word.reader.parse() {
                shared.tell_ahead(feed, &word.log, &reader, word.position);
            }
        }
        Ok(())
    }

    /// A further position of the own log is about to be sent.
    pub fn sends(&self, feed: &FeedName, position: Position) {
        self.inner.shared.reach.sent(feed, position.number());
    }

    /// Takes a confirmation that was verified.
    pub fn confirm(&self, confirmation: Confirmation) -> Result<(), Outage> {
        self.send(Job::Confirmed(Box::new(confirmation)))
    }

    /// Who has confirmed something of the own log on a feed.
    pub fn readers(&self, feed: &FeedName) -> Result<Vec<Reader>, Outage> {
        self.looking(|look| look.readers(feed, &self.inner.shared.reach))
    }
}
