//! What is told of events and of the agent. In: an outbox in each stage. Out: promises. Never: a mock.

use schemas::alarm::Alarm;
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
        json!({
            "id": "one", "feed": "health-quarterly", "stage": "durable", "position": 1,
            "confirmed_by": [], "awaited": [], "mls": {"response": "AB"},
        })
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
    assert_eq!(three["held"]["severity"], "error");
    assert_eq!(three["held"]["call"], "operator");
    let to_do = |held: &Value| held["what_to_do"]["en"].as_str().map(str::to_owned);
    assert!(to_do(&three["held"]).is_some_and(|text| text.contains("tell the operator")));
    assert_eq!(
        door.get("/events/four").await.problem(),
        (404, "event-not-found")
    );
    let tray = door.get("/tray").await.body;
    assert_eq!(tray["refused"][0]["id"], "two");
    let status = door.get("/status").await.body;
    assert_eq!(status["outbox"]["feeds"][0]["waiting"], 1);
    assert_eq!(status["link"]["state"], "connecting");
    assert_eq!(status["outbox"]["feeds"][0]["held"]["severity"], "error");
    assert!(status["codes"]["bus-full"]["meaning"]["km"].is_string());
    let metrics = door.get("/metrics").await;
    let line = "spean_agent_outbox_waiting{feed=\"health-quarterly\"} 1";
    assert!(metrics.text.contains(line), "{}", metrics.text);
}

#[tokio::test]
async fn what_is_told_says_what_to_do_and_a_newer_program_s_code_is_told_as_it_came() {
    let door = Door::open();
    let feed = "health-quarterly".parse().expect("a feed");
    door.structured(&event("one", 1)).await.id();
    door.app.outbox.hold(&feed, "moon-in-the-way", "it is full");
    let alarms = door.app.outbox.alarms();
    alarms.raise(Alarm::LogDamaged, "a file does not read".into());
    alarms.raise(Alarm::LogDamaged, "once more".into());
    let status = door.get("/status").await.body;
    let held = &status["outbox"]["feeds"][0]["held"];
    assert_eq!(
        (&held["code"], &held["text"], held.get("severity")),
        (&json!("moon-in-the-way"), &json!("it is full"), None)
    );
    assert_eq!(status["alarms"][0]["severity"], "error");
    assert_eq!(status["alarms"][0]["code"], "log-damaged");
    let codes = status["codes"].as_object().expect("an object");
    assert_eq!(codes.keys().collect::<Vec<_>>(), ["log-damaged"]);
    assert_eq!(codes["log-damaged"]["call"], "technician");
    for language in ["en", "km"] {
        assert!(codes["log-damaged"]["what_to_do"][language].is_string());
    }
    let one = door.get("/events/one").await.body;
    assert_eq!(one["held"].get("what_to_do"), None);
    assert_eq!(one["held"]["code"], "moon-in-the-way");
}

#[tokio::test]
async fn a_refused_event_can_be_put_back_in_line_or_dropped_by_a_person() {
    let door = Door::open();
    let feed = "health-quarterly".parse().expect("a feed");
    for (id, cases) in [("one", 1), ("two", 2)] {
        door.structured(&event(id, cases)).await.id();
    }
    let waiting = door.app.outbox.waiting(&feed, 0, 10).await.expect("reads");
    for waiting in waiting {
        door.app
            .outbox
            .refuse(&feed, waiting.number, "no")
            .await
            .expect("refuses");
    }
    let tray = door.get("/tray").await.body;
    let path = |index: usize| {
        format!(
            "/tray/health-quarterly/{}",
            tray["refused"][index]["number"]
        )
    };
    let released = door.post(&path(0), &[], "").await;
    assert_eq!(
        (released.status, &released.body["id"]),
        (200, &json!("one"))
    );
    let dropped = asked("DELETE", &path(1))
        .body(Body::empty())
        .expect("a request");
    assert_eq!(door.send(dropped).await.body["state"], "dropped");
    assert_eq!(door.get("/events/one").await.body["stage"], "accepted");
    assert_eq!(
        door.get("/events/two").await.problem(),
        (404, "event-not-found")
    );
    assert_eq!(
        door.post(&path(0), &[], "").await.problem(),
        (404, "event-not-found")
    );
}
