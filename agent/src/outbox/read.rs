//! Reading the outbox: what waits, what became of an id, the own log, the tray. Keys come in, what is durable goes out.
//! Nothing is changed here; what turns out to be damaged is told to the committer.

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::FeedName;

use super::committer::Job;
use super::facts::Fact;
use super::look::Look;
use super::{Entry, InTray, Known, Outbox, OwnHead, Waiting};
use crate::store::Outage;
use crate::store::limits::{PAGE_BYTES_MAX, POSITIONS_AT_ONCE};
use crate::store::log::limits::PAGE_ENTRIES_MAX;
use crate::store::log::{Missing, Place, Section};

impl Outbox {
    /// What waits behind the number `after` (0: from the front), oldest first; fewer than `max` when they are large.
    pub async fn waiting(
        &self,
        feed: &FeedName,
        after: u64,
        max: usize,
    ) -> Result<Vec<Waiting>, Outage> {
        let (outbox, feed) = (self.clone(), feed.clone());
        let read = tokio::task::spawn_blocking(move || outbox.read_waiting(&feed, after, max));
        read.await.unwrap_or(Err(Outage::Stopped))
    }

    fn read_waiting(
        &self,
        name: &FeedName,
        after: u64,
        max: usize,
    ) -> Result<Vec<Waiting>, Outage> {
        let state = self.inner.shared.state();
        let Some((of, feed)) = state.named(name) else {
            return Ok(Vec::new());
        };
        let mut page = Vec::new();
        let mut bytes = 0;
        for (first, last) in feed.waiting.within(after.saturating_add(1), u64::MAX) {
            let mut next = Some(first);
            while let Some(from) = next.filter(|from| *from <= last) {
                let most = (max - page.len()).min(PAGE_ENTRIES_MAX);
                if most == 0 {
                    return Ok(page);
                }
                let places =
                    self.inner
                        .shared
                        .reading
                        .page(Section::Line, of, from..=last, most)?;
                let to = match places.last() {
                    // Those between are there, or were there.
                    Some((number, _)) if places.len() == most => *number,
                    _ => last,
                };
                let mut places = places.into_iter().peekable();
                for number in from..=to {
                    let place = places.next_if(|(there, _)| *there == number);
                    let place = place.map(|(_, place)| place);
                    if let Some(waiting) = self.fetch(name, of, number, place)? {
                        bytes += waiting.bytes.len();
                        page.push(waiting);
                        if bytes >= PAGE_BYTES_MAX || page.len() == max {
                            return Ok(page);
                        }
                    }
                }
                next = to.checked_add(1);
            }
        }
        Ok(page)
    }

    /// None when it left the line meanwhile, or when its bytes are gone, which is then told.
    fn fetch(
        &self,
        name: &FeedName,
        of: u32,
        number: u64,
        place: Option<Place>,
    ) -> Result<Option<Waiting>, Outage> {
        if let Some(place) = place {
            match self.inner.shared.reading.record(place) {
                Ok(record) => {
                    if let Some(Fact::Accepted(one)) = Fact::read(record.head()) {
                        return Ok(Some(Waiting {
                            number,
                            id: one.id.to_owned(),
                            at_ms: one.at_ms,
                            bytes: Bytes::copy_from_slice(record.bytes()),
                        }));
                    }
                }
                // It was written anew between the look-up and the reading, or does not read: looked up again.
                Err(Missing::Moved(_) | Missing::Damaged { .. }) => {}
                Err(Missing::Outage(outage)) => return Err(outage),
            }
        }
        let state = self.inner.shared.state();
        let waits = |feed: &super::state::Feed| feed.waiting.contains(number);
        if !state.feed(of).is_some_and(waits) {
            return Ok(None);
        }
        let event = self.inner.shared.look(&state).in_line(of, number)?;
        let good = event.and_then(|event| Some((event.bytes?, event.id, event.at_ms)));
        let Some((bytes, id, at_ms)) = good else {
            self.send(Job::Lost(name.clone(), number))?;
            return Ok(None);
        };
        Ok(Some(Waiting {
            number,
            id,
            at_ms,
            bytes,
        }))
    }

    /// What is known of an event of one feed.
    pub fn known(&self, feed: &FeedName, id: &str) -> Result<Option<Known>, Outage> {
        self.looking(|look| look.known(feed, id))
    }

    /// What is known of an id, on whatever feed.
    pub fn find(&self, id: &str) -> Result<Vec<(FeedName, Known)>, Outage> {
        self.looking(|look| {
            let mut found = Vec::new();
            for (number, name, feed) in look.state.named_feeds() {
                if let Some(known) = look.known_in(number, feed, id)? {
                    found.push((name.clone(), known));
                }
            }
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(found)
        })
    }

    /// A signed event of the own log.
    pub fn own(&self, feed: &FeedName, position: Position) -> Result<Option<Bytes>, Outage> {
        let state = self.inner.shared.state();
        let Some((number, known)) = state.named(feed) else {
            return Ok(None);
        };
        if !known.here.contains(position.number()) {
            return Ok(None);
        }
        let look = self.inner.shared.look(&state);
        let own = self.told(look.own(number, position))?;
        let bytes = own.and_then(|own| own.bytes);
        if bytes.is_none() {
            self.send(Job::Unread(feed.clone(), position))?;
        }
        Ok(bytes)
    }

