//! Stores that the build before this one wrote (`tests/data/format-1`): opened by this one they say what they said there, whatever came between.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::event::Hash;

use super::*;
use crate::deliver::delivered::{BusName, Delivered};
use crate::inbox::Inbox;
use crate::outbox::{Outbox, Stage};
use crate::store::log::Identity;

#[path = "../../../../tests/data/format-1/said.rs"]
mod said;

const BUDGET: u64 = 64 * 1024 * 1024;
const HORIZON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const WHO: Identity = Identity {
    office: [1; 32],
    authority: [2; 32],
    room: Room::Outbox,
};

fn data(which: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/format-1");
    root.join(which)
}

/// What the build before said.
fn said_before(which: &str, room: &str) -> Vec<String> {
    let text = fs::read_to_string(data(which).join(format!("{room}.txt"))).expect("reads");
    text.lines().map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => fs::copy(entry.path(), to).map(|_| ()).expect("copies"),
        }
    }
}

fn store(which: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(&data(which).join("store"), dir.path());
    dir
}

fn outbox(store: &Path) -> Outbox {
    let opened = Outbox::open_keeping(store, &WHO, BUDGET, HORIZON);
    opened.expect("opens").0
}

fn bus() -> BusName {
    BusName {
        authority: "live".into(),
        genesis: Hash::of(b"live"),
    }
}

fn marks(store: &Path) -> Delivered {
    let (delivered, findings) = Delivered::open(store, &bus(), &WHO).expect("opens");
    assert_eq!(findings, []);
    delivered
}

/// All three rooms, asked what they say.
async fn say(store: &Path) -> [Vec<String>; 3] {
    let (inbox, _) = Inbox::open(store, &WHO).expect("opens");
    [
        said::outbox(&outbox(store)).await,
        said::inbox(&inbox).await,
        said::marks(&marks(store)),
    ]
}

fn same(which: &str, said: &[Vec<String>; 3]) {
    for (room, now) in ["outbox", "inbox", "marks"].iter().zip(said) {
        let before = said_before(which, room);
        for (before, now) in before.iter().zip(now) {
            assert_eq!(before, now, "{which} {room}");
        }
        assert_eq!(before.len(), now.len(), "{which} {room}");
    }
}

#[tokio::test]
async fn a_store_of_format_1_says_in_format_2_what_it_said() {
    for which in ["clean", "killed"] {
        let dir = store(which);
        same(which, &say(dir.path()).await);
        // Also from its own records, and again.
        same(which, &say(dir.path()).await);
        for old in ["outbox", "inbox", "deliveries"] {
            let aside = dir.path().join(format!("{old}-format1"));
            assert!(aside.is_dir(), "{old} is kept");
        }
    }
}

#[tokio::test]
async fn what_was_taken_over_goes_on() {
    let dir = store("clean");
    let outbox = outbox(dir.path());
    let feed = said::FEEDS[0].parse().expect("a feed");
    let waiting = outbox.waiting(&feed, 0, 100).await.expect("reads");
    let first = waiting.first().expect("waits");
    outbox
        .refuse(&feed, first.number, "no")
        .await
        .expect("refuses");
    let tray = outbox.tray().expect("reads");
    let put = tray
        .iter()
        .find(|one| one.entry.id == first.id)
        .expect("is there");
    outbox.release(&feed, put.number).await.expect("releases");
    let after = outbox.waiting(&feed, 0, 100).await.expect("reads");
    assert_eq!(after, waiting, "in its old place");
    let alarms = outbox.alarms().raised();
    outbox.alarms().raise("test-code", "one more".into());
    assert_eq!(outbox.alarms().raised(), alarms + 1);
}

