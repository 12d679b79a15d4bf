//! What the bus delivered comes in, verified events go out, or why not. End to end: neither gateway nor bus is trusted for
//! authorship. What cannot be checked yet is held; what was checked and is wrong never passes. What is said of an event does not depend on
//! what came with it.

use std::sync::Arc;

use bytes::Bytes;
use schemas::envelope::format;
use schemas::envelope::nats::{self, Origin};
use schemas::event::{Hash, Position};
use schemas::feed::Feed;
use schemas::notice::GapDeclared;
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::Registry;
use schemas::signing::{PublicKey, SignedEvent, verify_all};
use schemas::subject::{FeedName, LogName, LogSubject};

/// An event whose signature was verified by the registry's key, and whose data fits its contract. Made only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEvent(SignedEvent);

impl VerifiedEvent {
    pub fn signed(&self) -> &SignedEvent {
        &self.0
    }

    /// For the stores' tests, which are about what is verified already.
    #[cfg(test)]
    pub(crate) fn new(event: SignedEvent) -> VerifiedEvent {
        VerifiedEvent(event)
    }
}

/// A gap declaration that bears the signature of the office whose log it is, by the registry's key. Made only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedGap {
    event: SignedEvent,
    gap: GapDeclared,
}

impl VerifiedGap {
    pub fn log(&self) -> &LogName {
        self.event.event().log()
    }

    pub fn gap(&self) -> GapDeclared {
        self.gap
    }

    /// Of the last event that was lost.
    pub fn goes_on_from(&self) -> Hash {
        self.event.link().prev
    }

    /// For the stores' tests, which are about what is verified already.
    #[cfg(test)]
    pub(crate) fn new(event: SignedEvent) -> VerifiedGap {
        let gap = GapDeclared::read(&event).expect("a declaration");
        VerifiedGap { event, gap }
    }

    /// As an agent kept it that held declarations against less.
    #[cfg(test)]
    pub(crate) fn of_old(event: SignedEvent, gap: GapDeclared) -> VerifiedGap {
        VerifiedGap { event, gap }
    }
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events: a box for each would cost more than the room in a few gaps"
)]
pub enum Verified {
    Event(VerifiedEvent),
    Gap(Box<VerifiedGap>),
}

/// An event of this bus, well formed and where it belongs, of which a check was made and failed. What it says counts for nothing; it is its
/// log's all the same where a believed event behind it names it by its hash. Made only here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbelieved {
    event: SignedEvent,
    why: Refusal,
}

impl Unbelieved {
    pub fn event(&self) -> &SignedEvent {
        &self.event
    }

    pub fn why(&self) -> &Refusal {
        &self.why
    }

    /// For the stores' tests.
    #[cfg(test)]
    pub(crate) fn new(event: SignedEvent) -> Unbelieved {
        let why = Refusal::SignatureInvalid;
        Unbelieved { event, why }
    }
}

/// Where a message stood in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In its log, or at its position's own subject.
    Log,
    /// Beside it, on `<log>.gap`.
    Gap,
}

/// An event as it came from the bus: well formed, where it belongs, and not believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// In the stream.
    pub sequence: u64,
    pub place: Place,
    pub event: SignedEvent,
}

/// Why a message of the bus cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error(transparent)]
    Bad(#[from] Refusal),
    /// A newer version wrote it into this log: nothing can be said of it here.
    #[error("{1}")]
    Held(LogName, Box<Hold>),
}

impl Incoming {
    /// # Errors
    /// What is wrong with it, or that it is of a newer version.
    pub fn read(
        feed: &FeedName,
        subject: &str,
        sequence: u64,
        headers: &[u8],
        data: Bytes,
    ) -> Result<Incoming, Unread> {
        let subject: LogSubject = subject.parse().map_err(|_| Refusal::SourceMismatch)?;
        let (place, position) = match &subject {
            LogSubject::Gap(_) => (Place::Gap, None),
            LogSubject::Log(_) => (Place::Log, None),
            LogSubject::Refill(_, position) => (Place::Log, Some(*position)),
        };
        let event = nats::decode(headers, data, Origin::Bus).map_err(|refusal| {
            let newer = format::newer_in_headers(headers).filter(|_| subject.log().feed == *feed);
            match newer {
                Some(hold) => Unread::Held(subject.log().clone(), Box::new(hold)),
                None => Unread::Bad(refusal),
            }
        })?;
        let belongs = event.event().log() == subject.log()
            && subject.log().feed == *feed
            && position.is_none_or(|position| position == event.link().position);
        let incoming = Incoming {
            sequence,
            place,
            event,
        };
        let elsewhere = || Refusal::SourceMismatch.into();
        belongs.then_some(incoming).ok_or_else(elsewhere)
    }
}

