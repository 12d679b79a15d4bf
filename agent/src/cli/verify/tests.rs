//! Logs in a registry's eyes: lines come in, good ones, changed ones, foreign ones; what is proved or what is wrong is expected.

use schemas::event::{Classification, Core, Event, Timestamp};
use schemas::registry::{KeyRecord, KeyRetirement, RegistryEvent};
use schemas::signing::SigningKey;

use super::*;
use crate::submit::tests::registry as seeded;

fn log() -> LogName {
    LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a log")
}

struct Office {
    key: SigningKey,
    registry: Registry,
}

fn add_key(registry: &mut Registry, office: &str, key: &SigningKey) {
    let record = KeyRecord {
        office: office.parse().expect("an office"),
        keyid: key.keyid().into(),
        public_key: (*key.public()).into(),
        honoured: [].into(),
    };
    registry
        .apply(&RegistryEvent::KeyAdded(record))
        .expect("applies");
}

fn office() -> Office {
    let (key, _) = SigningKey::generate().expect("a key");
    let mut registry = seeded();
    add_key(&mut registry, "moh/siem-reap", &key);
    Office { key, registry }
}

fn sign(log: LogName, key: &SigningKey, head: Head, cases: u32) -> SignedEvent {
    let time = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
    let core = Core {
        id: format!("{cases}"),
        event_type: "kh.gov.moh.quarterly-report.submitted.v1".into(),
        subject: None,
        time,
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/health-quarterly/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: format!(r#"{{"cases": {cases}}}"#).into(),
    };
    let event = Event::new(log, core, time).expect("an event");
    SignedEvent::sign(event, head.next().expect("room"), key)
}

impl Office {
    fn events(&self, count: u32) -> Vec<SignedEvent> {
        let mut head = Head::empty(self.registry.genesis());
        let events = (1..=count).map(|cases| {
            let event = sign(log(), &self.key, head, cases);
            head = Head::of(&event);
            event
        });
        events.collect()
    }

    fn lines(&self, count: u32) -> Vec<String> {
        self.events(count).iter().map(structured::encode).collect()
    }

    fn verify(&self, lines: &[String]) -> Result<String, String> {
        let text = lines.join("\n");
        let judged = proved(text.as_bytes(), &self.registry).map_err(|fault| fault.to_string())?;
        match judged.unsigned.is_empty() {
            true => Ok(words(&judged)),
            false => Err(words(&judged)),
        }
    }
}

#[test]
fn a_whole_log_is_proved_from_the_genesis_on() {
    let office = office();
    let lines = office.lines(3);
    let said = office.verify(&lines).expect("good");
    let begin = "VERIFIED\nmoh/siem-reap health-quarterly: 3 events, positions 1 to 3, from the registry's genesis on, none left out.";
    assert!(said.starts_with(begin), "{said}");
    let part = office.verify(&lines[1..]).expect("good");
    assert!(
        part.contains("positions 2 to 3, none left out between"),
        "{part}"
    );
    assert_eq!(
        office.verify(&[]),
        Ok("NOT VERIFIED: the file holds no event; nothing is proved.\n  គ្មានព្រឹត្តិការណ៍ក្នុងឯកសារទេ គ្មានអ្វីត្រូវបានបញ្ជាក់ឡើយ".into())
    );
}

#[test]
fn the_first_bad_line_is_named_with_what_is_wrong() {
    let office = office();
    let lines = office.lines(3);
    let changed = |from: &str, to: &str| {
        let mut lines = lines.clone();
        lines[1] = lines[1].replacen(from, to, 1);
        office.verify(&lines).expect_err(to)
    };
    for (from, to) in [
        ("\"cases\": 2", "\"cases\": 3"),
        ("\"id\":\"2\"", "\"id\":\"9\""),
        ("03Z", "04Z"),
    ] {
        if lines[1].contains(from) {
            let fault = changed(from, to);
            assert!(
                fault.starts_with("line 2 is no signed event, or was changed"),
                "{fault}"
            );
        }
    }
    let without = [lines[0].clone(), lines[2].clone()];
    let fault = office.verify(&without).expect_err("one left out");
    assert_eq!(
        fault,
        "line 2 does not follow position 1: the chain is broken"
    );
    let fault = office.verify(&["{}".into()]).expect_err("no event");
    assert!(fault.starts_with("line 1 is no signed event"), "{fault}");
}

#[test]
fn keys_that_are_unknown_foreign_or_retired_prove_nothing() {
    let mut office = office();
    let (stranger, _) = SigningKey::generate().expect("a key");
    let head = Head::empty(office.registry.genesis());
    let by_stranger = vec![structured::encode(&sign(log(), &stranger, head, 1))];
    let unknown = office.verify(&by_stranger).expect_err("unknown");
    assert!(unknown.contains("does not know"), "{unknown}");
    add_key(&mut office.registry, "moh/hq", &stranger);
    let foreign = office.verify(&by_stranger).expect_err("another office's");
    assert_eq!(foreign, "line 1 is signed with a key of another office");
    let lines = office.lines(3);
    let retirement = KeyRetirement {
        keyid: office.key.keyid().into(),
        last: [("health-quarterly".parse().expect("a feed"), 2)].into(),
    };
    office
        .registry
        .apply(&RegistryEvent::KeyRetired(retirement))
        .expect("applies");
    let retired = office.verify(&lines).expect_err("retired");
    assert_eq!(
        retired,
        "line 3 is signed with a key that the registry does not honour at position 3"
    );
    assert!(office.verify(&lines[..2]).is_ok());
}

/// The same event with another signature, which is nobody's.
fn unsigned(event: &SignedEvent) -> SignedEvent {
    let material = String::from_utf8(event.material().to_vec()).expect("JSON");
    let (before, signature) = material.rsplit_once("\"sig\":\"").expect("a signature");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let changed = format!("{before}\"sig\":\"{other}{}", &signature[1..]);
    let (event, link) = (event.event().clone(), *event.link());
    SignedEvent::from_parts(event, link, changed.as_bytes()).expect("well formed")
}

/// A log whose events at these positions are not signed, though those behind name them.
fn log_with(office: &Office, count: u32, bad: &[u32]) -> Vec<String> {
    let mut head = Head::empty(office.registry.genesis());
    let lines = (1..=count).map(|cases| {
        let mut event = sign(log(), &office.key, head, cases);
        if bad.contains(&cases) {
            event = unsigned(&event);
        }
        head = Head::of(&event);
        structured::encode(&event)
    });
    lines.collect()
}

#[test]
fn every_line_that_is_not_signed_is_named_and_the_rest_is_judged() {
    let office = office();
    let said = office.verify(&log_with(&office, 300, &[1, 256, 257, 300]));
    let said = said.expect_err("four are not signed");
    let lines: Vec<&str> = said.lines().collect();
    let bad =
        |line: u32| format!("NOT VERIFIED: line {line} carries a signature that is not its key's");
    assert_eq!(lines[..4], [1, 256, 257, 300].map(bad));
    assert!(
        lines[4].starts_with("moh/siem-reap health-quarterly: 300 events, positions 1 to 300"),
        "{said}"
    );
    assert!(
        lines[5].contains("Every other line's signature is good"),
        "{said}"
    );
    let mut broken = log_with(&office, 5, &[2]);
    broken.remove(3);
    assert_eq!(
        office.verify(&broken),
        Err("line 4 does not follow position 3: the chain is broken".into())
    );
    let many: Vec<u32> = (1..=60).collect();
    let said = office
        .verify(&log_with(&office, 60, &many))
        .expect_err("none");
    assert!(
        said.contains("NOT VERIFIED: 10 lines more are as bad"),
        "{said}"
    );
}

#[test]
fn a_log_of_another_bus_is_not_this_ones() {
    let office = office();
    let training = Head::empty(Hash::of(b"training"));
    let line = structured::encode(&sign(log(), &office.key, training, 1));
    let fault = office.verify(&[line]).expect_err("another genesis");
    assert!(
        fault.starts_with("line 1 is position 1 of another bus"),
        "{fault}"
    );
}
