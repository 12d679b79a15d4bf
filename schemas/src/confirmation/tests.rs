//! Confirmations: their golden bytes, and whose word is taken.

use std::collections::BTreeMap;

use super::*;
use crate::registry::{KeyRecord, KeyRetirement, RegistryEvent, seed};
use crate::signing::tests::{golden, key, signed};

fn confirmation() -> Confirmation {
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
    Confirmation::sign(said, &key())
}

/// A registry in which the key is this office's.
pub(crate) fn registry(office: &str) -> Registry {
    let mut registry = Registry::empty(Hash::of(b"genesis"));
    for said in seed() {
        registry.apply(&said).expect("the seed applies");
    }
    let office: OfficeId = office.parse().expect("an office");
    let known = registry.usual_office(&office).expect("a usual office");
    let key = KeyRecord {
        office,
        keyid: key().keyid().into(),
        public_key: (*key().public()).into(),
        honoured: BTreeMap::new(),
    };
    for said in [
        RegistryEvent::OfficeAdded(known),
        RegistryEvent::KeyAdded(key),
    ] {
        registry.apply(&said).expect("a good event");
    }
    registry
}

#[test]
fn the_bytes_of_a_confirmation_never_change() {
    golden("confirmation.json", confirmation().to_string().as_bytes());
    let said = Said {
        registry: Some(crate::registry::RegistryHead {
            position: Position::new(261).expect("a position"),
            hash: Hash::of(b"line 261"),
        }),
        ..confirmation().said().clone()
    };
    let text = Confirmation::sign(said.clone(), &key()).to_string();
    golden("confirmation-registry.json", text.as_bytes());
    let read: Confirmation = serde_json::from_str(&text).expect("a confirmation");
    assert_eq!(read.verified(&registry("mef/hq")), Ok(&said));
    let said = Said {
        newest: crate::newest::Newest::new(4_711),
        ..confirmation().said().clone()
    };
    let text = Confirmation::sign(said.clone(), &key()).to_string();
    golden("confirmation-newest.json", text.as_bytes());
    let read: Confirmation = serde_json::from_str(&text).expect("a confirmation");
    assert_eq!(read.verified(&registry("mef/hq")), Ok(&said));
}

#[test]
fn a_confirmation_reads_back_and_is_the_readers_alone() {
    let text = confirmation().to_string();
    let read: Confirmation = serde_json::from_str(&text).expect("a confirmation");
    assert_eq!(read, confirmation());
    assert_eq!(
        read.verified(&registry("mef/hq")),
        Ok(confirmation().said())
    );
    assert_eq!(
        read.verified(&registry("mop/hq")),
        Err(ConfirmationFault::KeyNotTheirs)
    );
    let changed: Confirmation =
        serde_json::from_str(&text.replace("\"position\":1", "\"position\":2"))
            .expect("well formed");
    assert_eq!(
        changed.verified(&registry("mef/hq")),
        Err(ConfirmationFault::Signature)
    );
}

#[test]
fn a_retired_key_confirms_nothing_more() {
    let mut registry = registry("mef/hq");
    let retired = KeyRetirement {
        keyid: key().keyid().into(),
        last: BTreeMap::new(),
    };
    registry
        .apply(&RegistryEvent::KeyRetired(retired))
        .expect("it ends");
    assert_eq!(
        confirmation().verified(&registry),
        Err(ConfirmationFault::KeyNotTheirs)
    );
}
