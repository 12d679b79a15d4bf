use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn ops(pieces: &[&[u8]]) -> Result<Vec<ClientOp>, WireFault> {
    let mut parser = ClientParser::new();
    let mut ops = Vec::new();
    for piece in pieces {
        parser.feed(piece);
        while let Some(op) = parser.next_op()? {
            ops.push(op);
        }
    }
    Ok(ops)
}

fn frames(pieces: &[&[u8]]) -> Result<Vec<ServerFrame>, WireFault> {
    let mut parser = ServerParser::new();
    let mut frames = Vec::new();
    for piece in pieces {
        parser.feed(piece);
        while let Some(frame) = parser.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn subject(text: &str) -> Subject {
    Subject::parse(text.as_bytes()).expect("a subject")
}

fn sid(text: &str) -> Sid {
    Sid::parse(text.as_bytes()).expect("a subscription id")
}

#[test]
fn stock_clients_forms_are_read() {
    let said = b"connect {\"verbose\":true,\"headers\":true,\"name\":\"x\"}\r\nPING\r\npong \r\n\
        SUB _INBOX.moh.hq.*  1\r\nUNSUB 3 \r\nUNSUB 3 5\r\nPUB a.b  2\r\nhi\r\n\
        HPUB a.b r.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHPUB a.b r.1 0 2\r\nhi\r\n";
    let publish = |headers: Option<&'static [u8]>, reply: Option<&str>| {
        ClientOp::Publish(Publish {
            subject: subject("a.b"),
            reply: reply.map(subject),
            headers: headers.map(Bytes::from_static),
            payload: Bytes::from_static(b"hi"),
        })
    };
    let expected = vec![
        ClientOp::Connect(Connect {
            verbose: true,
            headers: true,
            no_responders: false,
        }),
        ClientOp::Ping,
        ClientOp::Pong,
        ClientOp::Subscribe(Subscribe {
            subject: subject("_INBOX.moh.hq.*"),
            queue: None,
            sid: sid("1"),
        }),
        ClientOp::Unsubscribe {
            sid: sid("3"),
            after: None,
        },
        ClientOp::Unsubscribe {
            sid: sid("3"),
            after: Some(5),
        },
        publish(None, None),
        publish(Some(b"NATS/1.0\r\n\r\n"), Some("r.1")),
        publish(None, Some("r.1")),
    ];
    assert_eq!(ops(&[said]), Ok(expected));
}

#[test]
fn every_breach_has_its_own_name() {
    let long = [b"PUB ".as_slice(), &[b'a'; 5000]].concat();
    let cases: &[(&[u8], WireFault)] = &[
        (b"GET / HTTP/1.1\r\n", WireFault::UnknownOperation),
        (b"\r\n", WireFault::UnknownOperation),
        (b"+OK\r\n", WireFault::UnknownOperation),
        (&long, WireFault::ControlLineTooLong),
        (b"PING\n", WireFault::LineEnd),
        (b"\n", WireFault::LineEnd),
        (b"PING 1\r\n", WireFault::Arguments),
        (b"PUB a\r\n", WireFault::Arguments),
        (b"PUB a b c 1\r\n", WireFault::Arguments),
        (b"HPUB a b c d 1 2\r\n", WireFault::Arguments),
        (b"UNSUB\r\n", WireFault::Arguments),
        (b"PUB a -1\r\n", WireFault::Length),
        (b"PUB a +1\r\n", WireFault::Length),
        (b"PUB a 01\r\n", WireFault::Length),
        (b"PUB a 1e3\r\n", WireFault::Length),
        (b"PUB a 4294967296\r\n", WireFault::Length),
        (b"PUB a 99999999999999999999\r\n", WireFault::Length),
        (b"PUB a 1048577\r\n", WireFault::PayloadTooLarge),
        (b"PUB a 4294967295\r\n", WireFault::PayloadTooLarge),
        (b"HPUB a 00 1\r\n", WireFault::Length),
        (b"HPUB a 3 2\r\n", WireFault::HeadersTooLong),
        (b"PUB a 1\r\nxyz", WireFault::PayloadEnd),
        (b"PUB a..b 1\r\n", WireFault::Subject),
        (b"PUB .a 1\r\n", WireFault::Subject),
        (b"PUB a. 1\r\n", WireFault::Subject),
        (b"PUB a\0b 1\r\n", WireFault::Subject),
        (b"PUB a\rb 1\r\n", WireFault::Subject),
        (b"PUB a\xffb 1\r\n", WireFault::Subject),
        ("PUB a\u{202e}b 1\r\n".as_bytes(), WireFault::Subject),
        ("PUB a\u{2028}b 1\r\n".as_bytes(), WireFault::Subject),
        ("SUB a\u{200b} 1\r\n".as_bytes(), WireFault::Subject),
        ("SUB a q\u{feff} 1\r\n".as_bytes(), WireFault::Subject),
        (b"SUB >.a 1\r\n", WireFault::Subject),
        (b"SUB a* 1\r\n", WireFault::Subject),
        (b"SUB a q\0 1\r\n", WireFault::Subject),
        (b"SUB a 1;2\r\n", WireFault::Sid),
        (b"CONNECT\r\n", WireFault::Connect),
        (b"CONNECT []\r\n", WireFault::Connect),
        (b"CONNECT {\"verbose\":1}\r\n", WireFault::Connect),
        (
            b"CONNECT {\"verbose\":true,\"verbose\":false}\r\n",
            WireFault::Connect,
        ),
    ];
    for (bytes, fault) in cases {
        let said = String::from_utf8_lossy(bytes);
        assert_eq!(ops(&[bytes]), Err(*fault), "{said}");
    }
}

#[test]
fn a_control_line_of_the_largest_size_passes_and_one_more_byte_does_not() {
    let line = |bytes: usize| [b"PING".to_vec(), vec![b' '; bytes - 4], b"\r\n".to_vec()].concat();
    assert_eq!(ops(&[&line(4096)]), Ok(vec![ClientOp::Ping]));
    assert_eq!(ops(&[&line(4097)]), Err(WireFault::ControlLineTooLong));
    assert_eq!(
        ops(&[&vec![b'x'; 4098]]),
        Err(WireFault::ControlLineTooLong)
    );
}

#[test]
fn a_declared_length_reserves_no_more_than_the_largest_message() {
    let mut parser = ClientParser::new();
    parser.feed(b"PUB a 1048576\r\n");
    assert_eq!(parser.next_op(), Ok(None));
    let room = bytes::BufMut::remaining_mut(&parser.room());
    assert!(room <= 1024 * 1024 + 2, "{room}");
}

#[test]
fn an_idle_connection_waits_in_a_small_buffer_after_a_busy_one() {
    let mut parser = ClientParser::new();
    for _ in 0..8 {
        parser.pace(usize::MAX);
    }
    assert!(bytes::BufMut::remaining_mut(&parser.room()) >= 16 * 1024);
    for _ in 0..8 {
        parser.pace(6);
    }
    assert_eq!(bytes::BufMut::remaining_mut(&parser.room()), READ_BYTES_MIN);
}

#[test]
fn subjects_match_as_nats_matches_them() {
    let cases = [
        ("_INBOX.moh.hq.>", "_INBOX.moh.hq.1", true),
        ("_INBOX.moh.hq.>", "_INBOX.moh.hq", false),
        ("_INBOX.moh.hq.*", "_INBOX.moh.hq.1.2", false),
        ("_INBOX.moh.hq.*.2", "_INBOX.moh.hq.1.2", true),
        ("a.b", "a.b", true),
        ("a.b", "a.b.c", false),
    ];
    for (subscribed, published, matches) in cases {
        assert_eq!(
            subject(subscribed).matches(published),
            matches,
            "{subscribed} {published}"
        );
    }
}

#[test]
fn a_message_is_passed_on_byte_for_byte() {
    let said = b"INFO {\"nonce\":\"n\",\"headers\":true}\r\nMSG a.b 7 r 2\r\nhi\r\nHMSG a.b 8 12 12\r\nNATS/1.0\r\n\r\n\r\n-ERR 'Stale Connection'\r\n+OK\r\nPING\r\nPONG\r\n";
    let frames = frames(&[said]).expect("well-formed frames");
    let [
        ServerFrame::Info(info),
        ServerFrame::Message(first),
        ServerFrame::Message(second),
        ServerFrame::Error(error),
        ServerFrame::Ok,
        ServerFrame::Ping,
        ServerFrame::Pong,
    ] = frames.as_slice()
    else {
        panic!("{frames:?}");
    };
    assert_eq!(info.nonce.as_deref(), Some("n"));
    assert_eq!(first.frame, "MSG a.b 7 r 2\r\nhi\r\n");
    assert_eq!(first.subject(), b"a.b");
    assert_eq!((first.body(), &first.sid), (Bytes::from("hi"), &sid("7")));
    assert_eq!(second.body(), "NATS/1.0\r\n\r\n");
    assert_eq!(error, "Stale Connection");
}

#[test]
fn an_error_stays_on_its_line_and_between_its_quotes() {
    let frame = Frame::new().error("it's\r\nPING").finish();
    assert_eq!(frame, "-ERR 'it`s  PING'\r\n");
}

fn a_subject() -> impl Strategy<Value = Subject> {
    "[a-zA-Z0-9_$-]{1,8}(\\.[a-z0-9]{1,8}){0,3}".prop_map(|text| subject(&text))
}

fn bytes(at_most: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..at_most).prop_map(Bytes::from)
}