/// At each of its steps, as a kill there leaves it.
#[tokio::test]
async fn a_take_over_that_was_interrupted_anywhere_is_begun_anew() {
    let steps: [fn(&Path); 4] = [
        // Moved aside, and nothing in its place.
        |store| fs::rename(store.join("outbox"), store.join("outbox-format1")).expect("renames"),
        |store| {
            fs::rename(store.join("inbox"), store.join("inbox-format1")).expect("renames");
            fs::write(store.join("inbox"), IN_ITS_PLACE).expect("writes");
        },
        // The new one half written.
        |store| {
            let rooms = [Room::Outbox, Room::Inbox, Room::Marks];
            for room in rooms {
                let new = folder(store, room).with_extension("new");
                fs::create_dir_all(&new).expect("makes");
                fs::write(new.join("0000000001.log"), "half of it").expect("writes");
            }
        },
        // All of it, and then the name of the old one.
        |store| {
            fs::rename(store.join("deliveries"), store.join("deliveries-format1"))
                .expect("renames");
            fs::write(store.join("deliveries"), IN_ITS_PLACE).expect("writes");
            drop(marks(store));
        },
    ];
    for step in steps {
        let dir = store("clean");
        step(dir.path());
        same("clean", &say(dir.path()).await);
        let new = fs::read_dir(dir.path().join("2")).expect("reads");
        let names = new.map(|entry| entry.expect("reads").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.into_string().expect("a name"))
            .collect();
        names.sort();
        assert_eq!(names, ["inbox", "marks", "outbox"]);
    }
}

/// The build before makes its folder there, before anything else.
#[tokio::test]
async fn a_build_before_this_one_stops_at_a_file_and_touches_nothing() {
    let dir = store("clean");
    say(dir.path()).await;
    for name in ["outbox", "inbox", "deliveries"] {
        let place = dir.path().join(name);
        assert!(disk::make_directory(&place).is_err(), "{name}");
        assert_eq!(fs::read_to_string(&place).expect("reads"), IN_ITS_PLACE);
    }
    same("clean", &say(dir.path()).await);
}

#[tokio::test]
async fn an_old_store_that_was_put_back_beside_the_new_one_is_refused_and_left_as_it_is() {
    let dir = store("clean");
    say(dir.path()).await;
    fs::remove_file(dir.path().join("outbox")).expect("removes");
    copy(
        &data("clean").join("store/outbox"),
        &dir.path().join("outbox"),
    );
    let refused = Outbox::open(dir.path(), &WHO, BUDGET).err();
    let code = refused.and_then(|fault| fault.code());
    assert_eq!(code, Some("store-of-format-1"));
    let all = refuse_all(dir.path(), &[Room::Inbox, Room::Outbox]).err();
    assert_eq!(all.and_then(|fault| fault.code()), code);
}

#[test]
fn without_room_for_the_new_one_nothing_is_touched() {
    let dir = store("clean");
    // A hole is a file as long as this and takes nothing.
    let hole = fs::File::create(dir.path().join("outbox/journal/hole")).expect("makes");
    let free = disk::free_bytes(dir.path()).expect("the disk says");
    hole.set_len(free.saturating_mul(4)).expect("is long");
    let refused = Outbox::open(dir.path(), &WHO, BUDGET)
        .err()
        .expect("refused");
    assert_eq!(refused.code(), Some("store-migration-room"));
    assert!(
        matches!(&refused, Fault::NoRoom { needed, free: left, .. } if needed > left && *needed > free),
        "{refused}"
    );
    assert!(dir.path().join("outbox").is_dir());
    assert!(!dir.path().join("outbox-format1").exists());
    assert!(!dir.path().join("2").exists());
}

