//! What arrived in the inbox comes in, in the order of each log; the office's application has it afterwards, and a mark on disk
//! says so. An event whose delivery was not confirmed is delivered again; one that was is not.

mod file;
mod limits;
mod targets;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::envelope::nats;
use schemas::event::Position;
use schemas::subject::{FeedName, LogName};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::file::LineFile;
use self::limits::{PAGE_EVENTS, RETRY_FIRST, RETRY_LONGEST};
pub use self::targets::{Target, TargetState, Targets};
use self::webhook::Webhook;
use crate::inbox::delivered::{Delivered, Mark};
use crate::inbox::{Arrived, Inbox};
use crate::settings::{self, DeliverTo};
use crate::store::Outage;
use crate::watchdog::in_room;

/// What became of a delivery.
#[derive(Debug)]
enum Taken {
    Yes,
    /// The application cannot take anything now.
    NotNow {
        after: Option<Duration>,
        why: String,
    },
    /// The application does not take this one; those of other logs it may.
    NotThis {
        why: String,
    },
    /// The application wants nothing more.
    Retired,
}

enum To {
    Webhook(Webhook),
    File(LineFile),
}

/// One application's way to one feed.
struct Subscription {
    /// Stable: what was delivered is remembered under it. It may hold a secret of the address.
    name: String,
    /// What a person is shown of it.
    shown: String,
    targets: Targets,
    feed: FeedName,
    inbox: Inbox,
    delivered: Arc<Delivered>,
    to: To,
    /// Everything up to this arrival is delivered.
    after: u64,
    /// Deliveries in a row that were not taken.
    not_now: u32,
    waiting: BTreeMap<LogName, Waiting>,
}

/// A log whose next event was not taken.
struct Waiting {
    tries: u32,
    until: Instant,
}

/// Delivers to every subscription until the shutdown.
///
/// # Errors
/// The store failed: whoever owns it opens it anew.
pub async fn run(
    subscriptions: Vec<settings::Deliver>,
    inbox: Inbox,
    delivered: Arc<Delivered>,
    targets: Targets,
    shutdown: CancellationToken,
) -> Result<(), Outage> {
    let mut tasks = JoinSet::new();
    for settings::Deliver { feed, to } in subscriptions {
        let (name, shown, to) = match to {
            DeliverTo::Webhook { url, leave } => (
                format!("{feed} {url}"),
                targets::shown(&url),
                To::Webhook(Webhook::new(url, leave)),
            ),
            DeliverTo::File(path) => (
                format!("{feed} {}", path.display()),
                path.display().to_string(),
                To::File(LineFile::new(path)),
            ),
        };
        targets.begin(&name, &feed, &shown);
        let subscription = Subscription {
            name,
            shown,
            targets: targets.clone(),
            feed,
            inbox: inbox.clone(),
            delivered: delivered.clone(),
            to,
            after: 0,
            not_now: 0,
            waiting: BTreeMap::new(),
        };
        let stop = shutdown.clone();
        tasks.spawn(in_room("deliver/subscription", async move {
            tokio::select! {
                done = subscription.run() => done,
                () = stop.cancelled() => Ok(()),
            }
        }));
    }
    shutdown_or_failure(tasks, shutdown).await
}

async fn shutdown_or_failure(
    mut tasks: JoinSet<Result<(), Outage>>,
    shutdown: CancellationToken,
) -> Result<(), Outage> {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or(Err(Outage::Stopped))?;
    }
    shutdown.cancelled().await;
    Ok(())
}

impl Subscription {
    /// Safe to drop at any await: what is marked is delivered, what is not is delivered again.
    async fn run(mut self) -> Result<(), Outage> {
        let mut news = self.inbox.news();
        if let To::File(file) = &self.to {
            self.mark_written(file.path())?;
        }
        self.after = self.first_undelivered()?;
        loop {
            self.targets.delivered(&self.name, self.after);
            news.borrow_and_update();
            let page = self.inbox.page(&self.feed, self.after, PAGE_EVENTS).await?;
            let wait = match page.is_empty() {
                true => None,
                false => match self.deliver(page).await? {
                    Next::More => continue,
                    Next::Wait(until) => Some(until),
                    Next::Retired => return Ok(()),
                },
            };
            tokio::select! {
                Ok(()) = news.changed(), if wait.is_none() || !self.waiting.is_empty() => {}
                () = sleep_until(wait) => {}
            }
        }
    }