/// Why an event does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// A check was made, and failed on the event's own bytes: it has no place in any log of this bus.
    Bad(Refusal),
    /// A check was made, and failed; the log may go on behind it.
    Unbelieved(Box<Unbelieved>),
    /// A check could not be made yet.
    Held(Hold),
}

/// Checks by one registry.
#[derive(Debug, Clone)]
pub struct Verifier {
    pub registry: Arc<Registry>,
}

impl Verifier {
    /// Judges what came on one feed, in the order of the stream.
    pub fn verify(&self, feed: &FeedName, batch: &[Incoming]) -> Vec<Result<Verified, No>> {
        let known = self.registry.feed(feed);
        let keys: Vec<Result<PublicKey, Fault>> = batch
            .iter()
            .map(|incoming| {
                let feed = known.ok_or(Hold::FeedUnknown)?;
                let key = self.key_of(&incoming.event)?;
                match incoming.place {
                    Place::Log => self.check_content(feed, &incoming.event)?,
                    // It is read when it is known to be authentic.
                    Place::Gap => {}
                }
                Ok(key)
            })
            .collect();
        let keyed = batch.iter().zip(&keys);
        let claims = keyed.filter_map(|(incoming, key)| {
            let key = key.as_ref().ok()?;
            Some(incoming.event.claim(key))
        });
        let mut signatures = verify_all(&claims.collect::<Vec<_>>()).into_iter();
        let judged = batch.iter().zip(keys);
        judged
            .map(|(incoming, key)| {
                let checked = key.and_then(|_| {
                    let signature = signatures.next();
                    signature.unwrap_or(Err(Refusal::SignatureInvalid))?;
                    Ok(verified(incoming)?)
                });
                checked.map_err(|fault| self.no(incoming, fault))
            })
            .collect()
    }

    fn no(&self, incoming: &Incoming, fault: Fault) -> No {
        match fault {
            Fault::Held(hold) => No::Held(hold),
            Fault::Bad(why) if incoming.place == Place::Log && self.may_begin(&incoming.event) => {
                let event = incoming.event.clone();
                No::Unbelieved(Box::new(Unbelieved { event, why }))
            }
            Fault::Bad(why) => No::Bad(why),
        }
    }

    /// A log begins at this authority's genesis, and not at that of another bus, such as one for training.
    fn may_begin(&self, event: &SignedEvent) -> bool {
        let link = event.link();
        link.position != Position::FIRST || link.prev == self.registry.genesis()
    }

    fn key_of(&self, event: &SignedEvent) -> Result<PublicKey, Fault> {
        let log = event.event().log();
        if self.registry.office(&log.office).is_none() {
            return Err(Hold::OfficeUnknown.into());
        }
        let key = self.registry.key(event.keyid());
        let key = key.ok_or(Hold::KeyUnknown)?;
        let position = event.link().position;
        if key.office != log.office {
            Err(Refusal::SignerMismatch.into())
        } else if !key.honoured(&log.feed, position) {
            Err(Refusal::KeyRetired { at: position }.into())
        } else {
            Ok(key.public)
        }
    }

    fn check_content(&self, feed: &Feed, event: &SignedEvent) -> Result<(), Fault> {
        let core = event.event().core();
        if !self.may_begin(event) {
            return Err(Refusal::DigestMismatch.into());
        }
        let event_type = feed
            .admits(&core.event_type)
            .filter(|known| known.takes(&core.data_schema))
            .ok_or(Hold::ContractUnknown)?;
        let contract = self.registry.contract(&core.data_schema);
        let contract = contract.ok_or(Hold::ContractUnknown)?;
        let violated = |fault: schemas::contract::ContractFault| {
            Detail::new(fault.pointer, fault.en, fault.km)
        };
        let data = contract.check(event.event().data()).map_err(|faults| {
            let details = faults.into_iter().map(violated).collect();
            Refusal::ContractViolated(details)
        })?;
        let office = self.registry.office(&event.event().log().office);
        let office = office.ok_or(Hold::OfficeUnknown)?;
        self.registry
            .check_row(office, feed, event_type, &data)
            .map_err(|fault| Refusal::RowNotYours(violated(fault)).into())
    }
}

/// What a check came to that was not passed.
enum Fault {
    Bad(Refusal),
    Held(Hold),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Bad(refusal)
    }
}

impl From<Hold> for Fault {
    fn from(hold: Hold) -> Fault {
        Fault::Held(hold)
    }
}

fn verified(incoming: &Incoming) -> Result<Verified, Refusal> {
    let event = incoming.event.clone();
    Ok(match incoming.place {
        Place::Log => Verified::Event(VerifiedEvent(event)),
        Place::Gap => {
            let gap = GapDeclared::read(&event)?;
            Verified::Gap(Box::new(VerifiedGap { event, gap }))
        }
    })
}

#[cfg(test)]
mod tests;
