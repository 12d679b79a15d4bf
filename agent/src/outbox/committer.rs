//! The one writer: jobs come in over a channel, each is answered when it is durable. What waits at the same time
//! shares one fdatasync. After a failure of the disk nothing is written; everyone waiting is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use schemas::confirmation::Confirmation;
use schemas::subject::FeedName;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::group::{AcceptAnswer, Group};
use super::index::Writes;
use super::journal::{CommitError, Journal};
use super::segment::Location;
use super::state::State;
use super::{AcceptError, PutBack, Shared, Submission, Telling, Vouched};
use crate::store::Outage;
use crate::store::index::{Index, Left};
use crate::store::limits::{
    CHECKPOINT_IDLE, CHECKPOINT_INTERVAL, GROUP_BYTES_MAX, GROUP_EVENTS_MAX,
};

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
    /// A reader found no good record there.
    Lost(FeedName, u64, Location),
    /// A reader found the index damaged.
    Suspect,
    /// Tidies until nothing is left to tidy.
    Tidy(Answer),
    /// The journal goes on in another file: the only way to have a sync fail for real.
    #[cfg(test)]
    WriteTo(std::fs::File),
}

pub(super) struct Committer {
    pub state: State,
    pub journal: Journal,
    pub index: Arc<Index>,
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    pub budget_bytes: u64,
    pub index_bytes: u64,
    /// A job that was taken from the channel to see whether there is one.
    pub ahead: Option<Job>,
    /// In the journal and answered, not yet in the index.
    pub unapplied: Option<Group>,
    /// Since when there is work that no checkpoint has synced.
    pub unsynced: Option<Instant>,
    /// For how long settled events are kept as they were signed.
    pub resend_horizon: Duration,
    /// The disk budget has needed the room of events within the horizon, and that was told.
    pub pressed: bool,
    /// What there is to tidy when nobody waits.
    pub left: Left,
}

enum Next {
    Job(Job),
    /// Nothing came for a while.
    Quiet,
    /// Nobody can send any more.
    Closed,
}

impl Committer {
    /// Works until nobody can send any more, or the disk fails.
    pub fn run(mut self) {
        self.show();
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                if matches!(error, Outage::Index { .. }) {
                    self.index.suspect();
                }
                tracing::error!(%error, "the outbox stopped");
            }
            // sled panics on some damaged pages.
            Err(_) => {
                self.index.suspect();
                tracing::error!("the outbox panicked");
            }
        }
        // Whoever waits for an answer learns it from the channel that goes away with the job.
        self.shared.failed.cancel();
    }

    fn work(&mut self) -> Result<(), Outage> {
        loop {
            match self.next_job()? {
                Next::Job(job) => self.serve(job)?,
                Next::Quiet => self.use_the_quiet()?,
                Next::Closed => return self.checkpoint(),
            }
            let overdue = |since: Instant| since.elapsed() > CHECKPOINT_INTERVAL;
            if self.unsynced.is_some_and(overdue) {
                self.catch_up()?;
                self.checkpoint()?;
                // Also where it is never quiet for long: in the moments between.
                self.left = Left::More;
            }
        }
    }

    /// Before it waits, the index catches up with the journal.
    fn next_job(&mut self) -> Result<Next, Outage> {
        self.look_ahead();
        if let Some(job) = self.ahead.take() {
            return Ok(Next::Job(job));
        }
        self.catch_up()?;
        let patience = match (self.left, self.unsynced) {
            (Left::More, _) => Duration::ZERO,
            (Left::Later, _) | (Left::Nothing, Some(_)) => CHECKPOINT_IDLE,
            (Left::Nothing, None) => Duration::from_secs(3600),
        };
        Ok(match self.jobs.recv_timeout(patience) {
            Ok(job) => Next::Job(job),
            Err(RecvTimeoutError::Timeout) => Next::Quiet,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        })
    }

    /// One step of tidying, and a checkpoint before the first and behind the last.
    fn use_the_quiet(&mut self) -> Result<(), Outage> {
        if self.left != Left::More {
            self.checkpoint()?;
        }
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
                    self.catch_up()?;
                    return self.serve_one(other);
                }
            }
            let full = group.staged.len() >= GROUP_EVENTS_MAX
                || self.journal.group_bytes() >= GROUP_BYTES_MAX;
            if !full {
                self.look_ahead();
                next = self.ahead.take();
            }
        }
        self.commit(group)
    }

    /// From the end of the sync on, what was staged survives a power cut; only then is anyone answered.
    fn commit(&mut self, mut group: Group) -> Result<(), Outage> {
        if group.staged.is_empty() {
            group.answer();
            return Ok(());
        }
        match self.sync()? {
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
        // Where more is waiting, the index follows while the next group is synced. Whoever asks for one of these ids
        // meanwhile finds it beside the index.
        self.look_ahead();
        if self.ahead.is_none() {
            self.apply(&group)?;
            group.answer();
        } else {
            self.shared.beside(Arc::clone(&group.ids));
            group.answer();
            self.unapplied = Some(group);
        }
        Ok(())
    }

    /// Syncs the journal, and meanwhile brings the group before into the index.
    fn sync(&mut self) -> Result<Result<(), CommitError>, Outage> {
        let Some(before) = self.unapplied.take() else {
            return Ok(self.journal.commit());
        };
        let end = self.journal.end();
        let (state, index) = (&mut self.state, &self.index);
        let (synced, applied) = self.journal.commit_while(|| {
            let writes = before.writes(&index.db(), state);
            let mut writes = writes.map_err(|e| Outage::index("read", &e))?;
            writes.mark(end);
            writes.numbers(state.front, state.next);
            index.apply(writes.0)
        });
        applied?;
        self.applied();
        Ok(synced)
    }

    /// Brings into the index what was answered before it was there.
    pub fn catch_up(&mut self) -> Result<(), Outage> {
        match self.unapplied.take() {
            Some(group) => self.apply(&group),
            None => Ok(()),
        }
    }

    fn apply(&mut self, group: &Group) -> Result<(), Outage> {
        let writes = group.writes(&self.index.db(), &mut self.state);
        self.apply_journaled(writes.map_err(|e| Outage::index("read", &e))?)?;
        self.applied();
        Ok(())
    }

    fn applied(&mut self) {
        self.unsynced.get_or_insert_with(Instant::now);
        self.shared.beside(Arc::default());
        self.show();
        self.tell_news();
    }

    pub fn disk_bytes(&self) -> u64 {
        self.journal.bytes() + self.index_bytes
    }

    /// Applies what the whole journal up to here means.
    pub fn apply_journaled(&mut self, mut writes: Writes) -> Result<(), Outage> {
        writes.mark(self.journal.end());
        writes.numbers(self.state.front, self.state.next);
        self.apply_index(writes)
    }

    pub fn apply_index(&mut self, writes: Writes) -> Result<(), Outage> {
        self.unsynced.get_or_insert_with(Instant::now);
        self.index.apply(writes.0)?;
        self.show();
        Ok(())
    }

    pub fn tell_news(&self) {
        self.shared.news.send_modify(|news| *news += 1);
    }

    pub fn show(&self) {
        let status = &self.shared.status;
        status.show(&self.state, self.disk_bytes(), self.budget_bytes);
    }
}
