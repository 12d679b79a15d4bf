//! Opening: a folder comes in, an outbox that knows every accepted event goes out, and a report of what was amiss.
//! Nothing damaged is deleted or passed over in silence.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::committer::Committer;
use super::index::{Reads, Writes};
use super::journal::{Amiss, Journal, Mark};
use super::readers::Reach;
use super::record::Record;
use super::state::State;
use super::{Inner, Outbox, Shared, status};
use crate::store::alarms::Alarms;
use crate::store::index::{Left, Repair};
use crate::store::limits::{
    GROUP_EVENTS_MAX, RESEND_HORIZON, SEGMENT_BYTES, SEGMENT_BYTES_MIN, WAITING_KIB_MAX,
};
use crate::store::{Fault, Outage, disk, index};

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    pub repairs: Vec<Repair>,
    pub amiss: Vec<Amiss>,
    /// The index was begun anew beside a journal that had events: it was rebuilt from it.
    pub rebuilt: bool,
    /// The index is an older copy: the journal no longer reaches back to it.
    pub index_behind: bool,
    /// Records that the index had not seen.
    pub replayed: u64,
    /// Accepted events whose bytes are gone.
    pub lost: u64,
}

impl OpenReport {
    /// For the log and the status; the codes of those that are alarms stand before them.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let mut notes = Vec::new();
        let repairs = self.repairs.iter();
        notes.extend(repairs.map(|repair| (repair.code(), repair.text())));
        if self.rebuilt {
            let text = format!(
                "the index was rebuilt from {} journal records; the own log comes back from the bus",
                self.replayed
            );
            notes.push(("index-rebuilt", text));
        }
        if self.index_behind {
            let text = "the index is older than the journal: settled events come back from the bus";
            notes.push(("index-behind", text.into()));
        }
        notes.extend(self.amiss.iter().map(amiss_note));
        if self.lost > 0 {
            let text = format!("the bytes of {} accepted events are gone", self.lost);
            notes.push(("accepted-events-lost", text));
        }
        notes
    }
}

fn amiss_note(amiss: &Amiss) -> (&'static str, String) {
    match amiss {
        Amiss::TornTail(at) => (
            "",
            format!(
                "{} bytes of an unfinished write were cut from journal segment {} at {}",
                at.length, at.segment, at.offset
            ),
        ),
        Amiss::Damaged(at) => (
            "journal-damaged",
            format!(
                "{} bytes of journal segment {} at {} are damaged",
                at.length, at.segment, at.offset
            ),
        ),
        Amiss::MissingSegment(segment) => (
            "journal-segment-missing",
            format!("journal segment {segment} is missing"),
        ),
        Amiss::EndsBefore(mark) => (
            "journal-cut",
            format!(
                "the journal ends before segment {} at {}, up to where it was read before",
                mark.segment, mark.offset
            ),
        ),
    }
}

impl Outbox {
    /// Opens the store in `dir`, or begins one. Takes seconds at worst: call it where blocking is allowed.
    ///
    /// # Errors
    /// When another process has the store, or the disk fails. A damaged store opens.
    pub fn open(dir: &Path, budget_bytes: u64) -> Result<(Outbox, OpenReport), Fault> {
        Outbox::open_keeping(dir, budget_bytes, RESEND_HORIZON)
    }

