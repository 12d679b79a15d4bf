use std::io::Read as _;
use std::os::fd::OwnedFd;

use proptest::prelude::*;

use super::*;
use crate::store::limits::SEGMENT_BYTES;

fn write(journal: &mut Journal, bodies: &[&[u8]]) -> Vec<Location> {
    let locations = bodies
        .iter()
        .map(|body| journal.stage(7, |into| into.extend_from_slice(body)))
        .collect();
    journal.commit().expect("commits");
    locations
}

fn read_all(dir: &Path) -> (Vec<Vec<u8>>, Vec<Amiss>) {
    let (journal, mut amiss) = Journal::open(dir, Mark::START, SEGMENT_BYTES).expect("opens");
    let mut bodies = Vec::new();
    let damaged = journal.replay(Mark::START, |_, kind, body| {
        assert_eq!(kind, 7);
        bodies.push(body.to_vec());
        Ok(())
    });
    amiss.extend(damaged.expect("reads"));
    (bodies, amiss)
}

fn three_records() -> (tempfile::TempDir, Vec<Location>) {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut journal, _) = Journal::open(dir.path(), Mark::START, SEGMENT_BYTES).expect("opens");
    let at = write(&mut journal, &[b"one", b"two", b"three"]);
    (dir, at)
}

#[test]
fn cut_at_any_length_it_gives_the_records_that_are_whole() {
    let (dir, at) = three_records();
    let whole = fs::read(path(dir.path(), 1)).expect("reads");
    for length in 0..whole.len() {
        fs::write(path(dir.path(), 1), &whole[..length]).expect("writes");
        let (bodies, amiss) = read_all(dir.path());
        let good = at.iter().filter(|at| at.end() as usize <= length).count();
        assert_eq!(bodies.len(), good, "cut at {length}");
        let clean = length <= HEADER_BYTES || at.iter().any(|at| at.end() as usize == length);
        assert_eq!(amiss.is_empty(), clean, "cut at {length}: {amiss:?}");
        assert_eq!(
            read_all(dir.path()),
            (bodies, vec![]),
            "the cut was made for good"
        );
    }
}

#[test]
fn a_flipped_bit_costs_one_record_and_is_named() {
    let (dir, at) = three_records();
    let whole = fs::read(path(dir.path(), 1)).expect("reads");
    for byte in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x10;
        fs::write(path(dir.path(), 1), &damaged).expect("writes");
        let (bodies, amiss) = read_all(dir.path());
        let hit = at
            .iter()
            .position(|at| (at.offset..at.end()).contains(&(byte as u32)));
        assert_eq!(
            bodies.len(),
            if hit.is_some() { 2 } else { 3 },
            "byte {byte}"
        );
        let named = match hit {
            None => Amiss::Damaged(Location {
                segment: 1,
                offset: 0,
                length: 16,
            }),
            Some(2) => Amiss::TornTail(at[2]),
            Some(hit) => Amiss::Damaged(at[hit]),
        };
        assert_eq!(amiss, [named], "byte {byte}");
    }
}

#[test]
fn a_missing_segment_is_named_and_the_others_are_read() {
    let (dir, at) = three_records();
    let (mut journal, _) =
        Journal::open(dir.path(), Mark::behind(at[2]), SEGMENT_BYTES).expect("opens");
    let large = vec![1; 1_000_000];
    for _ in 0..20 {
        write(&mut journal, &[&large]);
    }
    assert_eq!(journal.last_segment(), 3);
    drop(journal);
    fs::remove_file(path(dir.path(), 2)).expect("removes");
    let (bodies, amiss) = read_all(dir.path());
    assert_eq!(amiss, [Amiss::MissingSegment(2)]);
    assert_eq!(bodies.iter().filter(|body| **body == b"two").count(), 1);
    assert!(bodies.len() > 4);
}

#[test]
fn an_emptied_journal_is_noticed_and_uses_no_place_twice() {
    let (dir, at) = three_records();
    fs::remove_file(path(dir.path(), 1)).expect("removes");
    let seen = Mark::behind(at[2]);
    let (journal, amiss) = Journal::open(dir.path(), seen, SEGMENT_BYTES).expect("opens");
    assert_eq!(amiss, [Amiss::EndsBefore(seen)]);
    assert_eq!(journal.last_segment(), 2);
}

#[test]
fn after_a_failed_sync_nothing_is_written_until_it_is_opened_again() {
    let (dir, _) = three_records();
    let (mut journal, _) = Journal::open(dir.path(), Mark::START, SEGMENT_BYTES).expect("opens");
    // A pipe takes the bytes and cannot sync them.
    let (mut reading, writing) = std::io::pipe().expect("a pipe");
    journal.write_to(File::from(OwnedFd::from(writing)));
    journal.stage(7, |into| into.extend_from_slice(b"four"));
    let error = journal.commit().expect_err("cannot sync a pipe");
    assert!(
        matches!(error, CommitError::Outage(Outage::Disk { .. })),
        "{error}"
    );
    journal.stage(7, |into| into.extend_from_slice(b"four"));
    let error = journal.commit().expect_err("stays stopped");
    assert!(
        matches!(error, CommitError::Outage(Outage::Stopped)),
        "{error}"
    );
    drop(journal);
    let mut sent = Vec::new();
    reading.read_to_end(&mut sent).expect("reads");
    assert_eq!(sent.len(), 20, "the group was written once");
    assert_eq!(read_all(dir.path()).0.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_was_committed_reads_back_after_any_tear_of_the_rest(
        groups in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5), 1..8),
        torn in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut all = Vec::new();
        for group in &groups {
            let (mut journal, _) = Journal::open(dir.path(), Mark::START, SEGMENT_BYTES).expect("opens");
            let bodies: Vec<&[u8]> = group.iter().map(Vec::as_slice).collect();
            let locations = write(&mut journal, &bodies);
            let mut reader = Reader::new(dir.path());
            for (at, body) in locations.iter().zip(group) {
                prop_assert_eq!(reader.read(*at).expect("reads"), Some((7, body.clone())));
            }
            all.extend(group.iter().cloned());
            append_to(dir.path(), 1).and_then(|mut file| {
                file.write_all(&torn).map_err(|e| Outage::disk("write", dir.path(), &e))
            }).expect("tears");
        }
        prop_assert_eq!(read_all(dir.path()).0, all);
    }
}
