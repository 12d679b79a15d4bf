//! Refills against a real nats-server: what comes back, what does not, and where it stands afterwards.

use schemas::registry::{KeyRetirement, RegistryEvent};
use schemas::signing::SignedEvent;
use serde_json::json;

use crate::admit::{Admission, RawEvent};
use crate::commit::Commits;
use crate::fixtures::nats::Nats;
use crate::fixtures::pen::{Pen, sent};
use crate::refuse::Answer;
use schemas::refusal::{Hold, Refusal};

pub(in crate::commit) const STREAM: &str = "health-quarterly";
pub(in crate::commit) const LOG: &str = "spean.log.health-quarterly.moh.siem-reap";
/// A reader of the feed.
const READER: &str = "moh/hq";

pub(in crate::commit) async fn append(
    commits: &Commits,
    pen: &Pen,
    events: &[SignedEvent],
) -> Vec<Answer> {
    let raw: Vec<RawEvent> = events.iter().map(sent).collect();
    let judged = Admission::new().admit(pen.submission(raw));
    let mut waiting = Vec::new();
    for run in judged.admitted {
        waiting.push(commits.store(run).await);
    }
    let mut answers = Vec::new();
    for answered in waiting {
        let answered = answered.await.expect("answers");
        answers.extend(answered.into_iter().map(|answered| answered.answer));
    }
    answers
}

pub(in crate::commit) async fn refill(
    commits: &Commits,
    pen: &Pen,
    events: &[SignedEvent],
) -> Vec<Answer> {
    let (healings, mut answered) = Admission::new().heal(pen.refills(READER, events));
    if let Some(healings) = healings {
        answered.extend(
            commits
                .heal(&READER.parse().expect("an office"), healings)
                .await
                .await
                .expect("answers"),
        );
    }
    answered.sort_by_key(|answered| answered.place);
    answered
        .into_iter()
        .map(|answered| answered.answer)
        .collect()
}

pub(in crate::commit) async fn lose(nats: &Nats, seqs: impl IntoIterator<Item = u64>) {
    let delete = format!("$JS.API.STREAM.MSG.DELETE.{STREAM}");
    for seq in seqs {
        let deleted = nats.operate(&delete, &json!({ "seq": seq })).await;
        deleted.expect("the operator may");
    }
}

pub(in crate::commit) fn are_stored(answers: &[Answer], again: bool) -> bool {
    let stored = |answer: &Answer| match answer {
        Answer::Stored { duplicate, .. } => *duplicate == again,
        Answer::Refused(_) | Answer::Held(_) => false,
    };
    answers.iter().all(stored)
}

fn held(hold: Hold) -> Vec<Answer> {
    vec![Answer::Held(hold)]
}

pub(in crate::commit) async fn written(count: u64) -> (Nats, Commits, Pen, Vec<SignedEvent>) {
    let nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(count);
    let stored = append(&commits, &pen, &events).await;
    assert!(are_stored(&stored, false), "{stored:?}");
    (nats, commits, pen, events)
}

#[tokio::test]
async fn a_hole_is_filled_at_its_own_subject_once_and_only_with_what_was_there() {
    let (nats, commits, mut pen, events) = written(20).await;
    lose(&nats, [7]).await;
    pen.head = schemas::chain::Head::of(&events[5]);
    let other = pen.write(99);
    let unlinked = held(Hold::ChainMismatch { head: 20 });
    assert_eq!(refill(&commits, &pen, &[other]).await, unlinked);
    assert!(are_stored(
        &refill(&commits, &pen, &events[6..7]).await,
        false
    ));
    assert!(are_stored(
        &refill(&commits, &pen, &events[6..7]).await,
        true
    ));
    assert!(are_stored(
        &refill(&commits, &pen, &events[7..8]).await,
        true
    ));
    let all = nats.stored(STREAM).await;
    assert_eq!(all.len(), 20);
    assert_eq!(all[19].0, format!("{LOG}.7"));
}

#[tokio::test]
async fn a_wide_hole_is_filled_from_either_side() {
    for upwards in [true, false] {
        let (nats, commits, pen, events) = written(20).await;
        lose(&nats, 5..=9).await;
        let lone = held(Hold::PositionAhead { head: 20 });
        assert_eq!(refill(&commits, &pen, &events[6..7]).await, lone);
        let mut lost = events[4..9].to_vec();
        if !upwards {
            lost.reverse();
        }
        let answers = refill(&commits, &pen, &lost).await;
        assert!(are_stored(&answers, false), "{answers:?}");
        assert_eq!(nats.stored(STREAM).await.len(), 20);
    }
}