    /// The first positions of a range whose signed events are here; more are asked for behind the last of them. However wide the
    /// range is, only what is here is looked at.
    ///
    /// # Errors
    /// None yet: what is here is known without the disk.
    pub fn own_within(
        &self,
        feed: &FeedName,
        (first, last): (Position, Position),
    ) -> Result<Vec<Position>, Outage> {
        self.looking(|look| {
            let Some((_, feed)) = look.state.named(feed) else {
                return Ok(Vec::new());
            };
            let runs = feed.here.within(first.number(), last.number());
            let positions = runs.flat_map(|(first, last)| first..=last);
            Ok(positions
                .filter_map(Position::new)
                .take(POSITIONS_AT_ONCE)
                .collect())
        })
    }

    /// The hash of an event of the own log.
    pub fn own_hash(&self, feed: &FeedName, position: Position) -> Result<Option<Hash>, Outage> {
        self.looking(|look| match look.state.named(feed) {
            Some((number, _)) => Ok(look.own(number, position)?.map(|own| own.hash)),
            None => Ok(None),
        })
    }

    /// The highest position of the own log that we remember.
    pub fn last_settled(&self, feed: &FeedName) -> Result<Option<OwnHead>, Outage> {
        self.looking(|look| look.last_settled(feed))
    }

    pub fn tray(&self) -> Result<Vec<InTray>, Outage> {
        self.looking(|look| {
            let mut tray = Vec::new();
            for (number, name, feed) in look.state.named_feeds() {
                let places = feed.tray.within(0, u64::MAX);
                for place in places.flat_map(|(first, last)| first..=last) {
                    let event = look.in_line(number, place)?;
                    tray.push(InTray {
                        feed: name.clone(),
                        number: place,
                        entry: Entry {
                            at_ms: event.as_ref().map_or(0, |event| event.at_ms),
                            id: event.map_or(String::new(), |event| event.id),
                            refusal: look.refusal(number, place)?,
                        },
                    });
                }
            }
            tray.sort_by(|one, other| one.feed.cmp(&other.feed));
            Ok(tray)
        })
    }

    /// A refused event as it lies in the tray; None where it is no longer there, or its bytes are gone.
    pub async fn refused(&self, feed: &FeedName, number: u64) -> Result<Option<Waiting>, Outage> {
        let (outbox, feed) = (self.clone(), feed.clone());
        let read =
            tokio::task::spawn_blocking(move || outbox.looking(|look| look.refused(&feed, number)));
        read.await.unwrap_or(Err(Outage::Stopped))
    }

    /// Looks with what is known now.
    pub(super) fn looking<T>(
        &self,
        look: impl FnOnce(&Look<'_>) -> Result<T, Outage>,
    ) -> Result<T, Outage> {
        let shared = &self.inner.shared;
        let state = shared.state();
        let before = shared.reading.is_suspected();
        let looked = look(&shared.look(&state));
        if shared.reading.is_suspected() && !before {
            self.send(Job::Mend)?;
        }
        self.told(looked)
    }

    /// Tables that worked and then do not answer end the store: it is opened again, and makes new ones.
    pub(super) fn told<T>(&self, looked: Result<T, Outage>) -> Result<T, Outage> {
        if let Err(Outage::Index { .. }) = &looked {
            let _stopped_already = self.send(Job::Suspect);
        }
        looked
    }
}

impl Look<'_> {
    fn refused(&self, name: &FeedName, place: u64) -> Result<Option<Waiting>, Outage> {
        let feed = self.state.named(name);
        let Some((number, _)) = feed.filter(|(_, feed)| feed.tray.contains(place)) else {
            return Ok(None);
        };
        let event = self.in_line(number, place)?;
        Ok(event.and_then(|event| {
            Some(Waiting {
                number: place,
                id: event.id,
                at_ms: event.at_ms,
                bytes: event.bytes?,
            })
        }))
    }

    /// Not below what was pruned, also where that was taken back otherwise.
    pub fn last_settled(&self, name: &FeedName) -> Result<Option<OwnHead>, Outage> {
        let Some((number, feed)) = self.state.named(name) else {
            return Ok(None);
        };
        let from = feed.pruned.map_or(1, |to| to.position.number());
        // What does not read at the end of it is taken back from the bus: the log is as long as it can be told.
        let mut last = feed.own.last();
        for _ in 0..POSITIONS_AT_ONCE {
            let Some(position) = last.filter(|last| *last >= from).and_then(Position::new) else {
                break;
            };
            if let Some(own) = self.own(number, position)? {
                let hash = own.hash;
                return Ok(Some(OwnHead { position, hash }));
            }
            let before = feed.own.within(from, position.number() - 1);
            last = before.last().map(|(_, end)| end);
        }
        Ok(feed.pruned)
    }
}
