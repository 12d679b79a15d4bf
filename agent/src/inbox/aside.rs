//! Events that are not believed come in, and are kept aside: none takes a place that another may fill. Where what is held names one by its
//! hash it is the log's; then it goes out to fill its position, is named, and is delivered to nobody.
//!
//! Only the chain decides, so that all readers of a log come to the same, whatever came to them together.

use std::sync::PoisonError;

use bytes::Bytes;
use schemas::envelope::nats;
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::Inbox;
use super::index::{Held, LogState, Reads, Writes, log_key, number_at_end};
use super::keep::{Keeping, Said};
use crate::receive::Unbelieved;
use crate::store::keys::unreadable;
use crate::store::limits::{ASIDE_EVENTS_MAX, PARKED_BYTES_MAX};
use crate::store::{Outage, branches};

const ASIDE: u8 = b'u';
const NOT_BELIEVED: u8 = b'v';

type Result<T> = std::result::Result<T, sled::Error>;

impl Reads<'_> {
    fn aside(&self, log: &LogName, place: (Position, Hash)) -> Result<Option<Bytes>> {
        branches::get(self.0, &log_key(ASIDE, log, b""), place)
    }

    fn all_aside(&self, log: &LogName) -> Result<Vec<(Position, Hash)>> {
        branches::places(self.0, &log_key(ASIDE, log, b""))
    }

    /// The positions that were filled with what is not believed.
    fn filled_unbelieved(&self, log: &LogName) -> Result<Vec<u64>> {
        let keys = self.0.scan_prefix(log_key(NOT_BELIEVED, log, b"")).keys();
        keys.map(|key| number_at_end(&key?).ok_or_else(|| unreadable("position")))
            .collect()
    }
}

impl Keeping<'_> {
    fn put_aside(&self, unbelieved: &Unbelieved, writes: &mut Writes) -> Result<()> {
        let event = unbelieved.event();
        let (log, place) = (event.event().log(), (event.link().position, event.hash()));
        let reads = Reads(&self.db);
        let mut state = self.state(log)?;
        let position = place.0.number();
        let passed = position <= state.complete || reads.held(log, place.0)?.is_some();
        if passed || reads.aside(log, place)?.is_some() {
            return Ok(());
        }
        state.known = state.known.max(position);
        let bytes = nats::stored(event);
        let size = bytes.len() as u64;
        let full = reads.all_aside(log)?.len() >= ASIDE_EVENTS_MAX
            || state.parked_bytes + size > PARKED_BYTES_MAX;
        if full {
            state.left_behind = true;
        } else {
            state.parked_events += 1;
            state.parked_bytes += size;
            branches::insert(&mut writes.0, &log_key(ASIDE, log, b""), place, &bytes);
        }
        writes.log(log, &state);
        Ok(())
    }

    /// Lets what is aside behind the end of a log fill its position, if what is held further on names it. False where it does not.
    pub fn fill_with_unbelieved(
        &self,
        log: &LogName,
        mut state: LogState,
        writes: &mut Writes,
    ) -> Result<bool> {
        let Some((event, bytes)) = self.named_aside(log, &state)? else {
            return Ok(false);
        };
        let (position, hash) = (event.link().position, event.hash());
        let held = Held {
            hash,
            prev: event.link().prev,
            arrival: 0,
            size: bytes.len() as u64,
            id: event.id().into(),
        };
        self.forget_aside(log, (position, hash), &mut state, writes)?;
        writes.bytes(log, position, &bytes);
        let key = log_key(NOT_BELIEVED, log, &position.number().to_be_bytes());
        writes.0.insert(key, b"");
        let text = format!(
            "{log}: position {position} is not believed; what stands behind names it, so that the log goes on, and it is delivered to nobody"
        );
        self.alarms.raise(NOT_BELIEVED_CODE, text);
        self.arrive(log, position, (held, Said::Nothing), state, writes)?;
        Ok(true)
    }

    /// Back from what is held next behind the end of the log, by the hash that each one names.
    fn named_aside(&self, log: &LogName, state: &LogState) -> Result<Option<(SignedEvent, Bytes)>> {
        let reads = Reads(&self.db);
        let next = reads.positions_behind(log, state.complete).next();
        let Some(next) = next.transpose()?.and_then(Position::new) else {
            return Ok(None);
        };
        let mut named = reads.held(log, next)?.map(|held| held.prev);
        let mut found = None;
        for position in (state.complete + 1..next.number()).rev() {
            let place = Position::new(position).zip(named);
            let aside = place.map(|place| reads.aside(log, place)).transpose()?;
            let Some(bytes) = aside.flatten() else {
                return Ok(None);
            };
            let event = nats::read_stored(&bytes).map_err(|_| unreadable("event aside"))?;
            named = Some(event.link().prev);
            found = Some((event, bytes));
        }
        // Who stands behind nothing begins at the genesis: that was checked before it was put aside.
        let fits = state.complete == 0 || named == Some(state.hash);
        Ok(found.filter(|_| fits))
    }

    /// What is aside for positions that the log has passed fills none any more.
    pub fn forget_passed(&self, log: &LogName, writes: &mut Writes) -> Result<()> {
        let mut state = self.state(log)?;
        if state.parked_events == 0 {
            return Ok(());
        }
        let before = state;
        for place in Reads(&self.db).all_aside(log)? {
            if place.0.number() <= state.complete {
                self.forget_aside(log, place, &mut state, writes)?;
            }
        }
        if state != before {
            writes.log(log, &state);
        }
        Ok(())
    }

    fn forget_aside(
        &self,
        log: &LogName,
        place: (Position, Hash),
        state: &mut LogState,
        writes: &mut Writes,
    ) -> Result<()> {
        let prefix = log_key(ASIDE, log, b"");
        let bytes = branches::remove(&self.db, &mut writes.0, &prefix, place)?;
        state.parked_events = state.parked_events.saturating_sub(1);
        state.parked_bytes = state.parked_bytes.saturating_sub(bytes as u64);
        Ok(())
    }
}

