//! Space: what is known of each segment comes in, how much of it is dead goes out, and which of them are worth to be written anew. One such work
//! goes on at a time, in a thread of its own, while the committer goes on. What is dead is judged record by record, and dead for ever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Shared;
use super::committer::Committer;
use super::facts::{
    ACCEPTED, ASKED, DROPPED, Fact, GONE, PRUNED, READER, RECEIPT, REFUSED, RELEASED, SETTLED,
    Settled, UNTOLD,
};
use super::look::Look;
use super::state::{Feed, State};
use crate::store::Outage;
use crate::store::limits::{
    ALARMS_MAX, CLEANED_AGAIN, CLEANED_ASKED, DEAD_BYTES_MIN, READERS_WEIGHED, RECEIPT_SPACING,
    REMAINS_BYTES,
};
use crate::store::log::{Cleaned, Fate, Head, Section, Weight};

/// The one work of writing anew that goes on.
#[derive(Default)]
pub struct Cleaner {
    running: Option<JoinHandle<Result<Option<Cleaned>, Outage>>>,
    first: u32,
    /// What of a segment weighs as dead and lived when it was written anew.
    lives: BTreeMap<u32, u64>,
    /// There was no room to write what would give room back: not tried again before.
    rests_until: Option<Instant>,
}

impl Cleaner {
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// For how long the committer may wait for work.
    pub fn patience(&self, most: Duration) -> Duration {
        match self.running {
            Some(_) => most.min(CLEANED_ASKED),
            None => most,
        }
    }

    /// The end of the committer: what is being written anew is, and nothing begins.
    pub fn end(&mut self) {
        if let Some(running) = self.running.take()
            && running.join().is_err()
        {
            tracing::error!("writing a segment anew panicked; all is as it was");
        }
    }
}

impl Committer {
    /// Takes what was written anew, if it is.
    pub fn take_cleaned(&mut self) -> Result<(), Outage> {
        let running = self.cleaner.running.as_ref();
        match running.is_some_and(JoinHandle::is_finished) {
            true => self.wait_for_cleaned(),
            false => Ok(()),
        }
    }

    /// Returns when nothing is being written anew, and what was is taken.
    pub fn wait_for_cleaned(&mut self) -> Result<(), Outage> {
        let first = self.cleaner.first;
        let done = self.cleaner.running.take().map(JoinHandle::join);
        let lives = match done {
            None => return Ok(()),
            // It is not tried again in this life of the store.
            Some(Err(_)) => {
                tracing::error!("writing a segment anew panicked; all is as it was");
                u64::MAX
            }
            Some(Ok(Ok(None))) => u64::MAX,
            Some(Ok(Err(Outage::Full))) => {
                self.cleaner.rests_until = Some(Instant::now() + CLEANED_AGAIN);
                0
            }
            Some(Ok(Err(outage))) => return Err(outage),
            Some(Ok(Ok(Some(_)))) => {
                let weights = self.log.reading().segments();
                let now = weights.iter().find(|weight| weight.segment == first);
                now.map_or(0, |weight| dead_bytes(self.log.state(), weight))
            }
        };
        self.cleaner.lives.insert(first, lives);
        self.show();
        Ok(())
    }

    /// Begins to write some segments anew, where more than so many hundredths of one are dead; false where none is worth it.
    pub fn clean(&mut self, hundredths: u64) -> Result<bool, Outage> {
        let now = Instant::now();
        if self.cleaner.rests_until.is_some_and(|until| now < until) {
            return Ok(false);
        }
        let Some((first, last)) = self.worth_it(hundredths) else {
            return Ok(false);
        };
        let Some(cleaning) = self.log.cleaning(first, last)? else {
            return Ok(false);
        };
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("anew".into());
        let spawned =
            thread.spawn(move || cleaning.run(|state, _, head| fate(&shared, state, head)));
        // Without a thread there is another moment.
        self.cleaner.running = spawned.ok();
        self.cleaner.first = first;
        Ok(self.cleaner.is_running())
    }

    /// The oldest segment of which enough is dead, with the neighbours that fit into one file with it; or small neighbours.
    fn worth_it(&self, hundredths: u64) -> Option<(u32, u32)> {
        let state = self.log.state();
        let weights = self.log.reading().segments();
        let most = u64::from(self.segment_bytes);
        let dead = |weight: &Weight| {
            let lives = self.cleaner.lives.get(&weight.segment).copied();
            dead_bytes(state, weight).saturating_sub(lives.unwrap_or(0))
        };
        let is_worth = |weight: &Weight| dead(weight) * 100 > u64::from(weight.bytes) * hundredths;
        let is_small = |weight: &Weight| u64::from(weight.bytes) <= most / 4;
        for (at, weight) in weights.iter().enumerate() {
            if weight.damaged || !(is_worth(weight) || is_small(weight)) {
                continue;
            }
            let lives = |weight: &Weight| u64::from(weight.bytes).saturating_sub(dead(weight));
            let mut left = lives(weight);
            let mut last = weight;
            let mut count = 1;
            for next in &weights[at + 1..] {
                let joins = next.segment == last.covers + 1 && !next.damaged;
                left += lives(next);
                if !joins || left > most || !(is_worth(next) || is_small(next)) {
                    break;
                }
                last = next;
                count += 1;
            }
            if is_worth(weight) || count >= SMALL_AT_ONCE {
                return Some((weight.segment, last.covers));
            }
        }
        None
    }

