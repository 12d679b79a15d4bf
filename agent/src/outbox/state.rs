//! What the outbox knows of all its records: a fact comes in, and which numbers wait, which lie in the tray, which positions are held is as it is
//! after it. Small, whatever is stored: where something lies is never known here. The same code lives and starts.
//!
//! It is total: no fact of any order of records breaks it. Accepted numbers that are passed over are taken for waiting: living, there is none; after
//! damage they are looked for, and what is not there is named as lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::event::{Hash, Position};
use schemas::subject::FeedName;

use super::facts::{Fact, Pruned, Range, Settled, Stood, Vouches};
use super::given::{OwnHead, Stage};
use crate::store::intervals::Intervals;
use crate::store::log::fields::{Put as _, Take};

/// Numbers begin in the middle: what is put back in line goes before everything.
pub const FIRST_NUMBER: u64 = 1 << 40;
/// The layout of the state's bytes.
const VERSION: u8 = 1;
/// The receipts of a log that the next one is held against.
const NEWEST: usize = 2;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// By number. Shared with who reads: a group copies the feeds that it changes.
    pub feeds: BTreeMap<u32, Arc<Feed>>,
    /// How many alarms there were.
    pub alarms: u64,
}

/// One feed: its line, its tray, and the office's own log on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// None where no record that gave it reads.
    pub name: Option<FeedName>,
    /// The lowest number given to an event that was put back in line.
    pub front: u64,
    /// The number of the next event that is accepted.
    pub next: u64,
    pub waiting: Intervals,
    pub tray: Intervals,
    pub lost: Intervals,
    /// Positions of the own log.
    pub own: Intervals,
    /// Those whose signed events are here.
    pub here: Intervals,
    /// Positions of it of which no record reads, until the bus was asked for them.
    pub gone: Intervals,
    /// How many retractions there were.
    pub time: u64,
    /// Up to where the log was pruned.
    pub pruned: Option<OwnHead>,
    /// The log went on otherwise at that very place.
    pruned_is_gone: bool,
    pub untold: Option<Range>,
    /// The newest receipts, the last one last.
    receipts: Vec<Vouches>,
}

impl Feed {
    /// The runs of positions that are missing before the last one of the own log; what was pruned is not.
    pub fn holes(&self) -> Intervals {
        let pruned = self.pruned.map_or(0, |to| to.position.number());
        let (mut holes, mut next) = (Intervals::default(), pruned.saturating_add(1));
        for (first, last) in self.own.within(next, u64::MAX) {
            holes.add_all(next, first.saturating_sub(1));
            next = last.saturating_add(1);
        }
        holes
    }
}

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            name: None,
            front: FIRST_NUMBER,
            next: FIRST_NUMBER,
            waiting: Intervals::default(),
            tray: Intervals::default(),
            lost: Intervals::default(),
            own: Intervals::default(),
            here: Intervals::default(),
            gone: Intervals::default(),
            time: 0,
            pruned: None,
            pruned_is_gone: false,
            untold: None,
            receipts: Vec::new(),
        }
    }
}

impl State {
    pub fn feed(&self, number: u32) -> Option<&Feed> {
        self.feeds.get(&number).map(Arc::as_ref)
    }

    /// The number and what is known of a feed.
    pub fn named(&self, name: &FeedName) -> Option<(u32, &Feed)> {
        let named = self.named_feeds().find(|(_, known, _)| *known == name);
        named.map(|(number, _, feed)| (number, feed))
    }

    /// All feeds that have a name.
    pub fn named_feeds(&self) -> impl Iterator<Item = (u32, &FeedName, &Feed)> {
        let feeds = self.feeds.iter();
        feeds.filter_map(|(number, feed)| Some((*number, feed.name.as_ref()?, feed.as_ref())))
    }

    /// The number for a feed that has none yet, behind so many others.
    pub fn next_feed(&self, others: usize) -> u32 {
        let last = self.feeds.last_key_value().map_or(0, |(number, _)| *number);
        last.saturating_add(u32::try_from(others).unwrap_or(u32::MAX))
            .saturating_add(1)
    }

