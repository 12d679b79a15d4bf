//! A feed's stream comes in, message by message in its order; what it lacks, and what in it is damaged, goes out: for each log the
//! positions that are missing, the places where the chain breaks, and the head's hash, which covers all below it. No socket here.

pub mod command;
pub mod read;

use std::collections::BTreeMap;

use bytes::Bytes;
use schemas::chain::Head;
use schemas::envelope::nats::{self, Origin};
use schemas::event::Hash;
use schemas::heal::Ranges;
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::{FeedName, LogName, LogSubject, OfficeId};
use serde::Serialize;

use crate::limits::DAMAGED_NAMED_MAX;

/// What was found in one feed's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    pub feed: FeedName,
    /// Messages that could be read.
    pub messages: u64,
    pub logs: Vec<LogReport>,
    /// Messages that are no event of their log, the first ones.
    pub damaged: Vec<Damaged>,
}

/// What was found of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogReport {
    pub office: OfficeId,
    pub head: u64,
    /// Of the head; empty where the log is.
    pub hash: String,
    pub refilled: u64,
    /// What is not there, declared or not.
    pub missing: Ranges,
    /// What of it the office has declared lost.
    pub declared: Ranges,
    /// Positions that do not link to the one before.
    pub unlinked: Ranges,
    /// Whether the head bears a signature that the registry honours, and with it, by the chain, all below.
    pub signed: bool,
}

/// A message that is no event of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damaged {
    pub sequence: u64,
    pub subject: String,
    pub why: String,
}

impl FeedReport {
    /// Nothing is missing but what was declared, and nothing is damaged.
    pub fn is_whole(&self) -> bool {
        let whole = |log: &LogReport| {
            log.missing.without(&log.declared).is_empty() && log.unlinked.is_empty() && log.signed
        };
        self.damaged.is_empty() && self.logs.iter().all(whole)
    }
}

/// A scrub of one feed's stream under way.
#[derive(Debug)]
pub struct Scrub {
    feed: FeedName,
    genesis: Hash,
    messages: u64,
    logs: BTreeMap<OfficeId, LogScrub>,
    damaged: Vec<Damaged>,
}

#[derive(Debug)]
struct LogScrub {
    head: Head,
    last: Option<SignedEvent>,
    holes: Vec<Hole>,
    refilled: BTreeMap<u64, (Hash, Hash)>,
    declared: Ranges,
    unlinked: Vec<u64>,
}

/// Positions without an appended event; what stands before them, and what the one behind them names.
#[derive(Debug)]
struct Hole {
    first: u64,
    last: u64,
    below: Hash,
    named: Hash,
}

impl Scrub {
    pub fn new(feed: FeedName, genesis: Hash) -> Scrub {
        Scrub {
            feed,
            genesis,
            messages: 0,
            logs: BTreeMap::new(),
            damaged: Vec::new(),
        }
    }

    /// Takes the next message of the stream.
    pub fn take(&mut self, sequence: u64, subject: &str, headers: &[u8], data: Bytes) {
        self.messages += 1;
        if let Err(why) = self.read(subject, headers, data) {
            self.damaged(sequence, subject, why);
        }
    }

    /// A message that cannot be read, or is no event.
    pub fn damaged(&mut self, sequence: u64, subject: &str, why: String) {
        if self.damaged.len() < DAMAGED_NAMED_MAX {
            self.damaged.push(Damaged {
                sequence,
                subject: subject.to_owned(),
                why,
            });
        }
    }

    fn read(&mut self, subject: &str, headers: &[u8], data: Bytes) -> Result<(), String> {
        let named: LogSubject = subject.parse().map_err(|_| "no subject of a log")?;
        let event = nats::decode(headers, data, Origin::Bus).map_err(|why| why.to_string())?;
        if event.event().log() != named.log() || named.log().feed != self.feed {
            return Err("an event of another log".into());
        }
        let genesis = self.genesis;
        let office = named.log().office.clone();
        let log = self
            .logs
            .entry(office)
            .or_insert_with(|| LogScrub::new(genesis));
        match named {
            LogSubject::Log(_) => log.append(event),
            LogSubject::Refill(_, position) if position == event.link().position => {
                let stands = (event.hash(), event.link().prev);
                log.refilled.insert(position.number(), stands);
            }
            LogSubject::Refill(..) => return Err("an event of another position".into()),
            LogSubject::Gap(_) => log.declare(&event)?,
        }
        Ok(())
    }

