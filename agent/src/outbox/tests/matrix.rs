//! The files of a closed outbox are harmed in every way that a disk knows: it opens by itself; every event that can still be read is there or
//! settled, in its order and unchanged, and where one is not, something says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::*;
use crate::store::harm::Harm;

/// With so many bytes each.
async fn filled(events: u64, bytes: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    for n in 0..events {
        accept(&outbox, &n.to_string(), &text(n, bytes))
            .await
            .expect("accepts");
    }
    let sent = (0..events / 2).map(|n| settled(&n.to_string(), n + 1, &text(n, bytes)));
    let sent: Vec<Settled> = sent.collect();
    outbox.settle(&health(), sent).await.expect("settles");
    dir
}

fn text(n: u64, bytes: usize) -> String {
    format!("{n} {}", "x".repeat(bytes))
}

/// What the store says of each event, held against what it was.
struct Found {
    waiting: usize,
    settled: u64,
    /// An alarm, or bytes that were cut.
    told: bool,
}

async fn found(name: &str, dir: &Path, (events, bytes): (u64, usize)) -> Found {
    let began = Instant::now();
    let opened = catch_unwind(AssertUnwindSafe(|| open(dir)));
    let (outbox, report) = opened.unwrap_or_else(|_| panic!("{name}: a panic"));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{name}: {took:?}");
    let mut line = Vec::new();
    loop {
        let after = line.last().map_or(0, |one: &Waiting| one.number);
        let page = outbox
            .waiting(&health(), after, 1_000)
            .await
            .expect("reads");
        if page.is_empty() {
            break;
        }
        line.extend(page);
    }
    let numbers: Vec<u64> = line
        .iter()
        .map(|one| one.id.parse().expect("a number"))
        .collect();
    assert!(
        numbers.is_sorted_by(|one, other| one < other),
        "{name}: {numbers:?}"
    );
    for (one, n) in line.iter().zip(&numbers) {
        assert!(one.bytes == text(*n, bytes), "{name}: {n} is another");
    }
    let mut settled = 0;
    for n in (0..events).filter(|n| !numbers.contains(n)) {
        let known = outbox.known(&health(), &n.to_string()).expect("reads");
        if let Some(Stage::Settled { position }) = known.map(|known| known.stage) {
            let own = outbox.own(&health(), position).expect("reads");
            let meant = format!("signed {}", text(n, bytes));
            assert!(own.is_none_or(|own| own == meant), "{name}: {n} is another");
            settled += 1;
        }
    }
    outbox.last_settled(&health()).expect("reads");
    outbox.tray().expect("reads");
    outbox.status().expect("reads");
    outbox.checkpoint().await.expect("serves what came before");
    let told = outbox.alarms().raised() > 0 || !report.repairs.is_empty();
    accept(&outbox, "fresh", "fresh").await.expect("accepts");
    assert_eq!(
        ids(&outbox, &health()).await.last(),
        Some(&"fresh".into()),
        "{name}"
    );
    Found {
        waiting: numbers.len(),
        settled,
        told,
    }
}

/// A store of which one file was harmed.
struct Harmed {
    name: String,
    of_log: bool,
    /// The end of the log is gone as if it had never been: that is seen from outside alone.
    is_shorter: bool,
    copy: tempfile::TempDir,
}

/// Each file of the log, harmed in each way, in a copy of the store.
fn harmed(whole: &Path) -> Vec<Harmed> {
    let mut all = Vec::new();
    let last = files(whole, "log").pop().expect("a segment");
    for (ending, like) in [("log", "db"), ("hint", "hint")] {
        for file in files(whole, ending) {
            let name = file.file_name().expect("a name");
            for harm in Harm::to(like) {
                let copy = crash_image(whole);
                if harm.done_to(&log_folder(copy.path()).join(name)) {
                    all.push(Harmed {
                        name: format!("{} {harm:?}", name.display()),
                        of_log: ending == "log",
                        is_shorter: harm == Harm::Missing && file == last,
                        copy,
                    });
                }
            }
        }
    }
    all
}

async fn every_harm(events: u64, bytes: usize) {
    let whole = filled(events, bytes).await;
    let mut lossy = 0;
    for harmed in harmed(whole.path()) {
        let name = &harmed.name;
        let found = found(name, harmed.copy.path(), (events, bytes)).await;
        let (waiting, settled) = (found.waiting as u64, found.settled);
        let is_all = (settled, waiting) == (events / 2, events - events / 2);
        assert!(
            is_all || found.told || harmed.is_shorter,
            "{name}: {waiting} wait, {settled} settled"
        );
        assert!(is_all || harmed.of_log, "{name}: a hint is nobody's truth");
        lossy += usize::from(!is_all);
    }
    assert!(lossy > 0, "it sees no loss at all");
}

#[tokio::test]
async fn a_log_of_one_record_survives_every_harm() {
    every_harm(1, 10).await;
}

#[tokio::test]
async fn a_log_of_one_segment_survives_every_harm() {
    every_harm(40, 1_000).await;
}

#[tokio::test]
async fn a_log_of_several_segments_survives_every_harm() {
    every_harm(80, 100_000).await;
}
