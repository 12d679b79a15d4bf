//! Signing: an event and its place in the chain come in, a `SignedEvent` goes out, and its bytes are final.
//! The material has one canonical form, so that it can be rebuilt from its parts; another form is refused.
//! Whether the signer may sign for this log is not asked here.

pub mod dsse;
mod ed25519;
mod fingerprint;
mod key;
mod seal;
mod skeleton;
mod withheld;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use self::dsse::{PAYLOAD_TYPE, core_digest_of, ext_digest, pre_authentication_encoding};
pub use self::ed25519::Claim;
pub use self::fingerprint::{Fingerprint, NotAFingerprint};
pub use self::key::{KeyFault, PublicKey, SigningKey, WrittenKey};
pub use self::seal::{Seal, SealFault};
pub use self::skeleton::Skeleton;
pub use self::withheld::WithheldEvent;
use crate::chain::Link;
use crate::event::{Classification, Event, Hash, LOG_FORMAT, Timestamp};
use crate::limits::MATERIAL_BYTES_MAX;
use crate::refusal::Refusal;

/// An event in its place: numbered, chained, and carrying material whose digests are those of its content.
/// That the signature itself is good is proved by `verify` alone, or by [`verify_all`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    event: Event,
    link: Link,
    keyid: String,
    signature: [u8; 64],
    hash: Hash,
    /// What was signed: kept, because making it again digests everything again.
    payload: Box<[u8]>,
}

impl SignedEvent {
    pub fn sign(event: Event, link: Link, key: &SigningKey) -> SignedEvent {
        let payload = payload(&event, &link);
        let signature = key.sign(&pre_authentication_encoding(&payload));
        let hash = Hash::of(&material(&payload, key.keyid(), &signature));
        SignedEvent {
            event,
            link,
            keyid: key.keyid().into(),
            signature,
            hash,
            payload: payload.into(),
        }
    }

    /// Joins an event with the material that came beside it.
    ///
    /// # Errors
    /// `MaterialMalformed`, `MaterialNotCanonical`, or `DigestMismatch` where it was made for other content.
    pub fn from_parts(event: Event, link: Link, given: &[u8]) -> Result<SignedEvent, Refusal> {
        let payload = payload(&event, &link);
        let Some((keyid, signature)) = canonical_parts(given, &payload) else {
            return Err(fault_in(given, &payload));
        };
        Ok(SignedEvent {
            keyid: keyid.to_owned(),
            event,
            link,
            signature,
            hash: Hash::of(given),
            payload: payload.into(),
        })
    }

    /// Joins an event with what of its material cannot be made again from it. Whether this is the event that was signed is for its hash or its
    /// signature to say.
    ///
    /// # Errors
    /// `MaterialMalformed` where the `keyid` is none that canonical material has.
    pub fn rebuilt(
        event: Event,
        link: Link,
        keyid: &str,
        signature: [u8; 64],
    ) -> Result<SignedEvent, Refusal> {
        let payload = payload(&event, &link);
        let material = material(&payload, keyid, &signature);
        if !is_plain(keyid) || material.len() > MATERIAL_BYTES_MAX {
            return Err(Refusal::MaterialMalformed);
        }
        Ok(SignedEvent {
            keyid: keyid.to_owned(),
            event,
            link,
            signature,
            hash: Hash::of(&material),
            payload: payload.into(),
        })
    }

    /// # Errors
    /// `SignatureInvalid`.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Refusal> {
        verdict(self.claim(key).is_good())
    }

    /// That its signature is this key's: what [`verify_all`] verifies of many at once.
    pub fn claim(&self, key: &PublicKey) -> Claim {
        let message = pre_authentication_encoding(&self.payload);
        key.claim(&message, &self.signature)
    }

    pub fn event(&self) -> &Event {
        &self.event
    }

    pub fn id(&self) -> &str {
        self.event.id()
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// What the next event's `prevhash` says.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The key that the material names; a hint until `verify`.
    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The decoded `dssematerial` attribute.
    pub fn material(&self) -> Bytes {
        material(&self.payload, &self.keyid, &self.signature).into()
    }
}

/// Says of each claim, in their order, what [`SignedEvent::verify`] says of its event, for a third of the price.
pub fn verify_all(claims: &[Claim]) -> Vec<Result<(), Refusal>> {
    ed25519::are_good(claims).into_iter().map(verdict).collect()
}

fn verdict(good: bool) -> Result<(), Refusal> {
    good.then_some(()).ok_or(Refusal::SignatureInvalid)
}

/// The extension attributes of an event in its place, all of them signed, in the order in which they are signed.
pub(crate) fn extensions<'a>(event: &'a Event, link: &Link) -> Vec<(&'static str, Cow<'a, str>)> {
    let core = event.core();
    let causation_id = core.causation_id.as_deref();
    extensions_of(
        causation_id,
        link,
        event.recorded_time(),
        core.data_classification,
    )
}

