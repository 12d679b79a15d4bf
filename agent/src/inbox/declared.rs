//! Gap declarations come in: a log goes on behind what its office has declared lost. What of that is not held goes out, and
//! what comes back of it is named, for it arrives behind what followed it.

use std::collections::BTreeMap;
use std::ops::Bound;

use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::subject::{FeedName, LogName};

use super::keep::{Keeping, Kept};
use super::kinds::OfLogSaid;
use super::reads::{Reads, Result};
use super::tables::log_and;
use super::writes::Writes;
use super::{Cursor, Inbox};
use crate::receive::{VerifiedEvent, VerifiedGap};
use crate::store::Outage;
use crate::store::limits::TABLE_PAGE_MAX;
use crate::store::tables::Table;

/// What an office has declared lost, and the hash that its log goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub first: u64,
    pub last: u64,
    pub hash: Hash,
}

impl Declared {
    fn read(key: &[u8], value: &[u8]) -> Option<Declared> {
        let (first, hash) = value.split_first_chunk()?;
        Some(Declared {
            first: u64::from_be_bytes(*first),
            last: u64::from_be_bytes(*key.last_chunk()?),
            hash: Hash::from_bytes(hash.try_into().ok()?),
        })
    }
}

impl Reads<'_> {
    /// Shows the declarations that end at `from` or behind it, in order, until one is enough.
    fn declared(
        &self,
        log: &LogName,
        mut from: u64,
        mut show: impl FnMut(Declared) -> Result<bool>,
    ) -> Result<()> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(());
        };
        // Most logs have none, and are asked with each event.
        while from <= self.log(log).declared_to {
            let low = log_and(number, from);
            let (prefix, low) = (number.to_be_bytes(), Bound::Included(&low[..]));
            let page = self
                .tables
                .page(Table::Declared, &prefix, low, TABLE_PAGE_MAX)?;
            let read = page.iter();
            for one in read.filter_map(|(key, value)| Declared::read(key, value)) {
                from = one.last.saturating_add(1);
                if !show(one)? {
                    return Ok(());
                }
            }
            if page.len() < TABLE_PAGE_MAX {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The declaration that a position falls under.
    pub fn declared_at(&self, log: &LogName, position: Position) -> Result<Option<Declared>> {
        let position = position.number();
        let mut under = None;
        self.declared(log, position, |one| {
            under = Some(one).filter(|one| one.first <= position);
            Ok(under.is_none())
        })?;
        Ok(under)
    }

    /// What of some positions is held.
    pub fn held_of(&self, log: &LogName, (first, last): (u64, u64)) -> Ranges {
        let held = self.log(log).held.within(first, last);
        held.fold(Ranges::default(), |all, (first, last)| {
            all.with(first..=last)
        })
    }

    /// What of some positions is held, as far as its arrival passes.
    fn held_that_passes(
        &self,
        log: &LogName,
        range: (u64, u64),
        passes: impl Fn(u64) -> bool,
    ) -> Result<Ranges> {
        let mut held = Vec::new();
        for (first, last) in self.log(log).held.within(range.0, range.1) {
            for number in first..=last {
                let there = Position::new(number).map(|position| self.held(log, position));
                let arrival = there.transpose()?.flatten().map_or(0, |held| held.arrival);
                if passes(arrival) {
                    held.push(number);
                }
            }
        }
        Ok(Ranges::of(held))
    }

    /// What was declared lost of the positions from `from` to `to`, and is not held, as `held` says.
    fn lost(
        &self,
        log: &LogName,
        (from, to): (u64, u64),
        held: impl Fn((u64, u64)) -> Result<Ranges>,
    ) -> Result<Ranges> {
        let mut lost = Ranges::default();
        self.declared(log, from, |Declared { first, last, .. }| {
            let (first, last) = (first.max(from), last.min(to));
            if first <= last {
                lost = lost.union(&Ranges::one(first..=last).without(&held((first, last))?));
            }
            Ok(true)
        })?;
        Ok(lost)
    }
}

impl Keeping<'_> {
    /// Writes a declaration down, unless it is known, or goes on from another event than is known there.
    fn declare(&self, gap: &VerifiedGap) -> Result<Writes> {
        let (log, reads) = (gap.log(), &self.reads);
        let mut writes = Writes::of(reads.state, log);
        let GapDeclared { first, last } = gap.gap();
        let Some(position) = Position::new(last) else {
            return Ok(writes);
        };
        let hash = gap.goes_on_from();
        let before = reads.declared_at(log, position)?;
        let same_end = before.filter(|before| before.last == last);
        let held = reads.held(log, position)?.map(|held| held.hash);
        let known = held.or(same_end.map(|before| before.hash));
        if known.is_some_and(|known| known != hash) {
            let text = format!(
                "{log}: the office has declared positions {first} to {last} lost, and goes on from another event than is known at {last}"
            );
            self.alarms.raise("branch", text);
            return Ok(writes);
        }
        if same_end.is_some_and(|before| before.first <= first) {
            return Ok(writes);
        }
        writes.declared((first, last), hash);
        let lost = Ranges::one(first..=last).without(&reads.held_of(log, (first, last)));
        if !lost.is_empty() {
            let text = format!(
                "{log}: the office has declared its positions {first} to {last} lost; {lost} are not here, and the log goes on behind them"
            );
            self.alarms.raise("gap-declared", text);
        }
        Ok(writes)
    }

    /// Where a log goes on behind what was declared lost, from `position` on, which is not held. None where nothing was declared.
    pub fn behind_declared(&self, log: &LogName, position: Position) -> Result<Option<OfLogSaid>> {
        let reads = &self.reads;
        let Some(declared) = reads.declared_at(log, position)? else {
            return Ok(None);
        };
        let mut said = reads.log(log).said();
        let next_held = reads.log(log).held.behind(position.number());
        let next_held = next_held.filter(|next| *next <= declared.last);
        (said.complete, said.hash) = match next_held.and_then(Position::new) {
            None => (declared.last, declared.hash),
            Some(next) => {
                let named = reads.held(log, next)?.map(|held| held.prev);
                let before = next.before().map_or(0, Position::number);
                (before, named.unwrap_or(declared.hash))
            }
        };
        said.known = said.known.max(said.complete);
        said.left_behind &= said.complete < said.known;
        Ok(Some(said))
    }

    /// Whether an event that the log went on without is the one that it lacks: it was declared lost, and its neighbours agree.
    pub fn was_declared_lost(
        &self,
        log: &LogName,
        position: Position,
        (hash, prev): (Hash, Hash),
    ) -> Result<bool> {
        let reads = &self.reads;
        let Some(declared) = reads.declared_at(log, position)? else {
            return Ok(false);
        };
        let at = |position| match position {
            Some(position) => reads.held(log, position),
            None => Ok(None),
        };
        let behind = at(position.next())?.map(|behind| behind.prev);
        let end = (declared.last == position.number()).then_some(declared.hash);
        let before = at(position.before())?.map(|before| before.hash);
        let named = behind.or(end);
        Ok(named.is_none_or(|named| named == hash) && before.is_none_or(|before| before == prev))
    }
}