    /// The arrival before the first one that is not delivered.
    fn first_undelivered(&self) -> Result<u64, Outage> {
        // Read before the logs: what arrives while these are looked through is not taken for delivered.
        let end = self.inbox.status(&self.feed)?.last_arrival;
        let mut first = end;
        for (log, state) in self.inbox.logs(&self.feed)? {
            let delivered = self.delivered.position(&self.name, &log);
            if delivered < state.complete {
                let arrival = match Position::new(delivered) {
                    Some(position) => self.inbox.arrival(&log, position)?.unwrap_or(0),
                    None => 0,
                };
                first = first.min(arrival);
            }
            // What came back since, and was not delivered when the agent ended.
            let passed_over = self.delivered.passed_over(&self.name, &log);
            if let Some(arrival) = self.inbox.first_arrival_of(&log, &passed_over)? {
                first = first.min(arrival.saturating_sub(1));
            }
        }
        Ok(first)
    }

    async fn deliver(&mut self, page: Vec<Arrived>) -> Result<Next, Outage> {
        if let To::File(file) = &self.to {
            return self.write(file.path().to_owned(), page).await;
        }
        let mut all_before = true;
        let mut moved = false;
        for arrived in page {
            if self.is_done(&arrived) {
                if all_before {
                    self.after = arrived.arrival;
                    moved = true;
                }
                continue;
            }
            let due = self.waiting.get(&arrived.log).map(|waiting| waiting.until);
            if due.is_some_and(|until| until > Instant::now()) {
                all_before = false;
                continue;
            }
            match self.post(&arrived).await {
                Taken::Yes => {
                    self.not_now = 0;
                    self.waiting.remove(&arrived.log);
                    self.answered("taken");
                    let mark = self.mark_at(arrived.log, arrived.position)?;
                    self.mark(vec![mark]).await?;
                    moved = true;
                    if all_before {
                        self.after = arrived.arrival;
                    }
                }
                Taken::NotThis { why } => {
                    all_before = false;
                    self.put_off(arrived, &why);
                }
                Taken::NotNow { after, why } => {
                    self.not_now = self.not_now.saturating_add(1);
                    let wait = after.unwrap_or_else(|| retry_time(self.not_now));
                    self.not_taken(&why);
                    return Ok(Next::Wait(Instant::now() + wait));
                }
                Taken::Retired => {
                    let (feed, to) = (&self.feed, &self.shown);
                    let text = format!("{feed} to {to}: the application wants nothing more (410)");
                    self.inbox.alarms().raise("webhook-retired", text);
                    self.targets
                        .answered(&self.name, TargetState::Retired, "410 Gone");
                    return Ok(Next::Retired);
                }
            }
        }
        let soonest = self.waiting.values().map(|waiting| waiting.until).min();
        Ok(match soonest {
            Some(until) if !moved => Next::Wait(until),
            Some(_) | None => Next::More,
        })
    }

    /// It is a notice, or at another position of its log the same id was delivered already.
    fn is_done(&self, arrived: &Arrived) -> bool {
        let delivered = &self.delivered;
        !arrived.for_applications || delivered.has(&self.name, &arrived.log, arrived.position)
    }

    /// What was declared lost, and comes back behind this one, is not taken for delivered because of it.
    fn mark_at(&self, log: LogName, position: Position) -> Result<Mark, Outage> {
        let delivered = self.delivered.position(&self.name, &log);
        let passed_over = self.inbox.passed_over(&log, delivered, position)?;
        Ok(Mark {
            log,
            position,
            passed_over,
        })
    }

