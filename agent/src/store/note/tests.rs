use super::*;

fn note() -> Note {
    let at = Noted {
        store: u64::MAX,
        sequence: 12,
        chain: u64::MAX - 1,
    };
    let waiting = vec![(3, 9), (11, 12)];
    let feed = FeedNote {
        next: 13,
        waiting,
        tray: 1,
        settled: 2,
        head: Some("ab".into()),
    };
    let feeds = [("health-quarterly".to_owned(), feed)].into();
    let log = [("moh/siem-reap".to_owned(), (7, "cd".to_owned()))].into();
    Note {
        written_at_ms: 5,
        outbox: Some(OutboxNote { at, feeds }),
        inbox: Some(InboxNote {
            at,
            feeds: [("prices".to_owned(), 8)].into(),
            logs: 132,
        }),
        marks: Some(MarksNote {
            at,
            targets: [("webhook".to_owned(), log)].into(),
        }),
    }
}

#[test]
fn a_note_reads_as_it_was_written_and_none_is_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store.note");
    assert_eq!(Note::read(&path).expect("reads"), FoundNote::None);
    note().write(&path).expect("writes");
    assert_eq!(Note::read(&path).expect("reads"), FoundNote::Note(note()));
}

#[test]
fn whichever_bit_is_another_it_says_nothing_or_what_it_said_or_that_it_is_newer() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("store.note");
    note().write(&path).expect("writes");
    let bytes = std::fs::read(&path).expect("reads");
    for bit in 0..bytes.len() * 8 {
        let mut harmed = bytes.clone();
        harmed[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &harmed).expect("writes");
        // The version is one digit, before anything that is checked.
        match Note::read(&path) {
            Ok(found) => assert_eq!(found, FoundNote::Damaged, "bit {bit}"),
            Err(fault) => assert!(
                bit / 8 == 11 && matches!(fault, Fault::Newer { .. }),
                "bit {bit}: {fault}"
            ),
        }
        assert_eq!(std::fs::read(&path).expect("reads"), harmed);
    }
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).expect("writes");
        assert_eq!(Note::read(&path).expect("reads"), FoundNote::Damaged);
    }
}

#[test]
fn each_thing_that_can_become_of_a_store_has_its_name() {
    let noted = Some(Noted {
        store: 1,
        sequence: 5,
        chain: 7,
    });
    let opened = |new, reached| Opened {
        repairs: Vec::new(),
        reached,
        new,
    };
    let cases = [
        (None, opened(true, Reached::Unknown), None),
        (None, opened(false, Reached::Unknown), None),
        (
            noted,
            opened(true, Reached::AnotherStore),
            Some("store-lost"),
        ),
        (
            noted,
            opened(false, Reached::AnotherStore),
            Some("store-swapped"),
        ),
        (noted, opened(false, Reached::Short(3)), Some("store-older")),
        (
            noted,
            opened(false, Reached::Branched),
            Some("store-branched"),
        ),
        (noted, opened(false, Reached::Same), None),
        (noted, opened(false, Reached::Unknown), None),
    ];
    for (noted, opened, code) in cases {
        assert_eq!(compare(noted, &opened).code(), code, "{opened:?}");
    }
}
