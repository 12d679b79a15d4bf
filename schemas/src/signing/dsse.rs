//! CloudEvents' signing extension (cloudevents/extensions/verifiability.md) over DSSE v1.0.2, as the extension has it:
//! digests, pre-authentication encoding, and a verifier of any material that it allows. Our own canonical form, which is
//! all that the bus takes, is built from these in `signing`.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;

use super::PublicKey;
use crate::event::{Hash, Timestamp};
use crate::limits::MATERIAL_BYTES_MAX;

/// The type of the signed payload: version 0.1 of the extension.
pub const PAYLOAD_TYPE: &str = "https://cloudevents.io/verifiability/dsse/v0.1";

/// The core attributes in the order in which they are digested.
pub const CORE_ATTRIBUTES: [&str; 8] = [
    "id",
    "source",
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "subject",
    "time",
];

/// The digest of the core attributes, given in the order of [`CORE_ATTRIBUTES`] (absent ones empty), and of the data.
pub fn core_digest(attributes: [&str; 8], data: &[u8]) -> Hash {
    core_digest_of(attributes, Hash::of(data))
}

/// The same where the data is known by its digest alone.
pub(super) fn core_digest_of(attributes: [&str; 8], data: Hash) -> Hash {
    let mut all = [0; 9 * 32];
    let attributes = attributes.map(|attribute| Hash::of(attribute.as_bytes()));
    for (slot, part) in all
        .chunks_exact_mut(32)
        .zip(attributes.into_iter().chain([data]))
    {
        slot.copy_from_slice(part.as_bytes());
    }
    Hash::of(&all)
}

/// The digest of the extension attributes' values, in the order of `signedextattrs`.
pub fn ext_digest<'a>(values: impl Iterator<Item = &'a [u8]>) -> Hash {
    let mut all = Vec::with_capacity(6 * 32);
    for value in values {
        all.extend_from_slice(Hash::of(value).as_bytes());
    }
    Hash::of(&all)
}

/// DSSE's pre-authentication encoding of a payload of [`PAYLOAD_TYPE`]: what is signed.
pub fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    encoding_of(PAYLOAD_TYPE, payload)
}

/// DSSE's pre-authentication encoding of a payload of any type.
pub(super) fn encoding_of(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

/// A key with which foreign material can be checked.
#[derive(Debug, Clone)]
pub enum VerifyingKey {
    Ed25519(PublicKey),
    /// An uncompressed point; signatures are r || s.
    P256([u8; 65]),
}

impl VerifyingKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            VerifyingKey::Ed25519(key) => {
                let signature = signature.try_into();
                signature.is_ok_and(|signature| key.claim(message, signature).is_good())
            }
            VerifyingKey::P256(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
                .verify(message, signature)
                .is_ok(),
        }
    }
}

/// What a good signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The core attributes and the data; any extension attribute is unsigned and must be dropped.
    Core,
    /// These extension attributes as well.
    CoreAndExtensions(Vec<String>),
}

/// Why material verifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MaterialFault {
    #[error("is no DSSE envelope of the extension's version 0.1")]
    Malformed,
    #[error(
        "names no attribute twice, no core attribute and not itself among the signed extension attributes"
    )]
    SignedNames,
    #[error("was made for other attributes or other data")]
    Digest,
    #[error("carries no signature of this key")]
    Signature,
}

#[derive(Deserialize)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
struct Payload {
    core: String,
    ext: Option<String>,
    signedextattrs: Option<Vec<String>>,
}

/// Verifies decoded `dssematerial` over an event given by its attributes' canonical values.
///
/// # Errors
/// [`MaterialFault`], the first that applies.
pub fn verify(
    material: &[u8],
    attribute: impl Fn(&str) -> Option<String>,
    data: &[u8],
    key: &VerifyingKey,
) -> Result<Verified, MaterialFault> {
    let Opened {
        payload,
        signatures,
    } = open(material)?;
    let signed: Payload = serde_json::from_slice(&payload).map_err(|_| MaterialFault::Malformed)?;
    let message = pre_authentication_encoding(&payload);
    if !signatures
        .iter()
        .any(|signature| key.verify(&message, signature))
    {
        return Err(MaterialFault::Signature);
    }
    let core = CORE_ATTRIBUTES.map(|name| canonical(name, attribute(name)));
    let digest = core_digest(core.each_ref().map(String::as_str), data);
    if decode_any(&signed.core)? != digest.as_bytes() {
        return Err(MaterialFault::Digest);
    }
    let (Some(ext), Some(names)) = (&signed.ext, signed.signedextattrs) else {
        return if signed.ext.is_none() {
            Ok(Verified::Core)
        } else {
            Err(MaterialFault::Malformed)
        };
    };
    check_names(&names)?;
    let values: Vec<String> = names
        .iter()
        .map(|name| canonical(name, attribute(name)))
        .collect();
    let digest = ext_digest(values.iter().map(String::as_bytes));
    if decode_any(ext)? != digest.as_bytes() {
        return Err(MaterialFault::Digest);
    }
    Ok(Verified::CoreAndExtensions(names))
}

/// An envelope whose base64 has been taken off.
struct Opened {
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

fn open(material: &[u8]) -> Result<Opened, MaterialFault> {
    if material.len() > MATERIAL_BYTES_MAX {
        return Err(MaterialFault::Malformed);
    }
    let envelope: Envelope =
        serde_json::from_slice(material).map_err(|_| MaterialFault::Malformed)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(MaterialFault::Malformed);
    }
    Ok(Opened {
        payload: decode_any(&envelope.payload)?,
        signatures: envelope
            .signatures
            .iter()
            .map(|s| decode_any(&s.sig))
            .collect::<Result<_, _>>()?,
    })
}

/// A time is digested in UTC, cut to whole seconds; everything else as it is.
fn canonical(name: &str, value: Option<String>) -> String {
    let value = value.unwrap_or_default();
    match Timestamp::from_rfc3339(&value) {
        Some(time) if name == "time" => time.to_string(),
        _ => value,
    }
}

fn check_names(names: &[String]) -> Result<(), MaterialFault> {
    let mut once = BTreeSet::new();
    let repeated = !names.iter().all(|name| once.insert(name));
    let reserved = names.iter().any(|name| {
        CORE_ATTRIBUTES.contains(&name.as_str()) || name == "dssematerial" || name == "data"
    });
    if repeated || reserved {
        Err(MaterialFault::SignedNames)
    } else {
        Ok(())
    }
}

/// DSSE takes both base64 alphabets; padding is optional.
fn decode_any(text: &str) -> Result<Vec<u8>, MaterialFault> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(text)
        .or_else(|_| GeneralPurpose::new(&alphabet::URL_SAFE, lenient).decode(text))
        .map_err(|_| MaterialFault::Malformed)
}

#[cfg(test)]
mod tests;
