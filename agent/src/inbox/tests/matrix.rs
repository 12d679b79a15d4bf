//! The log of a closed inbox is harmed in every way that a disk knows: it opens by itself, and holds all, or says that it has to read again what it
//! does not hold, and under arrival numbers that nobody has seen.

use std::collections::BTreeMap;

use super::*;
use crate::store::harm::Harm;
use crate::store::log::Sizes;

/// Everything that was kept, with the cursor at its end.
async fn filled(run: &[VerifiedEvent], office: &Office, sizes: Sizes) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let (inbox, _) = Inbox::open_sized(dir.path(), &WHO, sizes).expect("opens");
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

async fn read_all(inbox: &Inbox, office: &Office) -> std::result::Result<Vec<Arrived>, Outage> {
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
    for _ in 0..2 {
        let (inbox, _) = Inbox::open(dir, &WHO).expect("opens");
        match read_all(&inbox, office).await {
            Ok(page) => return (inbox, page),
            Err(_) => inbox.failed().cancelled().await,
        }
    }
    panic!("{name}: two starts were not enough");
}

/// Which event each arrival was.
fn numbers(page: &[Arrived]) -> BTreeMap<u64, Position> {
    let numbers = page.iter();
    numbers
        .map(|arrived| (arrived.arrival, arrived.position))
        .collect()
}

async fn every_harm(events: u64, bytes: usize, segment_bytes: u32) {
    let office = siem_reap();
    let run = office.run_of("e", events, bytes);
    let whole = filled(&run, &office, Sizes { segment_bytes }).await;
    let before = crash_image(whole.path());
    let (_, shown) = started("unharmed", before.path(), &office).await;
    let shown = numbers(&shown);
    assert_eq!(shown.len() as u64, events);
    let folder = whole.path().join("2/inbox");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("reads")
        .map(|entry| entry.expect("reads").file_name())
        .collect();
    names.sort();
    for name in names
        .into_iter()
        .map(|name| name.to_string_lossy().into_owned())
    {
        for harm in Harm::to(&name) {
            let copy = crash_image(whole.path());
            if !harm.done_to(&copy.path().join("2/inbox").join(&name)) {
                continue;
            }
            let name = format!("{name} {harm:?}");
            let (inbox, page) = started(&name, copy.path(), &office).await;
            let held = numbers(&page);
            let codes: Vec<String> = inbox
                .alarms()
                .list()
                .into_iter()
                .map(|alarm| alarm.code)
                .collect();
            let cursor = inbox.cursor(&office.log.feed).expect("reads");
            if held.len() as u64 == events {
                // The cursor is the last record; without it all is read again, and is seen.
                assert!(codes.is_empty(), "{name}: {codes:?}");
                assert_eq!(held, shown, "{name}");
                continue;
            }
            // What is there is what was shown, from the first on; the cursor is no further.
            assert!(held.iter().eq(shown.iter().take(held.len())), "{name}");
            let behind = cursor.map_or(0, |cursor| cursor.stream_sequence);
            assert!(behind <= held.len() as u64, "{name}: {behind}");
            assert!(
                codes.is_empty() || held.is_empty() && codes == ["inbox-damaged"],
                "{name}: {codes:?}"
            );
            let refilled = inbox.keep(&office.log.feed, run.clone(), None).await;
            refilled.expect("keeps");
            let page = read_all(&inbox, &office).await.expect("reads");
            assert_eq!(page.len() as u64, events, "{name}");
            for (arrival, position) in numbers(&page) {
                let was = shown.get(&arrival);
                assert!(
                    was.is_none_or(|was| *was == position),
                    "{name}: {arrival} was {was:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_inbox_of_one_record_survives_every_harm() {
    every_harm(1, 10, 1024 * 1024).await;
}

#[tokio::test]
async fn an_inbox_of_one_segment_survives_every_harm() {
    every_harm(40, 1_000, 1024 * 1024).await;
}

#[tokio::test]
async fn an_inbox_of_more_than_three_segments_survives_every_harm() {
    every_harm(80, 40_000, 512 * 1024).await;
}
