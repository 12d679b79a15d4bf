//! Operations out of order, out of bounds, out of form.
//! In: bytes on an open connection. Out: the error that ends it. Never: a session that goes on after a breach.

use std::net::SocketAddr;
use std::time::Duration;

use tests::deadline::within;
use tests::raw::{Handshake, RawClient, ServerOp};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::*;

/// Longer than the longest wait that a half operation gets.
const SILENCE_PATIENCE: Duration = Duration::from_secs(50);
const CONNECT: &str = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";

async fn unintroduced(bus: &Bus) -> RawClient {
    let credentials = bus.credentials(HEALTH.office);
    RawClient::open(bus.gateway.address(), &credentials, Handshake::TlsFirst)
        .await
        .expect("the gateway lets an office in")
}

#[tokio::test]
async fn info_first_is_served_as_tls_first() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let credentials = bus.credentials(HEALTH.office);
    let client = RawClient::open(bus.gateway.address(), &credentials, Handshake::InfoFirst).await;
    let mut client = client.expect("the gateway lets an office in");
    client.send(format!("{CONNECT}PING\r\n")).await;
    while let Some(op) = client.next().await {
        if op == ServerOp::Pong {
            return;
        }
    }
    panic!("the connection ended");
}

#[tokio::test]
async fn info_names_no_other_servers() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let client = unintroduced(&bus).await;
    assert_eq!(client.info["connect_urls"], Value::Null, "{}", client.info);
    assert_eq!(client.info["max_payload"], 1_048_576);
    assert_eq!(client.info["headers"], true);
}

#[tokio::test]
async fn a_gateway_that_stops_asks_its_clients_to_go_elsewhere() {
    let mut bus = Bus::start(&[HEALTH.office]).await;
    let mut client = bus.raw(HEALTH.office).await;
    assert_eq!(client.info["client_ip"], "127.0.0.1");
    assert_eq!(client.info["ldm"], Value::Null);
    bus.gateway.leave().await;
    let Some(ServerOp::Info(last)) = client.next().await else {
        panic!("no INFO");
    };
    let last: Value = serde_json::from_str(&last).expect("INFO carries JSON");
    assert_eq!(last["ldm"], true);
    assert_eq!(last["client_id"], client.info["client_id"]);
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn an_operation_before_connect_ends_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for operation in [
        "SUB _INBOX.moh.siem-reap.x 1\r\n",
        "PUB spean.log.health-quarterly.moh.siem-reap 2\r\n{}\r\n",
        "UNSUB 1\r\n",
    ] {
        let mut client = unintroduced(&bus).await;
        client.send(operation).await;
        assert_ends_with_code(client, "connect-expected").await;
    }
}

#[tokio::test]
async fn a_second_connect_ends_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut client = bus.raw(HEALTH.office).await;
    client.send(CONNECT).await;
    assert_ends_with_code(client, "connect-repeated").await;
}

#[tokio::test]
async fn control_lines_of_over_4096_bytes_end_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let long = "x".repeat(5_000);
    for line in [
        format!("PUB {long} 0\r\n\r\n"),
        format!("SUB {long}"),
        long.clone(),
    ] {
        let mut client = bus.raw(HEALTH.office).await;
        client.send(line).await;
        assert_ends_with_code(client, "control-line-too-long").await;
    }
}

#[tokio::test]
async fn a_body_of_two_mebibytes_ends_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut client = bus.raw(HEALTH.office).await;
    // The declared length is enough: nothing of the body is waited for.
    client
        .send("PUB spean.log.health-quarterly.moh.siem-reap 2097152\r\n")
        .await;
    assert_ends_with_code(client, "payload-too-large").await;
}

#[tokio::test]
async fn lengths_that_are_no_plain_numbers_end_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for length in ["-1", "+2", "02", "4294967298", "2x", "0x2"] {
        let mut client = bus.raw(HEALTH.office).await;
        client
            .send(format!(
                "PUB spean.log.health-quarterly.moh.siem-reap {length}\r\n{{}}\r\n"
            ))
            .await;
        assert_ends_with_code(client, "bad-length").await;
    }
}

#[tokio::test]
async fn headers_longer_than_their_message_end_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut client = bus.raw(HEALTH.office).await;
    client
        .send("HPUB spean.log.health-quarterly.moh.siem-reap 20 10\r\n")
        .await;
    assert_ends_with_code(client, "headers-too-long").await;
}

#[tokio::test]
async fn what_is_no_operation_ends_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for bytes in [
        "GET / HTTP/1.1\r\n",
        "MSG a 1 0\r\n\r\n",
        "INFO {}\r\n",
        "A+ x\r\n",
    ] {
        let mut client = bus.raw(HEALTH.office).await;
        client.send(bytes).await;
        assert_ends_with_code(client, "unknown-operation").await;
    }
}

#[tokio::test]
async fn half_a_control_line_and_then_silence_ends_the_connection() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let (mut unknown, mut known) = (unintroduced(&bus).await, bus.raw(HEALTH.office).await);
    unknown.send("CONNE").await;
    known.send("PUB spean.log.health-quarterly.moh.siem-").await;
    let (unknown, known) = tokio::join!(
        unknown.parting_error_within(SILENCE_PATIENCE),
        known.parting_error_within(SILENCE_PATIENCE)
    );
    assert_eq!(unknown, "Authentication Timeout");
    assert!(known.ends_with("(half-operation)"), "{known}");
}

#[tokio::test]
async fn a_client_that_cannot_take_headers_is_told_so() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut client = unintroduced(&bus).await;
    client.send("CONNECT {\"headers\":false}\r\n").await;
    assert_ends_with_code(client, "headers-required").await;
}

/// The connection ends, and its last words carry the code.
async fn assert_ends_with_code(client: RawClient, code: &str) {
    let words = client.parting_error().await;
    assert!(words.ends_with(&format!("({code})")), "{words}");
}

#[tokio::test]
async fn a_peer_that_never_says_a_word_of_tls_is_let_go() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut socket = tokio::net::TcpStream::connect(bus.gateway.address())
        .await
        .expect("the gateway listens");
    let mut seen = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut seen);
    let end = tokio::time::timeout(SILENCE_PATIENCE, end).await;
    assert!(end.is_ok(), "a silent peer keeps its connection");
    assert!(
        seen.starts_with(b"INFO "),
        "{}",
        String::from_utf8_lossy(&seen)
    );
}

/// As many peers without identity as the gateway meets from one address.
const STRANGERS_MAX: usize = 256;

/// A peer that says nothing, from an address of this machine; what it hears first.
async fn silent_peer(bus: &Bus, from: [u8; 4]) -> (TcpStream, Vec<u8>) {
    let socket = TcpSocket::new_v4().expect("the system has sockets");
    socket
        .bind(SocketAddr::from((from, 0)))
        .expect("loopback has all of 127.0.0.0/8");
    let mut stream = socket
        .connect(bus.gateway.address())
        .await
        .expect("the gateway listens");
    let mut heard = vec![0; 5];
    let read = within("INFO or the end", stream.read(&mut heard)).await;
    heard.truncate(read.unwrap_or(0));
    (stream, heard)
}

#[tokio::test]
async fn a_flood_from_one_address_shuts_out_nobody_else() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let flood = (0..STRANGERS_MAX).map(|_| silent_peer(&bus, [127, 0, 0, 2]));
    let flood = futures_util::future::join_all(flood).await;
    assert!(flood.iter().all(|(_, heard)| heard == b"INFO "));
    // From another address an office is let in.
    bus.raw(HEALTH.office).await;
}
