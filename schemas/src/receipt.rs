//! Receipts: what is stored of a log comes in, the gateway's signed word that everything up to a position is durable goes out.
//! It is a function of what is stored: asked again, at any gateway, it says the same; only who signs may be another.
//!
//! By the chain a receipt for a position covers all before it. Whether an event is authentic is not said here: a receipt is
//! about its hash.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Hash, Position, Timestamp};
use crate::newest::Newest;
use crate::registry::{Registry, RegistryHead};
use crate::signing::{Seal, SealFault, SignedEvent, SigningKey};
use crate::subject::LogName;

/// DSSE's payload type. What is signed is the facts as JSON, in the order of their fields here, without white space; a registry or an end
/// that is not named is left out, so that older receipts verify as they were signed.
pub const PAYLOAD_TYPE: &str = "application/vnd.spean.receipt.v1+json";
/// The headers in which the gateway's stamp stands with a stored event.
pub const ADMITTED_HEADER: &str = "Spean-Admitted";
pub const GATEWAY_HEADER: &str = "Spean-Gateway";

/// A gateway's name goes into headers and JSON as it is.
const GATEWAY_CHARS_MAX: usize = 64;

/// Says whether a text can be a gateway's name.
pub fn is_gateway_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    (1..=GATEWAY_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain)
}

/// What a gateway writes beside an event that it stores: when it did, by its clock, and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub admitted: Timestamp,
    pub gateway: String,
    /// The registry by which it was judged; None where it was stored before gateways said so.
    pub registry: Option<RegistryHead>,
    /// Where the feed's stream ended, as far as the gateway knew; None where it could not know.
    pub newest: Option<Newest>,
}

impl Stamp {
    /// The lines of a header block.
    pub fn headers(&self) -> String {
        let Stamp {
            admitted,
            gateway,
            registry,
            newest,
        } = self;
        let registry = registry.map(|head| head.header()).unwrap_or_default();
        let newest = newest.map(Newest::header).unwrap_or_default();
        format!(
            "{ADMITTED_HEADER}: {admitted}\r\n{GATEWAY_HEADER}: {gateway}\r\n{registry}{newest}"
        )
    }

    /// Reads it from a stored event's header block; None where it was not stored by a gateway of this kind.
    pub fn read(headers: &[u8]) -> Option<Stamp> {
        Some(Stamp {
            admitted: header(headers, ADMITTED_HEADER)?.parse().ok()?,
            gateway: header(headers, GATEWAY_HEADER)
                .filter(|name| is_gateway_name(name))?
                .into(),
            registry: RegistryHead::read(headers),
            newest: Newest::read(headers),
        })
    }
}

/// The value of a header in a block; of two, neither is believed.
pub fn header<'h>(headers: &'h [u8], name: &str) -> Option<&'h str> {
    let text = std::str::from_utf8(headers).ok()?;
    let mut values = text
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches(' '));
    values.next().filter(|_| values.next().is_none())
}

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub log: LogName,
    /// Everything up to here is durable.
    pub position: Position,
    /// Of the event at the position.
    pub hash: Hash,
    /// The stamp that stands with that event: who admitted it, and when.
    pub stamp: Stamp,
}

impl Facts {
    pub fn of(event: &SignedEvent, stamp: Stamp) -> Facts {
        Facts {
            log: event.event().log().clone(),
            position: event.link().position,
            hash: event.hash(),
            stamp,
        }
    }

