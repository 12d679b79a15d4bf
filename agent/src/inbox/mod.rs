//! VerifiedEvent in, New, Seen or Branch out; kept with the cursor in one fsync; gaps parked.
//! Nothing unverified gets in, nothing that is held changes, and an arrival number is given once.
//!
//! ```text
//! store/2/inbox/       a log of records (kinds.rs); the state is the fold over them (state.rs), tables hold what is rare (tables.rs)
//!   damaged            something of it did not read: the next start sets all of it aside
//! store/2/inbox.damaged-<seconds>/
//! ```
//!
//! A batch is units of one event each, and the reader's cursor last; then one sync, and then it is shown.
//!
//! | the process ends | what the next start has |
//! |---|---|
//! | within a batch | a part of its events from the first on, not the cursor: they are read again, and are seen |
//! | before the sync | the same, or all of it |
//! | behind the sync | all of it, with the cursor |
//! | between an event and what waited behind it | what waited arrives at the start |
//! | while a gap is gone behind | the same: declared is what is on disk |

mod aside;
mod before;
mod confirmed;
mod declared;
mod keep;
mod kinds;
mod numbers;
mod of_log;
mod open;
mod reads;
mod space;
mod state;
mod status;
mod tables;
mod writes;
mod writing;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::receive::VerifiedEvent;
use crate::store::Outage;
use crate::store::alarms::{Alarm, Alarms};
use crate::store::limits::{PAGE_BYTES_MAX, POSITIONS_AT_ONCE};
use crate::store::log::{Log, Reading};
use crate::store::tables::Tables;
use kinds::{Flags, Records};
use reads::{Reads, Result, Unread};
use state::State;

pub use keep::Kept;
pub use of_log::InLog;
pub use open::Repair;
pub use status::{FeedStatus, LogStatus};

/// An event as it is read from the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Its number among all arrivals of the feed; in the order of each log.
    pub arrival: u64,
    pub log: LogName,
    pub position: Position,
    /// False for a notice of the office, and where the same id arrived before at another position: neither is delivered.
    pub for_applications: bool,
    /// The signed event in its stored encoding.
    pub bytes: Bytes,
}

/// How far a log is complete, by the inbox and the heads alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// Everything up to here is held; 0 before the first.
    pub complete: u64,
    /// The highest position that was seen or named by a head.
    pub known: u64,
    /// What is missing up to there.
    pub missing: Vec<RangeInclusive<u64>>,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Everything up to here is held; 0 before the first.
    pub complete: u64,
    /// Of the event there.
    pub hash: Hash,
    /// The highest position that was seen, or named by a head on the bus.
    pub known: u64,
    pub parked_events: u64,
    pub parked_bytes: u64,
    /// Something behind a gap was not taken, for want of room; it is to be read again.
    pub left_behind: bool,
}

/// Where a reader of a feed's stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub stream_sequence: u64,
    /// Of the event there.
    pub hash: Hash,
}

/// Other offices' logs. Cheap to clone; the last one to go closes the store.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    /// Held while something is written: arrivals are numbered by one at a time.
    log: Mutex<Log<Records>>,
    reading: Reading,
    tables: Tables,
    /// What may be shown: of events only what is on disk, for what is not may get another number after a power cut.
    shown: RwLock<Arc<State>>,
    alarms: Alarms,
    /// Alarms that are not in the log yet.
    raised: Arc<Mutex<VecDeque<(u64, Alarm)>>>,
    first_arrival: u64,
    news: watch::Sender<u64>,
    confirming: confirmed::Confirming,
    failed: CancellationToken,
}

impl Inbox {
    /// From the end on, the events and the reader's cursor survive a power cut. Says of each event what it was.
    /// The cursor is never ahead of the events: after a kill in between, they are read again, and are seen.
    pub async fn keep(
        &self,
        feed: &FeedName,
        events: Vec<VerifiedEvent>,
        cursor: Option<Cursor>,
    ) -> std::result::Result<Vec<Kept>, Outage> {
        let (inbox, feed) = (self.clone(), feed.clone());
        self.at_work(move || inbox.write(&feed, &events, cursor))
            .await
    }

    fn write(
        &self,
        feed: &FeedName,
        events: &[VerifiedEvent],
        cursor: Option<Cursor>,
    ) -> std::result::Result<Vec<Kept>, Outage> {
        let mut all = Vec::with_capacity(events.len());
        self.with_log(|log| {
            for event in events {
                let kept = self.keeping(log).keep(event);
                let (kept, writes) = kept.map_err(|e| self.unreadable(e))?;
                self.apply(log, writes)?;
                let name = event.signed().event().log();
                // What is parked may name what is aside.
                let has_aside = || log.state().log(name).is_some_and(|of_log| of_log.aside > 0);
                if kept == Kept::New || (kept == Kept::Parked && has_aside()) {
                    self.unpark(log, name)?;
                }
                all.push(kept);
            }
            self.finish(log, cursor.map(|cursor| (feed, cursor)))
        })?;
        self.tell_late(events, &all);
        if all.contains(&Kept::New) || all.contains(&Kept::Late) {
            self.inner.news.send_modify(|news| *news += 1);
        }
        Ok(all)
    }

