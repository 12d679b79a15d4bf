//! Commit against a real nats-server: what is stored, what is not, and what is known after things went wrong.

use serde_json::json;

use super::*;
use crate::admit::{Admission, RawEvent};
use crate::fixtures::nats::Nats;
use crate::fixtures::pen::{Pen, sent};
use crate::refuse::Answer;
use schemas::receipt::{Facts, Receipt};
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;

const LOG: &str = "spean.log.health-quarterly.moh.siem-reap";
const STREAM: &str = "health-quarterly";

/// Sends events as one submission and waits for all answers, by place; without their receipts.
async fn store(commits: &Commits, pen: &Pen, events: &[SignedEvent]) -> Vec<Answer> {
    let bare = |answer| match answer {
        Answer::Stored {
            stream,
            seq,
            duplicate,
            receipt: _,
        } => Answer::Stored {
            stream,
            seq,
            duplicate,
            receipt: None,
        },
        Answer::Refused(_) | Answer::Held(_) => answer,
    };
    let answers = answers(commits, pen, events).await;
    answers.into_iter().map(bare).collect()
}

/// The receipts among the answers, each with its event's place.
async fn receipts(commits: &Commits, pen: &Pen, events: &[SignedEvent]) -> Vec<(usize, Receipt)> {
    let receipt = |(place, answer)| match answer {
        Answer::Stored { receipt, .. } => receipt.map(|receipt| (place, *receipt)),
        Answer::Refused(_) | Answer::Held(_) => panic!("not stored: {answer:?}"),
    };
    let answers = answers(commits, pen, events).await;
    answers
        .into_iter()
        .enumerate()
        .filter_map(receipt)
        .collect()
}

async fn answers(commits: &Commits, pen: &Pen, events: &[SignedEvent]) -> Vec<Answer> {
    let raw: Vec<RawEvent> = events.iter().map(sent).collect();
    let judged = Admission::new().admit(pen.submission(raw));
    let mut answered = judged.answered;
    let mut waiting = Vec::new();
    for run in judged.admitted {
        waiting.push(commits.store(run).await);
    }
    for answers in waiting {
        answered.extend(answers.await.expect("answers"));
    }
    answered.sort_by_key(|answered| answered.place);
    answered
        .into_iter()
        .map(|answered| answered.answer)
        .collect()
}

fn stored(seqs: impl IntoIterator<Item = u64>, duplicate: bool) -> Vec<Answer> {
    let stored = |seq| Answer::Stored {
        stream: STREAM.parse().expect("a feed"),
        seq,
        duplicate,
        receipt: None,
    };
    seqs.into_iter().map(stored).collect()
}

fn held(count: usize, hold: Hold) -> Vec<Answer> {
    vec![Answer::Held(hold); count]
}

#[tokio::test]
async fn what_is_admitted_is_stored_in_order_and_what_is_sent_again_is_known() {
    let nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(203);
    assert_eq!(
        store(&commits, &pen, &events[..3]).await,
        stored(1..=3, false)
    );
    assert_eq!(
        store(&commits, &pen, &events[3..103]).await,
        stored(4..=103, false)
    );
    assert_eq!(
        store(&commits, &pen, &events[..103]).await,
        stored(1..=103, true)
    );
    let overlapping = [stored(51..=103, true), stored(104..=203, false)].concat();
    assert_eq!(store(&commits, &pen, &events[50..203]).await, overlapping);
    let all = nats.stored(STREAM).await;
    assert_eq!(all.len(), 203);
    for ((subject, headers), event) in all.iter().zip(&events) {
        assert_eq!(subject, LOG);
        let sequence = format!("ce-sequence: {}\r\n", event.link().position.sequence());
        assert!(headers.contains(&sequence) && headers.contains("Spean-Gateway: localhost"));
    }
}

