//! Logs in which events are not believed: in whatever pieces they come, every reader ends at the same.

use schemas::subject::FeedName;

use super::*;
use crate::inbox::tests::{Office, open, positions, siem_reap};
use crate::inbox::{Arrived, Cursor, Kept};
use crate::receive::VerifiedEvent;

/// What came from the bus.
#[derive(Clone)]
enum Came {
    Believed(VerifiedEvent),
    Not(Unbelieved),
}

impl Came {
    fn event(&self) -> &SignedEvent {
        match self {
            Came::Believed(event) => event.signed(),
            Came::Not(event) => event.event(),
        }
    }
}

/// A log of so many events, of which these are not believed.
fn log_with(office: &Office, count: u64, bad: &[u64]) -> Vec<Came> {
    let event = |event: VerifiedEvent| {
        let position = event.signed().link().position.number();
        match bad.contains(&position) {
            true => Came::Not(Unbelieved::new(event.signed().clone())),
            false => Came::Believed(event),
        }
    };
    office.run("e", count).into_iter().map(event).collect()
}

/// As a reader keeps what came together.
async fn keep(inbox: &Inbox, feed: &FeedName, batch: &[Came]) {
    let (mut believed, mut aside) = (Vec::new(), Vec::new());
    for came in batch {
        match came.clone() {
            Came::Believed(event) => believed.push(event),
            Came::Not(event) => aside.push(event),
        }
    }
    if !aside.is_empty() {
        inbox.put_aside(aside).await.expect("keeps");
    }
    let cursor = batch.last().map(|came| Cursor {
        stream_sequence: came.event().link().position.number(),
        hash: came.event().hash(),
    });
    inbox.keep(feed, believed, cursor).await.expect("keeps");
}

/// The positions that applications get.
async fn delivered(inbox: &Inbox, feed: &FeedName) -> Vec<u64> {
    let page: Vec<Arrived> = inbox.page(feed, 0, 1_000).await.expect("reads");
    let theirs = page.iter().filter(|arrived| arrived.for_applications);
    theirs.map(|arrived| arrived.position.number()).collect()
}

#[tokio::test]
async fn wherever_a_batch_ends_the_log_goes_on_behind_what_is_not_believed() {
    let office = siem_reap();
    let feed = &office.log.feed;
    let bad = [1, 4, 5, 9];
    let log = log_with(&office, 12, &bad);
    for size in 1..=12 {
        let folder = tempfile::tempdir().expect("a directory");
        let mut inbox = open(folder.path());
        for batch in log.chunks(size) {
            keep(&inbox, feed, batch).await;
            drop(inbox);
            inbox = open(folder.path());
        }
        let state = inbox.state(&office.log).expect("reads");
        let told = (
            state.complete,
            state.known,
            state.parked_events,
            state.parked_bytes,
        );
        assert_eq!(told, (12, 12, 0, 0), "in batches of {size}");
        assert_eq!(positions(&inbox, feed).await, (1..=12).collect::<Vec<_>>());
        assert_eq!(delivered(&inbox, feed).await, [2, 3, 6, 7, 8, 10, 11, 12]);
        let named = inbox.not_believed(&office.log).expect("reads");
        assert_eq!(named.to_string(), "1, 4-5, 9");
        let (fourth, event) = (Position::new(4).expect("a position"), log[3].event());
        let held = inbox.get(&office.log, fourth).expect("reads");
        assert_eq!(held, Some(nats::stored(event)));
    }
}

#[tokio::test]
async fn nothing_is_passed_that_nothing_believed_names() {
    let office = siem_reap();
    let feed = &office.log.feed;
    let folder = tempfile::tempdir().expect("a directory");
    let inbox = open(folder.path());
    let log = log_with(&office, 6, &[3, 6]);
    keep(&inbox, feed, &log[..2]).await;
    // Another event than the office's: the next one does not name it.
    let forged = office.sign(3, log[1].event().hash(), "forged", "{}");
    let forged = Came::Not(Unbelieved::new(forged.signed().clone()));
    keep(&inbox, feed, &[forged]).await;
    keep(&inbox, feed, &log[3..]).await;
    let complete = |inbox: &Inbox| inbox.state(&office.log).expect("reads").complete;
    assert_eq!(complete(&inbox), 2);
    assert_eq!(inbox.gaps(&office.log).expect("reads").to_string(), "3");
    keep(&inbox, feed, &log[2..3]).await;
    assert_eq!(complete(&inbox), 5);
    let state = inbox.state(&office.log).expect("reads");
    assert_eq!((state.known, state.parked_events), (6, 1));
    assert_eq!(delivered(&inbox, feed).await, [1, 2, 4, 5]);
    let named = inbox.not_believed(&office.log).expect("reads");
    assert_eq!(named.to_string(), "3, 6");
    // What is believed takes the place of what is not and waits.
    let run = office.run("e", 6);
    let kept = inbox.keep(feed, run[5..].to_vec(), None).await;
    assert_eq!(kept.expect("keeps"), [Kept::New]);
    let state = inbox.state(&office.log).expect("reads");
    assert_eq!((state.complete, state.parked_events), (6, 0));
    assert_eq!(delivered(&inbox, feed).await, [1, 2, 4, 5, 6]);
}

#[tokio::test]
async fn an_id_that_was_not_believed_is_delivered_when_it_is_signed() {
    let office = siem_reap();
    let feed = &office.log.feed;
    let folder = tempfile::tempdir().expect("a directory");
    let inbox = open(folder.path());
    let first = office.sign(1, Hash::of(b"genesis"), "report", "{}");
    let again = office.sign(2, first.signed().hash(), "report", "{}");
    let not = Came::Not(Unbelieved::new(first.signed().clone()));
    keep(&inbox, feed, &[not, Came::Believed(again)]).await;
    assert_eq!(delivered(&inbox, feed).await, [2]);
}

#[tokio::test]
async fn more_than_may_lie_aside_is_read_again() {
    let office = siem_reap();
    let feed = &office.log.feed;
    let folder = tempfile::tempdir().expect("a directory");
    let inbox = open(folder.path());
    let most = ASIDE_EVENTS_MAX as u64;
    let bad: Vec<u64> = (2..=most + 2).collect();
    let log = log_with(&office, most + 3, &bad);
    keep(&inbox, feed, &log).await;
    let state = inbox.state(&office.log).expect("reads");
    assert!(state.left_behind);
    assert_eq!((state.complete, state.known), (1, most + 3));
    assert_eq!(state.parked_events, most + 1);
}
