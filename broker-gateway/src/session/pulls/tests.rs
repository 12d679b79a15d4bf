mod pieces;

use std::future::pending;

use serde_json::{Value, json};
use tokio::time::{advance, timeout};

use super::*;
use crate::account::{Accounts, Ears};
use crate::fixtures;
use crate::limits::READ_AHEAD_BYTES_MAX;
use crate::request::{self, Asker, Request};
use crate::wire::{ServerFrame, ServerParser, Sid};

const CONSUMER: &str = "$JS.ACK.health-quarterly.moh_hq_1";
const LONG: u64 = 600_000_000_000;

fn subject(text: &str) -> Subject {
    Subject::parse(text.as_bytes()).expect("a subject")
}

fn pull(body: Value) -> Pull {
    pull_of("moh_hq_1", body)
}

fn pull_of(consumer: &str, body: Value) -> Pull {
    let registry = fixtures::registry();
    let asker = Asker {
        peer: &fixtures::peer("moh/hq"),
        registry: &registry,
    };
    let asked = format!("$JS.API.CONSUMER.MSG.NEXT.health-quarterly.{consumer}");
    let asked = subject(&asked);
    match request::read(asker, &asked, true, body.to_string().as_bytes()) {
        Ok(Request::Pull(pull)) => pull,
        other => panic!("{other:?}"),
    }
}

/// Of a session that has taken all that it has asked for.
fn pulls() -> Pulls {
    let office = "moh/hq".parse().expect("an office");
    let account = Accounts::default().of(&office);
    Pulls::new(Arc::new(Semaphore::new(READ_AHEAD_BYTES_MAX)), &account)
}

fn listening_to(to: &str) -> Subscriptions {
    let all = Subscriptions::new(Ears::new(1));
    let sid = Sid::parse(b"1").expect("an id");
    all.add(sid, subject(to)).expect("room");
    all
}

/// The body with which a piece is sent.
fn body(piece: &[u8]) -> Value {
    let piece = std::str::from_utf8(piece).expect("text");
    let (_line, body) = piece.split_once("\r\n").expect("a control line");
    serde_json::from_str(body).expect("JSON")
}

fn try_ask(pulls: &Pulls, reply: &str, said: Value) -> Result<Value, NotAsked> {
    let sent = pulls.ask(&pull(said), &subject(reply));
    sent.map(|piece| body(&piece))
}

/// The interval of heartbeats with which the pull is sent, in seconds.
fn ask(pulls: &Pulls, reply: &str, said: Value) -> Option<u64> {
    let sent = try_ask(pulls, reply, said).expect("asked for");
    sent["idle_heartbeat"]
        .as_u64()
        .map(|nanos| nanos / 1_000_000_000)
}

fn delivery(frame: &str) -> Delivery {
    let mut parser = ServerParser::new();
    parser.feed(frame.as_bytes());
    match parser.next_frame() {
        Ok(Some(ServerFrame::Message(delivery))) => delivery,
        other => panic!("{other:?}"),
    }
}

fn status(reply: &str, status: &str) -> Delivery {
    let headers = format!("NATS/1.0 {status}\r\n\r\n");
    let length = headers.len();
    delivery(&format!(
        "HMSG {reply} 1 {length} {length}\r\n{headers}\r\n"
    ))
}

/// What the consumer has delivered, by its own count.
fn event(consumer: &str, number: u64) -> Delivery {
    let reply = format!("{consumer}.1.7.{number}.1790000000000000000.0");
    delivery(&format!(
        "HMSG spean.log.x.a.b 1 {reply} 12 14\r\nNATS/1.0\r\n\r\n{{}}\r\n"
    ))
}

/// Listens to a broker that says nothing.
async fn silence(pulls: &Pulls, time: Duration) -> Option<Vec<InVain>> {
    match timeout(time, pulls.listen(pending::<()>(), |_reply| true)).await {
        Ok(Ok(())) => unreachable!("nothing comes"),
        Ok(Err(in_vain)) => Some(in_vain),
        Err(_) => None,
    }
}

