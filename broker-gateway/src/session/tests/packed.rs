//! Sessions that speak frames, over a pipe and without a broker: greetings, NATS within frames, runs that cannot be read, and what is no frame.

use bytes::{Bytes, BytesMut};
use schemas::envelope::nats;
use schemas::packed::hello::CODEC_ZSTD;
use schemas::packed::run::Writer;
use schemas::packed::{
    Answers, Frame as Packed, Frames, GatewayHello, Kind, OfficeHello, Said, frame,
};

use schemas::signing::SignedEvent;

use super::*;
use crate::fixtures::pen::Pen;

/// An office's end of a packed session.
struct Office {
    line: DuplexStream,
    arrived: BytesMut,
    frames: Frames,
    hello: Option<GatewayHello>,
}

impl Office {
    fn at(gateway: &Arc<Gateway>) -> Office {
        let (line, server) = tokio::io::duplex(64 * 1024);
        let peer = fixtures::peer("moh/siem-reap");
        let (reader, writer) = tokio::io::split(server);
        let halves = (reader, writer, Tongue::Packed, OnTheWire::default());
        let seat = gateway.seats.take(peer.office()).expect("a seat");
        let stop = CancellationToken::new();
        tokio::spawn(run(
            gateway.clone(),
            peer,
            seat,
            halves,
            of_loopback(),
            stop,
        ));
        Office {
            line,
            arrived: BytesMut::new(),
            frames: Frames::default(),
            hello: None,
        }
    }

    /// One that has greeted, said CONNECT, and was answered.
    async fn connected(gateway: &Arc<Gateway>) -> Office {
        let mut office = Office::at(gateway);
        let hello = OfficeHello { codec: CODEC_ZSTD };
        office.say(Kind::Hello, &hello.write()).await;
        office.say(Kind::Text, HELLO).await;
        let greeted = office.hears().await.expect("a greeting");
        assert_eq!(greeted.kind, Kind::Hello);
        office.hello = GatewayHello::read(&greeted.body).ok();
        let pong = office.hears().await.expect("an answer");
        assert_eq!((pong.kind, &pong.body[..]), (Kind::Text, &b"PONG\r\n"[..]));
        office
    }

    async fn say(&mut self, kind: Kind, body: &[u8]) {
        for piece in frame::write(kind, body) {
            self.line.write_all(&piece).await.expect("open");
        }
    }

    /// The next frame; None where the session has ended.
    async fn hears(&mut self) -> Option<Packed> {
        loop {
            let frame = self.frames.next(&mut self.arrived).expect("frames");
            if frame.is_some() {
                return frame;
            }
            let read = self.line.read_buf(&mut self.arrived);
            let read = tokio::time::timeout(Duration::from_secs(20), read).await;
            if read.expect("in time").ok()? == 0 {
                return None;
            }
        }
    }

    /// The payload of the next message that comes in NATS.
    async fn hears_message(&mut self) -> Bytes {
        let mut text = Vec::new();
        loop {
            let frame = self.hears().await.expect("a message");
            assert_eq!(frame.kind, Kind::Text);
            text.extend_from_slice(&frame.body);
            let line = text.windows(2).position(|end| end == b"\r\n");
            let Some(line) = line else { continue };
            let words = String::from_utf8_lossy(&text[..line]).into_owned();
            let bytes = words
                .rsplit(' ')
                .next()
                .and_then(|bytes| bytes.parse::<usize>().ok());
            let (from, bytes) = (line + 2, bytes.expect("MSG ends with its length"));
            if text.len() >= from + bytes + 2 {
                return Bytes::copy_from_slice(&text[from..from + bytes]);
            }
        }
    }

    async fn hears_answers(&mut self) -> Answers {
        let frame = self.hears().await.expect("answers");
        assert_eq!(frame.kind, Kind::Answers);
        let hello = self.hello.as_ref().expect("greeted");
        Answers::read(&frame.body, hello).expect("read")
    }
}

#[tokio::test]
async fn a_greeting_says_who_is_there_and_by_what_it_judges() {
    let alone = Alone::start();
    let office = Office::connected(&alone.gateway).await;
    let hello = office.hello.expect("read");
    assert_eq!(hello.gateway, alone.gateway.settings.name);
    assert_eq!(hello.keyid, alone.gateway.commits.keyid());
    let registry = alone.gateway.policy.borrow().registry.head();
    assert_eq!((hello.codec, hello.registry), (CODEC_ZSTD, registry));
}