#[tokio::test]
async fn where_the_chain_names_the_event_its_key_and_contract_may_be_long_gone() {
    let (nats, commits, mut pen, events) = written(10).await;
    pen.tell(RegistryEvent::KeyRetired(KeyRetirement {
        keyid: pen.key.keyid().to_owned(),
        last: Default::default(),
    }));
    lose(&nats, [4, 5]).await;
    let below = refill(&commits, &pen, &events[3..4]).await;
    let retired = Refusal::KeyRetired {
        at: events[3].link().position,
    };
    assert_eq!(below, [Answer::Refused(retired)]);
    let named = [events[4].clone(), events[3].clone()];
    assert!(are_stored(&refill(&commits, &pen, &named).await, false));
}

#[tokio::test]
async fn a_lost_tail_comes_back_as_what_it_was_and_the_office_goes_on_behind_it() {
    for lost in [3, 15] {
        let (nats, commits, mut pen, events) = written(20).await;
        lose(&nats, 20 - lost + 1..=20).await;
        let first = usize::try_from(20 - lost).expect("small");
        let ahead = held(Hold::PositionAhead { head: 20 - lost });
        assert_eq!(
            refill(&commits, &pen, &events[first + 1..first + 2]).await,
            ahead
        );
        let answers = refill(&commits, &pen, &events[first..]).await;
        assert!(are_stored(&answers, false), "{answers:?}");
        assert!(are_stored(
            &append(&commits, &pen, &events[first..]).await,
            true
        ));
        let next = pen.run(1);
        assert!(are_stored(&append(&commits, &pen, &next).await, false));
        let all = nats.stored(STREAM).await;
        assert!(all.iter().all(|(subject, _)| subject == LOG));
        assert_eq!(all.len(), 21);
    }
}

#[tokio::test]
async fn behind_the_head_only_what_the_office_may_append_comes_back() {
    let (_nats, commits, mut pen, events) = written(3).await;
    let bad = pen.write_as(1, |core| core.data = bytes::Bytes::from_static(b"{}"));
    let answers = refill(&commits, &pen, &[bad]).await;
    assert!(matches!(
        answers[0],
        Answer::Refused(Refusal::ContractViolated(_))
    ));
    pen.head = schemas::chain::Head::of(&events[2]);
    let (stranger, _) = schemas::signing::SigningKey::generate().expect("a key");
    let own = std::mem::replace(&mut pen.key, stranger);
    let forged = pen.write(1);
    pen.key = own;
    assert_eq!(
        refill(&commits, &pen, &[forged]).await,
        held(Hold::KeyUnknown)
    );
}

#[tokio::test]
async fn a_wiped_log_comes_back_from_a_reader_alone() {
    let (nats, commits, pen, events) = written(60).await;
    lose(&nats, 1..=60).await;
    let answers = refill(&commits, &pen, &events).await;
    assert!(are_stored(&answers, false), "{answers:?}");
    let all = nats.stored(STREAM).await;
    assert_eq!(all.len(), 60);
    for ((subject, headers), event) in all.iter().zip(&events) {
        assert_eq!(subject, LOG);
        assert!(headers.contains(&event.link().position.sequence()));
    }
}

#[tokio::test]
async fn a_damaged_last_message_comes_back_behind_the_one_that_can_be_read() {
    let (mut nats, commits, pen, events) = written(5).await;
    nats.damage_last(STREAM).await;
    let answers = loop {
        // JetStream may still be recovering when the port is open.
        let answers = refill(&commits, &pen, &events[4..]).await;
        if answers != held(Hold::BusUnavailable) {
            break answers;
        }
    };
    assert!(are_stored(&answers, false), "{answers:?}");
}

#[tokio::test]
async fn two_who_bring_the_same_back_leave_no_double() {
    let (nats, commits, pen, events) = written(40).await;
    lose(&nats, (5..=20).chain(35..=40)).await;
    let other = nats.commits();
    let mut lost = events[4..20].to_vec();
    lost.extend_from_slice(&events[34..]);
    let (one, two) = tokio::join!(refill(&commits, &pen, &lost), refill(&other, &pen, &lost));
    for answer in one.iter().chain(&two) {
        assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
    }
    assert_eq!(nats.stored(STREAM).await.len(), 40);
}