    /// Heads of logs, as the bus says them: what lies between them and what is held is missing.
    pub fn note_heads(&self, heads: &[(LogName, u64)]) -> std::result::Result<(), Outage> {
        for (log, head) in heads {
            self.note(log, |said| kinds::OfLogSaid {
                known: said.known.max(*head),
                ..said
            })?;
        }
        Ok(())
    }

    /// What arrived on a feed behind the number `after`, in order; fewer than `max` when they are large.
    pub async fn page(
        &self,
        feed: &FeedName,
        after: u64,
        max: usize,
    ) -> std::result::Result<Vec<Arrived>, Outage> {
        let (inbox, feed) = (self.clone(), feed.clone());
        let page = tokio::task::spawn_blocking(move || {
            inbox.read(|reads| read_page(reads, &feed, after, max))
        });
        page.await.unwrap_or(Err(Outage::Stopped))
    }

    /// A signed event, in its stored encoding; also one that is parked.
    pub fn get(
        &self,
        log: &LogName,
        position: Position,
    ) -> std::result::Result<Option<Bytes>, Outage> {
        self.read(|reads| reads.bytes(log, position))
    }

    /// Some of the signed events behind a position that are not what is held there, in their stored encoding.
    pub fn branches(
        &self,
        log: &LogName,
        after: u64,
        limit: usize,
    ) -> std::result::Result<Vec<(Position, Bytes)>, Outage> {
        self.read(|reads| reads.branches(log, after, limit))
    }

    /// The first positions of a range that are held; more are asked for behind the last of them. However wide the range is, only
    /// what is held is looked at.
    pub fn held_within(
        &self,
        log: &LogName,
        (first, last): (Position, Position),
    ) -> std::result::Result<Vec<Position>, Outage> {
        let shown = self.shown();
        let held = shown.log(log).into_iter();
        let runs = held.flat_map(|of_log| of_log.held.within(first.number(), last.number()));
        let all = runs.flat_map(|(first, last)| first..=last);
        Ok(all
            .filter_map(Position::new)
            .take(POSITIONS_AT_ONCE)
            .collect())
    }

    /// How far a log has come.
    pub fn state(&self, log: &LogName) -> std::result::Result<LogState, Outage> {
        let shown = self.shown();
        Ok(shown
            .log(log)
            .map_or(LogState::EMPTY, |of_log| of_log.state))
    }

    /// Where the reader of a feed's stream stands; None before the first event.
    pub fn cursor(&self, feed: &FeedName) -> std::result::Result<Option<Cursor>, Outage> {
        let shown = self.shown();
        Ok(shown.feed(feed).and_then(|feed| feed.cursor))
    }

    pub fn logs(&self, feed: &FeedName) -> std::result::Result<Vec<(LogName, LogState)>, Outage> {
        let shown = self.shown();
        let logs = shown.logs_of(feed);
        Ok(logs
            .map(|(log, of_log)| (log.clone(), of_log.state))
            .collect())
    }

    /// What is told of a feed: arrivals, and each log with what it lacks.
    pub fn status(&self, feed: &FeedName) -> std::result::Result<FeedStatus, Outage> {
        FeedStatus::of(self, feed)
    }

    pub fn alarms(&self) -> &Alarms {
        &self.inner.alarms
    }

    /// Changes whenever something arrives.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.news.subscribe()
    }

    /// Cancelled when the disk failed: nothing is kept until the store is opened again.
    pub fn failed(&self) -> CancellationToken {
        self.inner.failed.clone()
    }

    fn shown(&self) -> Arc<State> {
        let shown = self.inner.shown.read();
        shown.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads of what may be shown.
    fn read<T>(&self, read: impl FnOnce(Reads<'_>) -> Result<T>) -> std::result::Result<T, Outage> {
        let shown = self.shown();
        let reads = Reads {
            state: &shown,
            reading: &self.inner.reading,
            tables: &self.inner.tables,
        };
        read(reads).map_err(|unread| self.unreadable(unread))
    }
}

fn read_page(reads: Reads<'_>, feed: &FeedName, after: u64, max: usize) -> Result<Vec<Arrived>> {
    let mut page = Vec::new();
    let mut size = 0;
    let from = after.saturating_add(1);
    for (arrival, place) in reads.arrivals(feed, (from, u64::MAX), max)? {
        let what = reads.arrival(feed, arrival, place)?;
        let bytes = match what.bytes {
            Some(bytes) => bytes,
            None => reads
                .bytes(&what.log, what.position)?
                .ok_or(Unread::Damaged("an arrival"))?,
        };
        size += bytes.len();
        page.push(Arrived {
            arrival,
            log: what.log,
            position: what.position,
            for_applications: what.flags.has(Flags::FOR_APPLICATIONS),
            bytes,
        });
        if size >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

#[cfg(test)]
pub(crate) mod tests;
