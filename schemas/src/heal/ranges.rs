//! Sets of positions: numbers in any order come in, ranges that rise and do not touch go out, and back.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::limits::HEAL_RANGES_MAX;

/// Positions, as ranges with both ends in them: rising, apart from one another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(Vec<(u64, u64)>);

/// Why pairs of numbers are no ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ranges of positions begin at 1 at least, and rise without touching")]
pub struct RangesFault;

impl Ranges {
    pub fn one(range: RangeInclusive<u64>) -> Ranges {
        Ranges(if range.is_empty() {
            Vec::new()
        } else {
            vec![range.into_inner()]
        })
    }

    /// Positions in any order, and more than once.
    pub fn of(positions: impl IntoIterator<Item = u64>) -> Ranges {
        let ranges = positions.into_iter().map(|position| (position, position));
        Ranges::joined(ranges.collect())
    }

    fn joined(mut pairs: Vec<(u64, u64)>) -> Ranges {
        pairs.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (first, last) in pairs {
            match ranges.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                Some(_) | None => ranges.push((first, last)),
            }
        }
        Ranges(ranges)
    }

    pub fn with(&self, range: RangeInclusive<u64>) -> Ranges {
        let pair = Some(range).filter(|range| !range.is_empty());
        let pairs = self.0.iter().copied();
        Ranges::joined(pairs.chain(pair.map(RangeInclusive::into_inner)).collect())
    }

    pub fn union(&self, other: &Ranges) -> Ranges {
        Ranges::joined(self.0.iter().chain(&other.0).copied().collect())
    }

    /// What of these is not in the other.
    pub fn without(&self, other: &Ranges) -> Ranges {
        let mut left = Vec::new();
        let mut others = other.0.iter().copied().peekable();
        for (mut first, last) in self.0.iter().copied() {
            while others.next_if(|(_, end)| *end < first).is_some() {}
            let mut ahead = others.clone();
            while let Some((from, to)) = ahead.next_if(|(from, _)| *from <= last) {
                if from > first {
                    left.push((first, from - 1));
                }
                first = first.max(to.saturating_add(1));
            }
            if first <= last {
                left.push((first, last));
            }
        }
        Ranges(left)
    }

    /// What of these lies up to a position, the position in it.
    pub fn up_to(&self, end: u64) -> Ranges {
        let below = self.0.iter().filter(|(first, _)| *first <= end);
        Ranges(
            below
                .map(|(first, last)| (*first, (*last).min(end)))
                .collect(),
        )
    }

    pub fn contains(&self, position: u64) -> bool {
        let holds = |(first, last): &(u64, u64)| (*first..=*last).contains(&position);
        self.0.iter().any(holds)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many positions.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.0.iter().map(|(first, last)| *first..=*last)
    }

    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.iter().flatten()
    }

    /// As many of the first ranges as one request holds.
    pub(super) fn bounded(&self) -> Ranges {
        Ranges(self.0.iter().take(HEAL_RANGES_MAX).copied().collect())
    }
}

impl TryFrom<Vec<(u64, u64)>> for Ranges {
    type Error = RangesFault;

    fn try_from(pairs: Vec<(u64, u64)>) -> Result<Ranges, RangesFault> {
        let mut before = None;
        for (first, last) in &pairs {
            let apart = before.is_none_or(|end: u64| end.saturating_add(1) < *first);
            if *first == 0 || first > last || *last == u64::MAX || !apart {
                return Err(RangesFault);
            }
            before = Some(*last);
        }
        Ok(Ranges(pairs))
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Vec<(u64, u64)> {
        ranges.0
    }
}

impl std::fmt::Display for Ranges {
    /// For people: `41-43, 57`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}
