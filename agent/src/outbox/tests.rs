mod before;
mod damage;
mod image;
mod matrix;
mod mend;
mod model;
mod prune;
mod space;

use std::path::Path;

use bytes::Bytes;
use schemas::event::{Hash, Position};

pub use self::image::{crash_image, names};
use super::*;
use crate::store::log::{Identity, Room};

pub const BUDGET: u64 = 64 * 1024 * 1024;

pub fn feed(name: &str) -> FeedName {
    name.parse().expect("a feed")
}

pub fn health() -> FeedName {
    feed("health-quarterly")
}

pub const WHO: Identity = Identity {
    office: [1; 32],
    authority: [2; 32],
    room: Room::Outbox,
};

pub fn open(dir: &Path) -> (Outbox, OpenReport) {
    Outbox::open(dir, &WHO, BUDGET).expect("opens")
}

/// Where the log lies in a data folder.
pub fn log_folder(dir: &Path) -> std::path::PathBuf {
    crate::store::folder(dir, Room::Outbox)
}

/// The log's files with this ending, by their numbers.
pub fn files(dir: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(log_folder(dir)).expect("reads");
    let paths = entries.map(|entry| entry.expect("reads").path());
    let named = paths.filter(|path| path.extension().is_some_and(|is| is == ending));
    let mut files: Vec<_> = named.collect();
    files.sort();
    files
}

pub fn submission(feed: &FeedName, id: &str, content: &str) -> Submission {
    Submission {
        feed: feed.clone(),
        id: id.into(),
        key: None,
        content: Hash::of(content.as_bytes()),
        data: Hash::of(content.as_bytes()),
        bytes: Bytes::from(content.to_owned()),
    }
}

pub fn settled(id: &str, position: u64, content: &str) -> Settled {
    Settled {
        id: id.into(),
        position: Position::new(position).expect("a position"),
        hash: Hash::of(format!("{id} at {position}").as_bytes()),
        data: Hash::of(content.as_bytes()),
        bytes: Bytes::from(format!("signed {content}")),
    }
}

/// The bytes of a settled event go, and its hash stays.
pub fn lose_bytes(outbox: &Outbox, feed: &FeedName, position: u64) {
    let position = Position::new(position).expect("a position");
    let (answer, mut answered) = oneshot::channel();
    let job = Job::NotHere(feed.clone(), position, answer);
    outbox.send(job).expect("takes it");
    while let Err(oneshot::error::TryRecvError::Empty) = answered.try_recv() {
        std::thread::yield_now();
    }
}

pub async fn ids(outbox: &Outbox, feed: &FeedName) -> Vec<String> {
    let waiting = outbox.waiting(feed, 0, 1_000).await.expect("reads");
    waiting.into_iter().map(|waiting| waiting.id).collect()
}

async fn accept(outbox: &Outbox, id: &str, content: &str) -> Result<Accepted, AcceptError> {
    outbox.accept(submission(&health(), id, content)).await
}

#[tokio::test]
async fn what_was_accepted_waits_in_order_also_after_it_is_opened_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, report) = open(dir.path());
    assert_eq!(report, OpenReport::default());
    for id in ["c", "a", "b"] {
        assert!(!accept(&outbox, id, id).await.expect("accepts").again);
    }
    drop(outbox);
    let (outbox, report) = open(dir.path());
    assert_eq!(report, OpenReport::default(), "closed, nothing is replayed");
    assert_eq!(ids(&outbox, &health()).await, ["c", "a", "b"]);
    let page = outbox.waiting(&health(), 0, 1).await.expect("reads");
    assert_eq!(page[0].bytes, "c");
    let rest = outbox
        .waiting(&health(), page[0].number, 9)
        .await
        .expect("reads");
    assert_eq!(rest.len(), 2);
}