    pub fn take(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Accepted(one) => {
                let feed = self.changed(one.feed);
                feed.give_name(one.name);
                feed.accepted(one.number);
            }
            Fact::Refused(one) => {
                let feed = self.changed(one.feed);
                if feed.waiting.remove(one.number) {
                    feed.tray.add(one.number);
                }
            }
            Fact::Released(one) => {
                let feed = self.changed(one.feed);
                if feed.tray.remove(one.number) {
                    feed.waiting.add(one.number);
                }
            }
            Fact::Dropped(one) => {
                self.changed(one.feed).tray.remove(one.number);
            }
            Fact::Lost(one) => {
                let feed = self.changed(one.feed);
                feed.passes(one.number);
                feed.waiting.remove(one.number);
                feed.tray.remove(one.number);
                feed.lost.add(one.number);
            }
            Fact::Settled(one) => {
                let feed = self.changed(one.feed);
                feed.settled(one);
                feed.here.add(one.position.number());
            }
            Fact::Remains(one) => {
                let feed = self.changed(one.feed);
                feed.settled(one);
                feed.here.remove(one.position.number());
            }
            Fact::Receipt(one) => self.changed(one.feed).vouched(one),
            Fact::Retracted(one) => self.changed(one.feed).retracted(one),
            Fact::Branch(_) | Fact::Reader(_) => {}
            Fact::Pruned(one) => self.changed(one.feed).prune(one),
            Fact::Gone(feed, first, last) => self.changed(*feed).gone(*first, *last),
            Fact::Asked(feed) => self.changed(*feed).gone = Intervals::NONE,
            Fact::Untold(feed, range) => self.changed(*feed).untold = *range,
            Fact::Alarm(one) => self.alarms = self.alarms.max(one.number.saturating_add(1)),
            Fact::Named(feed, name) => self.changed(*feed).give_name(name),
        }
    }

    fn changed(&mut self, number: u32) -> &mut Feed {
        Arc::make_mut(self.feeds.entry(number).or_default())
    }

    pub fn write(&self, into: &mut Vec<u8>) {
        into.put_u8(VERSION);
        into.put_u64(self.alarms);
        into.put_u32(u32::try_from(self.feeds.len()).unwrap_or(u32::MAX));
        for (number, feed) in &self.feeds {
            into.put_u32(*number);
            feed.write(into);
        }
    }

    /// None where no version of this code has written it.
    pub fn read(bytes: &[u8]) -> Option<State> {
        let mut take = Take(bytes);
        if take.u8()? != VERSION {
            return None;
        }
        let mut state = State {
            alarms: take.u64()?,
            ..State::default()
        };
        for _ in 0..take.u32()? {
            let number = take.u32()?;
            state.feeds.insert(number, Arc::new(Feed::read(&mut take)?));
        }
        take.0.is_empty().then_some(state)
    }
}

impl Feed {
    fn give_name(&mut self, name: &str) {
        if self.name.is_none() {
            self.name = name.parse().ok();
        }
    }

    /// Where an event is, by its number; none where it is neither in line nor in the tray, and not lost.
    pub fn stage_in_line(&self, number: u64) -> Option<Stage> {
        if self.waiting.contains(number) {
            return Some(Stage::Accepted);
        }
        if self.tray.contains(number) {
            return Some(Stage::Refused);
        }
        self.lost.contains(number).then_some(Stage::Lost)
    }

    /// The last receipts that the next one is held against: for what the own log holds.
    pub fn newest_receipts(&self) -> impl Iterator<Item = &Vouches> {
        let receipts = self.receipts.iter();
        receipts.filter(|one| self.own.contains(one.position.number()))
    }

    /// The highest position of the own log; not below what was pruned.
    pub fn last_position(&self) -> Option<Position> {
        let own = self.own.last().and_then(Position::new);
        own.max(self.pruned.map(|pruned| pruned.position))
    }

    fn accepted(&mut self, number: u64) {
        self.passes(number);
        self.waiting.add(number);
    }

    /// Numbers up to this one were given.
    fn passes(&mut self, number: u64) {
        if number >= self.next {
            self.waiting.add_all(self.next, number - 1);
            self.next = number.saturating_add(1);
        } else if number < self.front && number > 0 {
            self.waiting.add_all(number + 1, self.front - 1);
            self.front = number;
        }
    }

    fn settled(&mut self, one: &Settled<'_>) {
        self.passes(one.number);
        if one.leaves {
            self.waiting.remove(one.number);
            self.tray.remove(one.number);
        }
        let position = one.position.number();
        self.receipts
            .retain(|receipt| receipt.position != one.position || receipt.hash == one.hash);
        if let Some(pruned) = self.pruned.filter(|pruned| pruned.position == one.position) {
            self.pruned_is_gone = pruned.hash != one.hash;
        }
        self.time = self.time.max(one.time);
        self.own.add(position);
        self.gone.remove(position);
    }

