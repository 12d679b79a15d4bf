use schemas::chain::Head;
use schemas::event::{Classification, Core, Event, Hash, Position, Timestamp};
use schemas::registry::{KeyRecord, RegistryEvent, seed};
use schemas::signing::SigningKey;
use schemas::subject::OfficeId;

use super::*;

fn genesis() -> Hash {
    Hash::of(b"genesis")
}

fn feed() -> FeedName {
    "market-prices".parse().expect("a feed")
}

fn office(name: &str) -> OfficeId {
    name.parse().expect("an office")
}

fn key() -> SigningKey {
    SigningKey::generate().expect("a key").0
}

/// The registry of the feeds, and these offices with their keys.
fn registry(offices: &[(&str, &SigningKey)]) -> Registry {
    let mut registry = Registry::empty(genesis());
    for said in seed() {
        registry.apply(&said).expect("the seed applies");
    }
    for (name, key) in offices {
        let known = registry
            .usual_office(&office(name))
            .expect("a usual office");
        let added = RegistryEvent::OfficeAdded(known);
        registry.apply(&added).expect("the office is added");
        let record = KeyRecord {
            office: office(name),
            keyid: key.keyid().into(),
            public_key: (*key.public()).into(),
            honoured: std::collections::BTreeMap::new(),
        };
        let added = RegistryEvent::KeyAdded(record);
        registry.apply(&added).expect("the key is added");
    }
    registry
}

fn verify(registry: Registry, batch: &[SignedEvent]) -> Vec<Result<Verified, No>> {
    let verifier = Verifier {
        registry: Arc::new(registry),
    };
    let incoming = batch.iter().enumerate().map(|(index, event)| Incoming {
        sequence: index as u64 + 1,
        place: Place::Log,
        event: event.clone(),
    });
    verifier.verify(&feed(), &incoming.collect::<Vec<_>>())
}

fn event(id: u64, province: &str) -> Event {
    let data = format!(
        r#"{{"period":"2026-07","admin1_code":"{province}","market":"Siem Reap","commodity":"Rice","unit":"KG","pricetype":"Retail","currency":"KHR","price":"{id}"}}"#
    );
    let core = Core {
        id: format!("event-{id}"),
        event_type: "kh.gov.maff.market-price.submitted.v1".into(),
        subject: Some(format!("{province}/2026-07")),
        time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/market-prices/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: data.into(),
    };
    let log = LogName {
        feed: feed(),
        office: office("maff/siem-reap"),
    };
    let recorded = Timestamp::from_unix_seconds(1_790_000_001).expect("a time");
    Event::new(log, core, recorded).expect("well formed")
}

fn run(count: u64, key: &SigningKey) -> Vec<SignedEvent> {
    let mut head = Head::empty(genesis());
    let mut run = Vec::new();
    for id in 1..=count {
        let signed = SignedEvent::sign(event(id, "KH17"), head.next().expect("room"), key);
        head = Head::of(&signed);
        run.push(signed);
    }
    run
}

/// The same event, naming another key than the one that signed it.
fn under_the_name_of(key: &SigningKey, signed: &SignedEvent) -> SignedEvent {
    let material = String::from_utf8(signed.material().to_vec()).expect("material is text");
    let forged = material.replace(signed.keyid(), key.keyid());
    SignedEvent::from_parts(signed.event().clone(), *signed.link(), forged.as_bytes())
        .expect("the digests are good")
}

fn refused(verdict: &Result<Verified, No>) -> &'static str {
    match verdict {
        Ok(_) => "believed",
        Err(No::Bad(refusal)) => refusal.code().name,
        Err(No::Unbelieved(event)) => event.why().code().name,
        Err(No::Held(hold)) => hold.code().name,
    }
}

#[test]
fn what_the_office_signed_is_believed() {
    let key = key();
    let run = run(5, &key);
    let verdicts = verify(registry(&[("maff/siem-reap", &key)]), &run);
    assert!(
        verdicts
            .iter()
            .all(|verdict| refused(verdict) == "believed")
    );
}

#[test]
fn each_event_is_judged_by_its_own_signature_wherever_it_stands_in_a_batch() {
    let key = key();
    for bad in 0..5 {
        let mut batch = run(bad as u64, &key);
        let head = batch.last().map_or(Head::empty(genesis()), Head::of);
        let stranger = super::tests::key();
        let forged = SignedEvent::sign(
            event(bad as u64 + 1, "KH17"),
            head.next().expect("room"),
            &stranger,
        );
        batch.push(under_the_name_of(&key, &forged));
        // What is behind it names it, and is the office's own.
        while batch.len() < 5 {
            let head = Head::of(&batch[batch.len() - 1]);
            let id = batch.len() as u64 + 1;
            batch.push(SignedEvent::sign(
                event(id, "KH17"),
                head.next().expect("room"),
                &key,
            ));
        }
        let mut expected = ["believed"; 5];
        expected[bad] = "signature-invalid";
        let known = || registry(&[("maff/siem-reap", &key)]);
        let words = |batch: &[SignedEvent]| -> Vec<&str> {
            verify(known(), batch).iter().map(refused).collect()
        };
        assert_eq!(words(&batch), expected);
        for ends in 1..5 {
            let (before, behind) = batch.split_at(ends);
            assert_eq!([words(before), words(behind)].concat(), expected);
        }
    }
}

