use std::fs;
use std::path::PathBuf;

use super::*;
use crate::store::log::Repair;

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

fn first_segment(dir: &Path) -> PathBuf {
    log_folder(dir).join("0000000001.log")
}

pub fn codes(outbox: &Outbox) -> Vec<String> {
    let alarms = outbox.alarms().list().into_iter();
    alarms.map(|alarm| alarm.code).collect()
}

/// Thirty events in segments of two or three each, all of which wait.
pub async fn in_many_segments() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    for n in 0..30 {
        let id = format!("{n:02}");
        let text = format!("event {id} {}", "x".repeat(30_000));
        accept(&outbox, &id, &text).await.expect("accepts");
    }
    dir
}

pub const SMALL: u64 = 1024 * 1024 + 512 * 1024;

#[tokio::test]
async fn a_kill_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    for n in 0..300 {
        let id = format!("{n:03}");
        accept(&outbox, &id, &id).await.expect("accepts");
    }
    let image = crash_image(dir.path());
    let (after, report) = open(image.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(ids(&after, &health()).await, ids(&outbox, &health()).await);
}

#[tokio::test]
async fn what_the_disk_cannot_show_now_is_not_lost() {
    let dir = in_many_segments().await;
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    let (file, aside) = (first_segment(dir.path()), dir.path().join("aside"));
    fs::rename(&file, &aside).expect("moves");
    fs::create_dir(&file).expect("makes");
    // To read a folder is an error of the disk's, like EIO.
    let read = outbox.waiting(&health(), 0, 100).await;
    assert!(matches!(read, Err(Outage::Disk { .. })), "{read:?}");
    fs::remove_dir(&file).expect("removes");
    fs::rename(&aside, &file).expect("moves");
    assert_eq!(ids(&outbox, &health()).await.len(), 30);
    assert_eq!(outbox.alarms().raised(), 0);
}

/// Hints and tables are nobody's truth.
#[tokio::test]
async fn what_is_made_from_the_log_is_made_again_without_an_alarm() {
    let dir = in_many_segments().await;
    let scratch = log_folder(dir.path()).join("tables");
    fs::create_dir_all(scratch.join("db")).expect("makes");
    let hints = files(dir.path(), "hint");
    fs::remove_file(&hints[0]).expect("removes");
    for hint in &hints[1..] {
        fs::write(hint, "no hint").expect("writes");
    }
    let (outbox, report) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    let made = report.repairs.iter();
    assert!(
        made.clone().count() == hints.len()
            && made.clone().all(|one| matches!(one, Repair::HintMade(_))),
        "{report:?}"
    );
    assert_eq!(ids(&outbox, &health()).await.len(), 30);
    assert_eq!(outbox.alarms().raised(), 0);
    drop(outbox);
    let again = Outbox::open(dir.path(), &WHO, SMALL).expect("opens").1;
    assert_eq!(again, OpenReport::default(), "once is enough");
}

#[tokio::test]
async fn a_segment_that_is_gone_is_named_with_every_event_that_waited_in_it() {
    let dir = in_many_segments().await;
    fs::remove_file(&files(dir.path(), "log")[3]).expect("removes");
    let (outbox, report) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert!(
        matches!(
            report.repairs[..],
            [Repair::MissingSegments { first: 4, last: 4 }]
        ),
        "{report:?}"
    );
    let left = ids(&outbox, &health()).await;
    assert!(report.lost > 1, "{report:?}");
    assert_eq!(left.len() as u64 + report.lost, 30);
    let codes = codes(&outbox);
    for code in ["log-segment-missing", "accepted-events-lost"] {
        assert!(codes.contains(&code.into()), "{codes:?}");
    }
    assert_eq!(
        outbox.status().expect("reads").feeds[0].waiting,
        left.len() as u64
    );
    let gone = (0..30).map(|n| format!("{n:02}"));
    let gone = gone
        .into_iter()
        .find(|id| !left.contains(id))
        .expect("one is");
    let text = format!("event {gone} {}", "x".repeat(30_000));
    let healed = accept(&outbox, &gone, &text).await.expect("accepts");
    assert!(!healed.again, "submitting it again heals it");
    drop(outbox);
    let (outbox, report) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(report.lost, 0, "it is named once");
    assert_eq!(ids(&outbox, &health()).await.last(), Some(&gone));
}

