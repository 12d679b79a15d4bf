//! Events that come back come in, each is answered: stored where it was lost, stored already, or held. A hole is filled at the
//! position's own subject, and only with the event whose hash the chain names, or which the office's signature and the position
//! before vouch for; what was lost behind the head is appended again. Who brings it is never asked.
//!
//! It works beside the feed's writer, as another gateway would: the expectations keep them apart.

mod judge;
mod unit;

use std::collections::VecDeque;
use std::sync::Arc;

use schemas::chain::Head;
use schemas::envelope::nats;
use schemas::receipt::Stamp;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::{FeedName, LogSubject};

use self::judge::{Judgement, judge_hole, next_ones, no};
pub(super) use self::unit::{HealUnit, Work};
use super::Notary;
use super::append::{self, Message, Outcome};
use super::asked::Remembered;
use super::confirmed::{Brought, Confirmed};
use super::heads::{LogHead, Place};
use super::holes::{Around, Holes, Stands};
use super::line::{Exit, Rest};
use super::read::Reader;
use super::readback::{Acknowledged, Doubt, May, Readback};
use super::writer::held;
use crate::admit::Healing;
use crate::ends::Ends;
use crate::limits::{STALE_TRIES_MAX, WRITING_RESTS};
use crate::refuse::Answer;
use crate::seldom::seldom;
use crate::streams;
use crate::upstream::jetstream::{JetStream, Outage, Source};

/// The healer of a feed's stream.
pub(super) struct Healer {
    feed: FeedName,
    broker: Arc<dyn Source>,
    notary: Arc<Notary>,
    pub(super) readback: Arc<Readback>,
    ends: Ends,
    connection: Option<JetStream>,
    pub(super) asked: Remembered,
}

/// One log under healing, as the leader told it within this gathering.
struct Patient<'a> {
    reader: Reader<'a>,
    notary: &'a Notary,
    readback: &'a Readback,
    ends: &'a Ends,
    registry: Arc<Registry>,
    head: Option<LogHead>,
    confirmed: Option<Confirmed>,
    holes: Holes<'a>,
    stale: u32,
}

impl Healer {
    pub fn new(
        feed: FeedName,
        (broker, readback): (Arc<dyn Source>, Arc<Readback>),
        (notary, ends): (Arc<Notary>, Ends),
    ) -> Healer {
        Healer {
            feed,
            broker,
            notary,
            readback,
            ends,
            connection: None,
            asked: Remembered::default(),
        }
    }

    /// Works until nobody can put anything in line any longer, and the line is empty.
    pub async fn run(mut self, mut line: Exit<Work>) {
        while let Some(mut turn) = line.turn().await {
            for work in std::mem::take(&mut turn.work) {
                self.take(work).await;
            }
            line.rest(turn, Rest::AmongOthers(WRITING_RESTS));
        }
    }

    async fn take(&mut self, work: Work) {
        let jetstream = match self.connected().await {
            Ok(jetstream) => jetstream,
            Err(outage) => {
                let feed = &self.feed;
                seldom!(warn, feed, "refills-held", %feed, %outage, "the bus does not answer; refills are held");
                return match work {
                    Work::Refill(unit) => unit.hold(&Hold::BusUnavailable),
                    Work::Declare(unit) => unit.answer(Answer::Held(Hold::BusUnavailable)),
                    // Dropped, it says so.
                    Work::Ask(_) => {}
                };
            }
        };
        match work {
            Work::Refill(mut unit) => match self.heal(&jetstream, &mut unit).await {
                Ok(()) => unit.finish(),
                Err(hold) => unit.hold(&hold),
            },
            Work::Declare(unit) => self.declare(&jetstream, *unit).await,
            Work::Ask(unit) => self.pass_on(&jetstream, *unit).await,
        }
    }

    pub(super) fn stamp(&self, registry: &Registry) -> Option<Arc<Stamp>> {
        self.notary.stamp(registry, self.ends.fresh(&self.feed))
    }

    async fn connected(&mut self) -> Result<JetStream, Outage> {
        match self.connection.take_if(|open| !open.is_closed()) {
            Some(open) => Ok(self.connection.insert(open).clone()),
            None => {
                let opened = self.broker.open(None).await?;
                streams::fit(&opened, &self.feed).await?;
                Ok(self.connection.insert(opened).clone())
            }
        }
    }

