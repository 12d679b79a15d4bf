//! The one rule by which an Ed25519 signature is good: keys, messages and signatures come in, alone or many together, and which are good
//! goes out. Nothing else in the project verifies one, and alone or together, in whatever company, the answer is the same.
//!
//! The rule is RFC 8032's own equation, `[8][S]B = [8]R + [8][k]A` (§5.1.7), which a batch can check, with what the RFC asks of encodings and
//! what it leaves open (§8.4) closed: S is below the group's order, A and R are written in their one form, neither is of small order, and
//! A is of prime order. ZIP 215, by which the library goes, has the same equation but takes any encoding and any order: those are
//! looked at here, before it is asked.

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::Signature;
use ed25519_zebra::batch::{Item, Verifier};
use rand_core::{CryptoRng, RngCore};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::key::KeyFault;
use crate::limits::BATCH_SIGNATURES_MAX;

/// The coordinate `y` of the points whose order divides 8: 0, 1, p - 1, and the two of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    with_ends([0; 32], 1, 0),
    with_ends([0xFF; 32], 0xEC, 0x7F),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn with_ends(mut bytes: [u8; 32], first: u8, last: u8) -> [u8; 32] {
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Whether 32 bytes are a key: a point of the curve, in its one form, of prime order.
pub(super) fn check_key(bytes: &[u8; 32]) -> Result<(), KeyFault> {
    let encoded = CompressedEdwardsY(*bytes);
    let point = encoded.decompress().ok_or(KeyFault::NoPoint)?;
    if point.is_small_order() {
        Err(KeyFault::SmallOrder)
    } else if point.compress() != encoded {
        Err(KeyFault::NotCanonical)
    } else if !point.is_torsion_free() {
        Err(KeyFault::MixedOrder)
    } else {
        Ok(())
    }
}

/// That a signature is a key's over a message, which is digested already: not believed yet. None where it cannot be.
#[derive(Debug, Clone)]
pub struct Claim(Option<Item>);

impl Claim {
    /// The key was checked; of the signature nothing is known.
    pub(super) fn new(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Claim {
        let signature = Signature::from_bytes(signature);
        let lawful = is_one_form_of_large_order(signature.r_bytes());
        Claim(lawful.then(|| Item::from(((*key).into(), signature, message))))
    }

    pub(super) fn is_good(&self) -> bool {
        let item = self.0.clone();
        item.is_some_and(|item| item.verify_single().is_ok())
    }
}

/// Says of each claim, in their order, whether it is good, at a third of what it costs one by one.
pub(super) fn are_good(claims: &[Claim]) -> Vec<bool> {
    let together = claims.chunks(BATCH_SIGNATURES_MAX);
    together.flat_map(are_good_together).collect()
}

/// All at once, and one by one only where that fails: then somebody is to be named.
fn are_good_together(claims: &[Claim]) -> Vec<bool> {
    let mut batch = Verifier::new();
    let lawful = claims.iter().filter_map(|claim| claim.0.clone());
    lawful.for_each(|item| batch.queue(item));
    let mut random = Random::default();
    let all = claims.len() > 1 && batch.verify(&mut random).is_ok() && !random.failed;
    let good = |claim: &Claim| match all {
        true => claim.0.is_some(),
        false => claim.is_good(),
    };
    claims.iter().map(good).collect()
}

/// Whether `R` is written as RFC 8032 writes points (§5.1.2: `y` below `p`), and is none of small order. Of the others no `x` is 0, so that
/// either sign is one; that it is a point at all is the library's to say.
fn is_one_form_of_large_order(r: &[u8; 32]) -> bool {
    let mut y = *r;
    y[31] &= 0x7F;
    let [first, middle @ .., last] = &y;
    let over_p = *last == 0x7F && middle.iter().all(|byte| *byte == 0xFF) && *first >= 0xED;
    !over_p && !SMALL_ORDER.contains(&y)
}

/// The system's random numbers, by which no bad signatures can be made that cancel out. Whether it gave them is asked afterwards.
struct Random {
    system: SystemRandom,
    failed: bool,
}

impl Default for Random {
    fn default() -> Random {
        Random {
            system: SystemRandom::new(),
            failed: false,
        }
    }
}

impl CryptoRng for Random {}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.failed |= self.system.fill(bytes).is_err();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
