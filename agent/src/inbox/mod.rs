//! VerifiedEvent in, New, Seen or Branch out; kept with the cursor in one fsync; gaps parked.
//! Nothing unverified gets in, nothing that is held changes, and an arrival number is given once.

mod aside;
mod confirmed;
mod declared;
mod index;
mod keep;
mod numbers;
mod of_log;
mod space;
mod status;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use schemas::event::Position;
use schemas::subject::{FeedName, LogName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::receive::VerifiedEvent;
use crate::store::alarms::Alarms;
use crate::store::index::{Index, Repair};
use crate::store::limits::{PAGE_BYTES_MAX, POSITIONS_AT_ONCE};
use crate::store::{Fault, Outage, disk};
use index::{Reads, Writes};
use keep::Keeping;

pub use index::{Cursor, LogState};
pub use keep::Kept;
pub use of_log::InLog;
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

/// Other offices' logs. Cheap to clone; the last one to go closes the store.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    index: Arc<Index>,
    alarms: Alarms,
    first_arrival: u64,
    /// Held while something is written: arrivals are numbered by one at a time.
    writing: Mutex<()>,
    /// The last arrival of each feed that is on disk: what is not may get another number after a power cut.
    safe: Mutex<BTreeMap<FeedName, u64>>,
    news: watch::Sender<u64>,
    confirming: confirmed::Confirming,
    failed: CancellationToken,
    _lock: disk::Lock,
}

impl Inbox {
    /// Opens the store in `dir`, or begins one. Takes seconds at worst: call it where blocking is allowed.
    /// A damaged index is set aside and told; everything is then read from the bus again.
    ///
    /// # Errors
    /// When another process has the store, or the disk fails.
    pub fn open(dir: &Path) -> Result<(Inbox, Vec<Repair>), Fault> {
        disk::make_directory(dir)?;
        let lock = disk::Lock::take(dir)?;
        let opened = crate::store::index::open(dir, status::check)?;
        let first_arrival = numbers::first(&opened)?;
        let index = Arc::new(opened.index);
        let alarms = Alarms::in_index(Arc::clone(&index));
        let inner = Inner {
            index,
            alarms,
            first_arrival,
            writing: Mutex::new(()),
            safe: Mutex::default(),
            news: watch::Sender::new(0),
            confirming: confirmed::Confirming::default(),
            failed: CancellationToken::new(),
            _lock: lock,
        };
        let inbox = Inbox {
            inner: Arc::new(inner),
        };
        for log in opened.checked {
            inbox.unpark(&log)?;
        }
        inbox.sync()?;
        Ok((inbox, opened.repairs))
    }

    /// From the end on, what was applied is on disk, and may be shown.
    fn sync(&self) -> Result<(), Outage> {
        let unreadable = |e: sled::Error| self.unreadable(&e.to_string());
        let mut safe = BTreeMap::new();
        for feed in Reads(&self.db()).feeds().map_err(unreadable)? {
            let next = Reads(&self.db()).next_arrival(&feed).map_err(unreadable)?;
            safe.insert(feed, next.map_or(0, |next| next - 1));
        }
        self.inner.index.sync()?;
        *self
            .inner
            .safe
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = safe;
        Ok(())
    }

    /// From the end on, the events and the reader's cursor survive a power cut. Says of each event what it was.
    /// The cursor is never ahead of the events: after a kill in between, they are read again, and are seen.
    pub async fn keep(
        &self,
        feed: &FeedName,
        events: Vec<VerifiedEvent>,
        cursor: Option<Cursor>,
    ) -> Result<Vec<Kept>, Outage> {
        let (inbox, feed) = (self.clone(), feed.clone());
        self.at_work(move || inbox.write(&feed, &events, cursor))
            .await
    }

