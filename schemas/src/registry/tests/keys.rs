//! What was registered as a key and is none.

use super::*;
use crate::signing::WrittenKey;

/// `y = 2`, which is no point of the curve.
fn no_key() -> WrittenKey {
    let text = format!("Ag{}=", "A".repeat(41));
    WrittenKey::try_from(text).expect("32 bytes")
}

#[test]
fn what_was_registered_and_is_no_key_verifies_nothing_and_stops_nothing() {
    let mut registry = peopled();
    let public_key = no_key();
    let keyid = public_key.keyid();
    let record = KeyRecord {
        keyid: keyid.clone(),
        public_key,
        ..key_record("moh/hq")
    };
    let gateway = GatewayRecord {
        name: "one".into(),
        public_key,
    };
    let retired = KeyRetirement {
        keyid: keyid.clone(),
        last: BTreeMap::new(),
    };
    for said in [
        RegistryEvent::KeyAdded(record),
        RegistryEvent::KeyRetired(retired),
        RegistryEvent::GatewayAdded(gateway),
    ] {
        registry.apply(&said).expect("a line that stands");
        let written = serde_json::to_string(&said).expect("JSON");
        assert_eq!(
            serde_json::from_str::<RegistryEvent>(&written).ok(),
            Some(said)
        );
    }
    assert_eq!(registry.key(&keyid), None);
    assert_eq!(registry.gateway_key(&keyid), None);
    assert_eq!(registry.keys_of(&office("moh/hq")).count(), 0);
    assert_eq!(registry.no_keys().collect::<Vec<_>>(), [keyid]);
}
