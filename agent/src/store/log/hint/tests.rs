use std::io::Write as _;

use proptest::prelude::*;

use super::*;

const SOURCE: Source = Source {
    segment: 3,
    times: 1,
    bytes: 4_096,
};

fn stored(file: &[u8]) -> File {
    let mut stored = tempfile::tempfile().expect("a file");
    stored.write_all(file).expect("writes");
    stored
}

fn entry(of: u32, at: u64, offset: u32) -> Entry {
    Entry {
        key: Key { of, at },
        offset,
        length: 1,
    }
}

/// The same entries in two sections, as ids in a third.
fn sections(entries: &[Entry]) -> [Vec<Entry>; SECTIONS] {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    let mut all: [Vec<Entry>; SECTIONS] = Default::default();
    let ids = sorted.iter().map(|one| entry(0, one.key.at, one.offset));
    all[Section::Ids.index()] = ids.collect();
    all[Section::Ids.index()].sort_unstable();
    all[Section::Own.index()].clone_from(&sorted);
    all[Section::Line.index()] = sorted;
    all
}

fn asked(hint: &Hint, file: &File, of: u32, range: RangeInclusive<u64>) -> Vec<Entry> {
    let mut found = Vec::new();
    let taken = hint.range(file, Section::Own, of, &range, |entry| {
        found.push(entry);
        true
    });
    taken.expect("reads");
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_range_is_what_a_sorted_list_says(
        entries in prop::collection::vec((0..4_u32, 0..300_u64, 0..1_000_u32), 0..1_500),
        asks in prop::collection::vec((0..5_u32, 0..310_u64, 0..310_u64), 1..20),
    ) {
        let entries: Vec<Entry> = entries.into_iter().map(|(of, at, offset)| entry(of, at, offset)).collect();
        let all = sections(&entries);
        let (made, bytes) = Hint::make(SOURCE, vec![OfKind { kind: 1, records: 2, bytes: 3 }], &all);
        let file = stored(&bytes);
        let hint = Hint::read(&file).expect("a good one");
        prop_assert_eq!(&hint, &made);
        for (of, one, other) in asks {
            let range = one.min(other)..=one.max(other);
            let meant = all[Section::Own.index()].iter().filter(|entry| entry.key.of == of && range.contains(&entry.key.at));
            prop_assert_eq!(asked(&hint, &file, of, range.clone()), meant.copied().collect::<Vec<_>>());
        }
        prop_assert!(entries.iter().all(|entry| hint.may_have_id(entry.key.at)));
    }
}

#[test]
fn equal_keys_over_three_blocks_are_all_found() {
    let entries: Vec<Entry> = (0..500)
        .map(|offset| entry(1, 7, offset))
        .chain([entry(1, 6, 0), entry(1, 8, 0)])
        .collect();
    let (hint, bytes) = Hint::make(SOURCE, Vec::new(), &sections(&entries));
    let file = stored(&bytes);
    assert_eq!(asked(&hint, &file, 1, 7..=7).len(), 500);
    assert_eq!(asked(&hint, &file, 1, 0..=u64::MAX).len(), 502);
    assert_eq!(asked(&hint, &file, 2, 0..=u64::MAX).len(), 0);
}

#[test]
fn a_bit_of_the_footer_makes_it_none_and_one_of_a_block_is_seen_when_that_is_read() {
    let entries: Vec<Entry> = (0..450).map(|at| entry(1, u64::from(at), at)).collect();
    let (made, bytes) = Hint::make(SOURCE, Vec::new(), &sections(&entries));
    let blocks = usize::try_from(made.parts[SECTIONS - 1].at).expect("small");
    for bit in (0..bytes.len() * 8).step_by(61) {
        let mut harmed = bytes.clone();
        harmed[bit / 8] ^= 1 << (bit % 8);
        let file = stored(&harmed);
        let Ok(hint) = Hint::read(&file) else {
            assert!(bit / 8 >= blocks, "bit {bit}");
            continue;
        };
        assert!(bit / 8 < blocks, "bit {bit}");
        let reads = |section| {
            hint.range(
                &file,
                section,
                u32::from(section != Section::Ids),
                &(0..=u64::MAX),
                |_| true,
            )
        };
        for section in [Section::Line, Section::Own, Section::Ids] {
            let mut at = made.parts[section.index()].at;
            let blocks_of = made.parts[section.index()].first_keys.len();
            let inside = (0..blocks_of).any(|block| {
                let entries = (450 - block * ENTRIES_A_BLOCK).min(ENTRIES_A_BLOCK);
                let from = usize::try_from(at).expect("small");
                at += BLOCK_BYTES as u64;
                (from..from + BLOCK_HEADER_BYTES + entries * ENTRY_BYTES).contains(&(bit / 8))
            });
            assert_eq!(reads(section).is_err(), inside, "bit {bit} in {section:?}");
        }
    }
}

#[test]
fn of_every_length_and_of_another_version_it_is_none() {
    let (_, bytes) = Hint::make(SOURCE, Vec::new(), &sections(&[entry(1, 1, 1)]));
    for length in 0..bytes.len() {
        assert!(Hint::read(&stored(&bytes[..length])).is_err());
    }
    let mut newer = bytes.clone();
    let (version_at, footer_at) = (bytes.len() - 8, 3 * 36);
    newer[version_at] = 2;
    let checksum = crc32fast::hash(&newer[footer_at..version_at + 4]);
    newer[version_at + 4..].copy_from_slice(&checksum.to_le_bytes());
    assert!(Hint::read(&stored(&newer)).is_err());
}
