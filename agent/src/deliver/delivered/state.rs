//! What is known of deliveries, in memory: lines come in one after the other, how far each log is delivered to each target goes out, and the
//! lines that say the same in few. Nothing is read or written here.

use std::collections::BTreeMap;

use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::subject::{FeedName, LogName};

use super::lines::{Also, Entry, FileSeen, Marked, Order};
use crate::deliver::limits::ORDERS_KEPT;

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

/// All of it. What was written last of a log or a target counts; each with the number of its line.
#[derive(Default)]
pub struct State {
    pub up_to: BTreeMap<Key, (u64, UpTo)>,
    pub targets: BTreeMap<String, (u64, Seen)>,
    pub orders: BTreeMap<u64, (String, Order)>,
    /// Delivered, and not among the hashes yet.
    pub recent: BTreeMap<Key, BTreeMap<u64, Hash>>,
    pub last: u64,
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
    pub fn take(&mut self, n: u64, entry: Entry) {
        self.last = self.last.max(n);
        match entry {
            Entry::Begin(_) => {}
            Entry::Target {
                target,
                feed,
                to,
                file,
            } => {
                self.targets.insert(target, (n, Seen { feed, to, file }));
            }
            Entry::Mark(marked) => {
                let key = (marked.target.clone(), marked.log.clone());
                let recent = self.recent.entry(key.clone()).or_default();
                recent.extend(marked.events());
                let up_to = UpTo {
                    position: marked.position,
                    hash: marked.hash,
                    passed_over: marked.passed_over,
                };
                self.up_to.insert(key, (n, up_to));
            }
            Entry::Order { target, order } => {
                self.orders.insert(n, (target, order));
            }
        }
    }

    /// The lines that are left of all: the last word of each log and target, and what people said last.
    pub fn entries(&self) -> BTreeMap<u64, Entry> {
        let mut all = BTreeMap::new();
        for ((target, log), (n, up_to)) in &self.up_to {
            let marked = marked(target, log, up_to, None);
            all.insert(*n, Entry::Mark(marked));
        }
        for (target, (n, seen)) in &self.targets {
            all.insert(*n, target_entry(target, seen));
        }
        let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
        for (n, (target, order)) in self.orders.iter().rev() {
            let count = kept.entry(target).or_default();
            *count += 1;
            if *count <= ORDERS_KEPT {
                let (target, order) = (target.clone(), order.clone());
                all.insert(*n, Entry::Order { target, order });
            }
        }
        all
    }
}

pub fn marked(target: &str, log: &LogName, up_to: &UpTo, also: Option<Also>) -> Marked {
    Marked {
        target: target.to_owned(),
        log: log.clone(),
        position: up_to.position,
        hash: up_to.hash,
        passed_over: up_to.passed_over.clone(),
        also,
    }
}

pub fn target_entry(target: &str, seen: &Seen) -> Entry {
    let Seen { feed, to, file } = seen.clone();
    Entry::Target {
        target: target.to_owned(),
        feed,
        to,
        file,
    }
}

impl State {
    /// One entry for each event, in their order.
    pub fn marks(&self, target: &str, marks: &[Mark]) -> Vec<Entry> {
        let mut new: BTreeMap<&LogName, UpTo> = BTreeMap::new();
        let mut entries = Vec::with_capacity(marks.len());
        for mark in marks {
            let before = || {
                let known = self.up_to.get(&(target.to_owned(), mark.log.clone()));
                known.map(|(_, up_to)| up_to.clone()).unwrap_or_default()
            };
            let up_to = new.entry(&mark.log).or_insert_with(before);
            *up_to = up_to.after(mark);
            let position = mark.position.number();
            let hash = mark.hash;
            let also = (position != up_to.position).then_some(Also { position, hash });
            entries.push(Entry::Mark(marked(target, &mark.log, up_to, also)));
        }
        entries
    }
}
