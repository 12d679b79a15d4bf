//! Holes of the own log come in, look after look; those that nobody has filled within the wait, and that are not here, go out as
//! signed declarations. What is declared already is read from the bus, which is where readers have it from: nothing is
//! remembered here that a new process would not find again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::alarm::Alarm;
use schemas::chain::Link;
use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::signing::SignedEvent;
use schemas::subject::{FeedName, LogName, LogSubject};
use tokio::time::Instant;

use super::check::{Look, Missing};
use crate::dispatch::Trouble;
use crate::dispatch::own_log::SessionLog;
use crate::link::Answer;
use crate::submit;

/// What is known of the holes in the own logs, shared by the looks of all sessions.
#[derive(Clone, Default)]
pub struct OwnHoles(Arc<Mutex<BTreeMap<FeedName, Known>>>);

#[derive(Default)]
struct Known {
    /// What is missing, by the look that asked for it first.
    asked: Vec<(Instant, Ranges)>,
    /// What the bus has declarations for, and how many there were.
    declared: Ranges,
    declarations: u64,
}

impl OwnHoles {
    fn known(&self) -> MutexGuard<'_, BTreeMap<FeedName, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what a look asks for; gives back what was asked for so long ago, and is still missing.
    pub fn asked(&self, feed: &FeedName, missing: &Ranges, now: Instant, wait: Duration) -> Ranges {
        let mut all = self.known();
        all.entry(feed.clone()).or_default().ask(missing, now, wait)
    }

    /// What was declared, where the bus still counts as many declarations.
    fn declared(&self, feed: &FeedName, declarations: u64) -> Option<Ranges> {
        let all = self.known();
        let known = all
            .get(feed)
            .filter(|known| known.declarations == declarations);
        known.map(|known| known.declared.clone())
    }

    /// Takes what was read; gives back what of it is new.
    fn learn(&self, feed: &FeedName, declared: &Ranges, declarations: u64) -> Ranges {
        let mut all = self.known();
        let known = all.entry(feed.clone()).or_default();
        known.declarations = declarations;
        let before = std::mem::replace(&mut known.declared, declared.clone());
        declared.without(&before)
    }
}

impl Known {
    fn ask(&mut self, missing: &Ranges, now: Instant, wait: Duration) -> Ranges {
        let (mut before, mut due) = (Ranges::default(), Ranges::default());
        self.asked.retain_mut(|(since, ranges)| {
            *ranges = ranges.without(&ranges.without(missing));
            before = before.union(ranges);
            if now.duration_since(*since) >= wait {
                due = due.union(ranges);
            }
            !ranges.is_empty()
        });
        let new = missing.without(&before);
        if !new.is_empty() {
            self.asked.push((now, new));
        }
        due
    }
}

impl Look {
    /// What of the own log is declared lost on the bus, by its count of declarations. What is new to this process is an alarm.
    pub(super) async fn declared(
        &self,
        bus: &SessionLog<'_>,
        declarations: u64,
    ) -> Result<Ranges, Trouble> {
        let known = &self.heal.own_holes;
        if let Some(declared) = known.declared(&self.feed, declarations) {
            return Ok(declared);
        }
        let mut declared = Ranges::default();
        for (event, gap) in bus.declarations().await? {
            if self.is_ours(&event) {
                declared = declared.with(gap.first..=gap.last);
            }
        }
        let new = known.learn(&self.feed, &declared, declarations);
        if !new.is_empty() {
            let text = format!(
                "{}: positions {new} are declared lost: neither the bus nor this office had them, and no reader brought them back; whoever has them still may",
                bus.log
            );
            self.heal.outbox.alarms().raise(Alarm::GapDeclared, text);
        }
        Ok(declared)
    }

    /// Declares holes that were asked for long enough and of which nothing is here. Each goes whole, up to an event that stands:
    /// a declaration ends with the hash that this one names.
    pub(super) async fn declare(
        &self,
        bus: &SessionLog<'_>,
        missing: &Missing,
        due: &Ranges,
    ) -> Result<(), Trouble> {
        for hole in missing.holes.iter() {
            let open = Ranges::one(hole.clone()).without(&missing.declared);
            let waited = !open.is_empty() && open.without(due).is_empty();
            if !waited || self.has_any_of(&open)? {
                continue;
            }
            let Some(behind) = Position::new(*hole.end()).and_then(Position::next) else {
                continue;
            };
            let named = match missing.behind.get(hole.end()) {
                Some(sequence) => bus.from(*sequence).await?,
                None => bus.refilled(behind).await?,
            };
            let named = named.map(|on| on.event);
            let named =
                named.filter(|event| event.link().position == behind && self.is_ours(event));
            let Some(named) = named else {
                tracing::warn!(log = %bus.log, %behind, "what stands behind a hole is not ours; nothing is declared");
                continue;
            };
            let (first, last) = hole.into_inner();
            let link = *named.link();
            self.send(bus.log, GapDeclared { first, last }, link)
                .await?;
        }
        Ok(())
    }

