mod folds;
mod matrix;
mod model;
mod refuse;
mod shown;

use std::fs;
use std::path::Path;

use schemas::chain::Link;
use schemas::event::{Classification, Core, Event, Hash, Timestamp};
use schemas::notice::LogResumed;
use schemas::signing::{SignedEvent, SigningKey};

use super::*;
use crate::store::log::{Identity, Room};

/// An office that writes a log.
pub struct Office {
    key: SigningKey,
    pub log: LogName,
}

impl Office {
    pub fn new(source: &str) -> Office {
        Office {
            key: SigningKey::generate().expect("a key").0,
            log: LogName::from_source(source).expect("a source"),
        }
    }

    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub fn sign(&self, position: u64, prev: Hash, id: &str, data: &str) -> VerifiedEvent {
        let core = Core {
            id: id.into(),
            event_type: "kh.gov.moh.quarterly-report.submitted.v1".into(),
            subject: None,
            time: time(),
            data_content_type: "application/json".into(),
            data_schema: "https://spean.gov.kh/contracts/health-quarterly/1.0".into(),
            causation_id: None,
            data_classification: Classification::Internal,
            data: Bytes::from(data.to_owned()),
        };
        let event = Event::new(self.log.clone(), core, time()).expect("well formed");
        let position = Position::new(position).expect("a position");
        VerifiedEvent::new(SignedEvent::sign(event, Link { position, prev }, &self.key))
    }

    pub fn notice(&self, position: u64, prev: Hash, notice: &LogResumed) -> VerifiedEvent {
        let event = notice.event(self.log.clone(), time()).expect("well formed");
        let position = Position::new(position).expect("a position");
        VerifiedEvent::new(SignedEvent::sign(event, Link { position, prev }, &self.key))
    }

    /// A log whose ids are `prefix` and the position.
    pub fn run(&self, prefix: &str, count: u64) -> Vec<VerifiedEvent> {
        self.run_of(prefix, count, 0)
    }

    /// The same, with so many bytes of data each.
    pub fn run_of(&self, prefix: &str, count: u64, bytes: usize) -> Vec<VerifiedEvent> {
        let data = format!("{{{}}}", " ".repeat(bytes));
        let mut prev = Hash::of(b"genesis");
        let mut run = Vec::new();
        for position in 1..=count {
            let event = self.sign(position, prev, &format!("{prefix}{position}"), &data);
            prev = event.signed().hash();
            run.push(event);
        }
        run
    }
}

pub fn time() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000).expect("a time")
}

pub fn siem_reap() -> Office {
    Office::new("urn:spean:moh:siem-reap:health-quarterly")
}

pub const WHO: Identity = Identity {
    office: [1; 32],
    authority: [2; 32],
    room: Room::Inbox,
};

pub fn open(dir: &Path) -> Inbox {
    let (inbox, repairs) = Inbox::open(dir, &WHO).expect("opens");
    assert_eq!(repairs, []);
    inbox
}

/// The files as they are at this moment, as a kill leaves them. What is renamed or removed meanwhile is as if it had been before.
pub fn crash_image(of: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().expect("a directory");
    copy(of, image.path());
    image
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("reads") {
        let from = entry.expect("reads").path();
        let to = to.join(from.file_name().expect("a name"));
        match from.is_dir() {
            true if from.ends_with("tables") => {}
            true => copy(&from, &to),
            false => drop(fs::copy(&from, to)),
        }
    }
}

async fn keep(inbox: &Inbox, events: &[&VerifiedEvent]) -> Vec<Kept> {
    let feed = events[0].signed().event().log().feed.clone();
    let events = events.iter().map(|event| (*event).clone()).collect();
    inbox.keep(&feed, events, None).await.expect("keeps")
}

pub async fn positions(inbox: &Inbox, feed: &FeedName) -> Vec<u64> {
    let page = inbox.page(feed, 0, 1_000).await.expect("reads");
    page.iter()
        .map(|arrived| arrived.position.number())
        .collect()
}

#[tokio::test]
async fn what_was_kept_is_there_with_the_cursor_when_it_is_opened_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 3);
    let inbox = open(dir.path());
    let cursor = Cursor {
        stream_sequence: 17,
        hash: run[2].signed().hash(),
    };
    let kept = inbox
        .keep(&office.log.feed, run.clone(), Some(cursor))
        .await
        .expect("keeps");
    assert_eq!(kept, [Kept::New; 3]);
    drop(inbox);
    let inbox = open(dir.path());
    assert_eq!(inbox.cursor(&office.log.feed).expect("reads"), Some(cursor));
    let page = inbox.page(&office.log.feed, 0, 10).await.expect("reads");
    let read = schemas::envelope::nats::read_stored(&page[1].bytes).expect("reads");
    assert_eq!(&read, run[1].signed());
    let first = page[0].arrival;
    assert_eq!(
        page.iter()
            .map(|arrived| arrived.arrival)
            .collect::<Vec<_>>(),
        [first, first + 1, first + 2]
    );
    assert_eq!(
        inbox.state(&office.log).expect("reads").hash,
        run[2].signed().hash()
    );
    assert_eq!(keep(&inbox, &[&run[0], &run[2]]).await, [Kept::Seen; 2]);
}

