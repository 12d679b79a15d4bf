//! The ledger as a cut sees it: what had been promised before that moment.
//! In: all entries. Out: those that bind a state of the disk. Never: a promise made after the cut.

use std::collections::BTreeMap;

use crate::ledger::Entry;

/// An event that was answered with 202.
#[derive(Debug, Clone)]
pub struct Promise {
    pub at_ns: u64,
    pub submitter: usize,
    pub number: u64,
    pub data: String,
}

/// One event of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub source: String,
    pub position: u64,
}

#[derive(Default)]
pub struct Promises {
    pub accepted: BTreeMap<String, Promise>,
    /// What a paging application was shown as which arrival, and when.
    pub shown: BTreeMap<u64, (u64, Place)>,
    /// Calls of the webhook in their order.
    pub posted: Vec<(u64, Place)>,
    /// The feed's stream by sequence.
    pub on_bus: BTreeMap<u64, Place>,
}

impl Promises {
    pub fn of(entries: Vec<Entry>) -> Promises {
        let mut all = Promises::default();
        for entry in entries {
            all.add(entry);
        }
        all
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Accepted {
                at_ns,
                id,
                submitter,
                number,
                data,
            } => {
                let promise = Promise {
                    at_ns,
                    submitter,
                    number,
                    data,
                };
                self.accepted.entry(id).or_insert(promise);
            }
            Entry::Shown {
                at_ns,
                arrival,
                source,
                position,
            } => {
                let place = Place { source, position };
                self.shown.entry(arrival).or_insert((at_ns, place));
            }
            Entry::Posted {
                at_ns,
                source,
                position,
            } => self.posted.push((at_ns, Place { source, position })),
            Entry::OnBus {
                sequence,
                source,
                position,
                ..
            } => {
                self.on_bus.insert(sequence, Place { source, position });
            }
        }
    }

    /// How many submissions had been answered with 202.
    pub fn accepted_before(&self, at_ns: u64) -> usize {
        let before = |promise: &&Promise| promise.at_ns < at_ns;
        self.accepted.values().filter(before).count()
    }

    /// How much had been shown or posted.
    pub fn delivered_before(&self, at_ns: u64) -> usize {
        let shown = self.shown.values().filter(|(at, _)| *at < at_ns).count();
        shown + self.posted.iter().filter(|(at, _)| *at < at_ns).count()
    }
}
