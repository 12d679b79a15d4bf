//! What is known of deliveries: entries come in one after the other, how far each log is delivered to each target goes out, and what is to be
//! said of events that were delivered. Nothing is read or written here.

use std::collections::BTreeMap;

use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName};

use super::kinds::{
    Entry, Event, FileSeen, Order, put_json, read_seen, read_up_to, write_seen, write_up_to,
};
use crate::deliver::limits::ORDERS_KEPT;
use crate::store::log::fields::{Put as _, Take};

/// Of the bytes that the state is written as.
const VERSION: u8 = 1;
/// Names that a target may have had, one after the other.
const NAMES_MAX: usize = 16;

/// A target by its name, and a log.
pub type Key = (String, LogName);

/// How far a log is delivered to one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpTo {
    /// 0 before the first.
    pub position: u64,
    /// Of the event there; None where nobody knows it.
    pub hash: Option<Hash>,
    pub passed_over: Ranges,
}

/// An event that was delivered, or is not to be.
#[derive(Debug, Clone)]
pub struct Mark {
    pub log: LogName,
    pub position: Position,
    pub hash: Hash,
    pub step: Step,
}

/// What an event is to what was delivered of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It stands behind all of it; what lies between is passed over, for its office has declared it lost.
    Next { passed_over: Ranges },
    /// It had been passed over, and came back.
    Late,
    /// Something else was delivered at its position: the log goes on from here.
    Branch,
    /// It was delivered before, and that was forgotten.
    Found { passed_over: Ranges },
}

/// All that one log of records says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub said: Said,
    /// Logs of targets, by their numbers.
    names: Vec<Key>,
    numbers: BTreeMap<Key, u32>,
    /// Under which number a log of a target stood, while the target had another name.
    before: BTreeMap<u32, u32>,
}

/// What is said, whatever numbers there are. What was said last of a log or a target counts; each with the number of its entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub up_to: BTreeMap<Key, (u64, UpTo)>,
    pub targets: BTreeMap<String, (u64, Seen)>,
    /// What people said last.
    pub orders: BTreeMap<u64, (String, Order)>,
    pub last: u64,
}

/// What is to be written down, by names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    Mark {
        key: Key,
        up_to: UpTo,
        /// What was marked, where it is another one than stands at the position.
        also: Option<Event>,
    },
    Target {
        target: String,
        seen: Seen,
    },
    Order {
        target: String,
        order: Order,
    },
    /// What was delivered of a log under the one name was delivered to the target that has the other now.
    Renamed {
        from: Key,
        to: String,
    },
}

/// A target as it stood in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub feed: FeedName,
    pub to: String,
    pub file: Option<FileSeen>,
}

impl UpTo {
    fn after(&self, mark: &Mark) -> UpTo {
        let number = mark.position.number();
        let own = Ranges::one(number..=number);
        match &mark.step {
            Step::Next { passed_over } | Step::Found { passed_over } if number > self.position => {
                let behind = Ranges::one(1..=self.position);
                let passed = self.passed_over.union(&passed_over.without(&behind));
                UpTo {
                    position: number,
                    hash: Some(mark.hash),
                    passed_over: passed.without(&own),
                }
            }
            Step::Branch => UpTo {
                position: number,
                hash: Some(mark.hash),
                passed_over: self.passed_over.up_to(number).without(&own),
            },
            Step::Next { .. } | Step::Late | Step::Found { .. } => UpTo {
                passed_over: self.passed_over.without(&own),
                ..self.clone()
            },
        }
    }
}

impl State {
    /// One entry further. None, and nothing changed, where it does not fit to what was before it.
    pub fn take(&mut self, entry: Entry) -> Option<()> {
        match entry {
            Entry::Mark { n, pair, up_to, .. } => {
                let key = self.names.get(usize::try_from(pair).ok()?)?.clone();
                self.said.up_to.insert(key, (n, up_to));
                self.said.last = self.said.last.max(n);
            }
            Entry::Target { n, target, seen } => {
                self.said.targets.insert(target, (n, seen));
                self.said.last = self.said.last.max(n);
            }
            Entry::Order { n, target, order } => {
                self.said.orders.insert(n, (target.clone(), order));
                self.said.forget_old_orders(&target);
                self.said.last = self.said.last.max(n);
            }
            Entry::Named {
                pair,
                target,
                log,
                before,
            } => {
                if pair != self.next_pair() {
                    return None;
                }
                let key = (target, log);
                self.names.push(key.clone());
                self.numbers.insert(key, pair);
                self.before.extend(before.map(|before| (pair, before)));
            }
        }
        Some(())
    }

    pub fn pair(&self, key: &Key) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    /// The number that the next log of a target gets. Numbers are given in order.
    pub fn next_pair(&self) -> u32 {
        u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }

    /// Under which numbers the log of a target stands and stood, the last first.
    pub fn pairs(&self, key: &Key) -> impl Iterator<Item = u32> {
        let before = |pair: &u32| self.before.get(pair).copied();
        std::iter::successors(self.pair(key), before).take(NAMES_MAX)
    }

    /// The last position of the log that has a number, under whatever name.
    pub fn position_of(&self, pair: u32) -> u64 {
        let later = self.before.iter().find(|(_, before)| **before == pair);
        let key = usize::try_from(later.map_or(pair, |(later, _)| *later)).ok();
        let key = key.and_then(|pair| self.names.get(pair));
        let up_to = key.and_then(|key| self.said.up_to.get(key));
        up_to.map_or(0, |(_, up_to)| up_to.position)
    }