#[tokio::test]
async fn one_receipt_a_run_and_the_same_facts_again_at_any_gateway() {
    let nats = Nats::start().await;
    let (one, other, mut pen) = (nats.commits(), nats.commits(), Pen::new());
    let registry = nats.registry();
    let events = pen.run(300);
    let first = receipts(&one, &pen, &events[..100]).await;
    let [(99, receipt)] = &first[..] else {
        panic!("one for the run, on its last event: {first:?}")
    };
    let verified = receipt.clone().verified(&registry).expect("believed");
    assert_eq!(verified.is_for(&events[99]), Ok(()));
    assert_eq!(receipt.facts().stamp.gateway, "localhost");

    // Sent again, by a gateway that remembers it and by one that must read it.
    for (commits, sent) in [
        (&one, &events[..100]),
        (&one, &events[99..100]),
        (&other, &events[..100]),
    ] {
        let again = receipts(commits, &pen, sent).await;
        assert_eq!(again, [(sent.len() - 1, receipt.clone())]);
    }
    // Any stored position can be asked for, and what is new has its own.
    let overlapping = receipts(&other, &pen, &events[40..150]).await;
    let places: Vec<usize> = overlapping.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [59, 109]);
    let (_, asked) = &receipts(&one, &pen, &events[49..50]).await[0];
    assert_eq!(
        asked.facts(),
        &Facts::of(&events[49], receipt.facts().stamp.clone())
    );
    assert_eq!(receipts(&one, &pen, &events[150..151]).await.len(), 1);
}

#[tokio::test]
async fn a_position_is_filled_once_and_nothing_is_stored_ahead_or_unlinked() {
    let nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let empty = pen.head;
    let events = pen.run(12);
    store(&commits, &pen, &events[..10]).await;
    pen.head = empty;
    let branch: Vec<SignedEvent> = (100..112).map(|cases| pen.write(cases)).collect();
    let taken = Hold::PositionTaken { head: 10 };
    assert_eq!(
        store(&commits, &pen, &branch[..10]).await,
        held(10, taken.clone())
    );
    assert_eq!(store(&commits, &pen, &branch[9..10]).await, held(1, taken));
    let unlinked = Hold::ChainMismatch { head: 10 };
    assert_eq!(
        store(&commits, &pen, &branch[10..11]).await,
        held(1, unlinked)
    );
    let ahead = Hold::PositionAhead { head: 10 };
    assert_eq!(store(&commits, &pen, &events[11..]).await, held(1, ahead));
    assert_eq!(nats.stored(STREAM).await.len(), 10);
}

#[tokio::test]
async fn another_gateway_knows_the_head_and_two_of_them_leave_no_double_and_no_hole() {
    let nats = Nats::start().await;
    let (one, other, mut pen) = (nats.commits(), nats.commits(), Pen::new());
    let events = pen.run(400);
    assert_eq!(
        store(&one, &pen, &events[..20]).await,
        stored(1..=20, false)
    );
    assert_eq!(
        store(&other, &pen, &events[..21]).await[20..],
        stored([21], false)
    );
    // What the first one remembers is old now.
    assert_eq!(
        store(&one, &pen, &events[21..22]).await,
        stored([22], false)
    );
    for chunk in events[22..].chunks(27) {
        let (left, right) = tokio::join!(store(&one, &pen, chunk), store(&other, &pen, chunk));
        for answer in left.into_iter().chain(right) {
            assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
        }
    }
    assert_eq!(nats.stored(STREAM).await.len(), 400);
}

#[tokio::test]
async fn nothing_is_stored_or_lost_while_the_broker_is_away_and_its_heads_are_read_anew() {
    let mut nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(40);
    store(&commits, &pen, &events[..20]).await;
    nats.kill().await;
    assert_eq!(
        store(&commits, &pen, &events[20..]).await,
        held(20, Hold::BusUnavailable)
    );
    nats.restart().await;
    assert_eq!(
        store_again(&commits, &pen, &events[20..]).await,
        stored(21..=40, false)
    );
}

/// JetStream may still be recovering when the port is open: an office asks again, too.
async fn store_again(commits: &Commits, pen: &Pen, events: &[SignedEvent]) -> Vec<Answer> {
    loop {
        let answers = store(commits, pen, events).await;
        if answers != held(events.len(), Hold::BusUnavailable) {
            return answers;
        }
    }
}

