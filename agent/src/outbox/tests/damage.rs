use std::fs;
use std::path::PathBuf;

use super::*;
use crate::outbox::journal::Amiss;
use crate::store::index::Repair;

/// A closed store with thirty events, the first ten settled.
async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    for n in 0..30 {
        let id = format!("{n:02}");
        let submission = Submission {
            bytes: Bytes::from(format!("event {id}")),
            ..submission(&health(), &id, &id)
        };
        outbox.accept(submission).await.expect("accepts");
    }
    let sent = (0..10).map(|n| settled(&format!("{n:02}"), n + 1, &format!("{n:02}")));
    outbox
        .settle(&health(), sent.collect::<Vec<_>>())
        .await
        .expect("settles");
    drop(outbox);
    dir
}

fn journal_file(dir: &Path) -> PathBuf {
    dir.join("journal/0000000001.journal")
}

#[tokio::test]
async fn a_kill_before_the_index_was_synced_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    for n in 0..300 {
        let id = format!("{n:03}");
        accept(&outbox, &id, &id).await.expect("accepts");
    }
    let image = crash_image(dir.path());
    let (after, report) = open(image.path());
    assert!(report.replayed > 0 && report.lost == 0, "{report:?}");
    assert_eq!(ids(&after, &health()).await, ids(&outbox, &health()).await);
}

#[tokio::test]
async fn what_the_disk_cannot_show_now_is_not_lost() {
    let dir = filled().await;
    let (outbox, _) = open(dir.path());
    let (file, aside) = (journal_file(dir.path()), dir.path().join("aside"));
    fs::rename(&file, &aside).expect("moves");
    fs::create_dir(&file).expect("makes");
    // To read a folder is an error of the disk's, like EIO.
    let read = outbox.waiting(&health(), 0, 100).await;
    assert!(matches!(read, Err(Outage::Disk { .. })), "{read:?}");
    fs::remove_dir(&file).expect("removes");
    fs::rename(&aside, &file).expect("moves");
    assert_eq!(ids(&outbox, &health()).await.len(), 20);
    assert_eq!(outbox.alarms().raised(), 0);
}

#[tokio::test]
async fn a_lost_index_is_rebuilt_from_the_journal() {
    let dir = filled().await;
    fs::remove_dir_all(dir.path().join("index-000001")).expect("removes");
    let (outbox, report) = open(dir.path());
    assert!(report.rebuilt, "{report:?}");
    assert_eq!(
        ids(&outbox, &health()).await.len(),
        30,
        "settled ones are matched with the bus"
    );
    let sent = (0..10).map(|n| settled(&format!("{n:02}"), n + 1, &format!("{n:02}")));
    outbox
        .settle(&health(), sent.collect::<Vec<_>>())
        .await
        .expect("settles");
    assert_eq!(ids(&outbox, &health()).await.len(), 20);
    assert_eq!(outbox.alarms().list()[0].code, "index-rebuilt");
}

#[tokio::test]
async fn a_damaged_index_is_kept_aside_and_rebuilt() {
    let dir = filled().await;
    let db = dir.path().join("index-000001/db");
    let whole = fs::read(&db).expect("reads");
    let cut = whole.iter().rposition(|byte| *byte != 0).expect("written") / 2;
    fs::write(&db, &whole[..cut]).expect("cuts");
    let (outbox, report) = open(dir.path());
    assert!(
        matches!(&report.repairs[..], [Repair::SetAside { kept, .. }] if kept.is_dir()),
        "{report:?}"
    );
    assert!(report.rebuilt);
    assert_eq!(ids(&outbox, &health()).await.len(), 30);
    drop(outbox);
    assert_eq!(open(dir.path()).1, OpenReport::default(), "once is enough");
}

#[tokio::test]
async fn an_emptied_journal_is_named_with_every_event_that_was_in_it() {
    let dir = filled().await;
    fs::remove_file(journal_file(dir.path())).expect("removes");
    let (outbox, report) = open(dir.path());
    assert!(
        matches!(report.amiss[..], [Amiss::EndsBefore(_)]),
        "{report:?}"
    );
    assert_eq!(report.lost, 20);
    let codes: Vec<_> = outbox
        .alarms()
        .list()
        .into_iter()
        .map(|alarm| alarm.code)
        .collect();
    assert!(
        codes.contains(&"journal-cut".into()) && codes.contains(&"accepted-events-lost".into())
    );
    let known = outbox
        .known(&health(), "15")
        .expect("reads")
        .expect("known");
    assert_eq!(known.stage, Stage::Lost);
    assert_eq!(
        outbox
            .last_settled(&health())
            .expect("reads")
            .expect("a head")
            .position
            .number(),
        10
    );
    let healed = accept(&outbox, "15", "15").await.expect("accepts");
    assert!(!healed.again, "submitting it again heals it");
    assert_eq!(ids(&outbox, &health()).await, ["15"]);
}

#[tokio::test]
async fn a_damaged_record_costs_one_event_and_is_named() {
    let dir = filled().await;
    let mut bytes = fs::read(journal_file(dir.path())).expect("reads");
    let middle = bytes
        .windows(8)
        .position(|window| window == b"event 15")
        .expect("its bytes");
    bytes[middle] ^= 1;
    fs::write(journal_file(dir.path()), bytes).expect("writes");
    let (outbox, _) = open(dir.path());
    let left = ids(&outbox, &health()).await;
    assert_eq!(left.len(), 19);
    assert!(!left.contains(&"15".into()));
    outbox.checkpoint().await.expect("serves what came before");
    let alarm = &outbox.alarms().list()[0];
    assert_eq!(alarm.code, "accepted-events-lost");
    assert!(alarm.text.contains("15"), "{}", alarm.text);
    assert_eq!(outbox.status().expect("reads").feeds[0].waiting, 19);
}