    /// The same; settled events are kept as they were signed for the horizon.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn open_keeping(
        dir: &Path,
        budget_bytes: u64,
        resend_horizon: Duration,
    ) -> Result<(Outbox, OpenReport), Fault> {
        disk::make_directory(dir)?;
        let lock = disk::Lock::take(dir)?;
        let opened = index::open(dir, |db| Ok((State::load(db)?, Reads(db).mark()?)))?;
        let (state, seen) = opened.checked;
        let index = Arc::new(opened.index);
        let journal_dir = dir.join("journal");
        let sixteenth = u32::try_from(budget_bytes / 16).unwrap_or(SEGMENT_BYTES);
        let segment_bytes = sixteenth.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES);
        let (journal, amiss) = Journal::open(&journal_dir, seen, segment_bytes)?;
        let shared = Arc::new(Shared {
            index: Arc::clone(&index),
            journal_dir,
            alarms: Alarms::in_index(Arc::clone(&index)),
            beside: Mutex::default(),
            status: status::Board::default(),
            reach: Reach::default(),
            news: watch::Sender::new(0),
            failed: CancellationToken::new(),
            _lock: lock,
        });
        let (jobs, receive) = mpsc::channel();
        let mut committer = Committer {
            state,
            journal,
            index_bytes: index.disk_bytes(),
            index,
            shared: Arc::clone(&shared),
            jobs: receive,
            budget_bytes,
            ahead: None,
            unapplied: None,
            unsynced: None,
            resend_horizon,
            pressed: false,
            left: Left::Nothing,
        };
        let mut report = OpenReport {
            repairs: opened.repairs,
            amiss,
            ..OpenReport::default()
        };
        committer.recover(seen, &mut report)?;
        let thread = std::thread::Builder::new().spawn(move || committer.run());
        let inner = Inner {
            shared,
            jobs: Some(jobs),
            committer: Some(thread.map_err(|e| Outage::disk("start a thread for", dir, &e))?),
            room: Arc::new(Semaphore::new(WAITING_KIB_MAX as usize)),
        };
        let inner = Arc::new(inner);
        Ok((Outbox { inner }, report))
    }
}

impl Committer {
    fn recover(&mut self, seen: Mark, report: &mut OpenReport) -> Result<(), Outage> {
        report.index_behind = seen > Mark::START && seen.segment < self.journal.first_segment();
        report.replayed = self.replay(seen, &mut report.amiss)?;
        report.rebuilt = seen == Mark::START && report.replayed > 0;
        // Where the journal has ended early, no old place may be taken for a new one.
        self.apply_journaled(Writes::default())?;
        report.lost = self.name_lost_places()?;
        // What was amiss with the index stands in it already.
        let repairs = report.repairs.len();
        for (code, text) in report.notes().split_off(repairs) {
            if code.is_empty() {
                tracing::info!("{text}");
            } else {
                self.shared.alarms.raise(code, text);
            }
        }
        self.index.sync()
    }

    fn name_lost_places(&mut self) -> Result<u64, Outage> {
        let journal = self.journal.places();
        self.name_lost(|at| {
            journal
                .get(&at.segment)
                .is_none_or(|bytes| at.end() > *bytes)
        })
    }

    /// Applies what the index has not seen; returns how many records that were.
    fn replay(&mut self, seen: Mark, amiss: &mut Vec<Amiss>) -> Result<u64, Outage> {
        let (mut replayed, mut unknown) = (0, Vec::new());
        let mut writes = Writes::default();
        let mut names: HashSet<(String, String)> = HashSet::new();
        let db = &self.index.db();
        let state = &mut self.state;
        let damaged = self.journal.replay(seen, |at, kind, body| {
            let Some(record) = Record::read(kind, body) else {
                unknown.push(Amiss::Damaged(at));
                return Ok(());
            };
            // A record that speaks of one before it must find that one in the index.
            let name = match &record {
                Record::Accepted(accepted) => Some((accepted.feed.into(), accepted.id.into())),
                Record::Refused(_)
                | Record::Released { .. }
                | Record::Dropped { .. }
                | Record::Pruned(_) => None,
            };
            let speaks = name.as_ref().is_none_or(|name| names.contains(name));
            if speaks || names.len() >= GROUP_EVENTS_MAX {
                names.clear();
                self.index.apply(std::mem::take(&mut writes).0)?;
            }
            state
                .replay(db, &mut writes, at, &record)
                .map_err(|e| Outage::index("read", &e))?;
            match name {
                Some(name) => _ = names.insert(name),
                None => self.index.apply(std::mem::take(&mut writes).0)?,
            }
            replayed += 1;
            Ok(())
        })?;
        amiss.extend(damaged.into_iter().chain(unknown));
        self.apply_index(writes)?;
        Ok(replayed)
    }
}
