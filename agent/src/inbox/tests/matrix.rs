//! The index of a closed inbox is harmed in every way that a disk knows: it opens in time, by itself, and holds all, or says that it
//! has to read all again, and under arrival numbers that nobody has seen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::*;
use crate::store::harm::harmed;

/// Everything that was kept, with the cursor at its end.
async fn filled(run: &[VerifiedEvent], office: &Office) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let inbox = open(dir.path());
    for (part, sequence) in run.chunks(20).zip(1..) {
        let cursor = Cursor {
            stream_sequence: sequence * 20,
            hash: part[part.len() - 1].signed().hash(),
        };
        let kept = inbox.keep(&office.log.feed, part.to_vec(), Some(cursor));
        kept.await.expect("keeps");
    }
    dir
}

async fn read_all(inbox: &Inbox, office: &Office) -> Result<Vec<Arrived>, Outage> {
    let page = inbox.page(&office.log.feed, 0, 1_000).await?;
    for arrived in &page {
        inbox.hash_at(&office.log, arrived.position)?;
    }
    inbox.cursor(&office.log.feed)?;
    inbox.status(&office.log.feed)?;
    Ok(page)
}

/// Starts until a start is good, as whoever restarts the agent does.
async fn started(name: &str, dir: &Path, office: &Office) -> (Inbox, Vec<Arrived>) {
    for _ in 0..3 {
        let began = Instant::now();
        let opened = catch_unwind(AssertUnwindSafe(|| Inbox::open(dir).expect("opens")));
        let (inbox, _) = opened.unwrap_or_else(|_| panic!("{name}: a panic"));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{name}: {:?}",
            began.elapsed()
        );
        match read_all(&inbox, office).await {
            Ok(page) => return (inbox, page),
            Err(_) => inbox.failed().cancelled().await,
        }
    }
    panic!("{name}: three starts were not enough");
}

async fn every_harm(events: u64, bytes: usize) {
    let office = siem_reap();
    let run = office.run_of("e", events, bytes);
    let whole = filled(&run, &office).await;
    for (name, copy) in harmed(whole.path()) {
        let (inbox, page) = started(&name, copy.path(), &office).await;
        let codes: Vec<String> = inbox
            .alarms()
            .list()
            .into_iter()
            .map(|alarm| alarm.code)
            .collect();
        let cursor = inbox.cursor(&office.log.feed).expect("reads");
        if page.len() as u64 == events {
            assert!(cursor.is_some() && codes.is_empty(), "{name}: {codes:?}");
            continue;
        }
        assert_eq!((page.len(), cursor), (0, None), "{name}: all is read again");
        assert!(
            codes.iter().any(|code| code.starts_with("index-")),
            "{name}: {codes:?}"
        );
        let refilled = inbox.keep(&office.log.feed, run.clone(), None).await;
        refilled.expect("keeps");
        let page = read_all(&inbox, &office).await.expect("reads");
        assert_eq!(page.len() as u64, events, "{name}");
        assert!(
            page[0].arrival > events,
            "{name}: a number that was shown before"
        );
    }
}

#[tokio::test]
async fn an_inbox_of_one_record_survives_every_harm() {
    every_harm(1, 10).await;
}

#[tokio::test]
async fn an_inbox_of_one_segment_survives_every_harm() {
    every_harm(40, 1_000).await;
}

#[tokio::test]
async fn an_inbox_of_more_than_three_segments_survives_every_harm() {
    every_harm(80, 40_000).await;
}
