//! What a person is told of the inbox: a feed comes in, its arrivals and its logs with what they lack go out.
//! Nothing is decided by it.

use schemas::subject::{FeedName, LogName, OfficeId};
use serde::Serialize;
use sled::Db;

use super::Inbox;
use super::index::{Cursor, Reads};
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
            logs.push(LogStatus {
                office: log.office,
                complete: completeness.complete,
                known: completeness.known,
                missing: ranges.map(|range| range.into_inner()).collect(),
                declared: declared.into(),
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
