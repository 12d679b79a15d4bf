//! The one writer: jobs come in over a channel, each is answered when it is durable. What waits at the same time
//! shares one fdatasync. After a failure of the disk nothing is written; everyone waiting is told.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use schemas::event::Hash;
use schemas::subject::FeedName;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::index::{Known, Reads, Stage, Writes};
use super::journal::{CommitError, Journal};
use super::record::{self, Record};
use super::segment::Location;
use super::state::State;
use super::{AcceptError, Accepted, PutBack, Settled, Shared, Submission};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::index::Index;
use crate::store::limits::{
    BUDGET_RESERVE_ONE_IN, CHECKPOINT_IDLE, CHECKPOINT_INTERVAL, GROUP_BYTES_MAX, GROUP_EVENTS_MAX,
};

pub(super) type Answer = oneshot::Sender<Result<(), Outage>>;
type AcceptAnswer = oneshot::Sender<Result<Accepted, AcceptError>>;

pub(super) enum Job {
    Accept {
        submission: Submission,
        answer: AcceptAnswer,
        _room: OwnedSemaphorePermit,
    },
    Settle(FeedName, Vec<Settled>, Answer),
    TakeBack(FeedName, Vec<Settled>, Answer),
    PutBack(FeedName, Vec<PutBack>, Answer),
    Refuse(FeedName, u64, String, Answer),
    Release(FeedName, u64, Answer),
    Drop(FeedName, u64, Answer),
    Checkpoint(Answer),
    /// A reader found no good record there.
    Lost(FeedName, u64, Location),
    /// A reader found the index damaged.
    Suspect,
}

pub(super) struct Committer {
    pub state: State,
    pub journal: Journal,
    pub index: Index,
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    pub budget_bytes: u64,
    pub index_bytes: u64,
    /// Since when there is work that no checkpoint has synced.
    pub unsynced: Option<Instant>,
}

/// Submissions that will share one sync.
#[derive(Default)]
struct Group {
    staged: Vec<Staged>,
    answers: Vec<(AcceptAnswer, Result<Accepted, AcceptError>)>,
    ids: HashMap<(FeedName, String), Known>,
    keys: HashMap<(FeedName, Hash), String>,
}

