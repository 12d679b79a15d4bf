//! What a person is told of the outbox: the committer's counts come in, one account goes out.
//! Nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::heal::Ranges;
use schemas::subject::FeedName;
use serde::Serialize;

use super::Shared;
use super::readers::Reader;
use crate::store::Outage;

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

    pub fn show(&self, disk_bytes: u64, disk_budget_bytes: u64) {
        let mut figures = self.figures();
        figures.disk_bytes = disk_bytes;
        figures.disk_budget_bytes = disk_budget_bytes;
    }
}

impl Status {
    pub(super) fn of(shared: &Shared) -> Result<Status, Outage> {
        let state = shared.state();
        let look = shared.look(&state);
        let mut feeds = Vec::new();
        for (number, name, feed) in state.named_feeds() {
            let oldest = match feed.waiting.first() {
                Some(first) => look.in_line(number, first)?,
                None => None,
            };
            feeds.push(FeedStatus {
                feed: name.clone(),
                waiting: feed.waiting.count(),
                oldest_waiting_ms: oldest.map(|event| event.at_ms),
                refused: feed.tray.count(),
                settled: feed.last_position().map_or(0, |last| last.number()),
                branched: look.branched(number)?,
                held: shared.status.figures().held.get(name).cloned(),
                readers: look.readers(name, &shared.reach)?,
            });
        }
        feeds.sort_by(|one, other| one.feed.cmp(&other.feed));
        let (disk_bytes, disk_budget_bytes) = {
            let figures = shared.status.figures();
            (figures.disk_bytes, figures.disk_budget_bytes)
        };
        Ok(Status {
            feeds,
            disk_bytes,
            disk_budget_bytes,
            alarms_raised: shared.alarms.raised(),
            stopped: shared.failed.is_cancelled(),
        })
    }
}
