//! One stream: messages by their sequence. A publish with what it expects comes in, its sequence or JetStream's error goes out; and what
//! can happen to what is stored.

use std::collections::BTreeMap;

use broker_gateway::wire::Subject;
use bytes::Bytes;
use serde_json::json;

use super::{Said, Server};

/// A message as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub subject: String,
    pub headers: Bytes,
    pub payload: Bytes,
}

#[derive(Debug, Clone)]
pub struct Stream {
    subjects: Subject,
    pub messages: BTreeMap<u64, Stored>,
    pub last: u64,
    per_subject: Option<usize>,
}

impl Stream {
    pub fn new(subjects: &str, per_subject: Option<usize>) -> Stream {
        Stream {
            subjects: subject(subjects),
            messages: BTreeMap::new(),
            last: 0,
            per_subject,
        }
    }

    pub fn takes(&self, subject: &str) -> bool {
        self.subjects.matches(subject)
    }

    pub fn first(&self) -> u64 {
        let first = self.messages.keys().next();
        first.copied().unwrap_or(self.last + 1)
    }

    pub fn last_of(&self, filter: &str) -> Option<(u64, &Stored)> {
        let filter = subject(filter);
        let mut all = self.messages.iter().rev();
        all.find(|(_, stored)| filter.matches(&stored.subject))
            .map(|(sequence, stored)| (*sequence, stored))
    }

    /// Those of a subject from a sequence on.
    pub fn from<'s>(
        &'s self,
        sequence: u64,
        filter: &str,
    ) -> impl Iterator<Item = (u64, &'s Stored)> {
        let filter = subject(filter);
        self.messages
            .range(sequence..)
            .filter(move |(_, stored)| filter.matches(&stored.subject))
            .map(|(sequence, stored)| (*sequence, stored))
    }

    pub fn counts(&self, filter: &str) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for (_, stored) in self.from(0, filter) {
            *counts.entry(stored.subject.as_str()).or_default() += 1;
        }
        counts
    }

    fn append(&mut self, said: Said) -> u64 {
        self.last += 1;
        if let Some(most) = self.per_subject {
            let of_subject = self.from(0, &said.subject).map(|(sequence, _)| sequence);
            let old: Vec<u64> = of_subject.collect();
            let surplus = (old.len() + 1).saturating_sub(most);
            old[..surplus].iter().for_each(|sequence| {
                self.messages.remove(sequence);
            });
        }
        let stored = Stored {
            subject: said.subject,
            headers: said.headers,
            payload: said.payload,
        };
        self.messages.insert(self.last, stored);
        self.last
    }

    /// A power cut takes what was written last; the sequences are given again.
    pub fn lose_tail(&mut self, keep: usize) {
        let gone: Vec<u64> = self.messages.keys().copied().skip(keep).collect();
        gone.iter().for_each(|sequence| {
            self.messages.remove(sequence);
        });
        self.last = self.messages.keys().next_back().copied().unwrap_or(0);
    }

    /// A damaged block: what lay in it is gone, what lies behind it is where it was.
    pub fn lose_middle(&mut self, skip: usize, count: usize) {
        let there: Vec<u64> = self.messages.keys().copied().collect();
        let end = there.len().saturating_sub(1);
        let gone = there.iter().take(end).skip(skip).take(count);
        gone.for_each(|sequence| {
            self.messages.remove(sequence);
        });
    }

    pub fn wipe(&mut self) {
        self.messages.clear();
        self.last = 0;
    }
}

impl Server {
    /// A publish into a stream: alone, or as a part of a batch that is stored whole or not at all (ADR-50).
    pub(super) fn store(&mut self, name: &str, said: Said) {
        let reply = said.reply.clone();
        let group = match header(&said, "Nats-Batch-Id") {
            None => vec![said],
            Some(id) => {
                let committed = header(&said, "Nats-Batch-Commit").is_some();
                self.staged
                    .entry(id.to_owned())
                    .or_default()
                    .push(said.clone());
                if !committed {
                    return;
                }
                self.staged.remove(id).unwrap_or_default()
            }
        };
        let stream = self.streams.get_mut(name).expect("it takes this subject");
        let body = match stream.expectation_broken(&group) {
            Some(last) => json!({ "error": {
                "code": 400, "err_code": 10071, "description": format!("wrong last sequence: {last}"),
            }}),
            None => {
                let last = group.into_iter().map(|said| stream.append(said)).last();
                json!({ "stream": name, "seq": last })
            }
        };
        self.answer(reply.as_ref(), Bytes::new(), body.to_string());
        self.feed_consumers(name);
    }
}

impl Stream {
    /// The last sequence of a subject of which another was expected.
    fn expectation_broken(&self, group: &[Said]) -> Option<u64> {
        group.iter().find_map(|said| {
            let expected = header(said, "Nats-Expected-Last-Subject-Sequence")?;
            let expected: u64 = expected.parse().expect("a number");
            let last = self.last_of(&said.subject);
            let last = last.map_or(0, |(sequence, _)| sequence);
            (last != expected).then_some(last)
        })
    }
}

fn header<'s>(said: &'s Said, name: &str) -> Option<&'s str> {
    let text = std::str::from_utf8(&said.headers).expect("header blocks are text");
    let mut lines = text.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| *key == name).map(|(_, value)| value)
}

pub fn subject(text: &str) -> Subject {
    Subject::parse(text.as_bytes()).expect("a subject")
}
