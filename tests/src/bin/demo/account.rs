//! The account: what was submitted against what arrived, kept outside of the system that is judged.
//! In: ids as they were accepted, events as each subscriber has them, counts as the broker has them. Out: a table, JSON, a verdict.
//! Never: a figure that the agents say about themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// A rule below the headings and no other: rows are many, and read as lines.
const RULE_BELOW_HEADINGS: &str = "     ──            ";

/// A log by its office and feed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogKey {
    pub feed: String,
    pub office: String,
}

impl LogKey {
    pub fn new(feed: &str, office: &str) -> LogKey {
        LogKey {
            feed: feed.to_owned(),
            office: office.to_owned(),
        }
    }

    /// Reads `urn:spean:moh:hq:health-quarterly` back.
    pub fn of_source(source: &str) -> Option<LogKey> {
        let (office, feed) = source.strip_prefix("urn:spean:")?.rsplit_once(':')?;
        Some(LogKey::new(feed, &office.replace(':', "/")))
    }

    pub fn source(&self) -> String {
        format!("urn:spean:{}:{}", self.office.replace('/', ":"), self.feed)
    }
}

/// An event as a subscriber has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub source: String,
    pub id: String,
    pub sequence: u64,
}

/// One log at one subscriber.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Arrival {
    pub received: usize,
    pub lost: usize,
    pub doubled: usize,
    pub out_of_order: usize,
    /// Events that nobody submitted.
    pub foreign: usize,
}

impl Arrival {
    /// Judges what a subscriber has of one log against the ids that its office was told were accepted.
    pub fn judge(submitted: &BTreeSet<String>, events: &[Received]) -> Arrival {
        let ids: BTreeSet<&String> = events.iter().map(|event| &event.id).collect();
        let steps = events
            .windows(2)
            .filter(|pair| pair[1].sequence != pair[0].sequence + 1)
            .count();
        let late_start = usize::from(events.first().is_some_and(|event| event.sequence != 1));
        Arrival {
            received: events.len(),
            lost: submitted.iter().filter(|id| !ids.contains(id)).count(),
            doubled: events.len() - ids.len(),
            out_of_order: steps + late_start,
            foreign: ids
                .into_iter()
                .filter(|id| !submitted.contains(*id))
                .count(),
        }
    }

