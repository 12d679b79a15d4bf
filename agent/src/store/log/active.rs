//! The places of one segment in memory: of the active one, and of a sealed one until its hint is written. Records come in as they become
//! durable, entries go out in order. Never a gap between the two: a segment that is being sealed answers from here until its hint answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};

use super::hint::{OfKind, Run};
use super::keys::{Entry, Key, Keys, SECTIONS, Section};
use super::record::Head;
use super::view::KeysOf;

/// Entries and bytes by kind, gathered record by record.
#[derive(Default)]
pub(super) struct Gathered {
    sections: [BTreeSet<Entry>; SECTIONS],
    pub kinds: Vec<OfKind>,
}

impl Gathered {
    pub fn add(&mut self, place: (u32, u32), head: Head<'_>, keys_of: KeysOf, keys: &mut Keys) {
        let (offset, length) = place;
        keys_of(head, keys);
        for (section, key) in keys.drain() {
            self.sections[section.index()].insert(Entry {
                key,
                offset,
                length,
            });
        }
        let of = match self.kinds.iter_mut().find(|of| of.kind == head.kind) {
            Some(of) => of,
            None => {
                let kind = head.kind;
                self.kinds.push(OfKind {
                    kind,
                    ..OfKind::default()
                });
                let last = self.kinds.len() - 1;
                &mut self.kinds[last]
            }
        };
        of.records += 1;
        of.bytes += u64::from(length);
    }

    pub fn sorted(&self) -> [Vec<Entry>; SECTIONS] {
        std::array::from_fn(|section| self.sections[section].iter().copied().collect())
    }

    /// Of all its records.
    pub fn record_bytes(&self) -> u64 {
        self.kinds.iter().map(|of| of.bytes).sum()
    }

    /// The first and the last key of each log or feed in a section.
    pub fn runs(&self, section: Section) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for Key { of, at } in self.sections[section.index()].iter().map(|entry| entry.key) {
            match runs.last_mut().filter(|run| run.of == of) {
                Some(run) => run.last = at,
                None => runs.push(Run {
                    of,
                    first: at,
                    last: at,
                }),
            }
        }
        runs
    }

    pub fn range(
        &self,
        section: Section,
        of: u32,
        range: &RangeInclusive<u64>,
    ) -> impl DoubleEndedIterator<Item = Entry> + '_ {
        let entry = |at, offset| Entry {
            key: Key { of, at },
            offset,
            length: offset,
        };
        // Where nothing can be, a set does not want to be asked.
        let empty = range.is_empty();
        let (low, high) = if empty {
            (0, 0)
        } else {
            (*range.start(), *range.end())
        };
        let found = self.sections[section.index()].range(entry(low, 0)..=entry(high, u32::MAX));
        found.copied().filter(move |_| !empty)
    }
}

/// A segment whose places are in memory.
pub(super) struct Active {
    pub number: u32,
    pub covers: u32,
    pub generation: u32,
    pub times: u32,
    pub file: Arc<File>,
    pub gathered: RwLock<Gathered>,
}

impl Active {
    /// What is done with what was gathered: a panic elsewhere has not changed it half-way, each record is added as one.
    pub fn look<T>(&self, with: impl FnOnce(&Gathered) -> T) -> T {
        with(&self.gathered.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn change<T>(&self, with: impl FnOnce(&mut Gathered) -> T) -> T {
        with(
            &mut self
                .gathered
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
