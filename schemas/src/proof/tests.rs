//! Proofs: what one says, and that no byte of it can be another.

use std::collections::BTreeMap;

use super::*;
use crate::event::Position;
use crate::receipt::{Facts, Stamp};
use crate::registry::{KeyRecord, KeyRetirement, seed};
use crate::registry_log::RegistryLog;
use crate::signing::SigningKey;
use crate::signing::tests::{key, run_of};

/// An authority whose registry knows the office of the events and a gateway.
struct Bus {
    authority: SigningKey,
    gateway: SigningKey,
    log: RegistryLog,
    text: String,
}

impl Bus {
    fn new() -> Bus {
        let (authority, _) = SigningKey::generate().expect("a key");
        let (gateway, _) = SigningKey::generate().expect("a key");
        let mut bus = Bus {
            log: RegistryLog::begin(*authority.public()),
            authority,
            gateway,
            text: String::new(),
        };
        for said in seed() {
            bus.say(&said);
        }
        let office = "moh/siem-reap".parse().expect("an office");
        let usual = bus.log.registry().usual_office(&office);
        bus.say(&RegistryEvent::OfficeAdded(usual.expect("a usual office")));
        bus.say(&RegistryEvent::KeyAdded(KeyRecord {
            office,
            keyid: key().keyid().into(),
            public_key: (*key().public()).into(),
            honoured: BTreeMap::new(),
        }));
        bus.say(&RegistryEvent::GatewayAdded(GatewayRecord {
            name: "gateway-1".into(),
            public_key: (*bus.gateway.public()).into(),
        }));
        bus
    }

    fn say(&mut self, said: &RegistryEvent) {
        let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
        let line = self.log.append(said, &self.authority, now);
        self.text.push_str(&line.expect("it applies"));
        self.text.push('\n');
    }

    fn receipt(&self, event: &SignedEvent) -> Receipt {
        let stamp = Stamp {
            admitted: "2026-10-02T03:00:09Z".parse().expect("a time"),
            gateway: "gateway-2".into(),
            registry: None,
            newest: None,
        };
        Receipt::sign(Facts::of(event, stamp), &self.gateway)
    }

    fn proof(&self, run: &[SignedEvent], data: Data) -> String {
        let (event, behind) = run.split_first().expect("an event");
        let last = run.last().expect("an event");
        write(event, data, behind, &self.receipt(last), &self.text)
    }

    fn verify(&self, proof: &str) -> Result<Proved, ProofFault> {
        verify(proof, self.authority.public())
    }
}

#[test]
fn a_proof_says_what_was_durable_when_by_the_authoritys_key_alone() {
    let (bus, run) = (Bus::new(), run_of(5));
    let proved = bus.verify(&bus.proof(&run[1..4], Data::Shown));
    let proved = proved.expect("proved");
    assert_eq!((proved.id.as_str(), proved.position.number()), ("id-1", 2));
    assert_eq!(proved.receipt_position.number(), 4);
    assert_eq!(proved.admitted.to_string(), "2026-10-02T03:00:09Z");
    assert_eq!(
        (proved.admitted_by.as_str(), proved.signed_by.as_str()),
        ("gateway-2", "gateway-1")
    );
    assert_eq!(proved.data_withheld, None);
    let alone = bus.verify(&bus.proof(&run[4..], Data::Shown));
    assert_eq!(alone.map(|proved| proved.receipt_position.number()), Ok(5));
}

