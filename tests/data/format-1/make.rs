//! Writes two stores of format 1, with the build that knew no other, and what they say. In: the folder $FORMAT_1. Out: `clean`, closed as it should be, and
//! `killed`, as a kill left it: the journal has more than the index; beside each what its stores said when that build opened them again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use schemas::chain::Link;
use schemas::confirmation::{Confirmation, Said};
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::{FeedName, LogName};

use crate::deliver::delivered::{
    BusName, Delivered, FileSeen, Here, Mark, Order, Ordered, Step, UpTo,
};
use crate::inbox::tests::{Office, time};
use crate::inbox::{Cursor, Inbox};
use crate::outbox::tests::{feed, health, receipts, settled};
use crate::outbox::{Outbox, PutBack, Settled, Submission, Telling};
use crate::receive::{Unbelieved, VerifiedGap};
use crate::settings::TargetName;

#[path = "said.rs"]
mod said;

const BUDGET: u64 = 64 * 1024 * 1024;
const HORIZON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn open(store: &Path) -> Outbox {
    Outbox::open_keeping(&store.join("outbox"), BUDGET, HORIZON)
        .expect("opens")
        .0
}

async fn accept(outbox: &Outbox, feed: &FeedName, id: &str, key: Option<&str>) {
    let submission = Submission {
        feed: feed.clone(),
        id: id.into(),
        key: key.map(|key| Hash::of(key.as_bytes())),
        content: Hash::of(format!("content of {id}").as_bytes()),
        data: Hash::of(id.as_bytes()),
        bytes: Bytes::from(format!("event {id}")),
    };
    outbox.accept(submission).await.expect("accepts");
}

async fn number(outbox: &Outbox, id: &str) -> u64 {
    let waiting = outbox.waiting(&health(), 0, 100).await.expect("reads");
    waiting
        .iter()
        .find(|one| one.id == id)
        .expect("waits")
        .number
}

async fn fill_outbox(store: &Path) {
    let outbox = open(store);
    let notary = receipts::Notary::new();
    outbox.alarms().raise("test-code", "the first alarm".into());
    for (id, at, day) in [
        ("old-1", 1, 0),
        ("old-2", 2, 1),
        ("new-1", 3, 60),
        ("new-2", 4, 61),
        ("back-1", 5, 62),
    ] {
        accept(&outbox, &health(), id, Some(&format!("key of {id}"))).await;
        let sent = vec![settled(id, at, id)];
        outbox
            .settle(&health(), notary.vouch_for(&health(), sent, day))
            .await
            .expect("settles");
    }
    outbox.tidy().await.expect("prunes");
    for id in ["waits-1", "refused-1", "released-1", "dropped-1", "lost-1"] {
        accept(&outbox, &health(), id, None).await;
    }
    for id in ["refused-1", "released-1", "dropped-1"] {
        let number = number(&outbox, id).await;
        outbox
            .refuse(&health(), number, &format!("{{\"no\":\"{id}\"}}"))
            .await
            .expect("refuses");
    }
    for one in outbox.tray().expect("reads") {
        match one.entry.id.as_str() {
            "released-1" => outbox
                .release(&one.feed, one.number)
                .await
                .expect("releases"),
            "dropped-1" => outbox
                .drop_from_tray(&one.feed, one.number)
                .await
                .expect("drops"),
            _ => {}
        }
    }
    lose(store, b"event lost-1");
    outbox.waiting(&health(), 0, 100).await.expect("reads");
    outbox.checkpoint().await.expect("serves what came before");
    fork(&outbox, &notary).await;
    accept(&outbox, &health(), "keyed-1", Some("a key")).await;
    accept(&outbox, &health(), "waits-2", None).await;
    accept(&outbox, &feed("market-prices"), "price-1", None).await;
    confirm(&outbox);
    outbox.checkpoint().await.expect("syncs");
}

/// What stood at a position goes back into line, and another event is taken back there.
async fn fork(outbox: &Outbox, notary: &receipts::Notary) {
    let back = settled("back-1", 5, "back-1");
    let put_back = PutBack {
        position: back.position,
        hash: back.hash,
        signed: back.bytes.clone(),
        id: back.id.clone(),
        data: back.data,
        bytes: Bytes::from("event back-1"),
    };
    outbox
        .put_back(&health(), vec![put_back])
        .await
        .expect("puts back");
    let taken: Vec<Settled> = vec![settled("taken-1", 5, "taken-1")];
    outbox
        .take_back(
            &health(),
            notary.vouch_for(&health(), taken, 63),
            Telling::Due,
        )
        .await
        .expect("takes back");
}

