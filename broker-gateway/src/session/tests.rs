//! Sessions over a pipe; what panics in them is put there by the tests alone.

mod packed;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use schemas::registry::{OfficeName, RegistryEvent};
use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadBuf, ReadHalf};

use super::*;
use crate::fixtures::{self, alone::Alone};
use crate::limits::OFFICE_WORK_SHARE;

const HELLO: &[u8] = b"CONNECT {\"headers\":true}\r\nPING\r\n";
/// What makes the session's own code panic, in the middle of its reading.
const FATAL: &[u8] = b"PANIC\r\n";

/// What is read of a connection; certain bytes are a fault of the gateway's own.
struct Fragile(ReadHalf<DuplexStream>);

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, into);
        assert!(!into.filled().ends_with(FATAL), "on purpose");
        read
    }
}

fn of_loopback() -> Client {
    Client::new(std::net::Ipv4Addr::LOCALHOST.into())
}

/// A client's end of a session that has answered it.
async fn connected(
    gateway: &Arc<Gateway>,
    stop: &CancellationToken,
) -> (DuplexStream, tokio::task::JoinHandle<()>) {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let peer = fixtures::peer("moh/siem-reap");
    let (reader, writer) = tokio::io::split(server);
    let halves = (Fragile(reader), writer, Tongue::Nats, OnTheWire::default());
    let seat = gateway.seats.take(peer.office()).expect("a seat");
    let session = run(
        gateway.clone(),
        peer,
        seat,
        halves,
        of_loopback(),
        stop.clone(),
    );
    let session = tokio::spawn(session);
    client.write_all(HELLO).await.expect("open");
    let mut pong = [0; 6];
    client.read_exact(&mut pong).await.expect("an answer");
    assert_eq!(&pong, b"PONG\r\n");
    (client, session)
}

/// What else the client hears until the connection is closed.
async fn rest(mut client: DuplexStream) -> String {
    let mut all = String::new();
    let read = client.read_to_string(&mut all);
    let closed = tokio::time::timeout(Duration::from_secs(30), read).await;
    closed.expect("the connection is closed").expect("read");
    all
}

fn ends(audit: &[Value]) -> Vec<&str> {
    let ends = audit.iter().filter(|line| line["op"] == "session");
    ends.filter_map(|line| line["code"].as_str()).collect()
}

#[tokio::test]
async fn a_session_that_panics_closes_its_socket_and_leaves_one_audit_line() {
    let (alone, stop) = (Alone::start(), CancellationToken::new());
    for _ in 0..50 {
        let (mut client, session) = connected(&alone.gateway, &stop).await;
        client.write_all(FATAL).await.expect("open");
        let told = rest(client).await;
        assert!(told.contains("session-failed"), "{told}");
        session.await.expect("the panic is caught");
    }
    let audit = alone.audit().await;
    assert_eq!(ends(&audit), ["session-failed"; 50]);
    let failed = audit.iter().filter(|line| line["op"] == "session");
    assert!(
        failed
            .into_iter()
            .all(|line| line["peer"] == "moh/siem-reap")
    );
}

#[tokio::test]
async fn an_answer_that_panics_ends_its_session() {
    let alone = Alone::start();
    let (_client, mut server) = tokio::io::duplex(100);
    let peer = fixtures::peer("moh/siem-reap");
    let seat = alone.gateway.seats.take(peer.office()).expect("a seat");
    let gateway = alone.gateway.clone();
    let seat = (seat, OnTheWire::default());
    let down = Outgoing::new(Tongue::Nats);
    let mut session = Session::new(gateway, peer, seat, of_loopback(), down);
    session.answering.spawn(async {});
    session.answering.spawn(async { panic!("on purpose") });
    let end = session.serve(&mut server, &CancellationToken::new()).await;
    assert_eq!(end, End::Failed);
}

#[tokio::test]
async fn a_session_that_is_dropped_half_way_closes_its_socket() {
    let (alone, stop) = (Alone::start(), CancellationToken::new());
    let (client, session) = connected(&alone.gateway, &stop).await;
    session.abort();
    assert_eq!(rest(client).await, "");
}

#[tokio::test]
async fn every_other_end_leaves_one_audit_line_too() {
    let (alone, stop) = (Alone::start(), CancellationToken::new());
    let (client, left) = connected(&alone.gateway, &stop).await;
    drop(client);
    left.await.expect("no panic");
    let (mut client, breach) = connected(&alone.gateway, &stop).await;
    client.write_all(b"HELO\r\n").await.expect("open");
    assert!(rest(client).await.contains("Unknown Protocol Operation"));
    breach.await.expect("no panic");
    let (client, stopped) = connected(&alone.gateway, &stop).await;
    stop.cancel();
    let last = rest(client).await;
    let info = last.strip_prefix("INFO ").unwrap_or_default();
    let info: Value = serde_json::from_str(info).expect("only INFO comes last");
    assert_eq!(info["ldm"], true, "{last}");
    stopped.await.expect("no panic");
    let audit = alone.audit().await;
    let codes = ["connection-ended", "unknown-operation", "gateway-stops"];
    assert_eq!(ends(&audit), codes);
}

#[tokio::test(start_paused = true)]
async fn who_is_shut_out_and_reads_nothing_is_gone_in_time_all_the_same() {
    let (alone, stop) = (Alone::start(), CancellationToken::new());
    let (mut client, session) = connected(&alone.gateway, &stop).await;
    // Answers fill the line down to the client, until the session waits for room in it.
    let flood = b"PING\r\n".repeat(10_000);
    let stuck = async { while client.write_all(&flood).await.is_ok() {} };
    let stuck = tokio::time::timeout(Duration::from_secs(2), stuck).await;
    assert!(stuck.is_err(), "nothing is read on while nothing is taken");
    alone.say(&RegistryEvent::OfficeClosed(OfficeName {
        office: "moh/siem-reap".parse().expect("an office"),
    }));
    let ended = tokio::time::timeout(Duration::from_secs(4), session).await;
    ended.expect("it ends in time").expect("no panic");
    assert_eq!(ends(&alone.audit().await), ["office-closed"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_records_that_hold_little_is_paid_for_before_more_is_read() {
    let alone = Alone::start();
    let (mut client, mut server) = tokio::io::duplex(100);
    let peer = fixtures::peer("moh/siem-reap");
    let seat = alone.gateway.seats.take(peer.office()).expect("a seat");
    let (gateway, wire) = (alone.gateway.clone(), OnTheWire::default());
    let seat = (seat, wire.clone());
    let down = Outgoing::new(Tongue::Nats);
    let mut session = Session::new(gateway, peer, seat, of_loopback(), down);
    // What stands besides some ten thousand bytes, each in a record of its own.
    let records = 1_000_000;
    wire.came(records);
    client.write_all(HELLO).await.expect("open");
    drop(client);
    let began = Instant::now();
    let end = session.serve(&mut server, &CancellationToken::new()).await;
    assert_eq!(end, End::Gone);
    let price = prices::records(records).as_secs_f64() / OFFICE_WORK_SHARE;
    let waited = began.elapsed().as_secs_f64();
    assert!(price > 1.5 && waited > price - 1.1, "{waited} of {price} s");
}
