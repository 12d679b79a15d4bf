//! What readers have confirmed, against a real nats-server: what is held for it, and what ends that.

use schemas::chain::Head;
use schemas::confirmation::signed_with;
use schemas::event::{Position, Timestamp};
use schemas::registry::{KeyRetirement, RegistryEvent};
use schemas::signing::SigningKey;

use super::*;
use crate::commit::Commits;
use crate::commit::heal::tests::{append, are_stored, lose, refill, written};
use crate::fixtures::nats::Nats;
use crate::fixtures::pen::{Pen, key_added};
use crate::refuse::Answer;

const READER: &str = "moh/hq";

fn said(event: &SignedEvent) -> Said {
    Said {
        reader: READER.parse().expect("an office"),
        log: event.event().log().clone(),
        position: event.link().position,
        hash: event.hash(),
        time: Timestamp::from_unix_seconds(1_790_000_000).expect("a time"),
        registry: None,
        newest: None,
    }
}

/// The reader holds all up to this event, and has shown it.
pub(in crate::commit) async fn confirm(nats: &Nats, key: &SigningKey, event: &SignedEvent) {
    let said = said(event);
    let subject = said.subject().to_string();
    let headers = signed_with(event.keyid());
    nats.say(&subject, &headers, &Confirmation::sign(said, key))
        .await;
}

/// A written log, and the key of its reader.
async fn read_by(count: u64) -> (Nats, Commits, Pen, Vec<SignedEvent>, SigningKey) {
    let (nats, commits, mut pen, events) = written(count).await;
    let (key, _) = SigningKey::generate().expect("a key");
    pen.tell(key_added(READER, &key));
    (nats, commits, pen, events, key)
}

/// What an office writes behind this event that does not remember what came there.
fn others(pen: &mut Pen, behind: &SignedEvent, count: u64) -> Vec<SignedEvent> {
    pen.head = Head::of(behind);
    (0..count).map(|number| pen.write(1_000 + number)).collect()
}

fn held_for(event: &SignedEvent, count: usize) -> Vec<Answer> {
    let hold = Hold::PositionConfirmed {
        position: event.link().position,
        reader: READER.parse().expect("an office"),
    };
    vec![Answer::Held(hold); count]
}

#[tokio::test]
async fn nothing_new_is_stored_at_or_below_what_is_confirmed_until_that_is_back() {
    let (nats, old, mut pen, events, key) = read_by(10).await;
    confirm(&nats, &key, &events[9]).await;
    lose(&nats, 6..=10).await;
    let others = others(&mut pen, &events[4], 9);
    // One that remembers heads, and one that was started since.
    for commits in [&old, &nats.commits()] {
        for run in [&others[..1], &others[..]] {
            let answers = append(commits, &pen, run).await;
            assert_eq!(answers, held_for(&events[9], run.len()));
        }
    }
    // Where they come back as if they had been there, the confirmed position tells.
    let answers = refill(&old, &pen, &others[..5]).await;
    assert_eq!(answers[..1], held_for(&events[9], 1));
    assert_eq!(nats.stored("health-quarterly").await.len(), 5);

    let answers = refill(&old, &pen, &events[5..]).await;
    assert!(are_stored(&answers, false), "{answers:?}");
    pen.head = Head::of(&events[9]);
    let next = pen.run(1);
    assert!(are_stored(&append(&old, &pen, &next).await, false));
}

#[tokio::test]
async fn a_run_that_ends_in_what_is_confirmed_needs_no_other_proof() {
    // A batch, and single events that wait behind one another.
    for lost in [15, 4] {
        let (nats, commits, pen, events, key) = read_by(20).await;
        confirm(&nats, &key, &events[18]).await;
        lose(&nats, 20 - lost + 1..=20).await;
        let first = usize::try_from(20 - lost).expect("small");
        let answers = append(&commits, &pen, &events[first..]).await;
        assert!(are_stored(&answers, false), "{answers:?}");
    }
}

