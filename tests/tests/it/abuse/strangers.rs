//! Those who never show who they are: they cost little, are let go soon, keep nobody out, and are counted in the audit.
//! In: sockets of several addresses of loopback. Out: offices that get in, lines of the audit. Never: an address of another machine.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tests::deadline::{eventually, within_at_most};
use tests::forge::{self, Claim, Signer};
use tests::proxy::{FaultProxy, Weather};
use tests::raw::{Credentials, Handshake, RawClient, ServerOp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::*;

/// Of each address; together more than all of their places.
const STRANGERS: u8 = 180;
const ADDRESSES: [u8; 3] = [2, 3, 4];
const COMES_IN_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn an_office_gets_in_while_strangers_hold_all_places() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let office = bus.credentials(HEALTH.office);
    let half_hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc][..], &[3; 100]].concat();
    for says in [Vec::new(), half_hello, office.first_flight()] {
        let mut strangers = Vec::new();
        for last in ADDRESSES {
            for _ in 0..STRANGERS {
                strangers.push(stranger(&bus, Ipv4Addr::new(127, 0, 0, last), &says).await);
            }
        }
        // Each time from where nobody has come before.
        for last in 1..=20 {
            let here = Ipv4Addr::new(127, 1, says.len() as u8, last).into();
            let opening = come_in(&bus, here, &office);
            within_at_most(COMES_IN_WITHIN, "an office that is let in", opening).await;
        }
    }
}

async fn come_in(bus: &Bus, here: IpAddr, office: &Credentials) {
    let gateway = bus.gateway.address();
    let client = RawClient::open_from(here, gateway, office, Handshake::TlsFirst).await;
    let mut client = client.expect("the gateway lets an office in");
    let connect = "CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\n";
    client.send(connect).await;
    assert_eq!(client.next().await, Some(ServerOp::Pong));
}

async fn stranger(bus: &Bus, here: Ipv4Addr, says: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((here, 0).into())
        .expect("an address of loopback");
    let connecting = socket.connect(bus.gateway.address());
    let mut stream = within("a connection", connecting)
        .await
        .expect("it listens");
    stream
        .write_all(says)
        .await
        .expect("it was accepted just now");
    stream
}

#[tokio::test]
async fn who_says_nothing_is_waited_for_as_long_as_a_satellite_takes_and_no_longer() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut silent = stranger(&bus, Ipv4Addr::LOCALHOST, b"").await;
    let mut info = Vec::new();
    while !info.ends_with(b"\r\n") {
        let byte = within("INFO", silent.read_u8()).await;
        info.push(byte.expect("INFO comes in the clear"));
    }
    let ends = silent.read_u8();
    tokio::pin!(ends);
    let still = tokio::time::timeout(Duration::from_millis(2_500), &mut ends).await;
    assert!(still.is_err(), "it was let go: {still:?}");
    let end = within_at_most(Duration::from_secs(3), "the end", ends).await;
    assert!(end.is_err(), "a word to a stranger: {end:?}");
}

#[tokio::test]
async fn a_hello_that_stays_half_is_let_go_after_two_seconds() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let mut half = stranger(&bus, Ipv4Addr::LOCALHOST, &[0x16, 3, 1, 2, 0, 1]).await;
    let end = within_at_most(Duration::from_secs(4), "the end", half.read_u8()).await;
    assert!(end.is_err(), "a word to a stranger: {end:?}");
}

#[tokio::test]
async fn an_office_on_a_line_of_9600_bit_a_second_gets_in() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let office = bus.credentials(HEALTH.office);
    let line = FaultProxy::start(bus.gateway.address()).await;
    line.set(Weather::Slow {
        bytes_per_second: 1_200,
    });
    for handshake in [Handshake::TlsFirst, Handshake::InfoFirst] {
        let client = RawClient::open(line.address(), &office, handshake).await;
        client.expect("a slow office is an office");
    }
}

#[tokio::test]
async fn failed_handshakes_are_audited_with_address_and_serial() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let forged = |signer, claim| forge::credentials(bus.authority.folder(), signer, claim);
    let of_office = || Claim::of(&[HEALTH.office]);
    let nobody = Credentials {
        shown: None,
        ..bus.credentials(HEALTH.office)
    };
    let tries = [
        (nobody, "certificate-missing", false),
        (
            forged(Signer::Stranger, of_office()),
            "certificate-issuer-unknown",
            true,
        ),
        (
            forged(Signer::Authority, of_office().expired()),
            "certificate-expired",
            true,
        ),
    ];
    for (credentials, code, shown) in tries {
        let opened =
            RawClient::open(bus.gateway.address(), &credentials, Handshake::TlsFirst).await;
        assert!(opened.is_err(), "let in: {code}");
        let line = line_with(&bus, code).await;
        assert_eq!(line["op"], "strangers", "{line}");
        assert!(words(&line).contains("from 127.0.0.1 (1)"), "{line}");
        assert_eq!(words(&line).contains("; certificates "), shown, "{line}");
    }
}

#[tokio::test]
async fn a_hundred_strangers_are_a_few_lines_of_the_audit() {
    let bus = Bus::start(&[HEALTH.office]).await;
    for _ in 0..100 {
        let mut browser = stranger(&bus, Ipv4Addr::LOCALHOST, b"GET / HTTP/1.1\r\n\r\n").await;
        let mut said = Vec::new();
        let ended = within("the end", browser.read_to_end(&mut said)).await;
        ended.expect("the gateway says INFO and closes");
    }
    let hundred = || async {
        let told = lines_with(&bus, "not-tls");
        let all = told
            .iter()
            .any(|line| words(line).starts_with("100 since "));
        all.then_some(told)
    };
    let told = eventually("the hundredth to be told of", hundred).await;
    assert_eq!(told.len(), 3, "{told:?}");
}

#[tokio::test]
async fn a_certificate_without_an_office_is_audited_with_address_and_serial() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let nameless = forge::credentials(bus.authority.folder(), Signer::Authority, Claim::of(&[]));
    let opened = RawClient::open(bus.gateway.address(), &nameless, Handshake::TlsFirst).await;
    opened.expect("its handshake is good");
    let line = line_with(&bus, "certificate-without-office").await;
    let (_, serial) = words(&line)
        .split_once("from 127.0.0.1, certificate ")
        .expect("both are named");
    assert!(serial.len() >= 2, "{line}");
}

async fn line_with(bus: &Bus, code: &str) -> Value {
    let line = || async { lines_with(bus, code).pop() };
    eventually(code, line).await
}

fn lines_with(bus: &Bus, code: &str) -> Vec<Value> {
    let audit = bus.authority.audit().into_iter();
    audit.filter(|line| line["code"] == code).collect()
}

fn words(line: &Value) -> &str {
    line["subject"].as_str().unwrap_or_default()
}
