//! What waits comes in, what is stored together goes out: units in the order in which they came, each behind the head of its log
//! or behind one that is stored with it. No socket here.

use std::collections::{HashMap, HashSet};

use schemas::chain::Head;
use schemas::limits::RUN_EVENTS_MAX;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::unit::Unit;
use crate::limits::BATCH_BYTES_MAX;

/// Where a run's first event stands to a head, and to what readers have confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// It is the next one.
    Next,
    /// It is the next one, at or below what readers have confirmed: that the bus has lost.
    Confirmed,
    /// So many of its events stand at or below the head.
    Known(usize),
    /// Something before it is missing.
    Ahead,
    /// It is at the next position, and names another event before it.
    Unlinked,
    /// It is the next one, and more than its office may have in the stream.
    BeyondShare,
}

impl Joint {
    pub fn of(events: &[SignedEvent], head: &Head) -> Joint {
        let Some(first) = events.first() else {
            return Joint::Known(0);
        };
        let (first, next) = (first.link(), head.number().saturating_add(1));
        match next.checked_sub(first.position.number()) {
            None => Joint::Ahead,
            Some(0) if head.is_followed_by(first) => Joint::Next,
            Some(0) => Joint::Unlinked,
            Some(known) => {
                let known = usize::try_from(known).unwrap_or(usize::MAX);
                Joint::Known(known.min(events.len()))
            }
        }
    }
}

/// Units that are stored together.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub units: Vec<Unit>,
    /// What begins at or below its log's head, one of a log: the stream is searched for it, beside the writer.
    pub known: Vec<Unit>,
    events: usize,
    bytes: usize,
    /// Where the logs will end when all of it is stored, and the bytes of it that are theirs.
    ends: HashMap<LogName, (Head, u64)>,
    /// Logs with a unit that must wait for this plan's outcome, and with it all that came behind it.
    waiting: HashSet<LogName>,
    /// A log whose expectation did not hold before is tried alone, so that it is known to be the one.
    alone: bool,
}

impl Plan {
    pub fn events(&self) -> usize {
        self.events
    }

    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Where the log ends by this plan, if it says so.
    pub fn end_of(&self, log: &LogName) -> Option<&Head> {
        self.ends.get(log).map(|(end, _)| end)
    }

    /// What it adds to the log.
    pub fn bytes_of(&self, log: &LogName) -> u64 {
        self.ends.get(log).map_or(0, |(_, bytes)| *bytes)
    }

    /// Whether the unit can be judged now: nothing of its log was put off, and it need not be alone.
    pub fn takes(&self, unit: &Unit) -> bool {
        let sole = self.ends.is_empty() || self.ends.contains_key(unit.log());
        !self.waiting.contains(unit.log()) && (sole || (!self.alone && unit.stale == 0))
    }

    /// Whether there is room; a first unit always fits.
    pub fn has_room(&self, unit: &Unit) -> bool {
        self.is_empty()
            || (self.events.saturating_add(unit.events().len()) <= RUN_EVENTS_MAX
                && self.bytes.saturating_add(unit.bytes()) <= BATCH_BYTES_MAX)
    }

    pub fn add(&mut self, unit: Unit) {
        self.events = self.events.saturating_add(unit.events().len());
        self.bytes = self.bytes.saturating_add(unit.bytes());
        self.alone |= unit.stale > 0;
        if let Some(last) = unit.events().last() {
            let bytes = self
                .bytes_of(unit.log())
                .saturating_add(unit.bytes() as u64);
            let end = (Head::of(last), bytes);
            self.ends.insert(unit.log().clone(), end);
        }
        self.units.push(unit);
    }

    /// Puts a log off until this plan is stored.
    pub fn put_off(&mut self, log: &LogName) {
        self.waiting.insert(log.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::pen::Pen;

    #[test]
    fn a_run_joins_its_log_in_one_of_four_ways() {
        let mut pen = Pen::new();
        let empty = pen.head;
        let events = pen.run(5);
        let head = Head::of(&events[2]);
        assert_eq!(Joint::of(&events[3..], &head), Joint::Next);
        assert_eq!(Joint::of(&events[4..], &head), Joint::Ahead);
        assert_eq!(Joint::of(&events[1..], &head), Joint::Known(2));
        assert_eq!(Joint::of(&events[..2], &head), Joint::Known(2));
        assert_eq!(Joint::of(&events[..1], &empty), Joint::Next);
        let other = Head {
            hash: empty.hash,
            ..head
        };
        assert_eq!(Joint::of(&events[3..], &other), Joint::Unlinked);
    }
}