    /// Answers one after the other; what is left when it fails is held.
    async fn heal(&self, jetstream: &JetStream, unit: &mut HealUnit) -> Result<(), Hold> {
        let log = unit.log.clone();
        let reader = Reader {
            jetstream,
            log: &log,
        };
        let mut patient = Patient {
            reader,
            notary: &self.notary,
            readback: &self.readback,
            ends: &self.ends,
            registry: unit.registry.clone(),
            head: None,
            confirmed: None,
            holes: Holes::new(reader, unit.registry.genesis()),
            stale: 0,
        };
        let mut may = self.readback.admits(jetstream).await?;
        while !unit.waiting.is_empty() {
            match patient.judge(&unit.waiting).await? {
                Judgement::StoredAlready(seq) => {
                    patient.stale = 0;
                    unit.stored(seq, true, None);
                }
                Judgement::Append(count) => {
                    let count = match may {
                        May::Store => count,
                        May::Try => count.min(1),
                    };
                    patient.append(unit, count).await?;
                    may = May::Store;
                }
                Judgement::Fill => patient.fill(unit).await?,
                Judgement::No(no) => unit.answer_next(no.into()),
            }
        }
        Ok(())
    }
}

impl Patient<'_> {
    fn stamp(&self) -> Result<Arc<Stamp>, Hold> {
        let newest = self.ends.fresh(&self.reader.log.feed);
        let stamp = self.notary.stamp(&self.registry, newest);
        stamp.ok_or(Hold::BusUnavailable)
    }

    async fn judge(&mut self, waiting: &VecDeque<Healing>) -> Result<Judgement, Hold> {
        let head = self.head().await?;
        let Some(first) = waiting.front() else {
            return Ok(Judgement::Append(0));
        };
        let (event, number) = (first.event(), head.head.number());
        let position = event.link().position;
        let next = number.saturating_add(1);
        if position.number() > next {
            return Ok(no(Hold::PositionAhead { head: number }));
        }
        if position.number() == next {
            return Ok(next_ones(waiting, head.head, self.confirmed().await?));
        }
        let around = self.holes.around(position, &head).await;
        let around = around.map_err(|why| held(self.reader.log, &why))?;
        if let Around::Behind(Some(_)) = around {
            let confirmed = self.confirmed().await?;
            confirmed.admits(&[event], Brought::Back)?;
        }
        Ok(judge_hole(first, around, number))
    }

    /// What readers have confirmed of the log.
    async fn confirmed(&mut self) -> Result<&Confirmed, Hold> {
        let confirmed = match self.confirmed.take() {
            Some(confirmed) => confirmed,
            None => {
                let read = Confirmed::read(self.reader, &self.registry).await;
                read.map_err(|why| held(self.reader.log, &why))?
            }
        };
        Ok(self.confirmed.insert(confirmed))
    }

    async fn head(&mut self) -> Result<LogHead, Hold> {
        if let Some(head) = &self.head {
            return Ok(head.clone());
        }
        let read = self.reader.head(self.registry.genesis(), 0).await;
        let head = read.map_err(|why| held(self.reader.log, &why))?;
        Ok(self.head.insert(head).clone())
    }

    /// Appends the first ones, as what they are: the log's next.
    async fn append(&mut self, unit: &mut HealUnit, count: usize) -> Result<(), Hold> {
        let (head, jetstream) = (self.head().await?, self.reader.jetstream);
        let subject = self.reader.log.subject();
        let first = unit.waiting.iter().take(count).map(Healing::event);
        let blocks: Vec<(Vec<u8>, &SignedEvent)> =
            first.map(|event| (nats::encode(event), event)).collect();
        let last = blocks.last().map(|(_, event)| Head::of(event));
        let mut messages: Vec<Message<'_>> = blocks
            .iter()
            .enumerate()
            .map(|(index, (headers, event))| Message {
                headers,
                data: event.event().data(),
                subject: &subject,
                expected: Some(head.expected).filter(|_| index == 0),
                used: None,
            })
            .collect();
        // What comes back has its room: it was there before.
        let bytes: usize = messages.iter().map(Message::bytes).sum();
        let used = head.used.saturating_add(bytes as u64);
        if let Some(message) = messages.last_mut() {
            message.used = Some(used);
        }
        let stamp = self.stamp()?;
        let pending = match &messages[..] {
            [message] => append::single(jetstream, message, &stamp),
            messages => append::batch(jetstream, messages, &stamp),
        };
        match append::outcome(pending.send().await).await {
            Outcome::Stored(seq) => {
                let last_one = blocks.last();
                let stored = || last_one.map(|(_, event)| Acknowledged::of(event, &subject, seq));
                let looked = self.readback.look(jetstream, stored, Doubt::Odd);
                looked.await?;
                let log = self.reader.log;
                seldom!(info, log, "tail-back", %log, count, "a lost tail came back");
                // One receipt covers all of it, as for any append.
                let receipt = blocks
                    .last()
                    .map(|(_, last)| self.notary.receipt(last, &stamp));
                let receipt = receipt.map(Box::new);
                let first = seq.saturating_add(1).saturating_sub(count as u64);
                (first..seq).for_each(|seq| unit.stored(seq, false, None));
                unit.stored(seq, false, receipt);
                self.stale = 0;
                self.head = last.and_then(|last| {
                    let place = Place {
                        position: last.position?,
                        hash: last.hash,
                        seq,
                        used,
                        stamp: Some(stamp),
                    };
                    Some(LogHead::read(place, 0))
                });
                Ok(())
            }
            outcome => self.not_stored(outcome, Some(head)),
        }
    }

    /// Fills the hole at the first one's position.
    async fn fill(&mut self, unit: &mut HealUnit) -> Result<(), Hold> {
        let Some(first) = unit.waiting.front() else {
            return Ok(());
        };
        let position = first.event().link().position;
        let subject = LogSubject::Refill(self.reader.log.clone(), position).to_string();
        let message = Message {
            headers: &nats::encode(first.event()),
            data: first.event().event().data(),
            subject: &subject,
            expected: Some(0),
            used: None,
        };
        let stamp = self.stamp()?;
        let jetstream = self.reader.jetstream;
        let pending = append::single(jetstream, &message, &stamp);
        match append::outcome(pending.send().await).await {
            Outcome::Stored(seq) => {
                let stored = || Some(Acknowledged::of(first.event(), &subject, seq));
                let looked = self.readback.look(jetstream, stored, Doubt::None);
                looked.await?;
                let log = self.reader.log;
                seldom!(info, log, "position-back", %log, %position, "a lost position came back");
                self.holes.fill(Stands::of(first.event(), seq));
                self.stale = 0;
                unit.stored(seq, false, None);
                Ok(())
            }
            outcome => self.not_stored(outcome, None),
        }
    }

    /// What was not stored because somebody was quicker is judged again, by what the stream then holds.
    fn not_stored(&mut self, outcome: Outcome, behind: Option<LogHead>) -> Result<(), Hold> {
        let log = self.reader.log;
        match outcome {
            Outcome::Stale(told) if self.stale < STALE_TRIES_MAX => {
                self.stale = self.stale.saturating_add(1);
                self.holes.forget();
                // A damaged last message is counted but not read: from the second time on, the server's number is believed. What
                // may be appended is guarded by the chain.
                let told = behind.zip(told).filter(|_| self.stale > 1);
                self.head = told.map(|(mut head, expected)| {
                    head.expected = expected;
                    head
                });
                Ok(())
            }
            Outcome::Stale(_) => Err(Hold::BusUnavailable),
            Outcome::Full => {
                seldom!(warn, log, "refills-full", %log, "the stream is full; refills are held");
                Err(Hold::BusFull)
            }
            Outcome::Refused(why) => {
                seldom!(warn, log, "refill-not-stored", %log, why, "JetStream does not store a refill; it is held");
                Err(Hold::BusUnavailable)
            }
            Outcome::Unknown(outage) => {
                seldom!(warn, log, "refill-unknown", %log, %outage, "it is not known whether a refill was stored; it is held");
                self.reader.jetstream.close();
                Err(self.readback.not_known(self.reader.jetstream, &outage))
            }
            Outcome::NotReadBack(hold) => Err(hold),
            // What is stored is answered by whoever stored it.
            Outcome::Stored(_) => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