/// The bus gives the rest back: it is as where the build before lost its index.
#[tokio::test]
async fn without_its_index_the_journal_alone_is_taken_over() {
    let harms: [fn(&Path); 2] = [
        |index| fs::remove_dir_all(index).expect("removes"),
        |index| {
            let db = index.join("db");
            let mut bytes = fs::read(&db).expect("reads");
            let length = bytes.len();
            bytes[..length / 2].fill(0x5a);
            fs::write(db, bytes).expect("writes");
        },
    ];
    for harm in harms {
        let dir = store("clean");
        harm(&dir.path().join("outbox/index-000001"));
        let outbox = outbox(dir.path());
        let feed = said::FEEDS[0].parse().expect("a feed");
        let waiting = outbox.waiting(&feed, 0, 100).await.expect("reads");
        let ids: Vec<&str> = waiting.iter().map(|one| one.id.as_str()).collect();
        for id in ["back-1", "waits-1", "released-1", "keyed-1", "waits-2"] {
            assert!(ids.contains(&id), "{id}: {ids:?}");
        }
        let tray = outbox.tray().expect("reads");
        let refused: Vec<&str> = tray.iter().map(|one| one.entry.id.as_str()).collect();
        assert_eq!(refused, ["refused-1"]);
        let known = outbox.known(&feed, "dropped-1").expect("reads");
        assert_eq!(known.map(|known| known.stage), None);
        let codes: Vec<String> = outbox
            .alarms()
            .list()
            .into_iter()
            .map(|one| one.code)
            .collect();
        assert!(codes.contains(&"log-damaged".into()), "{codes:?}");
    }
}

#[tokio::test]
async fn what_rots_in_the_journal_is_named_and_what_is_beside_it_is_there() {
    let dir = store("clean");
    let journal = dir.path().join("outbox/journal");
    for file in fs::read_dir(&journal).expect("reads") {
        let path = file.expect("reads").path();
        let mut bytes = fs::read(&path).expect("reads");
        let found = bytes
            .windows(13)
            .position(|window| window == b"event waits-1");
        if let Some(at) = found {
            bytes[at] ^= 1;
            fs::write(&path, bytes).expect("writes");
        }
    }
    let outbox = outbox(dir.path());
    let feed = said::FEEDS[0].parse().expect("a feed");
    let known = outbox.known(&feed, "waits-1").expect("reads");
    assert_eq!(known.map(|known| known.stage), Some(Stage::Lost));
    let waiting = outbox.waiting(&feed, 0, 100).await.expect("reads");
    let before = said_before("clean", "outbox");
    let waited = before
        .iter()
        .filter(|line| line.contains(&format!("{feed} waits ")));
    assert_eq!(waiting.len(), waited.count() - 1);
    let alarms = outbox.alarms().list();
    let named = alarms
        .iter()
        .filter(|one| one.code == "accepted-events-lost");
    assert!(
        named.into_iter().any(|one| one.text.contains("waits-1")),
        "{alarms:?}"
    );
}

#[tokio::test]
async fn an_inbox_whose_index_does_not_read_is_read_from_the_bus_again() {
    let dir = store("clean");
    fs::remove_dir_all(dir.path().join("inbox/index-000001")).expect("removes");
    let (inbox, _) = Inbox::open(dir.path(), &WHO).expect("opens");
    let feed = said::FEEDS[0].parse().expect("a feed");
    assert_eq!(inbox.page(&feed, 0, 100).await.expect("reads"), []);
    let alarms = inbox.alarms().list();
    assert_eq!(alarms[0].code, "inbox-damaged");
    assert_eq!(inbox.cursor(&feed).expect("reads"), None);
}

#[test]
fn marks_of_which_one_file_is_harmed_are_whole_and_of_both_it_is_told() {
    let dir = store("clean");
    let folder = dir.path().join(format!("deliveries/bus-{}", bus().genesis));
    let harm = |name: &str| {
        let mut bytes = fs::read(folder.join(name)).expect("reads");
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        fs::write(folder.join(name), bytes).expect("writes");
    };
    harm("marks");
    let whole = tempfile::tempdir().expect("a folder");
    copy(dir.path(), whole.path());
    assert_eq!(
        said::marks(&marks(whole.path())),
        said_before("clean", "marks")
    );
    harm("marks.copy");
    let (_, findings) = Delivered::open(dir.path(), &bus(), &WHO).expect("opens");
    let codes: Vec<&str> = findings.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["delivered-damaged"]);
}
