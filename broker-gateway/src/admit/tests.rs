//! One test for each thing that admission does not let pass, and what becomes of the events around it.

use schemas::event::{Event, Position, Timestamp};
use schemas::registry::{KeyRetirement, RegistryEvent};
use schemas::signing::SigningKey;

use super::*;
use crate::fixtures::pen::{Pen, key_added, sent, with_header, with_line};
use crate::refuse::Answer;

fn admit(pen: &Pen, events: Vec<RawEvent>) -> Judged {
    Admission::new().admit(pen.submission(events))
}

/// The one answer to one event that does not pass.
fn no(pen: &Pen, raw: RawEvent) -> Answer {
    let mut judged = admit(pen, vec![raw]);
    assert!(judged.admitted.is_empty());
    judged.answered.pop().expect("an answer").answer
}

fn refused(pen: &Pen, raw: RawEvent) -> Refusal {
    match no(pen, raw) {
        Answer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn held(pen: &Pen, raw: RawEvent) -> Hold {
    match no(pen, raw) {
        Answer::Held(hold) => hold,
        other => panic!("{other:?}"),
    }
}

/// The event with the signature of another one: everything else about it is right.
fn unsigned(event: &SignedEvent, other: &SignedEvent) -> SignedEvent {
    let material = String::from_utf8(event.material().to_vec()).expect("JSON");
    let signature = |event: &SignedEvent| {
        let material = String::from_utf8(event.material().to_vec()).expect("JSON");
        let (_, rest) = material.split_once("\"sig\":\"").expect("a signature");
        rest.split_once('"').expect("its end").0.to_owned()
    };
    let bad = material.replace(&signature(event), &signature(other));
    let (event, link) = (event.event().clone(), *event.link());
    SignedEvent::from_parts(event, link, bad.as_bytes()).expect("well formed")
}

fn places(judged: &Judged) -> Vec<Vec<usize>> {
    let places = judged.admitted.iter().map(|run| run.places().to_vec());
    places.collect()
}

#[test]
fn an_office_s_notice_of_a_taking_is_admitted_on_any_feed() {
    let mut pen = Pen::new();
    let taken = pen.write(1);
    let notice = schemas::notice::LogResumed::new(1, 1, taken.hash());
    let time = schemas::event::Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
    let event = notice.event(pen.log.clone(), time).expect("well formed");
    let signed = SignedEvent::sign(event, pen.head.next().expect("room"), &pen.key);
    assert_eq!(places(&admit(&pen, vec![sent(&signed)])), [[0]]);
    let data = signed.event().data().clone();
    let mut core = signed.event().core().clone();
    core.data = String::from_utf8(data.to_vec())
        .expect("JSON")
        .replace("\"first\":1", "\"first\":0")
        .into();
    let wrong = schemas::event::Event::new(pen.log.clone(), core, time).expect("well formed");
    let wrong = SignedEvent::sign(wrong, pen.head.next().expect("room"), &pen.key);
    assert!(matches!(
        refused(&pen, sent(&wrong)),
        Refusal::ContractViolated(_)
    ));
}

#[test]
fn a_long_part_is_one_run_and_a_short_one_is_taken_apart() {
    let mut pen = Pen::new();
    let long: Vec<RawEvent> = pen.run(8).iter().map(sent).collect();
    assert_eq!(places(&admit(&pen, long)), [(0..8).collect::<Vec<_>>()]);
    let short: Vec<RawEvent> = pen.run(3).iter().map(sent).collect();
    assert_eq!(places(&admit(&pen, short)), [[0], [1], [2]]);
}

#[test]
fn what_does_not_follow_begins_another_part() {
    let mut pen = Pen::new();
    let mut events: Vec<RawEvent> = pen.run(20).iter().map(sent).collect();
    events.remove(10);
    let expected: [Vec<usize>; 2] = [(0..10).collect(), (10..19).collect()];
    assert_eq!(places(&admit(&pen, events)), expected);
}

#[test]
fn those_before_a_bad_one_pass_and_those_behind_it_wait() {
    let mut pen = Pen::new();
    let before = pen.run(9);
    let bad = pen.write_as(0, |core| core.data = Bytes::from_static(b"{}"));
    let behind = pen.run(2);
    let all = before.iter().chain([&bad]).chain(&behind);
    let judged = admit(&pen, all.map(sent).collect());
    assert_eq!(places(&judged), [(0..9).collect::<Vec<_>>()]);
    let answers: Vec<(usize, &Answer)> = judged
        .answered
        .iter()
        .map(|answered| (answered.place, &answered.answer))
        .collect();
    let waits = Answer::Held(Hold::ChainMismatch { head: 9 });
    assert!(matches!(
        answers[0],
        (9, Answer::Refused(Refusal::ContractViolated(_)))
    ));
    assert_eq!(answers[1..], [(10, &waits), (11, &waits)]);
}

#[test]
fn a_bad_signature_is_refused_by_name_wherever_it_stands_in_a_run() {
    for bad in 0..12 {
        let mut pen = Pen::new();
        let mut events = pen.run(12);
        let other = events[(bad + 1) % 12].clone();
        // The hash covers the signature: whoever signs badly links to what it has signed.
        events.truncate(bad + 1);
        let sixth = unsigned(&events[bad], &other);
        pen.head = Head::of(&sixth);
        let all = events[..bad].iter().cloned().chain([sixth]);
        let all = all.chain(pen.run(11 - bad as u64));
        let judged = admit(&pen, all.map(|event| sent(&event)).collect());
        let stored: Vec<usize> = places(&judged).concat();
        assert_eq!(stored, (0..bad).collect::<Vec<_>>(), "{bad}");
        let answers: Vec<(usize, Answer)> = judged
            .answered
            .iter()
            .map(|answered| (answered.place, answered.answer.clone()))
            .collect();
        let waits = Answer::Held(Hold::ChainMismatch { head: bad as u64 });
        assert_eq!(
            answers[0],
            (bad, Answer::Refused(Refusal::SignatureInvalid))
        );
        assert_eq!(answers.len(), 12 - bad);
        assert!(answers[1..].iter().all(|(_, answer)| *answer == waits));
    }
}

#[test]
fn bad_signatures_in_several_parts_are_each_named_and_their_neighbours_pass() {
    let mut pen = Pen::new();
    let mut events = pen.run(30);
    let foreign = events[29].clone();
    for bad in [3, 4, 20] {
        events[bad] = unsigned(&events[bad], &foreign);
    }
    let judged = admit(&pen, events.iter().map(sent).collect());
    let refused = judged.answered.iter().filter_map(|answered| {
        (answered.answer == Answer::Refused(Refusal::SignatureInvalid)).then_some(answered.place)
    });
    assert_eq!(refused.collect::<Vec<_>>(), [3, 4, 20]);
    // The chain breaks where another signature stands than the next event names, and goes on behind.
    let stored: Vec<usize> = places(&judged).concat();
    let good = (0..30).filter(|place| ![3, 4, 20].contains(place));
    assert_eq!(stored, good.collect::<Vec<_>>());
}

#[test]
fn each_thing_that_is_wrong_with_an_envelope_has_its_refusal() {
    let mut pen = Pen::new();
    let good = sent(&pen.write(1));
    let with = |name, value| with_header(good.clone(), name, value);
    assert_eq!(
        refused(&pen, with("ce-dssematerial", None)),
        Refusal::Unsigned
    );
    assert_eq!(
        refused(
            &pen,
            RawEvent {
                headers: Bytes::new(),
                ..good.clone()
            }
        ),
        Refusal::Unsigned
    );
    assert_eq!(
        refused(&pen, with("ce-id", None)),
        Refusal::AttributeMissing { name: "id" }
    );
    assert!(matches!(
        refused(&pen, with("ce-time", Some("now"))),
        Refusal::AttributeInvalid(_)
    ));
    assert_eq!(
        refused(&pen, with("ce-id", Some("other"))),
        Refusal::DigestMismatch
    );
    assert_eq!(
        refused(&pen, with("ce-dssematerial", Some("e30="))),
        Refusal::MaterialMalformed
    );
    let line = |line| refused(&pen, with_line(good.clone(), line));
    assert!(matches!(
        line("ce-id: report-1"),
        Refusal::HeaderRepeated { .. }
    ));
    assert!(matches!(
        line("ce-colour: red"),
        Refusal::AttributeUnknown { .. }
    ));
    for forbidden in [
        "Nats-Rollup: all",
        "nats-msg-id: 1",
        "SPEAN-Admitted: x",
        "X: y",
    ] {
        assert!(
            matches!(line(forbidden), Refusal::HeaderForbidden { .. }),
            "{forbidden}"
        );
    }
    assert_eq!(line(" folded"), Refusal::HeaderMalformed);
    let large = RawEvent {
        payload: vec![b' '; 1_000_001].into(),
        ..good.clone()
    };
    assert_eq!(refused(&pen, large), Refusal::TooLarge);
}

#[test]
fn each_thing_that_is_wrong_with_the_signer_has_its_answer() {
    let mut pen = Pen::new();
    let (stranger, _) = SigningKey::generate().expect("a key");
    let own = std::mem::replace(&mut pen.key, stranger);
    let strange = sent(&pen.write(1));
    assert_eq!(held(&pen, strange.clone()), Hold::KeyUnknown);
    pen.tell(key_added("moh/hq", &pen.key));
    assert_eq!(refused(&pen, strange), Refusal::SignerMismatch);
    pen.key = own;
    let (other, retired) = (pen.write(1), pen.write(1));
    let forged = unsigned(&retired, &other);
    assert_eq!(refused(&pen, sent(&forged)), Refusal::SignatureInvalid);
    pen.tell(RegistryEvent::KeyRetired(KeyRetirement {
        keyid: pen.key.keyid().to_owned(),
        last: [(pen.log.feed.clone(), other.link().position.number())].into(),
    }));
    let at = Position::new(3).expect("a position");
    assert_eq!(refused(&pen, sent(&retired)), Refusal::KeyRetired { at });
    assert_eq!(admit(&pen, vec![sent(&other)]).admitted.len(), 1);
}

#[test]
fn each_thing_that_is_wrong_with_the_content_has_its_answer() {
    let mut pen = Pen::new();
    let mut wrong = |change: fn(&mut schemas::event::Core)| {
        let event = sent(&pen.write_as(1, change));
        no(&pen, event)
    };
    let other_type = wrong(|core| core.event_type = "kh.gov.maff.market-price.submitted.v1".into());
    assert_eq!(other_type, Answer::Refused(Refusal::TypeNotOfFeed));
    let other_feed = wrong(|core| {
        core.data_schema = "https://spean.gov.kh/contracts/market-prices/1.0".into();
    });
    assert_eq!(other_feed, Answer::Refused(Refusal::SchemaNotOfFeed));
    let newer = wrong(|core| {
        core.data_schema = "https://spean.gov.kh/contracts/health-quarterly/2.0".into();
    });
    assert_eq!(newer, Answer::Held(Hold::ContractUnknown));
    let no_json = wrong(|core| core.data = Bytes::from_static(b"{\"a\":1,\"a\":1}"));
    assert!(matches!(no_json, Answer::Refused(Refusal::NotJson(_))));
    let violated = wrong(|core| core.data = Bytes::from_static(b"{\"period\":\"2026Q3\"}"));
    assert!(matches!(
        violated,
        Answer::Refused(Refusal::ContractViolated(_))
    ));
    let elsewhere = wrong(|core| {
        let text = String::from_utf8(core.data.to_vec()).expect("UTF-8");
        core.data = text.replace("KH17", "KH02").into();
    });
    assert!(matches!(
        elsewhere,
        Answer::Refused(Refusal::RowNotYours(_))
    ));
}

#[test]
fn a_forged_source_is_refused_though_its_signature_is_good() {
    let mut pen = Pen::new();
    let own = pen.log.clone();
    pen.log.office = "moh/battambang".parse().expect("an office");
    let forged = sent(&pen.write(1));
    pen.log = own;
    assert_eq!(refused(&pen, forged), Refusal::SourceMismatch);
}

#[test]
fn a_feed_that_went_from_the_registry_is_held() {
    let mut pen = Pen::new();
    let event = sent(&pen.write(1));
    let submission = pen.submission(vec![event]);
    let log = LogName {
        feed: "unheard-of".parse().expect("a name"),
        office: submission.permit.log().office.clone(),
    };
    let hold = Examiner::new(&pen.registry, &log).err();
    assert_eq!(hold, Some(Hold::FeedUnknown));
}

/// With these times, signed well.
fn timed(pen: &mut Pen, time: &str, recorded: &str) -> SignedEvent {
    let read = |text: &str| text.parse::<Timestamp>().expect("a time");
    let mut core = pen.write(1).event().core().clone();
    core.time = read(time);
    let event = Event::new(pen.log.clone(), core, read(recorded)).expect("well formed");
    SignedEvent::sign(
        event,
        Head::empty(pen.registry.genesis()).next().expect("room"),
        &pen.key,
    )
}

#[test]
fn what_a_wrong_clock_recorded_is_held_and_a_wrong_time_beside_a_right_clock_is_refused() {
    let mut pen = Pen::new();
    let usual = "2026-10-02T03:00:00Z";
    for recorded in ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
        let event = timed(&mut pen, usual, recorded);
        assert!(matches!(held(&pen, sent(&event)), Hold::ClockWrong { .. }));
        // What the log had before comes back with whatever time it had.
        let refills = pen.refills("moh/siem-reap", &[event]);
        assert!(Admission::new().heal(refills).0.is_some());
    }
    for time in ["9999-12-31T23:59:59Z", "1999-12-31T23:59:59Z"] {
        let event = timed(&mut pen, time, usual);
        let refusal = refused(&pen, sent(&event));
        assert!(
            matches!(refusal, Refusal::TimeOutOfReach { .. }),
            "{refusal:?}"
        );
        assert!(refusal.details()[0].en.contains(time), "{refusal:?}");
    }
    let event = timed(&mut pen, usual, usual);
    assert_eq!(places(&admit(&pen, vec![sent(&event)])), [[0]]);
}
