//! Opening: a folder comes in, an outbox that knows every accepted event goes out, and a report of what was amiss.
//! Nothing damaged is deleted or passed over in silence.
//!
//! ```text
//! of format 1? taken over ─► log: look, fold, cut, sync ─► tables and alarms from its records ─► after damage: what lies nowhere is named ─► the committer
//! ```

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, RwLock, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::before;
use super::committer::{Committer, Job};
use super::facts::Fact;
use super::kinds;
use super::readers::Reach;
use super::space::Cleaner;
use super::tidy::Left;
use super::{Inner, Jobs, Outbox, Shared, status, tables};
use crate::store::alarms::{Alarm, Alarms};
use crate::store::before::take_over;
use crate::store::limits::{
    OUTBOX_SEGMENT_BYTES, RESEND_HORIZON, SEGMENT_BYTES_MIN, WAITING_KIB_MAX,
};
use crate::store::log::{Identity, Log, Looked, OwnedHead, Reading, Repair, Room, Sizes};
use crate::store::tables::{TableWrites, Tables};
use crate::store::{self, Fault, Outage};

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    pub repairs: Vec<Repair>,
    /// Accepted events whose bytes are gone.
    pub lost: u64,
}

impl OpenReport {
    /// For the log and the status; the codes of those that are alarms stand before them.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let mut notes: Vec<_> = self.repairs.iter().map(note).collect();
        if self.lost > 0 {
            let text = format!("the bytes of {} accepted events are gone", self.lost);
            notes.push(("accepted-events-lost", text));
        }
        notes
    }

    /// Something that was written may be gone: whatever should be there is looked for.
    pub(super) fn is_damage(&self) -> bool {
        self.repairs.iter().any(|repair| match repair {
            Repair::TornTail { .. } | Repair::HintMade(_) => false,
            Repair::Damaged(_)
            | Repair::Rotten { .. }
            | Repair::MissingSegments { .. }
            | Repair::HeaderUnread(_)
            | Repair::StateUnread(_) => true,
        })
    }
}

fn note(repair: &Repair) -> (&'static str, String) {
    match repair {
        Repair::TornTail { at, .. } => (
            "",
            format!(
                "{} bytes of an unfinished write were cut from segment {} at {}",
                at.length, at.segment, at.offset
            ),
        ),
        Repair::Damaged(at) => (
            "log-damaged",
            format!(
                "{} bytes of segment {} at {} are damaged",
                at.length, at.segment, at.offset
            ),
        ),
        // Where it was an event in line, that is told by its name.
        Repair::Rotten { at, .. } => (
            "",
            format!(
                "the record in segment {} at {} is known by its head alone",
                at.segment, at.offset
            ),
        ),
        Repair::MissingSegments { first, last } => (
            "log-segment-missing",
            format!("segments {first} to {last} are missing"),
        ),
        Repair::HeaderUnread(segment) => (
            "log-damaged",
            format!("the header of segment {segment} does not read"),
        ),
        Repair::StateUnread(segment) => (
            "log-damaged",
            format!(
                "the state at the beginning of segment {segment} does not read; it was made again from the records before"
            ),
        ),
        Repair::HintMade(segment) => ("", format!("the hint of segment {segment} was made anew")),
    }
}

impl Outbox {
    /// Opens the outbox of the data folder `store`, or begins one; `who` says whose it is. Milliseconds where all is well: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// When another process has the store, it is somebody else's, of another format, or the disk fails. A damaged store opens.
    pub fn open(
        store: &Path,
        who: &Identity,
        budget_bytes: u64,
    ) -> Result<(Outbox, OpenReport), Fault> {
        Outbox::open_keeping(store, who, budget_bytes, RESEND_HORIZON)
    }

    /// The same; settled events are kept as they were signed for the horizon.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn open_keeping(
        store: &Path,
        who: &Identity,
        budget_bytes: u64,
        resend_horizon: Duration,
    ) -> Result<(Outbox, OpenReport), Fault> {
        let dir = store::folder(store, Room::Outbox);
        let sixteenth = u32::try_from(budget_bytes / 16).unwrap_or(OUTBOX_SEGMENT_BYTES);
        let segment_bytes = sixteenth.clamp(SEGMENT_BYTES_MIN, OUTBOX_SEGMENT_BYTES);
        let who = who.in_room(Room::Outbox);
        let sizes = Sizes { segment_bytes };
        take_over(store, Room::Outbox, |former, new| {
            before::take_over(former, new, &who, sizes)
        })?;
        let (log, opened) = Log::<kinds::Outbox>::open(&dir, &who, None, sizes)?;
        let made = Tables::make(&dir.join("tables"))?;
        let reading = log.reading();
        let raised = fill(&made, &reading)?;
        let (jobs, receive) = mpsc::channel();
        let jobs = Jobs::new(jobs);
        let to_keep = jobs.clone();
        let count = log.state().alarms;
        let alarms = Alarms::new(raised, count, move |number, alarm| {
            to_keep.send(Job::Alarm(number, alarm.clone()))
        });
        let shared = Arc::new(Shared {
            reading,
            tables: made,
            state: RwLock::new(Arc::new(log.state().clone())),
            alarms,
            status: status::Board::default(),
            reach: Reach::default(),
            news: watch::Sender::new(0),
            failed: CancellationToken::new(),
        });
        let mut committer = Committer {
            log,
            shared: Arc::clone(&shared),
            jobs: receive,
            budget_bytes,
            bytes: 0,
            ahead: None,
            unsynced: None,
            resend_horizon,
            pressed: false,
            left: Left::Later,
            tidied: Instant::now(),
            cleaner: Cleaner::default(),
            segment_bytes,
        };
        let mut report = OpenReport {
            repairs: opened.repairs,
            ..OpenReport::default()
        };
        committer.recover(&mut report)?;
        let thread = std::thread::Builder::new().spawn(move || committer.run());
        let inner = Inner {
            shared,
            jobs,
            committer: Some(thread.map_err(|e| Outage::disk("start a thread for", &dir, &e))?),
            room: Arc::new(Semaphore::new(WAITING_KIB_MAX as usize)),
            log: None,
        };
        let inner = Arc::new(inner);
        Ok((Outbox { inner }, report))
    }
}

/// Fills the tables from the records that say what is in them; returns the alarms, oldest first.
fn fill(tables: &Tables, reading: &Reading) -> Result<VecDeque<Alarm>, Outage> {
    let mut raised = VecDeque::new();
    let mut writes = TableWrites::default();
    reading.tables(|looked| {
        let (head, text) = match &looked {
            Looked::Record(record) => (Some(record.head()), record.bytes()),
            Looked::Damaged { head, .. } => (head.as_ref().map(OwnedHead::head), &[][..]),
        };
        match head.and_then(Fact::read) {
            Some(Fact::Alarm(one)) => raised.push_back(Alarm {
                at_ms: one.at_ms,
                code: one.code.into(),
                text: String::from_utf8_lossy(text).into_owned(),
            }),
            Some(fact) => tables::write(&mut writes, &fact),
            None => {}
        }
        if writes.len() >= FILLED_AT_ONCE {
            tables.apply(std::mem::take(&mut writes))?;
        }
        Ok::<(), Outage>(())
    })?;
    tables.apply(writes)?;
    Ok(raised)
}

/// Entries of the tables that are written as one while they are filled.
const FILLED_AT_ONCE: usize = 512;

impl Committer {
    fn recover(&mut self, report: &mut OpenReport) -> Result<(), Outage> {
        self.show();
        if report.is_damage() {
            report.lost = self.look_for_lost(&report.repairs)?;
        }
        self.tell(report);
        Ok(())
    }
}