impl Inbox {
    /// From the end on, the declarations and the reader's cursor survive a power cut, and their logs have gone on behind them.
    pub async fn declare(
        &self,
        feed: &FeedName,
        gaps: Vec<VerifiedGap>,
        cursor: Option<Cursor>,
    ) -> std::result::Result<(), Outage> {
        let (inbox, feed) = (self.clone(), feed.clone());
        self.at_work(move || inbox.write_gaps(&feed, &gaps, cursor))
            .await
    }

    fn write_gaps(
        &self,
        feed: &FeedName,
        gaps: &[VerifiedGap],
        cursor: Option<Cursor>,
    ) -> std::result::Result<(), Outage> {
        self.with_log(|log| {
            for gap in gaps {
                let declared = self.keeping(log).declare(gap);
                let declared = declared.map_err(|e| self.unreadable(e))?;
                self.apply(log, declared)?;
                // One that is known may not have been gone behind yet: a crash lay between.
                self.unpark(log, gap.log())?;
            }
            self.finish(log, cursor.map(|cursor| (feed, cursor)))
        })?;
        self.inner.news.send_modify(|news| *news += 1);
        Ok(())
    }

    /// What of a log its office has declared lost, and is not held.
    pub fn declared(&self, log: &LogName) -> std::result::Result<Ranges, Outage> {
        self.declared_within(log, (1, u64::MAX - 1))
    }

    /// The same, from one position to another.
    pub(super) fn declared_within(
        &self,
        log: &LogName,
        ends: (u64, u64),
    ) -> std::result::Result<Ranges, Outage> {
        self.read(|reads| reads.lost(log, ends, |range| Ok(reads.held_of(log, range))))
    }

    /// How many declarations of a log are known here.
    pub fn declarations(&self, log: &LogName) -> std::result::Result<u64, Outage> {
        self.read(|reads| {
            let mut count = 0;
            reads.declared(log, 1, |_| {
                count += 1;
                Ok(true)
            })?;
            Ok(count)
        })
    }

    /// What had been declared lost behind the position `after`, and had not arrived when what stands at `position` did.
    pub fn passed_over(
        &self,
        log: &LogName,
        after: u64,
        position: Position,
    ) -> std::result::Result<Ranges, Outage> {
        let arrival = self.arrival(log, position)?.unwrap_or(0);
        let before = |other| (1..arrival).contains(&other);
        let between = (after.saturating_add(1), position.number().saturating_sub(1));
        self.read(|reads| {
            reads.lost(log, between, |range| {
                reads.held_that_passes(log, range, before)
            })
        })
    }

    /// The first arrival of what is held of these positions, however many they are.
    pub fn first_arrival_of(
        &self,
        log: &LogName,
        positions: &Ranges,
    ) -> std::result::Result<Option<u64>, Outage> {
        let held = &self.shown();
        let held = held.log(log).map(|of_log| &of_log.held);
        let mut first: Option<u64> = None;
        for (from, to) in positions.ends() {
            let runs = held
                .into_iter()
                .flat_map(|held| held.within(from.number(), to.number()));
            for position in runs
                .flat_map(|(first, last)| first..=last)
                .filter_map(Position::new)
            {
                let arrival = self.arrival(log, position)?;
                first = first.into_iter().chain(arrival).min();
            }
        }
        Ok(first)
    }

    /// Tells people what came back late.
    pub(super) fn tell_late(&self, events: &[VerifiedEvent], kept: &[Kept]) {
        let mut late: BTreeMap<&LogName, Vec<u64>> = BTreeMap::new();
        for (event, kept) in events.iter().zip(kept) {
            if *kept == Kept::Late {
                let signed = event.signed();
                let positions = late.entry(signed.event().log()).or_default();
                positions.push(signed.link().position.number());
            }
        }
        for (log, positions) in late {
            let text = format!(
                "{log}: positions {} had been declared lost and came back; they arrive behind what followed them",
                Ranges::of(positions)
            );
            self.alarms().raise("gap-refilled", text);
        }
    }
}

#[cfg(test)]
mod tests;
