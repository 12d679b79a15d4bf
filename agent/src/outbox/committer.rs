//! The one writer: jobs come in over a channel, each is answered when it is durable. What waits at the same time
//! shares one fdatasync. After a failure of the disk nothing is written; everyone waiting is told.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use schemas::confirmation::Confirmation;
use schemas::event::Position;
use schemas::subject::FeedName;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::facts::Fact;
use super::group::{AcceptAnswer, Group};
use super::kinds;
use super::look::Look;
use super::space::Cleaner;
use super::tidy::Left;
use super::{AcceptError, PutBack, Shared, Submission, Telling, Vouched};
use crate::store::Outage;
use crate::store::alarms::Alarm;
use crate::store::limits::{
    CHECKPOINT_IDLE, CHECKPOINT_INTERVAL, GROUP_BYTES_MAX, GROUP_EVENTS_MAX,
};
use crate::store::log::{CommitError, Log, Unfit};

pub(super) type Answer = oneshot::Sender<Result<(), Outage>>;

pub(super) enum Job {
    Accept {
        submission: Submission,
        answer: AcceptAnswer,
        _room: OwnedSemaphorePermit,
    },
    Settle(FeedName, Vouched, Answer),
    TakeBack(FeedName, Vouched, Telling, Answer),
    PutBack(FeedName, Vec<PutBack>, Answer),
    Refuse(FeedName, u64, String, Answer),
    Release(FeedName, u64, Answer),
    Drop(FeedName, u64, Answer),
    Checkpoint(Answer),
    /// A reader of the own log holds it up to there.
    Confirmed(Box<Confirmation>),
    /// Somebody found what does not read: it is looked at behind each job.
    Mend,
    /// The bus was asked for all of the own log that is gone.
    Asked(FeedName, Answer),
    /// Somebody found no good record of an event in line.
    Lost(FeedName, u64),
    /// Somebody found no good bytes of an event of the own log.
    Unread(FeedName, Position),
    /// The tables do not answer any more.
    Suspect,
    /// An alarm was raised, and is to be kept.
    Alarm(u64, Alarm),
    /// Tidies until nothing is left to tidy.
    Tidy(Answer),
    /// The bytes of an event of the own log go, and its hash stays.
    #[cfg(test)]
    NotHere(FeedName, Position, Answer),
    /// The log goes on in another file: the only way to have a sync fail for real.
    #[cfg(test)]
    WriteTo(std::fs::File),
}

pub(super) struct Committer {
    pub log: Log<kinds::Outbox>,
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    pub budget_bytes: u64,
    /// Of the log, as of the last thing that was done.
    pub bytes: u64,
    /// A job that was taken from the channel to see whether there is one.
    pub ahead: Option<Job>,
    /// Since when there is something that is not synced.
    pub unsynced: Option<Instant>,
    /// For how long settled events are kept as they were signed.
    pub resend_horizon: Duration,
    /// The disk budget has needed the room of events within the horizon, and that was told.
    pub pressed: bool,
    /// What there is to tidy when nobody waits.
    pub left: Left,
    /// When something was tidied last.
    pub tidied: Instant,
    /// What is being written anew.
    pub cleaner: Cleaner,
    /// How long a segment is when it is sealed.
    pub segment_bytes: u32,
}

enum Next {
    Job(Job),
    /// Nothing came for a while.
    Quiet,
    /// Nobody can send any more.
    Closed,
}

/// A record that is to be written.
pub(super) struct Draft {
    pub kind: u8,
    pub head: Vec<u8>,
    pub bytes: bytes::Bytes,
}

impl Draft {
    pub fn of(fact: &Fact<'_>, bytes: impl Into<bytes::Bytes>) -> Draft {
        let (kind, head) = fact.write();
        Draft {
            kind,
            head,
            bytes: bytes.into(),
        }
    }

    pub fn size(&self) -> usize {
        self.head.len() + self.bytes.len()
    }
}

impl Committer {
    /// Works until nobody can send any more, or the disk fails. The log comes back, for its lock goes last.
    pub fn run(mut self) -> Log<kinds::Outbox> {
        self.show();
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        self.cleaner.end();
        match ended {
            Ok(Ok(())) => return self.log,
            Ok(Err(error)) => tracing::error!(%error, "the outbox stopped"),
            Err(_) => tracing::error!("the outbox panicked"),
        }
        // Whoever waits for an answer learns it from the channel that goes away with the job.
        self.shared.failed.cancel();
        self.log
    }

    fn work(&mut self) -> Result<(), Outage> {
        loop {
            match self.next_job() {
                Next::Job(job) => self.serve(job)?,
                Next::Quiet => self.use_the_quiet()?,
                Next::Closed => return self.sync(),
            }
            self.take_cleaned()?;
            self.mend()?;
            // Under pressure also where it is never quiet.
            if self.is_pressed() && self.tidied.elapsed() > CHECKPOINT_IDLE {
                self.left = self.tidy()?;
            }
            let overdue = |since: Instant| since.elapsed() > CHECKPOINT_INTERVAL;
            if self.unsynced.is_some_and(overdue) {
                self.sync()?;
                // Also where it is never quiet for long: in the moments between.
                self.left = Left::More;
            }
        }
    }