    async fn post(&mut self, arrived: &Arrived) -> Taken {
        let event = match nats::read_stored(&arrived.bytes) {
            Ok(event) => event,
            Err(refusal) => {
                let why = format!("the inbox holds what is no event: {refusal}");
                return Taken::NotThis { why };
            }
        };
        match &mut self.to {
            To::Webhook(webhook) => webhook.post(&event).await,
            To::File(_) => Taken::Yes,
        }
    }

    /// What stays refused in one log is not over because another's was taken.
    fn answered(&self, answer: &str) {
        let state = match self.waiting.is_empty() {
            true => TargetState::Delivering,
            false => TargetState::Waiting,
        };
        self.targets.answered(&self.name, state, answer);
    }

    fn not_taken(&self, why: &str) {
        tracing::warn!(feed = %self.feed, to = self.shown, why, "a delivery was not taken");
        self.targets.answered(&self.name, TargetState::Waiting, why);
    }

    fn put_off(&mut self, arrived: Arrived, why: &str) {
        let Arrived { log, position, .. } = arrived;
        let tries = self.waiting.get(&log).map_or(0, |waiting| waiting.tries);
        let tries = tries.saturating_add(1);
        tracing::warn!(to = self.shown, %log, %position, why, "an event was not taken");
        self.targets.answered(&self.name, TargetState::Waiting, why);
        let until = Instant::now() + retry_time(tries);
        self.waiting.insert(log, Waiting { tries, until });
    }

    /// A page becomes lines, is synced, and only then marked.
    async fn write(
        &mut self,
        path: std::path::PathBuf,
        page: Vec<Arrived>,
    ) -> Result<Next, Outage> {
        let last = page.last().map_or(self.after, |last| last.arrival);
        let open: Vec<Arrived> = page
            .into_iter()
            .filter(|arrived| !self.is_done(arrived))
            .collect();
        if !open.is_empty() {
            let bytes = open.iter().map(|arrived| arrived.bytes.clone()).collect();
            let written = tokio::task::spawn_blocking(move || file::append(&path, bytes)).await;
            if let Err(why) = written.unwrap_or_else(|_| Err("the writer panicked".into())) {
                self.not_now = self.not_now.saturating_add(1);
                self.not_taken(&why);
                return Ok(Next::Wait(Instant::now() + retry_time(self.not_now)));
            }
            self.not_now = 0;
            self.answered("written");
            let marks: Result<Vec<Mark>, Outage> = open
                .into_iter()
                .map(|arrived| self.mark_at(arrived.log, arrived.position))
                .collect();
            self.mark(marks?).await?;
        }
        self.after = last;
        Ok(Next::More)
    }

    async fn mark(&self, marks: Vec<Mark>) -> Result<(), Outage> {
        let (delivered, name) = (self.delivered.clone(), self.name.clone());
        let marked = tokio::task::spawn_blocking(move || delivered.mark(&name, &marks)).await;
        marked.unwrap_or(Err(Outage::Stopped))
    }

    /// What stands in the file and is not marked was written just before the agent was killed.
    fn mark_written(&self, path: &Path) -> Result<(), Outage> {
        let is_marked =
            |log: &LogName, position: Position| self.delivered.has(&self.name, log, position);
        let written = file::written(path, is_marked);
        let written = written.map_err(|e| Outage::disk("read", path, &e))?;
        let mut marks = Vec::new();
        for (log, position) in written {
            if log.feed == self.feed && !self.delivered.has(&self.name, &log, position) {
                marks.push(self.mark_at(log, position)?);
            }
        }
        match marks.is_empty() {
            true => Ok(()),
            false => self.delivered.mark(&self.name, &marks),
        }
    }
}

/// What a subscription does next.
enum Next {
    More,
    Wait(Instant),
    Retired,
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

fn retry_time(tries: u32) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled
        .min(RETRY_LONGEST)
        .mul_f64(0.75 + 0.25 * fastrand::f64())
}

#[cfg(test)]
mod tests;