    fn has_any_of(&self, positions: &Ranges) -> Result<bool, Trouble> {
        for range in positions.ends() {
            if !self.heal.outbox.own_within(&self.feed, range)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Signed by this office, as the registry or the key in use has it.
    fn is_ours(&self, event: &SignedEvent) -> bool {
        let registered = self.registry.key(event.keyid()).filter(|key| {
            key.office == self.heal.office && key.honoured(&self.feed, event.link().position)
        });
        let own = || (event.keyid() == self.heal.key.keyid()).then(|| *self.heal.key.public());
        let key = registered.map(|key| key.public).or_else(own);
        key.is_some_and(|key| event.verify(&key).is_ok())
    }

    /// One that is not taken is made again by a later look, if the hole is still there.
    #[expect(
        clippy::expect_used,
        reason = "a declaration's attributes are words of the program's own and numbers"
    )]
    async fn send(&self, log: &LogName, gap: GapDeclared, link: Link) -> Result<(), Trouble> {
        let event = gap.event(log.clone(), submit::now(), None);
        let event = event.expect("well formed");
        let signed = SignedEvent::sign(event, link, &self.heal.key);
        let subject = LogSubject::Gap(log.clone()).to_string();
        let GapDeclared { first, last } = gap;
        match self.session.publish_on(subject, &signed).await.await {
            Answer::Stored { .. } => tracing::info!(%log, first, last, "a gap was declared"),
            Answer::Refused { code, .. } | Answer::Held { code, .. } => {
                tracing::warn!(%log, first, last, %code, "a gap declaration was not taken");
            }
            Answer::Unreachable => return Err(Trouble::Ended),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> FeedName {
        "health-quarterly".parse().expect("a feed")
    }

    fn ranges(pairs: &[(u64, u64)]) -> Ranges {
        Ranges::try_from(pairs.to_vec()).expect("ranges")
    }

    #[test]
    fn what_is_missing_is_due_when_it_was_asked_for_long_enough_and_not_before() {
        let (holes, began) = (OwnHoles::default(), Instant::now());
        let wait = Duration::from_secs(600);
        let see = |pairs: &[(u64, u64)], seconds| {
            let now = began + Duration::from_secs(seconds);
            holes.asked(&feed(), &ranges(pairs), now, wait)
        };
        assert_eq!(see(&[(4, 6)], 0), ranges(&[]));
        assert_eq!(see(&[(4, 6), (9, 9)], 300), ranges(&[]));
        assert_eq!(see(&[(4, 5), (9, 9)], 600), ranges(&[(4, 5)]));
        assert_eq!(see(&[(4, 5), (9, 9)], 900), ranges(&[(4, 5), (9, 9)]));
        assert_eq!(see(&[], 901), ranges(&[]));
        assert_eq!(see(&[(4, 6)], 902), ranges(&[]), "it is another loss");
    }

    #[test]
    fn nothing_is_due_before_it_was_asked_for_once() {
        let (holes, now) = (OwnHoles::default(), Instant::now());
        let see = || holes.asked(&feed(), &ranges(&[(4, 6)]), now, Duration::ZERO);
        assert_eq!(see(), ranges(&[]));
        assert_eq!(see(), ranges(&[(4, 6)]));
    }

    #[test]
    fn what_is_declared_is_read_again_when_the_bus_counts_another_number() {
        let holes = OwnHoles::default();
        assert_eq!(holes.declared(&feed(), 1), None);
        let (three, five) = (ranges(&[(4, 6)]), ranges(&[(4, 6), (9, 10)]));
        assert_eq!(holes.learn(&feed(), &three, 1), three);
        assert_eq!(holes.declared(&feed(), 1), Some(three));
        assert_eq!(holes.declared(&feed(), 2), None);
        assert_eq!(holes.learn(&feed(), &five, 2), ranges(&[(9, 10)]));
    }
}
