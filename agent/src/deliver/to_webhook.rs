//! Delivery to a webhook: what is due of each log comes in, one event of a log at a time; its application has it afterwards, and a mark says so. An
//! event that is not taken holds up its own log. One that is not answered is given more time at its next try, and a longer rest before it, while
//! events of other logs go beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use schemas::envelope::nats;
use schemas::subject::LogName;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::lanes::{Due, Lanes, Trouble};
use super::limits::{
    BESIDE_AFTER, LOGS_TOLD, PATIENCE_LONGEST, RETRY_FIRST, SLOW_RETRY_LONGEST, UNDER_WAY,
};
use super::orders::{Request, blocking, carry_out, doubled, sleep_until};
use super::targets::Stuck;
use super::webhook::{Taken, Webhook};
use super::{Ground, TargetState};
use crate::store::Outage;

pub struct ToWebhook {
    ground: Arc<Ground>,
    webhook: Webhook,
    lanes: Lanes,
    posts: JoinSet<Answered>,
    under_way: BTreeMap<LogName, Post>,
    number: u64,
    /// How long an answer may take: as long as one has taken here before, and as long as is set at least.
    patience: Duration,
    not_now: Option<NotNow>,
    /// Logs of which an alarm was raised since the last time that none was held up.
    told: usize,
    retired: bool,
}

/// A delivery under way.
struct Post {
    number: u64,
    due: Due,
    since: Instant,
    patience: Duration,
    task: AbortHandle,
}

struct Answered {
    log: LogName,
    number: u64,
    taken: Taken,
    status: Option<StatusCode>,
}

/// The application takes nothing for a while.
struct NotNow {
    until: Instant,
    since: Instant,
    tries: u32,
    told: bool,
}

impl ToWebhook {
    pub fn new(ground: Arc<Ground>, webhook: Webhook) -> ToWebhook {
        ToWebhook {
            lanes: Lanes::new(Arc::clone(&ground)),
            patience: ground.waits.answer,
            ground,
            webhook,
            posts: JoinSet::new(),
            under_way: BTreeMap::new(),
            number: 0,
            not_now: None,
            told: 0,
            retired: false,
        }
    }