/// More than one task may do in tokio before it has to let others in.
#[tokio::test]
async fn what_is_handed_in_together_waits_in_its_order() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (outbox, _) = open(dir.path());
    let wanted: Vec<String> = (0..300)
        .map(|number| format!("event-{number:03}"))
        .collect();
    let batch = wanted
        .iter()
        .map(|id| submission(&health(), id, "41"))
        .collect();
    let answers = outbox.accept_all(batch).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(ids(&outbox, &health()).await, wanted);
}

#[tokio::test]
async fn an_id_means_one_content() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    accept(&outbox, "a", "one").await.expect("accepts");
    let again = accept(&outbox, "a", "one").await.expect("accepts");
    assert!(again.again);
    let other = accept(&outbox, "a", "two").await.expect_err("taken");
    assert!(matches!(other, AcceptError::IdTaken { id } if id == "a"));
    let elsewhere = submission(&feed("market-prices"), "a", "two");
    assert!(!outbox.accept(elsewhere).await.expect("accepts").again);
    assert_eq!(outbox.find("a").expect("reads").len(), 2);
    assert_eq!(ids(&outbox, &health()).await, ["a"]);
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_id_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let keyed = |id: &str, content: &str| Submission {
        key: Some(Hash::of(b"key")),
        ..submission(&health(), id, content)
    };
    let (outbox, _) = open(dir.path());
    let first = outbox.accept(keyed("first", "one")).await.expect("accepts");
    assert_eq!((first.id.as_str(), first.again), ("first", false));
    for _ in 0..2 {
        let again = outbox
            .accept(keyed("second", "one"))
            .await
            .expect("accepts");
        assert_eq!((again.id.as_str(), again.again), ("first", true));
    }
    drop(outbox);
    let (outbox, _) = open(dir.path());
    let other = outbox
        .accept(keyed("third", "two"))
        .await
        .expect_err("taken");
    assert!(matches!(other, AcceptError::IdTaken { id } if id == "first"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_submitters_are_all_answered_and_all_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let mut submitters = tokio::task::JoinSet::new();
    for submitter in 0..64 {
        let outbox = outbox.clone();
        submitters.spawn(async move {
            for n in 0..20 {
                // Every second one submits what its neighbour submits.
                let id = format!("{}-{n}", submitter / 2);
                accept(&outbox, &id, &id).await.expect("accepts");
            }
        });
    }
    submitters.join_all().await;
    let mut kept = ids(&outbox, &health()).await;
    assert_eq!(kept.len(), 32 * 20);
    drop(outbox);
    let (outbox, _) = open(dir.path());
    assert_eq!(ids(&outbox, &health()).await, kept);
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), 32 * 20);
}

#[tokio::test]
async fn what_settled_leaves_the_line_and_is_in_the_own_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    accept(&outbox, "a", "a").await.expect("accepts");
    accept(&outbox, "b", "b").await.expect("accepts");
    outbox.hold(
        &health(),
        "unknown-key",
        "the registry does not know the key",
    );
    outbox
        .settle(&health(), vec![settled("a", 1, "a")])
        .await
        .expect("settles");
    assert_eq!(ids(&outbox, &health()).await, ["b"]);
    let position = Position::FIRST;
    let known = outbox.known(&health(), "a").expect("reads").expect("known");
    assert_eq!(known.stage, Stage::Settled { position });
    assert_eq!(
        outbox
            .own(&health(), position)
            .expect("reads")
            .expect("held"),
        "signed a"
    );
    let head = outbox
        .last_settled(&health())
        .expect("reads")
        .expect("a head");
    assert_eq!(
        (head.position, head.hash),
        (position, settled("a", 1, "a").hash)
    );
    let status = outbox.status().expect("reads");
    assert_eq!((status.feeds[0].waiting, status.feeds[0].settled), (1, 1));
    assert_eq!(status.feeds[0].held, None, "it moves again");
    assert!(accept(&outbox, "a", "a").await.expect("accepts").again);
}

#[tokio::test]
async fn own_events_that_were_not_remembered_are_taken_back_with_an_alarm() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    let events = vec![settled("x", 1, "x"), settled("y", 2, "y")];
    outbox
        .take_back(&health(), events, Telling::Due)
        .await
        .expect("takes back");
    let again = accept(&outbox, "x", "x").await.expect("accepts");
    assert!(again.again, "the same data, so the same event");
    let other = accept(&outbox, "y", "z").await.expect_err("taken");
    assert!(matches!(other, AcceptError::IdTaken { .. }));
}

