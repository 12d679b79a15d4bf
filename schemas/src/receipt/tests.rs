//! Receipts: their golden bytes, what verifies, and what does not.

use super::*;
use crate::registry::{GatewayRecord, RegistryEvent};
use crate::signing::tests::{golden, key, run_of, signed};

fn stamp() -> Stamp {
    Stamp {
        admitted: "2026-10-02T03:00:09Z".parse().expect("a time"),
        gateway: "gateway-1".into(),
        registry: None,
        newest: None,
    }
}

fn receipt() -> Receipt {
    let event = signed("1", br#"{"price":"1.10"}"#);
    Receipt::sign(Facts::of(&event, stamp()), &key())
}

fn registry() -> Registry {
    let mut registry = Registry::empty(Hash::of(b"genesis"));
    let gateway = GatewayRecord {
        name: "gateway-1".into(),
        public_key: (*key().public()).into(),
    };
    registry
        .apply(&RegistryEvent::GatewayAdded(gateway))
        .expect("a gateway");
    registry
}

#[test]
fn the_bytes_of_a_receipt_never_change() {
    golden("receipt.json", receipt().to_string().as_bytes());
    golden("receipt.dsse", receipt().envelope().as_bytes());
}

#[test]
fn a_receipt_that_names_its_registry_is_signed_over_it_and_older_ones_verify_as_they_stand() {
    let event = signed("1", br#"{"price":"1.10"}"#);
    let stamp = Stamp {
        registry: Some(crate::registry::RegistryHead {
            position: Position::new(261).expect("a position"),
            hash: Hash::of(b"line 261"),
        }),
        ..stamp()
    };
    assert_eq!(Stamp::read(stamp.headers().as_bytes()), Some(stamp.clone()));
    let receipt = Receipt::sign(Facts::of(&event, stamp), &key());
    golden("receipt-registry.json", receipt.to_string().as_bytes());
    golden("receipt-registry.dsse", receipt.envelope().as_bytes());
    let text = receipt.to_string();
    let read: Receipt = serde_json::from_str(&text).expect("a receipt");
    assert!(read.verified(&registry()).is_ok());
    let changed = text.replace("\"261 ", "\"262 ");
    let changed: Receipt = serde_json::from_str(&changed).expect("well formed");
    let changed = changed.verified(&registry());
    assert_eq!(
        changed.expect_err("it was changed"),
        ReceiptFault::Signature
    );
    let older = include_str!("../../vectors/receipt.json");
    let older: Receipt = serde_json::from_str(older).expect("a receipt");
    assert_eq!(older.facts().stamp.registry, None);
    assert!(older.verified(&registry()).is_ok());
}

#[test]
fn a_receipt_that_names_the_streams_end_is_signed_over_it() {
    let event = signed("1", br#"{"price":"1.10"}"#);
    let stamp = Stamp {
        newest: crate::newest::Newest::new(4_711),
        ..stamp()
    };
    assert_eq!(Stamp::read(stamp.headers().as_bytes()), Some(stamp.clone()));
    let receipt = Receipt::sign(Facts::of(&event, stamp), &key());
    golden("receipt-newest.json", receipt.to_string().as_bytes());
    golden("receipt-newest.dsse", receipt.envelope().as_bytes());
    let text = receipt.to_string();
    let read: Receipt = serde_json::from_str(&text).expect("a receipt");
    assert!(read.verified(&registry()).is_ok());
    let changed = text.replace("4711", "4712");
    let changed: Receipt = serde_json::from_str(&changed).expect("well formed");
    let changed = changed.verified(&registry());
    assert_eq!(
        changed.expect_err("it was changed"),
        ReceiptFault::Signature
    );
    let beyond = text.replace("4711", "9007199254740992");
    assert!(serde_json::from_str::<Receipt>(&beyond).is_err());
}

#[test]
fn a_receipt_reads_back_and_is_believed_by_the_registry() {
    let text = receipt().to_string();
    let read: Receipt = serde_json::from_str(&text).expect("a receipt");
    assert_eq!(read, receipt());
    let verified = read.verified(&registry()).expect("a gateway's word");
    assert_eq!(
        verified.is_for(&signed("1", br#"{"price":"1.10"}"#)),
        Ok(())
    );
    let other = signed("1", br#"{"price":"1.1"}"#);
    assert_eq!(verified.is_for(&other), Err(ReceiptFault::OtherEvent));
}

#[test]
fn a_receipt_of_an_unknown_gateway_proves_nothing() {
    let nobody = Registry::empty(Hash::of(b"genesis"));
    let keyid = key().keyid().to_owned();
    assert_eq!(
        receipt().verified(&nobody).expect_err("nobody knows it"),
        ReceiptFault::KeyUnknown(keyid)
    );
}

#[test]
fn any_changed_byte_of_a_receipt_is_seen() {
    let text = receipt().to_string();
    let registry = registry();
    for index in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[index] ^= 1;
        let believed = serde_json::from_slice::<Receipt>(&bytes)
            .ok()
            .filter(|read| read.to_string().as_bytes() == bytes)
            .and_then(|read| read.verified(&registry).ok());
        assert_eq!(believed, None, "byte {index}");
    }
}

#[test]
fn a_stamp_reads_back_from_the_headers_of_a_stored_event() {
    let block = |stamp: &str| format!("NATS/1.0\r\nce-id: 1\r\n{stamp}Nats-Batch-Id: x\r\n\r\n");
    let lines = stamp().headers();
    assert_eq!(Stamp::read(block(&lines).as_bytes()), Some(stamp()));
    for none in [
        String::new(),
        lines.repeat(2),
        lines.replace("gateway-1", "a b"),
        lines.replace("2026", "26"),
    ] {
        assert_eq!(Stamp::read(block(&none).as_bytes()), None, "{none}");
    }
}

#[test]
fn by_the_chain_one_receipt_is_enough_for_a_run() {
    let run = run_of(5);
    let last = Receipt::sign(Facts::of(&run[4], stamp()), &key());
    let verified = last.verified(&registry()).expect("a gateway's word");
    assert_eq!(verified.is_for(&run[4]), Ok(()));
    assert_eq!(verified.is_for(&run[3]), Err(ReceiptFault::OtherEvent));
}
