//! What goes when the horizon has passed, what stays of it, and that nothing else goes.

use std::time::Duration;

use super::*;
use crate::outbox::receipts::tests::Notary;

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
    let outbox = Outbox::open_keeping(dir, BUDGET, DAYS_90).expect("opens").0;
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
    let outbox = Outbox::open_keeping(dir.path(), BUDGET, DAYS_90)
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

/// The journal still has them all, as one that waits holds its segment.
#[tokio::test]
async fn an_index_rebuilt_from_the_journal_does_not_bring_back_what_was_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = twenty(dir.path(), 91).await;
    let image = crash_image(dir.path());
    std::fs::remove_dir_all(index_folder(image.path())).expect("removes");
    let (rebuilt, report) = open(image.path());
    assert!(report.rebuilt);
    let waiting: Vec<String> = (11..=22).map(|n| format!("event-{n}")).collect();
    assert_eq!(
        ids(&rebuilt, &health()).await,
        waiting,
        "what the bus can give again waits"
    );
    for n in 1..=10 {
        let settled = Stage::Settled {
            position: position(n),
        };
        assert_eq!(stage(&rebuilt, &format!("event-{n}")), Some(settled));
    }
    let pruned = outbox.pruned(&health()).expect("reads");
    assert_eq!(rebuilt.pruned(&health()).expect("reads"), pruned);
    assert_eq!(
        rebuilt.last_settled(&health()).expect("reads"),
        pruned,
        "the log is not empty"
    );
    let back = run(1, 20);
    rebuilt.settle(&health(), back).await.expect("settles");
    assert_eq!(ids(&rebuilt, &health()).await, ["event-21", "event-22"]);
}

/// What says so is copied on with what waits, however long the journal lives.
#[tokio::test]
async fn the_journal_never_forgets_up_to_where_a_log_was_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = twenty(dir.path(), 91).await;
    let pruned = outbox.pruned(&health()).expect("reads").expect("pruned");
    let prices = feed("market-prices");
    let large = "x".repeat(200_000);
    for n in 1..=120 {
        let id = n.to_string();
        let one = submission(&prices, &id, &large);
        outbox.accept(one).await.expect("accepts");
        let sent = Settled {
            bytes: Bytes::new(),
            ..settled(&id, n, &large)
        };
        outbox.settle(&prices, vec![sent]).await.expect("settles");
    }
    outbox.tidy().await.expect("tidies");
    let first = std::fs::read_dir(dir.path().join("journal")).expect("reads");
    let first = first.map(|entry| entry.expect("reads").file_name()).min();
    assert!(first > Some("0000000001.journal".into()), "{first:?}");
    let image = crash_image(dir.path());
    std::fs::remove_dir_all(index_folder(image.path())).expect("removes");
    let (rebuilt, _) = open(image.path());
    assert_eq!(rebuilt.pruned(&health()).expect("reads"), Some(pruned));
    let waiting = ids(&rebuilt, &health()).await;
    assert!(waiting.ends_with(&["event-21".into(), "event-22".into()]));
    assert!(!waiting.contains(&"event-1".into()));
}

#[tokio::test]
async fn where_the_budget_needs_the_room_the_oldest_go_first_and_that_is_an_alarm() {
    let dir = tempfile::tempdir().expect("a directory");
    let budget = 24 * 1024 * 1024;
    let outbox = Outbox::open_keeping(dir.path(), budget, DAYS_90)
        .expect("opens")
        .0;
    let notary = Notary::new();
    let text = "x".repeat(100_000);
    accept(&outbox, "held", "held").await.expect("accepts");
    let newest = 200;
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
