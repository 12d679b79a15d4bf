//! Events that are not believed come in, and are kept aside: none takes a place that another may fill. Where what is held names one by its
//! hash it is the log's; then it goes out to fill its position, is named, and is delivered to nobody.
//!
//! Only the chain decides, so that all readers of a log come to the same, whatever came to them together.

use std::ops::Bound;

use bytes::Bytes;
use schemas::envelope::nats;
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::Inbox;
use super::keep::{Keeping, Said};
use super::kinds::{Flags, OfLogSaid};
use super::reads::{Held, Reads, Result, Unread};
use super::tables::{log_and, read_size};
use super::writes::Writes;
use crate::receive::Unbelieved;
use crate::store::Outage;
use crate::store::limits::{ASIDE_EVENTS_MAX, PARKED_BYTES_MAX, TABLE_PAGE_MAX};
use crate::store::tables::Table;

impl Reads<'_> {
    /// There are never more than one page has.
    fn all_aside(&self, log: &LogName) -> Result<Vec<((Position, Hash), u64)>> {
        if self.log(log).aside == 0 {
            return Ok(Vec::new());
        }
        let all = self.in_table(Table::Aside, log, 0)?.into_iter();
        Ok(all
            .map(|(place, value)| (place, read_size(&value).unwrap_or(0)))
            .collect())
    }

    fn aside(&self, log: &LogName, place: (Position, Hash)) -> Result<Option<Bytes>> {
        if self.log(log).aside == 0 {
            return Ok(None);
        }
        self.bytes_in(Table::Aside, log, place)
    }

    /// The positions that were filled with what is not believed.
    fn filled_unbelieved(&self, log: &LogName) -> Result<Vec<u64>> {
        let Some(number) = self.state.log_number(log) else {
            return Ok(Vec::new());
        };
        let prefix = number.to_be_bytes();
        let (mut all, mut from) = (Vec::new(), 0);
        loop {
            let low = log_and(number, from);
            let low = Bound::Included(&low[..]);
            let page = self
                .tables
                .page(Table::Unbelieved, &prefix, low, TABLE_PAGE_MAX)?;
            let more = page.len() == TABLE_PAGE_MAX;
            let positions = page.iter().filter_map(|(key, _)| key.last_chunk());
            all.extend(positions.map(|position| u64::from_be_bytes(*position)));
            if !more {
                return Ok(all);
            }
            from = all.last().map_or(0, |last| last + 1);
        }
    }
}

impl Keeping<'_> {
    fn put_aside(&self, unbelieved: &Unbelieved) -> Result<Writes> {
        let event = unbelieved.event();
        let (log, place) = (event.event().log(), (event.link().position, event.hash()));
        let of_log = self.reads.log(log);
        let mut writes = Writes::of(self.reads.state, log);
        let position = place.0.number();
        let passed = position <= of_log.state.complete || of_log.held.contains(position);
        if passed || self.reads.aside(log, place)?.is_some() {
            return Ok(writes);
        }
        let bytes = nats::stored(event);
        let full = of_log.aside >= ASIDE_EVENTS_MAX as u64
            || of_log.state.parked_bytes + bytes.len() as u64 > PARKED_BYTES_MAX;
        if full {
            writes.log(OfLogSaid {
                left_behind: true,
                known: of_log.state.known.max(position),
                ..of_log.said()
            });
        } else {
            writes.aside(place, &bytes);
        }
        Ok(writes)
    }

    /// Lets what is aside behind the end of a log fill its position, if what is held further on names it. False where it does not.
    pub fn fill_with_unbelieved(&self, log: &LogName, writes: &mut Writes) -> Result<bool> {
        let Some((event, bytes)) = self.named_aside(log)? else {
            return Ok(false);
        };
        let (position, hash) = (event.link().position, event.hash());
        let held = Held {
            hash,
            prev: event.link().prev,
            arrival: 0,
            flags: Flags::default(),
            size: bytes.len() as u64,
            id: event.id().into(),
        };
        let held = self.arriving(log, position, held, Said::Nothing)?;
        writes.not_aside((position, hash), held.size);
        writes.kept(position, &held, &bytes);
        let text = format!(
            "{log}: position {position} is not believed; what stands behind names it, so that the log goes on, and it is delivered to nobody"
        );
        self.alarms.raise(NOT_BELIEVED_CODE, text);
        Ok(true)
    }

    /// Back from what is held next behind the end of the log, by the hash that each one names.
    fn named_aside(&self, log: &LogName) -> Result<Option<(SignedEvent, Bytes)>> {
        let reads = &self.reads;
        let (state, held) = (reads.log(log).state, &reads.log(log).held);
        if reads.log(log).aside == 0 {
            return Ok(None);
        }
        let Some(next) = held.behind(state.complete).and_then(Position::new) else {
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
            let event = nats::read_stored(&bytes).map_err(|_| Unread::Damaged("an event aside"))?;
            named = Some(event.link().prev);
            found = Some((event, bytes));
        }
        // Who stands behind nothing begins at the genesis: that was checked before it was put aside.
        let fits = state.complete == 0 || named == Some(state.hash);
        Ok(found.filter(|_| fits))
    }

    /// What is aside for positions that the log has passed fills none any more.
    pub fn forget_passed(&self, log: &LogName) -> Result<Writes> {
        let mut writes = Writes::of(self.reads.state, log);
        let complete = self.reads.log(log).state.complete;
        for (place, size) in self.reads.all_aside(log)? {
            if place.0.number() <= complete {
                writes.not_aside(place, size);
            }
        }
        Ok(writes)
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
        self.with_log(|log| {
            for event in events {
                let put = self.keeping(log).put_aside(event);
                let put = put.map_err(|e| self.unreadable(e))?;
                self.apply(log, put)?;
                self.unpark(log, event.event().event().log())?;
            }
            self.finish(log, None)
        })?;
        self.inner.news.send_modify(|news| *news += 1);
        Ok(())
    }

    /// The positions of a log whose event is not believed, whether the log has gone on behind them or not.
    pub fn not_believed(&self, log: &LogName) -> std::result::Result<Ranges, Outage> {
        self.read(|reads| {
            let filled = reads.filled_unbelieved(log)?;
            let aside = reads.all_aside(log)?;
            let aside = aside.iter().map(|((position, _), _)| position.number());
            Ok(Ranges::of(filled.into_iter().chain(aside)))
        })
    }
}

#[cfg(test)]
mod tests;
