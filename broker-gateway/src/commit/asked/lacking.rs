//! What somebody says is missing from a log comes in; what of it the stream really lacks goes out, and what that took to find out.
//! Whoever asks has named what he liked, and everybody who has some of it sends it back: so nothing goes on that was not looked for,
//! and looking has an end.

use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::registry::Registry;

use crate::commit::confirmed::Confirmed;
use crate::commit::heads::LogHead;
use crate::commit::holes::{Holes, Stands};
use crate::commit::read::{Reader, Unreadable, Wanted};
use crate::limits::{HEAL_EVENTS_WALKED_MAX, HEAL_QUESTIONS_MAX};

/// One log, as far as it was looked at for one request.
pub(super) struct Look<'a> {
    reader: Reader<'a>,
    registry: &'a Registry,
    holes: Holes<'a>,
    /// Whether its own office asks.
    is_own: bool,
    asked: u32,
}

impl<'a> Look<'a> {
    pub fn new(reader: Reader<'a>, registry: &'a Registry, is_own: bool) -> Look<'a> {
        Look {
            reader,
            registry,
            holes: Holes::new(reader, registry.genesis()),
            is_own,
            asked: 0,
        }
    }

    /// Questions that the stream's leader was asked.
    pub fn questions(&self) -> u32 {
        self.asked.saturating_add(self.holes.questions())
    }

    fn may_ask(&self) -> bool {
        self.questions() < HEAL_QUESTIONS_MAX
    }

    /// What of these is missing and not declared lost. What was not reached within the bound is left out.
    pub async fn lacking(&mut self, named: &Ranges) -> Result<Ranges, Unreadable> {
        self.asked = self.asked.saturating_add(1);
        let head = self.reader.head(self.registry.genesis(), 0).await?;
        let below = named.up_to(head.head.number());
        let behind = self.behind(&named.without(&below)).await?;
        let holes = self.holes_within(&below, &head).await?;
        Ok(behind.union(&holes))
    }

    /// Behind the head nothing stands, and whoever has some of it has what was lost. An office knows itself of its own log what it had;
    /// of another's, readers' confirmations say how far it went.
    async fn behind(&mut self, named: &Ranges) -> Result<Ranges, Unreadable> {
        let Some((first, _)) = named.ends().next() else {
            return Ok(Ranges::default());
        };
        if self.is_own {
            return Ok(named.clone());
        }
        self.asked = self.asked.saturating_add(1);
        let confirmed = Confirmed::read(self.reader, self.registry).await?;
        let was_there = confirmed.up_to() >= first.number();
        Ok(Some(named.clone())
            .filter(|_| was_there)
            .unwrap_or_default())
    }

    async fn holes_within(&mut self, named: &Ranges, head: &LogHead) -> Result<Ranges, Unreadable> {
        let mut holes = Ranges::default();
        for ends in named.ends() {
            if !self.may_ask() {
                break;
            }
            holes = holes.union(&self.not_appended(ends, head).await?);
        }
        if holes.is_empty() {
            return Ok(holes);
        }
        self.asked = self.asked.saturating_add(1);
        let refilled = self.reader.refilled().await?;
        let open = holes.without(&Ranges::of(refilled.into_iter().map(Position::number)));
        match open.is_empty() {
            true => Ok(open),
            false => Ok(open.without(&self.declared().await?)),
        }
    }

    /// The holes of one range: from where it begins, and behind the first events that stand in it.
    async fn not_appended(
        &mut self,
        (first, last): (Position, Position),
        head: &LogHead,
    ) -> Result<Ranges, Unreadable> {
        let mut holes = Ranges::default();
        let mut stands = match self.holes.appended(first, head).await? {
            Ok(stands) => Some(stands),
            Err(hole) => {
                holes = holes.with(first.number()..=end_of_hole(hole.above, last));
                hole.above
            }
        };
        for _ in 0..HEAL_EVENTS_WALKED_MAX {
            let Some(before) = stands.filter(|stands| stands.position < last) else {
                break;
            };
            stands = self.holes.next(before).await?;
            let first = before.position.number().saturating_add(1);
            holes = holes.with(first..=end_of_hole(stands, last));
        }
        Ok(holes)
    }

    /// What the log's office has declared lost. Where that cannot be read to its end, all is taken for declared.
    async fn declared(&mut self) -> Result<Ranges, Unreadable> {
        let next_by_subj = &schemas::head::gap_subject(self.reader.log);
        let (mut declared, mut seq) = (Ranges::default(), 1);
        while self.may_ask() {
            self.asked = self.asked.saturating_add(1);
            let wanted = Wanted::From { seq, next_by_subj };
            match self.reader.event(wanted).await {
                Ok(Some((at, event))) => {
                    seq = at.saturating_add(1);
                    if let Ok(gap) = GapDeclared::read(&event) {
                        declared = declared.with(gap.first..=gap.last);
                    }
                }
                Ok(None) => return Ok(declared),
                // It is as good as none.
                Err(Unreadable::Message { seq: at, .. }) => seq = at.saturating_add(1),
                Err(why) => return Err(why),
            }
        }
        Ok(Ranges::one(1..=u64::MAX))
    }
}

/// The last position of a range before an event that stands, or its end where none does.
fn end_of_hole(above: Option<Stands>, last: Position) -> u64 {
    let end = above.map(|above| above.position.number().saturating_sub(1));
    end.map_or(last.number(), |end| end.min(last.number()))
}
