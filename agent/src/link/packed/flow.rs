//! What is to go and what is under way: texts and events come in, pieces of frames go out in the order in which they are to be sent, and
//! answers to runs become the answers that a gateway would have given to each event. No socket and no clock is here.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use schemas::chain::Head;
use schemas::json;
use schemas::packed::run::Writer;
use schemas::packed::{Answers, Kind, Said, frame};
use schemas::receipt::Receipt;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;
use serde::Serialize;

use super::super::limits::MISUNDERSTOOD_MAX;
use super::super::message::Delivery;
use super::pace::{Pace, Sent};
use super::text;
use super::{Keys, Misunderstood};

/// An event that is to go, and where its answer is awaited.
#[derive(Debug)]
pub struct Offer {
    pub event: SignedEvent,
    pub reply: String,
}

/// The events of one log that wait for their run.
#[derive(Debug)]
struct Lane {
    log: LogName,
    offers: VecDeque<Offer>,
}

#[derive(Debug)]
struct UnderWay {
    run: u64,
    offers: Vec<Option<Offer>>,
    since: Instant,
    sent: Sent,
}

/// An answer that nobody waits for: both ends do not mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway answers what was not sent")]
pub struct OutOfStep;

pub struct Flow {
    texts: VecDeque<Bytes>,
    /// Of a run that is being sent.
    parts: VecDeque<Bytes>,
    /// The one whose turn it is in front.
    lanes: VecDeque<Lane>,
    under_way: VecDeque<UnderWay>,
    writer: Writer,
    pace: Pace,
    next_run: u64,
    keys: Keys,
    misunderstood: Misunderstood,
}

impl Flow {
    pub fn new(pace: Pace, keys: Keys, misunderstood: Misunderstood) -> Flow {
        Flow {
            texts: VecDeque::new(),
            parts: VecDeque::new(),
            lanes: VecDeque::new(),
            under_way: VecDeque::new(),
            writer: Writer::default(),
            pace,
            next_run: 0,
            keys,
            misunderstood,
        }
    }

    /// Bytes of NATS that have not gone yet.
    pub fn text_bytes(&self) -> usize {
        self.texts.iter().map(Bytes::len).sum()
    }

    /// Bytes of NATS.
    pub fn say(&mut self, text: &[u8]) {
        let pieces = text.chunks(schemas::packed::limits::PIECE_BYTES / 2);
        let frames = pieces.flat_map(|piece| frame::write(Kind::Text, piece));
        self.texts.extend(frames);
    }

    pub fn offer(&mut self, offer: Offer) {
        let log = offer.event.event().log();
        match self.lanes.iter_mut().find(|lane| lane.log == *log) {
            Some(lane) => lane.offers.push_back(offer),
            None => self.lanes.push_back(Lane {
                log: log.clone(),
                offers: VecDeque::from([offer]),
            }),
        }
    }

    /// What goes next, if anything is to go now.
    pub fn next(&mut self, now: Instant) -> Option<Bytes> {
        loop {
            let next = self.texts.pop_front().or_else(|| self.parts.pop_front());
            if next.is_some() {
                return next;
            }
            self.begin_run(now)?;
        }
    }

    /// Packs the next run of whoever's turn it is. None: it has to wait.
    fn begin_run(&mut self, now: Instant) -> Option<()> {
        let most = self.pace.run_events();
        let place = self
            .lanes
            .iter()
            .position(|lane| self.pace.may_send(lane.offers.len()))?;
        let mut lane = self.lanes.remove(place)?;
        let events: Vec<&SignedEvent> = lane.offers.iter().take(most).map(|o| &o.event).collect();
        let packed = match self.misunderstood.times() < MISUNDERSTOOD_MAX {
            true => self.writer.pack(&events, &(self.keys)(&lane.log.feed)),
            false => None,
        };
        match packed {
            Some(packed) => {
                let frames = frame::write(Kind::Run, &packed.body);
                let bytes = frames.iter().map(Bytes::len).sum();
                self.parts.extend(frames);
                let offers = lane.offers.drain(..packed.events.min(lane.offers.len()));
                self.under_way.push_back(UnderWay {
                    run: self.next_run,
                    offers: offers.map(Some).collect(),
                    since: now,
                    sent: self.pace.sent(packed.events, bytes),
                });
                self.next_run = self.next_run.saturating_add(1);
            }
            None => {
                let alone = lane.offers.pop_front();
                alone.iter().for_each(|offer| self.say_in_full(offer));
            }
        }
        if !lane.offers.is_empty() {
            self.lanes.push_back(lane);
        }
        Some(())
    }

    fn say_in_full(&mut self, offer: &Offer) {
        self.say(&text::publish_event(&offer.event, &offer.reply));
    }

    /// The answers to single events that these stand for.
    ///
    /// # Errors
    /// `OutOfStep`.
    pub fn answered(&mut self, answers: Answers, now: Instant) -> Result<Vec<Delivery>, OutOfStep> {
        let known = self.under_way.iter().position(|run| run.run == answers.run);
        let place = known.ok_or(OutOfStep)?;
        let mut run = self.under_way.remove(place).ok_or(OutOfStep)?;
        let mut deliveries = Vec::new();
        for said in answers.said {
            match said {
                Said::InFull => self.again_in_full(&mut run),
                Said::Told { place, body } => {
                    let offer = run.take(place).ok_or(OutOfStep)?;
                    deliveries.push(delivery(offer.reply, body));
                }
                Said::Stored {
                    place,
                    count,
                    sequence,
                    duplicate,
                    mut receipt,
                } => {
                    for index in 0..count {
                        let offer = run.take(place.saturating_add(index)).ok_or(OutOfStep)?;
                        let is_last = index.saturating_add(1) == count;
                        let receipt = receipt.take_if(|_| is_last).and_then(|said| {
                            said.receipt(offer.event.event().log().clone(), Head::of(&offer.event))
                        });
                        let body = json::text(&PubAck {
                            stream: offer.event.event().log().feed.as_str(),
                            seq: sequence.saturating_add(index as u64),
                            duplicate,
                            receipt,
                        });
                        deliveries.push(delivery(offer.reply, body.into()));
                    }
                }
            }
        }
        match run.offers.iter().any(Option::is_some) {
            true => self.under_way.insert(place, run),
            false => self.pace.answered(run.sent, now.duration_since(run.since)),
        }
        Ok(deliveries)
    }

    /// Every event of the run that has no answer yet is said as NATS; only what is answered to that counts.
    fn again_in_full(&mut self, run: &mut UnderWay) {
        let offers: Vec<Offer> = run.offers.iter_mut().filter_map(Option::take).collect();
        if let Some(first) = offers.first() {
            let log = first.event.event().log();
            tracing::warn!(%log, run = run.run, events = offers.len(), "the gateway cannot read a packed run: it is said in full");
            self.writer.forget(log);
            self.misunderstood.again();
        }
        offers.iter().for_each(|offer| self.say_in_full(offer));
    }
}

impl UnderWay {
    fn take(&mut self, place: usize) -> Option<Offer> {
        self.offers.get_mut(place)?.take()
    }
}

/// An answer to a publish, as the gateway writes it to a client of NATS.
#[derive(Serialize)]
struct PubAck<'a> {
    stream: &'a str,
    seq: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

fn delivery(reply: String, body: Bytes) -> Delivery {
    Delivery {
        subject: reply,
        reply: None,
        headers: Bytes::new(),
        payload: body,
        status: None,
        description: String::new(),
    }
}

#[cfg(test)]
mod tests;
