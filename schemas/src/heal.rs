//! Healing: what offices, readers and gateways tell one another of positions that the bus lacks. Ranges, requests and counts come in
//! as bytes and go out as bytes. None of it is stored, and nothing is believed because of it: it only says where to look.

mod ranges;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::ranges::{Ranges, RangesFault};

use crate::event::Hash;
use crate::json;
use crate::limits::{HEAL_BODY_BYTES_MAX, HEAL_POSITIONS_MAX, HEAL_RANGES_MAX};
use crate::subject::{FeedName, LogName, LogSubject, OfficeId};

/// Asks whoever has these positions of a log to put them back. On `spean.heal.<feed>.<ministry>.<office>`, not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealRequest {
    pub log: LogName,
    pub missing: Ranges,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealBody {
    missing: Ranges,
}

/// Why bytes are no heal request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealFault {
    #[error("the subject names no log: it must be spean.heal.<feed>.<ministry>.<office>")]
    Subject,
    #[error(
        "the body must be {{\"missing\":[[first,last],...]}}: at most {HEAL_RANGES_MAX} ranges that rise, of at most {HEAL_POSITIONS_MAX} positions"
    )]
    Body,
}

/// What heal requests' subjects begin with.
pub const HEAL_PREFIX: &str = "spean.heal.";

impl HealRequest {
    /// The first positions of what is missing; more are asked for later.
    pub fn new(log: LogName, missing: &Ranges) -> HealRequest {
        let missing = missing.bounded();
        HealRequest { log, missing }
    }

    pub fn subject(&self) -> String {
        let LogName { feed, office } = &self.log;
        format!(
            "{HEAL_PREFIX}{feed}.{}.{}",
            office.ministry(),
            office.place()
        )
    }

    pub fn body(&self) -> Vec<u8> {
        let missing = self.missing.clone();
        json::text(&HealBody { missing }).into_bytes()
    }

    /// What everybody hears of it who could have what is missing: subject, body, and the protocol's own words about them.
    pub fn heard_bytes(&self) -> usize {
        let said = self.subject().len().saturating_add(self.body().len());
        said.saturating_add(32)
    }

    /// # Errors
    /// [`HealFault`].
    pub fn read(subject: &str, body: &[u8]) -> Result<HealRequest, HealFault> {
        let log = log_of(subject).ok_or(HealFault::Subject)?;
        if body.len() > HEAL_BODY_BYTES_MAX {
            return Err(HealFault::Body);
        }
        let HealBody { missing } = serde_json::from_slice(body).map_err(|_| HealFault::Body)?;
        let fits = !missing.is_empty() && missing.fits_a_request();
        fits.then_some(HealRequest { log, missing })
            .ok_or(HealFault::Body)
    }
}

fn log_of(subject: &str) -> Option<LogName> {
    let rest = subject.strip_prefix(HEAL_PREFIX)?;
    match format!("spean.log.{rest}").parse() {
        Ok(LogSubject::Log(log)) => Some(log),
        Ok(LogSubject::Refill(..) | LogSubject::Gap(_)) | Err(_) => None,
    }
}

/// What a stream counts of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogCount {
    /// Events on the log's own subject.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub appended: u64,
    /// Positions with a subject of their own.
    #[serde(rename = "r", default, skip_serializing_if = "Ranges::is_empty")]
    pub refilled: Ranges,
    /// Gap declarations.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub gaps: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a feed's stream counts, as the gateway answers on `spean.counts.<feed>`: of the logs that the office may read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedCounts {
    /// Names this content: who has it asks with it.
    pub tag: String,
    /// The stream's last sequence.
    pub last: u64,
    /// Nothing, where the asker has it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<BTreeMap<OfficeId, LogCount>>,
}

/// What the question for counts may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountsQuestion {
    /// The tag of what the asker has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

/// What the subjects of questions for counts begin with.
pub const COUNTS_PREFIX: &str = "spean.counts.";

impl FeedCounts {
    /// From the counts of a stream's subjects, of the logs that pass.
    pub fn of<'s>(
        feed: &FeedName,
        last: u64,
        subjects: impl IntoIterator<Item = (&'s str, u64)>,
        passes: impl Fn(&OfficeId) -> bool,
    ) -> FeedCounts {
        let mut logs: BTreeMap<OfficeId, LogCount> = BTreeMap::new();
        let mut refilled: BTreeMap<OfficeId, Vec<u64>> = BTreeMap::new();
        for (subject, count) in subjects {
            let Ok(subject) = subject.parse::<LogSubject>() else {
                continue;
            };
            let log = subject.log();
            if log.feed != *feed || !passes(&log.office) {
                continue;
            }
            let known = logs.entry(log.office.clone()).or_default();
            match &subject {
                LogSubject::Log(_) => known.appended = count,
                LogSubject::Gap(_) => known.gaps = count,
                LogSubject::Refill(log, position) => refilled
                    .entry(log.office.clone())
                    .or_default()
                    .push(position.number()),
            }
        }
        for (office, positions) in refilled {
            logs.entry(office).or_default().refilled = Ranges::of(positions);
        }
        let all = json::text(&logs);
        let tag: String = Hash::of(all.as_bytes())
            .to_string()
            .chars()
            .take(12)
            .collect();
        let logs = Some(logs);
        FeedCounts { tag, last, logs }
    }

    /// Leaves out what the asker has.
    pub fn answer(mut self, question: &CountsQuestion) -> FeedCounts {
        if question.known.as_ref() == Some(&self.tag) {
            self.logs = None;
        }
        self
    }
}

/// How a log that somebody holds up to a position compares with what the bus counts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    Agrees,
    /// The bus has fewer than are held: a lost tail or a hole.
    BusLacks(u64),
    /// The bus has more: they come, or were passed over.
    BusHasMore(u64),
}

/// Compares, refills counted and declared gaps allowed for. A refilled position that was declared lost counts once.
pub fn compare(held: u64, declared: &Ranges, count: &LogCount) -> Compared {
    let beside = count.refilled.union(declared).count();
    let on_bus = count.appended.saturating_add(beside);
    let difference = on_bus.abs_diff(held);
    match on_bus.cmp(&held) {
        std::cmp::Ordering::Equal => Compared::Agrees,
        std::cmp::Ordering::Less => Compared::BusLacks(difference),
        std::cmp::Ordering::Greater => Compared::BusHasMore(difference),
    }
}

#[cfg(test)]
mod tests;
