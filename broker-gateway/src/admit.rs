//! A permit and events as they were sent come in; `Admitted` runs, and answers to what cannot be one, go out. Checked here, cheap
//! first: size, envelope, source, signer, type, contract, row, chain within the submission, signature. What the log holds already
//! is not asked here: no broker, no wait.

mod doubt;
mod examine;
mod gap;
mod heal;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use schemas::chain::{self, Head, Run};
use schemas::envelope::nats::Received;
use schemas::event::Hash;
use schemas::limits::BATCH_EVENTS_MIN;
use schemas::refusal::{Hold, Refusal};
use schemas::registry::Registry;
use schemas::signing::{PublicKey, SignedEvent};
use schemas::subject::LogName;

use self::doubt::Doubts;
use self::examine::Examiner;
pub use self::gap::Declared;
pub use self::heal::{Healing, Healings, Refills};
use crate::acl::PublishPermit;
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
        self.headers.len() + self.payload.len() + REMEMBERED_BYTES
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

/// A run that may be stored, all or nothing; made only here. Its last event's signature was verified, and with it, by the chain,
/// all of it.
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
pub struct Admission {
    doubts: Doubts,
}

/// An event that passed every check of its own but the signature's.
struct Examined<'r> {
    place: usize,
    event: SignedEvent,
    headers: Bytes,
    key: &'r PublicKey,
}

impl Admission {
    pub fn new() -> Admission {
        Admission::default()
    }

    /// Checks a submission against the registry that its permit was made by.
    pub fn admit(&self, submission: Submission) -> Judged {
        let Submission {
            permit,
            events,
            peer: _,
        } = submission;
        let mut parts = Parts {
            doubts: &self.doubts,
            registry: permit.registry(),
            broken: None,
            part: Vec::new(),
            judged: Judged::default(),
        };
        match Examiner::new(permit.registry(), permit.log()) {
            Ok(mut examiner) => {
                for (place, raw) in events.into_iter().enumerate() {
                    parts.take(place, examiner.examine_new(&raw));
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
    doubts: &'r Doubts,
    registry: &'r Arc<Registry>,
    broken: Option<Broken>,
    part: Vec<Examined<'r>>,
    judged: Judged,
}

/// A place where the chain breaks off, because an event does not pass: what goes on behind it names a link that will not exist.
struct Broken {
    /// The log's head in front of it, if all in front of it is stored.
    head: u64,
    /// The last event that goes on behind it.
    end: Head,
}

/// What the examination of one event came to.
enum Verdict<'r> {
    Passes(Received, &'r PublicKey),
    /// What could be read of it says where it would have stood.
    Fails(Option<SignedEvent>, No),
}

impl<'r> Parts<'r> {
    fn take(&mut self, place: usize, verdict: Verdict<'r>) {
        match verdict {
            Verdict::Passes(Received { event, .. }, _) if self.hangs_on_broken(&event) => {
                self.unlinked(place, &event)
            }
            Verdict::Passes(Received { event, headers }, key) => {
                let follows = |last: &Examined<'_>| chain::follows(&last.event, &event).is_ok();
                if !self.part.last().is_some_and(follows) {
                    self.close();
                }
                self.part.push(Examined {
                    place,
                    event,
                    headers,
                    key,
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
            Some(broken) if broken.end.next() == *event.link() => broken.head,
            Some(_) | None => event.link().position.number() - 1,
        };
        let end = Head::of(event);
        self.broken = Some(Broken { head, end });
    }

    fn hangs_on_broken(&self, event: &SignedEvent) -> bool {
        let broken = self.broken.as_ref();
        broken.is_some_and(|broken| broken.end.next() == *event.link())
    }

    fn unlinked(&mut self, place: usize, event: &SignedEvent) {
        self.break_off(event);
        let head = self.broken.as_ref().map_or(0, |broken| broken.head);
        let no = Hold::ChainMismatch { head }.into();
        self.judged.answered.push(answered(place, event, no));
    }

    /// Ends a contiguous part. A long one is a run that is verified at its last event and by sample; a short one is taken apart,
    /// because its events will be stored by appends of their own, and the last event of each append must be verified.
    fn close(&mut self) {
        let part = std::mem::take(&mut self.part);
        let Some(last) = part.last() else { return };
        let log = last.event.event().log().clone();
        if part.len() < BATCH_EVENTS_MIN {
            self.verify_each(part);
        } else if self.doubts.about(&log) {
            self.verify_all(part);
        } else if verified_by_sample(&part) {
            self.admit(part);
        } else {
            // One bad signature: from here on nothing of this log is taken on its neighbour's word.
            self.doubts.begin(log);
            self.verify_all(part);
        }
    }

    fn verify_each(&mut self, part: Vec<Examined<'r>>) {
        let mut part = VecDeque::from(part);
        while let Some(examined) = part.pop_front() {
            if let Err(refusal) = examined.event.verify(examined.key) {
                self.refuse_and_unlink(examined, refusal, part);
                return;
            }
            self.admit(vec![examined]);
        }
    }

    fn verify_all(&mut self, mut part: Vec<Examined<'r>>) {
        let bad = part
            .iter()
            .position(|examined| examined.event.verify(examined.key).is_err());
        let Some(bad) = bad else {
            self.admit(part);
            return;
        };
        let mut behind = VecDeque::from(part.split_off(bad));
        self.admit(part);
        if let Some(examined) = behind.pop_front() {
            self.refuse_and_unlink(examined, Refusal::SignatureInvalid, behind);
        }
    }

    fn refuse_and_unlink(
        &mut self,
        bad: Examined<'r>,
        refusal: Refusal,
        behind: VecDeque<Examined<'r>>,
    ) {
        self.break_off(&bad.event);
        let no = refusal.into();
        self.judged
            .answered
            .push(answered(bad.place, &bad.event, no));
        for Examined { place, event, .. } in behind {
            self.unlinked(place, &event);
        }
    }

    /// All signatures of the part are vouched for.
    fn admit(&mut self, part: Vec<Examined<'r>>) {
        let (mut places, mut events, mut headers) = (Vec::new(), Vec::new(), Vec::new());
        for examined in part {
            places.push(examined.place);
            events.push(examined.event);
            headers.push(examined.headers);
        }
        // An empty part is no run, and nothing to admit.
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

/// Whether the last signature, which vouches for all below it, and one in 16 of the others are good.
fn verified_by_sample(part: &[Examined<'_>]) -> bool {
    let last = part.len() - 1;
    let drawn = |index| {
        index == last || fastrand::u32(..).is_multiple_of(schemas::limits::RUN_SAMPLE_ONE_IN)
    };
    part.iter()
        .enumerate()
        .filter(|(index, _)| drawn(*index))
        .all(|(_, examined)| examined.event.verify(examined.key).is_ok())
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
