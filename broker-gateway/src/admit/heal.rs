//! Events that the bus has lost come in, from whoever has them; well-formed ones of the right log and position go out, each with
//! what an append would be told, so that `commit` can judge it where the log itself no longer does.

use std::sync::Arc;

use schemas::event::Position;
use schemas::refusal::{Hold, Refusal};
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::examine::Examiner;
use super::{Admission, RawEvent, Verdict, answered, authentic, unread};
use crate::acl::HealPermit;
use crate::refuse::{Answered, No};
use crate::wire::Subject;

/// Refills of one log that came together, in the order in which they came.
#[derive(Debug)]
pub struct Refills {
    permit: HealPermit,
    events: Vec<(Position, RawEvent)>,
}

impl Refills {
    pub fn new(permit: HealPermit, event: RawEvent) -> Refills {
        let events = vec![(permit.position(), event)];
        Refills { permit, events }
    }

    pub fn put(&mut self, permit: HealPermit, event: RawEvent) {
        self.events.push((permit.position(), event));
    }

    pub fn log(&self) -> &LogName {
        self.permit.log()
    }

    pub fn registry(&self) -> &Arc<Registry> {
        self.permit.registry()
    }

    pub fn bytes(&self) -> usize {
        self.events.iter().map(|(_, event)| event.bytes()).sum()
    }

    pub fn replies(&self) -> Vec<Option<Subject>> {
        let replies = self.events.iter().map(|(_, event)| event.reply.clone());
        replies.collect()
    }
}

/// An event that may come back; made only here.
#[derive(Debug)]
pub struct Healing {
    place: usize,
    event: SignedEvent,
    as_append: Result<(), No>,
}

impl Healing {
    pub fn place(&self) -> usize {
        self.place
    }

    pub fn event(&self) -> &SignedEvent {
        &self.event
    }

    /// What it would be told if it were appended: that it is the office's by its signature, honoured and fit for the feed. Where
    /// the next position on the bus names its hash, this does not matter.
    pub fn as_append(&self) -> Result<(), No> {
        self.as_append.clone()
    }
}

/// Events of one log that may come back.
#[derive(Debug)]
pub struct Healings {
    log: LogName,
    registry: Arc<Registry>,
    all: Vec<Healing>,
}

impl Healings {
    pub fn log(&self) -> &LogName {
        &self.log
    }

    /// What they were judged by.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub fn places(&self) -> Vec<usize> {
        self.all.iter().map(Healing::place).collect()
    }

    /// The places of those that could not be appended.
    pub fn doubtful(&self) -> Vec<usize> {
        let doubtful = self.all.iter().filter(|one| one.as_append.is_err());
        doubtful.map(Healing::place).collect()
    }

    pub fn into_all(self) -> Vec<Healing> {
        self.all
    }
}

impl Admission {
    /// Checks what needs no broker. What can be read, and is of this log and position, passes; whose it is, is noted.
    pub fn heal(&self, refills: Refills) -> (Option<Healings>, Vec<Answered>) {
        let Refills { permit, events } = refills;
        let (registry, log) = (permit.registry(), permit.log());
        let mut examiner = match Examiner::new(registry, log) {
            Ok(examiner) => examiner,
            Err(hold) => return (None, held_all(events.len(), &hold)),
        };
        let (mut all, mut told) = (Vec::with_capacity(events.len()), Vec::new());
        let verdicts = events.iter().map(|(_, raw)| examiner.examine(raw));
        let verdicts = authentic(verdicts.collect());
        for (place, ((position, _), verdict)) in events.into_iter().zip(verdicts).enumerate() {
            let (event, as_append) = match verdict {
                Verdict::Passes(received, _) => (received.event, Ok(())),
                Verdict::Fails(Some(event), no) => (event, Err(no)),
                Verdict::Fails(None, no) => {
                    told.push(unread(place, no));
                    continue;
                }
            };
            if event.link().position == position {
                all.push(Healing {
                    place,
                    event,
                    as_append,
                });
            } else {
                let no = Refusal::SourceMismatch.into();
                told.push(answered(place, &event, no));
            }
        }
        let healings = Healings {
            log: log.clone(),
            registry: registry.clone(),
            all,
        };
        (
            Some(healings).filter(|healings| !healings.all.is_empty()),
            told,
        )
    }
}

fn held_all(count: usize, hold: &Hold) -> Vec<Answered> {
    let held = |place| unread(place, hold.clone().into());
    (0..count).map(held).collect()
}