    fn is_right(&self) -> bool {
        let Arrival {
            received: _,
            lost,
            doubled,
            out_of_order,
            foreign,
        } = self;
        [lost, doubled, out_of_order, foreign]
            .iter()
            .all(|count| **count == 0)
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct LogAccount {
    pub submitted: usize,
    pub durable: u64,
    pub subscribers: BTreeMap<String, Arrival>,
}

impl LogAccount {
    fn is_right(&self) -> bool {
        self.durable == self.submitted as u64
            && !self.subscribers.is_empty()
            && self.subscribers.values().all(Arrival::is_right)
    }
}

/// A deliberate refusal: what was tried, and what was answered.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    pub tried: String,
    pub by: String,
    pub expected: String,
    pub code: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct LineAccount {
    pub up_bytes: u64,
    pub down_bytes: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct Account {
    #[serde(serialize_with = "by_log")]
    pub logs: BTreeMap<LogKey, LogAccount>,
    pub refusals: Vec<Refused>,
    pub lines: BTreeMap<String, LineAccount>,
    pub waited_behind_the_cut: u64,
    pub seconds: f64,
}

impl Account {
    pub fn is_right(&self) -> bool {
        let refused = |refused: &Refused| refused.code == refused.expected;
        self.logs.values().all(LogAccount::is_right)
            && self.logs.values().any(|log| log.submitted > 0)
            && self.waited_behind_the_cut > 0
            && self.refusals.len() == 3
            && self.refusals.iter().all(refused)
    }

    /// The account for people.
    pub fn text(&self) -> String {
        let verdict = if self.is_right() {
            "The account is right."
        } else {
            "THE ACCOUNT IS WRONG."
        };
        let events: usize = self.logs.values().map(|log| log.submitted).sum();
        let took = Duration::from_secs_f64(self.seconds);
        let waited = self.waited_behind_the_cut;
        format!(
            "{}\n\nThree deliberate mistakes, each refused:\n{}\nBytes on the line of each office (TLS included, TCP/IP headers not):\n{}\n\n\
             {events} events in {took:.1?}; {waited} of them waited behind the cut line.\n{verdict}",
            self.logs_table(),
            self.refusals_text(),
            self.lines_table(),
        )
    }

    fn logs_table(&self) -> Table {
        let mut table = plain(&[
            "feed",
            "office",
            "submitted",
            "durable",
            "at",
            "received",
            "lost",
            "doubled",
            "out of order",
        ]);
        for (key, log) in &self.logs {
            let mut own = [
                key.feed.clone(),
                key.office.clone(),
                log.submitted.to_string(),
                log.durable.to_string(),
            ];
            for (subscriber, arrival) in &log.subscribers {
                let Arrival {
                    received,
                    lost,
                    doubled,
                    out_of_order,
                    foreign: _,
                } = arrival;
                let counts = [received, lost, doubled, out_of_order].map(ToString::to_string);
                table.add_row(own.into_iter().chain([subscriber.clone()]).chain(counts));
                // The log is named once; its further subscribers stand below.
                own = Default::default();
            }
        }
        align_right(&mut table, &[2, 3, 5, 6, 7, 8]);
        table
    }

    fn refusals_text(&self) -> String {
        let entry = |refused: &Refused| {
            let Refused {
                tried,
                by,
                expected: _,
                code,
                reason,
            } = refused;
            format!("  {code}, said {by}: {tried}\n      {reason}\n")
        };
        self.refusals.iter().map(entry).collect()
    }

    fn lines_table(&self) -> Table {
        let mut table = plain(&["office", "up", "down"]);
        for (
            office,
            LineAccount {
                up_bytes,
                down_bytes,
            },
        ) in &self.lines
        {
            table.add_row([office.clone(), up_bytes.to_string(), down_bytes.to_string()]);
        }
        align_right(&mut table, &[1, 2]);
        table
    }
}

fn plain(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(RULE_BELOW_HEADINGS).set_header(headings);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        table
            .column_mut(*column)
            .expect("the table has its headings")
            .set_cell_alignment(CellAlignment::Right);
    }
}

/// JSON objects have no keys of two parts: a list of logs, each with its account.
fn by_log<S: serde::Serializer>(
    logs: &BTreeMap<LogKey, LogAccount>,
    to: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Entry<'a> {
        #[serde(flatten)]
        key: &'a LogKey,
        #[serde(flatten)]
        log: &'a LogAccount,
    }
    to.collect_seq(logs.iter().map(|(key, log)| Entry { key, log }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(events: &[(&str, u64)]) -> Vec<Received> {
        let event = |(id, sequence): &(&str, u64)| Received {
            source: "s".into(),
            id: (*id).into(),
            sequence: *sequence,
        };
        events.iter().map(event).collect()
    }

    fn judge(events: &[(&str, u64)]) -> Arrival {
        let submitted = ["a", "b", "c"].map(str::to_owned).into();
        Arrival::judge(&submitted, &received(events))
    }

    #[test]
    fn a_complete_log_is_right() {
        let arrival = judge(&[("a", 1), ("b", 2), ("c", 3)]);
        assert!(arrival.is_right());
        assert_eq!(arrival.received, 3);
    }

    #[test]
    fn each_kind_of_harm_is_counted_as_itself() {
        assert_eq!(judge(&[("a", 1), ("b", 2)]).lost, 1);
        assert_eq!(judge(&[("a", 1), ("b", 2), ("c", 3), ("c", 4)]).doubled, 1);
        assert_eq!(judge(&[("a", 1), ("c", 3), ("b", 2)]).out_of_order, 2);
        assert_eq!(judge(&[("b", 2), ("c", 3)]).out_of_order, 1);
        assert_eq!(judge(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]).foreign, 1);
    }
}
