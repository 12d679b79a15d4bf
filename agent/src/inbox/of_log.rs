//! One log as its applications get it: a log and a position come in, the next event behind it that has arrived goes out, and what is
//! known of the hash at a position. Only what is on disk is told; the bytes of an event are read when they are wanted.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};

use super::Inbox;
use super::index::Reads;
use crate::store::Outage;

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
        let unreadable = |e: sled::Error| self.unreadable(&e.to_string());
        let db = self.db();
        let next = Reads(&db).positions_behind(log, after).next().transpose();
        match next.map_err(unreadable)?.and_then(Position::new) {
            Some(position) => self.arrived_at(log, position),
            None => Ok(None),
        }
    }

    /// What stands at a position, if it has arrived.
    pub fn arrived_at(&self, log: &LogName, position: Position) -> Result<Option<InLog>, Outage> {
        let unreadable = |e: sled::Error| self.unreadable(&e.to_string());
        let db = self.db();
        let reads = Reads(&db);
        let held = reads.held(log, position).map_err(unreadable)?;
        let safe = self.last_arrival(&log.feed);
        let Some(held) = held.filter(|held| (1..=safe).contains(&held.arrival)) else {
            return Ok(None);
        };
        let what = reads.arrivals(&log.feed, held.arrival - 1).next();
        let what = what.transpose().map_err(unreadable)?;
        let (_, what) = what
            .filter(|(arrival, _)| *arrival == held.arrival)
            .ok_or_else(|| self.unreadable("an arrival is missing"))?;
        Ok(Some(InLog {
            position,
            arrival: held.arrival,
            hash: held.hash,
            id: held.id,
            for_applications: what.for_applications,
        }))
    }

    /// The hash at a position: of what is held there, or as what stands behind it names it.
    pub fn hash_known(&self, log: &LogName, position: Position) -> Result<Option<Hash>, Outage> {
        let unreadable = |e: sled::Error| self.unreadable(&e.to_string());
        let db = self.db();
        let reads = Reads(&db);
        if let Some(held) = reads.held(log, position).map_err(unreadable)? {
            return Ok(Some(held.hash));
        }
        let state = self.state(log)?;
        if state.complete == position.number() {
            return Ok(Some(state.hash));
        }
        let Some(behind) = position.next() else {
            return Ok(None);
        };
        let behind = reads.held(log, behind).map_err(unreadable)?;
        Ok(behind.map(|behind| behind.prev))
    }

    /// The hash of what is held at a position.
    pub fn hash_at(&self, log: &LogName, position: Position) -> Result<Option<Hash>, Outage> {
        let held = Reads(&self.db()).held(log, position);
        let held = held.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(held.map(|held| held.hash))
    }

    /// The arrival number of a position; None where nothing is held, or what is held is parked.
    pub fn arrival(&self, log: &LogName, position: Position) -> Result<Option<u64>, Outage> {
        let held = Reads(&self.db()).held(log, position);
        let held = held.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(held.map(|held| held.arrival).filter(|arrival| *arrival > 0))
    }

    /// The position at which an id of a log arrived first.
    pub fn position_of(&self, log: &LogName, id: &str) -> Result<Option<Position>, Outage> {
        let position = Reads(&self.db()).position_of_id(log, id);
        let position = position.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(position.and_then(Position::new))
    }

    /// Of each log of a feed the first position that arrived at a number or behind it. Looks at all that did.
    pub fn arrived_from(
        &self,
        feed: &FeedName,
        number: u64,
    ) -> Result<BTreeMap<LogName, Position>, Outage> {
        let mut first: BTreeMap<LogName, Position> = BTreeMap::new();
        let db = self.db();
        for arrival in Reads(&db).arrivals(feed, number.saturating_sub(1)) {
            let (_, what) = arrival.map_err(|e| self.unreadable(&e.to_string()))?;
            let known = first.entry(what.log).or_insert(what.position);
            *known = (*known).min(what.position);
        }
        Ok(first)
    }

    /// How many positions of a log behind `after` have arrived here, notices among them.
    pub fn arrived_behind(&self, log: &LogName, after: u64) -> Result<u64, Outage> {
        let complete = self.state(log)?.complete;
        let lost = self.declared_within(log, (after.saturating_add(1), complete))?;
        Ok(complete.saturating_sub(after).saturating_sub(lost.count()))
    }

    /// The last arrival of a feed that is on disk; 0 before the first.
    pub fn last_arrival(&self, feed: &FeedName) -> u64 {
        let safe = self.inner.safe.lock();
        let safe = safe.unwrap_or_else(PoisonError::into_inner);
        safe.get(feed).copied().unwrap_or(0)
    }
}
