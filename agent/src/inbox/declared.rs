//! Gap declarations come in: a log goes on behind what its office has declared lost. What of that is not held goes out, and
//! what comes back of it is named, for it arrives behind what followed it.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::subject::{FeedName, LogName};
use sled::IVec;

use super::Inbox;
use super::index::{Cursor, LogState, Reads, Writes, log_key, number_at_end};
use super::keep::{Keeping, Kept};
use crate::receive::{VerifiedEvent, VerifiedGap};
use crate::store::Outage;
use crate::store::fields::{Fields, number};
use crate::store::keys::unreadable;

const DECLARED: u8 = b'd';

/// What an office has declared lost, and the hash that its log goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub first: u64,
    pub last: u64,
    pub hash: Hash,
}

type Result<T> = std::result::Result<T, sled::Error>;

impl Reads<'_> {
    /// The declarations that end at `from` or behind it.
    fn declared(
        &self,
        log: &LogName,
        from: u64,
    ) -> impl DoubleEndedIterator<Item = Result<Declared>> + use<> {
        let from = log_key(DECLARED, log, &from.to_be_bytes());
        let end = log_key(DECLARED, log, &[0xff; 9]);
        self.0.range(from..end).map(|entry| {
            let (key, value): (IVec, IVec) = entry?;
            let mut fields = Fields(&value);
            let read = number_at_end(&key).zip(fields.number()).zip(fields.hash());
            let read = read.map(|((last, first), hash)| Declared { first, last, hash });
            read.ok_or_else(|| unreadable("declaration"))
        })
    }

    /// The declaration that a position falls under.
    pub fn declared_at(&self, log: &LogName, position: Position) -> Result<Option<Declared>> {
        let position = position.number();
        let mut all = self.declared(log, position);
        let under = |one: &Result<Declared>| one.as_ref().map_or(true, |one| one.first <= position);
        all.find(under).transpose()
    }

    /// What of some positions is held, as far as it passes.
    fn held_of(
        &self,
        log: &LogName,
        range: (u64, u64),
        passes: impl Fn(u64) -> bool,
    ) -> Result<Ranges> {
        let mut held = Vec::new();
        for position in self.positions_behind(log, range.0.saturating_sub(1)) {
            let position = position?;
            if position > range.1 {
                break;
            }
            let arrived = Position::new(position).map(|position| self.held(log, position));
            let arrival = arrived
                .transpose()?
                .flatten()
                .map_or(0, |held| held.arrival);
            if passes(arrival) {
                held.push(position);
            }
        }
        Ok(Ranges::of(held))
    }

    /// What was declared lost of the positions from `from` to `to`, and is not held, or not so that it passes.
    fn lost(
        &self,
        log: &LogName,
        (from, to): (u64, u64),
        passes: impl Fn(u64) -> bool + Copy,
    ) -> Result<Ranges> {
        let mut lost = Ranges::default();
        for one in self.declared(log, from) {
            let Declared { first, last, .. } = one?;
            let (first, last) = (first.max(from), last.min(to));
            if first <= last {
                let held = self.held_of(log, (first, last), passes)?;
                lost = lost.union(&Ranges::one(first..=last).without(&held));
            }
        }
        Ok(lost)
    }
}

