//! Gaps that readers see: what is missing now comes in, look after look; what is new, what is closed, and what is to be asked for
//! goes out, and people read what is open. Pure but for the lock: the time is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::event::Timestamp;
use schemas::heal::Ranges;
use schemas::subject::LogName;
use serde::Serialize;
use time::UtcOffset;
use time::macros::{format_description, offset};
use tokio::sync::watch;
use tokio::time::Instant;

use super::limits::{GAP_ASK_FIRST, GAP_ASK_LONGEST};

/// The zone of the study's offices: what people read is in their time.
const PHNOM_PENH: UtcOffset = offset!(+7);

/// The open gaps, shared by whoever looks and whoever tells.
#[derive(Clone)]
pub struct Gaps(Arc<Inner>);

struct Inner {
    open: Mutex<BTreeMap<LogName, Gap>>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    missing: Ranges,
    since_ms: u64,
    /// It has lasted from one look to the next.
    told: bool,
    asked: u32,
    ask_at: Instant,
}

/// A gap as people and programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenGap {
    pub office: String,
    pub feed: String,
    pub missing: Ranges,
    pub since_ms: u64,
    /// `moh/siem-reap health-quarterly: positions 41-43 missing since 10:05`
    pub text: String,
}

/// What a look came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The sentence for each gap that is told now.
    pub opened: Vec<String>,
    pub closed: Vec<String>,
    /// To be asked for now.
    pub wanted: Vec<(LogName, Ranges)>,
}

impl Default for Gaps {
    fn default() -> Gaps {
        Gaps(Arc::new(Inner {
            open: Mutex::default(),
            news: watch::Sender::new(0),
        }))
    }
}

impl Gaps {
    /// Takes what is missing now.
    pub fn see(&self, missing: Vec<(LogName, Ranges)>, now: Instant, now_ms: u64) -> Seen {
        let mut seen = Seen::default();
        let mut open = self.open();
        let before = std::mem::take(&mut *open);
        for (log, missing) in missing {
            let gap = match before.get(&log) {
                None => Gap {
                    missing,
                    since_ms: now_ms,
                    told: false,
                    asked: 0,
                    ask_at: now,
                },
                Some(known) => go_on(known, &log, missing, now, now_ms, &mut seen),
            };
            open.insert(log, gap);
        }
        for (log, gap) in before
            .iter()
            .filter(|(log, gap)| gap.told && !open.contains_key(log))
        {
            seen.closed.push(format!(
                "{log}: nothing is missing any more; positions {} came back",
                gap.missing
            ));
        }
        drop(open);
        if !seen.opened.is_empty() || !seen.closed.is_empty() {
            self.0.news.send_modify(|news| *news = news.wrapping_add(1));
        }
        seen
    }

    /// What is told, by log.
    pub fn list(&self, now_ms: u64) -> Vec<OpenGap> {
        let open = self.open();
        let told = open.iter().filter(|(_, gap)| gap.told);
        told.map(|(log, gap)| OpenGap {
            office: log.office.to_string(),
            feed: log.feed.to_string(),
            missing: gap.missing.clone(),
            since_ms: gap.since_ms,
            text: sentence(log, &gap.missing, gap.since_ms, now_ms),
        })
        .collect()
    }