#[tokio::test]
async fn a_damaged_record_costs_one_event_and_is_named() {
    let dir = filled().await;
    let mut bytes = fs::read(first_segment(dir.path())).expect("reads");
    let middle = bytes
        .windows(8)
        .position(|window| window == b"event 15")
        .expect("its bytes");
    bytes[middle] ^= 1;
    fs::write(first_segment(dir.path()), bytes).expect("writes");
    let (outbox, report) = open(dir.path());
    assert_eq!(report.lost, 1, "{report:?}");
    let left = ids(&outbox, &health()).await;
    assert_eq!(left.len(), 19);
    assert!(!left.contains(&"15".into()));
    let alarms = outbox.alarms().list();
    let mut told = alarms
        .iter()
        .filter(|one| one.code == "accepted-events-lost");
    assert!(told.any(|one| one.text.contains("15")), "{alarms:?}");
    assert_eq!(outbox.status().expect("reads").feeds[0].waiting, 19);
    let known = outbox.known(&health(), "15").expect("reads");
    assert_eq!(known.expect("known").stage, Stage::Lost);
    let healed = accept(&outbox, "15", "15").await.expect("accepts");
    assert!(!healed.again, "submitting it again heals it");
    assert_eq!(ids(&outbox, &health()).await.last(), Some(&"15".into()));
}

/// A sealed segment is not read at a start: what rots in it is found when it is wanted.
#[tokio::test]
async fn what_rots_while_it_is_open_is_found_and_named_by_who_reads_it() {
    let dir = in_many_segments().await;
    let (outbox, report) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(report, OpenReport::default());
    let file = first_segment(dir.path());
    let mut bytes = fs::read(&file).expect("reads");
    let middle = bytes
        .windows(8)
        .position(|window| window == b"event 01")
        .expect("its bytes");
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("writes");
    let left = ids(&outbox, &health()).await;
    assert_eq!((left.len(), left.contains(&"01".into())), (29, false));
    outbox.checkpoint().await.expect("serves what came before");
    let alarm = &outbox.alarms().list()[0];
    assert_eq!(alarm.code, "accepted-events-lost");
    assert!(alarm.text.contains("01"), "{}", alarm.text);
    assert_eq!(outbox.status().expect("reads").feeds[0].waiting, 29);
}

#[tokio::test]
async fn own_bytes_that_rot_are_named_and_count_as_not_here() {
    let dir = filled().await;
    let (outbox, _) = open(dir.path());
    let file = first_segment(dir.path());
    let mut bytes = fs::read(&file).expect("reads");
    let middle = bytes
        .windows(9)
        .position(|window| window == b"signed 03")
        .expect("its bytes");
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("writes");
    let position = |number| Position::new(number).expect("a position");
    assert_eq!(outbox.own(&health(), position(4)).expect("reads"), None);
    outbox.checkpoint().await.expect("serves what came before");
    let hash = outbox.own_hash(&health(), position(4)).expect("reads");
    assert_eq!(hash, Some(settled("03", 4, "03").hash));
    let here = outbox.own_within(&health(), (position(1), position(10)));
    assert_eq!(here.expect("reads").len(), 9);
    assert_eq!(codes(&outbox), ["settled-event-unread"]);
    let again = vec![settled("03", 4, "03")];
    outbox.settle(&health(), again).await.expect("settles");
    let own = outbox.own(&health(), position(4)).expect("reads");
    assert_eq!(
        own,
        Some(Bytes::from_static(b"signed 03")),
        "the bus gives it back"
    );
}

