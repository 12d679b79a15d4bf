//! What the journal's records mean for the index: a record comes in, writes go out, and the counts are kept beside them.
//! The same code serves the living outbox and the rebuilding one; applied twice, a record changes nothing more.

use std::collections::BTreeMap;

use schemas::subject::FeedName;
use sled::Db;

use super::index::{Known, Reads, Stage, Writes};
use super::prune::PrunedTo;
use super::record::{Accepted, Record, Refused};
use super::segment::Location;

/// How many events of a feed wait, and how many were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: u64,
    pub refused: u64,
}

/// What is counted of the index while it is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub feeds: BTreeMap<FeedName, Counts>,
    /// Bytes of each journal segment that hold events which wait or lie in the tray, or say up to where a log was pruned.
    pub live: BTreeMap<u32, u64>,
    /// Up to where each log was pruned.
    pub pruned: BTreeMap<FeedName, PrunedTo>,
    /// The lowest number given to an event that was put back in line.
    pub front: u64,
    /// The number of the next event that is accepted.
    pub next: u64,
}

/// Numbers begin in the middle: what is put back in line goes before everything.
const FIRST_NUMBER: u64 = 1 << 40;

impl State {
    /// Counts an index. Fails where it cannot be read, which is how a damaged one is found.
    pub fn load(db: &Db) -> Result<State, sled::Error> {
        let reads = Reads(db);
        let (front, next) = reads.numbers()?.unwrap_or((FIRST_NUMBER, FIRST_NUMBER));
        let mut state = State {
            front,
            next,
            ..State::default()
        };
        for feed in reads.feeds()? {
            state.feeds.insert(feed.clone(), Counts::default());
            for entry in reads.waiting(&feed, 0) {
                let (_, entry) = entry?;
                state.counts(&feed).waiting += 1;
                state.pin(entry.at);
            }
            for entry in reads.tray(&feed) {
                let (_, entry) = entry?;
                state.counts(&feed).refused += 1;
                state.pin(entry.at);
            }
            if let Some(pruned) = reads.pruned(&feed)? {
                state.pin(pruned.at);
                state.pruned.insert(feed, pruned);
            }
        }
        Ok(state)
    }

    pub fn counts(&mut self, feed: &FeedName) -> &mut Counts {
        self.feeds.entry(feed.clone()).or_default()
    }

    pub fn pin(&mut self, at: Location) {
        *self.live.entry(at.segment).or_default() += u64::from(at.length);
    }

    pub fn unpin(&mut self, at: Location) {
        if let Some(bytes) = self.live.get_mut(&at.segment) {
            *bytes = bytes.saturating_sub(at.length.into());
            if *bytes == 0 {
                self.live.remove(&at.segment);
            }
        }
    }

    pub fn live_bytes(&self) -> u64 {
        self.live.values().sum()
    }

    /// Applies what was read back from the journal. The index shows every record applied before.
    pub fn replay(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        at: Location,
        record: &Record<'_>,
    ) -> Result<(), sled::Error> {
        match record {
            Record::Accepted(accepted) => {
                let Ok(feed) = accepted.feed.parse() else {
                    return Ok(());
                };
                let before = Reads(db).known(&feed, accepted.id)?;
                self.next = self.next.max(accepted.number + 1);
                self.front = self.front.min(accepted.number);
                writes.in_line(db, &feed, accepted.number, accepted.id)?;
                self.accepted(db, writes, &feed, (at, accepted), before)
            }
            Record::Refused(refused) => match refused.feed.parse() {
                Ok(feed) => self.refused(db, writes, &feed, refused).map(|_| ()),
                Err(_) => Ok(()),
            },
            Record::Released { number, feed } => match feed.parse() {
                Ok(feed) => self.released(db, writes, &feed, *number),
                Err(_) => Ok(()),
            },
            Record::Dropped { number, feed } => match feed.parse() {
                Ok(feed) => self.dropped(db, writes, &feed, *number),
                Err(_) => Ok(()),
            },
            Record::Pruned(pruned) => match pruned.feed.parse() {
                Ok(feed) => self.replay_pruned(db, writes, &feed, (at, pruned)),
                Err(_) => Ok(()),
            },
        }
    }

