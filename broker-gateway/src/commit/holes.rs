//! What stands at and around a position of a log comes out of the stream: the event itself, or the neighbours by which one that
//! comes back is judged. Read from the leader, for one gathering of refills; nothing is kept longer.

use std::collections::HashMap;

use schemas::event::{Hash, Position};
use schemas::signing::SignedEvent;
use schemas::subject::LogSubject;

use super::heads::LogHead;
use super::read::{Reader, Unreadable, Wanted};
use crate::limits::DAMAGED_IN_A_ROW_MAX;

/// An event as it stands in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stands {
    pub position: Position,
    pub hash: Hash,
    pub prev: Hash,
    pub seq: u64,
}

impl Stands {
    pub fn of(event: &SignedEvent, seq: u64) -> Stands {
        Stands {
            position: event.link().position,
            hash: event.hash(),
            prev: event.link().prev,
            seq,
        }
    }
}

/// What an event that comes back is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Something stands there already.
    Filled(Stands),
    /// Nothing does; the hash that the next position names, if that one is there.
    Named(Hash),
    /// Nothing stands there nor behind it; the hash of the position before, if that one is there.
    Behind(Option<Hash>),
}

/// Neighbours among the appended events, with nothing between them.
#[derive(Debug, Clone, Copy)]
struct Hole {
    below: Option<Stands>,
    above: Option<Stands>,
}

impl Hole {
    fn contains(&self, position: Position) -> bool {
        self.below.is_none_or(|below| below.position < position)
            && self.above.is_none_or(|above| above.position > position)
    }
}

/// One log, as far as it was looked at.
pub(super) struct Holes<'a> {
    reader: Reader<'a>,
    genesis: Hash,
    hole: Option<Hole>,
    refilled: HashMap<Position, Stands>,
}

impl<'a> Holes<'a> {
    pub fn new(reader: Reader<'a>, genesis: Hash) -> Holes<'a> {
        Holes {
            reader,
            genesis,
            hole: None,
            refilled: HashMap::new(),
        }
    }

    /// An event was refilled here.
    pub fn fill(&mut self, stands: Stands) {
        self.refilled.insert(stands.position, stands);
    }

    /// Somebody else was quicker: what is remembered may be old.
    pub fn forget(&mut self) {
        self.hole = None;
        self.refilled.clear();
    }

    /// Whether no event was appended at these positions, which are below the head.
    pub async fn none_appended(
        &mut self,
        first: Position,
        last: Position,
        head: &LogHead,
    ) -> Result<bool, Unreadable> {
        Ok(match self.search(first, head.seq).await? {
            Ok(_appended) => false,
            Err(hole) => self.hole.insert(hole).contains(last),
        })
    }

    /// What stands at a position at or below the head, or around it.
    pub async fn around(
        &mut self,
        position: Position,
        head: &LogHead,
    ) -> Result<Around, Unreadable> {
        let hole = match self.hole.filter(|hole| hole.contains(position)) {
            Some(hole) => hole,
            None => match self.search(position, head.seq).await? {
                Ok(stands) => return Ok(Around::Filled(stands)),
                Err(hole) => *self.hole.insert(hole),
            },
        };
        if let Some(stands) = self.refill(position).await? {
            return Ok(Around::Filled(stands));
        }
        let number = position.number();
        let above = match hole.above {
            Some(above) if above.position.number() == number + 1 => Some(above),
            Some(_) | None => self.refill_at(number + 1).await?,
        };
        if let Some(above) = above {
            return Ok(Around::Named(above.prev));
        }
        if position == Position::FIRST {
            return Ok(Around::Behind(Some(self.genesis)));
        }
        let below = match hole.below {
            Some(below) if below.position.number() == number - 1 => Some(below),
            Some(_) | None => self.refill_at(number - 1).await?,
        };
        Ok(Around::Behind(below.map(|below| below.hash)))
    }

    /// The appended event at a position, or its appended neighbours. Positions grow with the stream's sequences.
    async fn search(
        &self,
        position: Position,
        head: u64,
    ) -> Result<Result<Stands, Hole>, Unreadable> {
        let (mut below, mut above) = (None, None);
        let (mut low, mut high) = (1, head);
        while low <= high {
            let middle = low + (high - low) / 2;
            match self.readable_from(middle).await? {
                Some(found) if found.position == position => return Ok(Ok(found)),
                Some(found) if found.position < position => {
                    below = Some(found);
                    low = found.seq + 1;
                }
                Some(found) => {
                    above = Some(found);
                    high = middle - 1;
                }
                None => high = middle - 1,
            }
        }
        Ok(Err(Hole { below, above }))
    }

    /// The first appended event from a sequence on. A damaged one is as good as none: it may come back, too.
    async fn readable_from(&self, mut seq: u64) -> Result<Option<Stands>, Unreadable> {
        let next_by_subj = &self.reader.log.subject();
        let mut damaged = 0;
        loop {
            let wanted = Wanted::From { seq, next_by_subj };
            match self.reader.event(wanted).await {
                Ok(found) => return Ok(found.map(|(seq, event)| Stands::of(&event, seq))),
                Err(Unreadable::Message { seq: at, .. }) if damaged < DAMAGED_IN_A_ROW_MAX => {
                    damaged += 1;
                    seq = at + 1;
                }
                Err(why) => return Err(why),
            }
        }
    }

    async fn refill_at(&mut self, number: u64) -> Result<Option<Stands>, Unreadable> {
        match Position::new(number) {
            Some(position) => self.refill(position).await,
            None => Ok(None),
        }
    }

    /// What was put back at a position's own subject.
    async fn refill(&mut self, position: Position) -> Result<Option<Stands>, Unreadable> {
        if let Some(stands) = self.refilled.get(&position) {
            return Ok(Some(*stands));
        }
        let subject = LogSubject::Refill(self.reader.log.clone(), position).to_string();
        let last_by_subj = &subject;
        let found = self.reader.event(Wanted::Last { last_by_subj }).await?;
        let stands = found.map(|(seq, event)| Stands::of(&event, seq));
        if let Some(stands) = stands {
            self.refilled.insert(position, stands);
        }
        Ok(stands)
    }
}
