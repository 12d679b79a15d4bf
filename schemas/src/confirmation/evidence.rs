//! What a confirmation stands on: the material of the event at the confirmed position, signed by the log's office, comes in, and with
//! which key it was signed goes out. A reader has it and cannot make it, whether the bus still has the event or not.

use serde::{Deserialize, Serialize};

use super::Said;
use crate::chain::Link;
use crate::event::{Hash, Position};
use crate::json;
use crate::receipt::{FieldFault, header};
use crate::registry::Registry;
use crate::signing::{SignedEvent, Skeleton};
use crate::subject::LogName;

/// The header in which a reader brings evidence beside its confirmation: about 400 bytes.
pub const EVIDENCE_HEADER: &str = "Spean-Evidence";
/// The header that a gateway stores instead: the `keyid` with which the office has signed what is confirmed.
pub const SIGNED_WITH_HEADER: &str = "Spean-Signed-With";

/// The event at the confirmed position without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Evidence {
    /// The hash of the event before it.
    prev: Hash,
    event: Skeleton,
}

/// Why evidence proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFault {
    #[error("it is not written as evidence is")]
    Unreadable,
    #[error("it is of another event than the confirmed one")]
    OtherEvent,
    #[error("the registry knows no key {0}")]
    KeyUnknown(String),
    #[error("its key is not the office's at this position")]
    KeyNotTheirs,
    #[error("its signature is not its key's")]
    Signature,
}

impl Evidence {
    pub fn of(event: &SignedEvent) -> Evidence {
        Evidence {
            prev: event.link().prev,
            event: Skeleton::of(event),
        }
    }

    /// The header block in which it is brought.
    pub fn headers(&self) -> String {
        let text = json::text(self);
        format!("NATS/1.0\r\n{EVIDENCE_HEADER}: {text}\r\n\r\n")
    }

    /// Reads it from the headers of a confirmation; None where none came with it.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn read(headers: &[u8]) -> Option<Result<Evidence, EvidenceFault>> {
        let text = header(headers, EVIDENCE_HEADER)?;
        Some(serde_json::from_str(text).map_err(|_| EvidenceFault::Unreadable))
    }

    /// Proves that the log's office has signed what is said, and tells with which key.
    ///
    /// # Errors
    /// [`EvidenceFault`].
    pub fn proves(&self, said: &Said, registry: &Registry) -> Result<&str, EvidenceFault> {
        let link = Link {
            position: said.position,
            prev: self.prev,
        };
        if self.event.head_at(link).hash != said.hash {
            return Err(EvidenceFault::OtherEvent);
        }
        let keyid = self.event.keyid();
        let known = registry.key(keyid);
        let key = known.ok_or_else(|| EvidenceFault::KeyUnknown(keyid.to_owned()))?;
        if !is_the_office_s(keyid, &said.log, said.position, registry) {
            return Err(EvidenceFault::KeyNotTheirs);
        }
        match self.event.is_signed_with(link, &key.public) {
            true => Ok(keyid),
            false => Err(EvidenceFault::Signature),
        }
    }
}

/// The header block that is stored with a confirmation whose evidence was seen.
pub fn signed_with(keyid: &str) -> String {
    format!("NATS/1.0\r\n{SIGNED_WITH_HEADER}: {keyid}\r\n\r\n")
}

/// Whether evidence was seen for a stored confirmation, of a key that the registry honours there today.
pub fn is_proved(headers: &[u8], said: &Said, registry: &Registry) -> bool {
    let keyid = header(headers, SIGNED_WITH_HEADER);
    keyid.is_some_and(|keyid| is_the_office_s(keyid, &said.log, said.position, registry))
}

fn is_the_office_s(keyid: &str, log: &LogName, position: Position, registry: &Registry) -> bool {
    registry
        .key(keyid)
        .is_some_and(|key| key.office == log.office && key.honoured(&log.feed, position))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    prev: String,
    event: Skeleton,
}

impl TryFrom<Written> for Evidence {
    type Error = FieldFault;

    fn try_from(written: Written) -> Result<Evidence, FieldFault> {
        Ok(Evidence {
            prev: written.prev.parse().map_err(|_| FieldFault("prev"))?,
            event: written.event,
        })
    }
}

impl From<Evidence> for Written {
    fn from(evidence: Evidence) -> Written {
        Written {
            prev: evidence.prev.to_string(),
            event: evidence.event,
        }
    }
}

#[cfg(test)]
mod tests;
