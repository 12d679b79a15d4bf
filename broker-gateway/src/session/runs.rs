//! Answers to events that came in packed runs: what became of each comes in, frames go out in which what was stored in a row is one word. What
//! came otherwise is left to others.

use std::time::Duration;

use schemas::packed::{Answers, Kind, Said, SaidReceipt};
use schemas::receipt::Receipt;

use super::Session;
use super::desk::{Asked, Desk};
use super::end::End;
use super::outgoing::Closed;
use super::prices;
use crate::judge::Denial;
use crate::limits::ANSWERS_BYTES_MAX;
use crate::refuse::{Answer, Answered};
use crate::wire::{PlaceInRun, Subject};

impl Session {
    /// A run that cannot be read is said in full: nothing is known against its events.
    pub(super) async fn ask_in_full(
        &mut self,
        run: u64,
        bytes: usize,
        reading: Duration,
    ) -> Result<(), End> {
        self.submit().await?;
        let account = self.desk.account.clone();
        let work = prices::thrown_away(bytes).saturating_add(reading);
        match account.solvent().await {
            Ok(()) => account.pay(work),
            Err(_told_otherwise) => account.throw_away(work).await,
        }
        let said = vec![Said::InFull];
        Ok(self.desk.tell_run(&Answers { run, said }).await?)
    }
}

impl Desk {
    /// Where in a packed run an event came that is answered there.
    pub fn place_in_run(&self, reply: Option<&Subject>) -> Option<PlaceInRun> {
        self.hello.as_ref()?;
        PlaceInRun::of(reply?)
    }

    /// Tells what became of events of packed runs, and gives back the rest.
    pub async fn tell_runs(
        &self,
        asked: &Asked,
        answered: Vec<Answered>,
    ) -> Result<Vec<Answered>, Closed> {
        let place = |one: &Answered| {
            let reply = asked.replies.get(one.place).and_then(Option::as_ref);
            self.place_in_run(reply)
        };
        let (mut others, mut runs) = (Vec::new(), Vec::new());
        for one in answered {
            match place(&one) {
                Some(place) => {
                    if !one.answer.is_new() {
                        self.account.pay(prices::UNPACKED);
                    }
                    put(&mut runs, place, asked, &one);
                }
                None => others.push(one),
            }
        }
        for answers in runs {
            self.tell_run(&answers).await?;
        }
        Ok(others)
    }

    /// A no that was said before anything was judged.
    pub async fn deny_in_run(
        &self,
        PlaceInRun { run, place }: PlaceInRun,
        denial: &Denial,
        registry: u64,
    ) -> Result<(), Closed> {
        self.account.pay(prices::UNPACKED);
        let body = denial.no.body("pub_ack_response", registry);
        let said = vec![Said::Told { place, body }];
        self.tell_run(&Answers { run, said }).await
    }

    async fn tell_run(&self, answers: &Answers) -> Result<(), Closed> {
        match &self.hello {
            None => Ok(()),
            Some(hello) => {
                let body = answers.write(hello);
                self.down.send_packed(Kind::Answers, &body).await
            }
        }
    }
}

/// Puts one answer to those of its run.
fn put(runs: &mut Vec<Answers>, at: PlaceInRun, asked: &Asked, answered: &Answered) {
    let PlaceInRun { run, place } = at;
    let said = said(place, asked, answered);
    let open = |answers: &&mut Answers| answers.run == run && bytes(answers) < ANSWERS_BYTES_MAX;
    let Some(answers) = runs.iter_mut().rfind(open) else {
        let said = vec![said];
        return runs.push(Answers { run, said });
    };
    let went_on = answers
        .said
        .last_mut()
        .is_some_and(|last| goes_on(last, &said));
    if !went_on {
        answers.said.push(said);
    }
}

/// What was told with a body of its own; all else is small.
fn bytes(answers: &Answers) -> usize {
    let told = answers.said.iter().map(|said| match said {
        Said::Told { body, .. } => body.len(),
        Said::Stored { .. } | Said::InFull => 0,
    });
    told.sum()
}

fn said(place: usize, asked: &Asked, answered: &Answered) -> Said {
    let told = || Said::Told {
        place,
        body: answered.answer.body(&asked.feed, asked.registry),
    };
    match &answered.answer {
        Answer::Stored {
            stream,
            seq,
            duplicate,
            receipt,
        } if *stream == asked.feed && is_for(receipt.as_deref(), answered) => Said::Stored {
            place,
            count: 1,
            sequence: *seq,
            duplicate: *duplicate,
            receipt: receipt.as_deref().map(SaidReceipt::of),
        },
        Answer::Stored { .. } | Answer::Refused(_) | Answer::Held(_) => told(),
    }
}

/// Both ends know of which event a receipt is that comes with its answer.
fn is_for(receipt: Option<&Receipt>, answered: &Answered) -> bool {
    receipt.is_none_or(|receipt| Some(receipt.facts().position.number()) == answered.position)
}

/// Whether an answer only goes on with what was said last, and has been put to it.
fn goes_on(last: &mut Said, next: &Said) -> bool {
    let (
        Said::Stored {
            place,
            count,
            sequence,
            duplicate,
            receipt: receipt @ None,
        },
        Said::Stored {
            place: next_place,
            sequence: next_sequence,
            duplicate: next_duplicate,
            receipt: next_receipt,
            count: 1,
        },
    ) = (last, next)
    else {
        return false;
    };
    let goes_on = place.saturating_add(*count) == *next_place
        && sequence.saturating_add(*count as u64) == *next_sequence
        && duplicate == next_duplicate;
    if goes_on {
        *count = count.saturating_add(1);
        receipt.clone_from(next_receipt);
    }
    goes_on
}
