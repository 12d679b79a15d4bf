//! Keys of offices, gateways and the authority: Ed25519, named by their RFC 7638 thumbprint. ring signs; whether a signature is good,
//! and what bytes are a key, is said in `ed25519`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

use super::ed25519::{self, Claim};
use crate::event::Hash;

/// Why bytes are no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("is no Ed25519 private key in PKCS#8")]
    Private,
    #[error("is no Ed25519 public key: 32 bytes in base64 are")]
    Public,
    #[error("is no Ed25519 public key: these bytes are no point of the curve")]
    NoPoint,
    #[error("is a point of the curve that is not written in its one form")]
    NotCanonical,
    #[error("is a point of small order, with which anybody can sign anything")]
    SmallOrder,
    #[error("is no point of prime order: no honest program makes such a key")]
    MixedOrder,
    #[error("cannot be made: the system gives no random bytes")]
    Random,
}

/// The key with which an office signs. It never shows its bytes.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
    keyid: String,
}

impl SigningKey {
    /// Makes a key, and the PKCS#8 document to keep it in.
    ///
    /// # Errors
    /// `KeyFault::Random`.
    pub fn generate() -> Result<(SigningKey, Vec<u8>), KeyFault> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyFault::Random)?;
        Ok((
            SigningKey::from_pkcs8(document.as_ref())?,
            document.as_ref().to_vec(),
        ))
    }

    /// Reads PKCS#8, with or without the public key in it (RFC 5958 and RFC 8410).
    ///
    /// # Errors
    /// `KeyFault::Private`.
    pub fn from_pkcs8(document: &[u8]) -> Result<SigningKey, KeyFault> {
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| KeyFault::Private)?;
        let bytes = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyFault::Private)?;
        let public = PublicKey(bytes);
        Ok(SigningKey {
            keyid: public.keyid(),
            pair,
            public,
        })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    #[expect(
        clippy::expect_used,
        reason = "an Ed25519 signature is 64 bytes (RFC 8032)"
    )]
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(message);
        signature.as_ref().try_into().expect("64 bytes")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.keyid)
    }
}

/// The key with which an office's signatures are checked. Written as standard base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// # Errors
    /// `KeyFault`, where verifiers could disagree about what it signs (RFC 8032 §8.4 leaves some of it open).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<PublicKey, KeyFault> {
        ed25519::check_key(&bytes).map(|()| PublicKey(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The RFC 7638 thumbprint of the key as a JWK (RFC 8037), in base64url: 43 characters.
    pub fn keyid(&self) -> String {
        thumbprint(&self.0)
    }

    /// What a signature of this key over a message says, to be verified alone or among others.
    pub(super) fn claim(&self, message: &[u8], signature: &[u8; 64]) -> Claim {
        Claim::new(&self.0, message, signature)
    }
}

fn thumbprint(key: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(key);
    Hash::of(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()).to_string()
}

impl TryFrom<String> for PublicKey {
    type Error = KeyFault;

    fn try_from(text: String) -> Result<PublicKey, KeyFault> {
        WrittenKey::try_from(text)?.read()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        STANDARD.encode(key.0)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// Bytes that were registered as a key: whether they are one is asked when they are to count. What an earlier version took, and is
/// none, so stays a line of the registry that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WrittenKey([u8; 32]);

impl WrittenKey {
    /// # Errors
    /// As [`PublicKey::from_bytes`].
    pub fn read(&self) -> Result<PublicKey, KeyFault> {
        PublicKey::from_bytes(self.0)
    }

    /// As [`PublicKey::keyid`].
    pub fn keyid(&self) -> String {
        thumbprint(&self.0)
    }
}

impl From<PublicKey> for WrittenKey {
    fn from(key: PublicKey) -> WrittenKey {
        WrittenKey(key.0)
    }
}

impl TryFrom<String> for WrittenKey {
    type Error = KeyFault;

    fn try_from(text: String) -> Result<WrittenKey, KeyFault> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyFault::Public)?;
        bytes
            .try_into()
            .map(WrittenKey)
            .map_err(|_| KeyFault::Public)
    }
}

impl From<WrittenKey> for String {
    fn from(key: WrittenKey) -> String {
        STANDARD.encode(key.0)
    }
}