    fn vouched(&mut self, one: &Vouches) {
        self.receipts
            .retain(|before| before.position.number() <= one.after);
        let too_many = (self.receipts.len() + 1).saturating_sub(NEWEST);
        self.receipts.drain(..too_many);
        self.receipts.push(*one);
    }

    fn retracted(&mut self, one: &Stood) {
        let position = one.position.number();
        self.own.remove(position);
        self.here.remove(position);
        self.receipts
            .retain(|receipt| receipt.position != one.position);
        if self
            .pruned
            .is_some_and(|pruned| pruned.position == one.position)
        {
            self.pruned_is_gone = true;
        }
        self.time = self.time.max(one.time.saturating_add(1));
    }

    fn gone(&mut self, first: u64, last: u64) {
        self.own.remove_all(first, last);
        self.here.remove_all(first, last);
        self.gone.add_all(first, last);
    }

    /// A mark goes back only where the log went on otherwise.
    fn prune(&mut self, one: &Pruned) {
        self.here.remove_all(one.first, one.last.number());
        let further = self
            .pruned
            .is_none_or(|before| self.pruned_is_gone || before.position <= one.last);
        if one.by_horizon && further {
            self.pruned = Some(OwnHead {
                position: one.last,
                hash: one.hash,
            });
            self.pruned_is_gone = false;
        }
    }

    fn write(&self, into: &mut Vec<u8>) {
        into.put_text(self.name.as_ref().map_or("", FeedName::as_str));
        into.put_u64(self.front);
        into.put_u64(self.next);
        for intervals in [
            &self.waiting,
            &self.tray,
            &self.lost,
            &self.own,
            &self.here,
            &self.gone,
        ] {
            intervals.write(into);
        }
        into.put_u64(self.time);
        into.put_u8(u8::from(self.pruned.is_some()));
        if let Some(OwnHead { position, hash }) = self.pruned {
            into.put_u64(position.number());
            into.extend_from_slice(hash.as_bytes());
            into.put_u8(u8::from(self.pruned_is_gone));
        }
        into.put_u8(u8::from(self.untold.is_some()));
        if let Some(Range { first, last, hash }) = self.untold {
            into.put_u64(first);
            into.put_u64(last);
            into.extend_from_slice(hash.as_bytes());
        }
        into.put_u8(u8::try_from(self.receipts.len()).unwrap_or(u8::MAX));
        for one in &self.receipts {
            into.put_u32(one.feed);
            into.put_u64(one.position.number());
            into.extend_from_slice(one.hash.as_bytes());
            into.extend_from_slice(&one.admitted.to_le_bytes());
            into.put_u64(one.after);
        }
    }

    fn read(take: &mut Take<'_>) -> Option<Feed> {
        let name = take.text()?;
        let name = (!name.is_empty()).then(|| name.parse()).transpose().ok()?;
        let mut feed = Feed {
            name,
            front: take.u64()?,
            next: take.u64()?,
            ..Feed::default()
        };
        for intervals in [
            &mut feed.waiting,
            &mut feed.tray,
            &mut feed.lost,
            &mut feed.own,
            &mut feed.here,
            &mut feed.gone,
        ] {
            *intervals = Intervals::read(take)?;
        }
        feed.time = take.u64()?;
        if take.u8()? != 0 {
            let position = Position::new(take.u64()?)?;
            let hash = Hash::from_bytes(take.array()?);
            feed.pruned = Some(OwnHead { position, hash });
            feed.pruned_is_gone = take.u8()? != 0;
        }
        if take.u8()? != 0 {
            let (first, last) = (take.u64()?, take.u64()?);
            let hash = Hash::from_bytes(take.array()?);
            feed.untold = Some(Range { first, last, hash });
        }
        for _ in 0..take.u8()? {
            feed.receipts.push(Vouches {
                feed: take.u32()?,
                position: Position::new(take.u64()?)?,
                hash: Hash::from_bytes(take.array()?),
                admitted: i64::from_le_bytes(take.array()?),
                after: take.u64()?,
            });
        }
        Some(feed)
    }
}

#[cfg(test)]
mod tests;
