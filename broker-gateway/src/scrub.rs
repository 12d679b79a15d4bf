//! A feed's stream comes in, message by message in its order; what it lacks, and what in it is damaged, goes out: for each log the
//! positions that are missing, the places where the chain breaks, the events that nobody signed who might, and the head's hash, which covers
//! all below it. No socket here.

pub mod command;
pub mod read;

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use bytes::Bytes;
use schemas::chain::Head;
use schemas::envelope::format;
use schemas::envelope::nats::{self, Origin};
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::limits::BATCH_SIGNATURES_MAX;
use schemas::registry::Registry;
use schemas::signing::{Claim, PublicKey, SignedEvent, verify_all};
use schemas::subject::{FeedName, LogSubject, OfficeId};
use serde::Serialize;

use crate::limits::{DAMAGED_NAMED_MAX, SCRUB_REMEMBERED};

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
    /// Positions whose event stands more than once: on the log's own subject, or there and as a refill. It costs room, and nothing else.
    pub twice: Ranges,
    /// How many messages there are beyond one for each of those.
    pub surplus: u64,
    /// Positions whose event bears no signature of a key that the registry honours there.
    pub unsigned: Ranges,
}

/// A message that is no event of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damaged {
    pub sequence: u64,
    pub subject: String,
    pub why: String,
}

impl LogReport {
    /// What somebody may bring back and is asked for: not what its office has declared lost. Whoever has that finds it by his own
    /// counts.
    pub fn wanted(&self) -> Ranges {
        self.missing.without(&self.declared)
    }
}

impl FeedReport {
    /// Nothing is missing but what was declared, and nothing is damaged.
    pub fn is_whole(&self) -> bool {
        let whole = |log: &LogReport| {
            log.wanted().is_empty() && log.unlinked.is_empty() && log.unsigned.is_empty()
        };
        self.damaged.is_empty() && self.logs.iter().all(whole)
    }
}

/// A scrub of one feed's stream under way.
#[derive(Debug)]
pub struct Scrub<'r> {
    feed: FeedName,
    registry: &'r Registry,
    messages: u64,
    logs: BTreeMap<OfficeId, LogScrub>,
    damaged: Vec<Damaged>,
    /// Signatures that are verified when there are many of them.
    claims: Vec<Claim>,
    /// Where they stand, in the same order.
    claimed: Vec<(OfficeId, Position)>,
}

#[derive(Debug)]
struct LogScrub {
    head: Head,
    holes: Vec<Hole>,
    refilled: BTreeMap<u64, (Hash, Hash)>,
    declared: Vec<RangeInclusive<u64>>,
    /// The last positions on the log's own subject, rising, and what stands there.
    recent: VecDeque<(u64, Hash)>,
    /// Messages on that subject, damaged ones too.
    appended: u64,
    twice: Vec<u64>,
    unlinked: Vec<u64>,
    unsigned: Vec<u64>,
}

/// Positions without an appended event; what stands before them, and what the one behind them names.
#[derive(Debug)]
struct Hole {
    first: u64,
    last: u64,
    below: Hash,
    named: Hash,
}

impl<'r> Scrub<'r> {
    pub fn new(feed: FeedName, registry: &'r Registry) -> Scrub<'r> {
        Scrub {
            feed,
            registry,
            messages: 0,
            logs: BTreeMap::new(),
            damaged: Vec::new(),
            claims: Vec::new(),
            claimed: Vec::new(),
        }
    }

    /// Takes the next message of the stream.
    pub fn take(&mut self, sequence: u64, subject: &str, headers: &[u8], data: Bytes) {
        self.messages = self.messages.saturating_add(1);
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
        let genesis = self.registry.genesis();
        let office = named.log().office.clone();
        let log = self.logs.entry(office.clone());
        let log = log.or_insert_with(|| LogScrub::new(genesis));
        if let LogSubject::Log(_) = &named {
            log.appended = log.appended.saturating_add(1);
        }
        let event = nats::decode(headers, data, Origin::Bus).map_err(|why| {
            format::newer_in_headers(headers).map_or(why.to_string(), |newer| newer.to_string())
        })?;
        if event.event().log() != named.log() || named.log().feed != self.feed {
            return Err("an event of another log".into());
        }
        let key = self.key_of(&event);
        let log = self.logs.entry(office.clone());
        let log = log.or_insert_with(|| LogScrub::new(genesis));
        let position = event.link().position;
        match named {
            LogSubject::Log(_) => log.append(&event),
            LogSubject::Refill(_, named) if named == position => {
                let stands = (event.hash(), event.link().prev);
                log.refilled.insert(position.number(), stands);
            }
            LogSubject::Refill(..) => return Err("an event of another position".into()),
            LogSubject::Gap(_) if key.is_none_or(|key| event.verify(key).is_err()) => {
                return Err("a declaration that its office did not sign".into());
            }
            LogSubject::Gap(_) => return log.declare(&event),
        }
        match key {
            None => log.unsigned.push(position.number()),
            Some(key) => {
                self.claims.push(event.claim(key));
                self.claimed.push((office, position));
            }
        }
        if self.claims.len() >= BATCH_SIGNATURES_MAX {
            self.verify();
        }
        Ok(())
    }

    /// Whose signature counts where the event stands.
    fn key_of(&self, event: &SignedEvent) -> Option<&'r PublicKey> {
        let log = event.event().log();
        let key = self.registry.key(event.keyid())?;
        let honoured = key.office == log.office && key.honoured(&log.feed, event.link().position);
        honoured.then_some(&key.public)
    }

