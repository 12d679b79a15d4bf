//! What waited and what lay in the tray: the journal comes in, accepted and refused events by their place in line go out. An entry that the index had
//! seen counts if the index still knows it there; what the journal says behind that point counts by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use schemas::event::{Hash, Position};
use schemas::subject::FeedName;

use super::super::facts::{self, Fact, Placed};
use super::super::state::FIRST_NUMBER;
use super::{Anew, Failed, TOLD_MAX};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::before::fields::{Fields, key};
use crate::store::before::index::{Index, Unread};
use crate::store::before::journal::{self, At};

/// A place in line: the number of its feed here, and its own.
type Place = (u32, u64);

/// Where the journal has it: what it is is read again when it is written, for there may be a million.
#[derive(Clone, Copy, Default)]
struct Entry {
    accepted: At,
    refused: Option<At>,
    /// The journal says so behind what the index has seen.
    is_news: bool,
}

/// What is known of an id in the index.
pub(super) struct Known {
    stage: u8,
    pub number: u64,
    pub position: u64,
    pub at_ms: u64,
    pub content: Option<Hash>,
    pub data: Hash,
}

const ACCEPTED: u8 = 0;
const SETTLED: u8 = 1;
const REFUSED: u8 = 2;
const LOST: u8 = 3;

impl Known {
    pub fn read(value: &[u8]) -> Result<Known, Unread> {
        let mut from = Fields(value);
        let mut read = || {
            let (stage, number, position) = (from.byte()?, from.number()?, from.number()?);
            // Where its bytes lay.
            for _ in 0..3 {
                from.small()?;
            }
            Some(Known {
                stage,
                number,
                position,
                at_ms: from.number()?,
                content: from.optional()?,
                data: from.hash()?,
            })
        };
        read().ok_or_else(|| Unread("an id".into()))
    }

    pub fn of(index: &Index, feed: &str, id: &str) -> Result<Option<Known>, Unread> {
        let value = index.get(&key(b'i', &[feed], id.as_bytes()))?;
        value.map(|value| Known::read(&value)).transpose()
    }

    pub fn settled_at(&self) -> Option<Position> {
        Position::new(self.position).filter(|_| self.stage == SETTLED)
    }
}

/// What the journal says.
#[derive(Default)]
pub(super) struct Line {
    journal: PathBuf,
    places: BTreeMap<Place, Entry>,
    /// The place of what was accepted last under an id, by a hash of feed and id.
    ids: HashMap<u64, u64>,
    hasher: RandomState,
    feeds: BTreeMap<FeedName, u32>,
    /// Up to where each log was pruned, as the journal says it last.
    pub pruned: BTreeMap<String, (Position, Hash)>,
    damaged: u64,
    /// Events that are named as lost now: how many, and the first of them.
    lost: (u64, Vec<String>),
}

impl Line {
    pub fn read(journal: &Path, index: Option<&Index>) -> Result<Line, Failed> {
        let mark = index.map(|index| index.get(b"m")).transpose()?.flatten();
        let mut mark = Fields(mark.as_deref().unwrap_or_default());
        let seen = mark.small().zip(mark.small()).unwrap_or((0, 0));
        let mut line = Line {
            journal: journal.into(),
            ..Line::default()
        };
        line.damaged = journal::each::<Outage>(journal, seen, |at, kind, body| {
            // What no version of format 1 has written is no record of it.
            let _ = line.take((at, at >= seen), kind, &mut Fields(body));
            Ok(())
        })?;
        if let Some(index) = index {
            line.forget_what_left(index)?;
        }
        Ok(line)
    }

