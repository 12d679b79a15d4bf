//! A permit and events as they were sent come in; `Admitted` runs, and answers to what cannot be one, go out. Checked here, cheap
//! first: size, envelope, source, signer, type, contract, row, chain within the submission, signature. What the log holds already
//! is not asked here: no broker, no wait.

mod examine;
mod gap;
mod heal;

use std::sync::Arc;

use bytes::Bytes;
use schemas::chain::{self, Head, Run};
use schemas::envelope::nats::Received;
use schemas::event::{Hash, Position};
use schemas::limits::{BATCH_EVENTS_MIN, RUN_EVENTS_MAX};
use schemas::refusal::{Hold, Refusal};
use schemas::registry::Registry;
use schemas::signing::{PublicKey, SignedEvent, verify_all};
use schemas::subject::LogName;

use self::examine::Examiner;
pub use self::gap::Declared;
pub use self::heal::{Healing, Healings, Refills};
use crate::acl::PublishPermit;
use crate::limits::TURN_OF_OFFICE_EVENTS as RUN_PART_EVENTS;
use crate::peer::Peer;
use crate::refuse::{Answered, No};
use crate::wire::Subject;

/// Places, subjects and tasks, of an event that waits for its answer.
const REMEMBERED_BYTES: usize = 512;

/// One event as its sender wrote it.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The header block, its version line included; empty if none was sent.
    pub headers: Bytes,
    pub payload: Bytes,
    /// Where the answer goes: a subject inside the peer's own inbox.
    pub reply: Option<Subject>,
}

impl RawEvent {
    /// What it occupies while it waits for its answer, with what it takes to remember it.
    pub fn bytes(&self) -> usize {
        let said = self.headers.len().saturating_add(self.payload.len());
        said.saturating_add(REMEMBERED_BYTES)
    }
}

/// Consecutive publishes of one session to one log, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Submission {
    pub peer: Peer,
    pub permit: PublishPermit,
    pub events: Vec<RawEvent>,
}

/// What became of a submission. Each of its events, named by its place in it, is in exactly one of the two.
#[derive(Debug, Default)]
pub struct Judged {
    /// In the order in which they are to be stored.
    pub admitted: Vec<Admitted>,
    pub answered: Vec<Answered>,
}

/// A run that may be stored, all or nothing; made only here. The signature of each of its events was verified.
#[derive(Debug)]
pub struct Admitted {
    run: Run,
    headers: Vec<Bytes>,
    places: Vec<usize>,
    registry: Arc<Registry>,
}

impl Admitted {
    /// The places of its events in their submission.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    pub fn log(&self) -> &LogName {
        self.run.log()
    }

    pub fn events(&self) -> &[SignedEvent] {
        self.run.events()
    }

    /// The same in parts that are short enough not to keep others waiting while they are stored.
    pub fn cut(self) -> impl Iterator<Item = Admitted> {
        let Admitted {
            run,
            headers,
            places,
            registry,
        } = self;
        let mut events = run.into_events().into_iter();
        let (mut headers, mut places) = (headers.into_iter(), places.into_iter());
        std::iter::from_fn(move || {
            // A part of a run is one; behind the last there is none.
            let run = Run::new(events.by_ref().take(RUN_PART_EVENTS).collect()).ok()?;
            let count = run.events().len();
            Some(Admitted {
                run,
                headers: headers.by_ref().take(count).collect(),
                places: places.by_ref().take(count).collect(),
                registry: registry.clone(),
            })
        })
    }

    /// The header blocks in which the bus keeps them, in their order.
    pub fn headers(&self) -> &[Bytes] {
        &self.headers
    }

    /// What the first event of every log is linked to, by the registry that it was judged by.
    pub fn genesis(&self) -> Hash {
        self.registry.genesis()
    }

    /// What it was judged by.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

/// The checks that need no broker.
#[derive(Debug, Default)]
pub struct Admission;

/// An event that passed every check of its own.
struct Passed {
    place: usize,
    event: SignedEvent,
    headers: Bytes,
}

impl Admission {
    pub fn new() -> Admission {
        Admission
    }

    /// Checks a submission against the registry that its permit was made by.
    pub fn admit(&self, submission: Submission) -> Judged {
        let Submission {
            permit,
            events,
            peer: _,
        } = submission;
        let mut parts = Parts {
            registry: permit.registry(),
            broken: None,
            part: Vec::new(),
            judged: Judged::default(),
        };
        match Examiner::new(permit.registry(), permit.log()) {
            Ok(mut examiner) => {
                let verdicts = events.iter().map(|raw| examiner.examine_new(raw)).collect();
                for (place, verdict) in authentic(verdicts).into_iter().enumerate() {
                    parts.take(place, verdict);
                }
            }
            Err(hold) => {
                let hold = |place| unread(place, hold.clone().into());
                parts.judged.answered = (0..events.len()).map(hold).collect();
            }
        }
        parts.close();
        parts.judged
    }
}