#[tokio::test]
async fn what_comes_behind_a_gap_arrives_when_the_gap_is_filled() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 6);
    let inbox = open(dir.path());
    let news = inbox.news();
    let kept = keep(&inbox, &[&run[0], &run[2], &run[4], &run[5]]).await;
    assert_eq!(kept, [Kept::New, Kept::Parked, Kept::Parked, Kept::Parked]);
    assert_eq!(positions(&inbox, &office.log.feed).await, [1]);
    let said = inbox.completeness(&office.log).expect("reads");
    assert_eq!((said.complete, said.missing), (1, vec![2..=2, 4..=4]));
    drop(inbox);
    let inbox = open(dir.path());
    assert_eq!(keep(&inbox, &[&run[3]]).await, [Kept::Parked]);
    assert_eq!(keep(&inbox, &[&run[1]]).await, [Kept::New]);
    assert_eq!(
        positions(&inbox, &office.log.feed).await,
        [1, 2, 3, 4, 5, 6]
    );
    let said = inbox.completeness(&office.log).expect("reads");
    assert_eq!((said.complete, said.missing), (6, vec![]));
    assert_eq!(inbox.state(&office.log).expect("reads").parked_bytes, 0);
    drop(news);
}

#[tokio::test]
async fn a_head_on_the_bus_names_what_has_not_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 3);
    let inbox = open(dir.path());
    keep(&inbox, &[&run[0], &run[2]]).await;
    inbox.note_heads(&[(office.log.clone(), 7)]).expect("notes");
    let said = inbox.completeness(&office.log).expect("reads");
    assert_eq!((said.known, said.missing), (7, vec![2..=2, 4..=7]));
    let status = inbox.status(&office.log.feed).expect("reads");
    assert_eq!(status.logs[0].missing, [(2, 2), (4, 7)]);
}

#[tokio::test]
async fn an_id_at_a_second_position_is_kept_and_not_delivered_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let first = office.sign(1, Hash::of(b"genesis"), "same", "{}");
    let second = office.sign(2, first.signed().hash(), "same", "{}");
    let inbox = open(dir.path());
    assert_eq!(keep(&inbox, &[&first, &second]).await, [Kept::New; 2]);
    let page = inbox.page(&office.log.feed, 0, 10).await.expect("reads");
    assert_eq!(
        page.iter()
            .map(|arrived| arrived.for_applications)
            .collect::<Vec<_>>(),
        [true, false]
    );
}

#[tokio::test]
async fn a_notice_is_part_of_the_log_and_an_alarm_and_no_applications() {
    for order in [[0, 1, 2], [0, 2, 1]] {
        let dir = tempfile::tempdir().expect("a directory");
        let office = siem_reap();
        let first = office.sign(1, Hash::of(b"genesis"), "first", "{}");
        let notice = LogResumed::new(1, 1, first.signed().hash());
        let notice = office.notice(2, first.signed().hash(), &notice);
        let last = office.sign(3, notice.signed().hash(), "last", "{}");
        let inbox = open(dir.path());
        let events = [&first, &notice, &last];
        keep(&inbox, &order.map(|at| events[at])).await;
        let page = inbox.page(&office.log.feed, 0, 10).await.expect("reads");
        let theirs: Vec<bool> = page.iter().map(|one| one.for_applications).collect();
        assert_eq!(theirs, [true, false, true]);
        let alarms = inbox.alarms().list();
        let told = alarms.iter().filter(|alarm| alarm.code == "log-resumed");
        let told: Vec<&str> = told.map(|alarm| alarm.text.as_str()).collect();
        assert!(
            told.len() == 1 && told[0].contains("positions 1 to 1"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn other_content_at_a_held_position_is_a_branch_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 2);
    let other = office.sign(1, Hash::of(b"genesis"), "other", "{}");
    let inbox = open(dir.path());
    keep(&inbox, &[&run[0], &run[1]]).await;
    assert_eq!(keep(&inbox, &[&other]).await, [Kept::Branch]);
    assert_eq!(keep(&inbox, &[&other]).await, [Kept::Branch]);
    assert_eq!(inbox.alarms().raised(), 1, "told once");
    assert_eq!(inbox.alarms().list()[0].code, "branch");
    let held = inbox.hash_at(&office.log, Position::FIRST).expect("reads");
    assert_eq!(held, Some(run[0].signed().hash()));
    assert_eq!(positions(&inbox, &office.log.feed).await, [1, 2]);
}

#[tokio::test]
async fn what_does_not_follow_never_arrives() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 3);
    let stranger = office.sign(2, Hash::of(b"elsewhere"), "x", "{}");
    let behind = office.sign(3, stranger.signed().hash(), "y", "{}");
    let inbox = open(dir.path());
    assert_eq!(
        keep(&inbox, &[&run[0], &stranger]).await,
        [Kept::New, Kept::Branch]
    );
    assert_eq!(
        keep(&inbox, &[&behind, &run[1]]).await,
        [Kept::Parked, Kept::New]
    );
    assert_eq!(
        positions(&inbox, &office.log.feed).await,
        [1, 2],
        "what was parked did not follow"
    );
    assert_eq!(keep(&inbox, &[&run[2]]).await, [Kept::New]);
    assert_eq!(inbox.alarms().list()[0].code, "chain-broken");
    assert_eq!(inbox.alarms().raised(), 2);
}