struct Staged {
    submission: Submission,
    number: u64,
    at_ms: u64,
    at: Location,
    before: Option<Known>,
    _room: OwnedSemaphorePermit,
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
            let patience = match self.unsynced {
                Some(_) => CHECKPOINT_IDLE,
                None => Duration::from_secs(3600),
            };
            match self.jobs.recv_timeout(patience) {
                Ok(job) => self.serve(job)?,
                Err(RecvTimeoutError::Timeout) => self.checkpoint()?,
                Err(RecvTimeoutError::Disconnected) => return self.checkpoint(),
            }
            if self
                .unsynced
                .is_some_and(|since| since.elapsed() > CHECKPOINT_INTERVAL)
            {
                self.checkpoint()?;
            }
        }
    }

    /// Serves a job and those that wait behind it, in their order.
    fn serve(&mut self, first: Job) -> Result<(), Outage> {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Accept {
                    submission,
                    answer,
                    _room,
                } => self.stage(&mut group, submission, answer, _room)?,
                other => {
                    self.commit(std::mem::take(&mut group))?;
                    self.serve_one(other)?;
                }
            }
            let full = group.staged.len() >= GROUP_EVENTS_MAX
                || self.journal.group_bytes() >= GROUP_BYTES_MAX;
            next = if full {
                None
            } else {
                self.jobs.try_recv().ok()
            };
        }
        self.commit(group)
    }

    /// Answers what can be answered from what is known; stages what is new.
    fn stage(
        &mut self,
        group: &mut Group,
        submission: Submission,
        answer: AcceptAnswer,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Outage> {
        let known = self.known(group, &submission);
        let (id, before) = known.map_err(|e| Outage::index("read", &e))?;
        match before {
            Some(known) if known.stage != Stage::Lost => {
                let same = known
                    .content
                    .map_or(known.data == submission.data, |content| {
                        content == submission.content
                    });
                let accepted = Accepted {
                    id: id.clone(),
                    stage: known.stage,
                    again: true,
                };
                let said = if same {
                    Ok(accepted)
                } else {
                    Err(AcceptError::IdTaken { id })
                };
                group.answers.push((answer, said));
            }
            before => match self.over_budget(submission.bytes.len()) {
                Some(error) => group.answers.push((answer, Err(error))),
                None => self.stage_new(group, submission, answer, room, before),
            },
        }
        Ok(())
    }

    /// The id that the submission means, and what is known of it, in the index or in the group.
    fn known(
        &self,
        group: &Group,
        submission: &Submission,
    ) -> Result<(String, Option<Known>), sled::Error> {
        let reads = Reads(&self.index.db);
        let feed = &submission.feed;
        let of_key = match submission.key {
            None => None,
            Some(key) => match group.keys.get(&(feed.clone(), key)) {
                Some(id) => Some(id.clone()),
                None => reads.id_of_key(feed, key)?,
            },
        };
        let id = of_key.unwrap_or_else(|| submission.id.clone());
        let known = match group.ids.get(&(feed.clone(), id.clone())) {
            Some(known) => Some(*known),
            None => reads.known(feed, &id)?,
        };
        Ok((id, known))
    }

    fn stage_new(
        &mut self,
        group: &mut Group,
        submission: Submission,
        answer: AcceptAnswer,
        room: OwnedSemaphorePermit,
        before: Option<Known>,
    ) {
        let number = self.state.next;
        self.state.next += 1;
        let at_ms = now_ms();
        let at =
            Record::Accepted(accepted_record(&submission, number, at_ms)).stage(&mut self.journal);
        let known = Known {
            stage: Stage::Accepted,
            number,
            content: Some(submission.content),
            data: submission.data,
        };
        let name = (submission.feed.clone(), submission.id.clone());
        if let Some(key) = submission.key {
            group.keys.insert((name.0.clone(), key), name.1.clone());
        }
        group.ids.insert(name, known);
        let accepted = Accepted {
            id: submission.id.clone(),
            stage: Stage::Accepted,
            again: false,
        };
        group.answers.push((answer, Ok(accepted)));
        group.staged.push(Staged {
            submission,
            number,
            at_ms,
            at,
            before,
            _room: room,
        });
    }

    fn over_budget(&self, more: usize) -> Option<AcceptError> {
        let group = self.journal.group_bytes() + more;
        let used = self.disk_bytes() + u64::try_from(group).unwrap_or(u64::MAX);
        let budget = self.budget_bytes - self.budget_bytes / BUDGET_RESERVE_ONE_IN;
        (used > budget).then_some(AcceptError::DiskBudget {
            used,
            budget: self.budget_bytes,
        })
    }

    pub fn disk_bytes(&self) -> u64 {
        self.journal.bytes() + self.index_bytes
    }

    /// From the end of `commit` on, what was staged survives a power cut; only then is anyone answered.
    fn commit(&mut self, group: Group) -> Result<(), Outage> {
        if !group.staged.is_empty() {
            match self.journal.commit() {
                Ok(()) => self.apply(&group.staged)?,
                Err(CommitError::Full) => {
                    let (used, budget) = (self.disk_bytes(), self.budget_bytes);
                    for (answer, _) in group.answers {
                        let _gone = answer.send(Err(AcceptError::DiskBudget { used, budget }));
                    }
                    return Ok(());
                }
                Err(CommitError::Outage(outage)) => {
                    for (answer, _) in group.answers {
                        let _gone = answer.send(Err(outage.clone().into()));
                    }
                    return Err(outage);
                }
            }
        }
        for (answer, said) in group.answers {
            let _gone = answer.send(said);
        }
        Ok(())
    }

    fn apply(&mut self, staged: &[Staged]) -> Result<(), Outage> {
        let mut writes = Writes::default();
        for one in staged {
            let feed = &one.submission.feed;
            let record = accepted_record(&one.submission, one.number, one.at_ms);
            self.state
                .accepted(
                    &self.index.db,
                    &mut writes,
                    feed,
                    (one.at, &record),
                    one.before,
                )
                .map_err(|e| Outage::index("read", &e))?;
        }
        self.apply_journaled(writes)?;
        self.tell_news();
        Ok(())
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

fn accepted_record(submission: &Submission, number: u64, at_ms: u64) -> record::Accepted<'_> {
    record::Accepted {
        number,
        at_ms,
        content: submission.content,
        data: submission.data,
        feed: submission.feed.as_str(),
        id: &submission.id,
        key: submission.key,
        bytes: &submission.bytes,
    }
}