#[tokio::test]
async fn behind_a_damaged_last_message_the_log_goes_on_from_the_last_one_that_can_be_read() {
    for count in [1, 2, 12] {
        let mut nats = Nats::start().await;
        let (commits, mut pen) = (nats.commits(), Pen::new());
        let events = pen.run(count + 11);
        let count = usize::try_from(count).expect("a small number");
        store(&commits, &pen, &events[..count]).await;
        nats.damage_last(STREAM).await;
        let ahead = store_again(&commits, &pen, &events[count..count + 1]).await;
        let head = count as u64 - 1;
        assert_eq!(ahead, held(1, Hold::PositionAhead { head }), "{count}");
        // First the lost one alone, then a run behind it, as a batch.
        for behind in [&events[count - 1..count], &events[count..]] {
            let answers = store(&commits, &pen, behind).await;
            let are_stored = answers.iter().all(|answer| match answer {
                Answer::Stored { duplicate, .. } => !duplicate,
                Answer::Refused(_) | Answer::Held(_) => false,
            });
            assert!(are_stored, "{count}: {answers:?}");
        }
        let last = nats.stored(STREAM).await.pop().expect("the last one");
        assert!(last.1.contains(&pen.head.position.expect("one").sequence()));
    }
}

#[tokio::test]
async fn a_lost_run_behind_a_damaged_message_is_taken_again_as_a_batch() {
    let mut nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(20);
    store(&commits, &pen, &events[..5]).await;
    nats.damage_last(STREAM).await;
    let answers = store_again(&commits, &pen, &events[4..]).await;
    let are_stored = |answer: &Answer| {
        matches!(
            answer,
            Answer::Stored {
                duplicate: false,
                ..
            }
        )
    };
    assert!(answers.iter().all(are_stored), "{answers:?}");
}

#[tokio::test]
async fn a_full_stream_holds_everything_and_takes_it_when_it_has_room() {
    let nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(30);
    store(&commits, &pen, &events[..1]).await;
    let room = async |bytes: u64| {
        let info = format!("$JS.API.STREAM.INFO.{STREAM}");
        let mut found = nats.operate(&info, &json!({})).await.expect("it stands");
        found["config"]["max_bytes"] = json!(bytes);
        let update = format!("$JS.API.STREAM.UPDATE.{STREAM}");
        let updated = nats.operate(&update, &found["config"]).await;
        updated.expect("the operator may");
    };
    room(2_500).await;
    assert_eq!(
        store(&commits, &pen, &events[1..2]).await,
        held(1, Hold::BusFull)
    );
    assert_eq!(
        store(&commits, &pen, &events[1..]).await,
        held(29, Hold::BusFull)
    );
    room(1 << 20).await;
    assert_eq!(
        store(&commits, &pen, &events[1..]).await,
        stored(2..=30, false)
    );
}

#[tokio::test]
async fn a_lost_tail_is_taken_again_from_the_highest_readable_position() {
    let nats = Nats::start().await;
    let (commits, mut pen) = (nats.commits(), Pen::new());
    let events = pen.run(30);
    store(&commits, &pen, &events[..20]).await;
    let delete = format!("$JS.API.STREAM.MSG.DELETE.{STREAM}");
    for seq in [20, 19] {
        nats.operate(&delete, &json!({ "seq": seq }))
            .await
            .expect("deleted");
    }
    // One that remembers a head which is no longer there, and one that reads it.
    let ahead = Hold::PositionAhead { head: 18 };
    assert_eq!(
        store(&commits, &pen, &events[20..21]).await,
        held(1, ahead.clone())
    );
    let other = nats.commits();
    assert_eq!(store(&other, &pen, &events[19..20]).await, held(1, ahead));
    let again = [stored([18], true), stored(21..=32, false)].concat();
    assert_eq!(store(&commits, &pen, &events[17..]).await, again);
    let positions = nats.stored(STREAM).await;
    assert_eq!(positions.len(), 30);
    for ((_, headers), event) in positions.iter().zip(&events) {
        assert!(headers.contains(&event.link().position.sequence()));
    }
}

#[tokio::test]
async fn several_logs_share_a_batch_and_one_that_went_on_elsewhere_does_not_hold_the_others() {
    let nats = Nats::start().await;
    let (one, other) = (nats.commits(), nats.commits());
    let (mut pen, mut second) = (Pen::new(), Pen::of("moh/battambang", "KH02"));
    let (events, others) = (pen.run(60), second.run(40));
    tokio::join!(
        store(&one, &pen, &events[..20]),
        store(&one, &second, &others[..20])
    );
    // Behind the first writer's back the first log goes on.
    store(&other, &pen, &events[20..30]).await;
    let (left, right) = tokio::join!(
        store(&one, &pen, &events[20..]),
        store(&one, &second, &others[20..]),
    );
    for answer in left.iter().chain(&right) {
        assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
    }
    assert_eq!(nats.stored(STREAM).await.len(), 100);
}
