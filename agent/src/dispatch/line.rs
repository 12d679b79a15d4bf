//! One feed's line over one session: signed events sent and their answers come in, what to do about each goes out. Pure.
//! Whatever is not stored stops the line: what was sent behind it is linked to it, and is numbered anew behind the head.

use std::collections::VecDeque;

use schemas::alarm::Alarm;
use schemas::chain::{Head, Link};
use schemas::code::CodeName;
use schemas::event::{Hash, Position};
use schemas::receipt::{Receipt, ReceiptFault};
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use crate::link::Answer;
use crate::outbox::{Settled, Vouched};

/// Where an event came from.
#[derive(Debug, Clone)]
pub enum Sent {
    /// From the line, by its number there, ready to be settled.
    Waiting { number: u64, settled: Settled },
    /// From the own log: the bus has lost it.
    Own,
    /// What this office says of its log, before anything new.
    Notice(Settled),
}

/// Why nothing more is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The head is another than assumed, or a position was left free.
    ReadHead,
    /// The bus does not take anything now.
    Wait { code: CodeName, text: String },
    /// The session is gone.
    Ended,
}

/// What an answer asks for.
#[derive(Debug, Clone)]
pub enum Effect {
    Nothing,
    /// A receipt covers these.
    Settle(Vouched),
    /// A receipt that proves nothing came.
    Alarm {
        text: String,
    },
    Refuse {
        number: u64,
        body: String,
    },
    /// The own log from here on can no longer stand where it stood.
    PutBack {
        from: Position,
    },
}

#[derive(Debug)]
pub struct Line {
    /// Of what was sent, whether it is answered or not.
    head: Head,
    flight: VecDeque<(Position, Hash, Sent)>,
    /// Stored, as the gateway says, and not covered by a receipt yet.
    unvouched: Vec<Settled>,
    log: LogName,
    stop: Option<Stop>,
}

impl Line {
    /// Begins behind the head that was just read from the bus.
    pub fn new(log: LogName, head: Head) -> Line {
        Line {
            head,
            flight: VecDeque::new(),
            unvouched: Vec::new(),
            log,
            stop: None,
        }
    }

    /// Where the next event goes, unless the line has stopped or the log is full.
    pub fn next(&self) -> Option<Link> {
        self.head.next().filter(|_| self.stop.is_none())
    }

    pub fn sent(&mut self, event: &SignedEvent, from: Sent) {
        self.head = Head::of(event);
        let position = event.link().position;
        self.flight.push_back((position, event.hash(), from));
    }

    pub fn under_way(&self) -> usize {
        self.flight.len()
    }

    /// Whether events that the bus has lost are under way; nothing else is then.
    pub fn brings_back(&self) -> bool {
        matches!(self.flight.front(), Some((_, _, Sent::Own)))
    }

    /// Stops the line for a reason found here.
    pub fn stop(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
    }

    /// Takes the answer to the oldest event under way.
    ///
    /// Behind a stop nothing is settled: the own log has no gaps, and the next look at the bus finds what was stored.
    pub fn answered(&mut self, answer: Answer, registry: &Registry) -> Effect {
        let effect = self.take(answer, registry);
        if self.flight.is_empty() && self.head.next().is_none() {
            // The log is full, which whoever reads its head says.
            self.stop(Stop::ReadHead);
        }
        effect
    }

    fn take(&mut self, answer: Answer, registry: &Registry) -> Effect {
        let Some((position, hash, sent)) = self.flight.pop_front() else {
            return Effect::Nothing;
        };
        if self.stop.is_some() {
            return Effect::Nothing;
        }
        match answer {
            Answer::Stored { receipt, .. } => {
                match sent {
                    Sent::Waiting { settled, .. } | Sent::Notice(settled) => {
                        self.unvouched.push(settled);
                    }
                    Sent::Own => {}
                }
                match receipt {
                    None => self.without_receipt(),
                    Some(told) => self.vouched(told, (position, hash), registry),
                }
            }
            Answer::Refused { code, body } => self.refused((position, sent), code, body),
            Answer::Held { head: Some(_), .. } => {
                self.stop(Stop::ReadHead);
                Effect::Nothing
            }
            Answer::Held {
                code,
                head: None,
                text,
            } => {
                self.stop(Stop::Wait { code, text });
                Effect::Nothing
            }
            Answer::Unreachable => {
                self.stop(Stop::Ended);
                Effect::Nothing
            }
        }
    }

    /// An event leaves the line; without its notice a log does not go on.
    fn refused(
        &mut self,
        (position, sent): (Position, Sent),
        code: CodeName,
        body: String,
    ) -> Effect {
        let (stop, effect) = match sent {
            Sent::Waiting { number, .. } => (Stop::ReadHead, Effect::Refuse { number, body }),
            Sent::Own => (Stop::ReadHead, Effect::PutBack { from: position }),
            Sent::Notice(_) => (Stop::Wait { code, text: body }, Effect::Nothing),
        };
        self.stop(stop);
        effect
    }

    /// One that comes behind it covers it; where nothing is to come, it is asked for at the head.
    fn without_receipt(&mut self) -> Effect {
        if self.flight.is_empty() {
            self.stop(Stop::ReadHead);
        }
        Effect::Nothing
    }

    /// Nothing is settled on a bare acknowledgement, nor on a receipt that does not verify.
    fn vouched(
        &mut self,
        told: Result<Box<Receipt>, ReceiptFault>,
        (position, hash): (Position, Hash),
        registry: &Registry,
    ) -> Effect {
        let verified = told
            .and_then(|receipt| receipt.verified(registry))
            .and_then(|receipt| {
                receipt.is_at(&self.log, position, hash)?;
                Ok(receipt)
            });
        match verified {
            Ok(receipt) => {
                let events = std::mem::take(&mut self.unvouched);
                Effect::Settle(Vouched::by(receipt, events))
            }
            Err(fault) => {
                let text = format!("{}: the receipt for position {position}: {fault}", self.log);
                self.stop(Stop::Wait {
                    code: Alarm::ReceiptInvalid.into(),
                    text: text.clone(),
                });
                Effect::Alarm { text }
            }
        }
    }

    /// Why the line has stopped, once nothing is under way any more.
    pub fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref().filter(|_| self.flight.is_empty())
    }

    /// The session is gone: nothing under way will be answered.
    pub fn abandon(&mut self) -> Stop {
        self.flight.clear();
        self.stop.take().unwrap_or(Stop::Ended)
    }
}

#[cfg(test)]
mod tests;