    fn verify(&mut self) {
        let verdicts = verify_all(&std::mem::take(&mut self.claims));
        for ((office, position), verdict) in self.claimed.drain(..).zip(verdicts) {
            if let (Err(_), Some(log)) = (verdict, self.logs.get_mut(&office)) {
                log.unsigned.push(position.number());
            }
        }
    }

    pub fn finish(mut self) -> FeedReport {
        self.verify();
        // What is damaged, and all that there is of a log, tells nothing of it.
        let logs = self.logs.into_iter().filter(|(_, log)| !log.is_empty());
        FeedReport {
            logs: logs.map(|(office, log)| log.finish(office)).collect(),
            feed: self.feed,
            messages: self.messages,
            damaged: self.damaged,
        }
    }
}

impl LogScrub {
    fn new(genesis: Hash) -> LogScrub {
        LogScrub {
            head: Head::empty(genesis),
            holes: Vec::new(),
            refilled: BTreeMap::new(),
            declared: Vec::new(),
            recent: VecDeque::new(),
            appended: 0,
            twice: Vec::new(),
            unlinked: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.head.position.is_none() && self.refilled.is_empty() && self.declared.is_empty()
    }

    fn append(&mut self, event: &SignedEvent) {
        let position = event.link().position.number();
        let known = self.recent.binary_search_by_key(&position, |(at, _)| *at);
        let known = known.ok().and_then(|index| self.recent.get(index));
        if known.is_some_and(|(_, hash)| *hash == event.hash()) {
            self.twice.push(position);
            return;
        }
        let (link, before) = (*event.link(), event.link().position.before());
        let (next, end) = (
            self.head.number().saturating_add(1),
            before.map_or(0, Position::number),
        );
        if end >= next {
            self.holes.push(Hole {
                first: next,
                last: end,
                below: self.head.hash,
                named: link.prev,
            });
        } else if !self.head.is_followed_by(&link) {
            self.unlinked.push(link.position.number());
        }
        if link.position.number() >= next {
            self.head = Head::of(event);
            if self.recent.len() == SCRUB_REMEMBERED {
                self.recent.pop_front();
            }
            self.recent.push_back((position, event.hash()));
        }
    }

    /// A declaration stands where the log goes on: behind its range.
    fn declare(&mut self, event: &SignedEvent) -> Result<(), String> {
        let gap = schemas::notice::GapDeclared::read(event).map_err(|why| why.to_string())?;
        self.declared.push(gap.first..=gap.last);
        Ok(())
    }

    fn finish(mut self, office: OfficeId) -> LogReport {
        let mut missing = Vec::new();
        let holes = std::mem::take(&mut self.holes);
        let ranges = holes.iter().map(|hole| hole.first..=hole.last);
        let holes_all: Ranges = ranges.collect();
        for hole in holes {
            missing.extend(self.look_into(&hole).iter());
        }
        let declared: Ranges = std::mem::take(&mut self.declared).into_iter().collect();
        let declared_behind = declared.without(&Ranges::one(1..=self.head.number()));
        let refilled = Ranges::of(self.refilled.keys().copied());
        missing.extend(declared_behind.without(&refilled).iter());
        let missing: Ranges = missing.into_iter().collect();
        let hash = self.head.position.map(|_| self.head.hash.to_string());
        let below = refilled.up_to(self.head.number());
        let lost = missing.up_to(self.head.number()).count();
        let positions = self.head.number().saturating_sub(lost);
        let messages = self.appended.saturating_add(below.count());
        let twice = Ranges::of(self.twice).union(&below.without(&holes_all));
        LogReport {
            twice,
            surplus: messages.saturating_sub(positions),
            office,
            head: self.head.number(),
            hash: hash.unwrap_or_default(),
            refilled: self.refilled.len() as u64,
            declared: declared.within(&missing),
            missing,
            unlinked: Ranges::of(self.unlinked),
            unsigned: Ranges::of(self.unsigned),
        }
    }

    /// What of a hole was not refilled; whether what was refilled links.
    fn look_into(&mut self, hole: &Hole) -> Ranges {
        let mut before = Some(hole.below);
        let mut filled = Vec::new();
        for (position, (hash, prev)) in self.refilled.range(hole.first..=hole.last) {
            if *position > hole.first && filled.last() != Some(&position.saturating_sub(1)) {
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
            self.unlinked.push(hole.last.saturating_add(1));
        }
        Ranges::one(hole.first..=hole.last).without(&Ranges::of(filled))
    }
}

#[cfg(test)]
mod tests;
