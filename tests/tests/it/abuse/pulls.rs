//! A pull comes down whole, and what of it nobody takes costs nats-server next to nothing.
//! In: pulls of one session, one or many, taken or not. Out: what comes, and what nats-server's memory grows by. Never: a figure (`bench abuse` has those).

use std::time::Duration;

use tests::raw::{Message, RawClient};
use tokio::time::timeout;

use super::*;

const REPLY: &str = "_INBOX.moh.siem-reap.pulled";
/// Pulls of one office that are under way.
const PULLS: usize = 64;
const OFFICE_SESSIONS: usize = 8;
/// Events that are more than a pull is asked for while it waits.
const MANY: u64 = 60;

/// A report of 45 KB: more than a pull is asked for while it waits.
pub fn large_report() -> Value {
    let value =
        |number: u32| json!({ "dataElement": format!("ELEMENT_{number:04}"), "value": "125" });
    let mut report = report();
    report["dataValues"] = (0..1_000).map(value).collect();
    report
}

impl Scene {
    /// Events of the own log, as given.
    pub async fn publish_many(&mut self, count: u64, data: &Value) {
        self.publish_and(count, data, data).await;
    }

    /// The same, with another one at their end.
    async fn publish_and(&mut self, count: u64, each: &Value, last: &Value) {
        let mut previous = self.bus.genesis();
        let mut letters = Vec::new();
        for position in 1..=count {
            let data = if position == count { last } else { each };
            let letter = Letter::new(&HEALTH, position, &previous, data).sign(&self.key);
            previous = letter.hash();
            letters.push(letter);
        }
        for letters in letters.chunks(100) {
            let answers = self.envoy.publish_all(&HEALTH.subject(), letters).await;
            for answer in answers {
                assert_eq!(answer["error"], Value::Null, "{answer}");
            }
        }
    }

    /// A consumer of the own log from its beginning.
    async fn consumer(&mut self, name: &str) {
        let create = format!("$JS.API.CONSUMER.CREATE.{}.{name}", HEALTH.feed);
        let body = json!({ "stream_name": HEALTH.feed, "config": {
            "name": name, "ack_policy": "none", "deliver_policy": "all",
            "filter_subject": HEALTH.subject(), "mem_storage": true,
            "inactive_threshold": 300_000_000_000_u64,
        }});
        let made = self.envoy.request(&create, &body.to_string()).await;
        assert_eq!(made["error"], Value::Null, "{made}");
    }
}

fn pull(consumer: &str, reply: &str, body: &Value) -> String {
    let (body, feed) = (body.to_string(), HEALTH.feed);
    let length = body.len();
    format!("PUB $JS.API.CONSUMER.MSG.NEXT.{feed}.{consumer} {reply} {length}\r\n{body}\r\n")
}

/// The positions of events that come, until a status comes, which is told, too.
async fn pulled(client: &mut RawClient) -> (Vec<u64>, String) {
    let mut positions = Vec::new();
    loop {
        let message = client.message().await;
        if message.headers.starts_with("NATS/1.0 ") {
            return (positions, message.headers);
        }
        positions.push(position(&message));
    }
}

pub fn position(message: &Message) -> u64 {
    let mut lines = message.headers.lines();
    let sequence = lines.find_map(|line| line.strip_prefix("ce-sequence: "));
    let sequence = sequence.expect("an event has a position");
    sequence.trim().parse().expect("a number")
}

#[tokio::test]
async fn a_pull_brings_small_and_large_events_in_pieces_that_its_client_does_not_see() {
    let mut scene = Scene::start().await;
    scene.publish_and(MANY, &report(), &large_report()).await;
    scene.consumer("moh_siem-reap_a").await;
    let mut client = scene.bus.raw(HEALTH.office).await;
    client.send(format!("SUB {REPLY} 1\r\n")).await;
    let all = json!({ "batch": MANY + 1, "expires": 4_000_000_000_u64 });
    client.send(pull("moh_siem-reap_a", REPLY, &all)).await;
    let (positions, end) = pulled(&mut client).await;
    assert_eq!(positions, (1..=MANY).collect::<Vec<u64>>());
    assert!(end.starts_with("NATS/1.0 408"), "{end}");
    assert!(end.contains("Nats-Pending-Messages: 1\r\n"), "{end}");
}

#[tokio::test]
async fn a_client_s_own_bound_on_bytes_holds_for_all_pieces_together() {
    let mut scene = Scene::start().await;
    scene.publish_many(MANY, &report()).await;
    scene.consumer("moh_siem-reap_a").await;
    let mut client = scene.bus.raw(HEALTH.office).await;
    client.send(format!("SUB {REPLY} 1\r\n")).await;
    let some = json!({ "batch": MANY + 1, "max_bytes": 60_000, "expires": 60_000_000_000_u64 });
    client.send(pull("moh_siem-reap_a", REPLY, &some)).await;
    let (positions, end) = pulled(&mut client).await;
    let count = positions.len() as u64;
    assert_eq!(positions, (1..=count).collect::<Vec<u64>>());
    assert!(end.contains("409 Message Size Exceeds MaxBytes"), "{end}");
    let left = format!("Nats-Pending-Messages: {}\r\n", MANY + 1 - count);
    assert!(end.contains(&left), "{end}");
    assert!((20..MANY).contains(&count), "{count} came");
}

