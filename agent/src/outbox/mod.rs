//! Valid events in, Accepted out, durable before acknowledged; what waits, what is settled, what was refused.
//! Here an event is never numbered in a log, never sent, and never dropped but by a person's word.
//!
//! ```text
//!  accept ─► group ─► one sync ─► answered           settle, refuse, put back ... ─► jobs
//!                        └───────────► records in a log (`store/log`) ◄──────────────┘
//!  read, status ◄── state: what waits, lies in the tray, is held ── places by key ── tables of what is rare
//! ```
//! The log is the only truth: what is known here is the fold over its records (`state`).

mod before;
mod branches;
mod committer;
mod facts;
mod given;
mod group;
mod jobs;
mod kinds;
mod look;
mod lost;
mod mend;
mod prune;
mod read;
mod readers;
mod receipts;
mod recover;
mod space;
mod state;
mod status;
mod tables;
mod tidy;
mod untold;

use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use schemas::limits::MESSAGE_BYTES_MAX;
use schemas::subject::FeedName;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::store::Outage;
use crate::store::alarms::{Alarms, now_ms};
use crate::store::limits::{REFUSAL_BYTES_MAX, WAITING_KIB_MAX};
use crate::store::log::{Log, Reading};
use crate::store::tables::Tables;
use committer::{Answer, Job};
use look::Look;
use state::State;

pub use given::{
    AcceptError, Accepted, Entry, InTray, Known, OwnHead, PutBack, Settled, Stage, Submission,
    Telling, Vouched, Waiting,
};
pub use readers::Reader;
pub use recover::OpenReport;
pub use status::{FeedStatus, Held, Status};

/// An office's own events. Cheap to clone; the last one to go closes the store.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    jobs: Jobs,
    committer: Option<JoinHandle<Log<kinds::Outbox>>>,
    room: Arc<Semaphore>,
    /// Comes back from the committer, and goes last: with it goes the lock of the folder.
    log: Option<Log<kinds::Outbox>>,
}

/// Whoever has work for the committer sends it here, until the store is closed.
#[derive(Clone)]
struct Jobs(Arc<Mutex<Option<mpsc::Sender<Job>>>>);

impl Jobs {
    fn new(jobs: mpsc::Sender<Job>) -> Jobs {
        Jobs(Arc::new(Mutex::new(Some(jobs))))
    }

    fn send(&self, job: Job) -> Result<(), Outage> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().ok_or(Outage::Stopped)?.send(job);
        sent.map_err(|_| Outage::Stopped)
    }

    fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// What the committer and the readers both see.
struct Shared {
    reading: Reading,
    tables: Tables,
    /// What is durable or written, as of the last thing that was done.
    state: RwLock<Arc<State>>,
    alarms: Alarms,
    status: status::Board,
    reach: readers::Reach,
    news: watch::Sender<u64>,
    failed: CancellationToken,
}

impl Shared {
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    fn look<'a>(&'a self, state: &'a State) -> Look<'a> {
        Look {
            state,
            reading: &self.reading,
            tables: &self.tables,
        }
    }
}

impl Drop for Inner {
    /// The committer ends when nobody can give it work; the store is closed only then.
    fn drop(&mut self) {
        self.jobs.close();
        if let Some(committer) = self.committer.take() {
            self.log = committer.join().ok();
        }
    }
}

type AcceptAnswered = oneshot::Receiver<Result<Accepted, AcceptError>>;

async fn answered(answer: AcceptAnswered) -> Result<Accepted, AcceptError> {
    answer.await.unwrap_or(Err(Outage::Stopped.into()))
}

impl Outbox {
    /// Returns when the event is on disk. Whoever stops waiting does not know whether it was accepted.
    pub async fn accept(&self, submission: Submission) -> Result<Accepted, AcceptError> {
        answered(self.hand_in(submission).await?).await
    }

