//! Promises of signing, chain and envelopes, and their golden bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::chain::{Head, Run, RunBreak};
use crate::envelope::nats::Origin;
use crate::envelope::{nats, structured};
use crate::event::{Classification, Core, Timestamp};

const BUS: Origin<'static> = Origin::Bus;

/// The secret key of RFC 8032 §7.1, test 1, as PKCS#8.
pub(crate) fn key() -> SigningKey {
    let mut document = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    document.extend_from_slice(&[
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ]);
    SigningKey::from_pkcs8(&document).expect("RFC 8032's key is a key")
}

pub(crate) fn event(id: &str, data: &[u8]) -> Event {
    let log = crate::subject::LogName {
        feed: "health-quarterly".parse().unwrap(),
        office: "moh/siem-reap".parse().unwrap(),
    };
    let core = Core {
        id: id.into(),
        event_type: "kh.gov.moh.quarterly-report.submitted.v1".into(),
        subject: Some("KH17/2026Q3".into()),
        time: "2026-10-02T03:00:00Z".parse().unwrap(),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/health-quarterly/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::copy_from_slice(data),
    };
    let recorded: Timestamp = "2026-10-02T03:00:07Z".parse().unwrap();
    Event::new(log, core, recorded).unwrap()
}

pub(crate) fn genesis() -> Head {
    Head::empty(Hash::of(b"genesis"))
}

pub(crate) fn signed(id: &str, data: &[u8]) -> SignedEvent {
    SignedEvent::sign(event(id, data), genesis().next().expect("room"), &key())
}

pub(crate) fn run_of(length: usize) -> Vec<SignedEvent> {
    let mut head = genesis();
    (0..length)
        .map(|n| {
            let event = SignedEvent::sign(
                event(&format!("id-{n}"), b"{}"),
                head.next().expect("room"),
                &key(),
            );
            head = Head::of(&event);
            event
        })
        .collect()
}

/// The same of bytes that are no text: 32 of them a line, in digits of base 16.
pub(crate) fn golden_hex(name: &str, bytes: &[u8]) {
    let line = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            + "\n"
    };
    golden(
        name,
        bytes.chunks(32).map(line).collect::<String>().as_bytes(),
    );
}

/// Compares with a golden file; `GOLDEN=write` writes it, for a change that is meant.
pub(crate) fn golden(name: &str, bytes: &[u8]) {
    let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GOLDEN").is_some_and(|v| v == "write") {
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
    assert_eq!(
        String::from_utf8_lossy(&kept),
        String::from_utf8_lossy(bytes),
        "{path}"
    );
}

#[test]
fn the_bytes_of_a_signed_event_never_change() {
    let event = signed(
        "0190a0c4-0000-7000-8000-000000000001",
        br#"{"price":"1.10","km":"\u1780"}"#,
    );
    let wire = [nats::encode(&event), event.event().data().to_vec()].concat();
    golden("event.nats", &wire);
    golden("event.json", structured::encode(&event).as_bytes());
    golden("event.dssematerial", &event.material());
    golden("event.hash", event.hash().to_string().as_bytes());
}