    /// An event is in line, whatever its id was before; its place is written by the caller.
    pub fn accepted(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        (at, accepted): (Location, &Accepted<'_>),
        before: Option<Known>,
    ) -> Result<(), sled::Error> {
        if let Some(before) = before {
            self.out_of_line(db, writes, feed, &before)?;
        }
        if !self.feeds.contains_key(feed) {
            writes.feed(feed);
        }
        let known = Known {
            stage: Stage::Accepted,
            number: accepted.number,
            at,
            at_ms: accepted.at_ms,
            content: Some(accepted.content).filter(|hash| *hash != crate::store::fields::NONE),
            data: accepted.data,
        };
        writes.known(feed, accepted.id, &known);
        if let Some(key) = accepted.key {
            writes.id_of_key(feed, key, accepted.id);
        }
        self.counts(feed).waiting += 1;
        self.pin(at);
        Ok(())
    }

    /// Takes an event out of where it is; the caller says where it goes.
    pub fn out_of_line(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        known: &Known,
    ) -> Result<(), sled::Error> {
        match known.stage {
            Stage::Accepted => {
                self.counts(feed).waiting -= 1;
                self.unpin(known.at);
            }
            Stage::Refused => {
                if let Some(entry) = Reads(db).tray_entry(feed, known.number)? {
                    writes.not_in_tray(db, feed, known.number)?;
                    self.counts(feed).refused -= 1;
                    self.unpin(entry.at);
                }
            }
            Stage::Settled { position } => writes.not_own(db, feed, position)?,
            Stage::Lost => {}
        }
        Ok(())
    }

    /// From the line into the tray. False when it is not in line.
    pub fn refused(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        refused: &Refused<'_>,
    ) -> Result<bool, sled::Error> {
        let Some(mut entry) = Reads(db).waiting_entry(feed, refused.number)? else {
            return Ok(false);
        };
        entry.refusal = refused.refusal.into();
        writes.tray(feed, refused.number, &entry);
        if let Some(known) = self.owner(db, feed, &entry.id, refused.number)? {
            let stage = Stage::Refused;
            writes.known(feed, &entry.id, &Known { stage, ..known });
        }
        let counts = self.counts(feed);
        counts.waiting -= 1;
        counts.refused += 1;
        Ok(true)
    }

    /// What is known of the id, if it still means this event.
    fn owner(
        &self,
        db: &Db,
        feed: &FeedName,
        id: &str,
        number: u64,
    ) -> Result<Option<Known>, sled::Error> {
        let known = Reads(db).known(feed, id)?;
        Ok(known.filter(|known| {
            known.number == number && matches!(known.stage, Stage::Accepted | Stage::Refused)
        }))
    }

    /// From the tray back into line. An event whose id the bus knows with other content stays in the tray.
    pub fn released(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        number: u64,
    ) -> Result<(), sled::Error> {
        let Some(entry) = Reads(db).tray_entry(feed, number)? else {
            return Ok(());
        };
        let Some(known) = self.owner(db, feed, &entry.id, number)? else {
            return Ok(());
        };
        writes.not_in_tray(db, feed, number)?;
        writes.in_line(db, feed, number, &entry.id)?;
        let stage = Stage::Accepted;
        writes.known(feed, &entry.id, &Known { stage, ..known });
        let counts = self.counts(feed);
        counts.refused -= 1;
        counts.waiting += 1;
        Ok(())
    }

    /// From the tray out of the store. Its id is free again.
    pub fn dropped(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        number: u64,
    ) -> Result<(), sled::Error> {
        let Some(entry) = Reads(db).tray_entry(feed, number)? else {
            return Ok(());
        };
        writes.not_in_tray(db, feed, number)?;
        if self.owner(db, feed, &entry.id, number)?.is_some() {
            writes.forget(feed, &entry.id);
        }
        self.counts(feed).refused -= 1;
        self.unpin(entry.at);
        Ok(())
    }

    /// The same event lies elsewhere in the journal now.
    pub fn moved(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        (feed, number): (&FeedName, u64),
        to: Location,
    ) -> Result<(), sled::Error> {
        let in_tray = Reads(db).tray_entry(feed, number)?;
        let waiting = Reads(db).waiting_entry(feed, number)?;
        if let Some(mut entry) = in_tray.clone() {
            entry.at = to;
            writes.tray(feed, number, &entry);
        }
        let Some(entry) = waiting.or(in_tray) else {
            return Ok(());
        };
        if let Some(known) = self.owner(db, feed, &entry.id, number)? {
            writes.known(feed, &entry.id, &Known { at: to, ..known });
        }
        self.unpin(entry.at);
        self.pin(to);
        Ok(())
    }

    /// The bytes of a waiting event are gone. None when it no longer waits there.
    pub fn lost(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        number: u64,
        at: Location,
    ) -> Result<Option<String>, sled::Error> {
        let reads = Reads(db);
        let waiting = reads.waiting_entry(feed, number)?;
        let in_tray = reads.tray_entry(feed, number)?;
        let was_waiting = waiting.is_some();
        let Some(entry) = waiting.or(in_tray).filter(|entry| entry.at == at) else {
            return Ok(None);
        };
        if let Some(known) = self.owner(db, feed, &entry.id, number)? {
            let stage = Stage::Lost;
            writes.known(feed, &entry.id, &Known { stage, ..known });
        }
        if was_waiting {
            self.counts(feed).waiting -= 1;
        } else {
            writes.not_in_tray(db, feed, number)?;
            self.counts(feed).refused -= 1;
        }
        self.unpin(at);
        Ok(Some(entry.id))
    }
}