fn in_vain(reply: &str, pending: u64) -> InVain {
    InVain {
        consumer: "health-quarterly.moh_hq_1".into(),
        reply: subject(reply),
        pending,
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_without_heartbeats_is_told_once_that_it_waits_in_vain() {
    let pulls = pulls();
    let body = json!({"batch": 500, "expires": LONG});
    assert_eq!(ask(&pulls, "_INBOX.moh.hq.p", body), Some(10));
    // Two subscriptions of the client match.
    for _ in 0..2 {
        assert_eq!(pulls.hear(&event(CONSUMER, 8)), Passes::On);
    }
    let began = Instant::now();
    let told = silence(&pulls, PULL_SILENCE_MAX * 2).await;
    assert_eq!(told, Some(vec![in_vain("_INBOX.moh.hq.p", 499)]));
    assert_eq!(began.elapsed(), PULL_SILENCE_MAX);
    assert_eq!(silence(&pulls, PULL_SILENCE_MAX * 2).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_is_asked_while_nothing_is_heard_is_watched_from_then_on() {
    let pulls = pulls();
    let listening = silence(&pulls, PULL_SILENCE_MAX * 3);
    let asking = async {
        advance(PULL_SILENCE_MAX).await;
        let body = json!({"batch": 1, "expires": LONG});
        ask(&pulls, "_INBOX.moh.hq.p", body);
        Instant::now()
    };
    let (told, asked) = tokio::join!(listening, asking);
    assert_eq!(told, Some(vec![in_vain("_INBOX.moh.hq.p", 1)]));
    assert_eq!(asked.elapsed(), PULL_SILENCE_MAX);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_and_events_are_signs_of_life_and_heartbeats_go_no_further() {
    let pulls = pulls();
    let body = json!({"batch": 3, "expires": LONG});
    ask(&pulls, "_INBOX.moh.hq.p", body);
    let almost = PULL_SILENCE_MAX - Duration::from_secs(1);
    let heartbeat = status("_INBOX.moh.hq.p", "100 Idle Heartbeat");
    for _ in 0..3 {
        assert_eq!(silence(&pulls, almost).await, None);
        assert_eq!(pulls.hear(&heartbeat), Passes::NoFurther);
    }
    for number in 1..=3 {
        assert_eq!(silence(&pulls, almost).await, None);
        let long = "$JS.ACK._.hash.health-quarterly.moh_hq_1";
        assert_eq!(pulls.hear(&event(long, number)), Passes::On);
    }
    // It has brought all that it was to bring.
    assert_eq!(silence(&pulls, PULL_SILENCE_MAX * 2).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_the_broker_ends_is_not_watched_any_more() {
    for end in [
        "408 Request Timeout\r\nNats-Pending-Messages: 3\r\nNats-Pending-Bytes: 0",
        "409 Consumer Deleted",
        "503",
    ] {
        let pulls = pulls();
        ask(
            &pulls,
            "_INBOX.moh.hq.p",
            json!({"batch": 3, "expires": LONG}),
        );
        let heard = pulls.hear(&status("_INBOX.moh.hq.p", end));
        assert!(
            matches!(heard, Passes::On | Passes::Ended { .. }),
            "{heard:?}"
        );
        assert_eq!(silence(&pulls, PULL_SILENCE_MAX * 2).await, None, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn pulls_of_one_consumer_share_what_it_delivers() {
    let pulls = pulls();
    for reply in ["_INBOX.moh.hq.p", "_INBOX.moh.hq.q"] {
        ask(&pulls, reply, json!({"batch": 3, "expires": LONG}));
    }
    for number in 1..=4 {
        pulls.hear(&event(CONSUMER, number));
    }
    // nats-server gave two to each.
    let ended = "408 Request Timeout\r\nNats-Pending-Messages: 1";
    pulls.hear(&status("_INBOX.moh.hq.p", ended));
    let told = silence(&pulls, PULL_SILENCE_MAX).await;
    assert_eq!(told, Some(vec![in_vain("_INBOX.moh.hq.q", 1)]));
}

/// An agent that has begun another pass does not listen to the last one's any more, and nats-server tells nobody of its end.
#[tokio::test(start_paused = true)]
async fn a_pull_to_which_nobody_listens_any_more_does_not_wait_in_vain() {
    let pulls = pulls();
    for reply in ["_INBOX.moh.hq.left", "_INBOX.moh.hq.open"] {
        ask(&pulls, reply, json!({"batch": 3, "expires": LONG}));
    }
    for number in 1..=3 {
        pulls.hear(&event(CONSUMER, number));
    }
    let is_heard = |reply: &Subject| reply.as_str() == "_INBOX.moh.hq.open";
    let listening = pulls.listen(pending::<()>(), is_heard);
    // The one that is listened to has brought all that it was to bring.
    assert!(timeout(PULL_SILENCE_MAX * 2, listening).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_heartbeats_gets_them_and_nothing_else() {
    let pulls = pulls();
    let own = json!({"batch": 3, "expires": LONG, "idle_heartbeat": 5_000_000_000_u64});
    assert_eq!(ask(&pulls, "_INBOX.moh.hq.p", own), Some(5));
    let without = json!({"batch": 3, "expires": LONG});
    assert_eq!(ask(&pulls, "_INBOX.moh.hq.q", without), Some(10));
    let heartbeat = |reply| pulls.hear(&status(reply, "100 Idle Heartbeat"));
    assert_eq!(heartbeat("_INBOX.moh.hq.p"), Passes::On);
    assert_eq!(heartbeat("_INBOX.moh.hq.q"), Passes::NoFurther);
    let told = silence(&pulls, PULL_SILENCE_MAX).await;
    assert_eq!(told, Some(vec![in_vain("_INBOX.moh.hq.q", 3)]));
}

#[tokio::test(start_paused = true)]
async fn pulls_that_wait_for_a_moment_are_sent_as_they_are() {
    let pulls = pulls();
    for body in [
        json!({"batch": 3, "expires": 30_000_000_000_u64}),
        json!({"batch": 3, "expires": LONG, "no_wait": true}),
        json!({"batch": 3}),
    ] {
        assert_eq!(ask(&pulls, "_INBOX.moh.hq.p", body), None);
    }
    assert_eq!(silence(&pulls, PULL_SILENCE_MAX * 2).await, None);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_listens_is_no_silence() {
    let pulls = pulls();
    let body = json!({"batch": 3, "expires": LONG});
    ask(&pulls, "_INBOX.moh.hq.p", body);
    let almost = PULL_SILENCE_MAX - Duration::from_secs(1);
    assert_eq!(silence_that_ends(&pulls, almost).await, Ok(()));
    // The client's line is full.
    advance(PULL_SILENCE_MAX * 10).await;
    let heartbeat = status("_INBOX.moh.hq.p", "100 Idle Heartbeat");
    assert_eq!(pulls.listen(async {}, |_reply| true).await, Ok(()));
    assert_eq!(pulls.hear(&heartbeat), Passes::NoFurther);
    assert_eq!(silence_that_ends(&pulls, almost).await, Ok(()));
}

async fn silence_that_ends(pulls: &Pulls, after: Duration) -> Result<(), Vec<InVain>> {
    pulls.listen(sleep(after), |_reply| true).await
}
