//! What goes when the horizon has passed, what stays of it, and that nothing else goes.

use std::time::Duration;

use super::*;
use crate::outbox::receipts::tests::Notary;
use crate::store::alarms::now_ms;

const DAYS_90: Duration = Duration::from_secs(90 * 86_400);

fn position(number: u64) -> Position {
    Position::new(number).expect("a position")
}

fn own(outbox: &Outbox, number: u64) -> Option<Bytes> {
    outbox.own(&health(), position(number)).expect("reads")
}

fn stage(outbox: &Outbox, id: &str) -> Option<Stage> {
    let known = outbox.known(&health(), id).expect("reads");
    known.map(|known| known.stage)
}

fn run(from: u64, to: u64) -> Vec<Settled> {
    let event = |n: u64| settled(&format!("event-{n}"), n, &format!("content {n}"));
    (from..=to).map(event).collect()
}

async fn accept_run(outbox: &Outbox, from: u64, to: u64) {
    for n in from..=to {
        let (id, content) = (format!("event-{n}"), format!("content {n}"));
        accept(outbox, &id, &content).await.expect("accepts");
    }
}

/// Ten events are settled, and ten more when so many days have passed. Two wait.
async fn twenty(dir: &Path, days: i64) -> Outbox {
    let outbox = Outbox::open_keeping(dir, &WHO, BUDGET, DAYS_90)
        .expect("opens")
        .0;
    let notary = Notary::new();
    accept_run(&outbox, 1, 22).await;
    for (from, to, day) in [(1, 10, -1_000), (11, 20, days - 1_000)] {
        let vouched = notary.vouch_for(&health(), run(from, to), day);
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    outbox.tidy().await.expect("tidies");
    outbox
}

#[tokio::test]
async fn what_is_past_the_horizon_goes_and_what_it_was_is_known_for_ever() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(twenty(dir.path(), 91).await);
    let (outbox, _) = open(dir.path());
    for n in 1..=20 {
        assert_eq!(own(&outbox, n).is_none(), n <= 10, "{n}");
        let hash = outbox.own_hash(&health(), position(n)).expect("reads");
        assert_eq!(hash, Some(run(n, n)[0].hash));
        let receipt = outbox.receipt_for(&health(), position(n)).expect("reads");
        assert!(receipt.is_some());
        let id = format!("event-{n}");
        let settled = Stage::Settled {
            position: position(n),
        };
        assert_eq!(stage(&outbox, &id), Some(settled));
        let again = accept(&outbox, &id, &format!("content {n}")).await;
        assert!(again.expect("accepted before").again);
        let other = accept(&outbox, &id, "other").await.expect_err("taken");
        assert!(matches!(other, AcceptError::IdTaken { .. }));
    }
    assert_eq!(ids(&outbox, &health()).await, ["event-21", "event-22"]);
    let last = outbox
        .last_settled(&health())
        .expect("reads")
        .expect("a head");
    assert_eq!(last.position, position(20));
    let pruned = outbox.pruned(&health()).expect("reads").expect("pruned");
    assert_eq!(
        (pruned.position, pruned.hash),
        (position(10), run(10, 10)[0].hash)
    );
}

#[tokio::test]
async fn within_the_horizon_or_without_a_receipt_nothing_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = twenty(dir.path(), 89).await;
    assert!((1..=20).all(|n| own(&outbox, n).is_some()));
    let without = vec![run(21, 21).remove(0)];
    outbox.settle(&health(), without).await.expect("settles");
    let prices = feed("market-prices");
    let later = Notary::new().vouch_for(&prices, run(1, 1), -500);
    outbox.settle(&prices, later).await.expect("settles");
    outbox.tidy().await.expect("tidies");
    assert!(
        (1..=20).all(|n| own(&outbox, n).is_none()),
        "400 days later"
    );
    assert!(own(&outbox, 21).is_some(), "no receipt covers it");
    assert_eq!(ids(&outbox, &health()).await, ["event-22"]);
}

/// A gateway whose clock is ahead is no reason, nor is one of this machine that is behind.
#[tokio::test]
async fn a_stamp_from_the_future_prunes_nothing_that_is_young_by_this_clock() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = Outbox::open_keeping(dir.path(), &WHO, BUDGET, DAYS_90)
        .expect("opens")
        .0;
    let today = i64::try_from(now_ms() / 86_400_000).expect("days") - 1_790_000_000 / 86_400;
    let notary = Notary::new();
    for (n, day) in [(1, today - 10), (2, today + 4_000)] {
        let vouched = notary.vouch_for(&health(), run(n, n), day);
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    outbox.tidy().await.expect("tidies");
    assert!(own(&outbox, 1).is_some());
}

