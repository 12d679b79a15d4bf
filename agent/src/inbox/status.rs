//! What a person is told of the inbox: a feed comes in, its arrivals and its logs with what they lack go out.
//! Nothing is decided by it.

use std::ops::RangeInclusive;

use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName, OfficeId};
use serde::Serialize;

use super::{Completeness, Cursor, Inbox, LogState};
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
        let last_arrival = inbox.last_arrival(feed);
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
            last_arrival,
            stream_sequence: cursor.map_or(0, |cursor| cursor.stream_sequence),
            logs,
        })
    }
}

impl Inbox {
    /// "Complete to position n", and what is missing behind it.
    pub fn completeness(&self, log: &LogName) -> Result<Completeness, Outage> {
        let shown = self.shown();
        let of_log = shown.log(log);
        let LogState {
            complete, known, ..
        } = of_log.map_or(LogState::EMPTY, |of_log| of_log.state);
        let mut missing = Vec::new();
        let mut next = complete + 1;
        let held = of_log.into_iter();
        for (first, last) in held.flat_map(|of_log| of_log.held.within(complete + 1, u64::MAX)) {
            if first > next {
                missing.push(next..=first - 1);
            }
            next = last + 1;
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