#[test]
fn a_keyid_is_the_thumbprint_of_rfc_8037() {
    assert_eq!(key().keyid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn what_was_signed_is_read_back_and_verifies() {
    let event = signed("1", b" {\"a\": 1.10}\n");
    let decoded = nats::decode(&nats::encode(&event), event.event().data().clone(), BUS).unwrap();
    assert_eq!(decoded, event);
    assert_eq!(
        structured::decode(structured::encode(&event).as_bytes()).unwrap(),
        event
    );
    assert_eq!(decoded.verify(key().public()), Ok(()));
    let other = SigningKey::generate().unwrap().0;
    assert_eq!(
        decoded.verify(other.public()),
        Err(Refusal::SignatureInvalid)
    );
}

#[test]
fn changing_any_attribute_or_the_data_is_seen() {
    let event = signed("1", b"{}");
    let headers = String::from_utf8(nats::encode(&event)).unwrap();
    let changes = [
        ("ce-id: 1", "ce-id: 2"),
        ("siem-reap", "kampot"),
        ("submitted.v1", "withdrawn.v1"),
        ("KH17/2026Q3", "KH17/2026Q4"),
        ("ce-time: 2026-10-02T03", "ce-time: 2026-10-02T04"),
        ("application/json", "application/jsom"),
        (
            "contracts/health-quarterly/1.0",
            "contracts/health-quarterly/1.1",
        ),
        ("00000000000000000001", "00000000000000000002"),
        ("03:00:07Z", "03:00:08Z"),
        (
            "ce-dataclassification: internal",
            "ce-dataclassification: public",
        ),
    ];
    for (from, to) in changes {
        let changed = headers.replacen(from, to, 1);
        assert_ne!(changed, headers, "{from}");
        let verdict = nats::decode(changed.as_bytes(), Bytes::from_static(b"{}"), BUS);
        assert_eq!(verdict, Err(Refusal::DigestMismatch), "{from}");
    }
    let verdict = nats::decode(headers.as_bytes(), Bytes::from_static(b"{ }"), BUS);
    assert_eq!(verdict, Err(Refusal::DigestMismatch));
}

#[test]
fn material_in_another_form_is_refused() {
    let event = signed("1", b"{}");
    let material = String::from_utf8(event.material().to_vec()).unwrap();
    let verdict = |changed: String| {
        SignedEvent::from_parts(event.event().clone(), *event.link(), changed.as_bytes())
    };
    let spaced = material.replace("\",\"", "\", \"");
    assert_eq!(verdict(spaced), Err(Refusal::MaterialNotCanonical));
    let other_type = material.replace("v0.1", "v0.2");
    assert_eq!(verdict(other_type), Err(Refusal::MaterialMalformed));
    assert_eq!(verdict("{}".into()), Err(Refusal::MaterialMalformed));
    let twice = material.replace("}]}", "},{\"keyid\":\"k\",\"sig\":\"\"}]}");
    assert_eq!(verdict(twice), Err(Refusal::MaterialMalformed));
}

#[test]
fn an_event_without_material_or_with_an_unsigned_attribute_is_refused() {
    let event = signed("1", b"{}");
    let headers = String::from_utf8(nats::encode(&event)).unwrap();
    let decode =
        |headers: &str, origin| nats::decode(headers.as_bytes(), Bytes::from_static(b"{}"), origin);
    let client = Origin::Client {
        stream: "health-quarterly",
    };
    let start = headers.find("ce-dssematerial").unwrap();
    let unsigned = format!("{}\r\n", &headers[..start]);
    assert_eq!(decode(&unsigned, BUS), Err(Refusal::Unsigned));
    let with = |line: &str| headers.replace("ce-id", &format!("{line}\r\nce-id"));
    let unknown = Refusal::AttributeUnknown {
        name: "traceparent".into(),
    };
    assert_eq!(decode(&with("ce-traceparent: x"), BUS), Err(unknown));
    let repeated = Refusal::HeaderRepeated { name: "id".into() };
    assert_eq!(decode(&with("Ce-ID: 1"), BUS), Err(repeated));
    let forbidden = Refusal::HeaderForbidden {
        name: "nAts-Msg-Id".into(),
    };
    assert_eq!(decode(&with("nAts-Msg-Id: 1"), client), Err(forbidden));
    assert!(decode(&with("Nats-Msg-Id: 1"), BUS).is_ok());
    assert!(decode(&with("Nats-Expected-Stream: health-quarterly"), client).is_ok());
    let elsewhere = Refusal::HeaderForbidden {
        name: "Nats-Expected-Stream".into(),
    };
    assert_eq!(
        decode(&with("Nats-Expected-Stream: registry"), client),
        Err(elsewhere)
    );
    assert_eq!(
        decode(&with(" folded"), client),
        Err(Refusal::HeaderMalformed)
    );
}

#[test]
fn the_vector_of_the_nats_binding_is_encoded_and_decoded_once() {
    let mut core = event("1", b"{}").core().clone();
    core.subject = Some("Euro € 😀".into());
    let event = Event::new(
        event("1", b"{}").log().clone(),
        core,
        event("1", b"").recorded_time(),
    );
    let signed = SignedEvent::sign(event.unwrap(), genesis().next().expect("room"), &key());
    let headers = nats::encode(&signed);
    let text = String::from_utf8(headers.clone()).unwrap();
    assert!(
        text.contains("ce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80\r\n"),
        "{text}"
    );
    assert_eq!(
        nats::decode(&headers, Bytes::from_static(b"{}"), BUS),
        Ok(signed)
    );
}

#[test]
fn events_that_do_not_follow_are_no_run() {
    let events = run_of(3);
    let fault = Run::new(vec![events[0].clone(), events[2].clone()]).unwrap_err();
    assert_eq!((fault.index, fault.what), (1, RunBreak::NotLinked));
    assert_eq!(Run::new(Vec::new()).unwrap_err().what, RunBreak::Length);
}

proptest! {
    #[test]
    fn no_header_block_makes_the_decoder_panic(headers in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = nats::decode(&headers, Bytes::new(), BUS);
        let _ = structured::decode(&headers);
    }

    #[test]
    fn any_subject_and_data_survive_both_envelopes(subject in "[^\\p{C}]{1,40}", data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let plain = event("1", &data);
        let mut core = plain.core().clone();
        core.subject = Some(subject);
        if let Ok(event) = Event::new(plain.log().clone(), core, plain.recorded_time()) {
            let signed = SignedEvent::sign(event, genesis().next().expect("room"), &key());
            let back = nats::decode(&nats::encode(&signed), Bytes::from(data), BUS);
            prop_assert_eq!(back, Ok(signed.clone()));
            prop_assert_eq!(nats::read_stored(&nats::stored(&signed)), Ok(signed.clone()));
            let unsigned = nats::stored_unsigned(signed.event());
            prop_assert_eq!(nats::read_stored_unsigned(&unsigned), Ok(signed.event().clone()));
            prop_assert_eq!(structured::decode(structured::encode(&signed).as_bytes()), Ok(signed));
        }
    }
}
