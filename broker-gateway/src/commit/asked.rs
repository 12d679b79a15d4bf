//! Requests to heal come in, and those that may be of use go on to everybody who could have what is missing. Each costs all readers of
//! a feed a part of their lines, and anybody who reads can send one: so the stream is asked first, and nobody hears the same twice in a
//! minute.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::event::Position;
use schemas::heal::HealRequest;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::OfficeId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::confirmed::Confirmed;
use super::heal::Healer;
use super::holes::{Around, Holes};
use super::read::Reader;
use super::writer::held;
use crate::limits::{HEAL_RANGES_LOOKED_AT, HEAL_REPEATED_TIME, HEAL_REQUESTS_REMEMBERED_MAX};
use crate::upstream::jetstream::JetStream;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    On,
    /// The same went on a moment ago.
    Before,
    /// Nothing of what was looked at is missing.
    Needless,
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
    pub answer: oneshot::Sender<Result<Passed, Hold>>,
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
    ) -> Result<Passed, Hold> {
        let (request, now) = (&unit.request, Instant::now());
        if self.asked.knows(request, now) {
            return Ok(Passed::Before);
        }
        if !is_missing(jetstream, unit).await? {
            return Ok(Passed::Needless);
        }
        let told = jetstream.tell(&request.subject(), &request.body()).await;
        told.map_err(|_outage| Hold::BusUnavailable)?;
        self.asked.learn(request, now);
        Ok(Passed::On)
    }
}

/// Whether the first position of one of the first ranges is missing. Behind the head, an office knows itself of its own log what it had;
/// of another's, readers' confirmations say how far it went.
async fn is_missing(jetstream: &JetStream, unit: &AskUnit) -> Result<bool, Hold> {
    let (log, registry) = (&unit.request.log, &unit.registry);
    let reader = Reader { jetstream, log };
    let head = reader.head(registry.genesis(), 0).await;
    let head = head.map_err(|why| held(log, &why))?;
    let mut holes = Holes::new(reader, registry.genesis());
    for range in unit.request.missing.iter().take(HEAL_RANGES_LOOKED_AT) {
        let first = *range.start();
        let Some(position) = Position::new(first) else {
            continue;
        };
        if first > head.head.number() {
            let is_own = unit.asker == log.office;
            if is_own || confirmed_up_to(reader, registry).await? >= first {
                return Ok(true);
            }
            continue;
        }
        match holes.around(position, &head).await {
            Ok(Around::Filled(_)) => {}
            Ok(Around::Named(_) | Around::Behind(_)) => return Ok(true),
            Err(why) => return Err(held(log, &why)),
        }
    }
    Ok(false)
}

async fn confirmed_up_to(reader: Reader<'_>, registry: &Registry) -> Result<u64, Hold> {
    let confirmed = Confirmed::read(reader, registry).await;
    Ok(confirmed.map_err(|why| held(reader.log, &why))?.up_to())
}
