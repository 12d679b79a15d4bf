//! A seal: the signature of a statement that is no event. What is said comes in as canonical bytes with their type, who signed
//! it and the signature go out. Plain DSSE v1.0.2: with the payload beside it, any DSSE library checks it.
//! The payload itself is not kept: it is written anew from what is said, so that nothing unsigned can stand beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dsse::encoding_of;
use super::{PublicKey, SigningKey};

/// A base64 signature of 64 bytes.
const SIGNATURE_CHARS: usize = 88;
/// An RFC 7638 thumbprint in base64url.
const KEYID_CHARS: usize = 43;

/// Who signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub(super) keyid: String,
    pub(super) signature: [u8; 64],
}

/// Why words are no seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    #[error("keyid must be a key's thumbprint of {KEYID_CHARS} characters")]
    Keyid,
    #[error("sig must be {SIGNATURE_CHARS} characters of standard base64")]
    Signature,
}

impl Seal {
    pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Seal {
        Seal {
            keyid: key.keyid().into(),
            signature: key.sign(&encoding_of(payload_type, payload)),
        }
    }

    /// Reads what [`Seal::keyid`] and [`Seal::sig`] wrote; there is one form of each.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn read(keyid: &str, sig: &str) -> Result<Seal, SealFault> {
        let mut seal = Seal::of(keyid, [0; 64])?;
        let bytes = STANDARD.decode(sig).map_err(|_| SealFault::Signature)?;
        seal.signature = bytes.try_into().map_err(|_| SealFault::Signature)?;
        Ok(seal)
    }

    /// # Errors
    /// `SealFault::Keyid`.
    pub fn of(keyid: &str, signature: [u8; 64]) -> Result<Seal, SealFault> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        if keyid.len() != KEYID_CHARS || !keyid.bytes().all(plain) {
            return Err(SealFault::Keyid);
        }
        Ok(Seal {
            keyid: keyid.into(),
            signature,
        })
    }

    /// Whether it was made with this key over this payload.
    pub fn is_of(&self, payload_type: &str, payload: &[u8], key: &PublicKey) -> bool {
        let message = encoding_of(payload_type, payload);
        key.claim(&message, &self.signature).is_good()
    }

    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    /// The signature in standard base64.
    pub fn sig(&self) -> String {
        STANDARD.encode(self.signature)
    }

    pub(crate) fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The whole as a DSSE envelope in JSON, for whoever checks it with other tools.
    pub fn envelope(&self, payload_type: &str, payload: &[u8]) -> String {
        format!(
            r#"{{"payload":"{}","payloadType":"{payload_type}","signatures":[{{"keyid":"{}","sig":"{}"}}]}}"#,
            STANDARD.encode(payload),
            self.keyid,
            self.sig(),
        )
    }
}
