//! What the bus lacks behind its log's end comes in. Where the first of it is not here any more either, readers are asked for it, and
//! what they have not brought back within the wait is declared lost: then the log goes on behind it. Nothing new is sent before.

use schemas::alarm::Alarm;
use schemas::chain::Link;
use schemas::envelope::nats;
use schemas::event::{Hash, Position};
use schemas::heal::{HealRequest, Ranges};
use schemas::limits::GAP_POSITIONS_MAX;
use schemas::notice::GapDeclared;
use schemas::signing::SignedEvent;
use tokio::time::Instant;

use super::line::Stop;
use super::reconcile::{Own, Standing};
use super::{FeedLine, Trouble, log_full};
use crate::link::{Answer, Session};
use crate::submit;

/// Positions behind the log's end on the bus, which are neither there nor here, and the hash of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LostTail {
    gap: GapDeclared,
    hash: Hash,
}

impl Own {
    /// None where the next position that the bus lacks is here, or it lacks none.
    pub(super) fn lost_tail(&self, standing: &Standing) -> Result<Option<LostTail>, Trouble> {
        let feed = &self.log.feed;
        let lacking = standing
            .resend
            .clone()
            .map_or(Ranges::default(), Ranges::one);
        let Some((first, end)) = lacking.ends().next() else {
            return Ok(None);
        };
        let here = self.outbox.own_within(feed, (first, end))?.first().copied();
        let end = here.map_or(Some(end), Position::before);
        let Some(end) = end.filter(|end| *end >= first) else {
            return Ok(None);
        };
        // What is more than one declaration names is declared in parts.
        let most = Position::new(first.number().saturating_add(GAP_POSITIONS_MAX - 1));
        let last = most.map_or(end, |most| most.min(end));
        let behind = here.filter(|here| last.next() == Some(*here));
        let behind = behind.map(|here| self.outbox.own(feed, here)).transpose()?;
        let behind = behind
            .flatten()
            .and_then(|bytes| nats::read_stored(&bytes).ok());
        let named = behind.map(|event| event.link().prev);
        let settled = self.outbox.last_settled(feed)?;
        let settled = settled.filter(|settled| settled.position == last);
        let known = self.outbox.own_hash(feed, last)?;
        let hash = known.or(named).or(settled.map(|settled| settled.hash));
        let hash = hash.ok_or_else(|| Trouble::Held {
            code: Alarm::OwnLogUnreadable.into(),
            text: format!("{}: nothing tells the hash of position {last}", self.log),
        })?;
        let gap = GapDeclared {
            first: first.number(),
            last: last.number(),
        };
        Ok(Some(LostTail { gap, hash }))
    }

    #[expect(
        clippy::expect_used,
        reason = "a declaration's attributes are words of the program's own and numbers"
    )]
    fn declaration(&self, lost: LostTail) -> Result<SignedEvent, Trouble> {
        let LostTail { gap, hash } = lost;
        let position = Position::new(gap.last).and_then(Position::next);
        let position = position.ok_or_else(log_full)?;
        self.check_key(position)?;
        // Nothing stands behind it, so a gateway's word says that it was there.
        let last = Position::new(gap.last);
        let receipt = last.map(|last| self.outbox.receipt_for(&self.log.feed, last));
        let receipt = receipt.transpose()?.flatten();
        let event = gap.event(self.log.clone(), submit::now(), receipt);
        let event = event.expect("well formed");
        let link = Link {
            position,
            prev: hash,
        };
        Ok(SignedEvent::sign(event, link, &self.key))
    }
}

impl FeedLine {
    /// Why nothing is sent now: what comes next is lost, and waited for, or was just declared. None where it is here.
    pub(super) async fn wait_for_lost_tail(
        &mut self,
        session: &Session,
        own: &Own,
        standing: &Standing,
    ) -> Result<Option<Stop>, Trouble> {
        let Some(lost) = own.lost_tail(standing)? else {
            self.lost = None;
            return Ok(None);
        };
        let GapDeclared { first, last } = lost.gap;
        let asked = self.lost.filter(|(end, _)| *end == last);
        match asked {
            Some((_, since)) if since.elapsed() >= self.dispatch.gap_wait => {
                let subject = schemas::head::gap_subject(&own.log);
                let declaration = own.declaration(lost)?;
                let answer = session.publish_on(subject, &declaration).await.await;
                Ok(Some(declared(answer)))
            }
            Some(_) | None => {
                self.lost = asked.or(Some((last, Instant::now())));
                let request = HealRequest::new(own.log.clone(), &Ranges::one(first..=last));
                let said = session.say(request.subject(), request.body().into());
                said.await.map_err(|_ended| Trouble::Ended)?;
                Ok(Some(Stop::Wait {
                    code: Alarm::OwnEventsLost.into(),
                    text: format!(
                        "the bus has lost positions {first} to {last}, and they are not here any more; readers are asked for them"
                    ),
                }))
            }
        }
    }
}

/// The log goes on behind it when the head was read again.
fn declared(answer: Answer) -> Stop {
    match answer {
        Answer::Stored { .. } | Answer::Held { head: Some(_), .. } => Stop::ReadHead,
        Answer::Held { code, text, .. } => Stop::Wait { code, text },
        Answer::Refused { code, body } => Stop::Wait { code, text: body },
        Answer::Unreachable => Stop::Ended,
    }
}

#[cfg(test)]
mod tests;