impl Keeping<'_> {
    /// Writes a declaration down, unless it is known, or goes on from another event than is known there.
    fn declare(&self, gap: &VerifiedGap, writes: &mut Writes) -> Result<()> {
        let (log, reads) = (gap.log(), Reads(&self.db));
        let GapDeclared { first, last } = gap.gap();
        let Some(position) = Position::new(last) else {
            return Ok(());
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
            return Ok(());
        }
        if same_end.is_some_and(|before| before.first <= first) {
            return Ok(());
        }
        let mut value = Vec::with_capacity(40);
        number(&mut value, first);
        value.extend_from_slice(hash.as_bytes());
        let key = log_key(DECLARED, log, &last.to_be_bytes());
        writes.0.insert(key, value);
        let lost = Ranges::one(first..=last).without(&reads.held_of(log, (first, last), |_| true)?);
        if !lost.is_empty() {
            let text = format!(
                "{log}: the office has declared its positions {first} to {last} lost; {lost} are not here, and the log goes on behind them"
            );
            self.alarms.raise("gap-declared", text);
        }
        Ok(())
    }

    /// Where a log goes on behind what was declared lost, from `position` on, which is not held. None where nothing was declared.
    pub fn behind_declared(
        &self,
        log: &LogName,
        position: Position,
        mut state: LogState,
    ) -> Result<Option<LogState>> {
        let reads = Reads(&self.db);
        let Some(declared) = reads.declared_at(log, position)? else {
            return Ok(None);
        };
        let next_held = reads
            .positions_behind(log, position.number())
            .next()
            .transpose()?;
        let next_held = next_held.filter(|next| *next <= declared.last);
        (state.complete, state.hash) = match next_held.and_then(Position::new) {
            None => (declared.last, declared.hash),
            Some(next) => {
                let named = reads.held(log, next)?.map(|held| held.prev);
                let before = next.before().map_or(0, Position::number);
                (before, named.unwrap_or(declared.hash))
            }
        };
        state.known = state.known.max(state.complete);
        state.left_behind &= state.complete < state.known;
        Ok(Some(state))
    }

    /// Whether an event that the log went on without is the one that it lacks: it was declared lost, and its neighbours agree.
    pub fn was_declared_lost(
        &self,
        log: &LogName,
        position: Position,
        (hash, prev): (Hash, Hash),
    ) -> Result<bool> {
        let reads = Reads(&self.db);
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
        let writing = &self.inner.writing;
        let _one_at_a_time = writing.lock().unwrap_or_else(PoisonError::into_inner);
        for gap in gaps {
            let mut writes = Writes::default();
            let declared = self.keeping().declare(gap, &mut writes);
            declared.map_err(|e| self.unreadable(&e.to_string()))?;
            self.inner.index.apply(writes.0)?;
            // One that is known may not have been gone behind yet: a crash lay between.
            self.unpark(gap.log())?;
        }
        self.move_cursor(feed, cursor)?;
        self.sync()?;
        self.inner.news.send_modify(|news| *news += 1);
        Ok(())
    }

    /// What of a log its office has declared lost, and is not held.
    pub fn declared(&self, log: &LogName) -> std::result::Result<Ranges, Outage> {
        let lost = Reads(&self.db()).lost(log, (1, u64::MAX - 1), |_| true);
        lost.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// The same, from one position to another.
    pub(super) fn declared_within(
        &self,
        log: &LogName,
        ends: (u64, u64),
    ) -> std::result::Result<Ranges, Outage> {
        let lost = Reads(&self.db()).lost(log, ends, |_| true);
        lost.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// How many declarations of a log are known here.
    pub fn declarations(&self, log: &LogName) -> std::result::Result<u64, Outage> {
        let mut all = Reads(&self.db()).declared(log, 1);
        let counted = all.try_fold(0, |count, one| one.map(|_| count + 1));
        counted.map_err(|e| self.unreadable(&e.to_string()))
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
        let lost = Reads(&self.db()).lost(log, between, before);
        lost.map_err(|e| self.unreadable(&e.to_string()))
    }

    /// The first arrival of what is held of these positions, however many they are.
    pub fn first_arrival_of(
        &self,
        log: &LogName,
        positions: &Ranges,
    ) -> std::result::Result<Option<u64>, Outage> {
        let db = self.db();
        let reads = Reads(&db);
        let mut first: Option<u64> = None;
        for (from, to) in positions.ends() {
            let before = from.before().map_or(0, Position::number);
            for position in reads.positions_behind(log, before) {
                let position = position.map_err(|e| self.unreadable(&e.to_string()))?;
                let Some(position) = Position::new(position).filter(|position| *position <= to)
                else {
                    break;
                };
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
