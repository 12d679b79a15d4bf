//! Evidence: its golden bytes, what it proves, and that a reader cannot make it.

use std::collections::BTreeMap;

use super::*;
use crate::registry::{KeyRetirement, RegistryEvent};
use crate::signing::SigningKey;
use crate::signing::tests::{golden, key, signed};

/// The registry in which the golden event's office has the golden key, and a reader's word about that event.
fn known() -> (Registry, Said, SignedEvent) {
    let event = signed("1", b"{}");
    let said = Said {
        reader: "mef/hq".parse().expect("an office"),
        log: event.event().log().clone(),
        position: event.link().position,
        hash: event.hash(),
        time: "2026-10-02T03:00:30Z".parse().expect("a time"),
        registry: None,
        newest: None,
    };
    let office = event.event().log().office.to_string();
    (super::super::tests::registry(&office), said, event)
}

#[test]
fn the_bytes_of_evidence_never_change() {
    let (_, _, event) = known();
    golden(
        "evidence.headers",
        Evidence::of(&event).headers().as_bytes(),
    );
}

#[test]
fn evidence_proves_the_confirmed_event_and_no_other() {
    let (registry, said, event) = known();
    let headers = Evidence::of(&event).headers();
    let evidence = Evidence::read(headers.as_bytes()).expect("it is there");
    let evidence = evidence.expect("it is well written");
    assert_eq!(evidence.proves(&said, &registry), Ok(key().keyid()));
    for other in [
        Said {
            position: Position::new((1 << 53) - 1).expect("a position"),
            ..said.clone()
        },
        Said {
            hash: Hash::of(b"any"),
            ..said.clone()
        },
    ] {
        let proved = evidence.proves(&other, &registry);
        assert_eq!(proved, Err(EvidenceFault::OtherEvent), "{other:?}");
    }
    assert!(Evidence::read(b"NATS/1.0\r\n\r\n").is_none());
    let unreadable = Evidence::read(b"NATS/1.0\r\nSpean-Evidence: {}\r\n\r\n");
    assert_eq!(unreadable, Some(Err(EvidenceFault::Unreadable)));
}

#[test]
fn a_reader_cannot_make_evidence_with_its_own_key_or_a_broken_signature() {
    let (registry, said, event) = known();
    let (reader, _) = SigningKey::generate().expect("a key");
    let made = SignedEvent::sign(event.event().clone(), *event.link(), &reader);
    let said_of = |event: &SignedEvent| Said {
        hash: event.hash(),
        ..said.clone()
    };
    let proved = Evidence::of(&made)
        .proves(&said_of(&made), &registry)
        .map(str::to_owned);
    assert_eq!(
        proved,
        Err(EvidenceFault::KeyUnknown(reader.keyid().into()))
    );
    let office = "mop/hq";
    let proved = Evidence::of(&event)
        .proves(&said, &super::super::tests::registry(office))
        .map(str::to_owned);
    assert_eq!(proved, Err(EvidenceFault::KeyNotTheirs));
    // Another signature makes another hash, which the reader can confirm as well as any.
    let text = Evidence::of(&event).headers();
    let (before, sig) = text.split_once(r#""sig":""#).expect("a signature");
    let (sig, behind) = sig.split_at(88);
    let flipped = if sig.starts_with('A') { 'B' } else { 'A' };
    let forged = format!(r#"{before}"sig":"{flipped}{}{behind}"#, &sig[1..]);
    let forged = Evidence::read(forged.as_bytes())
        .expect("there")
        .expect("written well");
    let link = *event.link();
    let said = Said {
        hash: forged.event.head_at(link).hash,
        ..said
    };
    assert_eq!(
        forged.proves(&said, &registry),
        Err(EvidenceFault::Signature)
    );
}

#[test]
fn what_was_seen_once_counts_as_long_as_the_registry_honours_the_key_there() {
    let (mut registry, said, _) = known();
    let headers = signed_with(key().keyid());
    assert!(is_proved(headers.as_bytes(), &said, &registry));
    assert!(!is_proved(b"", &said, &registry));
    assert!(!is_proved(signed_with("x").as_bytes(), &said, &registry));
    let retired = KeyRetirement {
        keyid: key().keyid().into(),
        last: BTreeMap::new(),
    };
    registry
        .apply(&RegistryEvent::KeyRetired(retired))
        .expect("it ends");
    assert!(!is_proved(headers.as_bytes(), &said, &registry));
}
