//! What there should be, in maps, and how a log is compared with it.

use std::collections::{BTreeMap, BTreeSet};

use super::toy::{Named, State, Toy, id, named};
use crate::store::log::{Log, Looked, Section};

/// What there should be. Each step of the log is one of these, so that a cut goes back to one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub bytes: BTreeMap<(u32, u64), Vec<u8>>,
    pub receipts: BTreeSet<(u32, u64)>,
    pub notes: Vec<(u32, u64)>,
    pub state: State,
    pub next: BTreeMap<u32, u64>,
}

impl Model {
    pub fn put(&mut self, of: u32, number: u64, bytes: Vec<u8>) {
        self.bytes.insert((of, number), bytes);
        self.state.waiting.insert((of, number));
        self.next.insert(of, number + 1);
    }

    pub fn done(&mut self, of: u32, number: u64) {
        self.receipts.insert((of, number));
        self.state.waiting.remove(&(of, number));
        self.state.done += 1;
    }

    pub fn oldest(&self, of: u32) -> Option<u64> {
        let mut of_it = self.state.waiting.range((of, 0)..=(of, u64::MAX));
        of_it.next().map(|(_, number)| *number)
    }

    pub fn compare_keys(&self, log: &Log<Toy>) {
        let reading = log.reading();
        for (of, next) in &self.next {
            for number in 0..next + 2 {
                let known = (1..*next).contains(&number);
                let name = id(*of, number);
                let meant = Named {
                    of: *of,
                    number,
                    id: &name,
                };
                let found = reading.find_id(&[name.as_bytes()], |looked| {
                    let Looked::Record(record) = looked else {
                        panic!("{looked:?}")
                    };
                    (named(record.head()) == Some(meant)).then_some(record)
                });
                assert_eq!(found.expect("reads").is_some(), known, "{name}");
                if self.state.waiting.contains(&(*of, number)) {
                    let found = reading.find(Section::Line, *of, number, |looked| match looked {
                        Looked::Record(record) => Some(record.bytes().to_vec()),
                        Looked::Damaged { .. } => None,
                    });
                    assert_eq!(
                        found.expect("reads").as_ref(),
                        self.bytes.get(&(*of, number))
                    );
                }
                let after = reading
                    .at_or_after(Section::Receipts, *of, number)
                    .expect("reads");
                let meant = self.receipts.range((*of, number)..=(*of, u64::MAX)).next();
                assert_eq!(after.map(|(at, _)| (*of, at)).as_ref(), meant);
            }
        }
    }

    pub fn compare_pages(&self, log: &Log<Toy>) {
        let reading = log.reading();
        for (of, next) in &self.next {
            for (from, most) in [(0, 3), (next / 2, 1_000), (1, 1_000)] {
                let page = reading
                    .page(Section::Receipts, *of, from..=*next, most)
                    .expect("reads");
                let meant = self.receipts.range((*of, from)..=(*of, *next)).take(most);
                assert!(
                    page.iter().map(|(at, _)| (*of, *at)).eq(meant.copied()),
                    "{page:?}"
                );
                let line = reading
                    .page(Section::Line, *of, from..=*next, 1_000)
                    .expect("reads");
                let line: BTreeSet<_> = line.into_iter().map(|(at, _)| (*of, at)).collect();
                let waiting = self.state.waiting.range((*of, from)..=(*of, *next));
                assert!(waiting.clone().all(|one| line.contains(one)));
                assert!(line.iter().all(|one| self.bytes.contains_key(one)));
            }
        }
    }

    /// In order; those that were replaced may be gone.
    pub fn compare_tables(&self, log: &Log<Toy>) {
        let mut found = Vec::new();
        let shown = log.reading().tables(|looked| {
            let Looked::Record(record) = looked else {
                panic!("{looked:?}")
            };
            let of = named(record.head()).expect("reads");
            found.push((of.of, of.number));
            Ok::<(), crate::store::Outage>(())
        });
        shown.expect("reads");
        let last: BTreeMap<u32, u64> = found.iter().copied().collect();
        assert_eq!(last, self.state.notes);
        let mut all = self.notes.iter();
        assert!(
            found.iter().all(|one| all.any(|other| other == one)),
            "{found:?} of {:?}",
            self.notes
        );
    }
}