fn an_op() -> impl Strategy<Value = ClientOp> {
    let publish = (
        a_subject(),
        prop::option::of(a_subject()),
        prop::option::of(prop::collection::vec(any::<u8>(), 1..64).prop_map(Bytes::from)),
        bytes(3000),
    );
    let subscribe = (a_subject(), 0_u64..1_000_000);
    prop_oneof![
        Just(ClientOp::Ping),
        Just(ClientOp::Pong),
        publish.prop_map(|(subject, reply, headers, payload)| {
            ClientOp::Publish(Publish {
                subject,
                reply,
                headers,
                payload,
            })
        }),
        subscribe.prop_map(|(subject, number)| {
            ClientOp::Subscribe(Subscribe {
                subject,
                queue: None,
                sid: sid(&number.to_string()),
            })
        }),
        (0_u64..1000, prop::option::of(1_usize..1000)).prop_map(|(number, after)| {
            ClientOp::Unsubscribe {
                sid: sid(&number.to_string()),
                after,
            }
        }),
    ]
}

fn encoded(op: &ClientOp) -> Bytes {
    let frame = Frame::new();
    match op {
        ClientOp::Connect(_) => unreachable!("not generated"),
        ClientOp::Ping => frame.ping(),
        ClientOp::Pong => frame.pong(),
        ClientOp::Subscribe(subscribe) => frame.subscribe(&subscribe.subject, &subscribe.sid),
        ClientOp::Unsubscribe { sid, after } => frame.unsubscribe(sid, *after),
        ClientOp::Publish(publish) => match &publish.headers {
            None => frame.publish(&publish.subject, publish.reply.as_ref(), &publish.payload),
            Some(headers) => frame.publish_with_headers(
                &publish.subject,
                publish.reply.as_ref(),
                headers,
                &publish.payload,
            ),
        },
    }
    .finish()
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_operations(
        said in prop::collection::vec(an_op(), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let all: Vec<u8> = said.iter().flat_map(encoded).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(all.len())).collect();
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &all[cut[0]..cut[1]]).collect();
        prop_assert_eq!(ops(&pieces), Ok(said));
    }

    #[test]
    fn garbage_ends_in_a_fault_or_in_waiting_and_never_in_a_grown_buffer(
        pieces in prop::collection::vec(bytes(700), 1..40),
    ) {
        let mut parser = ClientParser::new();
        for piece in &pieces {
            parser.feed(piece);
            let read = std::iter::from_fn(|| parser.next_op().transpose());
            if read.collect::<Result<Vec<_>, _>>().is_err() {
                return Ok(());
            }
            prop_assert!(parser.buffered() <= 1024 * 1024 + 4096 + 2);
        }
    }

    #[test]
    fn nearly_good_lines_never_panic(
        line in "(PUB|HPUB|SUB|UNSUB|CONNECT|MSG|HMSG|INFO|-ERR) [ -~]{0,40}\r\n[ -~]{0,20}\r\n",
    ) {
        let _ = ops(&[line.as_bytes()]);
        let _ = frames(&[line.as_bytes()]);
    }

    #[test]
    fn deliveries_survive_any_split(
        said in prop::collection::vec((a_subject(), bytes(2000)), 1..6),
        step in 1_usize..999,
    ) {
        let seven = sid("7");
        let all: Vec<u8> = said
            .iter()
            .flat_map(|(subject, payload)| Frame::new().message(subject, &seven, payload).finish())
            .collect();
        let pieces: Vec<&[u8]> = all.chunks(step).collect();
        let bodies: Vec<Bytes> = frames(&pieces)
            .expect("well-formed frames")
            .into_iter()
            .map(|frame| match frame {
                ServerFrame::Message(delivery) => delivery.body(),
                other => panic!("{other:?}"),
            })
            .collect();
        let payloads: Vec<Bytes> = said.into_iter().map(|(_, payload)| payload).collect();
        prop_assert_eq!(bodies, payloads);
    }
}