    /// Changes whenever a gap opens, changes or closes.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<LogName, Gap>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A gap that was there before. One that grew is told again; one that shrinks is healing.
fn go_on(
    known: &Gap,
    log: &LogName,
    missing: Ranges,
    now: Instant,
    now_ms: u64,
    seen: &mut Seen,
) -> Gap {
    let mut gap = known.clone();
    let grew = !missing.without(&known.missing).is_empty();
    gap.missing = missing;
    if !known.told || grew {
        gap.told = true;
        gap.ask_at = now;
        let text = sentence(log, &gap.missing, gap.since_ms, now_ms);
        seen.opened.push(text);
    }
    if gap.ask_at <= now {
        seen.wanted.push((log.clone(), gap.missing.clone()));
        gap.ask_at = now + ask_wait(gap.asked);
        gap.asked = gap.asked.saturating_add(1);
    }
    gap
}

fn ask_wait(asked: u32) -> Duration {
    let doubled = GAP_ASK_FIRST.saturating_mul(1 << asked.min(8));
    doubled.min(GAP_ASK_LONGEST)
}

fn sentence(log: &LogName, missing: &Ranges, since_ms: u64, now_ms: u64) -> String {
    let positions = match missing.count() {
        1 => "position",
        _ => "positions",
    };
    format!(
        "{log}: {positions} {missing} missing since {}",
        clock(since_ms, now_ms)
    )
}

/// The time of day in Phnom Penh, with the date where it is another.
fn clock(at_ms: u64, now_ms: u64) -> String {
    let local = |ms: u64| {
        let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
        let time = Timestamp::from_unix_seconds(seconds)?.time();
        time.checked_to_offset(PHNOM_PENH)
    };
    let (Some(at), Some(now)) = (local(at_ms), local(now_ms)) else {
        return "a time that the clock cannot tell".into();
    };
    let of_day = format_description!("[hour]:[minute]");
    let with_date = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let written = match at.date() == now.date() {
        true => at.format(of_day),
        false => at.format(with_date),
    };
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-25T03:05:00Z, five past ten in Phnom Penh.
    const AT_MS: u64 = 1_795_575_900_000;

    fn log() -> LogName {
        LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log")
    }

    fn missing(pairs: &[(u64, u64)]) -> Vec<(LogName, Ranges)> {
        let ranges = Ranges::try_from(pairs.to_vec()).expect("ranges");
        vec![(log(), ranges)]
    }

    #[test]
    fn a_gap_that_lasts_is_told_once_and_asked_for_again_and_again() {
        let (gaps, now) = (Gaps::default(), Instant::now());
        let first = gaps.see(missing(&[(41, 43)]), now, AT_MS);
        assert_eq!(first, Seen::default(), "it may be on its way");
        assert!(gaps.list(AT_MS).is_empty());
        let second = gaps.see(missing(&[(41, 43)]), now, AT_MS);
        let text = "moh/siem-reap health-quarterly: positions 41-43 missing since 10:05";
        assert_eq!(second.opened, [text]);
        assert_eq!(second.wanted, missing(&[(41, 43)]));
        assert_eq!(gaps.list(AT_MS)[0].text, text);
        let soon = gaps.see(missing(&[(41, 43)]), now + GAP_ASK_FIRST / 2, AT_MS);
        assert_eq!(soon, Seen::default());
        let later = gaps.see(missing(&[(41, 43)]), now + GAP_ASK_FIRST, AT_MS);
        assert_eq!((later.opened.len(), later.wanted.len()), (0, 1));
    }

    #[test]
    fn what_comes_back_in_part_is_not_told_again_and_what_is_closed_is() {
        let (gaps, now) = (Gaps::default(), Instant::now());
        for _ in 0..2 {
            gaps.see(missing(&[(41, 43)]), now, AT_MS);
        }
        let smaller = gaps.see(missing(&[(43, 43)]), now, AT_MS);
        assert_eq!(smaller, Seen::default());
        let grown = gaps.see(missing(&[(43, 43), (50, 50)]), now, AT_MS + 86_400_000);
        let text =
            "moh/siem-reap health-quarterly: positions 43, 50 missing since 2026-11-25 10:05";
        assert_eq!(grown.opened, [text]);
        let mut news = gaps.news();
        news.mark_unchanged();
        assert_eq!(gaps.see(Vec::new(), now, AT_MS).closed.len(), 1);
        assert!(news.has_changed().expect("it lives"));
        assert!(gaps.list(AT_MS).is_empty());
    }
}
