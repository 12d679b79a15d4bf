//! Which receipts stay, and which one covers a position.

use schemas::event::{Hash, Timestamp};
use schemas::receipt::{Facts, Stamp};
use schemas::registry::{GatewayRecord, Registry, RegistryEvent};
use schemas::signing::SigningKey;
use schemas::subject::LogName;

use super::*;
use crate::outbox::tests::{health, open, settled};
use crate::outbox::{Settled, Telling, Vouched};

/// A gateway that the registry knows.
pub struct Notary {
    key: SigningKey,
    registry: Registry,
}

impl Notary {
    pub fn new() -> Notary {
        let (key, _) = SigningKey::generate().expect("random bytes");
        let mut registry = Registry::empty(Hash::of(b"genesis"));
        let gateway = RegistryEvent::GatewayAdded(GatewayRecord {
            name: "gateway-1".into(),
            public_key: (*key.public()).into(),
        });
        registry.apply(&gateway).expect("a gateway");
        Notary { key, registry }
    }

    fn vouch(&self, event: Settled, day: i64) -> Vouched {
        self.vouch_for(&health(), vec![event], day)
    }

    /// With a receipt for the last of them.
    pub fn vouch_for(&self, feed: &FeedName, events: Vec<Settled>, day: i64) -> Vouched {
        let admitted = Timestamp::from_unix_seconds(1_790_000_000 + day * 86_400);
        self.vouch_at(feed, events, admitted.expect("a time"))
    }

    fn vouch_at(&self, feed: &FeedName, events: Vec<Settled>, admitted: Timestamp) -> Vouched {
        let event = events.last().expect("an event");
        let facts = Facts {
            log: LogName {
                feed: feed.clone(),
                office: "moh/siem-reap".parse().expect("an office"),
            },
            position: event.position,
            hash: event.hash,
            stamp: Stamp {
                admitted,
                gateway: "gateway-1".into(),
                registry: None,
                newest: None,
            },
        };
        let receipt = Receipt::sign(facts, &self.key);
        let verified = receipt.verified(&self.registry).expect("its own word");
        Vouched::by(verified, events)
    }
}

fn event(n: u64) -> Settled {
    settled(&format!("event-{n}"), n, "data")
}

fn covers(outbox: &Outbox, n: u64) -> Option<u64> {
    let position = Position::new(n).expect("a position");
    let receipt = outbox.receipt_for(&health(), position).expect("reads");
    receipt.map(|receipt| receipt.facts().position.number())
}

#[tokio::test]
async fn the_last_of_each_day_and_one_in_sixteen_positions_stay() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let notary = Notary::new();
    for (day, positions) in [(0, 1..=5), (1, 6..=45), (2, 46..=47)] {
        for n in positions {
            let vouched = notary.vouch(event(n), day);
            outbox.settle(&health(), vouched).await.expect("settles");
        }
    }
    let kept: Vec<u64> = (1..=47)
        .filter(|n| covers(&outbox, *n) == Some(*n))
        .collect();
    assert_eq!(kept, [1, 5, 20, 35, 45, 47]);
    assert_eq!(covers(&outbox, 3), Some(5));
    assert_eq!(covers(&outbox, 48), None);
}

#[tokio::test]
async fn the_older_receipt_of_a_position_stays_and_a_lost_branch_s_covers_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let notary = Notary::new();
    let first = notary.vouch(event(1), 0);
    outbox.settle(&health(), first).await.expect("settles");
    let again = notary.vouch(event(1), 9);
    outbox.settle(&health(), again).await.expect("settles");
    let position = Position::FIRST;
    let receipt = outbox.receipt_for(&health(), position).expect("reads");
    let admitted = receipt.expect("a receipt").facts().stamp.admitted;
    assert_eq!(admitted.unix_seconds(), 1_790_000_000);

    let elsewhere = settled("other", 1, "other");
    outbox
        .take_back(&health(), vec![elsewhere.clone()], Telling::Due)
        .await
        .expect("taken");
    assert_eq!(covers(&outbox, 1), None);
    let vouched = notary.vouch(elsewhere, 10);
    outbox.settle(&health(), vouched).await.expect("settles");
    assert_eq!(covers(&outbox, 1), Some(1));
}

#[tokio::test]
async fn receipts_that_are_stamped_at_the_end_of_time_are_kept_like_others() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let notary = Notary::new();
    let end = Timestamp::from_rfc3339("9999-12-31T23:59:59Z").expect("a time");
    for n in 1..=4 {
        let vouched = notary.vouch_at(&health(), vec![event(n)], end);
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    let kept: Vec<u64> = (1..=4)
        .filter(|n| covers(&outbox, *n) == Some(*n))
        .collect();
    assert_eq!(kept, [1, 4]);
}
