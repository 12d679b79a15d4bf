//! The verdict over one run: what was accepted against what every subscriber's application has.
//! In: the ledger, the deliveries, what the brokers hold, what the agents name as missing. Out: one line. Never: a run that passes
//! because nothing was accepted, or because nothing was broken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::arrivals::Arrived;
use crate::ledger::Accepted;

/// What a scenario ends in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    pub scenario: String,
    pub seed: u64,
    pub quick: bool,
    /// Events that were submitted.
    pub sent: usize,
    /// Of these, answered 202.
    pub accepted: usize,
    /// Different events that the brokers hold.
    pub durable: usize,
    /// Events that every subscriber has.
    pub received: usize,
    pub lost: usize,
    pub doubled: usize,
    pub reordered: usize,
    pub undetected: usize,
    /// From the last mending until every subscriber had what was accepted by then.
    pub catch_up_s: Option<f64>,
    /// On all offices' lines, both ways, with all headers.
    pub bytes: u64,
    pub faults_tried: u32,
    pub faults_fired: u32,
    /// Programs that ended by themselves and were started again.
    pub restarts: u32,
    pub seconds: f64,
    /// What else went wrong, in words.
    pub failures: Vec<String>,
}

impl Row {
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// A scenario that did not come to its end.
    pub fn broken(scenario: &str, seed: u64, quick: bool, why: String) -> Row {
        Row {
            scenario: scenario.to_owned(),
            seed,
            quick,
            failures: vec![why],
            ..Row::default()
        }
    }
}

/// One subscriber's deliveries, and the logs of which somebody says that something is missing there.
pub struct Subscriber<'a> {
    pub logs: &'a BTreeMap<String, Vec<Arrived>>,
    pub named: BTreeSet<String>,
}

/// What happened to the events of all logs at all subscribers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub received: usize,
    pub lost: usize,
    pub doubled: usize,
    pub reordered: usize,
    pub undetected: usize,
    /// Delivered, and never submitted.
    pub foreign: usize,
}

impl Tally {
    pub fn of(
        accepted: &Accepted,
        asked: &BTreeMap<String, BTreeSet<String>>,
        at: &[Subscriber<'_>],
    ) -> Tally {
        let mut tally = Tally::default();
        for (source, ids) in accepted {
            let mut everywhere = vec![true; ids.len()];
            for subscriber in at {
                let empty = Vec::new();
                let log = subscriber.logs.get(source).unwrap_or(&empty);
                let missing = tally.compare(ids, log, &mut everywhere);
                tally.lost += missing;
                if !subscriber.named.contains(source) {
                    tally.undetected += missing;
                }
            }
            tally.received += everywhere.iter().filter(|there| **there).count();
        }
        let logs = at.iter().flat_map(|subscriber| subscriber.logs);
        for (source, log) in logs {
            let was_asked = |id: &str| asked.get(source).is_some_and(|ids| ids.contains(id));
            tally.foreign += log.iter().filter(|event| !was_asked(&event.id)).count();
        }
        tally
    }

    /// One log at one subscriber; how many of its events are missing.
    fn compare(&mut self, ids: &[String], log: &[Arrived], everywhere: &mut [bool]) -> usize {
        let order: HashMap<&str, usize> = ids
            .iter()
            .enumerate()
            .map(|(at, id)| (id.as_str(), at))
            .collect();
        let mut seen = vec![false; ids.len()];
        let mut before: Option<(u64, usize)> = None;
        for event in log {
            let Some(at) = order.get(event.id.as_str()).copied() else {
                continue;
            };
            if std::mem::replace(&mut seen[at], true) {
                self.doubled += 1;
                continue;
            }
            // In the order of the log, and in the order in which the office accepted them.
            if before.is_some_and(|(sequence, place)| event.sequence <= sequence || at < place) {
                self.reordered += 1;
            }
            before = Some((event.sequence, at));
        }
        for (there, seen) in everywhere.iter_mut().zip(&seen) {
            *there &= seen;
        }
        seen.iter().filter(|seen| !**seen).count()
    }
}

/// Why a run with these figures did not pass.
pub fn failures(row: &Row, foreign: usize) -> Vec<String> {
    let harms = [
        ("lost", row.lost),
        ("not durable", row.accepted.saturating_sub(row.durable)),
        ("doubled", row.doubled),
        ("reordered", row.reordered),
        ("undetected", row.undetected),
        ("foreign", foreign),
    ];
    let harms = harms.into_iter().filter(|(_, count)| *count > 0);
    let mut failures: Vec<String> = harms
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    if row.accepted == 0 {
        failures.push("nothing was accepted".to_owned());
    }
    if row.faults_tried == 0 || row.faults_fired < row.faults_tried {
        let (fired, tried) = (row.faults_fired, row.faults_tried);
        failures.push(format!("{fired} of {tried} faults fired"));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "urn:spean:moh:siem-reap:health-quarterly";

    fn tally(events: &[(&str, u64)], named: bool) -> Tally {
        let ids = ["a", "b", "c"].map(str::to_owned);
        let accepted = Accepted::from([(LOG.to_owned(), ids.to_vec())]);
        let asked = BTreeMap::from([(LOG.to_owned(), BTreeSet::from(ids))]);
        let arrived = |(id, sequence): &(&str, u64)| Arrived {
            source: LOG.to_owned(),
            id: (*id).to_owned(),
            sequence: *sequence,
        };
        let logs = BTreeMap::from([(LOG.to_owned(), events.iter().map(arrived).collect())]);
        let named = named.then(|| LOG.to_owned()).into_iter().collect();
        let subscriber = Subscriber { logs: &logs, named };
        Tally::of(&accepted, &asked, &[subscriber])
    }

    #[test]
    fn a_whole_log_is_received() {
        let whole = Tally {
            received: 3,
            ..Tally::default()
        };
        assert_eq!(tally(&[("a", 1), ("b", 2), ("c", 3)], false), whole);
    }

    #[test]
    fn each_kind_of_harm_is_counted_as_itself() {
        let lost = tally(&[("a", 1), ("c", 3)], false);
        assert_eq!((lost.lost, lost.undetected, lost.received), (1, 1, 2));
        assert_eq!(
            tally(&[("a", 1), ("c", 3)], true).undetected,
            0,
            "it was named"
        );
        assert_eq!(
            tally(&[("a", 1), ("b", 2), ("b", 3), ("c", 4)], false).doubled,
            1
        );
        assert_eq!(tally(&[("a", 1), ("c", 2), ("b", 3)], false).reordered, 1);
        assert_eq!(tally(&[("b", 2), ("a", 1), ("c", 3)], false).reordered, 1);
        assert_eq!(
            tally(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)], false).foreign,
            1
        );
    }

    #[test]
    fn a_run_in_which_nothing_happened_does_not_pass() {
        let row = Row {
            faults_tried: 2,
            faults_fired: 1,
            ..Row::default()
        };
        assert_eq!(
            failures(&row, 0),
            ["nothing was accepted", "1 of 2 faults fired"]
        );
        let untouched = Row {
            accepted: 5,
            durable: 5,
            ..Row::default()
        };
        assert_eq!(failures(&untouched, 0), ["0 of 0 faults fired"]);
    }
}