#[test]
fn an_unknown_key_or_office_holds_and_a_stranger_s_key_does_not_pass() {
    let (own, thief) = (key(), key());
    let batch = run(1, &own);
    let unknown = verify(registry(&[("maff/siem-reap", &thief)]), &batch);
    assert_eq!(refused(&unknown[0]), "key-unknown");
    let nobody = verify(registry(&[]), &batch);
    assert_eq!(refused(&nobody[0]), "office-unknown");
    let known = registry(&[("maff/siem-reap", &own), ("moh/siem-reap", &thief)]);
    let forged = verify(known, &run(1, &thief));
    assert_eq!(refused(&forged[0]), "signer-mismatch");
}

#[test]
fn figures_of_another_province_and_data_outside_its_contract_do_not_pass() {
    let key = key();
    let head = Head::empty(genesis());
    let known = || registry(&[("maff/siem-reap", &key)]);
    let elsewhere = SignedEvent::sign(event(1, "KH01"), head.next().expect("room"), &key);
    assert_eq!(refused(&verify(known(), &[elsewhere])[0]), "row-not-yours");
    let nowhere = SignedEvent::sign(event(1, "Siem Reap"), head.next().expect("room"), &key);
    assert_eq!(
        refused(&verify(known(), &[nowhere])[0]),
        "contract-violated"
    );
}

#[test]
fn a_log_of_another_authority_s_bus_does_not_pass() {
    let key = key();
    let training = Head::empty(Hash::of(b"training"));
    let signed = SignedEvent::sign(event(1, "KH17"), training.next().expect("room"), &key);
    let verdicts = verify(registry(&[("maff/siem-reap", &key)]), &[signed]);
    assert_eq!(refused(&verdicts[0]), "digest-mismatch");
}

#[test]
fn an_event_belongs_where_it_lies() {
    let signed = run(1, &key()).remove(0);
    let log = signed.event().log().clone();
    let read = |subject: &str| {
        let data = signed.event().data().clone();
        Incoming::read(&feed(), subject, 7, &nats::encode(&signed), data)
    };
    let place = |subject: &str| read(subject).map(|incoming| incoming.place);
    assert_eq!(place(&log.subject()), Ok(Place::Log));
    let refill = LogSubject::Refill(log.clone(), Position::FIRST).to_string();
    assert_eq!(place(&refill), Ok(Place::Log));
    assert_eq!(place(&format!("{}.gap", log.subject())), Ok(Place::Gap));
    for elsewhere in [
        format!("{}.2", log.subject()),
        "spean.log.market-prices.maff.takeo".into(),
        "spean.log.health-quarterly.maff.siem-reap".into(),
        "spean.log.market-prices".into(),
    ] {
        assert_eq!(
            read(&elsewhere),
            Err(Refusal::SourceMismatch.into()),
            "{elsewhere}"
        );
    }
}

/// Signed where it must stand: behind its range.
fn declaration((first, last): (u64, u64), behind: u64, key: &SigningKey) -> SignedEvent {
    let log = LogName {
        feed: feed(),
        office: office("maff/siem-reap"),
    };
    let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
    let event = GapDeclared { first, last }.event(log, now, None);
    let link = schemas::chain::Link {
        position: Position::new(behind).expect("a position"),
        prev: Hash::of(b"the last lost one"),
    };
    SignedEvent::sign(event.expect("well formed"), link, key)
}

#[test]
fn a_gap_is_believed_on_its_own_subject_and_with_its_office_s_signature_alone() {
    let (key, thief) = (key(), key());
    let events = run(4, &key);
    let good = declaration((2, 3), 4, &key);
    let of = |place: Place, event: &SignedEvent| Incoming {
        sequence: 1,
        place,
        event: event.clone(),
    };
    let verifier = Verifier {
        registry: Arc::new(registry(&[
            ("maff/siem-reap", &key),
            ("moh/siem-reap", &thief),
        ])),
    };
    let words = |incoming: Incoming| {
        let batch = [incoming, of(Place::Log, &events[3])];
        refused(&verifier.verify(&feed(), &batch)[0])
    };
    assert_eq!(words(of(Place::Gap, &good)), "believed");
    assert_eq!(words(of(Place::Log, &good)), "contract-unknown");
    assert_eq!(words(of(Place::Gap, &events[2])), "type-not-of-feed");
    let elsewhere = declaration((2, 3), 5, &key);
    assert_eq!(words(of(Place::Gap, &elsewhere)), "contract-violated");
    let stranger = declaration((2, 3), 4, &thief);
    assert_eq!(words(of(Place::Gap, &stranger)), "signer-mismatch");
    let forged = under_the_name_of(&key, &stranger);
    assert_eq!(words(of(Place::Gap, &forged)), "signature-invalid");
}