#[tokio::test]
async fn what_is_put_back_goes_before_all_that_waits() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    accept(&outbox, "a", "a").await.expect("accepts");
    accept(&outbox, "b", "b").await.expect("accepts");
    accept(&outbox, "c", "c").await.expect("accepts");
    let both = vec![settled("a", 1, "a"), settled("b", 2, "b")];
    outbox.settle(&health(), both).await.expect("settles");
    let back = |id: &str, position| PutBack {
        hash: settled(id, position, id).hash,
        signed: settled(id, position, id).bytes,
        position: Position::new(position).expect("a position"),
        id: id.into(),
        data: Hash::of(id.as_bytes()),
        bytes: Bytes::from(id.to_owned()),
    };
    let both = vec![back("a", 1), back("b", 2)];
    outbox.put_back(&health(), both).await.expect("puts back");
    assert_eq!(ids(&outbox, &health()).await, ["a", "b", "c"]);
    assert_eq!(outbox.last_settled(&health()).expect("reads"), None);
    assert!(accept(&outbox, "a", "a").await.expect("accepts").again);
}

#[tokio::test]
async fn a_refused_event_lies_in_the_tray_until_a_person_speaks() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = open(dir.path());
    accept(&outbox, "a", "a").await.expect("accepts");
    accept(&outbox, "b", "b").await.expect("accepts");
    let number = outbox.waiting(&health(), 0, 1).await.expect("reads")[0].number;
    outbox
        .refuse(&health(), number, "{\"code\":\"contract\"}")
        .await
        .expect("refuses");
    assert_eq!(
        ids(&outbox, &health()).await,
        ["b"],
        "it does not block the line"
    );
    drop(outbox);
    let (outbox, _) = open(dir.path());
    let tray = outbox.tray().expect("reads");
    assert_eq!((tray.len(), tray[0].entry.id.as_str()), (1, "a"));
    assert_eq!(tray[0].entry.refusal, "{\"code\":\"contract\"}");
    outbox.release(&health(), number).await.expect("releases");
    assert_eq!(ids(&outbox, &health()).await, ["a", "b"]);
    outbox
        .refuse(&health(), number, "{}")
        .await
        .expect("refuses");
    outbox
        .drop_from_tray(&health(), number)
        .await
        .expect("drops");
    assert!(outbox.tray().expect("reads").is_empty());
    let corrected = accept(&outbox, "a", "corrected").await.expect("accepts");
    assert!(!corrected.again, "the id is free again");
}

#[tokio::test]
async fn a_used_up_budget_is_told_and_settling_makes_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let (outbox, _) = Outbox::open(dir.path(), &WHO, 8 * 1024 * 1024).expect("opens");
    let large = "x".repeat(500_000);
    let mut accepted = 0;
    let refused = loop {
        match accept(&outbox, &accepted.to_string(), &large).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, AcceptError::DiskBudget { .. }),
        "{refused}"
    );
    assert_eq!(
        ids(&outbox, &health()).await.len().min(8),
        accepted.min(8),
        "nothing dropped"
    );
    let sent = (0..accepted).map(|n| Settled {
        bytes: Bytes::from_static(b"signed"),
        ..settled(&n.to_string(), n as u64 + 1, &large)
    });
    outbox
        .settle(&health(), sent.collect::<Vec<_>>())
        .await
        .expect("settles");
    outbox.checkpoint().await.expect("syncs");
    accept(&outbox, "after", &large).await.expect("accepts");
}

#[tokio::test]
async fn two_at_once_on_one_store_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_outbox, _) = open(dir.path());
    let second = Outbox::open(dir.path(), &WHO, BUDGET)
        .err()
        .expect("in use");
    assert!(matches!(second, crate::store::Fault::InUse(_)), "{second}");
}