#[tokio::test]
async fn a_megabyte_behind_a_gap_reads_back_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let first = office.sign(1, Hash::of(b"genesis"), "a", "{}");
    let data = "x".repeat(1_000_000);
    let second = office.sign(2, first.signed().hash(), "b", &data);
    let inbox = open(dir.path());
    assert_eq!(keep(&inbox, &[&second]).await, [Kept::Parked]);
    assert_eq!(keep(&inbox, &[&first]).await, [Kept::New]);
    drop(inbox);
    let page = open(dir.path())
        .page(&office.log.feed, 0, 10)
        .await
        .expect("reads");
    let read = schemas::envelope::nats::read_stored(&page[1].bytes).expect("reads");
    assert_eq!(&read, second.signed());
}

#[tokio::test]
async fn too_much_behind_a_gap_is_left_behind_and_nothing_is_dropped() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let data = "x".repeat(1_000_000);
    let mut prev = Hash::of(b"genesis");
    let mut run = Vec::new();
    for position in 1..=70 {
        let event = office.sign(position, prev, &position.to_string(), &data);
        prev = event.signed().hash();
        run.push(event);
    }
    let inbox = open(dir.path());
    let kept = keep(&inbox, &run[1..].iter().collect::<Vec<_>>()).await;
    let parked = kept.iter().filter(|kept| **kept == Kept::Parked).count();
    assert!((60..69).contains(&parked), "{parked}");
    assert!(kept[parked..].iter().all(|kept| *kept == Kept::LeftBehind));
    assert!(inbox.state(&office.log).expect("reads").left_behind);
    let first = parked as u64 + 2;
    let said = inbox.completeness(&office.log).expect("reads");
    assert_eq!(said.missing, [1..=1, first..=70]);
    keep(&inbox, &[&run[0]]).await;
    keep(&inbox, &run[parked + 1..].iter().collect::<Vec<_>>()).await;
    let state = inbox.state(&office.log).expect("reads");
    assert_eq!((state.complete, state.left_behind), (70, false));
}

#[tokio::test]
async fn a_damaged_inbox_is_set_aside_and_no_number_of_it_is_one_of_the_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 200);
    let inbox = open(dir.path());
    for part in run.chunks(20) {
        let kept = inbox.keep(&office.log.feed, part.to_vec(), None);
        kept.await.expect("keeps");
    }
    let page = inbox.page(&office.log.feed, 0, 1_000).await;
    let numbers: Vec<u64> = page.expect("reads").iter().map(|one| one.arrival).collect();
    drop(inbox);
    // One event, with others behind it.
    let file = dir.path().join("2/inbox/0000000001.log");
    let mut whole = fs::read(&file).expect("reads");
    let middle = whole.len() / 3;
    whole[middle] ^= 1;
    fs::write(&file, whole).expect("harms");
    let (inbox, repairs) = Inbox::open(dir.path(), &WHO).expect("opens");
    let [Repair::SetAside { kept, .. }, ..] = &repairs[..] else {
        panic!("{repairs:?}");
    };
    assert!(kept.join("0000000001.log").is_file(), "{kept:?}");
    assert_eq!(inbox.alarms().list()[0].code, "inbox-damaged");
    assert_eq!(
        inbox.cursor(&office.log.feed).expect("reads"),
        None,
        "all is read again"
    );
    inbox
        .keep(&office.log.feed, run, None)
        .await
        .expect("keeps");
    for number in &numbers {
        assert!(!inbox.has_numbered(&office.log.feed, *number), "{number}");
    }
    let page = inbox.page(&office.log.feed, 0, 1_000).await;
    let page = page.expect("reads");
    assert_eq!(page.len(), 200);
    assert!(inbox.has_numbered(&office.log.feed, page[199].arrival));
    assert!(inbox.has_numbered(&office.log.feed, 0));
    assert!(!inbox.has_numbered(&office.log.feed, page[199].arrival + 1));
}
