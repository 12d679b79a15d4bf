//! Decisions come in, and whether each gets a line of its own goes out. Whoever makes more of them than its part has the rest counted:
//! one line for each kind of decision, with its first, its last, and how many. So nobody's flood turns others' records out of the
//! files. No file and no clock here.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::Record;
use crate::limits::{AUDIT_LINES_A_SECOND, AUDIT_LINES_HELD_MAX};

/// The decisions about one peer.
#[derive(Debug)]
pub(super) struct Tally {
    /// Lines that it may still have.
    left: f64,
    at: Instant,
    counted: HashMap<Kind, Counted>,
}

/// What decisions that are counted together have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Kind {
    pub op: &'static str,
    pub answer: &'static str,
    pub code: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub times: u64,
    pub first: OffsetDateTime,
    pub last: OffsetDateTime,
    pub registry: u64,
    /// The lowest and the highest, where they have one.
    pub positions: Option<(u64, u64)>,
}

impl Tally {
    pub fn new(now: Instant) -> Tally {
        Tally {
            left: AUDIT_LINES_HELD_MAX,
            at: now,
            counted: HashMap::new(),
        }
    }

    /// Takes a line for a decision, if there is one left; the decision is counted otherwise.
    pub fn take_line(&mut self, record: &Record<'_>, now: Instant, time: OffsetDateTime) -> bool {
        let passed: Duration = now.saturating_duration_since(self.at);
        let filled = self.left + passed.as_secs_f64() * AUDIT_LINES_A_SECOND;
        (self.left, self.at) = (filled.min(AUDIT_LINES_HELD_MAX), now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return true;
        }
        self.count(record, time);
        false
    }

    fn count(&mut self, record: &Record<'_>, time: OffsetDateTime) {
        let kind = Kind {
            op: record.op,
            answer: record.answer,
            code: record.code,
        };
        let counted = self.counted.entry(kind).or_insert(Counted {
            times: 0,
            first: time,
            last: time,
            registry: record.registry,
            positions: None,
        });
        counted.times = counted.times.saturating_add(1);
        counted.last = time;
        counted.registry = record.registry;
        counted.positions = match (counted.positions, record.position) {
            (Some((low, high)), Some(position)) => Some((low.min(position), high.max(position))),
            (None, Some(position)) => Some((position, position)),
            (known, None) => known,
        };
    }

    /// What was counted since it was last asked, in the order of its kinds.
    pub fn take_counted(&mut self) -> Vec<(Kind, Counted)> {
        let mut counted: Vec<_> = self.counted.drain().collect();
        counted.sort_by_key(|(kind, _)| *kind);
        counted
    }
}
