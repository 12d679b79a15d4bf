//! Promises of runs: what is packed comes back as it was, what was harmed comes back as nothing, and the two ends find each other again.

mod harm;

use proptest::prelude::*;

use super::super::limits::{CONTEXTS_MAX, RUN_EVENTS_MAX};
use super::*;
use crate::chain::Link;
use crate::event::{Core, Event, Hash};
use crate::ids;
use crate::signing::tests::{event, genesis, golden, key};

/// Signs them one behind the other.
fn signed(events: impl IntoIterator<Item = Event>, head: Head) -> Vec<SignedEvent> {
    let mut head = head;
    let signed = events.into_iter().map(|event| {
        let signed = SignedEvent::sign(event, head.next().expect("room"), &key());
        head = Head::of(&signed);
        signed
    });
    signed.collect()
}

/// Rows of one sheet, each with the id that its place in the sheet makes.
fn rows(count: usize) -> Vec<Event> {
    let rows = (0..count).map(|row| {
        let (market, price) = (["Phnom Srok", "Phsar Leu"][row % 2], 12_000 + row);
        let data =
            format!(r#"{{"market":"{market}","period":"{row}","price":"{price}","unit":"KG"}}"#);
        let id = ids::of_key(
            &event("x", b"").log().source(),
            &format!("{market}\u{1f}{row}"),
        );
        event(&id, data.as_bytes())
    });
    rows.collect()
}

fn key_places() -> Vec<String> {
    vec!["/market".into(), "/period".into()]
}

/// Both ends of one direction.
#[derive(Default)]
struct Ends {
    writer: Writer,
    reader: Reader,
}

impl Ends {
    fn packed(&mut self, events: &[SignedEvent]) -> Option<Packed> {
        let events: Vec<&SignedEvent> = events.iter().collect();
        self.writer.pack(&events, &key_places())
    }

    /// Sends what goes as one run; its bytes.
    fn send(&mut self, events: &[SignedEvent]) -> usize {
        let packed = self.packed(events).expect("packed");
        let read = self.reader.unpack(&packed.body).expect("read");
        assert_eq!(read, events[..packed.events]);
        packed.body.len()
    }
}

#[test]
fn a_run_holds_little_more_than_its_signatures() {
    let events = signed(rows(512), genesis());
    let mut ends = Ends::default();
    let first = ends.send(&events[..256]);
    let second = ends.send(&events[256..]);
    assert!(second < 256 * (64 + 4), "{second}");
    assert!(first < second + 400, "{first} {second}");
    let mut ends = Ends::default();
    let (alone, behind) = (ends.send(&events[..1]), ends.send(&events[1..2]));
    assert!(alone < 430 && behind < 64 + 50, "{alone} {behind}");
}

#[test]
fn a_run_ends_where_the_next_event_does_not_go_with_it() {
    let mut ends = Ends::default();
    let events = signed(rows(RUN_EVENTS_MAX + 1), genesis());
    assert_eq!(ends.packed(&events).expect("packed").events, RUN_EVENTS_MAX);
    let unlinked = [events[0].clone(), events[2].clone()];
    assert_eq!(ends.packed(&unlinked).expect("packed").events, 1);
    let mut other = rows(2);
    let core = Core {
        event_type: "kh.gov.moh.quarterly-report.corrected.v1".into(),
        ..other[1].core().clone()
    };
    other[1] =
        Event::new(other[1].log().clone(), core, other[1].recorded_time()).expect("an event");
    assert_eq!(
        ends.packed(&signed(other, genesis()))
            .expect("packed")
            .events,
        1
    );
    assert_eq!(ends.packed(&[]), None);
}

#[test]
fn a_run_that_does_not_follow_says_where_it_stands() {
    let events = signed(rows(4), genesis());
    let mut ends = Ends::default();
    let whole = ends.send(&events[..2]);
    // The gateway has held them: they are sent again.
    let again = ends.send(&events[..2]);
    assert!(again < whole);
    assert!(ends.send(&events[2..]) < again);
}

#[test]
fn corrections_texts_in_khmer_and_any_id_come_back() {
    let texts = [
        (
            r#"{"ផ្សារ":"ភ្នំស្រុក"}"#,
            "f81d4fae7dec11d0a76500a0c91e6bf6",
            Some("x"),
        ),
        ("[]", "018f0000-0000-7000-8000-0123456789ab", None),
        ("no JSON \" at all", "របាយការណ៍", Some("របាយការណ៍-១")),
        ("", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", None),
    ];
    let events = texts.map(|(data, id, causation)| {
        let given = event(id, data.as_bytes());
        let core = Core {
            causation_id: causation.map(str::to_owned),
            subject: causation.map(str::to_owned),
            ..given.core().clone()
        };
        Event::new(given.log().clone(), core, given.recorded_time()).expect("an event")
    });
    let events = signed(events, genesis());
    let mut ends = Ends::default();
    ends.send(&events);
    ends.send(&events);
}

#[test]
fn the_largest_event_goes_packed_and_what_does_not_squeeze_goes_in_full() {
    let row = br#"{"dataElement":"DENGUE_CASES","value":"41"},"#;
    let large: Vec<u8> = row.iter().copied().cycle().take(1_000_000).collect();
    let mut ends = Ends::default();
    let packed = ends.send(&signed([event("large", &large)], genesis()));
    assert!(packed < 10_000, "{packed}");
    let hash = |n: u32| Hash::of(&n.to_be_bytes());
    let random: Vec<u8> = (0..30_000)
        .flat_map(|n| hash(n).as_bytes().to_vec())
        .collect();
    assert_eq!(
        ends.packed(&signed([event("random", &random)], genesis())),
        None
    );
    // Several that are too much together go in fewer.
    let halves = random.chunks(200_000).map(|half| event("random", half));
    let halves = signed(halves, genesis());
    assert_eq!(ends.packed(&halves).expect("packed").events, 1);
}

#[test]
fn each_log_has_its_own_context_and_the_one_that_rested_longest_gives_way() {
    let mut ends = Ends::default();
    let log = |number: usize| {
        let given = event("id", b"{}");
        let mut log = given.log().clone();
        log.feed = format!("feed-{number}").parse().expect("a feed");
        let event = Event::new(log, given.core().clone(), given.recorded_time());
        signed([event.expect("an event")], genesis())
    };
    let fresh: Vec<usize> = (0..CONTEXTS_MAX)
        .map(|number| ends.send(&log(number)))
        .collect();
    let again: Vec<usize> = (0..CONTEXTS_MAX)
        .map(|number| ends.send(&log(number)))
        .collect();
    assert!(fresh.iter().zip(&again).all(|(fresh, again)| again < fresh));
    ends.send(&log(0));
    ends.send(&log(CONTEXTS_MAX));
    assert!(ends.send(&log(0)) < fresh[0], "used lately");
    assert!(ends.send(&log(1)) >= fresh[1], "gave way");
}

/// Frames that were written once are read for ever; how they are squeezed may change.
#[test]
fn the_golden_runs_are_read() {
    let events = signed(rows(40), genesis());
    let mut ends = Ends::default();
    let bodies = [&events[..1], &events[1..20], &events[20..]]
        .map(|run| ends.packed(run).expect("packed").body);
    let hex = |body: &Vec<u8>| {
        body.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            + "\n"
    };
    let name = "packed-runs.hex";
    if std::env::var_os("GOLDEN").is_some_and(|v| v == "write") {
        golden(name, bodies.iter().map(hex).collect::<String>().as_bytes());
    }
    let kept = std::fs::read_to_string(format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR")));
    let mut read = Vec::new();
    for line in kept.expect("it is there").lines() {
        let bytes = (0..line.len() / 2).map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16));
        let body: Vec<u8> = bytes.collect::<Result<_, _>>().expect("digits");
        read.append(&mut ends.reader.unpack(&body).expect("read"));
    }
    assert!(read == events);
}

proptest! {
    #[test]
    fn any_events_that_are_packed_are_unpacked_to_themselves(
        texts in proptest::collection::vec(("[^\\p{C}]{1,20}", r#"[\[\]{},:"\\0-9a-z \nកខ]{0,40}"#, 0..4_000_000_000_i64, 0..4_000_000_000_i64), 1..12),
        at_once in 1..5_usize,
    ) {
        let events = texts.iter().filter_map(|(text, data, recorded, time)| {
            let given = event(text, data.as_bytes());
            let core = Core {
                subject: Some(text.clone()),
                time: Timestamp::from_unix_seconds(*time)?,
                ..given.core().clone()
            };
            Event::new(given.log().clone(), core, Timestamp::from_unix_seconds(*recorded)?).ok()
        });
        let events = signed(events, genesis());
        let mut ends = Ends::default();
        for run in events.chunks(at_once) {
            let packed = ends.packed(run).expect("packed");
            prop_assert_eq!(packed.events, run.len());
            prop_assert_eq!(ends.reader.unpack(&packed.body), Ok(run.to_vec()));
        }
    }
}
