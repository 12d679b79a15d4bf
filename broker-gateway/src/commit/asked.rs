//! Requests to heal come in, and what of them is really missing goes on to everybody who could have it. Each costs all readers of a feed
//! a part of their lines, and what they have of it once more; and anybody who reads can send one: so the stream is asked first, and nobody
//! hears the same twice in a minute.

mod lacking;

use std::collections::HashMap;
use std::sync::Arc;

use schemas::heal::HealRequest;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::OfficeId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::lacking::Look;
use super::heal::Healer;
use super::read::Reader;
use super::writer::held;
use crate::limits::{HEAL_REPEATED_TIME, HEAL_REQUESTS_REMEMBERED_MAX};
use crate::upstream::jetstream::JetStream;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// What of it is missing.
    On,
    /// The same went on a moment ago.
    Before,
    /// Nothing of what was looked at is missing.
    Needless,
}

/// A request that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    pub passed: Passed,
    /// What nats-server was asked for it.
    pub questions: u32,
}

impl Passed {
    /// The word for the audit.
    pub fn word(self) -> &'static str {
        match self {
            Passed::On => "passed",
            Passed::Before => "passed-before",
            Passed::Needless => "needless",
        }
    }
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct AskUnit {
    pub asker: OfficeId,
    pub request: HealRequest,
    pub registry: Arc<Registry>,
    pub answer: oneshot::Sender<Result<Looked, Hold>>,
}

/// The requests that went on within the last minute.
#[derive(Debug, Default)]
pub(super) struct Remembered(HashMap<(String, Vec<u8>), Instant>);

impl Remembered {
    fn knows(&mut self, request: &HealRequest, now: Instant) -> bool {
        self.0
            .retain(|_, at| now.duration_since(*at) < HEAL_REPEATED_TIME);
        self.0.contains_key(&(request.subject(), request.body()))
    }

    fn learn(&mut self, request: &HealRequest, now: Instant) {
        // Past the bound some are heard twice.
        if self.0.len() >= HEAL_REQUESTS_REMEMBERED_MAX {
            self.0.clear();
        }
        self.0.insert((request.subject(), request.body()), now);
    }
}

impl Healer {
    pub(super) async fn pass_on(&mut self, jetstream: &JetStream, unit: AskUnit) {
        let passed = self.judge_request(jetstream, &unit).await;
        // Who asked may be gone.
        unit.answer.send(passed).ok();
    }

    async fn judge_request(
        &mut self,
        jetstream: &JetStream,
        unit: &AskUnit,
    ) -> Result<Looked, Hold> {
        let (request, now) = (&unit.request, Instant::now());
        let looked = |passed, questions| Looked { passed, questions };
        if self.asked.knows(request, now) {
            return Ok(looked(Passed::Before, 0));
        }
        let log = &request.log;
        let mut look = Look::new(
            Reader { jetstream, log },
            &unit.registry,
            unit.asker == log.office,
        );
        let lacking = look.lacking(&request.missing).await;
        let lacking = lacking.map_err(|why| held(log, &why))?;
        let questions = look.questions();
        if lacking.is_empty() {
            return Ok(looked(Passed::Needless, questions));
        }
        let passing = HealRequest::new(log.clone(), &lacking);
        if self.asked.knows(&passing, now) {
            return Ok(looked(Passed::Before, questions));
        }
        let told = jetstream.tell(&passing.subject(), &passing.body()).await;
        told.map_err(|_outage| Hold::BusUnavailable)?;
        self.asked.learn(request, now);
        self.asked.learn(&passing, now);
        Ok(looked(Passed::On, questions))
    }
}
