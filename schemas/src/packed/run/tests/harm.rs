//! What a line, a fault or a peer may make of a run: nothing else than its events ever comes out of it, nothing is made of what was only
//! declared, and both ends find each other again.

use proptest::prelude::*;

use super::super::super::field::{put_count, put_text};
use super::super::super::limits::{SQUEEZED_BYTES_MAX, TEXTS_BYTES_MAX};
use super::super::super::squeeze::squeeze;
use super::*;

/// Two runs, the second behind the first, and the events of the second.
fn two_runs() -> (Vec<u8>, Vec<u8>, Vec<SignedEvent>) {
    let events = signed(rows(6), genesis());
    let mut ends = Ends::default();
    let first = ends.packed(&events[..3]).expect("packed").body;
    let second = ends.packed(&events[3..]).expect("packed").body;
    (first, second, events[3..].to_vec())
}

#[test]
fn a_run_that_is_cut_anywhere_is_not_read() {
    let (first, second, _) = two_runs();
    for cut in 0..first.len() {
        assert!(Reader::default().unpack(&first[..cut]).is_err(), "{cut}");
    }
    for cut in 0..second.len() {
        let mut reader = Reader::default();
        reader.unpack(&first).expect("read");
        assert!(reader.unpack(&second[..cut]).is_err(), "{cut}");
    }
    let mut longer = first;
    longer.push(0);
    assert!(Reader::default().unpack(&longer).is_err());
}

/// A turned bit is found by the last hash. Only one in an unused bit of the squeezed frame changes nothing.
#[test]
fn a_run_of_which_a_bit_was_turned_comes_back_as_it_was_or_not_at_all() {
    let (first, second, events) = two_runs();
    let mut known = Reader::default();
    known.unpack(&first).expect("read");
    let mut unread = 0;
    for bit in 0..second.len() * 8 {
        let mut turned = second.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        match known.clone().unpack(&turned) {
            Ok(read) => assert_eq!(read, events, "bit {bit}"),
            Err(_) => unread += 1,
        }
    }
    assert!(unread > second.len() * 8 * 9 / 10, "{unread}");
}

#[test]
fn after_a_run_that_was_not_read_its_log_is_said_again_from_the_beginning() {
    let events = signed(rows(8), genesis());
    let mut ends = Ends::default();
    ends.send(&events[..2]);
    let lost = ends.packed(&events[2..4]).expect("packed");
    let behind = ends.packed(&events[4..6]).expect("packed");
    let mut turned = lost.body;
    *turned.last_mut().expect("bytes") ^= 1;
    assert_eq!(ends.reader.unpack(&turned), Err(Unread::Check));
    assert_eq!(ends.reader.unpack(&behind.body), Err(Unread::NoContext));
    ends.writer.forget(events[0].event().log());
    ends.send(&events[6..]);
}

#[test]
fn a_run_behind_what_was_never_said_is_not_read() {
    let (_, second, _) = two_runs();
    let mut reader = Reader::default();
    assert_eq!(reader.unpack(&second), Err(Unread::NoContext));
    assert_eq!(reader.size(&second), None);
    let (first, second, _) = two_runs();
    reader.unpack(&first).expect("read");
    let mut of_another = second;
    of_another[0] = 1;
    assert_eq!(reader.unpack(&of_another), Err(Unread::NoContext));
    of_another[0] = CONTEXTS_MAX as u8;
    assert_eq!(reader.unpack(&of_another), Err(Malformed.into()));
}

/// A run of one event that declares this much, with these texts.
fn lying(events: usize, data_bytes: usize, texts_bytes: usize, texts: &[u8]) -> Vec<u8> {
    let given = signed(rows(1), genesis());
    let mut body = vec![0, FRESH];
    put_count(&mut body, events);
    put_text(&mut body, given[0].event().log().source().as_bytes());
    put_count(&mut body, 1);
    let Link { prev, .. } = given[0].link();
    body.extend_from_slice(prev.as_bytes());
    for text in ["key", "type", "a://schema", "application/json"] {
        put_text(&mut body, text.as_bytes());
    }
    body.extend_from_slice(&[1, 0, 0, 0, 0, 0]);
    put_count(&mut body, data_bytes);
    put_count(&mut body, texts_bytes);
    put_text(
        &mut body,
        &squeeze(texts, &History::default()).expect("squeezed"),
    );
    body.extend_from_slice(&[0; 64]);
    body
}

#[test]
fn what_is_declared_is_held_against_its_bounds_before_anything_is_made_of_it() {
    let bomb = vec![0; 8 << 20];
    let mut reader = Reader::default();
    let honest = [0, 0, 5, 1, b'x', b'\n', b'\n', 0, 2, b'{', b'}'];
    assert_eq!(
        reader.unpack(&lying(1, 2, honest.len(), &honest)),
        Err(Unread::Check)
    );
    for (events, data, texts) in [
        (0, 2, 11),
        (RUN_EVENTS_MAX + 1, 2, 11),
        (1, TEXTS_BYTES_MAX + 1, 11),
        (1, 2, TEXTS_BYTES_MAX + 1),
        (1 << 40, 1 << 40, 1 << 40),
    ] {
        let body = lying(events, data, texts, &bomb);
        assert_eq!(reader.size(&body), None, "{events} {data} {texts}");
        assert_eq!(reader.unpack(&body), Err(Malformed.into()));
    }
    let body = lying(1, 2, TEXTS_BYTES_MAX, &bomb);
    let size = Size {
        events: 1,
        bytes: TEXTS_BYTES_MAX + 2,
    };
    assert_eq!(reader.size(&body), Some(size));
    assert!(matches!(reader.unpack(&body), Err(Unread::NotSqueezed(_))));
    for (events, data) in [(1, 1), (1, 3), (2, 2), (256, TEXTS_BYTES_MAX)] {
        let body = lying(events, data, honest.len(), &honest);
        assert!(
            matches!(reader.unpack(&body), Err(Unread::Malformed(_))),
            "{events} {data}"
        );
    }
    let mut long = lying(1, 2, honest.len(), &honest);
    long.extend_from_slice(&[0; SQUEEZED_BYTES_MAX]);
    assert!(reader.unpack(&long).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_in_place_of_some_of_a_run_are_no_other_events(
        at in any::<prop::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 1..9), second: bool,
    ) {
        let (first, behind, events) = two_runs();
        let mut reader = Reader::default();
        let (mut body, before) = match second {
            true => (behind, reader.unpack(&first).is_ok()),
            false => (first, true),
        };
        prop_assert!(before);
        let at = at.index(body.len());
        for (to, byte) in body[at..].iter_mut().zip(&bytes) {
            *to = *byte;
        }
        if let Ok(read) = reader.unpack(&body) {
            let sent = if second { events } else { signed(rows(3), genesis()) };
            prop_assert_eq!(read, sent);
        }
    }

    #[test]
    fn any_bytes_end_in_a_fault(bytes: Vec<u8>) {
        prop_assert!(Reader::default().unpack(&bytes).is_err());
        prop_assert_eq!(Reader::default().size(&[&[0, FRESH], &bytes[..]].concat()), None);
    }
}
