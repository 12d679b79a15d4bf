//! The heads that a writer has seen: what was read or stored comes in, what the next event must follow goes out. They are
//! forgotten with the connection: a broker that went back uses stream sequences again, and an old expectation would fit.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use schemas::chain::Head;
use schemas::event::{Hash, Position};
use schemas::receipt::Stamp;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use crate::limits::{HEADS_REMEMBERED_MAX, RECENT_EVENTS_MAX};

/// A log's end, as the stream's leader told it.
#[derive(Debug, Clone)]
pub(super) struct LogHead {
    /// The last event, or the end of what was declared lost behind it.
    pub head: Head,
    /// The stream sequence that the log's last message must have for an append; 0 if it must have none.
    pub expected: u64,
    /// The stream sequence of the last event; 0 if there is none.
    pub seq: u64,
    /// Bytes of the log up to it.
    pub used: u64,
    /// The turn in which it was read.
    pub read_in: u64,
    /// nats-server counts on another last message than the one that can be read.
    pub is_odd: bool,
    /// The last events, the newest at the end: most of what is sent twice was sent just now.
    recent: VecDeque<Place>,
}

/// A stored event's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub position: Position,
    pub hash: Hash,
    pub seq: u64,
    /// Bytes of the log up to it and with it; 0 where that is not known.
    pub used: u64,
    /// What stands with it; None where no gateway of this kind stored it.
    pub stamp: Option<Arc<Stamp>>,
}

impl LogHead {
    /// The end of a log that holds nothing.
    pub fn empty(genesis: Hash, turn: u64) -> LogHead {
        LogHead {
            head: Head::empty(genesis),
            expected: 0,
            seq: 0,
            used: 0,
            read_in: turn,
            is_odd: false,
            recent: VecDeque::new(),
        }
    }

    pub fn read(place: Place, turn: u64) -> LogHead {
        LogHead {
            head: Head {
                position: Some(place.position),
                hash: place.hash,
            },
            expected: place.seq,
            seq: place.seq,
            used: place.used,
            read_in: turn,
            is_odd: false,
            recent: [place].into(),
        }
    }

    fn store(&mut self, place: Place) {
        self.head = Head {
            position: Some(place.position),
            hash: place.hash,
        };
        self.seq = place.seq;
        self.used = place.used;
        self.expected = place.seq;
        self.is_odd = false;
        // Behind what was declared lost nothing is next to what stood before.
        let newest = self.recent.back().map(|newest| newest.position.number());
        if newest.is_some_and(|newest| newest.saturating_add(1) != place.position.number()) {
            self.recent.clear();
        }
        if self.recent.len() == RECENT_EVENTS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(place);
    }

    /// Whether the places of all these events, the first so many, are remembered.
    pub fn covers(&self, events: &[SignedEvent], count: usize) -> bool {
        // Places are remembered without a gap, so the first one says it of all.
        let first = events.first().map(|first| first.link().position);
        count == 0 || first.is_some_and(|first| self.recent(first).is_some())
    }

    pub fn recent(&self, position: Position) -> Option<Place> {
        let newest = self.recent.back()?;
        let back = newest.position.number().checked_sub(position.number())?;
        let index = self
            .recent
            .len()
            .checked_sub(usize::try_from(back).ok()?.saturating_add(1))?;
        self.recent.get(index).cloned()
    }
}

#[derive(Debug, Default)]
pub(super) struct Heads {
    known: HashMap<LogName, LogHead>,
    /// Heads behind which an append was refused, and the last sequence that the server told instead.
    doubted: HashMap<LogName, (Head, u64)>,
}

impl Heads {
    pub fn of(&self, log: &LogName) -> Option<&LogHead> {
        self.known.get(log)
    }

    /// A head was read. If it is the one that was in doubt, the server has lost or damaged the log's last message and counts on
    /// another: that one is expected from here on, and what may be appended is guarded by the chain.
    pub fn learn(&mut self, log: &LogName, mut head: LogHead) {
        // All logs of one feed fit many times over; past that, reading again costs less than choosing.
        if self.known.len() >= HEADS_REMEMBERED_MAX {
            self.forget_all();
        }
        match self.doubted.remove(log) {
            Some((doubted, told)) if doubted == head.head => {
                head.expected = told;
                head.is_odd = true;
            }
            Some(_) | None => {}
        }
        match self.known.remove(log) {
            // The same end: what lies in front of it is where it was.
            Some(known) if (known.head, known.seq) == (head.head, head.seq) => {
                head.recent = known.recent;
            }
            Some(_) | None => {}
        }
        self.known.insert(log.clone(), head);
    }

    /// An event was stored behind the head.
    pub fn store(&mut self, log: &LogName, place: Place) {
        if let Some(head) = self.known.get_mut(log) {
            head.store(place);
        }
    }

    pub fn forget(&mut self, log: &LogName) {
        self.known.remove(log);
    }

    /// The server refused what was expected of the log and told another number: the head is to be read again.
    pub fn doubt(&mut self, log: &LogName, told: u64) {
        if let Some(head) = self.known.remove(log) {
            self.doubted.insert(log.clone(), (head.head, told));
        }
    }

    pub fn forget_all(&mut self) {
        self.known.clear();
        self.doubted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> LogName {
        LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log")
    }

    fn place(number: u64) -> Place {
        Place {
            position: Position::new(number).expect("a position"),
            hash: Hash::of(&number.to_be_bytes()),
            seq: number * 10,
            used: 0,
            stamp: None,
        }
    }

    #[test]
    fn the_last_events_are_remembered_and_no_more() {
        let mut heads = Heads::default();
        heads.learn(&log(), LogHead::empty(Hash::of(b"genesis"), 1));
        let last = RECENT_EVENTS_MAX as u64 + 5;
        for number in 1..=last {
            heads.store(&log(), place(number));
        }
        let head = heads.of(&log()).expect("learned");
        assert_eq!((head.head.number(), head.expected), (last, last * 10));
        let recent = |number| head.recent(Position::new(number).expect("a position"));
        assert_eq!(recent(last), Some(place(last)));
        assert_eq!(recent(6), Some(place(6)));
        assert_eq!(recent(5), None);
        assert_eq!(recent(last + 1), None);
    }

    #[test]
    fn behind_what_was_declared_lost_nothing_older_is_taken_for_something_else() {
        let mut heads = Heads::default();
        let mut head = LogHead::read(place(5), 1);
        head.head = Head {
            position: Some(place(9).position),
            hash: place(9).hash,
        };
        heads.learn(&log(), head);
        heads.store(&log(), place(10));
        let head = heads.of(&log()).expect("learned");
        assert_eq!((head.head.number(), head.expected), (10, 100));
        let recent = |number| head.recent(Position::new(number).expect("a position"));
        assert_eq!(
            (recent(10), recent(9), recent(5)),
            (Some(place(10)), None, None)
        );
    }

    #[test]
    fn what_the_server_counts_on_is_expected_only_behind_the_head_that_was_in_doubt() {
        let mut heads = Heads::default();
        let head = |number| LogHead::read(place(number), 1);
        heads.learn(&log(), head(3));
        heads.doubt(&log(), 0);
        assert!(heads.of(&log()).is_none());
        heads.learn(&log(), head(3));
        assert_eq!(heads.of(&log()).expect("learned").expected, 0);
        heads.doubt(&log(), 40);
        heads.learn(&log(), head(4));
        assert_eq!(heads.of(&log()).expect("learned").expected, 40);
        heads.learn(&log(), head(3));
        assert_eq!(heads.of(&log()).expect("learned").expected, 30);
    }
}