/// It seems to wait, and stands on the bus: whoever sends asks first.
#[tokio::test]
async fn an_own_log_from_whose_middle_something_is_gone_is_in_doubt_until_it_is_mended() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    for (id, place) in [("00", 1), ("01", 2), ("02", 3), ("03", 4), ("04", 5)] {
        accept(&outbox, id, id).await.expect("accepts");
        let sent = vec![settled(id, place, id)];
        outbox.settle(&health(), sent).await.expect("settles");
    }
    accept(&outbox, "10", "10").await.expect("accepts");
    assert_eq!(outbox.whole_up_to(&health()), None);
    drop(outbox);
    let mut bytes = fs::read(first_segment(dir.path())).expect("reads");
    let gone = settled("03", 4, "03").hash;
    let head = bytes
        .windows(32)
        .position(|window| window == gone.as_bytes())
        .expect("its head");
    bytes[head] ^= 1;
    fs::write(first_segment(dir.path()), bytes).expect("writes");
    let (outbox, report) = open(dir.path());
    assert!(
        matches!(report.repairs[..], [Repair::Damaged(_)]),
        "{report:?}"
    );
    assert_eq!(outbox.whole_up_to(&health()), Some(3));
    assert_eq!(ids(&outbox, &health()).await[0], "03");
    let again = vec![settled("03", 4, "03")];
    outbox.settle(&health(), again).await.expect("settles");
    assert_eq!(outbox.whole_up_to(&health()), None);
    assert_eq!(ids(&outbox, &health()).await[0], "10");
}

/// The bus gives the rest of it back.
#[tokio::test]
async fn a_log_whose_end_does_not_read_is_as_long_as_it_can_be_told() {
    let dir = filled().await;
    let (outbox, _) = open(dir.path());
    let file = first_segment(dir.path());
    let mut bytes = fs::read(&file).expect("reads");
    let last = settled("09", 10, "09").hash;
    let head = bytes
        .windows(32)
        .position(|window| window == last.as_bytes())
        .expect("its head");
    bytes[head] ^= 1;
    fs::write(&file, bytes).expect("writes");
    let told = outbox
        .last_settled(&health())
        .expect("reads")
        .expect("a head");
    assert_eq!(
        (told.position.number(), told.hash),
        (9, settled("08", 9, "08").hash)
    );
    let again = vec![settled("09", 10, "09")];
    outbox.settle(&health(), again).await.expect("settles");
    let told = outbox
        .last_settled(&health())
        .expect("reads")
        .expect("a head");
    assert_eq!((told.position.number(), told.hash), (10, last));
}

/// What is there is what was there at some moment; that it once went further is seen from outside alone.
#[tokio::test]
async fn a_log_cut_anywhere_is_as_it_was_before_the_cut() {
    let dir = filled().await;
    let whole = fs::read(first_segment(dir.path())).expect("reads");
    let all: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    for tenths in 0..10 {
        let image = crash_image(dir.path());
        let length = whole.len() * tenths / 10;
        fs::write(first_segment(image.path()), &whole[..length]).expect("cuts");
        let (outbox, report) = open(image.path());
        let waiting = ids(&outbox, &health()).await;
        assert!(all.starts_with(&waiting), "cut at {length}: {waiting:?}");
        assert_eq!(report.lost, 0, "cut at {length}: {report:?}");
        let fresh = accept(&outbox, "fresh", "fresh").await.expect("accepts");
        assert!(!fresh.again);
        drop(outbox);
        let (outbox, report) = open(image.path());
        assert_eq!(report.lost, 0);
        let now = ids(&outbox, &health()).await;
        assert_eq!(now.last().map(String::as_str), Some("fresh"));
        assert_eq!(now.len(), waiting.len() + 1);
    }
}

#[tokio::test]
async fn an_unfinished_write_at_the_end_is_cut_without_an_alarm() {
    let dir = filled().await;
    let mut bytes = fs::read(first_segment(dir.path())).expect("reads");
    bytes.extend_from_slice(b"\xf1Sp\x02torn");
    fs::write(first_segment(dir.path()), bytes).expect("writes");
    let (outbox, report) = open(dir.path());
    assert!(
        matches!(report.repairs[..], [Repair::TornTail { .. }]),
        "{report:?}"
    );
    assert!(outbox.alarms().list().is_empty());
    assert_eq!(ids(&outbox, &health()).await.len(), 20);
}

#[tokio::test]
async fn after_a_failed_sync_everyone_is_told_and_nothing_is_accepted_until_it_is_opened_again() {
    let dir = filled().await;
    let (outbox, _) = open(dir.path());
    // It takes the bytes and cannot sync them.
    let file = fs::File::options().write(true).open("/dev/null");
    outbox
        .send(Job::WriteTo(file.expect("opens")))
        .expect("takes it");
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
