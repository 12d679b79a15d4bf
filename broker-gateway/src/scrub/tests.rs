use schemas::chain::Link;
use schemas::event::{Position, Timestamp};
use schemas::notice::GapDeclared;

use super::*;
use crate::fixtures::pen::Pen;

const LOG: &str = "spean.log.health-quarterly.moh.siem-reap";

fn scrub(pen: &Pen, messages: &[(String, SignedEvent)]) -> FeedReport {
    let mut scrub = Scrub::new(pen.log.feed.clone(), &pen.registry);
    for (index, (subject, event)) in messages.iter().enumerate() {
        let headers = nats::encode(event);
        scrub.take(
            index as u64 + 1,
            subject,
            &headers,
            event.event().data().clone(),
        );
    }
    scrub.finish()
}

fn appended(events: &[SignedEvent], without: &[u64]) -> Vec<(String, SignedEvent)> {
    let there = events
        .iter()
        .filter(|event| !without.contains(&event.link().position.number()));
    there.map(|event| (LOG.to_owned(), event.clone())).collect()
}

fn refilled(event: &SignedEvent) -> (String, SignedEvent) {
    (format!("{LOG}.{}", event.link().position), event.clone())
}

#[test]
fn a_whole_log_is_whole_and_its_hash_is_the_heads() {
    let mut pen = Pen::new();
    let events = pen.run(20);
    let report = scrub(&pen, &appended(&events, &[]));
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.logs[0].hash, events[19].hash().to_string());
    assert_eq!((report.logs[0].head, report.messages), (20, 20));
}

#[test]
fn holes_are_named_until_they_are_refilled() {
    let mut pen = Pen::new();
    let events = pen.run(20);
    let lost = [1, 7, 8, 9, 15];
    let mut messages = appended(&events, &lost);
    let report = scrub(&pen, &messages);
    assert_eq!(report.logs[0].missing.to_string(), "1, 7-9, 15");
    assert!(!report.is_whole());
    messages.extend([0, 7, 14].map(|index| refilled(&events[index])));
    let report = scrub(&pen, &messages);
    assert_eq!(report.logs[0].missing.to_string(), "7, 9");
    messages.extend([6, 8].map(|index| refilled(&events[index])));
    let report = scrub(&pen, &messages);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.logs[0].refilled, 5);
}

#[test]
fn what_stands_twice_is_named_and_counted_and_breaks_nothing() {
    let mut pen = Pen::new();
    let events = pen.run(9);
    let mut messages = appended(&events, &[3]);
    // Stored again and again behind the head, as a nats-server that cannot read back makes a gateway do.
    for _ in 0..3 {
        messages.extend(appended(&events[5..], &[]));
    }
    messages.extend([2, 4].map(|index| refilled(&events[index])));
    let report = scrub(&pen, &messages);
    let log = &report.logs[0];
    assert_eq!(log.twice.to_string(), "5-9");
    assert_eq!((log.head, log.surplus), (9, 13));
    assert!(log.unlinked.is_empty() && report.is_whole(), "{report:?}");
    // Another one is missing besides.
    messages.retain(|(subject, event)| subject != LOG || event.link().position.number() != 2);
    let log = &scrub(&pen, &messages).logs[0];
    assert_eq!((log.missing.to_string(), log.surplus), ("2".into(), 13));
}

#[test]
fn what_does_not_link_is_named_wherever_it_stands() {
    let mut pen = Pen::new();
    let events = pen.run(9);
    pen.head = schemas::chain::Head::of(&events[3]);
    let other = pen.write(99);
    let mut swapped = appended(&events, &[5]);
    swapped.insert(4, (LOG.to_owned(), other.clone()));
    assert_eq!(scrub(&pen, &swapped).logs[0].unlinked.to_string(), "6");
    let mut wrongly_filled = appended(&events, &[5]);
    wrongly_filled.push(refilled(&other));
    let report = scrub(&pen, &wrongly_filled);
    assert_eq!(report.logs[0].unlinked.to_string(), "6");
    assert!(!report.is_whole());
}

#[test]
fn damaged_messages_are_named_by_their_sequence() {
    let mut pen = Pen::new();
    let events = pen.run(3);
    let mut scrub = Scrub::new(pen.log.feed.clone(), &pen.registry);
    for (index, event) in events.iter().enumerate() {
        let changed = Bytes::from_static(b"{}");
        let data = [event.event().data(), &changed][usize::from(index == 1)].clone();
        scrub.take(index as u64 + 1, LOG, &nats::encode(event), data);
    }
    scrub.take(
        4,
        "spean.log.health-quarterly.moh.hq",
        &nats::encode(&events[0]),
        events[0].event().data().clone(),
    );
    let report = scrub.finish();
    let damaged: Vec<u64> = report
        .damaged
        .iter()
        .map(|damaged| damaged.sequence)
        .collect();
    assert_eq!(damaged, [2, 4]);
    assert_eq!(report.logs[0].missing.to_string(), "2");
}

#[test]
fn a_declared_gap_is_missing_and_said_to_be_declared() {
    let mut pen = Pen::new();
    let events = pen.run(9);
    let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
    let gap = GapDeclared { first: 4, last: 6 };
    let event = gap.event(pen.log.clone(), now, None).expect("well formed");
    let position = Position::new(7).expect("a position");
    let prev = events[5].hash();
    let declared = SignedEvent::sign(event, Link { position, prev }, &pen.key);
    let mut messages = appended(&events, &[4, 5, 6]);
    messages.insert(3, (format!("{LOG}.gap"), declared));
    let report = scrub(&pen, &messages);
    assert_eq!(report.logs[0].missing.to_string(), "4-6");
    assert_eq!(report.logs[0].declared.to_string(), "4-6");
    assert!(report.is_whole());
    assert!(report.logs[0].wanted().is_empty(), "nobody is asked for it");
    messages.push(refilled(&events[4]));
    let report = scrub(&pen, &messages);
    assert_eq!(report.logs[0].declared.to_string(), "4, 6");
}

#[test]
fn events_that_nobody_honoured_signed_are_named() {
    let mut pen = Pen::new();
    let mut events = pen.run(300);
    for bad in [5, 280] {
        let material = String::from_utf8(events[bad].material().to_vec()).expect("JSON");
        let (before, signature) = material.rsplit_once(r#""sig":""#).expect("a signature");
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!(r#"{before}"sig":"{other}{}"#, &signature[1..]);
        let (event, link) = (events[bad].event().clone(), *events[bad].link());
        events[bad] = SignedEvent::from_parts(event, link, forged.as_bytes()).expect("well formed");
        // Whoever signs badly links to what it has signed.
        pen.head = Head::of(&events[bad]);
        let behind = pen.run(299 - bad as u64);
        events.truncate(bad + 1);
        events.extend(behind);
    }
    let report = scrub(&pen, &appended(&events, &[]));
    assert_eq!(report.logs[0].unsigned.to_string(), "6, 281");
    assert_eq!(report.logs[0].unlinked.to_string(), "");
    assert!(!report.is_whole());
    pen.head = Head::of(&events[299]);
    let (stranger, _) = schemas::signing::SigningKey::generate().expect("a key");
    pen.key = stranger;
    events.extend(pen.run(1));
    let report = scrub(&pen, &appended(&events, &[]));
    assert_eq!(report.logs[0].unsigned.to_string(), "6, 281, 301");
}
