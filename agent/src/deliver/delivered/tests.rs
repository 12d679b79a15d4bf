mod refuse;

use std::fs;
use std::path::PathBuf;

use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::subject::FeedName;

use super::copies::SIZES;
use super::kinds::Marks;
use super::*;
use crate::deliver::limits::HASHES_KEPT;
use crate::inbox::tests::WHO;
use crate::store::log::Log;
use crate::store::log::tests::folds::assert_folds_alike;

fn log() -> LogName {
    LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a source")
}

fn desk() -> TargetName {
    "desk".parse().expect("a name")
}

fn bus(name: &str) -> BusName {
    BusName {
        authority: name.into(),
        genesis: Hash::of(name.as_bytes()),
    }
}

fn hash(number: u64) -> Hash {
    Hash::of(&number.to_be_bytes())
}

fn mark(number: u64, step: Step) -> Mark {
    Mark {
        log: log(),
        position: Position::new(number).expect("a position"),
        hash: hash(number),
        step,
    }
}

fn next(number: u64, passed_over: &[(u64, u64)]) -> Mark {
    let passed_over = Ranges::try_from(passed_over.to_vec()).expect("ranges");
    mark(number, Step::Next { passed_over })
}

fn open(store: &Path) -> (Delivered, Vec<Finding>) {
    Delivered::open(store, &bus("live"), &WHO).expect("opens")
}

fn opened(store: &Path) -> Delivered {
    let (delivered, findings) = open(store);
    assert_eq!(findings, []);
    delivered
}

fn files(store: &Path) -> [PathBuf; 2] {
    let folder = store.join(format!("2/marks/bus-{}", hash_name("live")));
    copies::NAMES.map(|name| folder.join(name).join("0000000001.log"))
}

fn hash_name(name: &str) -> String {
    bus(name).genesis.to_string()
}

fn position(delivered: &Delivered) -> u64 {
    delivered.position(&desk(), &log())
}

#[test]
fn what_was_marked_is_there_with_its_hash_when_it_is_opened_again() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    assert_eq!(position(&delivered), 0);
    for number in [1, 2, 5] {
        let marks = [next(number, &[])];
        delivered.mark(&desk(), &marks, None).expect("marks");
    }
    drop(delivered);
    let delivered = opened(store.path());
    let up_to = delivered.up_to(&desk(), &log());
    assert_eq!((up_to.position, up_to.hash), (5, Some(hash(5))));
    assert_eq!(delivered.hash_of(&desk(), &log(), 2), Some(hash(2)));
    assert_eq!(delivered.hash_of(&desk(), &log(), 3), None);
    let other = "other".parse().expect("a name");
    assert_eq!(delivered.position(&other, &log()), 0);
}

#[test]
fn what_was_passed_over_is_delivered_once_when_it_comes_back() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    let marks = [
        next(5, &[]),
        next(10, &[(3, 4), (6, 9)]),
        mark(7, Step::Late),
    ];
    delivered.mark(&desk(), &marks, None).expect("marks");
    drop(delivered);
    let up_to = opened(store.path()).up_to(&desk(), &log());
    assert_eq!(up_to.position, 10);
    assert_eq!(up_to.passed_over.to_string(), "6, 8-9");
}

#[test]
fn behind_a_branch_the_log_goes_on_from_it() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    let marks: Vec<Mark> = (1..=9).map(|number| next(number, &[])).collect();
    delivered.mark(&desk(), &marks, None).expect("marks");
    let branch = Mark {
        hash: Hash::of(b"other"),
        ..mark(4, Step::Branch)
    };
    delivered.mark(&desk(), &[branch], None).expect("marks");
    drop(delivered);
    let delivered = opened(store.path());
    let up_to = delivered.up_to(&desk(), &log());
    assert_eq!((up_to.position, up_to.hash), (4, Some(Hash::of(b"other"))));
    assert_eq!(delivered.hash_of(&desk(), &log(), 3), Some(hash(3)));
}

