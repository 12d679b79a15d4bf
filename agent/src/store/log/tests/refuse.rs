//! What is newer or somebody else's is refused, and left as it is byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::fields::Put as _;
use super::super::{
    Fate, Head, Identity, Keys, Kinds, Log, Mark, Reached, Room, Unreadable, check,
};
use super::toy::{PUT, SIZES, State, Toy, WHO, head, id, open, stage};
use crate::store::Fault;

fn filled(dir: &Path) -> Mark {
    let (mut log, _) = open(dir);
    for number in 1..40 {
        stage(&mut log, PUT, 1, number, &[7; 400]);
        log.commit().expect("commits");
    }
    log.synced()
}

/// All files with their bytes.
fn bytes_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir)
        .expect("reads")
        .map(|entry| entry.expect("reads"));
    let read = entries.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("reads"))
    });
    read.collect()
}

fn refused(dir: &Path, who: &Identity) -> Fault {
    let before = bytes_of(dir);
    let fault = Log::<Toy>::open(dir, who, None, SIZES)
        .err()
        .expect("refused");
    assert_eq!(bytes_of(dir), before);
    check::<Toy>(dir, who).ok();
    assert_eq!(bytes_of(dir), before);
    fault
}

#[test]
fn a_newer_format_in_whichever_segment_is_left_as_it_is_with_all_that_lies_about() {
    for segment in ["0000000001.log", "0000000003.log"] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path());
        let mut bytes = fs::read(dir.path().join(segment)).expect("reads");
        let mut start = b"SPEAN\0L\x03".to_vec();
        start.put_u32(3);
        start.put_u32(!3);
        bytes[..16].copy_from_slice(&start);
        fs::write(dir.path().join(segment), &bytes).expect("writes");
        // What an older version would cut, remove or make.
        fs::write(dir.path().join("0000000009.log.new"), b"begun").expect("writes");
        fs::remove_file(dir.path().join("0000000002.hint")).expect("removes");
        let last = fs::File::options()
            .append(true)
            .open(dir.path().join("0000000004.log"));
        last.and_then(|mut file| std::io::Write::write_all(&mut file, b"torn"))
            .expect("writes");
        let fault = refused(dir.path(), &WHO);
        assert!(
            matches!(
                fault,
                Fault::Newer {
                    found: 3,
                    known: 2,
                    ..
                }
            ),
            "{fault}"
        );
        assert_eq!(fault.code(), Some("store-newer"));
    }
}

/// The toy of a later version: one more kind.
struct Later;

const LATER: u8 = 9;

impl Kinds for Later {
    type State = State;
    const KNOWN: u64 = Toy::KNOWN | 1 << LATER;

    fn read_state(bytes: &[u8]) -> Option<State> {
        Toy::read_state(bytes)
    }

    fn write_state(state: &State, into: &mut Vec<u8>) {
        Toy::write_state(state, into);
    }

    fn fold(state: &mut State, head: Head<'_>) -> Result<(), Unreadable> {
        Toy::fold(state, head)
    }

    fn keys(head: Head<'_>, to: &mut Keys) {
        Toy::keys(head, to);
    }
}

#[test]
fn a_good_record_of_an_unknown_kind_is_a_newer_store_with_its_hint_and_without() {
    for (at, hints) in [(1, true), (1, false), (39, true)] {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut log, _) = Log::<Later>::open(dir.path(), &WHO, None, SIZES).expect("opens");
        for number in 1..40 {
            let kind = if number == at { LATER } else { PUT };
            log.unit()
                .record(kind, &head(1, number, &id(1, number)), &[7; 400])
                .expect("fits");
            log.commit().expect("commits");
        }
        drop(log);
        if !hints {
            fs::remove_file(dir.path().join("0000000001.hint")).expect("removes");
        }
        let fault = refused(dir.path(), &WHO);
        assert!(matches!(fault, Fault::Newer { .. }), "{fault}");
        // The version that has written it goes on.
        let (log, opened) = Log::<Later>::open(dir.path(), &WHO, None, SIZES).expect("opens");
        assert!(opened.repairs.len() == usize::from(!hints) && log.state().waiting.len() == 38);
    }
}

#[test]
fn a_store_of_somebody_else_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    let cases = [
        (
            Identity {
                office: [9; 32],
                ..WHO
            },
            "store-of-another-office",
        ),
        (
            Identity {
                authority: [9; 32],
                ..WHO
            },
            "store-of-another-authority",
        ),
        (
            Identity {
                room: Room::Inbox,
                ..WHO
            },
            "store-in-wrong-place",
        ),
    ];
    for (who, code) in cases {
        assert_eq!(refused(dir.path(), &who).code(), Some(code));
    }
    assert_eq!(open(dir.path()).0.state().waiting.len(), 39);
}

#[test]
fn a_segment_of_another_store_is_in_a_wrong_place() {
    let (dir, other) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    filled(dir.path());
    filled(other.path());
    fs::copy(
        other.path().join("0000000002.log"),
        dir.path().join("0000000002.log"),
    )
    .expect("copies");
    assert_eq!(
        refused(dir.path(), &WHO).code(),
        Some("store-in-wrong-place")
    );
}

#[test]
fn one_that_is_open_is_in_use() {
    let dir = tempfile::tempdir().expect("a folder");
    let (log, _) = open(dir.path());
    assert!(matches!(
        Log::<Toy>::open(dir.path(), &WHO, None, SIZES),
        Err(Fault::InUse(_))
    ));
    drop(log);
    open(dir.path());
}

/// How a log stands to a mark that was noted outside of it.
#[test]
fn an_older_copy_a_branch_and_another_store_are_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let noted = filled(dir.path());
    let reached = |dir: &Path, seen: Mark| {
        Log::<Toy>::open(dir, &WHO, Some(&seen), SIZES)
            .expect("opens")
            .1
            .reached
    };
    let older = super::super::steps::watched::copy(dir.path());
    assert_eq!(reached(dir.path(), noted), Reached::Same);
    // It goes on, over several segments: the mark is in an earlier one.
    let (mut log, _) = open(dir.path());
    for number in 40..80 {
        stage(&mut log, PUT, 1, number, &[7; 400]);
        log.commit().expect("commits");
    }
    let later = log.synced();
    drop(log);
    assert_eq!(reached(dir.path(), noted), Reached::Same);
    assert_eq!(reached(dir.path(), later), Reached::Same);
    assert_eq!(reached(older.path(), later), Reached::Short(noted.sequence));
    assert_eq!(
        reached(dir.path(), Mark { store: 1, ..noted }),
        Reached::AnotherStore
    );
    // The copy goes its own way.
    let (mut log, _) = open(older.path());
    for number in 140..180 {
        stage(&mut log, PUT, 1, number, &[7; 400]);
        log.commit().expect("commits");
    }
    drop(log);
    assert_eq!(reached(older.path(), later), Reached::Branched);
    assert_eq!(
        reached(
            older.path(),
            Mark {
                chain: later.chain,
                sequence: later.sequence - 30,
                ..later
            }
        ),
        Reached::Branched
    );
    // What was written anew has no marks inside.
    let (mut log, _) = open(dir.path());
    log.end_sealing();
    let sealed = log.reading().segments();
    let cleaning = log
        .cleaning(1, sealed[sealed.len() - 1].segment)
        .expect("syncs")
        .expect("sealed");
    cleaning
        .run(|_, _, _| Fate::Lives)
        .expect("cleans")
        .expect("reads");
    drop(log);
    assert_eq!(reached(dir.path(), noted), Reached::Unknown);
    assert_eq!(reached(dir.path(), later), Reached::Same);
}
