//! An event whose data is withheld: erased by right, or not for whoever is shown the event. A signed event comes in, the same with
//! its data's digest in the place of the data goes out: the digest and the signature suffice to say that it is authentic.

use super::{PublicKey, SignedEvent, canonical_parts, fault_in, payload_over};
use crate::chain::Link;
use crate::event::{Event, Hash};
use crate::refusal::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldEvent {
    /// Without data; what was signed, its hash and its signature are those of the whole.
    signed: SignedEvent,
    data: Hash,
}

impl WithheldEvent {
    pub fn of(event: &SignedEvent) -> WithheldEvent {
        WithheldEvent {
            data: Hash::of(event.event.data()),
            signed: SignedEvent {
                event: event.event.without_data(),
                ..event.clone()
            },
        }
    }

    /// Joins an event without data with its data's digest and the material that came beside it.
    ///
    /// # Errors
    /// As [`SignedEvent::from_parts`].
    pub fn from_parts(
        event: Event,
        link: Link,
        data: Hash,
        given: &[u8],
    ) -> Result<WithheldEvent, Refusal> {
        let payload = payload_over(&event, &link, data);
        let Some((keyid, signature)) = canonical_parts(given, &payload) else {
            return Err(fault_in(given, &payload));
        };
        let signed = SignedEvent {
            event,
            link,
            keyid: keyid.to_owned(),
            signature,
            hash: Hash::of(given),
            payload: payload.into(),
        };
        Ok(WithheldEvent { signed, data })
    }

    /// # Errors
    /// `SignatureInvalid`.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Refusal> {
        self.signed.verify(key)
    }

    /// Everything of the event but its data, which is empty here.
    pub fn without_data(&self) -> &SignedEvent {
        &self.signed
    }

    /// SHA-256 of the data.
    pub fn data(&self) -> Hash {
        self.data
    }
}
