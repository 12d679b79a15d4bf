//! A stop at each moment between two calls of the disk: the folder as it was then is opened, and has what it must.

use std::collections::BTreeSet;
use std::fs;

use super::super::steps::Step;
use super::super::steps::watched::{self, copy};
use super::super::{Log, Looked, Repair, Section};
use super::folds::assert_folds_alike;
use super::toy::{DONE, PUT, State, Toy, WHO, fate, head, id, open, stage};

/// Of every wait there is the record, under its number and its id, in whichever segment it is.
fn all_are_found(log: &Log<Toy>) {
    let reading = log.reading();
    for (of, number) in &log.state().waiting {
        for found in [
            reading.find(Section::Line, *of, *number, Some),
            reading.find_id(&[id(*of, *number).as_bytes()], Some),
        ] {
            assert!(
                matches!(found.expect("reads"), Some(Looked::Record(_))),
                "{of}-{number}"
            );
        }
    }
}

fn opens_as(dir: &std::path::Path, one_of: &[&State], step: Step) -> State {
    let (log, opened) = open(dir);
    assert!(
        one_of.contains(&log.state()),
        "{step:?}: {:?} is none of {one_of:?}",
        log.state()
    );
    all_are_found(&log);
    assert_folds_alike::<Toy>(dir, &WHO, log.state());
    assert!(
        opened
            .repairs
            .iter()
            .all(|repair| matches!(repair, Repair::HintMade(_))),
        "{step:?}: {opened:?}"
    );
    let left = fs::read_dir(dir)
        .expect("reads")
        .map(|entry| entry.expect("reads").file_name());
    assert!(
        left.into_iter()
            .all(|name| !name.to_string_lossy().ends_with(".new")),
        "{step:?}"
    );
    log.state().clone()
}

/// Opened twice: a start that is stopped at any of its own steps is done again.
fn opens_at_each_step_of_its_start(
    dir: &std::path::Path,
    one_of: &[&State],
    step: Step,
) -> BTreeSet<Step> {
    watched::begin(dir);
    let state = opens_as(dir, one_of, step);
    let seen = watched::end(dir);
    for (inner, image) in &seen {
        opens_as(image.path(), &[&state], *inner);
    }
    seen.into_iter().map(|(step, _)| step).collect()
}

/// `TailCut` is met where a tail is torn.
const ALL_BUT_A_TORN_TAIL: [Step; 13] = [
    Step::GroupWritten,
    Step::GroupSynced,
    Step::NextWritten,
    Step::NextNamed,
    Step::HintWritten,
    Step::HintNamed,
    Step::AnewWritten,
    Step::AnewHintWritten,
    Step::AnewNamed,
    Step::AnewHintNamed,
    Step::LeftOverRemoved,
    Step::NewRemoved,
    Step::TailSynced,
];

#[test]
fn whichever_step_is_the_last_what_was_answered_is_there_and_nothing_is_half_there() {
    let dir = tempfile::tempdir().expect("a folder");
    watched::begin(dir.path());
    let (mut log, _) = open(dir.path());
    let mut states = vec![State::default()];
    let mut answered: Vec<(usize, usize)> = Vec::new();
    for number in 1..40 {
        if number % 3 == 0 {
            let (gone, came) = (
                head(1, number - 1, &id(1, number - 1)),
                head(1, number, &id(1, number)),
            );
            let mut unit = log.unit();
            unit.record(DONE, &gone, b"").expect("fits");
            unit.record(PUT, &came, &[7; 400]).expect("fits");
        } else {
            stage(&mut log, PUT, 1, number, &[7; 400]);
        }
        log.commit().expect("commits");
        states.push(log.state().clone());
        let steps = watched::count(dir.path());
        answered.push((steps, states.len() - 1));
    }
    log.end_sealing();
    let sealed: Vec<u32> = log
        .reading()
        .segments()
        .iter()
        .map(|one| one.segment)
        .collect();
    let cleaning = log
        .cleaning(sealed[0], sealed[2])
        .expect("syncs")
        .expect("sealed");
    cleaning.run(fate).expect("cleans").expect("reads");
    all_are_found(&log);
    let mut met: BTreeSet<Step> = BTreeSet::new();
    for (at, (step, image)) in watched::end(dir.path()).into_iter().enumerate() {
        met.insert(step);
        // At least what was answered before, at most what was being written.
        let least = answered
            .iter()
            .rfind(|(steps, _)| *steps <= at)
            .map_or(0, |(_, state)| *state);
        let may: Vec<&State> = states[least..].iter().take(2).collect();
        met.extend(opens_at_each_step_of_its_start(image.path(), &may, step));
    }
    let all = BTreeSet::from(ALL_BUT_A_TORN_TAIL);
    assert_eq!(met, all);
}