    fn take(&mut self, (at, is_news): (At, bool), kind: u8, from: &mut Fields<'_>) -> Option<()> {
        match kind {
            1 => {
                let (number, _at_ms) = (from.number()?, from.number()?);
                let (_content, _data) = (from.hash()?, from.hash()?);
                let feed: FeedName = from.text()?.parse().ok()?;
                let id = self.hash(&feed, from.text()?);
                let next = u32::try_from(self.feeds.len()).ok()?;
                let feed = *self.feeds.entry(feed).or_insert(next);
                let before = self.ids.insert(id, number).map(|before| (feed, before));
                // One that lies in the tray stays there, whatever comes under its id.
                let waits = |place: &Place| {
                    let entry = self.places.get(place);
                    place.1 != number && entry.is_some_and(|one| one.refused.is_none())
                };
                if let Some(before) = before.filter(waits) {
                    self.places.remove(&before);
                }
                let entry = self.places.entry((feed, number)).or_default();
                entry.accepted = at;
                entry.is_news |= is_news;
            }
            2 => {
                let (number, _at_ms) = (from.number()?, from.number()?);
                let entry = self.at(from.text()?, number)?;
                entry.refused = Some(at);
                entry.is_news |= is_news;
            }
            3 => {
                let number = from.number()?;
                let entry = self.at(from.text()?, number)?;
                entry.refused = None;
                entry.is_news |= is_news;
            }
            4 => {
                let number = from.number()?;
                let feed = self.feed(from.text()?)?;
                self.places.remove(&(feed, number));
            }
            5 => {
                let name = from.text()?;
                let head = (Position::new(from.number()?)?, from.hash()?);
                let feed = self.feed(name);
                while let Some((number, _position)) = from.number().zip(from.number()) {
                    feed.and_then(|feed| self.places.remove(&(feed, number)));
                }
                self.pruned.insert(name.to_owned(), head);
            }
            _ => return None,
        }
        Some(())
    }

    fn feed(&self, name: &str) -> Option<u32> {
        let name: FeedName = name.parse().ok()?;
        self.feeds.get(&name).copied()
    }

    fn at(&mut self, feed: &str, number: u64) -> Option<&mut Entry> {
        let feed = self.feed(feed)?;
        self.places.get_mut(&(feed, number))
    }

    fn hash(&self, feed: &FeedName, id: &str) -> u64 {
        self.hasher.hash_one((feed.as_str(), id))
    }

    /// What waits and what is in the tray of a feed, in its order.
    fn of(&self, feed: &FeedName) -> impl Iterator<Item = (u64, Entry)> {
        let feed = self.feeds.get(feed).copied();
        let range = feed.map(|feed| self.places.range((feed, 0)..=(feed, u64::MAX)));
        let entries = range.into_iter().flatten();
        entries.map(|((_, number), entry)| (*number, *entry))
    }

    /// Only what the index still knows in line or in the tray is there; and what it has not seen yet.
    fn forget_what_left(&mut self, index: &Index) -> Result<(), Failed> {
        let mut left = Vec::new();
        let mut bodies = Bodies::default();
        for (feed, of) in &self.feeds {
            let seen = self.of(feed).filter(|(_, entry)| !entry.is_news);
            for (number, entry) in seen {
                let body = bodies.of(&self.journal, entry.accepted)?;
                let id = body.as_deref().and_then(Accepted::read).map(|one| one.id);
                let known = Known::of(index, feed.as_str(), id.unwrap_or_default())?;
                let in_line = known.is_some_and(|known| {
                    known.number == number && matches!(known.stage, ACCEPTED | REFUSED)
                });
                let in_tray = || index.get(&key(b't', &[feed.as_str()], &number.to_be_bytes()));
                if !in_line && in_tray()?.is_none() {
                    left.push((*of, number));
                }
            }
        }
        for place in left {
            self.places.remove(&place);
        }
        Ok(())
    }

    pub fn is_not_empty(&self) -> bool {
        !self.feeds.is_empty()
    }

    /// All feeds of which something is known.
    pub fn feeds(&self, index: Option<&Index>) -> Result<BTreeSet<FeedName>, Unread> {
        let mut feeds: BTreeSet<FeedName> = self.feeds.keys().cloned().collect();
        for entry in index.into_iter().flat_map(|index| index.scan(b"f")) {
            let (key, _) = entry?;
            let name = Fields(key.get(1..).unwrap_or_default()).name();
            let name = name.and_then(|name| name.parse().ok());
            feeds.insert(name.ok_or_else(|| Unread("a feed".into()))?);
        }
        Ok(feeds)
    }

    /// Whether an id is in line by a word of the journal that the index has not seen: then what the index says of it is over.
    pub fn is_in_line_since(&self, feed: &FeedName, id: &str) -> bool {
        let place = self.feeds.get(feed).zip(self.ids.get(&self.hash(feed, id)));
        let entry = place.and_then(|(feed, number)| self.places.get(&(*feed, *number)));
        entry.is_some_and(|one| one.is_news)
    }