/// The code of an alarm about an event that is not believed.
const NOT_BELIEVED_CODE: &str = "event-not-believed";

impl Inbox {
    /// From the end on they survive a power cut, where the log may still go on behind them.
    pub async fn put_aside(&self, events: Vec<Unbelieved>) -> std::result::Result<(), Outage> {
        let inbox = self.clone();
        self.at_work(move || inbox.write_aside(&events)).await
    }

    fn write_aside(&self, events: &[Unbelieved]) -> std::result::Result<(), Outage> {
        let writing = &self.inner.writing;
        let _one_at_a_time = writing.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let mut writes = Writes::default();
            let put = self.keeping().put_aside(event, &mut writes);
            put.map_err(|e| self.unreadable(&e.to_string()))?;
            self.inner.index.apply(writes.0)?;
            self.unpark(event.event().event().log())?;
        }
        self.sync()?;
        self.inner.news.send_modify(|news| *news += 1);
        Ok(())
    }

    pub(super) fn has_aside(&self, log: &LogName) -> std::result::Result<bool, Outage> {
        let all = Reads(&self.db()).all_aside(log);
        let all = all.map_err(|e| self.unreadable(&e.to_string()))?;
        Ok(!all.is_empty())
    }

    /// The positions of a log whose event is not believed, whether the log has gone on behind them or not.
    pub fn not_believed(&self, log: &LogName) -> std::result::Result<Ranges, Outage> {
        let db = self.db();
        let reads = Reads(&db);
        let filled = reads.filled_unbelieved(log);
        let aside = reads.all_aside(log);
        let all = filled.and_then(|filled| {
            let aside = aside?.into_iter().map(|(position, _)| position.number());
            Ok(Ranges::of(filled.into_iter().chain(aside)))
        });
        all.map_err(|e| self.unreadable(&e.to_string()))
    }
}

#[cfg(test)]
mod tests;
