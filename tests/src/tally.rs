//! What applications have, held against what offices were told is accepted: lost, doubled, changed, reordered, foreign.
//! In: the ledger's ids and contents, deliveries in their order. Out: counts. Never: two kinds of harm counted as one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The ids of one log in the order in which they were accepted, by the log's `source`.
pub type Accepted = BTreeMap<String, Vec<String>>;

/// What was ever submitted, answered or not: by `source`, each id with its content.
pub type Asked = BTreeMap<String, BTreeMap<String, Content>>;

/// What an office said in an event, byte for byte: its type, its subject, its data's media type, and the data's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content([u8; 32]);

impl Content {
    pub fn of(event_type: &str, subject: &str, media_type: &str, data: &[u8]) -> Content {
        let mut text = format!("{event_type}\n{subject}\n{media_type}\n").into_bytes();
        text.extend_from_slice(data);
        let hash = digest(&SHA256, &text);
        Content(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A delivered event, as far as the suites look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub source: String,
    pub id: String,
    pub sequence: u64,
    pub content: Content,
}

impl Arrived {
    /// Reads a line of a delivered file: a structured CloudEvent.
    ///
    /// # Errors
    /// It is none.
    pub fn of_line(line: &[u8]) -> Result<Arrived> {
        #[derive(Deserialize)]
        struct Line<'a> {
            source: String,
            id: String,
            sequence: String,
            r#type: String,
            #[serde(default)]
            subject: String,
            #[serde(default)]
            datacontenttype: String,
            #[serde(borrow)]
            data: Option<&'a RawValue>,
            data_base64: Option<String>,
        }
        let line: Line<'_> = serde_json::from_slice(line).context("a line is no event")?;
        let data = match (line.data, line.data_base64) {
            (Some(json), _) => json.get().as_bytes().to_vec(),
            (None, Some(text)) => BASE64_STANDARD.decode(text).context("data_base64")?,
            (None, None) => Vec::new(),
        };
        Ok(Arrived {
            sequence: line.sequence.parse().context("a sequence is a number")?,
            content: Content::of(&line.r#type, &line.subject, &line.datacontenttype, &data),
            source: line.source,
            id: line.id,
        })
    }

    /// Reads a request in binary mode: its headers by their names in small letters, its body.
    ///
    /// # Errors
    /// It is no event.
    pub fn of_request(headers: &HashMap<String, String>, body: &[u8]) -> Result<Arrived> {
        let text = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
        let (event_type, media_type) = (text("ce-type"), text("content-type"));
        Ok(Arrived {
            source: text("ce-source").to_owned(),
            id: text("ce-id").to_owned(),
            sequence: text("ce-sequence").parse().context("ce-sequence")?,
            content: Content::of(event_type, text("ce-subject"), media_type, body),
        })
    }
}

/// One application's deliveries, and the logs of which somebody says that something is missing there.
pub struct Application<'a> {
    pub name: &'a str,
    /// By `source`, each log in the order of its delivery.
    pub logs: &'a BTreeMap<String, Vec<Arrived>>,
    pub named: BTreeSet<String>,
}

/// What happened to the events of all logs at one application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub application: String,
    pub received: usize,
    pub lost: usize,
    pub doubled: usize,
    /// Delivered with another content than was submitted under their id.
    pub changed: usize,
    pub reordered: usize,
    /// Lost, and nobody says so.
    pub undetected: usize,
    /// Delivered, and never submitted.
    pub foreign: usize,
}

impl Tally {
    pub fn of(accepted: &Accepted, asked: &Asked, at: &Application<'_>) -> Tally {
        let mut tally = Tally {
            application: at.name.to_owned(),
            ..Tally::default()
        };
        for (source, ids) in accepted {
            let log = at.logs.get(source).map(Vec::as_slice);
            let missing = tally.compare(ids, log.unwrap_or_default());
            tally.received += ids.len() - missing;
            tally.lost += missing;
            if !at.named.contains(source) {
                tally.undetected += missing;
            }
        }
        for (source, log) in at.logs {
            let asked = asked.get(source);
            for event in log {
                match asked.and_then(|asked| asked.get(&event.id)) {
                    None => tally.foreign += 1,
                    Some(content) => tally.changed += usize::from(*content != event.content),
                }
            }
        }
        tally
    }

    /// One log; how many of its events are missing.
    fn compare(&mut self, ids: &[String], log: &[Arrived]) -> usize {
        let numbered = ids.iter().enumerate();
        let order: HashMap<&str, usize> = numbered.map(|(at, id)| (id.as_str(), at)).collect();
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
        seen.iter().filter(|seen| !**seen).count()
    }

    /// Each kind of harm by its name.
    pub fn harms(&self) -> [(&'static str, usize); 6] {
        [
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("changed", self.changed),
            ("reordered", self.reordered),
            ("undetected", self.undetected),
            ("foreign", self.foreign),
        ]
    }
}

/// Accepted events that every one of these applications has.
pub fn everywhere(accepted: &Accepted, at: &[Application<'_>]) -> usize {
    let of_log = |(source, ids): (&String, &Vec<String>)| {
        let logs = at.iter().map(|application| application.logs.get(source));
        let there = logs.map(|log| -> BTreeSet<&str> {
            let events = log.into_iter().flatten();
            events.map(|event| event.id.as_str()).collect()
        });
        let there: Vec<BTreeSet<&str>> = there.collect();
        let at_all = |id: &&String| there.iter().all(|there| there.contains(id.as_str()));
        ids.iter().filter(at_all).count()
    };
    accepted.iter().map(of_log).sum()
}

#[cfg(test)]
mod tests;