#[test]
fn wherever_the_last_group_is_cut_its_whole_units_are_there_in_order_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    stage(&mut log, PUT, 1, 1, b"synced");
    log.commit().expect("commits");
    let synced = u64::from(log.end);
    let mut states = vec![log.state().clone()];
    let mut ends = vec![synced];
    for number in 2..5 {
        let (gone, came) = (
            head(1, number - 1, &id(1, number - 1)),
            head(1, number, &id(1, number)),
        );
        let mut unit = log.unit();
        unit.record(DONE, &gone, b"").expect("fits");
        unit.record(PUT, &came, b"bytes").expect("fits");
        log.append().expect("appends");
        ends.push(u64::from(log.end));
        states.push(log.state().clone());
    }
    let path = dir.path().join("0000000001.log");
    let mut met = BTreeSet::new();
    for length in synced..=ends[3] {
        let image = copy(dir.path());
        let cut = fs::File::options()
            .write(true)
            .open(image.path().join("0000000001.log"));
        cut.and_then(|file| file.set_len(length)).expect("cuts");
        watched::begin(image.path());
        let whole = ends.iter().filter(|end| **end <= length).count() - 1;
        let (log, opened) = open(image.path());
        assert_eq!(*log.state(), states[whole], "{length} bytes");
        assert_eq!(
            opened.repairs.is_empty(),
            ends.contains(&length),
            "{length} bytes: {opened:?}"
        );
        met.extend(watched::end(image.path()).into_iter().map(|(step, _)| step));
        // Zeros in the place of what did not come are as if it were cut.
        drop(log);
        let image = copy(dir.path());
        let mut bytes = fs::read(&path).expect("reads");
        bytes[usize::try_from(length).expect("small")..].fill(0);
        fs::write(image.path().join("0000000001.log"), bytes).expect("writes");
        assert_eq!(
            *open(image.path()).0.state(),
            states[whole],
            "{length} bytes, then zeros"
        );
    }
    assert!(met.contains(&Step::TailCut) && met.contains(&Step::TailSynced));
}

#[test]
fn only_what_was_written_after_the_last_sync_is_written_again_by_a_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    for number in 1..5 {
        stage(&mut log, PUT, 1, number, &[1; 100]);
        log.commit().expect("commits");
    }
    let unsure = log.end;
    stage(&mut log, PUT, 1, 5, &[1; 100]);
    log.append().expect("appends");
    stage(&mut log, PUT, 1, 6, &[1; 100]);
    log.commit().expect("commits");
    drop(log);
    let file = fs::File::open(dir.path().join("0000000001.log")).expect("opens");
    let tail = super::super::walk::units::<std::io::Error>(&file, 1, |_| Ok(())).expect("reads");
    assert_eq!(tail.unsure_from, unsure);
}

#[test]
fn after_a_write_that_failed_nothing_is_written_until_it_is_opened_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    stage(&mut log, PUT, 1, 1, b"kept");
    log.commit().expect("commits");
    let before = log.state().clone();
    // A file that cannot be written to.
    let active = super::super::active::Active {
        number: log.active.number,
        covers: 1,
        generation: 0,
        times: 0,
        file: std::sync::Arc::new(
            fs::File::open(dir.path().join("0000000001.log")).expect("opens"),
        ),
        gathered: std::sync::RwLock::default(),
    };
    log.active = std::sync::Arc::new(active);
    stage(&mut log, PUT, 1, 2, b"not kept");
    assert!(log.commit().is_err());
    assert_eq!(*log.state(), before);
    stage(&mut log, PUT, 1, 3, b"not kept, either");
    assert!(matches!(
        log.commit(),
        Err(super::super::CommitError::Outage(
            crate::store::Outage::Stopped
        ))
    ));
    assert!(log.sync().is_err());
    drop(log);
    assert_eq!(*open(dir.path()).0.state(), before);
}

