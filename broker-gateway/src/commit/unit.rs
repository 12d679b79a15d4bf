//! A run on its way through commit: what was admitted comes in, one answer for each of its events goes out, all at once.

use bytes::Bytes;
use schemas::event::Hash;
use schemas::receipt::Receipt;
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;
use tokio::sync::oneshot;

use super::Answers;
use crate::admit::Admitted;
use crate::refuse::{Answer, Answered};

#[derive(Debug)]
pub(super) struct Unit {
    admitted: Admitted,
    answered: Vec<Answered>,
    answers: oneshot::Sender<Vec<Answered>>,
    /// How often it was sent and refused for an expectation that did not hold.
    pub stale: u32,
}

impl Unit {
    pub fn new(admitted: Admitted) -> (Unit, Answers) {
        let (answers, waits) = oneshot::channel();
        let unit = Unit {
            answered: Vec::with_capacity(admitted.places().len()),
            admitted,
            answers,
            stale: 0,
        };
        (unit, waits)
    }

    pub fn log(&self) -> &LogName {
        self.admitted.log()
    }

    pub fn genesis(&self) -> Hash {
        self.admitted.genesis()
    }

    /// The events that have no answer yet; the last of them is the run's last, whose signature was verified.
    pub fn events(&self) -> &[SignedEvent] {
        &self.admitted.events()[self.answered.len()..]
    }

    /// The header blocks of the same events.
    pub fn headers(&self) -> &[Bytes] {
        &self.admitted.headers()[self.answered.len()..]
    }

    /// What they occupy in a batch.
    pub fn bytes(&self) -> usize {
        let data = self.events().iter().map(|event| event.event().data().len());
        let headers = self.headers().iter().map(Bytes::len);
        data.chain(headers).sum::<usize>() + self.events().len() * super::append::OWN_BYTES_USUAL
    }

    /// Answers the first event that has no answer yet.
    pub fn answer_next(&mut self, answer: Answer) {
        let index = self.answered.len();
        let event = &self.admitted.events()[index];
        let answered = Answered {
            place: self.admitted.places()[index],
            answer,
            id: Some(event.id().to_owned()),
            position: Some(event.link().position.number()),
        };
        self.answered.push(answered);
    }

    pub fn stored(&mut self, seq: u64, duplicate: bool, receipt: Option<Receipt>) {
        let stream = self.log().feed.clone();
        self.answer_next(Answer::Stored {
            stream,
            seq,
            duplicate,
            receipt: receipt.map(Box::new),
        });
    }

    /// Tells the answers, once each event has one.
    pub fn finish(self) {
        // Who asked may be gone; what is stored is stored.
        self.answers.send(self.answered).ok();
    }

    /// Holds all that has no answer yet.
    pub fn hold(mut self, hold: &Hold) {
        while !self.events().is_empty() {
            self.answer_next(Answer::Held(hold.clone()));
        }
        self.finish();
    }
}
