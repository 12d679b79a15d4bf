//! Confirmations: what a reader holds of a log comes in, its signed word "complete to position n" goes out, for the office whose
//! log it is. Cumulative: the newest says all. Nothing is believed of one before `verified`.

mod evidence;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Hash, Position, Timestamp};
use crate::newest::Newest;
use crate::receipt::FieldFault;
use crate::registry::{Registry, RegistryHead};
use crate::signing::{Seal, SigningKey};
use crate::subject::{ConfirmSubject, LogName, OfficeId};

pub use self::evidence::{Evidence, EvidenceFault, is_proved, signed_with};

/// DSSE's payload type. What is signed is the said as JSON, in the order of its fields here, without white space.
pub const PAYLOAD_TYPE: &str = "application/vnd.spean.confirmation.v1+json";

/// What a reader says of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub reader: OfficeId,
    pub log: LogName,
    /// The reader holds everything up to here, verified and on disk.
    pub position: Position,
    /// Of the event at the position.
    pub hash: Hash,
    /// By the reader's clock.
    pub time: Timestamp,
    /// The registry by which the reader has believed it; None where readers did not say so yet.
    pub registry: Option<RegistryHead>,
    /// The newest of the feed's stream that the reader has seen; None where readers did not say so yet.
    pub newest: Option<Newest>,
}

impl Said {
    fn payload(&self) -> String {
        let Said {
            reader,
            log,
            position,
            hash,
            time,
            registry,
            newest,
        } = self;
        let registry = registry.map(|head| format!(r#","registry":"{head}""#));
        let newest = newest.map(|newest| format!(r#","newest":{newest}"#));
        format!(
            r#"{{"reader":"{reader}","log":"{}","position":{position},"hash":"{hash}","time":"{time}"{}{}}}"#,
            log.source(),
            registry.unwrap_or_default(),
            newest.unwrap_or_default()
        )
    }

    /// Where it is published.
    pub fn subject(&self) -> ConfirmSubject {
        ConfirmSubject {
            reader: self.reader.clone(),
            log: self.log.clone(),
        }
    }
}

/// What is said, with the seal of the reader's signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Confirmation {
    said: Said,
    seal: Seal,
}

/// Why a confirmation proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationFault {
    #[error("the registry knows no key {0}")]
    KeyUnknown(String),
    #[error("its key is another office's than the reader's, or is retired")]
    KeyNotTheirs,
    #[error("its signature is not its key's")]
    Signature,
}

impl Confirmation {
    pub fn sign(said: Said, key: &SigningKey) -> Confirmation {
        let seal = Seal::sign(PAYLOAD_TYPE, said.payload().as_bytes(), key);
        Confirmation { said, seal }
    }

    /// Proves that the reader has said it.
    ///
    /// # Errors
    /// [`ConfirmationFault`].
    pub fn verified(&self, registry: &Registry) -> Result<&Said, ConfirmationFault> {
        let keyid = self.seal.keyid();
        let known = registry.key(keyid);
        let key = known.ok_or_else(|| ConfirmationFault::KeyUnknown(keyid.into()))?;
        if key.office != self.said.reader || key.is_retired() {
            return Err(ConfirmationFault::KeyNotTheirs);
        }
        let payload = self.said.payload();
        match self
            .seal
            .is_of(PAYLOAD_TYPE, payload.as_bytes(), &key.public)
        {
            true => Ok(&self.said),
            false => Err(ConfirmationFault::Signature),
        }
    }

    /// What it says, believed or not.
    pub fn said(&self) -> &Said {
        &self.said
    }
}

/// The form on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    reader: OfficeId,
    log: String,
    position: u64,
    hash: String,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<RegistryHead>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Newest>,
    keyid: String,
    sig: String,
}

impl TryFrom<Written> for Confirmation {
    type Error = FieldFault;

    fn try_from(written: Written) -> Result<Confirmation, FieldFault> {
        let field = FieldFault;
        let said = Said {
            reader: written.reader,
            log: LogName::from_source(&written.log).map_err(|_| field("log"))?,
            position: Position::new(written.position).ok_or(field("position"))?,
            hash: written.hash.parse().map_err(|_| field("hash"))?,
            time: written.time.parse().map_err(|_| field("time"))?,
            registry: written.registry,
            newest: written.newest,
        };
        let seal = Seal::read(&written.keyid, &written.sig)?;
        Ok(Confirmation { said, seal })
    }
}

impl From<Confirmation> for Written {
    fn from(confirmation: Confirmation) -> Written {
        let Confirmation { said, seal } = confirmation;
        Written {
            reader: said.reader,
            log: said.log.source(),
            position: said.position.number(),
            hash: said.hash.to_string(),
            time: said.time.to_string(),
            registry: said.registry,
            newest: said.newest,
            keyid: seal.keyid().into(),
            sig: seal.sig(),
        }
    }
}

impl fmt::Display for Confirmation {
    /// One line of JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
pub(crate) mod tests;
