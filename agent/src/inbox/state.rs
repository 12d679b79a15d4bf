//! What the inbox knows of all its records: entries come in one after the other, how far each log and each feed has come goes out. It is small,
//! whatever is kept: what is held and what has arrived are runs. Nothing is read or written here.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::event::Hash;
use schemas::subject::{FeedName, LogName};

use super::kinds::{Entry, Event, Named, OfLogSaid, Which, put_said, take_hash, take_said};
use super::{Cursor, LogState};
use crate::store::intervals::Intervals;
use crate::store::log::fields::{Put as _, Take};

/// Of the bytes that the state is written as. Another one is made anew from the records.
const VERSION: u8 = 1;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    names: Arc<Names>,
    feeds: Vec<OfFeed>,
    /// A copy of the state shares what has not changed since.
    logs: Vec<Arc<OfLog>>,
    /// How many were raised.
    pub alarms: u64,
    /// No arrival gets a lower number.
    pub least: u64,
}

/// The numbers of feeds and logs, which all other records have in the place of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    feeds: BTreeMap<FeedName, u32>,
    logs: BTreeMap<LogName, u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfFeed {
    /// The numbers that were given.
    pub arrivals: Intervals,
    pub cursor: Option<Cursor>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfLog {
    pub state: LogState,
    /// Positions at which an event stands, parked ones among them.
    pub held: Intervals,
    pub confirmed: u64,
    /// The bus has another history of it.
    pub on_branch: bool,
    /// Events that are not believed and wait for what names them.
    pub aside: u64,
    /// The last position that was declared lost.
    pub declared_to: u64,
}

impl OfLog {
    pub const EMPTY: OfLog = OfLog {
        state: LogState::EMPTY,
        held: Intervals::NONE,
        confirmed: 0,
        on_branch: false,
        aside: 0,
        declared_to: 0,
    };

    pub fn said(&self) -> OfLogSaid {
        OfLogSaid {
            complete: self.state.complete,
            hash: self.state.hash,
            known: self.state.known,
            left_behind: self.state.left_behind,
            confirmed: self.confirmed,
            on_branch: self.on_branch,
        }
    }

    fn parks(&mut self, position: u64, size: u64) {
        self.state.known = self.state.known.max(position);
        self.state.parked_events += 1;
        self.state.parked_bytes += size;
    }

    fn parks_no_more(&mut self, size: u64) {
        self.state.parked_events = self.state.parked_events.saturating_sub(1);
        self.state.parked_bytes = self.state.parked_bytes.saturating_sub(size);
    }

    fn arrives(&mut self, position: u64, hash: Hash) {
        self.on_branch = false;
        self.held.add(position);
        let state = &mut self.state;
        if position > state.complete {
            (state.complete, state.hash) = (position, hash);
        }
        state.known = state.known.max(state.complete);
        state.left_behind &= state.complete < state.known;
    }
}

impl State {
    pub fn feed_number(&self, feed: &FeedName) -> Option<u32> {
        self.names.feeds.get(feed).copied()
    }

    pub fn log_number(&self, log: &LogName) -> Option<u32> {
        self.names.logs.get(log).copied()
    }

    /// The number that the next feed gets, and the next log.
    pub fn next_numbers(&self) -> (u32, u32) {
        let next = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (next(self.feeds.len()), next(self.logs.len()))
    }

    pub fn feed(&self, feed: &FeedName) -> Option<&OfFeed> {
        self.feeds.get(index(self.feed_number(feed)?))
    }

    pub fn log(&self, log: &LogName) -> Option<&OfLog> {
        Some(self.logs.get(index(self.log_number(log)?))?)
    }

    /// The name of a number.
    pub fn log_named(&self, number: u32) -> Option<&LogName> {
        let mut all = self.names.logs.iter();
        all.find(|(_, of)| **of == number).map(|(log, _)| log)
    }

    /// All logs of a feed, by name.
    pub fn logs_of(&self, feed: &FeedName) -> impl Iterator<Item = (&LogName, &OfLog)> {
        self.logs().filter(move |(log, _)| log.feed == *feed)
    }

    pub fn logs(&self) -> impl Iterator<Item = (&LogName, &OfLog)> {
        let all = self.names.logs.iter();
        all.filter_map(|(log, number)| Some((log, &**self.logs.get(index(*number))?)))
    }

    /// The last number of all arrivals.
    pub fn last_arrival(&self) -> u64 {
        let last = self.feeds.iter().filter_map(|feed| feed.arrivals.last());
        last.max().unwrap_or(0)
    }

    /// One record further. None, and nothing changed, where it does not fit to what was before it.
    pub fn take(&mut self, entry: &Entry<'_>) -> Option<()> {
        match *entry {
            Entry::Kept { event, .. } if event.arrival == 0 => {
                let log = self.log_mut(event.at.log)?;
                log.held.add(event.at.position);
                log.parks(event.at.position, event.size);
            }
            Entry::Kept { event, .. } => self.arrives(&event)?,
            Entry::Arrived(event) => {
                self.arrives(&event)?;
                self.log_mut(event.at.log)?.parks_no_more(event.size);
            }
            Entry::Declared { log, last, .. } => {
                let log = self.log_mut(log)?;
                log.declared_to = log.declared_to.max(last);
            }
            Entry::Branch { which, was_parked } => {
                let log = self.log_mut(which.log)?;
                if was_parked {
                    log.held.remove(which.position);
                    log.parks_no_more(which.size);
                } else {
                    log.on_branch = true;
                }
            }
            Entry::Aside(Which {
                log,
                position,
                size,
                ..
            }) => {
                let log = self.log_mut(log)?;
                log.aside += 1;
                log.parks(position, size);
            }
            Entry::NotAside(Which { log, size, .. }) => {
                let log = self.log_mut(log)?;
                log.aside = log.aside.saturating_sub(1);
                log.parks_no_more(size);
            }
            Entry::Cursor { feed, cursor } => {
                self.feeds.get_mut(index(feed))?.cursor = Some(cursor);
            }
            Entry::Log { log, said } => self.log_mut(log)?.hears(said),
            Entry::Numbers { least } => self.least = self.least.max(least),
            Entry::Alarm { number, .. } => self.alarms = self.alarms.max(number.saturating_add(1)),
            Entry::Named { what, number, name } => self.named(what, number, name)?,
        }
        Some(())
    }

    fn arrives(&mut self, event: &Event<'_>) -> Option<()> {
        let at = event.at;
        self.logs.get(index(at.log))?;
        let feed = self.feeds.get_mut(index(at.feed))?;
        feed.arrivals.add(event.arrival);
        self.log_mut(at.log)?.arrives(at.position, event.hash);
        Some(())
    }

    fn log_mut(&mut self, number: u32) -> Option<&mut OfLog> {
        self.logs.get_mut(index(number)).map(Arc::make_mut)
    }

    /// Numbers are given in order.
    fn named(&mut self, what: Named, number: u32, name: &str) -> Option<()> {
        let (next_feed, next_log) = self.next_numbers();
        match what {
            Named::Feed => {
                let feed: FeedName = name.parse().ok().filter(|_| number == next_feed)?;
                Arc::make_mut(&mut self.names).feeds.insert(feed, number);
                self.feeds.push(OfFeed::default());
            }
            Named::Log => {
                let log = LogName::from_source(name).ok();
                let log = log.filter(|_| number == next_log)?;
                Arc::make_mut(&mut self.names).logs.insert(log, number);
                self.logs.push(Arc::new(OfLog::EMPTY));
            }
        }
        Some(())
    }

    pub fn write(&self, into: &mut Vec<u8>) {
        into.put_u8(VERSION);
        into.put_u64(self.alarms);
        into.put_u64(self.least);
        let (feeds, logs) = self.next_numbers();
        into.put_u32(feeds);
        for (feed, number) in &self.names.feeds {
            into.put_u32(*number);
            into.put_text(feed.as_str());
        }
        for feed in &self.feeds {
            feed.write(into);
        }
        into.put_u32(logs);
        for (log, number) in &self.names.logs {
            into.put_u32(*number);
            into.put_text(&log.source());
        }
        for log in &self.logs {
            log.write(into);
        }
    }

    pub fn read(bytes: &[u8]) -> Option<State> {
        let mut from = Take(bytes);
        if from.u8()? != VERSION {
            return None;
        }
        let (alarms, least) = (from.u64()?, from.u64()?);
        let mut names = Names::default();
        let (mut feeds, mut logs) = (Vec::new(), Vec::new());
        let count = from.u32()?;
        for _ in 0..count {
            let (number, name) = (from.u32()?, from.text()?);
            names.feeds.insert(name.parse().ok()?, number);
        }
        for _ in 0..count {
            feeds.push(OfFeed::read(&mut from)?);
        }
        let count = from.u32()?;
        for _ in 0..count {
            let (number, name) = (from.u32()?, from.text()?);
            names.logs.insert(LogName::from_source(name).ok()?, number);
        }
        for _ in 0..count {
            logs.push(Arc::new(OfLog::read(&mut from)?));
        }
        let state = State {
            names: Arc::new(names),
            feeds,
            logs,
            alarms,
            least,
        };
        from.0.is_empty().then_some(state)
    }
}

/// A number as a place in a list.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl OfFeed {
    fn write(&self, into: &mut Vec<u8>) {
        self.arrivals.write(into);
        into.put_u8(u8::from(self.cursor.is_some()));
        if let Some(cursor) = self.cursor {
            into.put_u64(cursor.stream_sequence);
            into.extend_from_slice(cursor.hash.as_bytes());
        }
    }

    fn read(from: &mut Take<'_>) -> Option<OfFeed> {
        let arrivals = Intervals::read(from)?;
        let cursor = match from.u8()? {
            0 => None,
            _ => Some(Cursor {
                stream_sequence: from.u64()?,
                hash: take_hash(from)?,
            }),
        };
        Some(OfFeed { arrivals, cursor })
    }
}

impl OfLog {
    fn hears(&mut self, said: OfLogSaid) {
        let OfLogSaid {
            complete,
            hash,
            known,
            left_behind,
            confirmed,
            on_branch,
        } = said;
        self.state = LogState {
            complete,
            hash,
            known,
            left_behind,
            ..self.state
        };
        self.confirmed = confirmed;
        self.on_branch = on_branch;
    }

    fn write(&self, into: &mut Vec<u8>) {
        put_said(into, &self.said());
        into.put_u64(self.state.parked_events);
        into.put_u64(self.state.parked_bytes);
        into.put_u64(self.aside);
        into.put_u64(self.declared_to);
        self.held.write(into);
    }

    fn read(from: &mut Take<'_>) -> Option<OfLog> {
        let mut log = OfLog::EMPTY;
        log.hears(take_said(from)?);
        log.state.parked_events = from.u64()?;
        log.state.parked_bytes = from.u64()?;
        log.aside = from.u64()?;
        log.declared_to = from.u64()?;
        log.held = Intervals::read(from)?;
        Some(log)
    }
}
