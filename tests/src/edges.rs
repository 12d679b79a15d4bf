//! Signatures at the edges of what Ed25519 allows, over real events: what no honest program makes, and whoever has a key can.
//! In: an event, the seed of its office's key. Out: the same event under each such signature, and whether it is good by RFC 8032's own
//! equation with points in their one form and none of small order. Never: the project's own verifier.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use ring::digest::{SHA512, digest};
use schemas::signing::dsse::pre_authentication_encoding;
use schemas::signing::{SignedEvent, SigningKey};
use serde_json::Value;

/// The group's order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// PKCS#8 of an Ed25519 seed, in front of the seed (RFC 8410).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A key whose secret is at hand as a number.
pub struct Holder {
    secret: Scalar,
    public: [u8; 32],
    pub key: SigningKey,
}

/// An event under one such signature.
pub struct Edge {
    pub name: String,
    pub event: SignedEvent,
    pub good: bool,
}

impl Holder {
    pub fn new(seed: [u8; 32]) -> Holder {
        let document = [&PKCS8[..], &seed].concat();
        let expanded: [u8; 64] = sha512(&[&seed]);
        let (half, _) = expanded.split_first_chunk().expect("64 bytes are over 32");
        let key = SigningKey::from_pkcs8(&document).expect("a seed is a key");
        Holder {
            secret: Scalar::from_bytes_mod_order(clamp_integer(*half)),
            public: *key.public().as_bytes(),
            key,
        }
    }

    /// How many there are.
    pub fn count(&self, event: &SignedEvent) -> usize {
        self.signatures(event).len()
    }

    /// The event under the signature of this number; the first one is its own.
    pub fn edge(&self, event: SignedEvent, number: usize) -> Edge {
        if number == 0 {
            let name = "as it is made".to_owned();
            return Edge {
                name,
                event,
                good: true,
            };
        }
        let (name, signature, good) = self.signatures(&event).swap_remove(number);
        let event = under(&event, &signature);
        Edge { name, event, good }
    }

    fn signatures(&self, event: &SignedEvent) -> Vec<(String, [u8; 64], bool)> {
        let honest = signature_of(event);
        let (r, s) = halves(&honest);
        let message = message_of(event);
        let nonce = Scalar::from_bytes_mod_order_wide(&sha512(&[&message, b"nonce"]));
        let mut all = vec![
            ("as it is made".to_owned(), honest, true),
            ("all zero".to_owned(), [0; 64], false),
            ("random".to_owned(), sha512(&[&message]), false),
            ("S + L".to_owned(), joined(r, plus(s, ORDER)), false),
            ("S is 0".to_owned(), joined(r, [0; 32]), false),
        ];
        let small = EIGHT_TORSION
            .iter()
            .map(|point| point.compress().to_bytes());
        for (index, r) in small.chain(small_in_another_form()).enumerate() {
            let s = self.challenge(r, &message) * self.secret;
            all.push((
                format!("R of small order, {index}"),
                joined(r, s.to_bytes()),
                false,
            ));
        }
        for (index, part) in EIGHT_TORSION.iter().enumerate().skip(1) {
            let mixed = (ED25519_BASEPOINT_TABLE * &nonce + part)
                .compress()
                .to_bytes();
            let own = nonce + self.challenge(mixed, &message) * self.secret;
            let signed = (
                format!("R with a part of small order, {index}"),
                joined(mixed, own.to_bytes()),
                true,
            );
            let put = (point(r) + part).compress().to_bytes();
            all.extend([
                signed,
                (
                    format!("part of small order put to R, {index}"),
                    joined(put, s),
                    false,
                ),
            ]);
        }
        all
    }

    fn challenge(&self, r: [u8; 32], message: &[u8]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&sha512(&[&r, &self.public, message]))
    }
}

/// Encodings of such points that RFC 8032 does not write: `y` at or above p, and the sign of an `x` that is 0.
fn small_in_another_form() -> impl Iterator<Item = [u8; 32]> {
    let form = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    let over_p = [0xED, 0xEE]
        .into_iter()
        .flat_map(move |first| [form(first, 0xFF, 0x7F), form(first, 0xFF, 0xFF)]);
    over_p.chain([form(1, 0, 0x80), form(0xEC, 0xFF, 0xFF)])
}

/// The event with another signature in its material.
pub fn under(event: &SignedEvent, signature: &[u8; 64]) -> SignedEvent {
    let material = String::from_utf8(event.material().to_vec()).expect("material is JSON");
    let own = STANDARD.encode(signature_of(event));
    let material = material.replace(&own, &STANDARD.encode(signature));
    SignedEvent::from_parts(event.event().clone(), *event.link(), material.as_bytes())
        .expect("only the signature is another")
}

fn material_of(event: &SignedEvent) -> Value {
    serde_json::from_slice(&event.material()).expect("material is JSON")
}

fn signature_of(event: &SignedEvent) -> [u8; 64] {
    decoded(&material_of(event)["signatures"][0]["sig"])
        .try_into()
        .expect("a signature is 64 bytes")
}

fn message_of(event: &SignedEvent) -> Vec<u8> {
    pre_authentication_encoding(&decoded(&material_of(event)["payload"]))
}

fn decoded(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    STANDARD.decode(text).expect("base64")
}

fn halves(signature: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    let half = |from: usize| signature[from..from + 32].try_into().expect("32 bytes");
    (half(0), half(32))
}

fn joined(r: [u8; 32], s: [u8; 32]) -> [u8; 64] {
    [r, s].concat().try_into().expect("64 bytes")
}

fn plus(one: [u8; 32], other: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    std::array::from_fn(|at| {
        let sum = u16::from(one[at]) + u16::from(other[at]) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    })
}

fn point(r: [u8; 32]) -> EdwardsPoint {
    let encoded = curve25519_dalek::edwards::CompressedEdwardsY(r);
    encoded.decompress().expect("an honest R is a point")
}

fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let digested = digest(&SHA512, &parts.concat());
    digested.as_ref().try_into().expect("SHA-512 has 64 bytes")
}