/// What makes a start quick tells nothing that the log does not.
#[tokio::test]
async fn a_log_without_its_hints_does_not_bring_back_what_was_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = twenty(dir.path(), 91).await;
    let image = crash_image(dir.path());
    for hint in files(image.path(), "hint") {
        std::fs::remove_file(hint).expect("removes");
    }
    let (again, report) = open(image.path());
    assert_eq!(report.lost, 0);
    assert_eq!(ids(&again, &health()).await, ["event-21", "event-22"]);
    for n in 1..=20 {
        let settled = Stage::Settled {
            position: position(n),
        };
        assert_eq!(stage(&again, &format!("event-{n}")), Some(settled));
        assert_eq!(own(&again, n).is_none(), n <= 10, "{n}");
    }
    let pruned = outbox.pruned(&health()).expect("reads");
    assert_eq!(again.pruned(&health()).expect("reads"), pruned);
}

/// The records that said so are gone by then: it stands in the state with which each segment begins.
#[tokio::test]
async fn the_log_never_forgets_up_to_where_it_was_pruned_nor_an_idempotency_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = Outbox::open_keeping(dir.path(), &WHO, BUDGET, DAYS_90)
        .expect("opens")
        .0;
    let keyed = |id: &str| Submission {
        key: Some(Hash::of(b"key")),
        ..submission(&health(), id, "content 1")
    };
    outbox.accept(keyed("event-1")).await.expect("accepts");
    let large = "x".repeat(200_000);
    let notary = Notary::new();
    for n in 1..=60 {
        let event = Settled {
            bytes: Bytes::from(large.clone()),
            ..run(n, n).remove(0)
        };
        let vouched = notary.vouch_for(
            &health(),
            vec![event],
            i64::try_from(n).expect("small") * 9 - 1_000,
        );
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    outbox.tidy().await.expect("tidies");
    let pruned = outbox.pruned(&health()).expect("reads").expect("pruned");
    assert_eq!(pruned.position, position(50));
    let bytes: u64 = files(dir.path(), "log")
        .iter()
        .map(|file| std::fs::metadata(file).expect("there").len())
        .sum();
    assert!(bytes < 5_000_000, "{bytes}");
    drop(outbox);
    let (outbox, report) = open(dir.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(outbox.pruned(&health()).expect("reads"), Some(pruned));
    for n in 1..=60 {
        let hash = outbox.own_hash(&health(), position(n)).expect("reads");
        assert_eq!(hash, Some(run(n, n)[0].hash));
    }
    let again = outbox.accept(keyed("another")).await.expect("accepts");
    assert_eq!((again.id.as_str(), again.again), ("event-1", true));
}

#[tokio::test]
async fn where_the_budget_needs_the_room_the_oldest_go_first_and_that_is_an_alarm() {
    let dir = tempfile::tempdir().expect("a directory");
    let budget = 24 * 1024 * 1024;
    let outbox = Outbox::open_keeping(dir.path(), &WHO, budget, DAYS_90)
        .expect("opens")
        .0;
    let notary = Notary::new();
    let text = "x".repeat(100_000);
    accept(&outbox, "held", "held").await.expect("accepts");
    let newest = 240;
    for (day, first) in (1..newest).step_by(20).enumerate() {
        let events = run(first, first + 19).into_iter().map(|event| Settled {
            bytes: Bytes::from(text.clone()),
            ..event
        });
        let day = i64::try_from(day).expect("a day") - 1_000;
        let vouched = notary.vouch_for(&health(), events.collect(), day);
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    outbox.tidy().await.expect("tidies");
    assert!(own(&outbox, 1).is_none(), "the oldest");
    assert!(own(&outbox, newest).is_some(), "the newest");
    let alarms = outbox.alarms().list();
    let early = alarms
        .iter()
        .filter(|alarm| alarm.code == "settled-pruned-early");
    assert!(early.count() > 0, "{alarms:?}");
    let status = outbox.status().expect("reads");
    assert!(
        status.disk_bytes < budget - budget / 8,
        "{}",
        status.disk_bytes
    );
    assert_eq!(ids(&outbox, &health()).await, ["held"]);
}
