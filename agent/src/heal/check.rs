//! What a feed's stream counts is held against what is held here: of the own log, and of the logs that are read. What the bus lacks
//! goes out as requests, with the positions found by the head and, where that does not tell, by reading the log.

use std::collections::BTreeMap;

use schemas::event::Hash;
use schemas::heal::{Compared, HealRequest, LogCount, Ranges, compare};
use schemas::subject::{FeedName, LogName, OfficeId};

use super::Heal;
use super::limits::CONFIRM_TIME;
use crate::dispatch::Trouble;
use crate::dispatch::own_log::{BusLog, SessionLog};
use crate::link::Session;

/// A look at one feed.
pub struct Look {
    pub heal: Heal,
    pub session: Session,
    pub genesis: Hash,
    pub feed: FeedName,
}

/// How far a log is held here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    up_to: u64,
    /// What its office has declared lost, and is not held.
    declared: Ranges,
}

impl Look {
    pub async fn run(self) -> Result<Vec<HealRequest>, Trouble> {
        // What is held is read before what is counted: the bus may only have grown since.
        let held = self.held()?;
        if self.lacking(&held).await?.is_empty() {
            return Ok(Vec::new());
        }
        tokio::time::sleep(CONFIRM_TIME).await;
        let mut requests = Vec::new();
        for (log, count) in self.lacking(&held).await? {
            let missing = self.find(&log, &held[&log.office], &count).await?;
            if !missing.is_empty() {
                requests.push(HealRequest::new(log, &missing));
            }
        }
        Ok(requests)
    }

    fn held(&self) -> Result<BTreeMap<OfficeId, Held>, Trouble> {
        let mut all = BTreeMap::new();
        for (log, state) in self.heal.inbox.logs(&self.feed)? {
            let held = Held {
                up_to: state.complete,
                declared: self.heal.inbox.declared(&log)?,
            };
            all.insert(log.office, held);
        }
        if let Some(last) = self.heal.outbox.last_settled(&self.feed)? {
            let held = Held {
                up_to: last.position.number(),
                declared: self.heal.outbox.declared(&self.feed)?,
            };
            all.insert(self.heal.office.clone(), held);
        }
        Ok(all)
    }

    /// The logs of which the bus counts less than is held.
    async fn lacking(
        &self,
        held: &BTreeMap<OfficeId, Held>,
    ) -> Result<Vec<(LogName, LogCount)>, Trouble> {
        let counts = self.session.feed_counts(&self.feed).await?;
        let mut lacking = Vec::new();
        for (office, held) in held {
            let count = counts.get(office).cloned().unwrap_or_default();
            match compare(held.up_to, &held.declared, &count) {
                Compared::Agrees | Compared::BusHasMore(_) => {}
                Compared::BusLacks(_) => {
                    let (feed, office) = (self.feed.clone(), office.clone());
                    lacking.push((LogName { feed, office }, count));
                }
            }
        }
        Ok(lacking)
    }

    /// Which positions the bus lacks.
    async fn find(&self, log: &LogName, held: &Held, count: &LogCount) -> Result<Ranges, Trouble> {
        let bus = SessionLog {
            session: &self.session,
            log,
            genesis: self.genesis,
        };
        let head = bus.head().await?.head;
        let own = log.office == self.heal.office;
        let tail = Ranges::one(head.number() + 1..=held.up_to).without(&held.declared);
        if own && !tail.is_empty() {
            // Dispatch appends it again.
            self.heal.nudge.notify_waiters();
        }
        if let (false, Some(position)) = (own, head.position) {
            let ours = self.heal.inbox.hash_at(log, position)?;
            if ours.is_some_and(|ours| ours != head.hash) {
                let text = format!(
                    "{log}: the bus has other content at position {position} than was read; both are kept"
                );
                self.heal.inbox.alarms().raise("branch", text);
                return Ok(Ranges::default());
            }
        }
        let below = Ranges::one(1..=head.number());
        let beside = count.refilled.union(&held.declared).up_to(head.number());
        let holes = match count.appended + beside.count() < head.number() {
            true => below
                .without(&self.read(&bus).await?)
                .without(&count.refilled),
            false => Ranges::default(),
        };
        let tail = if own { Ranges::default() } else { tail };
        Ok(holes.union(&tail))
    }

    /// The positions that stand on the log's own subject.
    async fn read(&self, bus: &SessionLog<'_>) -> Result<Ranges, Trouble> {
        let mut there = Vec::new();
        let mut next = 1;
        loop {
            let mut page = bus.page(next).await?;
            if page.is_empty() {
                page.extend(bus.from(next).await?);
            }
            let Some(last) = page.last() else {
                return Ok(Ranges::of(there));
            };
            next = last.sequence + 1;
            there.extend(page.iter().map(|on| on.event.link().position.number()));
        }
    }
}
