//! The one writer: what a step has to say comes in, is in the log, the tables and the state, and is shown when it is on disk. An alarm that is
//! raised meanwhile is written behind it. A failure ends the store's trust in itself: nothing is written any more until it is opened again.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};

use schemas::subject::{FeedName, LogName};

use super::keep::Keeping;
use super::kinds::{Entry, Records};
use super::reads::{Reads, Unread};
use super::writes::{Writes, Written, written};
use super::{Cursor, Inbox, tables};
use crate::store::alarms::Alarm;
use crate::store::log::{CommitError, Head, Log, Place};
use crate::store::tables::TableWrites;
use crate::store::{Outage, disk};

type Result<T> = std::result::Result<T, Outage>;

/// In the folder of an inbox of which something did not read.
pub(super) const DAMAGED_FILE: &str = "damaged";
/// Times that a unit is tried: a segment that may not grow any more is followed by another one, and the unit comes again.
const TRIES: usize = 2;

impl Inbox {
    /// Writes where blocking is allowed.
    pub(super) async fn at_work<T: Send + 'static>(
        &self,
        write: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let written = tokio::task::spawn_blocking(write).await;
        written.unwrap_or_else(|_| {
            self.inner.failed.cancel();
            Err(Outage::Stopped)
        })
    }

    /// Has the log for a while; behind that, what may be shown is shown, and what was raised is written.
    pub(super) fn with_log<T>(
        &self,
        work: impl FnOnce(&mut Log<Records>) -> Result<T>,
    ) -> Result<T> {
        let mut log = self
            .inner
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.inner.failed.is_cancelled() {
            return Err(Outage::Stopped);
        }
        let done = work(&mut log);
        if done.is_err() {
            self.inner.failed.cancel();
            return done;
        }
        self.show(&log);
        self.write_raised(&mut log);
        drop(log);
        self.inner.write_what_was_raised_meanwhile();
        done
    }

    fn show(&self, log: &Log<Records>) {
        let state = Arc::new(log.state().clone());
        *self
            .inner
            .shown
            .write()
            .unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(super) fn keeping<'a>(&'a self, log: &'a Log<Records>) -> Keeping<'a> {
        Keeping {
            reads: Reads {
                state: log.state(),
                reading: &self.inner.reading,
                tables: &self.inner.tables,
            },
            alarms: &self.inner.alarms,
            first_arrival: self.inner.first_arrival,
        }
    }

    /// Writes one unit. It is seen by the next step; it is not synced.
    pub(super) fn apply(&self, log: &mut Log<Records>, writes: Writes) -> Result<()> {
        self.inner.append(log, &writes.records())
    }

    /// The end of a batch: alarms, the cursor behind all else, one sync.
    pub(super) fn finish(
        &self,
        log: &mut Log<Records>,
        cursor: Option<(&FeedName, Cursor)>,
    ) -> Result<()> {
        self.write_raised(log);
        if let Some((feed, cursor)) = cursor {
            let mut writes = Writes::of_feed(log.state(), feed);
            writes.cursor(cursor);
            self.apply(log, writes)?;
        }
        log.sync()
    }

    /// Lets arrive what can, and forgets what cannot any more.
    pub(super) fn unpark(&self, log: &mut Log<Records>, name: &LogName) -> Result<()> {
        loop {
            let next = self.keeping(log).unpark_next(name);
            let Some(next) = next.map_err(|unread| self.unreadable(unread))? else {
                break;
            };
            self.apply(log, next.writes)?;
            if !next.more {
                break;
            }
        }
        let forgotten = self.keeping(log).forget_passed(name);
        let forgotten = forgotten.map_err(|unread| self.unreadable(unread))?;
        self.apply(log, forgotten)
    }

    fn write_raised(&self, log: &mut Log<Records>) {
        self.inner.write_raised(log);
    }

    /// What was kept and cannot be read is damaged: all of it is set aside at the next opening, and read again from the bus.
    pub(super) fn unreadable(&self, unread: Unread) -> Outage {
        self.inner.failed.cancel();
        match unread {
            Unread::Outage(outage) => outage,
            Unread::Damaged(_) => {
                let path = self.inner.dir.join(DAMAGED_FILE);
                if let Err(error) = disk::replace(&path, unread.to_string().as_bytes()) {
                    tracing::error!(%error, "cannot note that the inbox is damaged");
                }
                Outage::Disk {
                    doing: "read",
                    path: self.inner.dir.clone(),
                    reason: unread.to_string(),
                }
            }
        }
    }
}

impl super::Inner {
    fn append(&self, log: &mut Log<Records>, records: &[Written]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        for _ in 1..TRIES {
            match stage_and_append(log, records) {
                Err(CommitError::Full) => {}
                other => return self.fill(records, &other.map_err(outage)?),
            }
        }
        self.fill(records, &stage_and_append(log, records).map_err(outage)?)
    }

    fn fill(&self, records: &[Written], places: &[Place]) -> Result<()> {
        let mut writes = TableWrites::default();
        for (record, place) in records.iter().zip(places) {
            let head = Head {
                kind: record.kind,
                fields: &record.head,
            };
            tables::fill(&mut writes, head, *place);
        }
        match writes.is_empty() {
            true => Ok(()),
            false => self.tables.apply(writes),
        }
    }

    /// Alarms are told wherever that is possible, and stop nothing.
    pub(super) fn write_raised(&self, log: &mut Log<Records>) {
        while let Some((number, alarm)) = self.next_raised() {
            let Alarm { at_ms, code, text } = &alarm;
            let entry = Entry::Alarm {
                number,
                at_ms: *at_ms,
                code,
            };
            let records = [written(&entry, text.as_bytes())];
            if let Err(error) = self.append(log, &records) {
                tracing::error!(%error, "cannot keep an alarm");
            }
        }
    }

    /// Whoever raises an alarm while somebody writes leaves it to him; he may just have looked.
    pub(super) fn write_what_was_raised_meanwhile(&self) {
        while self.has_raised() {
            let Ok(mut log) = self.log.try_lock() else {
                return;
            };
            self.write_raised(&mut log);
        }
    }

    fn next_raised(&self) -> Option<(u64, Alarm)> {
        self.raised().pop_front()
    }

    fn has_raised(&self) -> bool {
        !self.raised().is_empty()
    }

    fn raised(&self) -> MutexGuard<'_, VecDeque<(u64, Alarm)>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stage_and_append(
    log: &mut Log<Records>,
    records: &[Written],
) -> std::result::Result<Vec<Place>, CommitError> {
    let mut unit = log.unit();
    let mut places = Vec::with_capacity(records.len());
    for Written { kind, head, bytes } in records {
        // An event is smaller than a record may be, and so is an alarm.
        places.push(
            unit.record(*kind, head, bytes)
                .map_err(|_| Outage::Stopped)?,
        );
    }
    log.append()?;
    Ok(places)
}

fn outage(error: CommitError) -> Outage {
    match error {
        CommitError::Full => Outage::Full,
        CommitError::Outage(outage) => outage,
    }
}