#[tokio::test]
async fn a_pull_past_those_of_an_office_is_told_to_wait_and_the_session_goes_on() {
    let mut scene = Scene::start().await;
    scene.consumer("moh_siem-reap_a").await;
    let mut client = scene.bus.raw(HEALTH.office).await;
    client.send("SUB _INBOX.moh.siem-reap.* 1\r\n").await;
    let waits = json!({ "batch": 1, "expires": 60_000_000_000_u64 });
    for number in 0..=PULLS {
        let reply = format!("_INBOX.moh.siem-reap.{number}");
        client.send(pull("moh_siem-reap_a", &reply, &waits)).await;
    }
    let told = client.message().await;
    assert_eq!(told.subject, format!("_INBOX.moh.siem-reap.{PULLS}"));
    assert!(told.headers.contains("bound-reached"), "{told:?}");
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let brought = client.message().await;
    assert!(brought.headers.contains("ce-id"), "{brought:?}");
}

/// MiB that are resident of a process.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("it runs");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = kib.expect("its memory").parse().expect("a number");
    kib / 1_024
}

/// What a session says that pulls from every consumer and reads nothing. Each of them has more than a megabyte for each of its pulls.
fn unread(session: usize) -> String {
    let mut asks = format!("SUB _INBOX.moh.siem-reap.{session}.* 1\r\n");
    let all = json!({ "batch": 10_000, "expires": 600_000_000_000_u64 });
    for number in 0..PULLS {
        let reply = format!("_INBOX.moh.siem-reap.{session}.{number}");
        asks.push_str(&pull(&format!("moh_siem-reap_{number}"), &reply, &all));
    }
    asks
}

#[tokio::test]
async fn pulls_that_nobody_takes_cost_nats_server_under_4_mib_a_session() {
    let mut scene = Scene::start().await;
    scene.publish_many(900, &report()).await;
    for number in 0..PULLS {
        scene.consumer(&format!("moh_siem-reap_{number}")).await;
    }
    let mut sessions = Vec::new();
    for number in 0..OFFICE_SESSIONS - 1 {
        sessions.push((number, scene.bus.raw(HEALTH.office).await));
    }
    let (nats, mut worst) = (scene.bus.nats.id(), 0);
    let before = resident(nats);
    for (number, session) in &mut sessions {
        session.send(unread(*number)).await;
    }
    let looking = async {
        loop {
            worst = worst.max(resident(nats));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let over = timeout(Duration::from_secs(10), looking).await;
    assert!(over.is_err(), "it looks on");
    let grown = worst.saturating_sub(before);
    let sessions = sessions.len() as u64;
    assert!(
        grown < 4 * sessions,
        "{before} to {worst} MiB by {sessions} sessions"
    );
    let log = scene
        .bus
        .authority
        .nats_configuration()
        .with_extension("log");
    let log = std::fs::read_to_string(log);
    let log = log.expect("nats-server has a log");
    assert!(!log.contains("Slow Consumer"), "{log}");
}

/// nats-server ends a pull to whose answers nobody listens without a word.
#[tokio::test]
async fn who_stops_listening_to_its_pulls_reads_on() {
    let mut scene = Scene::start().await;
    scene.publish_many(MANY, &report()).await;
    let mut client = scene.bus.raw(HEALTH.office).await;
    let all = json!({ "batch": 1_000, "expires": 600_000_000_000_u64 });
    for sid in ["a", "b"] {
        let (name, reply) = (format!("moh_siem-reap_{sid}"), format!("{REPLY}.{sid}"));
        scene.consumer(&name).await;
        let asks = pull(&name, &reply, &all);
        client.send(format!("SUB {reply} {sid}\r\n{asks}")).await;
        for expected in 1..=MANY {
            assert_eq!(position(&client.message().await), expected);
        }
        client.send(format!("UNSUB {sid}\r\n")).await;
    }
    client.send("SUB _INBOX.moh.siem-reap.read.* r\r\n").await;
    let last = json!({ "last_by_subj": HEALTH.subject() }).to_string();
    let (get, length) = (
        format!("$JS.API.STREAM.MSG.GET.{}", HEALTH.feed),
        last.len(),
    );
    for number in 0..100 {
        let reply = format!("_INBOX.moh.siem-reap.read.{number}");
        let ask = format!("PUB {get} {reply} {length}\r\n{last}\r\n");
        client.send(ask).await;
        assert_eq!(client.message().await.subject, reply);
    }
}
