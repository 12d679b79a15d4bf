//! What is told of events and of the agent. In: an outbox in each stage. Out: promises. Never: a mock.

use schemas::event::{Hash, Position};

use super::*;
use crate::outbox::Settled;

#[tokio::test]
async fn an_event_tells_its_stage_its_position_and_why_it_was_refused() {
    let door = Door::open();
    let feed = "health-quarterly".parse().expect("a feed");
    for (id, cases) in [("one", 1), ("two", 2), ("three", 3)] {
        door.structured(&event(id, cases)).await.id();
    }
    let waiting = door.app.outbox.waiting(&feed, 0, 10).await.expect("reads");
    let settled = Settled {
        id: "one".into(),
        position: Position::FIRST,
        hash: Hash::of(b"one"),
        data: Hash::of(&waiting[0].bytes),
        bytes: waiting[0].bytes.clone(),
    };
    door.app
        .outbox
        .settle(&feed, vec![settled])
        .await
        .expect("settles");
    let said = r#"{"code":"key-retired","en":"x","km":"y"}"#;
    door.app
        .outbox
        .refuse(&feed, waiting[1].number, said)
        .await
        .expect("refuses");
    door.app.outbox.hold(&feed, "bus-full", "no room");
    let one = door.get("/events/one").await.body;
    assert_eq!(
        one,
        json!({"id": "one", "feed": "health-quarterly", "stage": "stored", "position": 1})
    );
    let two = door.get("/events/two?feed=health-quarterly").await.body;
    assert_eq!(
        (&two["stage"], &two["refusal"]["code"]),
        (&json!("refused"), &json!("key-retired"))
    );
    let three = door.get("/events/three").await.body;
    assert_eq!(
        (&three["stage"], &three["held"]["code"]),
        (&json!("accepted"), &json!("bus-full"))
    );
    assert_eq!(
        door.get("/events/four").await.problem(),
        (404, "event-not-found")
    );
    let tray = door.get("/tray").await.body;
    assert_eq!(tray["refused"][0]["id"], "two");
    let status = door.get("/status").await.body;
    assert_eq!(status["outbox"]["feeds"][0]["waiting"], 1);
    assert_eq!(status["link"]["state"], "connecting");
    let metrics = door.get("/metrics").await;
    let line = "spean_agent_outbox_waiting{feed=\"health-quarterly\"} 1";
    assert!(metrics.text.contains(line), "{}", metrics.text);
}
