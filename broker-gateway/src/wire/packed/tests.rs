//! Promises of the packed parser: what comes out of a run is what a client of NATS would have said of its events, and nothing is unpacked for
//! which there is no room.

use schemas::packed::frame;
use schemas::packed::run::Writer;

use super::*;
use crate::fixtures::pen::Pen;

fn greeted() -> (PackedParser, Pen) {
    let pen = Pen::new();
    let mut parser = PackedParser::new(&pen.log.office);
    feed(&mut parser, Kind::Hello, &[1]);
    assert_eq!(parser.next_heard(), Ok(None));
    (parser, pen)
}

fn feed(parser: &mut PackedParser, kind: Kind, body: &[u8]) {
    for piece in frame::write(kind, body) {
        parser.buffer.feed(&piece);
    }
}

fn packed(writer: &mut Writer, events: &[SignedEvent]) -> Vec<u8> {
    let events: Vec<&SignedEvent> = events.iter().collect();
    writer.pack(&events, &[]).expect("packed").body
}

/// What a client of NATS says of an event.
fn said(event: &SignedEvent, reply: &str) -> ClientOp {
    let (headers, data) = (nats::encode(event), event.event().data());
    let whole = headers.len() + data.len();
    let subject = event.event().log().subject();
    let line = format!("HPUB {subject} {reply} {} {whole}\r\n", headers.len());
    let mut parser = ClientParser::new();
    parser.feed(&[line.as_bytes(), &headers, data, b"\r\n"].concat());
    parser.next_op().expect("NATS").expect("whole")
}

fn ops(parser: &mut PackedParser) -> Vec<ClientOp> {
    let mut ops = Vec::new();
    while let Some(heard) = parser.next_heard().expect("frames") {
        match heard {
            Heard::Op(op) => ops.push(op),
            Heard::Unread { run, .. } => panic!("run {run} was not read"),
        }
    }
    ops
}

#[test]
fn a_run_is_what_a_client_of_nats_would_have_said_of_each_of_its_events() {
    let (mut parser, mut pen) = greeted();
    let (events, mut writer) = (pen.run(5), Writer::default());
    feed(&mut parser, Kind::Run, &packed(&mut writer, &events[..2]));
    feed(&mut parser, Kind::Text, b"PI");
    feed(&mut parser, Kind::Run, &packed(&mut writer, &events[2..]));
    feed(&mut parser, Kind::Text, b"NG\r\n");
    let places = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)];
    let replies = places.map(|(run, place)| format!("_INBOX.moh.siem-reap.run.{run}.{place}"));
    let said = events
        .iter()
        .zip(&replies)
        .map(|(event, reply)| said(event, reply));
    let expected: Vec<ClientOp> = said.chain([ClientOp::Ping]).collect();
    assert_eq!(ops(&mut parser), expected);
    assert_eq!((parser.is_half_way(), parser.buffered()), (false, 0));
    for ((run, place), reply) in places.into_iter().zip(&replies) {
        let reply = Subject::parse(reply.as_bytes()).expect("a subject");
        assert_eq!(PlaceInRun::of(&reply), Some(PlaceInRun { run, place }));
    }
    for other in [
        "_INBOX.moh.siem-reap.x.1",
        "_INBOX.moh.siem-reap.run.1",
        "_INBOX.moh.siem-reap.run.1.x",
    ] {
        let reply = Subject::parse(other.as_bytes()).expect("a subject");
        assert_eq!(PlaceInRun::of(&reply), None, "{other}");
    }
}

#[test]
fn a_run_is_unpacked_when_there_is_room_for_it_and_what_is_behind_it_waits() {
    let (mut parser, mut pen) = greeted();
    let events = pen.run(100);
    let body = packed(&mut Writer::default(), &events);
    feed(&mut parser, Kind::Run, &body);
    feed(&mut parser, Kind::Text, b"PING\r\n");
    assert_eq!(parser.next_heard(), Ok(None));
    let data: usize = events.iter().map(|event| event.event().data().len()).sum();
    let bytes = parser.waits_for_room().expect("it waits");
    assert!(bytes > data + 100 * EVENT_HEADERS_USUAL, "{bytes}");
    assert!(parser.is_half_way());
    parser.has_room();
    assert_eq!(parser.waits_for_room(), None);
    assert_eq!(ops(&mut parser).len(), 101);
    feed(
        &mut parser,
        Kind::Run,
        &packed(&mut Writer::default(), &events[..1]),
    );
    assert_eq!(ops(&mut parser).len(), 1, "a small one needs none");
}

#[test]
fn a_frame_that_comes_in_pieces_announces_itself() {
    let (mut parser, _) = greeted();
    let parts = frame::write(Kind::Run, &[7; 20_000]);
    parser.buffer.feed(&parts[0]);
    assert_eq!(parser.next_heard(), Ok(None));
    assert_eq!(parser.announced(), 20_004);
    assert!(parser.is_half_way());
    for part in &parts[1..] {
        parser.buffer.feed(part);
    }
    assert_eq!(
        parser.next_heard(),
        Ok(Some(Heard::Unread {
            run: 0,
            bytes: 20_000
        }))
    );
    assert_eq!(parser.announced(), 0);
}