#[test]
fn an_event_whose_data_is_withheld_is_authentic_all_the_same() {
    let (bus, run) = (Bus::new(), run_of(2));
    let proof = bus.proof(&run, Data::Withheld);
    let line = proof.lines().nth(1).expect("the event");
    assert!(!line.contains(r#""data":"#) && !line.contains("data_base64"));
    let proved = bus.verify(&proof).expect("proved");
    assert_eq!(proved.data_withheld, Some(Hash::of(b"{}")));
    assert_eq!(proved.hash, run[0].hash());
}

#[test]
fn any_changed_byte_of_a_proof_is_seen_and_named() {
    let (bus, run) = (Bus::new(), run_of(3));
    for data in [Data::Shown, Data::Withheld] {
        let proof = bus.proof(&run, data);
        for index in 0..proof.len() {
            for bit in [1, 0x20] {
                let mut bytes = proof.clone().into_bytes();
                bytes[index] ^= bit;
                let Ok(changed) = String::from_utf8(bytes) else {
                    continue;
                };
                let verdict = bus.verify(&changed);
                assert!(
                    verdict.is_err(),
                    "byte {index} of {}: {changed}",
                    proof.len()
                );
            }
        }
        for cut in [1, 100, proof.len() / 2] {
            assert!(bus.verify(&proof[..proof.len() - cut]).is_err());
        }
    }
}

#[test]
fn lines_of_another_authority_or_of_a_key_that_ended_prove_nothing() {
    let (mut bus, run) = (Bus::new(), run_of(3));
    let proof = bus.proof(&run, Data::Shown);
    let other = Bus::new();
    let fault = other.verify(&proof).expect_err("another authority");
    assert_eq!(fault.what, ProofBreak::Registry(LineFault::OtherKey));

    bus.say(&RegistryEvent::KeyRetired(KeyRetirement {
        keyid: key().keyid().into(),
        last: [("health-quarterly".parse().expect("a feed"), 1)].into(),
    }));
    assert!(bus.verify(&bus.proof(&run, Data::Shown)).is_ok());
    let behind = bus.proof(&run[1..], Data::Shown);
    let fault = bus.verify(&behind).expect_err("the key has ended");
    assert_eq!((fault.line, fault.what), (2, ProofBreak::Key));
}

#[test]
fn a_receipt_that_the_chain_does_not_lead_to_proves_nothing() {
    let (bus, run) = (Bus::new(), run_of(4));
    let proof = write(
        &run[0],
        Data::Shown,
        &run[1..2],
        &bus.receipt(&run[3]),
        &bus.text,
    );
    let fault = bus.verify(&proof).expect_err("a gap");
    assert_eq!((fault.line, fault.what), (4, ProofBreak::NotLinked));
    let stranger = Receipt::sign(bus.receipt(&run[0]).facts().clone(), &key());
    let proof = write(&run[0], Data::Shown, &[], &stranger, &bus.text);
    let fault = bus.verify(&proof).expect_err("no gateway");
    assert_eq!((fault.line, fault.what), (3, ProofBreak::Key));
    assert_eq!(run[0].link().position, Position::FIRST);
}

#[test]
fn a_receipt_that_is_stamped_a_day_before_its_event_was_recorded_proves_nothing() {
    let (bus, run) = (Bus::new(), run_of(2));
    let recorded = run[0].event().recorded_time();
    let stamped = |seconds: i64| {
        let admitted = Timestamp::from_unix_seconds(recorded.unix_seconds() - seconds);
        let stamp = Stamp {
            admitted: admitted.expect("a time"),
            gateway: "gateway-2".into(),
            registry: None,
            newest: None,
        };
        let receipt = Receipt::sign(Facts::of(&run[1], stamp), &bus.gateway);
        let proof = write(&run[0], Data::Shown, &run[1..], &receipt, &bus.text);
        bus.verify(&proof)
    };
    for (seconds, minutes) in [(0, None), (300, None), (12 * 3600, Some(720))] {
        let proved = stamped(seconds).expect("it proves");
        let before = proved.stamped_before().map(|before| before.as_secs() / 60);
        assert_eq!(before, minutes, "{seconds}");
    }
    let fault = stamped(24 * 3600).expect_err("it proves nothing");
    assert!(
        matches!(fault.what, ProofBreak::StampedBefore { recorded: named, .. } if named == recorded),
        "{fault}"
    );
    assert_eq!(fault.line, 4);
}
