//! Deliveries in, VerifiedEvent out: checked end to end.

use schemas::signing::SignedEvent;

/// An event whose signature, or that of one above it in the chain, was verified by the registry's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEvent(SignedEvent);

impl VerifiedEvent {
    pub(crate) fn new(event: SignedEvent) -> VerifiedEvent {
        VerifiedEvent(event)
    }

    pub fn signed(&self) -> &SignedEvent {
        &self.0
    }
}