/// Whatever happens to one of the two files, nothing that was marked is forgotten, and it is told.
#[test]
fn one_of_the_two_may_be_lost_cut_or_damaged() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    for number in 1..=9 {
        let marks = [next(number, &[])];
        delivered.mark(&desk(), &marks, None).expect("marks");
    }
    drop(delivered);
    let whole = files(store.path()).map(|file| fs::read(file).expect("there"));
    for which in 0..2 {
        let length = whole[which].len();
        for harm in ["gone", "empty", "half", "a byte less", "a bit"] {
            for (file, bytes) in files(store.path()).iter().zip(&whole) {
                let folder = file.parent().expect("a folder");
                fs::remove_dir_all(folder).expect("removed");
                fs::create_dir(folder).expect("made");
                fs::write(file, bytes).expect("as it was");
            }
            let file = &files(store.path())[which];
            let cut = |length: usize| fs::write(file, &whole[which][..length]).expect("cut");
            match harm {
                "gone" => fs::remove_file(file).expect("removed"),
                "empty" => cut(0),
                "half" => cut(length / 2),
                "a byte less" => cut(length - 1),
                _ => {
                    let mut bytes = whole[which].clone();
                    bytes[length / 2] ^= 1;
                    fs::write(file, bytes).expect("written");
                }
            }
            let (delivered, findings) = open(store.path());
            assert_eq!(position(&delivered), 9, "{which} {harm}");
            let told = findings
                .iter()
                .any(|(code, _)| *code == "delivered-damaged");
            // The second one that is a little short looks as behind a crash.
            let is_like_a_crash = which == 1 && ["half", "a byte less"].contains(&harm);
            assert_eq!(told, !is_like_a_crash, "{which} {harm}: {findings:?}");
            let text = findings.first().map_or("", |(_, text)| text);
            assert!(
                !told || text.contains("nothing is delivered again"),
                "{text}"
            );
            drop(delivered);
            let again = opened(store.path());
            assert_eq!(position(&again), 9, "{which} {harm}: told once");
        }
    }
}

#[test]
fn cut_at_any_length_both_tell_no_more_than_was_delivered() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    let [first, second] = files(store.path());
    let length = || fs::metadata(&first).expect("there").len();
    let begin = length();
    let mut ends = Vec::new();
    for number in 1..=3 {
        let marks = [next(number, &[])];
        delivered.mark(&desk(), &marks, None).expect("marks");
        ends.push(length());
    }
    drop(delivered);
    let whole = [&first, &second].map(|file| fs::read(file).expect("reads"));
    for length in begin..=ends[2] {
        for (file, bytes) in [&first, &second].into_iter().zip(&whole) {
            fs::write(file, &bytes[..usize::try_from(length).expect("small")]).expect("cuts");
        }
        let there = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(position(&opened(store.path())), there as u64);
    }
}

#[test]
fn what_was_delivered_of_another_bus_says_nothing_and_comes_back_with_it() {
    let store = tempfile::tempdir().expect("a directory");
    let (delivered, _) = Delivered::open(store.path(), &bus("training"), &WHO).expect("opens");
    delivered
        .mark(&desk(), &[next(200, &[])], None)
        .expect("marks");
    drop(delivered);
    let (delivered, findings) = open(store.path());
    assert_eq!(position(&delivered), 0);
    assert_eq!(findings[0].0, "delivered-other-bus");
    drop(delivered);
    let (delivered, _) = Delivered::open(store.path(), &bus("training"), &WHO).expect("opens");
    assert_eq!(position(&delivered), 200);
    drop(delivered);
    drop(opened(store.path()));
}

#[test]
fn it_knows_every_hash_and_forgets_those_that_lie_far_back() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    let run = |from: u64| -> Vec<Mark> {
        let run = from..from + 30_000;
        run.map(|number| next(number, &[])).collect()
    };
    for part in run(1).chunks(500) {
        delivered.mark(&desk(), part, None).expect("marks");
    }
    let bytes = || crate::store::disk::used_bytes(store.path());
    let before = bytes();
    assert!(before < 30_000 * 250, "{before}");
    for number in [1, 600, 29_999, 30_000] {
        let known = delivered.hash_of(&desk(), &log(), number);
        assert_eq!(known, Some(hash(number)));
    }
    // The log goes on far from there.
    let far = HASHES_KEPT + 40_000;
    for part in run(far).chunks(500) {
        delivered.mark(&desk(), part, None).expect("marks");
    }
    assert!(bytes() < before * 3 / 2, "{before} {}", bytes());
    drop(delivered);
    let delivered = opened(store.path());
    assert_eq!(position(&delivered), far + 29_999);
    assert_eq!(delivered.hash_of(&desk(), &log(), 1), None);
    let known = delivered.hash_of(&desk(), &log(), far);
    assert_eq!(known, Some(hash(far)));
    for name in copies::NAMES {
        let folder = files(store.path())[0]
            .with_file_name("")
            .with_file_name(name);
        let copy = Log::<Marks>::open(&folder, &WHO.in_room(Room::Marks), None, SIZES);
        assert!(matches!(copy, Err(Fault::InUse(_))));
    }
    let states = delivered.inner().copies.states();
    drop(delivered);
    for (file, state) in files(store.path()).iter().zip(states) {
        let folder = file.parent().expect("a folder");
        assert_folds_alike::<Marks>(folder, &WHO.in_room(Room::Marks), &state);
    }
}