#[tokio::test]
async fn a_journal_cut_at_any_record_keeps_what_is_before_the_cut() {
    let dir = filled().await;
    let whole = fs::read(journal_file(dir.path())).expect("reads");
    for tenths in 0..10 {
        let image = crash_image(dir.path());
        let length = whole.len() * tenths / 10;
        fs::write(journal_file(image.path()), &whole[..length]).expect("cuts");
        let (outbox, report) = open(image.path());
        let waiting = ids(&outbox, &health()).await;
        assert_eq!(
            waiting.len() as u64 + report.lost,
            20,
            "cut at {length}: {report:?}"
        );
        assert!(!report.amiss.is_empty());
        let fresh = accept(&outbox, "fresh", "fresh").await.expect("accepts");
        assert!(!fresh.again);
        assert_eq!(
            ids(&outbox, &health()).await.last().map(String::as_str),
            Some("fresh")
        );
    }
}

#[tokio::test]
async fn an_older_copy_of_the_index_is_noticed() {
    let dir = tempfile::tempdir().expect("a directory");
    let small = 1024 * 1024 * 16;
    let (outbox, _) = Outbox::open(dir.path(), small).expect("opens");
    accept(&outbox, "old", "old").await.expect("accepts");
    outbox.checkpoint().await.expect("syncs");
    let old = crash_image(dir.path());
    let large = "x".repeat(900_000);
    for n in 1..30 {
        let id = n.to_string();
        accept(&outbox, &id, &large).await.expect("accepts");
        let sent = Settled {
            bytes: Bytes::new(),
            ..settled(&id, n, &large)
        };
        outbox.settle(&health(), vec![sent]).await.expect("settles");
        outbox.checkpoint().await.expect("syncs");
    }
    drop(outbox);
    fs::remove_dir_all(dir.path().join("index-000001")).expect("removes");
    fs::rename(
        old.path().join("index-000001"),
        dir.path().join("index-000001"),
    )
    .expect("moves");
    let (outbox, report) = Outbox::open(dir.path(), small).expect("opens");
    assert!(report.index_behind, "{report:?}");
    assert_eq!(
        ids(&outbox, &health()).await[0],
        "old",
        "it was copied on, and is found again"
    );
}

#[tokio::test]
async fn an_unfinished_write_at_the_end_is_cut_without_an_alarm() {
    let dir = filled().await;
    let mut bytes = fs::read(journal_file(dir.path())).expect("reads");
    bytes.extend_from_slice(b"\xf1Sp\x01torn");
    fs::write(journal_file(dir.path()), bytes).expect("writes");
    let (outbox, report) = open(dir.path());
    assert!(
        matches!(report.amiss[..], [Amiss::TornTail(_)]),
        "{report:?}"
    );
    assert!(outbox.alarms().list().is_empty());
    assert_eq!(ids(&outbox, &health()).await.len(), 20);
}

#[tokio::test]
async fn after_a_failed_sync_everyone_is_told_and_nothing_is_accepted_until_it_is_opened_again() {
    let dir = filled().await;
    let (outbox, _) = open(dir.path());
    // A pipe takes the bytes and cannot sync them.
    let (_reading, writing) = std::io::pipe().expect("a pipe");
    let file = fs::File::from(std::os::fd::OwnedFd::from(writing));
    outbox.send(Job::WriteTo(file)).expect("takes it");
    let submissions = (0..8).map(|n| {
        let outbox = outbox.clone();
        tokio::spawn(async move { accept(&outbox, &format!("late {n}"), "late").await })
    });
    for submitted in submissions.collect::<Vec<_>>() {
        let answer = submitted.await.expect("no panic");
        assert!(matches!(answer, Err(AcceptError::Outage(_))), "{answer:?}");
    }
    outbox.failed().cancelled().await;
    assert!(outbox.status().expect("reads").stopped);
    drop(outbox);
    let (outbox, _) = open(dir.path());
    assert_eq!(ids(&outbox, &health()).await.len(), 20);
    assert!(
        !accept(&outbox, "late 0", "late")
            .await
            .expect("accepts")
            .again
    );
}

/// Files of its own for what is large are what sled never syncs.
pub fn unsynced_files(index: &Path) -> usize {
    std::fs::read_dir(index.join("blobs"))
        .expect("reads")
        .count()
}

#[tokio::test]
async fn the_index_never_writes_a_file_that_is_not_synced() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let large = "x".repeat(300_000);
    for n in 1..=40 {
        let id = format!("{n:03}{}", "i".repeat(250));
        accept(&outbox, &id, &large).await.expect("accepts");
        if n % 2 == 0 {
            let number = outbox.waiting(&health(), 0, 1).await.expect("reads")[0].number;
            outbox
                .refuse(&health(), number, &large)
                .await
                .expect("refuses");
        } else {
            outbox
                .settle(&health(), vec![settled(&id, n, &large)])
                .await
                .expect("settles");
        }
        outbox.alarms().raise("test", large.clone());
    }
    drop(outbox);
    assert_eq!(unsynced_files(&dir.path().join("index-000001")), 0);
    let (outbox, _) = open(dir.path());
    assert_eq!(outbox.tray().expect("reads").len(), 20);
}
