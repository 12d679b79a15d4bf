//! The vectors of the signing extension.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let byte = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn verdict(case: &Value, key: &VerifyingKey) -> &'static str {
    let text = |name: &str| case[name].as_str().unwrap();
    let Ok(material) = STANDARD.decode(text("dssematerial")) else {
        return "rejected";
    };
    let attribute = |name: &str| case["attributes"][name].as_str().map(String::from);
    match verify(&material, attribute, &hex(text("data_hex")), key) {
        Ok(Verified::Core) => "core",
        Ok(Verified::CoreAndExtensions(_)) => "core+ext",
        Err(_) => "rejected",
    }
}

#[test]
fn every_vector_of_the_extension_gets_its_verdict() {
    let table: Value =
        serde_json::from_str(include_str!("../../../vectors/dsse-p256.json")).unwrap();
    let key = hex(table["public_key_hex"].as_str().unwrap());
    let key = VerifyingKey::P256(key.try_into().unwrap());
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() >= 8);
    for case in cases {
        assert_eq!(
            verdict(case, &key),
            case["expected"].as_str().unwrap(),
            "{}",
            case["case"]
        );
    }
}

#[test]
fn a_changed_vector_is_rejected() {
    let table: Value =
        serde_json::from_str(include_str!("../../../vectors/dsse-p256.json")).unwrap();
    let key = hex(table["public_key_hex"].as_str().unwrap());
    let key = VerifyingKey::P256(key.try_into().unwrap());
    for case in table["cases"].as_array().unwrap() {
        let mut changed = case.clone();
        changed["attributes"]["id"] = "2".into();
        assert_eq!(verdict(&changed, &key), "rejected", "{}", case["case"]);
    }
}

#[test]
fn signed_names_that_repeat_or_are_core_are_refused() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        check_names(&names(&["exta", "exta"])),
        Err(MaterialFault::SignedNames)
    );
    assert_eq!(
        check_names(&names(&["id"])),
        Err(MaterialFault::SignedNames)
    );
    assert_eq!(
        check_names(&names(&["dssematerial"])),
        Err(MaterialFault::SignedNames)
    );
    assert_eq!(check_names(&names(&["exta", "extb"])), Ok(()));
}