/// A reader holds some of it.
fn confirm(outbox: &Outbox) {
    let (key, _) = SigningKey::generate().expect("a key");
    let said = Said {
        reader: "moh/hq".parse().expect("an office"),
        log: LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a source"),
        position: Position::new(4).expect("a position"),
        hash: settled("new-2", 4, "new-2").hash,
        time: time(),
        registry: None,
        newest: None,
    };
    outbox
        .confirm(Confirmation::sign(said, &key))
        .expect("takes it");
}

/// Its bytes rot in the journal while it waits.
fn lose(store: &Path, event: &[u8]) {
    for file in fs::read_dir(store.join("outbox/journal")).expect("reads") {
        let path = file.expect("reads").path();
        let mut bytes = fs::read(&path).expect("reads");
        let found = bytes
            .windows(event.len())
            .position(|window| window == event);
        if let Some(at) = found {
            bytes[at] ^= 1;
            let file = fs::File::options().write(true).open(&path).expect("opens");
            std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).expect("writes");
        }
    }
}

async fn fill_inbox(store: &Path) {
    let (inbox, _) = Inbox::open(&store.join("inbox")).expect("opens");
    let name = |place: &str| format!("urn:spean:moh:{place}:health-quarterly");
    let offices = said::OFFICES.map(|place| Office::new(&name(place)));
    let runs: Vec<_> = offices.iter().map(|office| office.run("e", 9)).collect();
    let feed = health();
    let keep = async |office: usize, positions: &[usize], sequence: u64| {
        let events: Vec<_> = positions
            .iter()
            .map(|at| runs[office][at - 1].clone())
            .collect();
        let hash = events.last().expect("one").signed().hash();
        let cursor = Cursor {
            stream_sequence: sequence,
            hash,
        };
        inbox
            .keep(&feed, events, Some(cursor))
            .await
            .expect("keeps");
    };
    // A gap that is declared, with one that came late.
    keep(0, &[1, 2, 3, 7, 8], 5).await;
    let gap = GapDeclared { first: 4, last: 6 }.event(offices[0].log.clone(), time(), None);
    let link = Link {
        position: Position::new(7).expect("a position"),
        prev: runs[0][5].signed().hash(),
    };
    let gap = SignedEvent::sign(gap.expect("well formed"), link, offices[0].key());
    inbox
        .declare(&feed, vec![VerifiedGap::new(gap)], None)
        .await
        .expect("is written down");
    keep(0, &[5], 6).await;
    // Parked behind a gap, with one that is not believed in it.
    keep(1, &[1, 2, 6], 9).await;
    let aside = Unbelieved::new(runs[1][3].signed().clone());
    inbox.put_aside(vec![aside]).await.expect("keeps");
    inbox
        .note_confirmed(&offices[1].log, Position::new(2).expect("a position"))
        .expect("notes");
    inbox
        .note_heads(&[(offices[1].log.clone(), 9)])
        .expect("notes");
    // What is not believed, and named by what stands behind it.
    keep(2, &[1], 10).await;
    inbox
        .put_aside(vec![Unbelieved::new(runs[2][1].signed().clone())])
        .await
        .expect("keeps");
    keep(2, &[3, 4], 12).await;
    // Two contents for one position, and an id that came before.
    keep(3, &[1, 2], 14).await;
    let other = offices[3].sign(2, runs[3][0].signed().hash(), "other", "{\"x\":1}");
    inbox.keep(&feed, vec![other], None).await.expect("keeps");
    let again = offices[3].sign(3, runs[3][1].signed().hash(), "e1", "{\"x\":2}");
    inbox.keep(&feed, vec![again], None).await.expect("keeps");
}

fn bus() -> BusName {
    BusName {
        authority: "live".into(),
        genesis: Hash::of(b"live"),
    }
}

