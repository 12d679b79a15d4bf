//! Declarations against a real nats-server: what is really missing is declared, and nothing else.

use schemas::chain::Link;
use schemas::event::{Position, Timestamp};
use schemas::notice::GapDeclared;
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::refusal::{Hold, Refusal};
use schemas::registry::{GatewayRecord, RegistryEvent};
use schemas::signing::{SignedEvent, SigningKey};

use crate::acl;
use crate::admit::Admission;
use crate::commit::Commits;
use crate::commit::confirmed::tests::confirm;
use crate::commit::heal::tests::{LOG, STREAM, append, are_stored, lose, refill, written};
use crate::fixtures::peer;
use crate::fixtures::pen::{Pen, sent};
use crate::refuse::Answer;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000).expect("a time")
}

/// Signed by the pen's office, behind its range.
fn declaration(pen: &Pen, range: (u64, u64), events: &[SignedEvent]) -> SignedEvent {
    proved(pen, range, events, None)
}

/// The same, with a receipt for what it says was there.
fn proved(
    pen: &Pen,
    (first, last): (u64, u64),
    events: &[SignedEvent],
    receipt: Option<Receipt>,
) -> SignedEvent {
    let gap = GapDeclared { first, last };
    let event = gap.event(pen.log.clone(), now(), receipt);
    let event = event.expect("well formed");
    let before = usize::try_from(last - 1).expect("a small number");
    let link = Link {
        position: Position::new(last + 1).expect("a position"),
        prev: events[before].hash(),
    };
    SignedEvent::sign(event, link, &pen.key)
}

/// A gateway that the pen's registry knows, and its receipt for an event.
fn notary(pen: &mut Pen) -> impl Fn(&SignedEvent) -> Receipt + use<> {
    let (key, _) = SigningKey::generate().expect("a key");
    let gateway = GatewayRecord {
        name: "gateway-1".into(),
        public_key: (*key.public()).into(),
    };
    pen.tell(RegistryEvent::GatewayAdded(gateway));
    move |event| {
        let stamp = Stamp {
            admitted: now(),
            gateway: "gateway-1".into(),
            registry: None,
            newest: None,
        };
        Receipt::sign(Facts::of(event, stamp), &key)
    }
}

async fn declare(commits: &Commits, pen: &Pen, declared: &SignedEvent) -> Answer {
    let peer = peer(&pen.log.office.to_string());
    let permit = acl::publish(&pen.registry, &peer, pen.log.clone()).expect("its own log");
    match Admission::new().declare(&permit, &sent(declared)) {
        Ok(declared) => {
            let answered = commits.declare(declared).await.await.expect("answers");
            answered.into_iter().next().expect("an answer").answer
        }
        Err(answered) => answered.answer,
    }
}

#[tokio::test]
async fn only_what_is_really_missing_is_declared_and_all_of_it() {
    let (nats, commits, pen, events) = written(20).await;
    lose(&nats, 5..=9).await;
    let head = 20;
    let taken = Hold::PositionTaken { head };
    let ahead = Hold::PositionAhead { head };
    for (range, hold) in [
        ((4, 9), &taken),
        ((9, 12), &taken),
        ((12, 14), &taken),
        ((5, 8), &ahead),
        ((18, 20), &ahead),
    ] {
        let answer = declare(&commits, &pen, &declaration(&pen, range, &events)).await;
        assert_eq!(answer, Answer::Held(hold.clone()), "{range:?}");
    }
    let mut others = events.clone();
    others.swap(8, 9);
    let unlinked = declare(&commits, &pen, &declaration(&pen, (5, 9), &others)).await;
    assert_eq!(unlinked, Answer::Held(Hold::ChainMismatch { head }));
    let good = declaration(&pen, (5, 9), &events);
    for again in [false, true] {
        let answer = declare(&commits, &pen, &good).await;
        assert!(
            are_stored(std::slice::from_ref(&answer), again),
            "{answer:?}"
        );
    }
    let all = nats.stored(STREAM).await;
    assert_eq!(all.len(), 16);
    assert_eq!(all[15].0, format!("{LOG}.gap"));
}

#[tokio::test]
async fn what_was_declared_is_still_refilled_and_then_no_longer_declared() {
    let (nats, commits, pen, events) = written(20).await;
    lose(&nats, 5..=9).await;
    let good = declaration(&pen, (5, 9), &events);
    let answer = declare(&commits, &pen, &good).await;
    assert!(are_stored(&[answer], false));
    let answers = refill(&commits, &pen, &events[8..9]).await;
    assert!(are_stored(&answers, false), "{answers:?}");
    let rest = declaration(&pen, (5, 8), &events);
    let answer = declare(&commits, &pen, &rest).await;
    assert!(are_stored(&[answer], false));
    let head = 20;
    let late = declaration(&pen, (8, 9), &events);
    let answer = declare(&commits, &pen, &late).await;
    assert_eq!(answer, Answer::Held(Hold::PositionTaken { head }));
}