/// Between its seal and its hint a segment answers from memory: nothing that is durable is out of sight for a moment.
#[test]
fn while_its_hint_is_being_written_a_segment_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    // No hint can be written where a folder has its name.
    for number in 1..9 {
        fs::create_dir(dir.path().join(format!("{number:010}.hint.new"))).expect("makes");
    }
    for number in 1..40 {
        stage(&mut log, PUT, 1, number, &[7; 400]);
        log.commit().expect("commits");
        all_are_found(&log);
    }
    log.end_sealing();
    assert!(log.shared.view().segments.len() > 2 && log.reading().segments().is_empty());
    for number in 1..9 {
        fs::remove_dir(dir.path().join(format!("{number:010}.hint.new"))).expect("removes");
    }
    for number in 40..80 {
        stage(&mut log, PUT, 1, number, &[7; 400]);
        log.commit().expect("commits");
        all_are_found(&log);
    }
    log.end_sealing();
    assert!(log.reading().segments().len() > 5);
    all_are_found(&log);
}

/// A reader beside a writer that seals as fast as it can: whatever it was told is committed, it finds.
#[test]
fn a_reader_finds_all_that_is_committed_at_every_moment() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    let reading = log.reading();
    let committed = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looked = 0_u64;
            loop {
                let upto = committed.load(std::sync::atomic::Ordering::SeqCst);
                for number in 1..=upto {
                    let found = reading
                        .find_id(&[id(1, number).as_bytes()], Some)
                        .expect("reads");
                    assert!(found.is_some(), "{number} of {upto}");
                    looked += 1;
                }
                if upto == 400 {
                    return looked;
                }
            }
        });
        for number in 1..=400 {
            stage(&mut log, PUT, 1, number, &[7; 700]);
            log.commit().expect("commits");
            committed.store(number, std::sync::atomic::Ordering::SeqCst);
            if number % 40 == 0 {
                log.end_sealing();
                let sealed = log.reading().segments();
                let (first, last) = (sealed[0].segment, sealed[sealed.len() - 1].segment);
                let cleaning = log.cleaning(first, last).expect("syncs").expect("sealed");
                cleaning.run(fate).expect("cleans").expect("reads");
            }
        }
        assert!(reader.join().expect("finds all") >= 400);
    });
}

/// A power cut keeps the sectors of one write in any order: what follows a lost one was never answered, and the log is a prefix.
#[test]
fn where_a_piece_of_the_last_group_is_lost_nothing_behind_it_counts() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut log, _) = open(dir.path());
    stage(&mut log, PUT, 1, 1, b"synced");
    log.commit().expect("commits");
    let mut ends = vec![log.end];
    let mut states = vec![log.state().clone()];
    for number in 2..6 {
        stage(&mut log, PUT, 1, number, &[7; 300]);
        log.append().expect("appends");
        ends.push(log.end);
        states.push(log.state().clone());
    }
    log.sync().expect("syncs");
    let path = dir.path().join("0000000001.log");
    let whole = fs::read(&path).expect("reads");
    for (lost, at) in ends[..4].iter().enumerate() {
        // Its head is gone, or its bytes alone.
        for inside in [4, 200] {
            let image = copy(dir.path());
            let mut bytes = whole.clone();
            bytes[*at as usize + inside..][..100].fill(0);
            fs::write(image.path().join("0000000001.log"), bytes).expect("writes");
            let (mut log, opened) = open(image.path());
            assert_eq!(*log.state(), states[lost], "{lost} {inside}");
            let [Repair::TornTail { named, .. }] = &opened.repairs[..] else {
                panic!("{opened:?}");
            };
            assert!(named.len() >= 3 - lost, "{lost} {inside}: {named:?}");
            stage(&mut log, PUT, 1, 9, b"goes on");
            log.commit().expect("commits");
            drop(log);
            let (log, opened) = open(image.path());
            assert_eq!(opened.repairs, []);
            assert!(log.state().waiting.contains(&(1, 9)));
        }
    }
    // Once something was written behind a sync, what was before it is no tail.
    stage(&mut log, PUT, 1, 6, b"later");
    log.commit().expect("commits");
    drop(log);
    let mut bytes = fs::read(&path).expect("reads");
    bytes[ends[1] as usize + 4..][..100].fill(0);
    fs::write(&path, bytes).expect("writes");
    let (log, opened) = open(dir.path());
    assert!(
        matches!(opened.repairs[..], [Repair::Damaged(_)]),
        "{opened:?}"
    );
    assert_eq!(log.state().waiting.len(), 5);
}