    /// Seals the active segment where much of it is dead: only what is sealed can be written anew.
    pub fn seal_if_worth(&mut self) -> Result<bool, Outage> {
        let weights = self.log.reading().unsealed();
        let Some(active) = weights.last() else {
            return Ok(false);
        };
        let dead = dead_bytes(self.log.state(), active);
        let tolerated = DEAD_BYTES_MIN.min(u64::from(self.segment_bytes) / 2);
        if dead <= tolerated || dead * 100 <= u64::from(active.bytes) * super::tidy::DEAD_IN_QUIET {
            return Ok(false);
        }
        self.log.seal()?;
        self.show();
        Ok(true)
    }
}

/// So many small neighbours are written as one: fewer would be written again and again.
const SMALL_AT_ONCE: usize = 4;

/// What of a segment is dead, as far as its footer and the state tell.
fn dead_bytes(state: &State, weight: &Weight) -> u64 {
    let living = |section: Section, count: fn(&Feed, u64, u64) -> u64| -> u64 {
        let runs = weight.runs(section).iter();
        let counts = runs.filter_map(|run| Some(count(state.feed(run.of)?, run.first, run.last)));
        counts.sum()
    };
    let mut dead = 0;
    for of in &weight.kinds {
        let records = u64::from(of.records).max(1);
        let mean = of.bytes / records;
        let gone = |living: u64| records.saturating_sub(living);
        dead += match of.kind {
            ACCEPTED => {
                let living = living(Section::Line, |feed, first, last| {
                    let all = [&feed.waiting, &feed.tray, &feed.lost];
                    all.iter().map(|one| one.count_within(first, last)).sum()
                });
                gone(living) * mean
            }
            REFUSED => {
                let living = living(Section::Tray, |feed, first, last| {
                    feed.tray.count_within(first, last)
                });
                gone(living) * mean
            }
            SETTLED => {
                let living = living(Section::Own, |feed, first, last| {
                    feed.here.count_within(first, last)
                });
                gone(living) * mean.saturating_sub(REMAINS_BYTES)
            }
            RELEASED | DROPPED | PRUNED | GONE | ASKED | UNTOLD => of.bytes,
            RECEIPT => {
                let runs = weight.runs(Section::Receipts).iter();
                let spans = runs.map(|run| (run.last - run.first) / RECEIPT_SPACING + 2);
                gone(spans.sum()) * mean
            }
            READER => gone(READERS_WEIGHED) * mean,
            _ => 0,
        };
    }
    dead
}

/// What becomes of a record where its segment is written anew. What is dead for this state is dead for every later one.
fn fate(shared: &Shared, state: &State, head: Head<'_>) -> Fate {
    let Some(fact) = Fact::read(head) else {
        return Fate::Lives;
    };
    // What cannot be looked up lives.
    judge(&shared.look(state), &fact).unwrap_or(Fate::Lives)
}

fn judge(look: &Look<'_>, fact: &Fact<'_>) -> Result<Fate, Outage> {
    let nothing = Feed::default();
    let feed = |number| look.state.feed(number).unwrap_or(&nothing);
    let lives = match fact {
        Fact::Accepted(one) => feed(one.feed).stage_in_line(one.number).is_some(),
        Fact::Refused(one) => feed(one.feed).tray.contains(one.number),
        Fact::Settled(one) => return settled_fate(look, feed(one.feed), one),
        Fact::Receipt(one) => !look.is_superseded(one)?,
        Fact::Reader(one) => super::tables::is_last(look.tables, one)?,
        Fact::Alarm(one) => one.number.saturating_add(ALARMS_MAX as u64) >= look.state.alarms,
        // The state says what they did.
        Fact::Released(_)
        | Fact::Dropped(_)
        | Fact::Pruned(_)
        | Fact::Gone(..)
        | Fact::Asked(_)
        | Fact::Untold(..) => false,
        Fact::Lost(_)
        | Fact::Remains(_)
        | Fact::Retracted(_)
        | Fact::Branch(_)
        | Fact::Named(..) => true,
    };
    Ok(if lives { Fate::Lives } else { Fate::Dead })
}

/// What was pruned goes on without its bytes, but for the evidence of a branch.
fn settled_fate(look: &Look<'_>, feed: &Feed, one: &Settled<'_>) -> Result<Fate, Outage> {
    let at = one.position.number();
    if feed.here.contains(at) || !feed.own.contains(at) {
        return Ok(Fate::Lives);
    }
    let place = (one.position, one.hash);
    if super::tables::branch_time(look.tables, one.feed, place)?.is_some() {
        return Ok(Fate::Lives);
    }
    let (kind, head) = Fact::Remains(*one).write();
    let bytes = Vec::new();
    Ok(Fate::Shrinks { kind, head, bytes })
}

impl super::Outbox {
    /// Bytes of what lives in the log, as far as its footers tell: for measuring, not for status pages.
    ///
    /// # Errors
    /// None yet: nothing is read for it.
    pub fn live_bytes(&self) -> Result<u64, Outage> {
        self.looking(|look| {
            let sealed = look.reading.segments().into_iter();
            let all = sealed.chain(look.reading.unsealed());
            let lives = all.map(|weight| {
                u64::from(weight.bytes).saturating_sub(dead_bytes(look.state, &weight))
            });
            Ok(lives.sum())
        })
    }
}
