//! Space is given back while the store is open, and no crash on the way costs anything.

use std::time::Duration;

use super::*;
use crate::outbox::receipts::tests::Notary;

const MIB: u64 = 1024 * 1024;

/// Bytes of a folder with all that is in it.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("reads");
    let size = |path: std::path::PathBuf| match path.is_dir() {
        true => disk_bytes(&path),
        false => std::fs::metadata(&path).map_or(0, |file| file.len()),
    };
    entries
        .map(|entry| size(entry.expect("reads").path()))
        .sum()
}

/// A backlog of 24 MB that has drained and is past its horizon, but for its last event; one more waits.
async fn drained(dir: &Path) -> Outbox {
    let opened = Outbox::open_keeping(dir, &WHO, 512 * MIB, Duration::from_secs(86_400));
    let outbox = opened.expect("opens").0;
    let notary = Notary::new();
    let text = "x".repeat(16_000);
    for first in (1..=1_500).step_by(50) {
        let numbers = first..first + 50;
        let batch = numbers
            .clone()
            .map(|n| submission(&health(), &n.to_string(), &text));
        for answer in outbox.accept_all(batch.collect()).await {
            answer.expect("accepts");
        }
        let sent = numbers.map(|n| settled(&n.to_string(), n, &text));
        let vouched = notary.vouch_for(&health(), sent.collect(), -1_000);
        outbox.settle(&health(), vouched).await.expect("settles");
    }
    accept(&outbox, "waits", "waits").await.expect("accepts");
    let last = vec![settled("last", 1_501, "last")];
    let vouched = notary.vouch_for(&health(), last, -990);
    outbox.settle(&health(), vouched).await.expect("settles");
    outbox
}

#[tokio::test]
async fn a_backlog_that_has_drained_and_passed_its_horizon_gives_its_space_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let outbox = drained(dir.path()).await;
    let before = disk_bytes(dir.path());
    outbox.tidy().await.expect("tidies");
    let (disk, live) = (disk_bytes(dir.path()), outbox.live_bytes().expect("reads"));
    assert!(
        disk < 4 * live + 16 * MIB,
        "{disk} for {live}, {before} before"
    );
    assert!(
        before > 4 * live + 16 * MIB,
        "{before} for {live}: nothing was to be given back"
    );
    let status = outbox.status().expect("reads");
    assert!(status.disk_bytes <= disk);
    drop(outbox);
    let (outbox, report) = open(dir.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(ids(&outbox, &health()).await, ["waits"]);
    for n in 1..=1_501 {
        let id = if n == 1_501 {
            "last".into()
        } else {
            n.to_string()
        };
        let position = Position::new(n).expect("a position");
        let known = outbox.known(&health(), &id).expect("reads").expect("known");
        assert_eq!(known.stage, Stage::Settled { position });
    }
    let last = outbox.own(&health(), Position::new(1_501).expect("a position"));
    assert!(last.expect("reads").is_some());
}

#[tokio::test]
async fn one_old_event_does_not_pin_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = Outbox::open(dir.path(), &WHO, 16 * 1024 * 1024).expect("opens");
    accept(&outbox, "refused", "refused")
        .await
        .expect("accepts");
    accept(&outbox, "held", "held").await.expect("accepts");
    let number = outbox.waiting(&health(), 0, 1).await.expect("reads")[0].number;
    outbox
        .refuse(&health(), number, "{\"code\":\"contract\"}")
        .await
        .expect("refuses");
    let prices = feed("market-prices");
    let large = "x".repeat(200_000);
    for n in 1..80 {
        let id = n.to_string();
        outbox
            .accept(submission(&prices, &id, &large))
            .await
            .expect("accepts");
        let sent = Settled {
            bytes: Bytes::new(),
            ..settled(&id, n, &large)
        };
        outbox.settle(&prices, vec![sent]).await.expect("settles");
        outbox.checkpoint().await.expect("syncs");
    }
    outbox.tidy().await.expect("tidies");
    let segments = files(dir.path(), "log");
    assert!(segments.len() <= 4, "{segments:?}");
    let image = crash_image(dir.path());
    for hint in files(image.path(), "hint") {
        std::fs::remove_file(hint).expect("removes");
    }
    for dir in [dir.path(), image.path()] {
        let outbox = if dir == image.path() {
            open(dir).0
        } else {
            outbox.clone()
        };
        assert_eq!(ids(&outbox, &health()).await, ["held"]);
        assert_eq!(
            outbox.tray().expect("reads")[0].entry.refusal,
            "{\"code\":\"contract\"}"
        );
    }
}