    fn payload(&self) -> String {
        let Facts {
            log,
            position,
            hash,
            stamp:
                Stamp {
                    admitted,
                    gateway,
                    registry,
                    newest,
                },
        } = self;
        let registry = registry.map(|head| format!(r#","registry":"{head}""#));
        let newest = newest.map(|newest| format!(r#","newest":{newest}"#));
        format!(
            r#"{{"log":"{}","position":{position},"hash":"{hash}","admitted":"{admitted}","gateway":"{gateway}"{}{}}}"#,
            log.source(),
            registry.unwrap_or_default(),
            newest.unwrap_or_default()
        )
    }
}

/// Facts with the seal of the gateway that was asked; nothing is believed of it before `verified`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Receipt {
    facts: Facts,
    seal: Seal,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    #[error("the registry knows no gateway with the key {0}")]
    KeyUnknown(String),
    #[error("its signature is not its key's")]
    Signature,
    #[error("it is for another event than the one that was sent")]
    OtherEvent,
    #[error("it is not written as a receipt is: {0}")]
    Unreadable(String),
}

impl Receipt {
    pub fn sign(facts: Facts, key: &SigningKey) -> Receipt {
        let seal = Seal::sign(PAYLOAD_TYPE, facts.payload().as_bytes(), key);
        Receipt { facts, seal }
    }

    /// What was said apart from each other; nothing is believed of it.
    pub(crate) fn from_parts(facts: Facts, seal: Seal) -> Receipt {
        Receipt { facts, seal }
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Proves that a gateway of the registry has said it.
    ///
    /// # Errors
    /// `KeyUnknown`, `Signature`.
    pub fn verified(self, registry: &Registry) -> Result<VerifiedReceipt, ReceiptFault> {
        let keyid = self.seal.keyid();
        let known = registry.gateway_key(keyid);
        let key = known.ok_or_else(|| ReceiptFault::KeyUnknown(keyid.into()))?;
        let payload = self.facts.payload();
        match self
            .seal
            .is_of(PAYLOAD_TYPE, payload.as_bytes(), &key.public)
        {
            true => Ok(VerifiedReceipt(self)),
            false => Err(ReceiptFault::Signature),
        }
    }

    /// What it says, believed or not.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The key of the gateway that signed it: not always the one that stored the event.
    pub fn keyid(&self) -> &str {
        self.seal.keyid()
    }

    /// As a DSSE envelope, for other tools.
    pub fn envelope(&self) -> String {
        self.seal
            .envelope(PAYLOAD_TYPE, self.facts.payload().as_bytes())
    }
}

/// A receipt that a gateway of the registry has signed. Made only by [`Receipt::verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt(Receipt);

impl VerifiedReceipt {
    /// # Errors
    /// `OtherEvent`.
    pub fn is_for(&self, event: &SignedEvent) -> Result<(), ReceiptFault> {
        self.is_at(event.event().log(), event.link().position, event.hash())
    }

    /// # Errors
    /// `OtherEvent`.
    pub fn is_at(&self, log: &LogName, position: Position, hash: Hash) -> Result<(), ReceiptFault> {
        let facts = &self.0.facts;
        let same = facts.log == *log && facts.position == position && facts.hash == hash;
        same.then_some(()).ok_or(ReceiptFault::OtherEvent)
    }

    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    pub fn receipt(&self) -> &Receipt {
        &self.0
    }
}

/// The form on the wire and in files: the facts, and the seal beside them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    log: String,
    position: u64,
    hash: String,
    admitted: String,
    gateway: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<RegistryHead>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Newest>,
    keyid: String,
    sig: String,
}

/// A field that is not as it must be.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not written as it must be")]
pub struct FieldFault(pub &'static str);

impl From<SealFault> for FieldFault {
    fn from(fault: SealFault) -> FieldFault {
        match fault {
            SealFault::Keyid => FieldFault("keyid"),
            SealFault::Signature => FieldFault("sig"),
        }
    }
}

impl TryFrom<Written> for Receipt {
    type Error = FieldFault;

    fn try_from(written: Written) -> Result<Receipt, FieldFault> {
        let field = FieldFault;
        let named = is_gateway_name(&written.gateway).then_some(written.gateway);
        let facts = Facts {
            log: LogName::from_source(&written.log).map_err(|_| field("log"))?,
            position: Position::new(written.position).ok_or(field("position"))?,
            hash: written.hash.parse().map_err(|_| field("hash"))?,
            stamp: Stamp {
                admitted: written.admitted.parse().map_err(|_| field("admitted"))?,
                gateway: named.ok_or(field("gateway"))?,
                registry: written.registry,
                newest: written.newest,
            },
        };
        let seal = Seal::read(&written.keyid, &written.sig)?;
        Ok(Receipt { facts, seal })
    }
}

impl From<Receipt> for Written {
    fn from(receipt: Receipt) -> Written {
        let Receipt { facts, seal } = receipt;
        Written {
            log: facts.log.source(),
            position: facts.position.number(),
            hash: facts.hash.to_string(),
            admitted: facts.stamp.admitted.to_string(),
            gateway: facts.stamp.gateway,
            registry: facts.stamp.registry,
            newest: facts.stamp.newest,
            keyid: seal.keyid().into(),
            sig: seal.sig(),
        }
    }
}

impl fmt::Display for Receipt {
    /// One line of JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests;