    /// All of these in their order, each with its own answer; what is handed in together shares the disk's sync.
    pub async fn accept_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Vec<Result<Accepted, AcceptError>> {
        let mut handed_in = Vec::with_capacity(submissions.len());
        for submission in submissions {
            // One behind the other: of futures that wait at the same time, tokio may wake the last one first.
            handed_in.push(self.hand_in(submission).await);
        }
        let mut answers = Vec::with_capacity(handed_in.len());
        for one in handed_in {
            answers.push(match one {
                Ok(answer) => answered(answer).await,
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// Returns when it is in line behind what was handed in before, and not on disk yet.
    async fn hand_in(&self, submission: Submission) -> Result<AcceptAnswered, AcceptError> {
        if submission.bytes.len() > MESSAGE_BYTES_MAX {
            return Err(AcceptError::TooLarge);
        }
        let kib = u32::try_from(submission.bytes.len() / 1024 + 1).unwrap_or(WAITING_KIB_MAX);
        let room = Arc::clone(&self.inner.room).acquire_many_owned(kib).await;
        let room = room.map_err(|_| Outage::Stopped)?;
        let (answer, answered) = oneshot::channel();
        self.send(Job::Accept {
            submission,
            answer,
            _room: room,
        })?;
        Ok(answered)
    }

    /// These are durable on the bus: what waited leaves the line, all become part of the own log, and their receipts are kept.
    pub async fn settle(&self, feed: &FeedName, vouched: impl Into<Vouched>) -> Result<(), Outage> {
        let (feed, vouched) = (feed.clone(), vouched.into());
        self.ask(|answer| Job::Settle(feed, vouched, answer)).await
    }

    /// The bus has these under our name, and we do not remember them: they are part of the own log. Where that is to be told, the
    /// range is remembered in the same write, until the notice is settled.
    /// An event in the tray with the same id stays there.
    pub async fn take_back(
        &self,
        feed: &FeedName,
        vouched: impl Into<Vouched>,
        telling: Telling,
    ) -> Result<(), Outage> {
        let (feed, vouched) = (feed.clone(), vouched.into());
        self.ask(|answer| Job::TakeBack(feed, vouched, telling, answer))
            .await
    }

    /// From the own log to the front of the line, in this order, durably. As they were signed they are kept beside the own log.
    pub async fn put_back(&self, feed: &FeedName, events: Vec<PutBack>) -> Result<(), Outage> {
        let feed = feed.clone();
        self.ask(|answer| Job::PutBack(feed, events, answer)).await
    }

    /// From the line into the tray, durably. `refusal` is what the gateway said.
    pub async fn refuse(&self, feed: &FeedName, number: u64, refusal: &str) -> Result<(), Outage> {
        let cut = refusal.floor_char_boundary(REFUSAL_BYTES_MAX);
        let (feed, refusal) = (feed.clone(), refusal[..cut].to_owned());
        self.ask(|answer| Job::Refuse(feed, number, refusal, answer))
            .await
    }

    /// From the tray back into line, durably.
    pub async fn release(&self, feed: &FeedName, number: u64) -> Result<(), Outage> {
        let feed = feed.clone();
        self.ask(|answer| Job::Release(feed, number, answer)).await
    }

    /// From the tray out of the store, durably.
    pub async fn drop_from_tray(&self, feed: &FeedName, number: u64) -> Result<(), Outage> {
        let feed = feed.clone();
        self.ask(|answer| Job::Drop(feed, number, answer)).await
    }

    /// Syncs what is written. Where the disk budget presses, room is made before it returns.
    pub async fn checkpoint(&self) -> Result<(), Outage> {
        self.ask(Job::Checkpoint).await
    }

    /// Returns when nothing is left to tidy; otherwise it is done whenever it is quiet.
    pub async fn tidy(&self) -> Result<(), Outage> {
        self.ask(Job::Tidy).await
    }

    fn send(&self, job: Job) -> Result<(), Outage> {
        self.inner.jobs.send(job)
    }

    async fn ask(&self, job: impl FnOnce(Answer) -> Job) -> Result<(), Outage> {
        let (answer, answered) = oneshot::channel();
        self.send(job(answer))?;
        answered.await.unwrap_or(Err(Outage::Stopped))
    }

    /// Shown in the status until something of the feed settles, or nothing of it waits: what holds the feed up. One that goes on
    /// keeps its beginning; says whether it is another than before.
    pub fn hold(&self, feed: &FeedName, code: &str, text: &str) -> bool {
        let held = Held {
            code: code.into(),
            text: text.into(),
            since_ms: now_ms(),
        };
        self.inner.shared.status.hold(feed, held)
    }

    /// Nothing holds the feed up any more: nothing of it waits, and the bus answers. Says whether something did.
    pub fn release_hold(&self, feed: &FeedName) -> bool {
        self.inner.shared.status.release(feed)
    }

    pub fn status(&self) -> Result<Status, Outage> {
        self.told(status::Status::of(&self.inner.shared))
    }

    pub fn alarms(&self) -> &Alarms {
        &self.inner.shared.alarms
    }

    /// Changes whenever something joins a line.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.shared.news.subscribe()
    }

    /// Cancelled when the disk failed: nothing is accepted until the store is opened again.
    pub fn failed(&self) -> CancellationToken {
        self.inner.shared.failed.clone()
    }
}

#[cfg(test)]
pub(crate) mod tests;
