//! What a person is told of the outbox: the committer's counts come in, one account goes out.
//! Nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::heal::Ranges;
use schemas::subject::FeedName;
use serde::Serialize;

use super::Shared;
use super::index::Reads;
use super::readers::Reader;
use super::state::{Counts, State};

/// What holds a feed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    pub code: String,
    pub text: String,
    pub since_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    pub feed: FeedName,
    pub waiting: u64,
    pub oldest_waiting_ms: Option<u64>,
    pub refused: u64,
    /// The highest position of the own log; 0 before the first.
    pub settled: u64,
    /// Where the own log held other events, with receipts, than the bus has now. Both are kept.
    pub branched: Ranges,
    pub held: Option<Held>,
    /// Who has confirmed how much of the own log.
    pub readers: Vec<Reader>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub feeds: Vec<FeedStatus>,
    pub disk_bytes: u64,
    pub disk_budget_bytes: u64,
    pub alarms_raised: u64,
    /// The disk failed: nothing is accepted.
    pub stopped: bool,
}

/// Written by the committer, read by whoever asks.
#[derive(Default)]
pub(super) struct Board(Mutex<Figures>);

#[derive(Default)]
struct Figures {
    feeds: BTreeMap<FeedName, Counts>,
    held: BTreeMap<FeedName, Held>,
    disk_bytes: u64,
    disk_budget_bytes: u64,
}

impl Board {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn hold(&self, feed: &FeedName, mut held: Held) -> bool {
        let mut figures = self.figures();
        let before = figures.held.get(feed);
        let before = before.filter(|before| before.code == held.code);
        let is_new = before.is_none();
        held.since_ms = before.map_or(held.since_ms, |before| before.since_ms);
        figures.held.insert(feed.clone(), held);
        is_new
    }

    pub fn release(&self, feed: &FeedName) -> bool {
        self.figures().held.remove(feed).is_some()
    }

    pub fn show(&self, state: &State, disk_bytes: u64, disk_budget_bytes: u64) {
        let mut figures = self.figures();
        figures.feeds.clone_from(&state.feeds);
        figures.disk_bytes = disk_bytes;
        figures.disk_budget_bytes = disk_budget_bytes;
    }
}

impl super::Outbox {
    /// Keys and values of the index. All of it is read for that: for measuring, not for status pages.
    pub fn live_bytes(&self) -> Result<u64, crate::store::Outage> {
        let mut bytes = 0;
        for entry in self.inner.shared.index.db().iter() {
            let (key, value) = entry.map_err(|error| self.unreadable(&error))?;
            bytes += key.len() + value.len();
        }
        Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

impl Status {
    pub(super) fn of(shared: &Shared) -> Result<Status, sled::Error> {
        let db = shared.index.db();
        let reads = Reads(&db);
        let figures = shared.status.figures();
        let feed = |(feed, counts): (&FeedName, &Counts)| {
            let oldest = reads.waiting(feed, 0).next().transpose()?;
            let settled = reads.last_settled(feed)?;
            Ok(FeedStatus {
                feed: feed.clone(),
                waiting: counts.waiting,
                oldest_waiting_ms: oldest.map(|(_, entry)| entry.at_ms),
                refused: counts.refused,
                settled: settled.map_or(0, |head| head.position.number()),
                branched: reads.branched(feed)?,
                held: figures.held.get(feed).cloned(),
                readers: reads.readers(feed, &shared.reach)?,
            })
        };
        let feeds: Result<_, sled::Error> = figures.feeds.iter().map(feed).collect();
        Ok(Status {
            feeds: feeds?,
            disk_bytes: figures.disk_bytes,
            disk_budget_bytes: figures.disk_budget_bytes,
            alarms_raised: shared.alarms.raised(),
            stopped: shared.failed.is_cancelled(),
        })
    }
}
