//! The index of a closed outbox is harmed in every way that a disk knows: it opens in time, by itself, and every accepted event
//! is there, or settled. What had to be given up is named.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::*;
use crate::store::harm::harmed;
use crate::store::index::Repair;

/// With so many bytes each.
async fn filled(events: u64, bytes: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let text = |n: u64| format!("{n} {}", "x".repeat(bytes));
    for n in 0..events {
        accept(&outbox, &n.to_string(), &text(n))
            .await
            .expect("accepts");
    }
    let sent = (0..events / 2).map(|n| settled(&n.to_string(), n + 1, &text(n)));
    let sent: Vec<Settled> = sent.collect();
    outbox.settle(&health(), sent).await.expect("settles");
    dir
}

/// What the store says of each event; an error when it found itself damaged meanwhile.
async fn read_all(outbox: &Outbox, events: u64) -> Result<(u64, Vec<Stage>), crate::store::Outage> {
    let waiting = outbox.waiting(&health(), 0, 1_000).await?;
    let mut stages = Vec::new();
    for n in 0..events {
        if let Some(known) = outbox.known(&health(), &n.to_string())? {
            if let Stage::Settled { position } = known.stage {
                outbox.own(&health(), position)?;
                outbox.own_hash(&health(), position)?;
            }
            stages.push(known.stage);
        }
    }
    outbox.last_settled(&health())?;
    outbox.tray()?;
    outbox.status()?;
    Ok((waiting.len() as u64, stages))
}

/// Starts until a start is good, as whoever restarts the agent does; says whether anything was told.
async fn started(name: &str, dir: &Path, events: u64) -> (Outbox, bool, (u64, Vec<Stage>)) {
    let mut told = false;
    for _ in 0..3 {
        let began = Instant::now();
        let opened = catch_unwind(AssertUnwindSafe(|| open(dir)));
        let (outbox, report) = opened.unwrap_or_else(|_| panic!("{name}: a panic"));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{name}: {:?}",
            began.elapsed()
        );
        told |= report
            .repairs
            .iter()
            .any(|repair| !repair.code().is_empty());
        match read_all(&outbox, events).await {
            Ok(read) => return (outbox, told, read),
            Err(_) => outbox.failed().cancelled().await,
        }
    }
    panic!("{name}: three starts were not enough");
}

async fn every_harm(events: u64, bytes: usize) {
    let whole = filled(events, bytes).await;
    for (name, copy) in harmed(whole.path()) {
        let (outbox, told, (waiting, stages)) = started(&name, copy.path(), events).await;
        assert_eq!(stages.len() as u64, events, "{name}");
        assert!(!stages.contains(&Stage::Lost), "{name}");
        let codes: Vec<String> = outbox
            .alarms()
            .list()
            .into_iter()
            .map(|alarm| alarm.code)
            .collect();
        if told {
            assert_eq!(waiting, events, "{name}: all come from the journal");
            assert!(
                codes.iter().any(|code| code.starts_with("index-")),
                "{name}: {codes:?}"
            );
        } else {
            assert_eq!(waiting, events - events / 2, "{name}: {codes:?}");
        }
        accept(&outbox, "fresh", "fresh").await.expect("accepts");
    }
}

#[tokio::test]
async fn an_index_of_one_record_survives_every_harm() {
    every_harm(1, 10).await;
}

#[tokio::test]
async fn an_index_of_one_segment_survives_every_harm() {
    every_harm(40, 1_000).await;
}

#[tokio::test]
async fn an_index_of_more_than_three_segments_survives_every_harm() {
    every_harm(80, 40_000).await;
}

/// Nothing has to be told while the files that tell the most are the ones that are gone.
#[tokio::test]
async fn an_index_without_its_folder_is_named_and_rebuilt() {
    let dir = filled(10, 100).await;
    let folder = dir.path().join("index-000001");
    std::fs::remove_dir_all(&folder).expect("removes");
    let (outbox, report) = open(dir.path());
    assert_eq!(report.repairs, [Repair::Missing { folder }]);
    assert_eq!(ids(&outbox, &health()).await.len(), 10);
}