    fn next_job(&mut self) -> Next {
        self.look_ahead();
        if let Some(job) = self.ahead.take() {
            return Next::Job(job);
        }
        let patience = match (self.left, self.unsynced) {
            (Left::More, _) => Duration::ZERO,
            (Left::Later, _) | (Left::Nothing, Some(_)) => CHECKPOINT_IDLE,
            (Left::Nothing, None) => Duration::from_secs(3600),
        };
        match self.jobs.recv_timeout(self.cleaner.patience(patience)) {
            Ok(job) => Next::Job(job),
            Err(RecvTimeoutError::Timeout) => Next::Quiet,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    /// What is not synced is; then one step of tidying.
    fn use_the_quiet(&mut self) -> Result<(), Outage> {
        self.sync()?;
        self.left = self.tidy()?;
        Ok(())
    }

    fn look_ahead(&mut self) {
        if self.ahead.is_none() {
            self.ahead = self.jobs.try_recv().ok();
        }
    }

    /// Serves a job and the submissions that wait behind it, in their order.
    fn serve(&mut self, first: Job) -> Result<(), Outage> {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Accept {
                    submission,
                    answer,
                    _room,
                } => self.stage(&mut group, submission, answer, _room)?,
                other => {
                    self.commit(group)?;
                    return self.serve_one(other);
                }
            }
            let full =
                group.staged >= GROUP_EVENTS_MAX || self.log.group_bytes() >= GROUP_BYTES_MAX;
            if !full {
                self.look_ahead();
                next = self.ahead.take();
            }
        }
        self.commit(group)
    }

    /// From the end of the sync on, what was staged survives a power cut; only then is anyone answered.
    fn commit(&mut self, mut group: Group) -> Result<(), Outage> {
        if group.staged == 0 {
            group.answer();
            return Ok(());
        }
        match self.log.commit() {
            Ok(()) => {}
            Err(CommitError::Full) => {
                group.answer_all(&AcceptError::DiskFull);
                return Ok(());
            }
            Err(CommitError::Outage(outage)) => {
                group.answer_all(&outage.clone().into());
                return Err(outage);
            }
        }
        self.unsynced = None;
        // What was taken for new may be what does not read: nobody sees the one without the other.
        self.mend()?;
        self.show();
        group.answer();
        self.left = self.left.max(Left::Later);
        self.tell_news();
        Ok(())
    }

    /// Stages records that count together or not at all.
    pub fn stage_unit(&mut self, drafts: &[Draft]) -> Result<(), Outage> {
        let mut unit = self.log.unit();
        let mut staged = drafts
            .iter()
            .map(|draft| unit.record(draft.kind, &draft.head, &draft.bytes));
        let unfit = staged.find_map(Result::err);
        drop(staged);
        unfit.map_or(Ok(()), |unfit| Err(self.unfit(unfit)))
    }

    /// Sizes are bounded at the door: what does not fit is a fault of ours, and nothing of it is written.
    fn unfit(&self, unfit: Unfit) -> Outage {
        Outage::Disk {
            doing: "write to",
            path: self.log.reading().dir().into(),
            reason: unfit.to_string(),
        }
    }

    /// For what must not wait for others, and what a full disk must not stop without being told.
    pub fn commit_unit(&mut self, drafts: &[Draft]) -> Result<(), Outage> {
        self.stage_unit(drafts)?;
        self.log.commit().map_err(full_or_outage)?;
        self.unsynced = None;
        self.left = self.left.max(Left::Later);
        self.written(drafts)
    }

    /// The same without a sync: what is lost by a power cut comes again from the bus.
    pub fn append_unit(&mut self, drafts: &[Draft]) -> Result<(), Outage> {
        if drafts.is_empty() {
            return Ok(());
        }
        self.stage_unit(drafts)?;
        self.log.append().map_err(full_or_outage)?;
        self.unsynced.get_or_insert_with(Instant::now);
        self.written(drafts)
    }

    /// Tables follow, and then everybody sees it.
    fn written(&mut self, drafts: &[Draft]) -> Result<(), Outage> {
        let mut writes = crate::store::tables::TableWrites::default();
        for draft in drafts {
            if let Some(fact) = Fact::read(crate::store::log::Head {
                kind: draft.kind,
                fields: &draft.head,
            }) {
                super::tables::write(&mut writes, &fact);
            }
        }
        if !writes.is_empty() {
            self.shared.tables.apply(writes)?;
        }
        self.show();
        Ok(())
    }

    pub fn sync(&mut self) -> Result<(), Outage> {
        self.log.sync()?;
        self.unsynced = None;
        Ok(())
    }

    pub fn look(&self) -> Look<'_> {
        self.shared.look(self.log.state())
    }

    pub fn tell_news(&self) {
        self.shared.news.send_modify(|news| *news += 1);
    }

    pub fn show(&mut self) {
        self.bytes = self.log.bytes();
        self.shared.show(self.log.state().clone());
        self.shared.status.show(self.bytes, self.budget_bytes);
    }
}

pub(super) fn full_or_outage(error: CommitError) -> Outage {
    match error {
        CommitError::Full => Outage::Full,
        CommitError::Outage(outage) => outage,
    }
}

/// Numbers that are given in a group before it is written.
#[derive(Default)]
pub(super) struct Given {
    /// Feeds that have no number yet.
    pub feeds: BTreeMap<FeedName, u32>,
    /// The next number of each feed.
    pub next: BTreeMap<u32, u64>,
}
