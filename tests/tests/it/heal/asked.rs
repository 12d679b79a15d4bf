//! What a request to heal makes others send: what is missing, and nothing else.
//! In: requests that name more than the bus lacks. Out: what is heard of them, and what a reader sends up. Never: a declared gap.

use std::time::Duration;

use tests::deadline::until;
use tests::envoy::Envoy;
use tokio::time::timeout;

use super::gaps::{declaration, publish};
use super::*;

const ASKED: &str = "spean.heal.health-quarterly.moh.siem-reap";

async fn ask(office: &mut Envoy, missing: &str) {
    let body = format!("{{\"missing\":{missing}}}");
    let length = body.len();
    let said = format!("PUB {ASKED} {length}\r\n{body}\r\n");
    office.client.send(said).await;
}

/// Waits until somebody hears requests: one that was asked before is not asked again within a minute.
async fn listens(bus: &Bus, office: &str) {
    let heard = |line: &Value| {
        let subject = line["subject"].as_str().unwrap_or_default();
        line["op"] == "subscribe" && line["peer"] == office && subject.starts_with("spean.heal.")
    };
    let audit = || async { bus.authority.audit() };
    until("the reader to hear requests", audit, |all| {
        all.iter().any(heard)
    })
    .await;
}

#[tokio::test]
async fn a_request_goes_on_with_what_is_missing_and_nothing_else() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let (hashes, _) = publish(&bus, &mut office, 9).await;
    let broker = broker(&bus).await;
    lose(&broker, &[3, 4, 5]).await;
    let gap = declaration(&bus, (3, 5), &hashes[4]);
    let declared = office.publish(&format!("{LOG}.gap"), &gap).await;
    assert_eq!(declared["error"], Value::Null, "{declared}");
    lose(&broker, &[6, 8]).await;
    let mut hearer = bus.raw(HQ).await;
    hearer.send(format!("SUB {ASKED} 1\r\nPING\r\n")).await;
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    ask(&mut reader, "[[1,2],[4,5],[7,7],[10,20]]").await;
    ask(&mut reader, "[[1,9],[11,11]]").await;
    let heard = hearer.message().await;
    assert_eq!(heard.json(), json!({ "missing": [[6, 6], [8, 8]] }));
    ask(&mut office, "[[1,9],[11,11]]").await;
    ask(&mut office, "[[6,6],[8,8]]").await;
    ask(&mut office, "[[2,6],[11,12]]").await;
    let heard = hearer.message().await;
    assert_eq!(heard.json(), json!({ "missing": [[6, 6], [11, 12]] }));
    let more = timeout(Duration::from_secs(2), hearer.message()).await;
    assert!(more.is_err(), "{more:?}");
}

/// The office names all of its log beside the one position that it has lost.
#[tokio::test]
async fn a_reading_agent_sends_up_what_is_missing_and_not_the_log_around_it() {
    const EVENTS: u64 = 40;
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    publish(&bus, &mut office, EVENTS).await;
    let reader = bus.office_with(HQ, CALM).await;
    reader.receives(HEALTH, EVENTS as usize).await;
    listens(&bus, HQ).await;
    let broker = broker(&bus).await;
    lose(&broker, &[EVENTS - 1]).await;
    let before = reader.line.traffic().up;
    ask(
        &mut office,
        &format!("[[1,{EVENTS}],[{0},{0}]]", EVENTS + 2),
    )
    .await;
    refilled(&broker, EVENTS - 1).await;
    let sent = reader.line.traffic().up - before;
    assert!(sent < 10_000, "{sent} bytes for one event");
}