    /// Safe to drop at any await: what is marked is delivered, what is not is delivered again.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Request>) -> Result<(), Outage> {
        let mut news = self.ground.inbox.news();
        self.lanes.refresh()?;
        loop {
            while let Some(due) = self.next() {
                self.post(due).await?;
            }
            for log in self.lanes.undecided(self.ground.waits.told_after) {
                self.ground.tell_undecided(&log);
            }
            let until = self.soonest();
            tokio::select! {
                Some(answered) = self.posts.join_next() => {
                    // A task that was ended by an order has no answer.
                    if let Ok(answered) = answered {
                        self.answered(answered).await?;
                    }
                }
                Ok(()) = news.changed() => self.lanes.refresh()?,
                Some(request) = orders.recv() => self.ordered(request).await?,
                () = sleep_until(until) => {}
            }
        }
    }

    /// What may be posted now: one event, or another beside those that have been under way for some time.
    fn next(&self) -> Option<Due> {
        let now = Instant::now();
        let waits = self
            .not_now
            .as_ref()
            .is_some_and(|not_now| not_now.until > now);
        let slow = |post: &Post| now.duration_since(post.since) >= BESIDE_AFTER;
        let room = self.under_way.len() < UNDER_WAY && self.under_way.values().all(slow);
        match self.retired || waits || !room {
            true => None,
            false => self.lanes.first(now),
        }
    }

    fn soonest(&self) -> Option<Instant> {
        let now = Instant::now();
        let held = self.not_now.as_ref().map(|not_now| not_now.until);
        let beside = self
            .under_way
            .values()
            .map(|post| post.since + BESIDE_AFTER);
        let due = self.lanes.soonest().filter(|_| !self.retired);
        let told_after = self.ground.waits.told_after;
        let told = self.lanes.in_trouble().then_some(now + told_after);
        let all = [held, due].into_iter().flatten().chain(beside);
        all.filter(|at| *at > now).chain(told).min()
    }

    async fn post(&mut self, due: Due) -> Result<(), Outage> {
        let bytes = self.ground.inbox.get(&due.log, due.event.position)?;
        let Some(event) = bytes.and_then(|bytes| nats::read_stored(&bytes).ok()) else {
            let why = "the inbox holds what is no event";
            self.not_this(&due, why, self.ground.waits.retry_longest);
            return Ok(());
        };
        let ready = match self.webhook.ready(&event).await {
            Ok(ready) => ready,
            Err(why) => {
                self.nothing_now(&due, None, &why);
                return Ok(());
            }
        };
        self.number += 1;
        let (log, number) = (due.log.clone(), self.number);
        let unanswered = self
            .lanes
            .trouble(&log)
            .map_or(0, |trouble| trouble.unanswered);
        let patience = patience(self.patience, unanswered);
        let task = self.posts.spawn(async move {
            let (taken, status) = ready.send(patience).await;
            Answered {
                log,
                number,
                taken,
                status,
            }
        });
        self.lanes.goes(&due.log);
        let post = Post {
            number,
            since: Instant::now(),
            patience,
            task,
            due,
        };
        self.under_way.insert(post.due.log.clone(), post);
        Ok(())
    }

    async fn answered(&mut self, answered: Answered) -> Result<(), Outage> {
        let Answered {
            log,
            number,
            taken,
            status,
        } = answered;
        let is_it = self
            .under_way
            .get(&log)
            .is_some_and(|post| post.number == number);
        let Some(Post {
            due,
            patience,
            since,
            ..
        }) = is_it.then(|| self.under_way.remove(&log)).flatten()
        else {
            return Ok(());
        };
        self.webhook.answered(status);
        match taken {
            Taken::Yes => {
                self.not_now = None;
                // Whoever once took so long is given as much from the first try on.
                let took = since.elapsed().saturating_mul(2).min(PATIENCE_LONGEST);
                self.patience = self.patience.max(took.min(patience));
                self.taken(due).await?;
            }
            Taken::NotThis { why } => {
                let tries = self
                    .lanes
                    .trouble(&log)
                    .map_or(1, |trouble| trouble.tries + 1);
                let wait = self.doubled(tries);
                self.not_this(&due, &why, wait);
            }
            Taken::Unanswered => self.unanswered(&due, patience),
            Taken::NotNow { after, why } => self.nothing_now(&due, after, &why),
            Taken::Retired => self.retire(),
        }
        Ok(())
    }

    async fn taken(&mut self, due: Due) -> Result<(), Outage> {
        let mark = self.ground.mark(&due)?;
        let at_work = Arc::clone(&self.ground);
        blocking(move || at_work.delivered.mark(&at_work.name, &[mark], None)).await?;
        let was_stuck = self.lanes.trouble(&due.log).is_some();
        self.lanes.passed(&due)?;
        if !self.lanes.in_trouble() {
            self.told = 0;
        }
        let (targets, name) = (&self.ground.targets, &self.ground.name);
        if was_stuck {
            targets.stuck(name, &due.log, None);
        }
        targets.answered(name, self.state(), "taken");
        Ok(())
    }

    /// What stays refused in one log is not over because another's was taken.
    fn state(&self) -> TargetState {
        match (
            self.retired,
            self.lanes.in_trouble() || self.not_now.is_some(),
        ) {
            (true, _) => TargetState::Retired,
            (false, true) => TargetState::Waiting,
            (false, false) => TargetState::Delivering,
        }
    }

    /// The event's own log waits.
    fn not_this(&mut self, due: &Due, why: &str, wait: Duration) {
        let Some(trouble) = self.lanes.not_taken(&due.log) else {
            return;
        };
        let told_after = self.ground.waits.told_after;
        // That the target takes nothing at all is told once, and not of each log.
        let is_own = self
            .not_now
            .as_ref()
            .is_none_or(|not_now| not_now.since.elapsed() < told_after);
        let is_due = trouble.since.elapsed() >= told_after && !trouble.told;
        let is_told = is_own && is_due && self.told < LOGS_TOLD;
        trouble.told |= is_told;
        let trouble = trouble.clone();
        self.lanes.wait(&due.log, wait);
        self.tell(due, why, &trouble);
        if is_told {
            self.told += 1;
            self.ground.tell_waits(due, &trouble, why);
        }
    }

    fn unanswered(&mut self, due: &Due, patience: Duration) {
        let Some(trouble) = self.lanes.not_taken(&due.log) else {
            return;
        };
        trouble.unanswered = trouble.unanswered.saturating_add(1);
        let trouble = trouble.clone();
        let wait = doubled(
            self.ground.waits.answer,
            SLOW_RETRY_LONGEST,
            trouble.unanswered,
        );
        self.lanes.wait(&due.log, wait);
        let why = format!("no answer within {} s", patience.as_secs());
        self.tell(due, &why, &trouble);
        if trouble.unanswered == 1 {
            self.ground.tell_slow(due, patience);
        }
    }

    fn tell(&self, due: &Due, why: &str, trouble: &Trouble) {
        let ground = &self.ground;
        ground.not_taken(why);
        let stuck = Stuck {
            source: due.log.source(),
            position: due.event.position.number(),
            id: due.event.id.clone(),
            tries: trouble.tries,
            since_ms: trouble.since_ms,
            answer: why.to_owned(),
        };
        ground.targets.stuck(&ground.name, &due.log, Some(stuck));
    }

    /// Nothing goes to the target for a while. An event that meets this again and again lets those of other logs go before it.
    fn nothing_now(&mut self, due: &Due, after: Option<Duration>, why: &str) {
        let tries = self
            .not_now
            .as_ref()
            .map_or(0, |not_now| not_now.tries)
            .saturating_add(1);
        let now = Instant::now();
        let wait = after.unwrap_or_else(|| self.doubled(tries));
        let mut not_now = NotNow {
            until: now + wait,
            since: self.not_now.as_ref().map_or(now, |not_now| not_now.since),
            tries,
            told: self.not_now.as_ref().is_some_and(|not_now| not_now.told),
        };
        let again = self
            .lanes
            .trouble(&due.log)
            .map_or(0, |trouble| trouble.tries);
        let rest = match again {
            0 => Duration::ZERO,
            again => wait + self.doubled(again),
        };
        if not_now.since.elapsed() >= self.ground.waits.told_after && !not_now.told {
            not_now.told = true;
            self.ground.tell_target_waits(why);
        }
        self.not_now = Some(not_now);
        self.not_this(due, why, rest);
    }

    /// How long is waited behind so many tries.
    fn doubled(&self, tries: u32) -> Duration {
        doubled(RETRY_FIRST, self.ground.waits.retry_longest, tries)
    }

    fn retire(&mut self) {
        self.retired = true;
        let ground = &self.ground;
        let (feed, to) = (&ground.feed, &ground.shown);
        let text = format!(
            "{}: {feed} to {to}: the application wants nothing more (410)",
            ground.name
        );
        ground.inbox.alarms().raise("webhook-retired", text);
        let state = TargetState::Retired;
        ground.targets.answered(&ground.name, state, "410 Gone");
    }

    async fn ordered(&mut self, request: Request) -> Result<(), Outage> {
        let logs = carry_out(&self.ground, &mut self.lanes, request).await?;
        for log in logs {
            // What is under way is another question from here on, however it is answered.
            if let Some(post) = self.under_way.remove(&log) {
                post.task.abort();
            }
        }
        self.ground.targets.stands(&self.ground.name, self.state());
        Ok(())
    }
}

/// Twice as long for each time that there was no answer.
fn patience(known: Duration, unanswered: u32) -> Duration {
    known
        .saturating_mul(1 << unanswered.min(8))
        .min(PATIENCE_LONGEST)
}
