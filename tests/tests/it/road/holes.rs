//! A position that the bus has lost: what follows in that log waits at the reader until the position is refilled.
//! In: a message destroyed at nats-server, and put back. Out: the reader's order. Never: a gap that is passed over in silence.

use tests::broker::Broker;

use super::*;

#[tokio::test]
async fn what_follows_a_hole_waits_for_its_refill() {
    let bus = Bus::start(&[PROVINCE, "moh/battambang", HQ]).await;
    let (province, neighbour) = tokio::join!(bus.office(PROVINCE), bus.office("moh/battambang"));
    let submitted = submit_reports(&province, 6).await;
    province.reaches(&submitted[5], "durable").await;
    let broker = Broker::connect(&bus.authority)
        .await
        .expect("nats-server answers");
    let lost = broker
        .message(HEALTH, 3)
        .await
        .expect("the message is there");
    broker
        .lose(HEALTH, 3)
        .await
        .expect("the operator can destroy a message");

    let hq = bus.office(HQ).await;
    let mut other = report(2026, 3);
    other["data"]["orgUnit"] = json!("KH02");
    other["subject"] = json!("KH02/2026Q3");
    let other = neighbour.submit(&other).await;
    let before = hq.receives(HEALTH, 3).await;
    assert_eq!(
        ids(&before),
        [submitted[0].clone(), submitted[1].clone(), other.clone()]
    );
    tests::deadline::until("the hole to be named", || hq.status(), names_the_hole).await;

    broker
        .refill(&lost, 3)
        .await
        .expect("nats-server takes the refill");
    let own = |events: &[Value]| {
        ids(events)
            .into_iter()
            .filter(|id| *id != other)
            .collect::<Vec<String>>()
    };
    assert_eq!(own(&hq.receives(HEALTH, 7).await), submitted);
}

/// The status says of the log that position 3 is missing.
fn names_the_hole(status: &Value) -> bool {
    let logs = status["inbox"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|feed| feed["logs"].as_array().into_iter().flatten());
    let mut own = logs.filter(|log| log["office"] == PROVINCE);
    own.any(|log| log["missing"] == json!([[3, 3]]) && log["complete"] == 2)
}