/// A submission as it is taken apart into contiguous parts, each of which becomes runs.
struct Parts<'r> {
    registry: &'r Arc<Registry>,
    broken: Option<Broken>,
    part: Vec<Passed>,
    judged: Judged,
}

/// A place where the chain breaks off, because an event does not pass: what goes on behind it names a link that will not exist.
struct Broken {
    /// The log's head in front of it, if all in front of it is stored.
    head: u64,
    /// The last event that goes on behind it.
    end: Head,
}

/// What the checks of one event came to.
enum Verdict<'r> {
    Passes(Received, &'r PublicKey),
    /// What could be read of it says where it would have stood.
    Fails(Option<SignedEvent>, No),
}

/// Verifies what has passed all other checks as one, whatever logs and parts it is of: a signature that is bad is a check that failed
/// like any other.
fn authentic(mut verdicts: Vec<Verdict<'_>>) -> Vec<Verdict<'_>> {
    let claims = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Passes(received, key) => Some(received.event.claim(key)),
        Verdict::Fails(..) => None,
    });
    let mut signatures = verify_all(&claims.collect::<Vec<_>>()).into_iter();
    for verdict in &mut verdicts {
        let Verdict::Passes(received, _) = verdict else {
            continue;
        };
        if signatures.next() != Some(Ok(())) {
            let event = Some(received.event.clone());
            *verdict = Verdict::Fails(event, Refusal::SignatureInvalid.into());
        }
    }
    verdicts
}

impl Parts<'_> {
    fn take(&mut self, place: usize, verdict: Verdict<'_>) {
        match verdict {
            Verdict::Passes(Received { event, .. }, _) if self.hangs_on_broken(&event) => {
                self.unlinked(place, &event)
            }
            Verdict::Passes(Received { event, headers }, _) => {
                let follows = |last: &Passed| chain::follows(&last.event, &event).is_ok();
                let full = self.part.len() >= RUN_EVENTS_MAX;
                if full || !self.part.last().is_some_and(follows) {
                    self.close();
                }
                self.part.push(Passed {
                    place,
                    event,
                    headers,
                });
            }
            Verdict::Fails(None, no) => self.judged.answered.push(unread(place, no)),
            Verdict::Fails(Some(event), no) => {
                self.close();
                self.break_off(&event);
                self.judged.answered.push(answered(place, &event, no));
            }
        }
    }

    /// Marks where the chain breaks off; behind a broken place the first one counts.
    fn break_off(&mut self, event: &SignedEvent) {
        let head = match &self.broken {
            Some(broken) if broken.end.is_followed_by(event.link()) => broken.head,
            Some(_) | None => event.link().position.before().map_or(0, Position::number),
        };
        let end = Head::of(event);
        self.broken = Some(Broken { head, end });
    }

    fn hangs_on_broken(&self, event: &SignedEvent) -> bool {
        let broken = self.broken.as_ref();
        broken.is_some_and(|broken| broken.end.is_followed_by(event.link()))
    }

    fn unlinked(&mut self, place: usize, event: &SignedEvent) {
        self.break_off(event);
        let head = self.broken.as_ref().map_or(0, |broken| broken.head);
        let no = Hold::ChainMismatch { head }.into();
        self.judged.answered.push(answered(place, event, no));
    }

    /// Ends a contiguous part. A long one is a run; a short one is taken apart, because its events will be stored by appends of their own.
    fn close(&mut self) {
        let part = std::mem::take(&mut self.part);
        if part.len() < BATCH_EVENTS_MIN {
            part.into_iter().for_each(|passed| self.admit(vec![passed]));
        } else {
            self.admit(part);
        }
    }

    fn admit(&mut self, part: Vec<Passed>) {
        let (mut places, mut events, mut headers) = (Vec::new(), Vec::new(), Vec::new());
        for passed in part {
            places.push(passed.place);
            events.push(passed.event);
            headers.push(passed.headers);
        }
        // Each follows the one before it: it is a run.
        if let Ok(run) = Run::new(events) {
            self.judged.admitted.push(Admitted {
                run,
                headers,
                places,
                registry: self.registry.clone(),
            });
        }
    }
}

fn answered(place: usize, event: &SignedEvent, no: No) -> Answered {
    Answered {
        place,
        answer: no.into(),
        id: Some(event.id().to_owned()),
        position: Some(event.link().position.number()),
    }
}

/// Of which nothing could be read.
fn unread(place: usize, no: No) -> Answered {
    Answered {
        place,
        answer: no.into(),
        id: None,
        position: None,
    }
}

#[cfg(test)]
mod tests;
