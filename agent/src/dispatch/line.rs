//! One feed's line over one session: signed events sent and their answers come in, what to do about each goes out. Pure.
//! Whatever is not stored stops the line: what was sent behind it is linked to it, and is numbered anew behind the head.

use std::collections::VecDeque;

use schemas::chain::{Head, Link};
use schemas::event::Position;
use schemas::signing::SignedEvent;

use crate::link::Answer;
use crate::outbox::Settled;

/// Where an event came from.
#[derive(Debug, Clone)]
pub enum Sent {
    /// From the line, by its number there, ready to be settled.
    Waiting { number: u64, settled: Settled },
    /// From the own log: the bus has lost it.
    Own,
}

/// Why nothing more is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The head is another than assumed, or a position was left free.
    ReadHead,
    /// The bus does not take anything now.
    Wait { code: String, text: String },
    /// The session is gone.
    Ended,
}

/// What an answer asks for.
#[derive(Debug, Clone)]
pub enum Effect {
    Nothing,
    Settle(Settled),
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
    flight: VecDeque<(Position, Sent)>,
    stop: Option<Stop>,
}

impl Line {
    /// Begins behind the head that was just read from the bus.
    pub fn new(head: Head) -> Line {
        Line {
            head,
            flight: VecDeque::new(),
            stop: None,
        }
    }

    /// Where the next event goes, unless the line has stopped.
    pub fn next(&self) -> Option<Link> {
        self.stop.is_none().then(|| self.head.next())
    }

    pub fn sent(&mut self, event: &SignedEvent, from: Sent) {
        self.head = Head::of(event);
        self.flight.push_back((event.link().position, from));
    }

    pub fn under_way(&self) -> usize {
        self.flight.len()
    }

    /// Stops the line for a reason found here.
    pub fn stop(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
    }

    /// Takes the answer to the oldest event under way.
    ///
    /// Behind a stop nothing is settled: the own log has no gaps, and the next look at the bus finds what was stored.
    pub fn answered(&mut self, answer: Answer) -> Effect {
        let Some((position, sent)) = self.flight.pop_front() else {
            return Effect::Nothing;
        };
        if self.stop.is_some() {
            return Effect::Nothing;
        }
        match answer {
            Answer::Stored { .. } => match sent {
                Sent::Waiting { settled, .. } => Effect::Settle(settled),
                Sent::Own => Effect::Nothing,
            },
            Answer::Refused { body, .. } => {
                self.stop(Stop::ReadHead);
                match sent {
                    Sent::Waiting { number, .. } => Effect::Refuse { number, body },
                    Sent::Own => Effect::PutBack { from: position },
                }
            }
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
mod tests {
    use schemas::event::Hash;

    use super::super::tests::event_at;
    use super::*;

    /// A line with so many events under way.
    fn line(under_way: u64) -> Line {
        let mut line = Line::new(Head::empty(Hash::of(b"genesis")));
        for number in 1..=under_way {
            let link = line.next().expect("nothing has stopped it");
            let event = event_at(&format!("event-{number}"), link);
            let settled = Settled::of(&event);
            line.sent(&event, Sent::Waiting { number, settled });
        }
        line
    }

    fn stored() -> Answer {
        Answer::Stored {
            sequence: 1,
            duplicate: false,
        }
    }

    fn held(head: Option<u64>) -> Answer {
        Answer::Held {
            code: "bus-unavailable".into(),
            head,
            text: "not now".into(),
        }
    }

    fn refused() -> Answer {
        Answer::Refused {
            code: "not-json".into(),
            body: "{}".into(),
        }
    }

    #[test]
    fn a_refused_event_leaves_the_line_and_those_behind_it_are_numbered_anew() {
        let mut line = line(3);
        assert!(matches!(line.answered(stored()), Effect::Settle(_)));
        let refusal = line.answered(refused());
        assert!(matches!(refusal, Effect::Refuse { number: 2, .. }));
        assert_eq!((line.next(), line.stopped()), (None, None));
        assert!(matches!(line.answered(held(Some(1))), Effect::Nothing));
        assert_eq!(line.stopped(), Some(&Stop::ReadHead));
    }

    #[test]
    fn behind_a_stop_nothing_is_settled() {
        let mut line = line(2);
        line.answered(held(None));
        assert!(matches!(line.answered(stored()), Effect::Nothing));
        assert!(
            matches!(line.stopped(), Some(Stop::Wait { code, .. }) if code == "bus-unavailable")
        );
    }

    #[test]
    fn an_event_of_the_own_log_that_is_refused_goes_back_into_line() {
        let mut line = Line::new(Head::empty(Hash::of(b"genesis")));
        let event = event_at("event-1", line.next().expect("nothing has stopped it"));
        line.sent(&event, Sent::Own);
        let effect = line.answered(refused());
        assert!(matches!(effect, Effect::PutBack { from } if from == Position::FIRST));
    }

    #[test]
    fn a_session_that_ends_leaves_everything_unreachable() {
        let mut line = line(2);
        line.answered(Answer::Unreachable);
        assert_eq!(line.under_way(), 1);
        assert_eq!(line.abandon(), Stop::Ended);
    }
}
