//! What is pushed to a client that takes nothing does not pile up at nats-server, and comes when it takes again.
//! In: a push consumer, and a client that reads late. Out: what comes, and what nats-server says of it. Never: a figure (`bench abuse` has those).

use std::collections::BTreeSet;
use std::time::Duration;

use tests::raw::{RawClient, ServerOp};
use tokio::time::{sleep, timeout};

use super::pulls::{large_report, position};
use super::*;

/// Of 45 KB each: several times what lies on its way to a client.
const EVENTS: u64 = 400;
const PUSHED: &str = "_INBOX.moh.siem-reap.pushed";
/// The client takes nothing for so long.
const AWAY: Duration = Duration::from_secs(3);

/// Has the own log pushed, from its beginning.
fn push(acknowledged: &str) -> String {
    let (feed, name) = (HEALTH.feed, "moh_siem-reap_push");
    let body = json!({ "stream_name": feed, "config": {
        "name": name, "ack_policy": acknowledged, "deliver_policy": "all", "ack_wait": 2_000_000_000_u64,
        "filter_subject": HEALTH.subject(), "deliver_subject": PUSHED, "mem_storage": true,
    }});
    let (body, reply) = (body.to_string(), "_INBOX.moh.siem-reap.made");
    let length = body.len();
    format!("PUB $JS.API.CONSUMER.CREATE.{feed}.{name} {reply} {length}\r\n{body}\r\n")
}

/// The positions that come until nothing more does; each is acknowledged.
async fn taken(client: &mut RawClient) -> BTreeSet<u64> {
    let mut positions = BTreeSet::new();
    while let Ok(Some(op)) = timeout(Duration::from_secs(5), client.next()).await {
        if let ServerOp::Message(message) = op
            && message.headers.contains("ce-id")
        {
            positions.insert(position(&message));
            let reply = message.reply.expect("a consumer's delivery");
            client.send(format!("PUB {reply} 0\r\n\r\n")).await;
        }
    }
    positions
}

/// What comes to a client that took nothing for a while.
async fn pushed_late(acknowledged: &str) -> BTreeSet<u64> {
    let mut scene = Scene::start().await;
    scene.publish_many(EVENTS, &large_report()).await;
    let mut client = scene.bus.raw(HEALTH.office).await;
    client.send(format!("SUB {PUSHED} 1\r\n")).await;
    client.send(push(acknowledged)).await;
    sleep(AWAY).await;
    let log = scene.bus.authority.nats_configuration();
    let log = std::fs::read_to_string(log.with_extension("log"));
    let log = log.expect("nats-server has a log");
    assert!(!log.contains("Slow Consumer"), "{acknowledged}");
    taken(&mut client).await
}

#[tokio::test]
async fn what_is_pushed_and_acknowledged_comes_whole_to_a_client_that_took_nothing_for_a_while() {
    let positions = pushed_late("explicit").await;
    assert_eq!(positions, (1..=EVENTS).collect());
}

/// What is under way in the moment in which it is not listened to any more is lost, as for any client that comes and goes: who wants
/// all of it acknowledges, or pulls.
#[tokio::test]
async fn what_is_pushed_without_acknowledgement_goes_on_where_its_client_takes_it_again() {
    let positions = pushed_late("none").await;
    assert_eq!(positions.last(), Some(&EVENTS));
    assert!(
        positions.len() as u64 > EVENTS - EVENTS / 10,
        "{positions:?}"
    );
}