    /// Writes where blocking is allowed; a failure ends the store's trust in itself.
    async fn at_work<T: Send + 'static>(
        &self,
        write: impl FnOnce() -> Result<T, Outage> + Send + 'static,
    ) -> Result<T, Outage> {
        if self.inner.failed.is_cancelled() {
            return Err(Outage::Stopped);
        }
        // sled panics on some damaged pages.
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.unwrap_or_else(|_| Err(self.unreadable("the inbox panicked")));
        if written.is_err() {
            self.inner.failed.cancel();
        }
        written
    }

    fn write(
        &self,
        feed: &FeedName,
        events: &[VerifiedEvent],
        cursor: Option<Cursor>,
    ) -> Result<Vec<Kept>, Outage> {
        let _one_at_a_time = self
            .inner
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::with_capacity(events.len());
        for event in events {
            let mut writes = Writes::default();
            let kept = self.keeping().keep(event, &mut writes);
            let kept = kept.map_err(|e| self.unreadable(&e.to_string()))?;
            self.inner.index.apply(writes.0)?;
            let log = event.signed().event().log();
            // What is parked may name what is aside.
            if kept == Kept::New || (kept == Kept::Parked && self.has_aside(log)?) {
                self.unpark(log)?;
            }
            all.push(kept);
        }
        self.move_cursor(feed, cursor)?;
        self.sync()?;
        self.tell_late(events, &all);
        if all.contains(&Kept::New) || all.contains(&Kept::Late) {
            self.inner.news.send_modify(|news| *news += 1);
        }
        Ok(all)
    }

    fn move_cursor(&self, feed: &FeedName, cursor: Option<Cursor>) -> Result<(), Outage> {
        let mut writes = Writes::default();
        if let Some(cursor) = cursor {
            writes.cursor(feed, cursor);
        }
        self.inner.index.apply(writes.0)
    }

    fn keeping(&self) -> Keeping<'_> {
        Keeping {
            db: self.db(),
            alarms: &self.inner.alarms,
            first_arrival: self.inner.first_arrival,
        }
    }

    fn unpark(&self, log: &LogName) -> Result<(), Outage> {
        loop {
            let mut writes = Writes::default();
            let more = self.keeping().unpark_next(log, &mut writes);
            let more = more.map_err(|e| self.unreadable(&e.to_string()))?;
            self.inner.index.apply(writes.0)?;
            if !more {
                break;
            }
        }
        let mut writes = Writes::default();
        let forgotten = self.keeping().forget_passed(log, &mut writes);
        forgotten.map_err(|e| self.unreadable(&e.to_string()))?;
        self.inner.index.apply(writes.0)
    }

    /// Heads of logs, as the bus says them: what lies between them and what is held is missing.
    pub fn note_heads(&self, heads: &[(LogName, u64)]) -> Result<(), Outage> {
        let _one_at_a_time = self
            .inner
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut writes = Writes::default();
        for (log, head) in heads {
            let state = self.state(log)?;
            if *head > state.known {
                let known = *head;
                writes.log(log, &LogState { known, ..state });
            }
        }
        self.inner.index.apply(writes.0)
    }

    /// What arrived on a feed behind the number `after`, in order; fewer than `max` when they are large.
    pub async fn page(
        &self,
        feed: &FeedName,
        after: u64,
        max: usize,
    ) -> Result<Vec<Arrived>, Outage> {
        let (inbox, feed) = (self.clone(), feed.clone());
        let page = tokio::task::spawn_blocking(move || inbox.read_page(&feed, after, max)).await;
        page.unwrap_or_else(|_| Err(self.unreadable("the inbox panicked")))
    }

    fn read_page(&self, feed: &FeedName, after: u64, max: usize) -> Result<Vec<Arrived>, Outage> {
        let db = self.db();
        let reads = Reads(&db);
        let mut page = Vec::new();
        let mut size = 0;
        let safe = self.last_arrival(feed);
        // Arrivals have no gaps: a number that is not there was lost with a page of a damaged index, which sled does not notice.
        let mut next = after.saturating_add(1).max(self.inner.first_arrival);
        let mut arrivals = reads.arrivals(feed, after);
        while next <= safe && page.len() < max {
            let arrival = arrivals.next().transpose();
            let arrival = arrival.map_err(|e| self.unreadable(&e.to_string()))?;
            let (arrival, what) = arrival
                .filter(|(arrival, _)| *arrival == next)
                .ok_or_else(|| self.unreadable("an arrival is missing"))?;
            next += 1;
            let bytes = self.get(&what.log, what.position)?;
            let bytes = bytes.ok_or_else(|| self.unreadable("an arrival without its bytes"))?;
            size += bytes.len();
            page.push(Arrived {
                arrival,
                log: what.log,
                position: what.position,
                for_applications: what.for_applications,
                bytes,
            });
            if size >= PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }

    /// A signed event, in its stored encoding; also one that is parked.
    pub fn get(&self, log: &LogName, position: Position) -> Result<Option<Bytes>, Outage> {
        let bytes = Reads(&self.db()).bytes(log, position);
        bytes.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// Some of the signed events behind a position that are not what is held there, in their stored encoding.
    pub fn branches(
        &self,
        log: &LogName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Bytes)>, Outage> {
        let page = Reads(&self.db()).branches(log, after, limit);
        page.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// The first positions of a range that are held; more are asked for behind the last of them. However wide the range is, only
    /// what is held is looked at.
    pub fn held_within(
        &self,
        log: &LogName,
        (first, last): (Position, Position),
    ) -> Result<Vec<Position>, Outage> {
        let before = first.before().map_or(0, Position::number);
        let held = Reads(&self.db()).positions_behind(log, before);
        let within = |position: &Result<u64, sled::Error>| {
            position
                .as_ref()
                .map_or(true, |position| *position <= last.number())
        };
        let page = held.take_while(within).take(POSITIONS_AT_ONCE);
        let page: Result<Vec<u64>, _> = page.collect();
        let page = page.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(page.into_iter().filter_map(Position::new).collect())
    }

    /// How far a log has come.
    pub fn state(&self, log: &LogName) -> Result<LogState, Outage> {
        let state = Reads(&self.db()).log(log);
        let state = state.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(state.unwrap_or(LogState::EMPTY))
    }

    /// Where the reader of a feed's stream stands; None before the first event.
    pub fn cursor(&self, feed: &FeedName) -> Result<Option<Cursor>, Outage> {
        let cursor = Reads(&self.db()).cursor(feed);
        cursor.map_err(|e| self.unreadable(&e.to_string()))
    }

    pub fn logs(&self, feed: &FeedName) -> Result<Vec<(LogName, LogState)>, Outage> {
        let logs = Reads(&self.db()).logs(feed);
        logs.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// What is told of a feed: arrivals, and each log with what it lacks.
    pub fn status(&self, feed: &FeedName) -> Result<FeedStatus, Outage> {
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

    fn db(&self) -> sled::Db {
        self.inner.index.db()
    }

    /// An index that opened well and then cannot be read is damaged: it is set aside at the next opening.
    fn unreadable(&self, reason: &str) -> Outage {
        self.inner.index.suspect();
        self.inner.failed.cancel();
        Outage::Index {
            doing: "read",
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests;