    pub fn finish(self, registry: &Registry) -> FeedReport {
        let feed = self.feed;
        let logs = self.logs.into_iter().map(|(office, log)| {
            let name = LogName {
                feed: feed.clone(),
                office,
            };
            log.finish(name, registry)
        });
        FeedReport {
            logs: logs.collect(),
            feed,
            messages: self.messages,
            damaged: self.damaged,
        }
    }
}

impl LogScrub {
    fn new(genesis: Hash) -> LogScrub {
        LogScrub {
            head: Head::empty(genesis),
            last: None,
            holes: Vec::new(),
            refilled: BTreeMap::new(),
            declared: Ranges::default(),
            unlinked: Vec::new(),
        }
    }

    fn append(&mut self, event: SignedEvent) {
        let (next, link) = (self.head.next(), *event.link());
        if link.position > next.position {
            self.holes.push(Hole {
                first: next.position.number(),
                last: link.position.number() - 1,
                below: self.head.hash,
                named: link.prev,
            });
        } else if link != next {
            self.unlinked.push(link.position.number());
        }
        if link.position >= next.position {
            self.head = Head::of(&event);
            self.last = Some(event);
        }
    }

    /// A declaration stands where the log goes on: behind its range.
    fn declare(&mut self, event: &SignedEvent) -> Result<(), String> {
        let gap = schemas::notice::GapDeclared::read(event).map_err(|why| why.to_string())?;
        self.declared = self.declared.with(gap.first..=gap.last);
        Ok(())
    }

    fn finish(mut self, log: LogName, registry: &Registry) -> LogReport {
        let mut missing = Ranges::default();
        for hole in std::mem::take(&mut self.holes) {
            missing = missing.union(&self.look_into(&hole));
        }
        let declared_behind = self.declared.without(&Ranges::one(1..=self.head.number()));
        let refilled = Ranges::of(self.refilled.keys().copied());
        let missing = missing.union(&declared_behind.without(&refilled));
        let signed = self.last.as_ref().is_none_or(|event| {
            let key = registry.key(event.keyid());
            let key = key.filter(|key| {
                key.office == log.office && key.honoured(&log.feed, event.link().position)
            });
            key.is_some_and(|key| event.verify(&key.public).is_ok())
        });
        let hash = self.head.position.map(|_| self.head.hash.to_string());
        LogReport {
            office: log.office,
            head: self.head.number(),
            hash: hash.unwrap_or_default(),
            refilled: self.refilled.len() as u64,
            declared: self.declared.without(&self.declared.without(&missing)),
            missing,
            unlinked: Ranges::of(self.unlinked),
            signed,
        }
    }

    /// What of a hole was not refilled; whether what was refilled links.
    fn look_into(&mut self, hole: &Hole) -> Ranges {
        let mut before = Some(hole.below);
        let mut filled = Vec::new();
        for (position, (hash, prev)) in self.refilled.range(hole.first..=hole.last) {
            if *position > hole.first && filled.last() != Some(&(position - 1)) {
                before = None;
            }
            if before.is_some_and(|before| before != *prev) {
                self.unlinked.push(*position);
            }
            before = Some(*hash);
            filled.push(*position);
        }
        let reaches = filled.last() == Some(&hole.last);
        if reaches && before.is_some_and(|before| before != hole.named) {
            self.unlinked.push(hole.last + 1);
        }
        Ranges::one(hole.first..=hole.last).without(&Ranges::of(filled))
    }
}

#[cfg(test)]
mod tests;
