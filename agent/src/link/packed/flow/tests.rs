//! Promises of the flow: what is offered goes in runs, text before it, and what a gateway says of a run is what it would have said of each event.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use schemas::chain::Head;
use schemas::event::{Classification, Core, Event, Hash};
use schemas::packed::run::Reader;
use schemas::packed::{Frame, Frames};
use schemas::signing::SigningKey;

use super::super::super::answer::Answer;
use super::*;

/// An office's signed events, one behind the other.
fn events(feed: &str, count: usize) -> Vec<SignedEvent> {
    let (key, _) = SigningKey::generate().expect("a key");
    let mut head = Head::empty(Hash::of(b"genesis"));
    let log = LogName {
        feed: feed.parse().expect("a feed"),
        office: "moh/siem-reap".parse().expect("an office"),
    };
    let time = "2026-10-02T03:00:07Z".parse().expect("a time");
    let signed = (0..count).map(|number| {
        let core = Core {
            id: format!("id-{number}"),
            event_type: "kh.gov.moh.quarterly-report.submitted.v1".into(),
            subject: None,
            time,
            data_content_type: "application/json".into(),
            data_schema: "https://spean.gov.kh/contracts/health-quarterly/1.0".into(),
            causation_id: None,
            data_classification: Classification::Internal,
            data: Bytes::from(format!(r#"{{"n":{number}}}"#)),
        };
        let event = Event::new(log.clone(), core, time).expect("an event");
        let signed = SignedEvent::sign(event, head.next().expect("room"), &key);
        head = Head::of(&signed);
        signed
    });
    signed.collect()
}

fn flow() -> Flow {
    let pace = Pace::new(Duration::from_millis(100));
    Flow::new(pace, Arc::new(|_| Vec::new()), Misunderstood::default())
}

fn offer(flow: &mut Flow, events: &[SignedEvent]) {
    for event in events {
        let reply = format!("_INBOX.moh.siem-reap.x.{}", event.id());
        flow.offer(Offer {
            event: event.clone(),
            reply,
        });
    }
}

/// All that goes now, as the gateway reads it.
fn sent(flow: &mut Flow) -> Vec<Frame> {
    let (mut frames, mut arrived, mut all) = (Frames::default(), BytesMut::new(), Vec::new());
    while let Some(bytes) = flow.next(Instant::now()) {
        arrived.extend_from_slice(&bytes);
        while let Some(frame) = frames.next(&mut arrived).expect("frames") {
            all.push(frame);
        }
    }
    all
}

fn answered(flow: &mut Flow, run: u64, said: Vec<Said>) -> Result<Vec<Delivery>, OutOfStep> {
    flow.answered(Answers { run, said }, Instant::now())
}

fn stored(place: usize, count: usize, sequence: u64) -> Said {
    Said::Stored {
        place,
        count,
        sequence,
        duplicate: false,
        receipt: None,
    }
}

#[test]
fn the_first_event_goes_at_once_and_those_behind_it_gather_until_its_answer() {
    let (mut flow, events) = (flow(), events("health-quarterly", 6));
    let mut reader = Reader::default();
    offer(&mut flow, &events[..1]);
    let first = sent(&mut flow);
    assert_eq!(reader.unpack(&first[0].body).expect("read"), events[..1]);
    offer(&mut flow, &events[1..]);
    assert!(sent(&mut flow).is_empty());
    let told = answered(&mut flow, 0, vec![stored(0, 1, 7)]).expect("in step");
    assert_eq!(told[0].subject, "_INBOX.moh.siem-reap.x.id-0");
    let second = sent(&mut flow);
    assert_eq!(reader.unpack(&second[0].body).expect("read"), events[1..]);
    let told = answered(&mut flow, 1, vec![stored(0, 5, 8)]).expect("in step");
    let sequences = told.iter().map(|told| match Answer::read(&told.payload) {
        Answer::Stored { sequence, .. } => sequence,
        other => panic!("{other:?}"),
    });
    assert_eq!(sequences.collect::<Vec<_>>(), [8, 9, 10, 11, 12]);
}

#[test]
fn logs_take_turns_and_text_goes_before_them() {
    let mut flow = flow();
    let (one, other) = (events("health-quarterly", 40), events("labour-returns", 1));
    offer(&mut flow, &one);
    sent(&mut flow);
    offer(&mut flow, &other);
    flow.say(b"PUB a 0\r\n\r\n");
    let (mut waits, kinds) = (0, |frames: &[Frame]| {
        frames.iter().map(|f| f.kind).collect::<Vec<_>>()
    });
    assert_eq!(kinds(&sent(&mut flow)), [Kind::Text]);
    // Of each answer one run more may go: the other log's is not the last of them.
    for run in 0..3 {
        let count = flow.under_way.front().map_or(0, |run| run.offers.len());
        answered(&mut flow, run, vec![stored(0, count, 1)]).expect("in step");
        sent(&mut flow);
        waits += 1;
        if flow
            .lanes
            .iter()
            .all(|lane| lane.log.feed.as_str() != "labour-returns")
        {
            break;
        }
    }
    assert!(waits <= 2, "{waits}");
}

#[test]
fn a_run_that_was_not_read_is_said_in_full_and_the_next_begins_afresh() {
    let (mut flow, events) = (flow(), events("health-quarterly", 4));
    let (mut first, mut second) = (Reader::default(), Reader::default());
    offer(&mut flow, &events[..2]);
    let run = sent(&mut flow);
    first.unpack(&run[0].body).expect("read");
    assert_eq!(answered(&mut flow, 0, vec![Said::InFull]), Ok(Vec::new()));
    let text: Vec<u8> = sent(&mut flow)
        .iter()
        .flat_map(|frame| frame.body.to_vec())
        .collect();
    let text = String::from_utf8_lossy(&text);
    let subject = "HPUB spean.log.health-quarterly.moh.siem-reap _INBOX.moh.siem-reap.x.id-";
    assert_eq!(text.matches(subject).count(), 2);
    offer(&mut flow, &events[2..]);
    let run = sent(&mut flow);
    assert_eq!(second.unpack(&run[0].body).expect("fresh"), events[2..]);
}

#[test]
fn a_no_comes_as_it_was_said_and_what_was_not_sent_is_not_answered() {
    let (mut flow, events) = (flow(), events("health-quarterly", 2));
    assert_eq!(answered(&mut flow, 0, vec![Said::InFull]), Err(OutOfStep));
    offer(&mut flow, &events);
    sent(&mut flow);
    let body = Bytes::from_static(
        br#"{"error":{"code":400},"spean":{"answer":"refused","code":"not-json"}}"#,
    );
    let said = Said::Told {
        place: 1,
        body: body.clone(),
    };
    let told = answered(&mut flow, 0, vec![said]).expect("in step");
    assert_eq!(
        (told[0].payload.clone(), &told[0].subject[..]),
        (body, "_INBOX.moh.siem-reap.x.id-1")
    );
    assert_eq!(
        answered(&mut flow, 0, vec![stored(0, 2, 1)]),
        Err(OutOfStep)
    );
    let mut flow = self::flow();
    offer(&mut flow, &events);
    sent(&mut flow);
    assert_eq!(
        answered(&mut flow, 0, vec![stored(0, 3, 1)]),
        Err(OutOfStep)
    );
}

#[test]
fn a_gateway_that_misunderstands_again_is_spoken_to_in_nats() {
    let (mut flow, events) = (flow(), events("health-quarterly", 6));
    for (run, two) in (0..).zip(events.chunks(2)) {
        offer(&mut flow, two);
        let kinds: Vec<Kind> = sent(&mut flow).iter().map(|frame| frame.kind).collect();
        match run < MISUNDERSTOOD_MAX as u64 {
            true => assert_eq!(kinds, [Kind::Run]),
            false => assert!(kinds.iter().all(|kind| *kind == Kind::Text), "{kinds:?}"),
        }
        let _none_under_way = answered(&mut flow, run, vec![Said::InFull]);
        sent(&mut flow);
    }
}
