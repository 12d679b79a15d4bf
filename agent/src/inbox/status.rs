//! What a person is told of the inbox: a feed comes in, its arrivals and its logs with what they lack go out.
//! Nothing is decided by it.

use std::ops::RangeInclusive;

use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName, OfficeId};
use serde::Serialize;
use sled::Db;

use super::index::{Cursor, LogState, Reads};
use super::{Completeness, Inbox};
use crate::store::Outage;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    pub feed: FeedName,
    /// The number of the last arrival; 0 before the first.
    pub last_arrival: u64,
    /// Where the reader stands in the feed's stream.
    pub stream_sequence: u64,
    pub logs: Vec<LogStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogStatus {
    pub office: OfficeId,
    pub complete: u64,
    pub known: u64,
    /// First and last position of what is missing.
    pub missing: Vec<(u64, u64)>,
    /// What is not here because the office declared it lost; the log has gone on, or goes on, behind it.
    pub declared: Vec<(u64, u64)>,
    /// What is here and is not believed: it is delivered to nobody, and the log goes on behind it where its next event names it.
    pub not_believed: Vec<(u64, u64)>,
    pub parked_events: u64,
    pub left_behind: bool,
}

impl FeedStatus {
    pub(super) fn of(inbox: &Inbox, feed: &FeedName) -> Result<FeedStatus, Outage> {
        let cursor: Option<Cursor> = inbox.cursor(feed)?;
        let next = Reads(&inbox.db()).next_arrival(feed);
        let next = next.map_err(|e| inbox.unreadable(&e.to_string()))?;
        let mut logs = Vec::new();
        for (log, state) in inbox.logs(feed)? {
            let completeness = inbox.completeness(&log)?;
            let ranges = completeness.missing.into_iter();
            let declared = inbox.declared(&log)?;
            let not_believed = inbox.not_believed(&log)?;
            logs.push(LogStatus {
                office: log.office,
                complete: completeness.complete,
                known: completeness.known,
                missing: ranges.map(|range| range.into_inner()).collect(),
                declared: declared.into(),
                not_believed: not_believed.into(),
                parked_events: state.parked_events,
                left_behind: state.left_behind,
            });
        }
        Ok(FeedStatus {
            feed: feed.clone(),
            last_arrival: next.map_or(0, |next| next - 1),
            stream_sequence: cursor.map_or(0, |cursor| cursor.stream_sequence),
            logs,
        })
    }
}

impl Inbox {
    /// "Complete to position n", and what is missing behind it.
    pub fn completeness(&self, log: &LogName) -> Result<Completeness, Outage> {
        let LogState {
            complete, known, ..
        } = self.state(log)?;
        let mut missing = Vec::new();
        let mut next = complete + 1;
        for held in Reads(&self.db()).positions_behind(log, complete) {
            let held = held.map_err(|e| self.unreadable(&e.to_string()))?;
            if held > next {
                missing.push(next..=held - 1);
            }
            next = held + 1;
        }
        if next <= known {
            missing.push(next..=known);
        }
        Ok(Completeness {
            complete,
            known,
            missing,
        })
    }

    /// What is missing before something that is held, or was left behind for want of room: not what is only named by a head,
    /// nor what was declared lost.
    pub fn gaps(&self, log: &LogName) -> Result<Ranges, Outage> {
        let Completeness { known, missing, .. } = self.completeness(log)?;
        let left_behind = self.state(log)?.left_behind;
        let before_held = |range: &RangeInclusive<u64>| *range.end() < known || left_behind;
        let ranges = missing.into_iter().filter(before_held);
        let gaps = ranges.fold(Ranges::default(), |all, range| all.with(range));
        Ok(gaps.without(&self.declared(log)?))
    }
}

/// Reads enough of an index to find a damaged one; returns the logs in which something is parked.
pub(super) fn check(db: &Db) -> Result<Vec<LogName>, sled::Error> {
    let mut parked = Vec::new();
    for feed in Reads(db).feeds()? {
        for (log, state) in Reads(db).logs(&feed)? {
            if state.parked_events > 0 {
                parked.push(log);
            }
        }
    }
    Ok(parked)
}
