//! One log as its applications get it: a log and a position come in, the next event behind it that has arrived goes out, and what is
//! known of the hash at a position. Only what is on disk is told; the bytes of an event are read when they are wanted.

use std::collections::BTreeMap;

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};

use super::Inbox;
use super::kinds::Flags;
use crate::store::Outage;
use crate::store::log::limits::PAGE_ENTRIES_MAX;

/// An event of a log that has arrived, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLog {
    pub position: Position,
    pub arrival: u64,
    pub hash: Hash,
    pub id: String,
    /// False for a notice of the office, and where the same id arrived before at another position: neither is delivered.
    pub for_applications: bool,
}

impl Inbox {
    /// The next event behind a position that has arrived; what is parked behind a gap has not.
    pub fn next_in_log(&self, log: &LogName, after: u64) -> Result<Option<InLog>, Outage> {
        let shown = self.shown();
        let next = shown.log(log).and_then(|of_log| of_log.held.behind(after));
        match next.and_then(Position::new) {
            Some(position) => self.arrived_at(log, position),
            None => Ok(None),
        }
    }

    /// What stands at a position, if it has arrived.
    pub fn arrived_at(&self, log: &LogName, position: Position) -> Result<Option<InLog>, Outage> {
        self.read(|reads| {
            let safe = reads.state.feed(&log.feed);
            let safe = safe.and_then(|feed| feed.arrivals.last()).unwrap_or(0);
            let held = reads.held(log, position)?;
            let held = held.filter(|held| (1..=safe).contains(&held.arrival));
            Ok(held.map(|held| InLog {
                position,
                arrival: held.arrival,
                hash: held.hash,
                id: held.id,
                for_applications: held.flags.has(Flags::FOR_APPLICATIONS),
            }))
        })
    }

    /// The hash at a position: of what is held there, or as what stands behind it names it.
    pub fn hash_known(&self, log: &LogName, position: Position) -> Result<Option<Hash>, Outage> {
        self.read(|reads| {
            if let Some(held) = reads.held(log, position)? {
                return Ok(Some(held.hash));
            }
            let state = reads.log(log).state;
            if state.complete == position.number() {
                return Ok(Some(state.hash));
            }
            let Some(behind) = position.next() else {
                return Ok(None);
            };
            Ok(reads.held(log, behind)?.map(|behind| behind.prev))
        })
    }

    /// The hash of what is held at a position.
    pub fn hash_at(&self, log: &LogName, position: Position) -> Result<Option<Hash>, Outage> {
        self.read(|reads| Ok(reads.held(log, position)?.map(|held| held.hash)))
    }

    /// The arrival number of a position; None where nothing is held, or what is held is parked.
    pub fn arrival(&self, log: &LogName, position: Position) -> Result<Option<u64>, Outage> {
        let held = self.read(|reads| reads.held(log, position))?;
        Ok(held.map(|held| held.arrival).filter(|arrival| *arrival > 0))
    }

    /// The position at which an id of a log arrived first.
    pub fn position_of(&self, log: &LogName, id: &str) -> Result<Option<Position>, Outage> {
        let position = self.read(|reads| reads.position_of_id(log, id))?;
        Ok(position.and_then(Position::new))
    }

    /// Of each log of a feed the first position that arrived at a number or behind it. Looks at all that did.
    pub fn arrived_from(
        &self,
        feed: &FeedName,
        number: u64,
    ) -> Result<BTreeMap<LogName, Position>, Outage> {
        let mut first: BTreeMap<LogName, Position> = BTreeMap::new();
        let (mut next, last) = (number, self.last_arrival(feed));
        loop {
            let page = self.read(|reads| {
                let places = reads.arrivals(feed, (next, last), PAGE_ENTRIES_MAX)?;
                let read = places.into_iter();
                let read = read
                    .map(|(arrival, place)| Ok((arrival, reads.arrival(feed, arrival, place)?)));
                read.collect::<super::reads::Result<Vec<_>>>()
            })?;
            let Some((arrival, _)) = page.last() else {
                return Ok(first);
            };
            next = arrival + 1;
            for (_, what) in page {
                let known = first.entry(what.log).or_insert(what.position);
                *known = (*known).min(what.position);
            }
        }
    }

    /// How many positions of a log behind `after` have arrived here, notices among them.
    pub fn arrived_behind(&self, log: &LogName, after: u64) -> Result<u64, Outage> {
        let complete = self.state(log)?.complete;
        let lost = self.declared_within(log, (after.saturating_add(1), complete))?;
        Ok(complete.saturating_sub(after).saturating_sub(lost.count()))
    }

    /// The last arrival of a feed that is on disk; 0 before the first.
    pub fn last_arrival(&self, feed: &FeedName) -> u64 {
        let shown = self.shown();
        let feed = shown.feed(feed);
        feed.and_then(|feed| feed.arrivals.last()).unwrap_or(0)
    }
}
