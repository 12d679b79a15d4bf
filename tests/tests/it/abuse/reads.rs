//! Long answers wait their turn at nats-server, and none comes down more often than it was counted.
//! In: reads whose answers another session hears, or one session several times. Out: how many come, and when. Never: an answer that is lost.

use std::time::Duration;

use tests::raw::{Message, RawClient};
use tokio::time::{Instant, timeout_at};

use super::*;

const HEARD: &str = "_INBOX.moh.siem-reap.heard";
const READS: usize = 6;
/// Long reads of one office that are under way at the same time.
const TURNS: usize = 2;
/// Shorter than a turn is kept for whoever else may hear the answer.
const SOON: Duration = Duration::from_secs(4);

/// Its own log from the beginning, answered where that is heard.
fn read_of_own_log() -> String {
    let body = json!({ "seq": 1, "next_by_subj": HEALTH.subject(), "batch": 100 }).to_string();
    let length = body.len();
    format!(
        "PUB $JS.API.DIRECT.GET.{} {HEARD} {length}\r\n{body}\r\n",
        HEALTH.feed
    )
}

/// The ends of answers that come until then.
async fn ends_heard(hearer: &mut RawClient, until: Instant) -> usize {
    let is_end = |message: &Message| message.headers.starts_with("NATS/1.0 204");
    let mut ends = 0;
    while let Ok(message) = timeout_at(until, hearer.message()).await {
        ends += usize::from(is_end(&message));
    }
    ends
}

#[tokio::test]
async fn a_read_whose_answer_another_session_hears_keeps_its_turn() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let mut hearer = scene.bus.raw(HEALTH.office).await;
    // It hears what comes from the broker once it has asked something itself.
    let last = json!({ "last_by_subj": HEALTH.subject() }).to_string();
    let length = last.len();
    let get = format!("$JS.API.STREAM.MSG.GET.{}", HEALTH.feed);
    let ask = format!("PUB {get} {HEARD} {length}\r\n{last}\r\n");
    hearer.send(format!("SUB {HEARD} 1\r\n{ask}")).await;
    let last = hearer.message().await.json();
    assert_eq!(last["error"], Value::Null, "{last}");
    let mut asker = scene.bus.raw(HEALTH.office).await;
    asker.send(read_of_own_log().repeat(READS)).await;
    let began = Instant::now();
    assert_eq!(ends_heard(&mut hearer, began + SOON).await, TURNS);
    let all = within("the others to have their turn", async {
        let mut ends = TURNS;
        while ends < READS {
            ends += ends_heard(&mut hearer, Instant::now() + Duration::from_secs(1)).await;
        }
        ends
    });
    assert_eq!(all.await, READS);
}

#[tokio::test]
async fn what_a_session_would_hear_many_times_is_not_asked_for() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let mut asker = scene.bus.raw(HEALTH.office).await;
    for (sid, subject) in [HEARD, "_INBOX.moh.siem-reap.*"].iter().enumerate() {
        asker.send(format!("SUB {subject} {sid}\r\n")).await;
    }
    asker.send(read_of_own_log()).await;
    let heard = asker.message().await;
    assert!(
        heard.headers.contains("ce-id"),
        "twice is not many: {heard:?}"
    );
    let mut many = scene.bus.raw(HEALTH.office).await;
    for (sid, last) in ["heard", "*", ">"].iter().enumerate() {
        many.send(format!("SUB _INBOX.moh.siem-reap.{last} {sid}\r\n"))
            .await;
    }
    many.send(read_of_own_log()).await;
    let told = many.message().await;
    assert!(told.headers.contains("request-forbidden"), "{told:?}");
    assert!(told.headers.contains("at most 2 subscriptions"), "{told:?}");
}
