//! Declared gaps come in, each is answered: stored on `<log>.gap`, stored already, or held. Only what is really missing is declared,
//! all of it up to a position that stands, and with the hash that this one names; or what is next behind the log's end, no further
//! than a receipt or a reader's confirmation shows that the log ever was. Its hash is the office's word, as it is for an append.

use schemas::envelope::nats;
use schemas::event::Position;
use schemas::refusal::Hold;
use schemas::subject::LogSubject;
use tokio::sync::oneshot;

use super::Answers;
use super::append::{self, Message, Outcome};
use super::confirmed::Confirmed;
use super::heal::Healer;
use super::holes::{Around, Holes};
use super::read::{Reader, Wanted};
use super::readback::{Acknowledged, Doubt};
use super::writer::held;
use crate::admit::Declared;
use crate::refuse::{Answer, Answered};
use crate::seldom::seldom;
use crate::upstream::jetstream::JetStream;

/// A declaration on its way through commit.
#[derive(Debug)]
pub(super) struct GapUnit {
    declared: Declared,
    answers: oneshot::Sender<Vec<Answered>>,
}

impl GapUnit {
    pub fn new(declared: Declared) -> (GapUnit, Answers) {
        let (answers, waits) = oneshot::channel();
        (GapUnit { declared, answers }, waits)
    }

    pub fn answer(self, answer: Answer) {
        let event = self.declared.event();
        let answered = Answered {
            place: 0,
            answer,
            id: Some(event.id().to_owned()),
            position: Some(event.link().position.number()),
        };
        // Who asked may be gone; what is stored is stored.
        self.answers.send(vec![answered]).ok();
    }
}

impl Healer {
    pub(super) async fn declare(&self, jetstream: &JetStream, unit: GapUnit) {
        let answer = self.store_gap(jetstream, &unit.declared).await;
        unit.answer(answer.unwrap_or_else(Answer::Held));
    }

    async fn store_gap(&self, jetstream: &JetStream, declared: &Declared) -> Result<Answer, Hold> {
        let log = declared.log();
        let reader = Reader { jetstream, log };
        let subject = LogSubject::Gap(log.clone()).to_string();
        let stored = |seq, duplicate| Answer::Stored {
            stream: log.feed.clone(),
            seq,
            duplicate,
            receipt: None,
        };
        let last_by_subj = &subject;
        let last = reader.event(Wanted::Last { last_by_subj }).await;
        let last = last.map_err(|why| held(log, &why))?;
        if let Some((seq, last)) = &last
            && last.hash() == declared.event().hash()
        {
            return Ok(stored(*seq, true));
        }
        check_missing(reader, declared).await?;
        self.readback.admits(jetstream).await?;
        let stamp = self
            .stamp(declared.registry())
            .ok_or(Hold::BusUnavailable)?;
        let message = Message {
            headers: &nats::encode(declared.event()),
            data: declared.event().event().data(),
            subject: &subject,
            expected: Some(last.map_or(0, |(seq, _)| seq)),
            used: None,
        };
        let pending = append::single(jetstream, &message, &stamp);
        match append::outcome(pending.send().await).await {
            Outcome::Stored(seq) => {
                let event = declared.event();
                let read = || Some(Acknowledged::of(event, &subject, seq));
                let looked = self.readback.look(jetstream, read, Doubt::None);
                looked.await?;
                let gap = declared.gap();
                seldom!(info, log, "gap-declared", %log, first = gap.first, last = gap.last, "a gap was declared");
                Ok(stored(seq, false))
            }
            Outcome::NotReadBack(hold) => Err(hold),
            Outcome::Full => Err(Hold::BusFull),
            outcome @ (Outcome::Stale(_) | Outcome::Refused(_)) => {
                seldom!(warn, log, "gap-held", %log, ?outcome, "a gap declaration is held");
                Err(Hold::BusUnavailable)
            }
            Outcome::Unknown(outage) => {
                seldom!(warn, log, "gap-unknown", %log, %outage, "it is not known whether a gap declaration was stored; it is held");
                jetstream.close();
                Err(self.readback.not_known(jetstream, &outage))
            }
        }
    }
}

/// Nothing of the range stands anywhere, and the position behind it names the hash that the declaration goes on from. Behind the
/// log's end nothing is named: the range begins there, so that nothing is left open before it, and ends where something shows
/// that there was something.
async fn check_missing(reader: Reader<'_>, declared: &Declared) -> Result<(), Hold> {
    let unreadable = |why| held(reader.log, &why);
    let genesis = declared.registry().genesis();
    let log_head = reader.head(genesis, 0).await.map_err(unreadable)?;
    let (gap, head) = (declared.gap(), log_head.head.number());
    let ends = Position::new(gap.first).zip(Position::new(gap.last));
    let (first, last) = ends.ok_or(Hold::PositionTaken { head })?;
    if gap.first == head.saturating_add(1) {
        return check_end(reader, declared, last).await;
    }
    if gap.last >= head {
        return Err(Hold::PositionAhead { head });
    }
    let refilled = reader.refilled().await.map_err(unreadable)?;
    let mut holes = Holes::new(reader, genesis);
    let none_appended = holes.none_appended(first, last, &log_head).await;
    let none_refilled = !refilled.iter().any(|at| (first..=last).contains(at));
    if !none_appended.map_err(unreadable)? || !none_refilled {
        return Err(Hold::PositionTaken { head });
    }
    match holes.around(last, &log_head).await.map_err(unreadable)? {
        Around::Filled(_) => Err(Hold::PositionTaken { head }),
        Around::Named(hash) if hash == declared.event().link().prev => Ok(()),
        Around::Named(_) => Err(Hold::ChainMismatch { head }),
        // More is missing than is declared.
        Around::Behind(_) => Err(Hold::PositionAhead { head }),
    }
}

/// The office alone does not say how long its log was.
async fn check_end(
    reader: Reader<'_>,
    declared: &Declared,
    position: Position,
) -> Result<(), Hold> {
    if declared.is_proved() {
        return Ok(());
    }
    let confirmed = Confirmed::read(reader, declared.registry()).await;
    let confirmed = confirmed.map_err(|why| held(reader.log, &why))?;
    match confirmed.up_to() >= position.number() {
        true => Ok(()),
        false => Err(Hold::PositionUnproved { position }),
    }
}

#[cfg(test)]
mod tests;
