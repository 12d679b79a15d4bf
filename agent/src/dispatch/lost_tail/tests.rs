use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream;
use schemas::chain::Head;
use schemas::signing::SigningKey;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dispatch::sending::Sending;
use crate::dispatch::tests::{Notary, event, genesis, log};
use crate::link::{Deliveries, Message, Outage, Wire};
use crate::outbox::Settled;
use crate::outbox::tests::{lose_bytes, open};

/// An office whose log of nine was settled, and what it has lost since.
async fn office(lost: RangeInclusive<u64>, folder: &TempDir) -> (Own, Vec<SignedEvent>) {
    let (key, _) = SigningKey::generate().expect("a key");
    let mut head = Head::empty(genesis());
    let mut events = Vec::new();
    for number in 1..=9 {
        let signed = SignedEvent::sign(
            event(&format!("event-{number}")),
            head.next().expect("room"),
            &key,
        );
        head = Head::of(&signed);
        events.push(signed);
    }
    let (outbox, _) = open(folder.path());
    let settled: Vec<Settled> = events.iter().map(Settled::of).collect();
    outbox.settle(&log().feed, settled).await.expect("settles");
    for position in lost {
        lose_bytes(&outbox, &log().feed, position);
    }
    let own = Own {
        log: log(),
        outbox,
        registry: Notary::new().registry,
        key: Arc::new(key),
        ends: crate::link::Ends::default(),
    };
    (own, events)
}

fn standing(events: &[SignedEvent], head: u64) -> Standing {
    let last = head
        .checked_sub(1)
        .map(|last| &events[usize::try_from(last).expect("small")]);
    Standing {
        head: last.map_or(Head::empty(genesis()), Head::of),
        resend: (head < 9).then_some(head + 1..=9),
        taken_back: 0,
        untold: None,
    }
}

#[tokio::test]
async fn a_lost_end_is_named_with_the_hash_that_the_log_goes_on_from() {
    for (lost, head, gap) in [
        (1..=9, 5, Some((6, 9))),
        (1..=7, 5, Some((6, 7))),
        (1..=7, 0, Some((1, 7))),
        (1..=5, 5, None),
        (8..=9, 5, None),
        (1..=9, 9, None),
    ] {
        let folder = TempDir::new().expect("a folder");
        let (own, events) = office(lost.clone(), &folder).await;
        let found = own.lost_tail(&standing(&events, head)).expect("reads");
        let expected = gap.map(|(first, last)| LostTail {
            gap: GapDeclared { first, last },
            hash: events[usize::try_from(last - 1).expect("small")].hash(),
        });
        assert_eq!(found, expected, "{lost:?} behind {head}");
        if let Some(lost) = found {
            let declaration = own.declaration(lost).expect("the key is good");
            assert_eq!(GapDeclared::read(&declaration), Ok(lost.gap));
            assert_eq!(declaration.link().prev, lost.hash);
        }
    }
}

/// A gateway that answers nothing.
struct Silence;

impl Wire for Silence {
    fn publish(&self, _message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        Box::pin(ready(Ok(())))
    }

    fn subscribe(&self, _subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        Box::pin(ready(Ok(stream::pending().boxed())))
    }

    fn bytes_in(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn what_is_not_here_any_more_stops_the_line_and_is_not_numbered_anew() {
    let folder = TempDir::new().expect("a folder");
    let (own, events) = office(6..=7, &folder).await;
    let outbox = own.outbox.clone();
    let (inbox, time) = ("_INBOX.maff.siem-reap.x".into(), Duration::from_secs(1));
    let session = Session::open(Arc::new(Silence), inbox, time, CancellationToken::new());
    let session = session.await.expect("it is open");
    let mut sending = Sending::new(own, session, standing(&events, 5));
    sending.fill().await.expect("the store is readable");
    assert_eq!(sending.stopped(), Some(&Stop::ReadHead));
    let waiting = outbox.waiting(&log().feed, 0, 10).await.expect("reads");
    assert_eq!(waiting, []);
    let last = outbox.last_settled(&log().feed).expect("reads");
    assert_eq!(last.map(|last| last.position.number()), Some(9));
}