fn fill_marks(store: &Path) {
    let (delivered, _) = Delivered::open(store, &bus()).expect("opens");
    let target: TargetName = said::TARGET.parse().expect("a name");
    let here = Here {
        name: &target,
        feed: &health(),
        to: "/srv/desk.ndjson",
        usual: "usual".parse().expect("a name"),
        all: &[target.clone()],
    };
    delivered.adopt(&here).expect("is told");
    let mark = |office: &str, number: u64, step: Step| Mark {
        log: LogName::from_source(&format!("urn:spean:moh:{office}:health-quarterly"))
            .expect("a source"),
        position: Position::new(number).expect("a position"),
        hash: Hash::of(format!("{office} {number}").as_bytes()),
        step,
    };
    let ranges = |pairs: &[(u64, u64)]| Ranges::try_from(pairs.to_vec()).expect("ranges");
    let next = |passed: &[(u64, u64)]| Step::Next {
        passed_over: ranges(passed),
    };
    let file = FileSeen {
        device: 1,
        inode: 2,
        bytes: 300,
    };
    let first = [
        mark("siem-reap", 1, next(&[])),
        mark("siem-reap", 2, next(&[])),
        mark("siem-reap", 5, next(&[(3, 4)])),
    ];
    delivered.mark(&target, &first, Some(file)).expect("marks");
    drop(delivered);
    // Opened again the hashes leave the lines.
    let (delivered, _) = Delivered::open(store, &bus()).expect("opens");
    delivered
        .mark(
            &target,
            &[
                mark("siem-reap", 4, Step::Late),
                mark("kampot", 1, next(&[])),
            ],
            None,
        )
        .expect("marks");
    let order = Order {
        at_ms: 7,
        by: "Sok Dara".into(),
        why: "a test".into(),
        what: Ordered::Skip {
            source: "urn:spean:moh:kampot:health-quarterly".into(),
            position: 2,
            id: "e2".into(),
            hash: "h".into(),
        },
    };
    let put = [(
        LogName::from_source("urn:spean:moh:takeo:health-quarterly").expect("a source"),
        UpTo {
            position: 3,
            ..UpTo::default()
        },
    )];
    delivered
        .order(&target, order, &[mark("kampot", 2, next(&[]))], &put)
        .expect("orders");
}

async fn say(store: &Path, into: &Path) {
    let scratch = tempfile::tempdir().expect("a folder");
    copy(store, scratch.path());
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    lines.insert("outbox", said::outbox(&open(scratch.path())).await);
    let (inbox, _) = Inbox::open(&scratch.path().join("inbox")).expect("opens");
    lines.insert("inbox", said::inbox(&inbox).await);
    let (delivered, _) = Delivered::open(scratch.path(), &bus()).expect("opens");
    lines.insert("marks", said::marks(&delivered));
    for (name, lines) in lines {
        fs::create_dir_all(into).expect("makes");
        fs::write(into.join(format!("{name}.txt")), lines.join("\n") + "\n").expect("writes");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn make() {
    let out = PathBuf::from(std::env::var_os("FORMAT_1").expect("FORMAT_1 names a folder"));
    let clean = out.join("clean");
    fs::create_dir_all(clean.join("store")).expect("makes");
    fill_outbox(&clean.join("store")).await;
    fill_inbox(&clean.join("store")).await;
    fill_marks(&clean.join("store"));
    say(&clean.join("store"), &clean).await;
    let killed = out.join("killed");
    let scratch = tempfile::tempdir().expect("a folder");
    copy(&clean.join("store"), scratch.path());
    let outbox = open(scratch.path());
    for id in ["news-1", "news-2"] {
        accept(&outbox, &health(), id, Some(id)).await;
    }
    let refused = number(&outbox, "news-1").await;
    outbox
        .refuse(&health(), refused, "no news")
        .await
        .expect("refuses");
    let tray = outbox.tray().expect("reads");
    let released = tray
        .iter()
        .find(|one| one.entry.id == "refused-1")
        .expect("is there");
    outbox
        .release(&released.feed, released.number)
        .await
        .expect("releases");
    drop(outbox);
    let store = killed.join("store");
    copy(scratch.path(), &store);
    // The index as it was at the last sync, the journal with all.
    let index = "outbox/index-000001";
    fs::remove_dir_all(store.join(index)).expect("removes");
    copy(&clean.join("store").join(index), &store.join(index));
    say(&killed.join("store"), &killed).await;
}
