//! Sets of numbers that are mostly whole runs: a number comes in or goes, what is there and what is missing goes out. A run costs the same however
//! long it is; adding behind the last one costs nothing else.

use super::log::fields::{Put as _, Take};

/// Runs of numbers, first and last: rising, apart from one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intervals(Vec<(u64, u64)>);

impl Intervals {
    pub const NONE: Intervals = Intervals(Vec::new());

    /// The run that holds a number, or the first one behind it.
    fn at(&self, number: u64) -> usize {
        self.0.partition_point(|(_, last)| *last < number)
    }

    pub fn contains(&self, number: u64) -> bool {
        let run = self.0.get(self.at(number));
        run.is_some_and(|(first, _)| *first <= number)
    }

    /// False where it was there.
    pub fn add(&mut self, number: u64) -> bool {
        let at = self.at(number);
        if self.0.get(at).is_some_and(|(first, _)| *first <= number) {
            return false;
        }
        let joins_before = at > 0 && self.0[at - 1].1 + 1 == number;
        let joins_behind = self
            .0
            .get(at)
            .is_some_and(|(first, _)| *first - 1 == number);
        match (joins_before, joins_behind) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = number,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number)),
        }
        true
    }

    /// False where it was not there.
    pub fn remove(&mut self, number: u64) -> bool {
        let at = self.at(number);
        let Some((first, last)) = self
            .0
            .get(at)
            .copied()
            .filter(|(first, _)| *first <= number)
        else {
            return false;
        };
        match (first == number, last == number) {
            (true, true) => {
                self.0.remove(at);
            }
            (true, false) => self.0[at].0 = number + 1,
            (false, true) => self.0[at].1 = number - 1,
            (false, false) => {
                self.0[at].1 = number - 1;
                self.0.insert(at + 1, (number + 1, last));
            }
        }
        true
    }

    /// Adds all from one number to another; none where they are the wrong way round.
    pub fn add_all(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // Those that it overlaps or touches become one with it.
        let from = self.at(first.saturating_sub(1));
        let touched = self.0[from..].partition_point(|(begin, _)| *begin <= last.saturating_add(1));
        let (mut begin, mut end) = (first, last);
        if touched > 0 {
            begin = begin.min(self.0[from].0);
            end = end.max(self.0[from + touched - 1].1);
        }
        self.0.splice(from..from + touched, [(begin, end)]);
    }

    /// Removes all from one number to another.
    pub fn remove_all(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let from = self.at(first);
        let overlapped = self.0[from..].partition_point(|(begin, _)| *begin <= last);
        let gone = &self.0[from..from + overlapped];
        let before = gone.first().filter(|(begin, _)| *begin < first);
        let behind = gone.last().filter(|(_, end)| *end > last);
        let left: Vec<(u64, u64)> = before
            .map(|(begin, _)| (*begin, first - 1))
            .into_iter()
            .chain(behind.map(|(_, end)| (last + 1, *end)))
            .collect();
        self.0.splice(from..from + overlapped, left);
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.count_within(0, u64::MAX)
    }

    /// How many there are from one number to another.
    pub fn count_within(&self, first: u64, last: u64) -> u64 {
        let counts = self.within(first, last).map(|(from, to)| to - from + 1);
        counts.sum()
    }

    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|(first, _)| *first)
    }

    /// What is there from one number to another, as runs.
    pub fn within(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let runs = self.0[self.at(first)..].iter();
        let inside = runs.take_while(move |(from, _)| *from <= last);
        let inside = inside.map(move |(from, to)| ((*from).max(first), (*to).min(last)));
        // A range that is the wrong way round has nothing in it, also within a run.
        inside.filter(|(from, to)| from <= to)
    }

    /// The first number behind this one that is there.
    pub fn behind(&self, number: u64) -> Option<u64> {
        let next = number.checked_add(1)?;
        let (first, _) = self.0.get(self.at(next))?;
        Some((*first).max(next))
    }

    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, last)| *last)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn write(&self, into: &mut Vec<u8>) {
        into.put_u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (first, last) in &self.0 {
            into.put_u64(*first);
            into.put_u64(*last);
        }
    }

    /// None for what does not rise, or touches.
    pub fn read(from: &mut Take<'_>) -> Option<Intervals> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for _ in 0..from.u32()? {
            let (first, last) = (from.u64()?, from.u64()?);
            let apart = runs
                .last()
                .is_none_or(|(_, before)| before.checked_add(1).is_some_and(|next| next < first));
            if first > last || !apart {
                return None;
            }
            runs.push((first, last));
        }
        Some(Intervals(runs))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_does_what_a_set_does(steps in prop::collection::vec((any::<bool>(), 1..40_u64), 1..80), ends in (0..45_u64, 0..45_u64)) {
            let (mut runs, mut set) = (Intervals::default(), BTreeSet::new());
            for (adds, number) in steps {
                let changed = if adds { runs.add(number) } else { runs.remove(number) };
                let meant = if adds { set.insert(number) } else { set.remove(&number) };
                prop_assert_eq!(changed, meant);
                prop_assert_eq!(runs.contains(number), adds);
            }
            let (first, last) = ends;
            let inside: Vec<u64> = runs.within(first, last).flat_map(|(first, last)| first..=last).collect();
            let meant: Vec<u64> = set.iter().copied().filter(|one| (first..=last).contains(one)).collect();
            prop_assert_eq!(&inside, &meant);
            prop_assert_eq!(runs.behind(first), set.range(first + 1..).next().copied());
            prop_assert_eq!((runs.first(), runs.last()), (set.first().copied(), set.last().copied()));
            prop_assert_eq!((runs.count(), runs.count_within(first, last)), (set.len() as u64, meant.len() as u64));
            for adds in [true, false] {
                let (mut runs, mut set) = (runs.clone(), set.clone());
                match adds {
                    true => runs.add_all(first, last),
                    false => runs.remove_all(first, last),
                }
                (first..=last).for_each(|one| {
                    if adds { set.insert(one) } else { set.remove(&one) };
                });
                let mut bytes = Vec::new();
                runs.write(&mut bytes);
                prop_assert!(Intervals::read(&mut Take(&bytes)).is_some(), "{:?}", runs);
                prop_assert!(runs.within(0, u64::MAX).flat_map(|(first, last)| first..=last).eq(set));
            }
            let mut bytes = Vec::new();
            runs.write(&mut bytes);
            let mut take = Take(&bytes);
            let read = Intervals::read(&mut take);
            prop_assert_eq!(read, Some(runs));
            prop_assert!(take.0.is_empty());
        }
    }

    #[test]
    fn runs_that_touch_fall_or_end_early_do_not_read() {
        for runs in [
            &[(1, 2), (3, 4)][..],
            &[(5, 6), (1, 2)],
            &[(4, 3)],
            &[(1, u64::MAX), (1, 1)],
        ] {
            let mut bytes = Vec::new();
            Intervals(runs.to_vec()).write(&mut bytes);
            assert_eq!(Intervals::read(&mut Take(&bytes)), None, "{runs:?}");
        }
        assert_eq!(Intervals::read(&mut Take(&[1, 0, 0, 0, 9])), None);
    }
}