    /// What waits and what is in the tray of a feed, in its order.
    pub fn write(&self, anew: &mut Anew, (feed, of): (&FeedName, u32)) -> Result<(), Failed> {
        let mut bodies = Bodies::default();
        for (number, (_, entry)) in (FIRST_NUMBER..).zip(self.of(feed)) {
            let accepted = bodies.of(&self.journal, entry.accepted)?;
            let Some(accepted) = accepted.as_deref().and_then(Accepted::read) else {
                continue;
            };
            let fact = Fact::Accepted(facts::Accepted {
                feed: of,
                number,
                at_ms: accepted.at_ms,
                content: accepted.content,
                data: accepted.data,
                key: accepted.key,
                id: accepted.id,
                name: "",
            });
            anew.put(&fact, accepted.bytes)?;
            if let Some(at) = entry.refused {
                let body = bodies.of(&self.journal, at)?.unwrap_or_default();
                let refused = Fact::Refused(Placed {
                    feed: of,
                    number,
                    at_ms: accepted.at_ms,
                    id: accepted.id,
                });
                anew.put(&refused, refusal(&body).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// What the index knows as lost, or as in line and the journal does not have any more.
    pub fn write_lost(
        &mut self,
        anew: &mut Anew,
        (feed, of): (&FeedName, u32),
        index: &Index,
    ) -> Result<(), Failed> {
        let name = feed.as_str();
        let mut number = FIRST_NUMBER + self.of(feed).count() as u64;
        let known_here = self.feeds.get(feed).copied();
        let prefix = key(b'i', &[name], b"");
        for entry in index.scan(&prefix) {
            let (key, value) = entry?;
            let known = Known::read(&value)?;
            let id = std::str::from_utf8(key.get(prefix.len()..).unwrap_or_default());
            let id = id.map_err(|_| Unread("an id".into()))?;
            let place = known_here.map(|feed| (feed, known.number));
            let is_there = || place.is_some_and(|place| self.places.contains_key(&place));
            let is_new = match known.stage {
                LOST => false,
                ACCEPTED | REFUSED if !is_there() && !self.is_in_line_since(feed, id) => true,
                _ => continue,
            };
            if self.is_in_line_since(feed, id) {
                continue;
            }
            let lost = Fact::Lost(Placed {
                feed: of,
                number,
                at_ms: known.at_ms,
                id,
            });
            anew.put(&lost, &[])?;
            number += 1;
            if is_new {
                self.lost.0 += 1;
                if self.lost.1.len() < TOLD_MAX {
                    self.lost.1.push(format!("{feed} {id}"));
                }
            }
        }
        Ok(())
    }

    /// Alarms of what did not read.
    pub fn tell(&self, anew: &mut Anew) -> Result<(), Outage> {
        if self.damaged > 0 {
            let text = format!(
                "{} places of the journal of format 1 do not read",
                self.damaged
            );
            anew.alarm(now_ms(), "log-damaged", &text)?;
        }
        let (count, names) = &self.lost;
        for name in names {
            let text = format!("{name}: its bytes are gone; submit it again");
            anew.alarm(now_ms(), "accepted-events-lost", &text)?;
        }
        if *count > 0 {
            let text = format!("the bytes of {count} accepted events are gone");
            anew.alarm(now_ms(), "accepted-events-lost", &text)?;
        }
        Ok(())
    }
}

/// An accepted event, as the journal has it.
struct Accepted<'a> {
    at_ms: u64,
    id: &'a str,
    content: Option<Hash>,
    data: Hash,
    key: Option<Hash>,
    bytes: &'a [u8],
}

impl<'a> Accepted<'a> {
    fn read(body: &'a [u8]) -> Option<Accepted<'a>> {
        let mut from = Fields(body);
        let (_number, at_ms) = (from.number()?, from.number()?);
        let (content, data) = (from.optional()?, from.hash()?);
        let (_feed, id) = (from.text()?, from.text()?);
        Some(Accepted {
            at_ms,
            id,
            content,
            data,
            key: from.optional()?,
            bytes: from.0,
        })
    }
}

fn refusal(body: &[u8]) -> Option<&[u8]> {
    let mut from = Fields(body);
    let (_number, _at_ms) = (from.number()?, from.number()?);
    let (_feed, _id) = (from.text()?, from.text()?);
    Some(from.0)
}

/// The bodies of records, one segment in memory.
#[derive(Default)]
struct Bodies(Option<(u32, Vec<u8>)>);

impl Bodies {
    fn of(&mut self, journal: &Path, at: At) -> Result<Option<Vec<u8>>, Outage> {
        let (segment, offset) = at;
        if self.0.as_ref().is_none_or(|(number, _)| *number != segment) {
            self.0 = Some((segment, journal::segment(journal, segment)?));
        }
        let bytes = self.0.as_ref().map(|(_, bytes)| bytes.as_slice());
        Ok(bytes.and_then(|bytes| journal::body(bytes, segment, offset).map(<[u8]>::to_vec)))
    }
}
