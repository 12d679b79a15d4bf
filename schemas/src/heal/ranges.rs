//! Sets of positions: numbers in any order come in, ranges that rise and do not touch go out, and back.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::limits::{HEAL_POSITIONS_MAX, HEAL_RANGES_MAX, POSITION_MAX};

/// Positions, as ranges with both ends in them: rising, apart from one another. A range costs the same however wide it is, and who
/// named it may be anybody: whoever wants its positions asks what is held or stored which of them are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(Vec<(u64, u64)>);

/// Why pairs of numbers are no ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "ranges of positions begin at 1 at least, end at {POSITION_MAX} at most, and rise without touching"
)]
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
                    left.push((first, from.saturating_sub(1)));
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

    /// What of these is in the other, too.
    pub fn within(&self, other: &Ranges) -> Ranges {
        self.without(&self.without(other))
    }

    pub fn contains(&self, position: u64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= position);
        let last = behind.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|(_, last)| position <= *last)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many positions.
    pub fn count(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |all, range| all.saturating_add(width(*range)))
    }

    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.0.iter().map(|(first, last)| *first..=*last)
    }

    /// The first and the last position of each range; what lies outside of all logs is left out.
    pub fn ends(&self) -> impl Iterator<Item = (Position, Position)> + '_ {
        let ends = |(first, last): &(u64, u64)| {
            let last = Position::new((*last).min(POSITION_MAX));
            Position::new((*first).max(1)).zip(last)
        };
        self.0.iter().filter_map(ends)
    }

    /// One by one: for tests, which know how many there are.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.iter().flatten()
    }

    /// As many of the first positions as one request holds.
    pub(super) fn bounded(&self) -> Ranges {
        let mut room = HEAL_POSITIONS_MAX;
        let ranges = self.0.iter().take(HEAL_RANGES_MAX);
        let fitting = ranges.map_while(|(first, last)| {
            let end = first.saturating_add(room).min(last.saturating_add(1));
            room = room.saturating_sub(width((*first, *last)));
            (end > *first).then(|| (*first, end.saturating_sub(1)))
        });
        Ranges(fitting.collect())
    }

    /// Whether one request may ask for all of these.
    pub(super) fn fits_a_request(&self) -> bool {
        self.0.len() <= HEAL_RANGES_MAX && self.count() <= HEAL_POSITIONS_MAX
    }
}

fn width((first, last): (u64, u64)) -> u64 {
    last.saturating_sub(first).saturating_add(1)
}

impl FromIterator<RangeInclusive<u64>> for Ranges {
    /// Ranges in any order, overlapping or not.
    fn from_iter<I: IntoIterator<Item = RangeInclusive<u64>>>(ranges: I) -> Ranges {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty());
        Ranges::joined(ranges.map(RangeInclusive::into_inner).collect())
    }
}

impl TryFrom<Vec<(u64, u64)>> for Ranges {
    type Error = RangesFault;

    fn try_from(pairs: Vec<(u64, u64)>) -> Result<Ranges, RangesFault> {
        let mut before = None;
        for (first, last) in &pairs {
            let apart = before.is_none_or(|end: u64| end.saturating_add(1) < *first);
            if *first == 0 || first > last || *last > POSITION_MAX || !apart {
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
