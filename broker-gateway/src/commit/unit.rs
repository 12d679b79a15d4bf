//! A run on its way through commit: what was admitted comes in, one answer for each of its events goes out, all at once.

use std::sync::Arc;

use bytes::Bytes;
use schemas::event::Hash;
use schemas::receipt::Stamp;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;
use tokio::sync::oneshot;

use super::append::OWN_BYTES_USUAL;
use super::line::Weighs;
use super::{Answers, Notary};
use crate::admit::Admitted;
use crate::limits::EVENT_BYTES_USUAL;
use crate::refuse::{Answer, Answered};

#[derive(Debug)]
pub(super) struct Unit {
    admitted: Admitted,
    answered: Vec<Answered>,
    answers: oneshot::Sender<Vec<Answered>>,
    notary: Arc<Notary>,
    /// The events that get a receipt, by their index, and the stamps that stand with them.
    stamped: Vec<(usize, Arc<Stamp>)>,
    /// How often it was sent and refused for an expectation that did not hold.
    pub stale: u32,
    /// What of it stood below the head was looked up.
    pub looked_up: bool,
    /// It is what readers have confirmed, as far as they had when it was looked at.
    pub proved: u64,
}

impl Weighs for Unit {
    fn weight(&self) -> usize {
        let of_bytes = self.bytes().checked_div(EVENT_BYTES_USUAL);
        self.events().len().max(of_bytes.unwrap_or(0))
    }
}

impl Unit {
    pub fn new(admitted: Admitted, notary: Arc<Notary>) -> (Unit, Answers) {
        let (answers, waits) = oneshot::channel();
        let unit = Unit {
            answered: Vec::with_capacity(admitted.places().len()),
            admitted,
            answers,
            notary,
            stamped: Vec::new(),
            stale: 0,
            looked_up: false,
            proved: 0,
        };
        (unit, waits)
    }

    pub fn log(&self) -> &LogName {
        self.admitted.log()
    }

    pub fn genesis(&self) -> Hash {
        self.admitted.genesis()
    }

    pub fn registry(&self) -> &Arc<Registry> {
        self.admitted.registry()
    }

    /// The events that have no answer yet.
    pub fn events(&self) -> &[SignedEvent] {
        let events = self.admitted.events();
        events.get(self.answered.len()..).unwrap_or_default()
    }

    /// The header blocks of the same events.
    pub fn headers(&self) -> &[Bytes] {
        let headers = self.admitted.headers();
        headers.get(self.answered.len()..).unwrap_or_default()
    }

    /// What they occupy in a batch.
    pub fn bytes(&self) -> usize {
        let data = self.events().iter().map(|event| event.event().data().len());
        let headers = self.headers().iter().map(Bytes::len);
        let own = self.events().len().saturating_mul(OWN_BYTES_USUAL);
        data.chain(headers).sum::<usize>().saturating_add(own)
    }

    /// Answers the first event that has no answer yet.
    pub fn answer_next(&mut self, answer: Answer) {
        let index = self.answered.len();
        let event = self.admitted.events().get(index);
        let place = self.admitted.places().get(index);
        let answered = event.zip(place).map(|(event, place)| Answered {
            place: *place,
            answer,
            id: Some(event.id().to_owned()),
            position: Some(event.link().position.number()),
        });
        self.answered.extend(answered);
    }

    /// Answered with its stamp, the event gets a receipt, which covers all before it.
    pub fn stored(&mut self, seq: u64, duplicate: bool, stamp: Option<Arc<Stamp>>) {
        let index = self.answered.len();
        self.answer_next(Answer::Stored {
            stream: self.log().feed.clone(),
            seq,
            duplicate,
            receipt: None,
        });
        self.stamped.extend(stamp.map(|stamp| (index, stamp)));
    }

    /// Tells the answers, once each event has one. Signing takes as long as verifying an event, and the feed's one writer does
    /// not wait for it.
    pub fn finish(self) {
        if self.stamped.is_empty() {
            self.tell();
        } else {
            tokio::spawn(async move { self.sign().tell() });
        }
    }

    fn sign(mut self) -> Unit {
        for (index, stamp) in std::mem::take(&mut self.stamped) {
            let event = self.admitted.events().get(index);
            let answer = self.answered.get_mut(index).map(|one| &mut one.answer);
            if let (Some(event), Some(Answer::Stored { receipt, .. })) = (event, answer) {
                *receipt = Some(Box::new(self.notary.receipt(event, &stamp)));
            }
        }
        self
    }

    fn tell(self) {
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