#[tokio::test]
async fn what_another_gateway_takes_is_heard_while_heads_are_remembered() {
    let (nats, commits, mut pen, events, key) = read_by(8).await;
    lose(&nats, 6..=8).await;
    // The head is read, and nothing was confirmed.
    assert!(are_stored(
        &append(&commits, &pen, &events[4..5]).await,
        true
    ));
    confirm(&nats, &key, &events[7]).await;
    // A question on the same connection is answered behind what is heard there.
    append(&commits, &pen, &events[4..5]).await;
    let others = others(&mut pen, &events[4], 1);
    let answers = append(&commits, &pen, &others).await;
    assert_eq!(answers, held_for(&events[7], 1));
}

#[tokio::test]
async fn who_must_not_read_a_log_any_longer_holds_nobody_up() {
    let (nats, commits, mut pen, events, key) = read_by(8).await;
    confirm(&nats, &key, &events[7]).await;
    lose(&nats, 6..=8).await;
    let others = others(&mut pen, &events[4], 1);
    let answers = append(&commits, &pen, &others).await;
    assert_eq!(answers, held_for(&events[7], 1));
    pen.tell(RegistryEvent::KeyRetired(KeyRetirement {
        keyid: key.keyid().to_owned(),
        last: Default::default(),
    }));
    assert!(are_stored(&append(&commits, &pen, &others).await, false));
}

#[tokio::test]
async fn a_word_without_the_office_s_signature_under_it_holds_nobody() {
    let (nats, commits, mut pen, events, key) = read_by(8).await;
    let last = said(&events[7]);
    let unproved = [
        // No event stands there, and none ever did.
        (
            Said {
                position: Position::new((1 << 53) - 1).expect("a position"),
                ..last.clone()
            },
            String::new(),
        ),
        // The office has this event, and the reader has not shown it.
        (last.clone(), String::new()),
        // The key is the reader's own.
        (last, signed_with(key.keyid())),
    ];
    lose(&nats, 6..=8).await;
    pen.head = Head::of(&events[4]);
    for (said, headers) in unproved {
        let subject = said.subject().to_string();
        nats.say(&subject, &headers, &Confirmation::sign(said, &key))
            .await;
        // One that heard it, and one that reads it.
        for commits in [&commits, &nats.commits()] {
            let next = pen.run(1);
            let answers = append(commits, &pen, &next).await;
            assert!(are_stored(&answers, false), "{answers:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_retired_before_the_position_proves_nothing_more() {
    let (nats, commits, mut pen, events, key) = read_by(8).await;
    confirm(&nats, &key, &events[7]).await;
    lose(&nats, 6..=8).await;
    let (new, _) = SigningKey::generate().expect("a key");
    pen.tell(key_added(&pen.log.office.to_string(), &new));
    pen.tell(RegistryEvent::KeyRetired(KeyRetirement {
        keyid: pen.key.keyid().to_owned(),
        last: [(pen.log.feed.clone(), events[4].link().position.number())].into(),
    }));
    pen.key = new;
    let others = others(&mut pen, &events[4], 1);
    assert!(are_stored(&append(&commits, &pen, &others).await, false));
}

#[tokio::test]
async fn what_is_confirmed_is_read_once_for_all_that_ask_until_more_is_heard() {
    let (nats, _, pen, events, key) = read_by(3).await;
    confirm(&nats, &key, &events[1]).await;
    let (jetstream, heard) = (nats.connect().await, Heard::default());
    let reader = Reader {
        jetstream: &jetstream,
        log: &pen.log,
    };
    let confirmed = || async {
        let read = heard.confirmed(reader, &pen.registry).await;
        read.expect("nats-server answers")
    };
    heard.read(reader, &pen.registry).await.expect("an answer");
    let first = confirmed().await;
    assert_eq!(first.up_to(), 2);
    assert!(Arc::ptr_eq(&first, &confirmed().await), "not read again");
    let said = said(&events[2]);
    let headers = signed_with(events[2].keyid());
    let subject = said.subject().to_string();
    let words = format!("{headers}{}", Confirmation::sign(said, &key));
    confirm(&nats, &key, &events[2]).await;
    heard.hear(subject.as_bytes(), words.as_bytes());
    let second = confirmed().await;
    assert_eq!(second.up_to(), 3);
    let third = confirmed().await;
    let kept = Arc::ptr_eq(&second, &third);
    assert!(!kept, "what was just said may not be stored yet");
}
