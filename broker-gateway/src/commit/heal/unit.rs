//! What a healer is given comes in: refills of one log, declarations, requests. One answer for each event goes out, all at once.

use std::collections::VecDeque;
use std::sync::Arc;

use schemas::receipt::Receipt;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::LogName;
use tokio::sync::oneshot;

use crate::admit::{Healing, Healings};
use crate::commit::Answers;
use crate::commit::asked::AskUnit;
use crate::commit::gap::GapUnit;
use crate::commit::line::Weighs;
use crate::refuse::{Answer, Answered};

/// Refills of one log on their way through commit.
#[derive(Debug)]
pub(in crate::commit) struct HealUnit {
    pub log: LogName,
    pub registry: Arc<Registry>,
    pub waiting: VecDeque<Healing>,
    answered: Vec<Answered>,
    answers: oneshot::Sender<Vec<Answered>>,
}

impl HealUnit {
    pub fn new(healings: Healings) -> (HealUnit, Answers) {
        let (answers, waits) = oneshot::channel();
        let unit = HealUnit {
            log: healings.log().clone(),
            registry: healings.registry().clone(),
            waiting: healings.into_all().into(),
            answered: Vec::new(),
            answers,
        };
        (unit, waits)
    }

    pub fn answer_next(&mut self, answer: Answer) {
        if let Some(healing) = self.waiting.pop_front() {
            let event = healing.event();
            self.answered.push(Answered {
                place: healing.place(),
                answer,
                id: Some(event.id().to_owned()),
                position: Some(event.link().position.number()),
            });
        }
    }

    pub fn stored(&mut self, seq: u64, duplicate: bool, receipt: Option<Box<Receipt>>) {
        let stream = self.log.feed.clone();
        self.answer_next(Answer::Stored {
            stream,
            seq,
            duplicate,
            receipt,
        });
    }

    pub fn hold(mut self, hold: &Hold) {
        while !self.waiting.is_empty() {
            self.answer_next(Answer::Held(hold.clone()));
        }
        self.finish();
    }

    /// Who asked may be gone; what is stored is stored.
    pub fn finish(self) {
        self.answers.send(self.answered).ok();
    }
}

/// What a healer is given.
#[derive(Debug)]
pub(in crate::commit) enum Work {
    Refill(HealUnit),
    Declare(Box<GapUnit>),
    Ask(Box<AskUnit>),
}

impl Weighs for Work {
    fn weight(&self) -> usize {
        match self {
            Work::Refill(unit) => unit.waiting.len(),
            Work::Declare(_) | Work::Ask(_) => 1,
        }
    }
}
