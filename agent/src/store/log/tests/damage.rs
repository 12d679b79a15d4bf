//! A store harmed at rest, bit by bit and block by block: it opens, nothing panics, and what is lost is named.

use std::fs;
use std::path::Path;

use super::super::steps::watched::copy;
use super::super::{Log, Looked, Repair, Section, check};
use super::toy::{PUT, Toy, WHO, fate, head, id, named, open, stage};

const EVENTS: u64 = 30;

fn filled(dir: &Path) {
    let (mut log, _) = open(dir);
    for number in 1..=EVENTS {
        stage(&mut log, PUT, 1, number, &[7; 300]);
        log.commit().expect("commits");
    }
    log.end_sealing();
}

/// How many events read, and how many only by their name.
fn found(log: &Log<Toy>) -> (u64, u64) {
    let (mut whole, mut named_only) = (0, 0);
    for number in 1..=EVENTS {
        let name = id(1, number);
        let found = log
            .reading()
            .find_id(&[name.as_bytes()], |looked| match looked {
                Looked::Record(record) => Some(named(record.head())?.number == number),
                Looked::Damaged { head, .. } => Some(named(head?.head())?.number != number),
            });
        match found.expect("reads") {
            Some(true) => whole += 1,
            Some(false) => named_only += 1,
            None => {}
        }
    }
    (whole, named_only)
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("reads");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("reads")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_bit_anywhere_costs_one_event_at_most_and_it_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    for name in files(dir.path()) {
        let bytes = fs::read(dir.path().join(&name)).expect("reads");
        for bit in (0..bytes.len() * 8).step_by(389) {
            let image = copy(dir.path());
            let mut harmed = bytes.clone();
            harmed[bit / 8] ^= 1 << (bit % 8);
            fs::write(image.path().join(&name), &harmed).expect("writes");
            let checked = check::<Toy>(image.path(), &WHO).expect("reads");
            assert_eq!(
                checked.is_good(),
                name.ends_with(".hint"),
                "{name} {bit}: {checked:?}"
            );
            let (mut log, opened) = open(image.path());
            let (whole, _) = found(&log);
            assert!(whole >= EVENTS - 1, "{name} {bit}: {whole}, {opened:?}");
            stage(&mut log, PUT, 1, EVENTS + 1, b"goes on");
            log.commit().expect("commits");
            drop(log);
            let (log, opened) = open(image.path());
            assert!(
                log.state().waiting.contains(&(1, EVENTS + 1)) && found(&log).0 >= EVENTS - 1,
                "{opened:?}"
            );
        }
    }
}

#[test]
fn a_file_that_is_emptied_halved_or_has_a_hole_costs_what_was_in_it() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    for name in files(dir.path()) {
        let bytes = fs::read(dir.path().join(&name)).expect("reads");
        let hole = |from: usize| {
            let mut bytes = bytes.clone();
            let to = (from + 1_000).min(bytes.len());
            bytes[from..to].fill(0);
            bytes
        };
        let harms = [
            Vec::new(),
            bytes[..bytes.len() / 2].to_vec(),
            hole(0),
            hole(bytes.len() / 2),
            b"\xf1Sp\x02".repeat(300),
        ];
        for (harm, harmed) in harms.into_iter().enumerate() {
            let image = copy(dir.path());
            fs::write(image.path().join(&name), &harmed).expect("writes");
            let checked = check::<Toy>(image.path(), &WHO).expect("reads");
            // A start reads the end alone: what rots in the middle is told by who reads it, and by a check of all.
            assert!(
                name.ends_with(".hint") || !checked.is_good(),
                "{name} {harm}"
            );
            let (mut log, opened) = open(image.path());
            let (whole, _) = found(&log);
            let least = if name.ends_with(".hint") {
                EVENTS
            } else {
                EVENTS - 12
            };
            assert!(whole >= least, "{name} {harm}: {whole}, {opened:?}");
            stage(&mut log, PUT, 1, EVENTS + 1, b"goes on");
            log.commit().expect("commits");
            drop(log);
            assert!(
                open(image.path())
                    .0
                    .state()
                    .waiting
                    .contains(&(1, EVENTS + 1))
            );
        }
    }
}

#[test]
fn an_event_whose_bytes_rot_waits_is_named_and_its_segment_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    let path = dir.path().join("0000000001.log");
    let mut bytes = fs::read(&path).expect("reads");
    let at = bytes
        .windows(50)
        .position(|some| some == [7; 50])
        .expect("data");
    bytes[at] ^= 1;
    fs::write(&path, &bytes).expect("writes");
    fs::remove_file(dir.path().join("0000000001.hint")).expect("removes");
    let (mut log, _) = open(dir.path());
    assert_eq!(found(&log), (EVENTS - 1, 1));
    assert!(log.state().waiting.contains(&(1, 1)));
    assert_eq!(
        check::<Toy>(dir.path(), &WHO).expect("reads").rotten.len(),
        1
    );
    let cleaning = log.cleaning(1, 2).expect("syncs").expect("sealed");
    assert_eq!(cleaning.run(fate).expect("reads"), None);
    assert!(log.cleaning(1, 2).expect("syncs").is_none());
    assert_eq!(fs::read(&path).expect("reads"), bytes);
    assert_eq!(found(&log), (EVENTS - 1, 1));
}

#[test]
fn a_segment_that_is_gone_is_told_and_one_that_was_covered_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    let (mut log, _) = open(dir.path());
    let cleaning = log.cleaning(1, 2).expect("syncs").expect("sealed");
    cleaning.run(fate).expect("cleans").expect("reads");
    drop(log);
    assert_eq!(open(dir.path()).1.repairs, []);
    fs::remove_file(dir.path().join("0000000001.log")).expect("removes");
    let (log, opened) = open(dir.path());
    assert_eq!(
        opened.repairs,
        [Repair::MissingSegments { first: 1, last: 2 }]
    );
    // The state knows of what was in it.
    assert_eq!(log.state().waiting.len() as u64, EVENTS);
    assert_eq!(
        log.reading()
            .page(Section::Line, 1, 0..=EVENTS, 100)
            .expect("reads")
            .len(),
        30 - found_in_two()
    );
}

/// Events of the first two segments.
fn found_in_two() -> usize {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    let (log, _) = open(dir.path());
    let two = log.reading().segments();
    two.iter()
        .take(2)
        .flat_map(|one| &one.kinds)
        .filter(|of| of.kind == PUT)
        .map(|of| of.records as usize)
        .sum()
}

#[test]
fn a_record_that_is_too_large_takes_its_unit_with_it_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    stage(&mut log, PUT, 1, 1, b"before");
    let mut unit = log.unit();
    unit.record(PUT, &head(1, 2, "b"), b"of the unit")
        .expect("fits");
    assert!(
        unit.record(PUT, &head(1, 3, "c"), &vec![0; 3 << 20])
            .is_err()
    );
    assert!(unit.record(PUT, &head(1, 4, "d"), b"too late").is_err());
    stage(&mut log, PUT, 1, 5, b"after");
    log.commit().expect("commits");
    assert!(log.unit().record(40, b"", b"").is_err());
    drop(log);
    let waiting: Vec<u64> = open(dir.path())
        .0
        .state()
        .waiting
        .iter()
        .map(|(_, number)| *number)
        .collect();
    assert_eq!(waiting, [1, 5]);
}
