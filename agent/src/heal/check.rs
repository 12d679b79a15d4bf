//! What a feed's stream counts is held against what is held here: of the own log, and of the logs that are read. What the bus lacks
//! goes out as requests, with the positions found by the head and, where that does not tell, by reading the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::alarm::Alarm;
use schemas::event::Position;
use schemas::heal::{Compared, HealRequest, LogCount, Ranges, compare};
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName, OfficeId};
use tokio::time::Instant;

use super::Heal;
use super::limits::CONFIRM_TIME;
use crate::dispatch::Trouble;
use crate::dispatch::own_log::SessionLog;
use crate::link::Session;

/// A look at one feed.
pub struct Look {
    pub heal: Heal,
    pub session: Session,
    pub registry: Arc<Registry>,
    pub feed: FeedName,
}

/// How far a log is held here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    up_to: u64,
    /// What its office has declared lost, and is not held.
    declared: Ranges,
}

/// What the bus lacks of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Below the head, declared or not.
    pub holes: Ranges,
    /// Behind the head, where another than dispatch brings it back.
    tail: Ranges,
    pub declared: Ranges,
    /// Where the stream has the event behind a hole, by the hole's last position.
    pub behind: BTreeMap<u64, u64>,
}

impl Missing {
    /// What is to be asked for: not what nobody had when it was declared. Who has it looks by itself.
    fn wanted(&self) -> Ranges {
        self.holes.union(&self.tail).without(&self.declared)
    }
}

impl Look {
    pub async fn run(self) -> Result<Vec<HealRequest>, Trouble> {
        // What is held is read before what is counted: the bus may only have grown since.
        let mut held = self.held()?;
        let own = self.log(&self.heal.office);
        let (mut requests, mut own_missing) = (Vec::new(), Missing::default());
        if !self.lacking(&mut held).await?.is_empty() {
            tokio::time::sleep(CONFIRM_TIME).await;
            for (log, count) in self.lacking(&mut held).await? {
                let Some(held) = held.get(&log.office) else {
                    continue;
                };
                let missing = self.find(&log, held, &count).await?;
                let wanted = missing.wanted();
                if !wanted.is_empty() {
                    requests.push(HealRequest::new(log.clone(), &wanted));
                }
                if log == own {
                    own_missing = missing;
                }
            }
        }
        let asked = requests.iter().find(|request| request.log == own);
        let asked = asked.map_or(Ranges::default(), |request| request.missing.clone());
        let (now, wait) = (Instant::now(), self.heal.settings.gap_wait);
        let due = self.heal.own_holes.asked(&self.feed, &asked, now, wait);
        self.declare(&self.bus(&own), &own_missing, &due).await?;
        Ok(requests)
    }

    fn log(&self, office: &OfficeId) -> LogName {
        let (feed, office) = (self.feed.clone(), office.clone());
        LogName { feed, office }
    }

    fn bus<'l>(&'l self, log: &'l LogName) -> SessionLog<'l> {
        SessionLog {
            session: &self.session,
            log,
            genesis: self.registry.genesis(),
        }
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
                declared: Ranges::default(),
            };
            all.insert(self.heal.office.clone(), held);
        }
        Ok(all)
    }

    /// The logs of which the bus counts less than is held. What of the own log is declared is the bus's to say.
    async fn lacking(
        &self,
        held: &mut BTreeMap<OfficeId, Held>,
    ) -> Result<Vec<(LogName, LogCount)>, Trouble> {
        let counts = self.session.feed_counts(&self.feed).await?;
        let mut lacking = Vec::new();
        for (office, held) in held {
            let (log, count) = (self.log(office), counts.get(office));
            let count = count.cloned().unwrap_or_default();
            if *office == self.heal.office {
                let declared = self.declared(&self.bus(&log), count.gaps).await?;
                held.declared = declared.up_to(held.up_to);
            }
            match compare(held.up_to, &held.declared, &count) {
                Compared::Agrees | Compared::BusHasMore(_) => {}
                Compared::BusLacks(_) => lacking.push((log, count)),
            }
        }
        Ok(lacking)
    }

    /// Which positions the bus lacks.
    async fn find(&self, log: &LogName, held: &Held, count: &LogCount) -> Result<Missing, Trouble> {
        let bus = self.bus(log);
        let head = bus.head().await?.head;
        let own = log.office == self.heal.office;
        let tail = Ranges::one(head.number().saturating_add(1)..=held.up_to);
        if own && !tail.without(&held.declared).is_empty() {
            // Dispatch appends it again.
            self.heal.nudge.notify_waiters();
        }
        if let (false, Some(position)) = (own, head.position) {
            let ours = self.heal.inbox.hash_at(log, position)?;
            if ours.is_some_and(|ours| ours != head.hash) {
                let text = format!(
                    "{log}: the bus has other content at position {position} than was read; both are kept"
                );
                self.heal.inbox.alarms().raise(Alarm::Branch, text);
                return Ok(Missing::default());
            }
        }
        let mut missing = Missing {
            tail: if own { Ranges::default() } else { tail },
            declared: held.declared.clone(),
            ..Missing::default()
        };
        let beside = count.refilled.union(&held.declared).up_to(head.number());
        if count.appended.saturating_add(beside.count()) < head.number() {
            let below = Ranges::one(1..=head.number());
            let there = self.read(&bus, &mut missing.behind).await?;
            missing.holes = below.without(&there).without(&count.refilled);
        }
        Ok(missing)
    }

    /// The positions that stand on the log's own subject, and where what stands behind each that is missing there.
    async fn read(
        &self,
        bus: &SessionLog<'_>,
        behind: &mut BTreeMap<u64, u64>,
    ) -> Result<Ranges, Trouble> {
        let mut there: Vec<u64> = Vec::new();
        let mut next = 1;
        loop {
            let mut page = bus.page(next).await?;
            if page.is_empty() {
                page.extend(bus.from(next).await?);
            }
            let Some(last) = page.last() else {
                return Ok(Ranges::of(there));
            };
            next = last.sequence.saturating_add(1);
            for on in page {
                let position = on.event.link().position;
                let before = position.before().map_or(0, Position::number);
                if before > there.last().copied().unwrap_or(0) {
                    behind.insert(before, on.sequence);
                }
                there.push(position.number());
            }
        }
    }
}
