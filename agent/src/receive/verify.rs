//! What the bus delivered comes in, verified events go out, or why not. End to end: neither gateway nor bus is trusted for
//! authorship. What cannot be checked yet is held; what was checked and is wrong never passes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use schemas::chain::follows;
use schemas::envelope::nats::{self, Origin};
use schemas::event::Hash;
use schemas::feed::Feed;
use schemas::notice::GapDeclared;
use schemas::refusal::{Detail, Hold, Refusal};
use schemas::registry::Registry;
use schemas::signing::{PublicKey, SignedEvent};
use schemas::subject::{FeedName, LogName, LogSubject};

/// An event whose signature, or that of one above it in the chain, was verified by the registry's key, and whose data fits
/// its contract. Made only here.
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

impl Incoming {
    /// # Errors
    /// What is wrong with it.
    pub fn read(
        feed: &FeedName,
        subject: &str,
        sequence: u64,
        headers: &[u8],
        data: Bytes,
    ) -> Result<Incoming, Refusal> {
        let subject: LogSubject = subject.parse().map_err(|_| Refusal::SourceMismatch)?;
        let (place, position) = match &subject {
            LogSubject::Gap(_) => (Place::Gap, None),
            LogSubject::Log(_) => (Place::Log, None),
            LogSubject::Refill(_, position) => (Place::Log, Some(*position)),
        };
        let event = nats::decode(headers, data, Origin::Bus)?;
        let belongs = event.event().log() == subject.log()
            && subject.log().feed == *feed
            && position.is_none_or(|position| position == event.link().position);
        let incoming = Incoming {
            sequence,
            place,
            event,
        };
        belongs.then_some(incoming).ok_or(Refusal::SourceMismatch)
    }
}

/// Why an event does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// A check was made, and failed on the event's own bytes.
    Bad(Refusal),
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
        let keys: Vec<Result<PublicKey, No>> = batch
            .iter()
            .map(|incoming| {
                let feed = known.ok_or(No::Held(Hold::FeedUnknown))?;
                let key = self.key_of(&incoming.event)?;
                match incoming.place {
                    Place::Log => self.check_content(feed, &incoming.event)?,
                    // It is read when it is known to be authentic.
                    Place::Gap => {}
                }
                Ok(key)
            })
            .collect();
        let authentic = authentic(batch, &keys);
        let judged = batch.iter().zip(keys).zip(authentic);
        judged
            .map(|((incoming, key), authentic)| match key {
                Ok(_) if authentic => verified(incoming).map_err(No::Bad),
                Ok(_) => Err(No::Bad(Refusal::SignatureInvalid)),
                Err(no) => Err(no),
            })
            .collect()
    }

    fn key_of(&self, event: &SignedEvent) -> Result<PublicKey, No> {
        let log = event.event().log();
        if self.registry.office(&log.office).is_none() {
            return Err(No::Held(Hold::OfficeUnknown));
        }
        let key = self.registry.key(event.keyid());
        let key = key.ok_or(No::Held(Hold::KeyUnknown))?;
        let position = event.link().position;
        if key.office != log.office {
            Err(No::Bad(Refusal::SignerMismatch))
        } else if !key.honoured(&log.feed, position) {
            Err(No::Bad(Refusal::KeyRetired { at: position }))
        } else {
            Ok(key.public)
        }
    }

    fn check_content(&self, feed: &Feed, event: &SignedEvent) -> Result<(), No> {
        let (link, core) = (event.link(), event.event().core());
        let beginning = link.position == schemas::event::Position::FIRST;
        if beginning && link.prev != self.registry.genesis() {
            // Of another authority's bus, such as one for training.
            return Err(No::Bad(Refusal::DigestMismatch));
        }
        let event_type = feed
            .admits(&core.event_type)
            .filter(|known| known.takes(&core.data_schema))
            .ok_or(No::Held(Hold::ContractUnknown))?;
        let contract = self.registry.contract(&core.data_schema);
        let contract = contract.ok_or(No::Held(Hold::ContractUnknown))?;
        let violated = |fault: schemas::contract::ContractFault| {
            Detail::new(fault.pointer, fault.en, fault.km)
        };
        let data = contract.check(event.event().data()).map_err(|faults| {
            let details = faults.into_iter().map(violated).collect();
            No::Bad(Refusal::ContractViolated(details))
        })?;
        let office = self.registry.office(&event.event().log().office);
        let office = office.ok_or(No::Held(Hold::OfficeUnknown))?;
        self.registry
            .check_row(office, feed, event_type, &data)
            .map_err(|fault| No::Bad(Refusal::RowNotYours(violated(fault))))
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

/// From the end: a good signature vouches for the event of its log that it is linked to, and so on down.
fn authentic(batch: &[Incoming], keys: &[Result<PublicKey, No>]) -> Vec<bool> {
    let mut authentic = vec![false; batch.len()];
    let mut behind: HashMap<&LogName, usize> = HashMap::new();
    for (index, (incoming, key)) in batch.iter().zip(keys).enumerate().rev() {
        let event = &incoming.event;
        let next = match incoming.place {
            Place::Log => behind.insert(event.event().log(), index),
            // It is no link of the chain: nothing vouches for it, and it vouches for nothing.
            Place::Gap => None,
        };
        let vouched_for =
            next.is_some_and(|next| authentic[next] && follows(event, &batch[next].event).is_ok());
        authentic[index] = match key {
            Ok(key) => vouched_for || event.verify(key).is_ok(),
            Err(_) => false,
        };
    }
    authentic
}

#[cfg(test)]
mod tests;
