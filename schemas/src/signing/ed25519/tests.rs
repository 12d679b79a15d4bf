//! Signatures at the edges of the rule, Wycheproof's among them: alone and in company the verdict is the table's.

use serde_json::Value;

use super::*;
use crate::signing::tests::key as ours;
use crate::signing::{PublicKey, SigningKey, WrittenKey};

const RUN: usize = 12;

struct Case {
    name: String,
    key: [u8; 32],
    message: Vec<u8>,
    signature: Vec<u8>,
    good: bool,
}

impl Case {
    fn read(case: &Value) -> Case {
        let text = |name: &str| case[name].as_str().expect("a text");
        let hex = |name: &str| {
            let text = text(name);
            let byte = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal");
            (0..text.len()).step_by(2).map(byte).collect::<Vec<u8>>()
        };
        Case {
            name: text("case").to_owned(),
            key: hex("key").try_into().expect("32 bytes"),
            message: hex("message"),
            signature: hex("signature"),
            good: case["good"].as_bool().expect("a verdict"),
        }
    }

    /// None where key or signature are none by their bytes alone.
    fn claim(&self) -> Option<Claim> {
        let key = PublicKey::from_bytes(self.key).ok()?;
        let signature = self.signature.as_slice().try_into().ok()?;
        Some(key.claim(&self.message, signature))
    }
}

fn cases() -> Vec<Case> {
    let tables = [
        include_str!("../../../vectors/ed25519-wycheproof.json"),
        include_str!("../../../vectors/ed25519-speccheck.json"),
        include_str!("../../../vectors/ed25519-edges.json"),
    ];
    let tables = tables.map(|table| serde_json::from_str::<Value>(table).expect("JSON"));
    let cases = tables.iter().flat_map(|table| table["cases"].as_array());
    cases.flatten().map(Case::read).collect()
}

fn good_claims(count: usize) -> Vec<Claim> {
    let (other, _) = SigningKey::generate().expect("a key");
    let keys = [ours(), other];
    let claim = |number: usize| {
        let (key, message) = (&keys[number % 2], number.to_be_bytes());
        key.public().claim(&message, &key.sign(&message))
    };
    (0..count).map(claim).collect()
}

#[test]
fn each_case_alone_gets_its_verdict() {
    let cases = cases();
    assert_eq!(cases.len(), 151 + 12 + 61);
    for case in cases {
        let verdict = case.claim().is_some_and(|claim| claim.is_good());
        assert_eq!(verdict, case.good, "{}", case.name);
    }
}

#[test]
fn each_case_gets_the_same_verdict_at_each_place_among_good_ones() {
    let good = good_claims(RUN - 1);
    for case in cases() {
        let Some(claim) = case.claim() else { continue };
        for place in 0..RUN {
            let mut run = good.clone();
            run.insert(place, claim.clone());
            let mut expected = [true; RUN];
            expected[place] = case.good;
            assert_eq!(are_good(&run), expected, "{} at {place}", case.name);
        }
    }
}

#[test]
fn all_cases_together_get_their_verdicts() {
    let cases = cases();
    let claimed = cases.iter().filter(|case| case.claim().is_some());
    let (claims, verdicts): (Vec<Claim>, Vec<bool>) = claimed
        .filter_map(|case| Some((case.claim()?, case.good)))
        .unzip();
    assert_eq!(are_good(&claims), verdicts);
    let good = claims.iter().zip(&verdicts).filter(|(_, good)| **good);
    let good: Vec<Claim> = good.map(|(claim, _)| claim.clone()).collect();
    assert!(
        are_good_together(&good[..good.len().min(BATCH_SIGNATURES_MAX)])
            .iter()
            .all(|good| *good)
    );
}

#[test]
fn the_guilty_are_named_beyond_the_size_of_a_batch() {
    let mut claims = good_claims(2 * BATCH_SIGNATURES_MAX + 1);
    let guilty = [
        0,
        BATCH_SIGNATURES_MAX - 1,
        BATCH_SIGNATURES_MAX,
        2 * BATCH_SIGNATURES_MAX,
    ];
    for place in guilty {
        claims[place] = ours().public().claim(b"this", &ours().sign(b"that"));
    }
    let bad = are_good(&claims).into_iter().enumerate();
    let bad: Vec<usize> = bad
        .filter(|(_, good)| !good)
        .map(|(place, _)| place)
        .collect();
    assert_eq!(bad, guilty);
    assert!(are_good(&[]).is_empty());
}

#[test]
fn what_is_no_key_is_refused_by_name_and_can_still_be_written_down() {
    let fault = |name: &str| {
        let cases = cases();
        let case = cases.iter().find(|case| case.name == name).expect(name);
        let text = String::from(WrittenKey::try_from(base64_of(&case.key)).expect("32 bytes"));
        assert_eq!(text, base64_of(&case.key));
        PublicKey::from_bytes(case.key).expect_err(name)
    };
    for (name, expected) in [
        ("key is no point, y is 2", KeyFault::NoPoint),
        ("key of order 1", KeyFault::SmallOrder),
        ("key of order 8", KeyFault::SmallOrder),
        ("key is p + 1 for 1", KeyFault::SmallOrder),
        ("key is 1 with its sign set", KeyFault::SmallOrder),
        ("key is p + 3, written above p", KeyFault::NotCanonical),
        ("key with a part of order 2", KeyFault::MixedOrder),
    ] {
        assert_eq!(fault(name), expected, "{name}");
    }
}

fn base64_of(key: &[u8; 32]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(key)
}