#[tokio::test]
async fn a_run_that_cannot_be_read_is_asked_for_in_full_and_the_session_goes_on() {
    let alone = Alone::start();
    let mut office = Office::connected(&alone.gateway).await;
    for (number, body) in [&b""[..], b"no run", &[0; 9_000]].iter().enumerate() {
        office.say(Kind::Run, body).await;
        let answers = office.hears_answers().await;
        let asked = Answers {
            run: number as u64,
            said: vec![Said::InFull],
        };
        assert_eq!(answers, asked);
    }
    office.say(Kind::Text, b"PI").await;
    office.say(Kind::Beat, b"").await;
    office.say(Kind::Text, b"NG\r\n").await;
    let pong = office.hears().await.expect("an answer");
    assert_eq!(&pong.body[..], b"PONG\r\n");
}

#[tokio::test]
async fn what_is_no_frame_of_an_office_ends_its_session_by_name() {
    let alone = Alone::start();
    for (said, code) in [
        (&[201, 0][..], "frame-unknown"),
        (&[7, 0xff, 0xff, 0xff], "frame-too-long"),
        (&[9, 1, 2], "bad-frame-part"),
        (&[7, 0x80, 0], "bad-frame-length"),
        (&[5, 1, 0], "frame-unexpected"),
        (&[1, 1, 1], "frame-unexpected"),
        (
            &[7, 7, b'P', b'A', b'N', b'I', b'C', b'\r', b'\n'],
            "unknown-operation",
        ),
    ] {
        let mut office = Office::connected(&alone.gateway).await;
        office.line.write_all(said).await.expect("open");
        let last = office.hears().await.expect("last words");
        let words = String::from_utf8_lossy(&last.body).into_owned();
        assert!(
            words.starts_with("-ERR '") && words.contains(code),
            "{words}"
        );
        assert_eq!(office.hears().await, None);
    }
}

#[tokio::test]
async fn nobody_is_heard_before_the_greeting_or_who_packs_in_another_way() {
    let alone = Alone::start();
    for (kind, body) in [
        (Kind::Text, HELLO),
        (Kind::Run, b"x"),
        (Kind::Hello, &[2]),
        (Kind::Hello, b""),
    ] {
        let mut office = Office::at(&alone.gateway);
        office.say(kind, body).await;
        assert_eq!(office.hears().await.expect("a greeting").kind, Kind::Hello);
        let last = office.hears().await.expect("last words");
        assert!(String::from_utf8_lossy(&last.body).contains("bad-hello"));
    }
}

#[tokio::test]
async fn an_event_in_a_run_is_answered_as_the_same_event_in_nats_is() {
    let alone = Alone::start();
    let mut office = Office::connected(&alone.gateway).await;
    let mut pen = Pen::new();
    // Nobody knows the key; one does not fit its contract; one is of a feed on which the office may not publish.
    let mut events = pen.run(2);
    events.push(pen.write_as(3, |core| core.data = b"{}".as_slice().into()));
    pen.log.feed = "market-prices".parse().expect("a feed");
    let forbidden = pen.run(1);
    office
        .say(Kind::Text, b"SUB _INBOX.moh.siem-reap.x 1\r\n")
        .await;
    for events in [events, forbidden] {
        let mut in_nats = Vec::new();
        for event in &events {
            let (headers, data) = (nats::encode(event), event.event().data());
            let (subject, block) = (event.event().log().subject(), headers.len());
            let whole = block + data.len();
            let line = format!("HPUB {subject} _INBOX.moh.siem-reap.x {block} {whole}\r\n");
            let said = [line.as_bytes(), &headers, data, b"\r\n"].concat();
            office.say(Kind::Text, &said).await;
            in_nats.push(office.hears_message().await);
        }
        let events: Vec<&SignedEvent> = events.iter().collect();
        let run = Writer::default().pack(&events, &[]).expect("packed");
        office.say(Kind::Run, &run.body).await;
        let mut told = vec![Bytes::new(); events.len()];
        while told.iter().any(Bytes::is_empty) {
            for said in office.hears_answers().await.said {
                let Said::Told { place, body } = said else {
                    panic!("{said:?}");
                };
                told[place] = body;
            }
        }
        assert_eq!(told, in_nats);
    }
}
