//! Keys of offices and of the authority: Ed25519 through ring, named by their RFC 7638 thumbprint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::event::Hash;

/// Why bytes are no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("is no Ed25519 private key in PKCS#8")]
    Private,
    #[error("is no Ed25519 public key: 32 bytes in base64 are")]
    Public,
    #[error("is a point of small order, with which anybody can sign anything")]
    SmallOrder,
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

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(message);
        signature
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature is 64 bytes (RFC 8032)")
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
    /// `KeyFault::SmallOrder`: verifiers disagree about such keys, so they are none (RFC 8032 §8.4 leaves it open).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<PublicKey, KeyFault> {
        if has_small_order(&bytes) {
            Err(KeyFault::SmallOrder)
        } else {
            Ok(PublicKey(bytes))
        }
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The RFC 7638 thumbprint of the key as a JWK (RFC 8037), in base64url: 43 characters.
    pub fn keyid(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0);
        Hash::of(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()).to_string()
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .is_ok()
    }
}

/// The encodings of points whose order divides 8, canonical or not, without their sign bit.
fn has_small_order(key: &[u8; 32]) -> bool {
    const fn edge(first: u8) -> [u8; 32] {
        let mut bytes = [0xFF; 32];
        bytes[0] = first;
        bytes[31] = 0x7F;
        bytes
    }
    const fn tiny(first: u8) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = first;
        bytes
    }
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut unsigned = *key;
    unsigned[31] &= 0x7F;
    let edges = [tiny(0), tiny(1), edge(0xEC), edge(0xED), edge(0xEE)];
    edges.contains(&unsigned) || ORDER_8.contains(&unsigned)
}

impl TryFrom<String> for PublicKey {
    type Error = KeyFault;

    fn try_from(text: String) -> Result<PublicKey, KeyFault> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyFault::Public)?;
        PublicKey::from_bytes(bytes.try_into().map_err(|_| KeyFault::Public)?)
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
