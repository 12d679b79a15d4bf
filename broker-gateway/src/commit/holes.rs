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
pub(super) struct Hole {
    pub below: Option<Stands>,
    pub above: Option<Stands>,
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
    /// Messages that the leader was asked for.
    questions: u32,
}

impl<'a> Holes<'a> {
    pub fn new(reader: Reader<'a>, genesis: Hash) -> Holes<'a> {
        Holes {
            reader,
            genesis,
            hole: None,
            refilled: HashMap::new(),
            questions: 0,
        }
    }

    pub fn questions(&self) -> u32 {
        self.questions
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
        Ok(match self.appended(first, head).await? {
            Ok(_appended) => false,
            Err(hole) => hole.contains(last),
        })
    }

    /// The appended event at a position, or the hole in which it lies; what was refilled there is not looked for.
    pub async fn appended(
        &mut self,
        position: Position,
        head: &LogHead,
    ) -> Result<Result<Stands, Hole>, Unreadable> {
        if let Some(hole) = self.hole.filter(|hole| hole.contains(position)) {
            return Ok(Err(hole));
        }
        let found = self.search(position, head).await?;
        if let Err(hole) = found {
            self.hole = Some(hole);
        }
        Ok(found)
    }

    /// The appended event behind another.
    pub async fn next(&mut self, before: Stands) -> Result<Option<Stands>, Unreadable> {
        self.readable_from(before.seq.saturating_add(1)).await
    }

    /// What stands at a position at or below the head, or around it.
    pub async fn around(
        &mut self,
        position: Position,
        head: &LogHead,
    ) -> Result<Around, Unreadable> {
        let hole = match self.appended(position, head).await? {
            Ok(stands) => return Ok(Around::Filled(stands)),
            Err(hole) => hole,
        };
        if let Some(stands) = self.refill(position).await? {
            return Ok(Around::Filled(stands));
        }
        let (behind, before) = (
            position.number().saturating_add(1),
            position.number().saturating_sub(1),
        );
        let above = match hole.above {
            Some(above) if above.position.number() == behind => Some(above),
            Some(_) | None => self.refill_at(behind).await?,
        };
        if let Some(above) = above {
            return Ok(Around::Named(above.prev));
        }
        if position == Position::FIRST {
            return Ok(Around::Behind(Some(self.genesis)));
        }
        let below = match hole.below {
            Some(below) if below.position.number() == before => Some(below),
            Some(_) | None => self.refill_at(before).await?,
        };
        Ok(Around::Behind(below.map(|below| below.hash)))
    }

    /// The appended event at a position, or its appended neighbours. Positions grow with the stream's sequences, and mostly evenly.
    async fn search(
        &mut self,
        position: Position,
        head: &LogHead,
    ) -> Result<Result<Stands, Hole>, Unreadable> {
        let mut bracket = Bracket::around(position, head, self.hole);
        while let Some(seq) = bracket.probe() {
            match self.readable_from(seq).await? {
                Some(found) if found.position == position => return Ok(Ok(found)),
                found => bracket.narrow(seq, found),
            }
        }
        Ok(Err(bracket.hole))
    }

    /// The first appended event from a sequence on. A damaged one is as good as none: it may come back, too.
    async fn readable_from(&mut self, mut seq: u64) -> Result<Option<Stands>, Unreadable> {
        let next_by_subj = &self.reader.log.subject();
        let mut damaged = 0_u32;
        loop {
            let wanted = Wanted::From { seq, next_by_subj };
            self.questions = self.questions.saturating_add(1);
            match self.reader.event(wanted).await {
                Ok(found) => return Ok(found.map(|(seq, event)| Stands::of(&event, seq))),
                Err(Unreadable::Message { seq: at, .. }) if damaged < DAMAGED_IN_A_ROW_MAX => {
                    damaged = damaged.saturating_add(1);
                    seq = at.saturating_add(1);
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
        self.questions = self.questions.saturating_add(1);
        let found = self.reader.event(Wanted::Last { last_by_subj }).await?;
        let stands = found.map(|(seq, event)| Stands::of(&event, seq));
        if let Some(stands) = stands {
            self.refilled.insert(position, stands);
        }
        Ok(stands)
    }
}

/// Where a position is looked for: sequences between the neighbours that are known.
struct Bracket {
    position: Position,
    hole: Hole,
    low: u64,
    high: u64,
    /// Position and sequence of the log's end.
    end: (u64, u64),
    probes: u32,
    /// The last probe met the neighbour above: between it and the next probe there is little.
    met_above: bool,
}

impl Bracket {
    /// What is known of another hole says where not to look.
    fn around(position: Position, head: &LogHead, known: Option<Hole>) -> Bracket {
        let known = known.into_iter().flat_map(|hole| [hole.below, hole.above]);
        let (mut below, mut above) = (None, None);
        for stands in known.flatten() {
            match stands.position < position {
                true => below = Some(stands),
                false => above = above.or(Some(stands).filter(|at| at.position > position)),
            }
        }
        Bracket {
            position,
            hole: Hole { below, above },
            low: below.map_or(1, |below| below.seq.saturating_add(1)),
            high: above.map_or(head.seq, |above| above.seq.saturating_sub(1)),
            end: (head.head.number(), head.seq),
            probes: 0,
            met_above: false,
        }
    }

    /// The next sequence to look at; None where nothing is left between the neighbours.
    fn probe(&mut self) -> Option<u64> {
        if self.low > self.high {
            return None;
        }
        self.probes = self.probes.saturating_add(1);
        let below = self.hole.below.map_or(0, |below| below.position.number());
        let beside = below.saturating_add(1) == self.position.number();
        Some(match self.probes % 3 {
            _ if beside => self.low,
            // However unevenly the log was written.
            0 => self.low.midpoint(self.high),
            2 if self.met_above => self.low,
            _ => self.guess(),
        })
    }

    /// Where it would stand if the log had been written evenly.
    fn guess(&self) -> u64 {
        let place = |stands: Stands| (stands.position.number(), stands.seq);
        let (first, from) = self.hole.below.map_or((0, 0), place);
        let (last, to) = self.hole.above.map_or(self.end, place);
        let share = |all: u64| {
            let (part, whole) = (
                self.position.number().saturating_sub(first),
                last.saturating_sub(first),
            );
            let part_of_all = u128::from(all).saturating_mul(part.into());
            part_of_all.checked_div(whole.max(1).into()).unwrap_or(0)
        };
        let guess = u64::try_from(share(to.saturating_sub(from))).unwrap_or(u64::MAX);
        from.saturating_add(guess).clamp(self.low, self.high)
    }

    /// Takes what was found from a sequence on.
    fn narrow(&mut self, seq: u64, found: Option<Stands>) {
        self.met_above = false;
        match found {
            Some(found) if found.position < self.position => {
                self.hole.below = Some(found);
                self.low = found.seq.saturating_add(1);
            }
            Some(found) => {
                self.met_above = self.hole.above == Some(found);
                self.hole.above = Some(found);
                self.high = seq.saturating_sub(1);
            }
            None => {
                self.met_above = self.hole.above.is_none();
                self.high = seq.saturating_sub(1);
            }
        }
    }
}