fn extensions_of<'a>(
    causation_id: Option<&'a str>,
    link: &Link,
    recorded_time: Timestamp,
    classification: Classification,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let mut all: Vec<(&'static str, Cow<'a, str>)> = Vec::with_capacity(6);
    if let Some(causation_id) = causation_id {
        all.push(("causationid", causation_id.into()));
    }
    all.push(("sequence", link.position.sequence().into()));
    all.push(("prevhash", link.prev.to_string().into()));
    all.push(("recordedtime", recorded_time.to_string().into()));
    all.push(("dataclassification", classification.as_str().into()));
    all.push(("logformat", LOG_FORMAT.into()));
    all
}

fn payload(event: &Event, link: &Link) -> Vec<u8> {
    payload_over(event, link, Hash::of(event.data()))
}

/// What is signed of an event whose data is known by its digest.
fn payload_over(event: &Event, link: &Link, data: Hash) -> Vec<u8> {
    let core = event.core();
    let attributes = [
        core.id.as_str(),
        &event.log().source(),
        "1.0",
        &core.event_type,
        &core.data_content_type,
        &core.data_schema,
        core.subject.as_deref().unwrap_or(""),
        &core.time.to_string(),
    ];
    payload_of(core_digest_of(attributes, data), &extensions(event, link))
}

fn payload_of(core: Hash, extensions: &[(&'static str, Cow<'_, str>)]) -> Vec<u8> {
    let names: Vec<&str> = extensions.iter().map(|(name, _)| *name).collect();
    format!(
        r#"{{"core":"{}","ext":"{}","signedextattrs":["{}"]}}"#,
        STANDARD.encode(core.as_bytes()),
        STANDARD.encode(ext_digest(extensions.iter().map(|(_, v)| v.as_bytes())).as_bytes()),
        names.join(r#"",""#),
    )
    .into_bytes()
}

fn material(payload: &[u8], keyid: &str, signature: &[u8; 64]) -> Vec<u8> {
    format!(
        r#"{{"payload":"{}","payloadType":"{PAYLOAD_TYPE}","signatures":[{{"keyid":"{keyid}","sig":"{}"}}]}}"#,
        STANDARD.encode(payload),
        STANDARD.encode(signature),
    )
    .into_bytes()
}

/// The `keyid` and the signature of material that is canonical over this payload.
fn canonical_parts<'g>(given: &'g [u8], payload: &[u8]) -> Option<(&'g str, [u8; 64])> {
    if given.len() > MATERIAL_BYTES_MAX {
        return None;
    }
    let rest = std::str::from_utf8(given).ok()?;
    let rest = rest.strip_prefix(r#"{"payload":""#)?;
    let rest = rest.strip_prefix(STANDARD.encode(payload).as_str())?;
    let rest = rest.strip_prefix(r#"","payloadType":""#)?;
    let rest = rest.strip_prefix(PAYLOAD_TYPE)?;
    let rest = rest.strip_prefix(r#"","signatures":[{"keyid":""#)?;
    let (keyid, rest) = rest.split_once(r#"","sig":""#)?;
    let signature = signature_of(rest.strip_suffix(r#""}]}"#)?)?;
    is_plain(keyid).then_some((keyid, signature))
}

/// Standard base64 with padding, of which 64 bytes have one form.
fn signature_of(text: &str) -> Option<[u8; 64]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn is_plain(keyid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    keyid.bytes().all(plain)
}

/// What is wrong with material that is not canonical over this payload.
fn fault_in(given: &[u8], payload: &[u8]) -> Refusal {
    match read_payload(given) {
        Some(read) if read == payload => Refusal::MaterialNotCanonical,
        Some(read) => fault_between(&read, payload),
        None => Refusal::MaterialMalformed,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Material {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: [MaterialSignature; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaterialSignature {
    keyid: String,
    sig: String,
}

#[derive(Deserialize)]
struct Digests {
    core: String,
    ext: Option<String>,
    #[serde(default)]
    signedextattrs: Vec<String>,
}

impl Digests {
    /// Whether the signature leaves out an attribute that the other one covers.
    fn covers_less_than(&self, other: &Digests) -> bool {
        let covered = |name| self.signedextattrs.contains(name);
        self.ext.is_none() || !other.signedextattrs.iter().all(covered)
    }
}

/// The payload of material in any form that the extension allows for one signature.
fn read_payload(given: &[u8]) -> Option<Vec<u8>> {
    if given.len() > MATERIAL_BYTES_MAX {
        return None;
    }
    let Material {
        payload,
        payload_type,
        signatures: [MaterialSignature { keyid, sig }],
    } = serde_json::from_slice(given).ok()?;
    let signed = payload_type == PAYLOAD_TYPE && is_plain(&keyid) && signature_of(&sig).is_some();
    STANDARD.decode(payload).ok().filter(|_| signed)
}

/// Tells content that was changed from a payload that is only written otherwise.
fn fault_between(given: &[u8], expected: &[u8]) -> Refusal {
    let read = |payload| serde_json::from_slice::<Digests>(payload).ok();
    match (read(given), read(expected)) {
        (None, _) => Refusal::MaterialMalformed,
        (Some(given), Some(own)) if given.covers_less_than(&own) => Refusal::AttributesUnsigned,
        (Some(given), Some(own)) if given.core == own.core && given.ext == own.ext => {
            Refusal::MaterialNotCanonical
        }
        (Some(_), _) => Refusal::DigestMismatch,
    }
}

#[cfg(test)]
pub(crate) mod tests;
