//! What one peer says again and again is one line of the gateway's log.
//! In: a reader that lies all the time, an office that comes again and again. Out: the log's lines. Never: a flood for its own sake.

use tests::raw::{Handshake, RawClient};

use super::*;

const TIMES: usize = 30;
/// An office's seats.
const SESSIONS: usize = 8;

#[tokio::test]
async fn what_one_peer_causes_again_and_again_is_a_line_a_minute() {
    let bus = Bus::start(&[LIAR]).await;
    let mut liar = Envoy::new(bus.raw(LIAR).await, LIAR).await;
    let word = word(&bus, 1, None);
    let (subject, text) = (word.said().subject().to_string(), word.to_string());
    for _ in 0..TIMES {
        let taken = liar.request(&subject, &text).await;
        assert_eq!(taken["stream"], "confirmations", "{taken}");
        let evidence = "NATS/1.0\r\nSpean-Evidence: {}\r\n\r\n";
        let refused = liar.publish_as(&subject, evidence, text.as_bytes()).await;
        assert_eq!(refused["spean"]["code"], "confirmation-unproved");
    }
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS + TIMES {
        let (gateway, credentials) = (bus.gateway.address(), bus.credentials(LIAR));
        let opened = RawClient::open(gateway, &credentials, Handshake::TlsFirst).await;
        let mut client = opened.expect("TLS lets an office in");
        // Who is turned away may be gone before it has said anything.
        let _ = client.try_send("CONNECT {\"headers\":true}\r\n").await;
        sessions.push(client);
    }
    // Who was silent for long makes room meanwhile.
    let turned_away = |audit: &Vec<Value>| {
        let full = audit
            .iter()
            .filter(|line| line["code"] == "too-many-sessions");
        full.count() >= TIMES / 3
    };
    let authority = &bus.authority;
    let audit = || async move { authority.audit() };
    until("them to stand in the audit", audit, turned_away).await;
    let log = std::fs::read_to_string(bus.authority.folder().join("gateway.log"));
    let log = log.expect("a gateway has a log");
    for said in [
        "a confirmation without evidence",
        "a false confirmation",
        "turned away",
        "connected peer",
    ] {
        // A second one, where a minute has passed meanwhile, says how many it stands for.
        let lines = log.lines().filter(|line| line.contains(said)).count();
        assert!((1..=2).contains(&lines), "{said}: {lines} lines");
    }
}