    pub fn write(&self, into: &mut Vec<u8>) {
        into.put_u8(VERSION);
        into.put_u64(self.said.last);
        put_count(into, self.names.len());
        for (number, key) in (0..).zip(&self.names) {
            put_key(into, key);
            into.put_u32(self.before.get(&number).copied().unwrap_or(u32::MAX));
        }
        put_count(into, self.said.up_to.len());
        for (key, (n, up_to)) in &self.said.up_to {
            put_key(into, key);
            into.put_u64(*n);
            write_up_to(into, up_to);
        }
        put_count(into, self.said.targets.len());
        for (target, (n, seen)) in &self.said.targets {
            into.put_text(target);
            into.put_u64(*n);
            write_seen(into, seen);
        }
        put_count(into, self.said.orders.len());
        for (n, (target, order)) in &self.said.orders {
            into.put_u64(*n);
            into.put_text(target);
            put_json(into, order);
        }
    }

    pub fn read(bytes: &[u8]) -> Option<State> {
        let mut from = Take(bytes);
        if from.u8()? != VERSION {
            return None;
        }
        let mut state = State::default();
        state.said.last = from.u64()?;
        for number in 0..from.u32()? {
            let (key, before) = (take_key(&mut from)?, from.u32()?);
            state.names.push(key.clone());
            state.numbers.insert(key, number);
            if before != u32::MAX {
                state.before.insert(number, before);
            }
        }
        for _ in 0..from.u32()? {
            let (key, n) = (take_key(&mut from)?, from.u64()?);
            state.said.up_to.insert(key, (n, read_up_to(&mut from)?));
        }
        for _ in 0..from.u32()? {
            let (target, n) = (from.text()?.to_owned(), from.u64()?);
            state
                .said
                .targets
                .insert(target, (n, read_seen(&mut from)?));
        }
        for _ in 0..from.u32()? {
            let (n, target) = (from.u64()?, from.text()?.to_owned());
            let order = serde_json::from_str(from.text()?).ok()?;
            state.said.orders.insert(n, (target, order));
        }
        from.0.is_empty().then_some(state)
    }
}

fn put_count(into: &mut Vec<u8>, count: usize) {
    into.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_key(into: &mut Vec<u8>, (target, log): &Key) {
    into.put_text(target);
    into.put_text(&log.source());
}

fn take_key(from: &mut Take<'_>) -> Option<Key> {
    let target = from.text()?.to_owned();
    Some((target, LogName::from_source(from.text()?).ok()?))
}

impl Said {
    fn forget_old_orders(&mut self, target: &str) {
        let own = self.orders.iter().filter(|(_, (of, _))| of == target);
        let own: Vec<u64> = own.map(|(n, _)| *n).collect();
        for old in &own[..own.len().saturating_sub(ORDERS_KEPT)] {
            self.orders.remove(old);
        }
    }

    /// What both say: of each log and target what was said last.
    pub fn and(&self, other: &Said) -> Said {
        let mut both = self.clone();
        for (key, (n, up_to)) in &other.up_to {
            if both.up_to.get(key).is_none_or(|(own, _)| own < n) {
                both.up_to.insert(key.clone(), (*n, up_to.clone()));
            }
        }
        for (target, (n, seen)) in &other.targets {
            if both.targets.get(target).is_none_or(|(own, _)| own < n) {
                both.targets.insert(target.clone(), (*n, seen.clone()));
            }
        }
        for (n, (target, order)) in &other.orders {
            both.orders.insert(*n, (target.clone(), order.clone()));
            both.forget_old_orders(target);
        }
        both.last = both.last.max(other.last);
        both
    }

    /// What this says and the other does not, with the numbers that it has, in order.
    pub fn beyond(&self, other: &Said) -> BTreeMap<u64, Word> {
        let mut all = BTreeMap::new();
        for (key, said) in &self.up_to {
            if other.up_to.get(key) != Some(said) {
                let (key, up_to) = (key.clone(), said.1.clone());
                let also = None;
                all.insert(said.0, Word::Mark { key, up_to, also });
            }
        }
        for (target, said) in &self.targets {
            if other.targets.get(target) != Some(said) {
                let (target, seen) = (target.clone(), said.1.clone());
                all.insert(said.0, Word::Target { target, seen });
            }
        }
        for (n, (target, order)) in &self.orders {
            if !other.orders.contains_key(n) {
                let (target, order) = (target.clone(), order.clone());
                all.insert(*n, Word::Order { target, order });
            }
        }
        all
    }

    /// One word for each event, in their order.
    pub fn marks(&self, target: &str, marks: &[Mark]) -> Vec<Word> {
        let mut new: BTreeMap<&LogName, UpTo> = BTreeMap::new();
        let mut words = Vec::with_capacity(marks.len());
        for mark in marks {
            let key = (target.to_owned(), mark.log.clone());
            let before = || {
                let known = self.up_to.get(&key);
                known.map(|(_, up_to)| up_to.clone()).unwrap_or_default()
            };
            let up_to = new.entry(&mark.log).or_insert_with(before);
            *up_to = up_to.after(mark);
            let position = mark.position.number();
            let hash = mark.hash;
            let also = (position != up_to.position).then_some(Event { position, hash });
            let up_to = up_to.clone();
            words.push(Word::Mark { key, up_to, also });
        }
        words
    }
}