#[tokio::test]
async fn a_log_goes_on_behind_a_lost_end_that_was_declared_and_the_end_still_comes_back() {
    let (nats, commits, mut pen, events) = written(12).await;
    lose(&nats, 8..=12).await;
    let receipt = notary(&mut pen);
    let ahead = declare(&commits, &pen, &declaration(&pen, (9, 12), &events)).await;
    assert_eq!(ahead, Answer::Held(Hold::PositionAhead { head: 7 }));
    let behind = pen.run(2);
    let early = append(&commits, &pen, &behind[..1]).await;
    assert_eq!(early, [Answer::Held(Hold::PositionAhead { head: 7 })]);
    let end = proved(&pen, (8, 12), &events, Some(receipt(&events[11])));
    let end = declare(&commits, &pen, &end).await;
    assert!(are_stored(&[end], false));
    let again = declare(&commits, &pen, &declaration(&pen, (9, 12), &events)).await;
    assert_eq!(again, Answer::Held(Hold::PositionAhead { head: 12 }));
    // By the gateway that remembers another head, and by one that has to read it.
    let stored = append(&commits, &pen, &behind[..1]).await;
    assert!(are_stored(&stored, false), "{stored:?}");
    let other = nats.commits();
    let stored = append(&other, &pen, &behind[1..]).await;
    assert!(are_stored(&stored, false), "{stored:?}");
    let known = append(&commits, &pen, &behind).await;
    assert!(are_stored(&known, true), "{known:?}");
    let answers = refill(&commits, &pen, &events[7..9]).await;
    assert!(are_stored(&answers, false), "{answers:?}");
    let all = nats.stored(STREAM).await;
    assert_eq!(all.last().expect("one at least").0, format!("{LOG}.9"));
}

#[tokio::test]
async fn what_was_declared_at_the_end_comes_back_while_nothing_stands_behind_it() {
    let (nats, commits, mut pen, events) = written(9).await;
    lose(&nats, 6..=9).await;
    let receipt = notary(&mut pen);
    let end = proved(&pen, (6, 9), &events, Some(receipt(&events[8])));
    let end = declare(&commits, &pen, &end).await;
    assert!(are_stored(&[end], false));
    let answers = refill(&commits, &pen, &events[5..9]).await;
    assert!(are_stored(&answers, false), "{answers:?}");
    let answers = refill(&commits, &pen, &events[5..9]).await;
    assert!(are_stored(&answers, true), "{answers:?}");
    assert_eq!(nats.stored(STREAM).await.len(), 10);
}

#[tokio::test]
async fn a_lost_end_is_declared_no_further_than_something_shows_that_it_was() {
    let (nats, commits, mut pen, events) = written(12).await;
    lose(&nats, 8..=12).await;
    let (receipt, stranger) = (notary(&mut pen), notary(&mut Pen::new()));
    let mut elsewhere = Pen::of("moh/battambang", "KH02");
    let elsewhere = elsewhere.run(12);
    let unproved = Answer::Held(Hold::PositionUnproved {
        position: Position::new(11).expect("a position"),
    });
    let mut swapped = events.clone();
    swapped.swap(10, 11);
    for (what, events, shown) in [
        ("nothing", &events, None),
        ("the position before", &events, Some(receipt(&events[9]))),
        ("another log's", &events, Some(receipt(&elsewhere[11]))),
        ("a stranger's word", &events, Some(stranger(&events[11]))),
        ("another hash", &swapped, Some(receipt(&events[10]))),
    ] {
        let declared = proved(&pen, (8, 11), events, shown);
        assert_eq!(declare(&commits, &pen, &declared).await, unproved, "{what}");
    }
    let wide = GapDeclared {
        first: 8,
        last: 500_000,
    };
    let link = Link {
        position: Position::new(500_001).expect("a position"),
        prev: events[11].hash(),
    };
    let event = wide.event(pen.log.clone(), now(), Some(receipt(&events[11])));
    let wide = SignedEvent::sign(event.expect("well formed"), link, &pen.key);
    let held = declare(&commits, &pen, &wide).await;
    assert!(matches!(held, Answer::Held(Hold::PositionUnproved { .. })));
    let behind = proved(&pen, (8, 11), &events, Some(receipt(&events[11])));
    assert!(are_stored(&[declare(&commits, &pen, &behind).await], false));
}

#[tokio::test]
async fn what_a_reader_has_confirmed_shows_that_it_was() {
    let (nats, commits, mut pen, events) = written(12).await;
    lose(&nats, 8..=12).await;
    let (key, _) = SigningKey::generate().expect("a key");
    pen.tell(crate::fixtures::pen::key_added("moh/hq", &key));
    confirm(&nats, &key, &events[10]).await;
    let further = declare(&commits, &pen, &declaration(&pen, (8, 12), &events)).await;
    assert!(matches!(
        further,
        Answer::Held(Hold::PositionUnproved { .. })
    ));
    let end = declare(&commits, &pen, &declaration(&pen, (8, 11), &events)).await;
    assert!(are_stored(&[end], false));
}

#[tokio::test]
async fn nobody_but_the_office_declares_and_nothing_but_a_declaration() {
    let (nats, commits, mut pen, events) = written(9).await;
    lose(&nats, 5..=6).await;
    let other = declare(&commits, &pen, &events[6]).await;
    assert_eq!(other, Answer::Refused(Refusal::TypeNotOfFeed));
    pen.key = SigningKey::generate().expect("a key").0;
    let stranger = declaration(&pen, (5, 6), &events);
    let stranger = declare(&commits, &pen, &stranger).await;
    assert_eq!(stranger, Answer::Held(Hold::KeyUnknown));
    assert_eq!(nats.stored(STREAM).await.len(), 7);
}