fn here<'a>(
    name: &'a TargetName,
    feed: &'a FeedName,
    to: &'a str,
    all: &'a [TargetName],
) -> Here<'a> {
    Here {
        name,
        feed,
        to,
        usual: format!("{feed}-file").parse().expect("a name"),
        all,
    }
}

/// Stores of format 1 knew targets by the spelling of address and path.
#[test]
fn what_was_known_by_its_spelling_goes_on_under_the_name() {
    let feed = log().feed;
    let (file, hook): (TargetName, TargetName) =
        ("health-quarterly-file".parse().expect("a name"), desk());
    let all = [file.clone(), hook.clone()];
    let mut said = Said::default();
    let old = [
        ("health-quarterly ./out.ndjson", 7),
        ("health-quarterly /agent/out.ndjson", 9),
        ("health-quarterly http://127.0.0.1:1/e", 4),
    ];
    for (spelling, position) in old {
        let up_to = UpTo {
            position,
            ..UpTo::default()
        };
        said.up_to
            .insert((spelling.into(), log()), (position, up_to));
    }
    let adopted = [
        said.adopting(&here(&file, &feed, "/agent/out.ndjson", &all)),
        said.adopting(&here(&hook, &feed, "http://127.0.0.1:1/e", &all)),
    ];
    let marked = adopted.map(|words| {
        let marks = words.into_iter().find_map(|word| match word {
            Word::Mark { key, up_to, .. } => Some((key.0, up_to.position, up_to.hash)),
            Word::Target { .. } | Word::Order { .. } | Word::Renamed { .. } => None,
        });
        marks.expect("a mark")
    });
    let meant = [(file.to_string(), 9, None), (hook.to_string(), 4, None)];
    assert_eq!(marked, meant);
}

#[test]
fn a_target_that_is_named_later_goes_on_where_it_was() {
    let store = tempfile::tempdir().expect("a directory");
    let feed = log().feed;
    let delivered = opened(store.path());
    let usual: TargetName = "health-quarterly-file".parse().expect("a name");
    let first = [usual.clone()];
    let knew = delivered.adopt(&here(&usual, &feed, "/agent/out.ndjson", &first));
    assert!(!knew.expect("the disk works"), "it is new");
    let marks: Vec<Mark> = (1..=3).map(|number| next(number, &[])).collect();
    delivered.mark(&usual, &marks, None).expect("marks");
    drop(delivered);
    let delivered = opened(store.path());
    let later = [desk()];
    let knew = delivered.adopt(&here(&desk(), &feed, "./out.ndjson", &later));
    assert!(knew.expect("the disk works"));
    drop(delivered);
    let delivered = opened(store.path());
    assert_eq!(delivered.position(&desk(), &log()), 3);
    assert_eq!(delivered.hash_of(&desk(), &log(), 2), Some(hash(2)));
    delivered
        .mark(&desk(), &[next(4, &[])], None)
        .expect("marks");
    assert_eq!(delivered.hash_of(&desk(), &log(), 4), Some(hash(4)));
    assert_eq!(delivered.hash_of(&desk(), &log(), 1), Some(hash(1)));
}

#[test]
fn what_a_person_said_is_remembered_with_who_and_why() {
    let store = tempfile::tempdir().expect("a directory");
    let delivered = opened(store.path());
    for number in 1..=ORDERS_KEPT + 5 {
        let order = Order {
            at_ms: number as u64,
            by: "dara".into(),
            why: "it cannot be read".into(),
            what: Ordered::Skip {
                source: log().source(),
                position: number as u64,
                id: format!("e-{number}"),
                hash: hash(number as u64).to_string(),
            },
        };
        let skipped = [next(number as u64, &[])];
        delivered
            .order(&desk(), order, &skipped, &[])
            .expect("is written");
    }
    drop(delivered);
    let delivered = opened(store.path());
    let orders = delivered.orders(&desk());
    assert_eq!(orders.len(), ORDERS_KEPT);
    assert_eq!(orders[0].at_ms, ORDERS_KEPT as u64 + 5);
    assert_eq!(
        (&*orders[0].by, &*orders[0].why),
        ("dara", "it cannot be read")
    );
    assert_eq!(position(&delivered), ORDERS_KEPT as u64 + 5);
}
