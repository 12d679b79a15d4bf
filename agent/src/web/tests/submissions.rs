//! What is posted, and what is answered. In: bodies in every mode, good and bad. Out: promises. Never: a mock.

use super::*;

const BINARY: [(&str, &str); 3] = [
    ("content-type", "application/json"),
    ("ce-specversion", "1.0"),
    ("ce-type", "kh.gov.moh.quarterly-report.submitted.v1"),
];

#[tokio::test]
async fn an_event_is_accepted_in_every_mode_and_is_on_disk_when_it_is() {
    let door = Door::open();
    let structured = door.structured(&event("s", 1)).await;
    let told = json!({"id": "s", "state": "accepted", "feed": "health-quarterly"});
    assert_eq!((structured.status, &structured.body), (202, &told));
    let upper = [(
        "content-type",
        "Application/CloudEvents+JSON; charset=UTF-8",
    )];
    door.post("/events", &upper, event("u", 2).to_string())
        .await
        .id();
    door.post("/events", &BINARY, REPORT).await.id();
    let plain = [("content-type", "application/json")];
    door.post("/feeds/health-quarterly/events", &plain, REPORT)
        .await
        .id();
    door.post("/events?feed=health-quarterly", &plain, REPORT)
        .await
        .id();
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let both = json!([event("b1", 3), event("b2", 4)]).to_string();
    let answer = door.post("/events", &batch, both).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(2)));
    assert_eq!(answer.body["events"][1]["id"], "b2");
    let feed = "health-quarterly".parse().expect("a feed");
    let waiting = door.app.outbox.waiting(&feed, 0, 100).await.expect("reads");
    assert_eq!(waiting.len(), 7);
}

#[tokio::test]
async fn an_id_that_was_accepted_gets_the_same_answer_and_other_content_a_conflict() {
    let door = Door::open();
    let first = door.structured(&event("a/1", 1)).await;
    let mut same = first.body.clone();
    same["again"] = true.into();
    let again = door.structured(&event("a/1", 1)).await;
    assert_eq!((again.status, &again.body), (202, &same));
    let other = door.structured(&event("a/1", 2)).await;
    assert_eq!(other.problem(), (409, "id-taken"));
    let stage = door.get("/events/a%2F1").await;
    assert_eq!(
        stage.body,
        json!({"id": "a/1", "feed": "health-quarterly", "stage": "accepted"})
    );
}

#[tokio::test]
async fn an_idempotency_key_stands_for_the_id_that_data_does_not_have() {
    let door = Door::open();
    let send = async |key: &str, data: String| {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        door.post("/feeds/health-quarterly/events", &headers, data)
            .await
    };
    let first = send("key-1", REPORT.into()).await.id();
    assert_eq!(send("key-1", REPORT.into()).await.id(), first);
    assert_ne!(send("key-2", REPORT.into()).await.id(), first);
    let other = send("key-1", REPORT.replace("39", "40")).await;
    assert_eq!(other.problem(), (409, "id-taken"));
    assert_eq!(
        send("", REPORT.into()).await.problem(),
        (400, "idempotency-key-malformed")
    );
}

#[tokio::test]
async fn nothing_of_a_batch_is_accepted_when_one_event_of_it_is_at_fault() {
    let door = Door::open();
    door.structured(&event("taken", 1)).await.id();
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let mut wrong = event("w", 3);
    wrong["data"]["period"] = "2026".into();
    for (bad, code) in [
        (wrong, "contract-violated"),
        (event("taken", 2), "id-taken"),
        (event("good", 9), "id-taken"),
        (
            json!({"specversion": "1.0", "sequence": "1"}),
            "attribute-unknown",
        ),
    ] {
        let events = json!([event("good", 1), bad]).to_string();
        let answer = door.post("/events", &batch, events).await;
        assert_eq!(answer.problem(), (422, "batch-refused"));
        assert_eq!(answer.body["events"][0]["code"], code);
        assert_eq!(answer.body["events"][0]["event"], 1);
    }
    assert_eq!(
        door.get("/events/good").await.problem(),
        (404, "event-not-found")
    );
    let empty = door.post("/events", &batch, "[]").await;
    assert_eq!(empty.problem(), (422, "batch-empty"));
    let long = json!(vec![json!({}); 1001]).to_string();
    assert_eq!(
        door.post("/events", &batch, long).await.problem(),
        (413, "batch-too-long")
    );
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_accepted_once() {
    let door = Door::open();
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let events = json!([event("1", 1), event("2", 2), event("1", 1)]).to_string();
    let first = door.post("/events", &batch, events.clone()).await;
    assert_eq!(first.status, 202, "{}", first.text);
    let again = |answer: &Answer| -> Vec<bool> {
        let events = answer.body["events"].as_array().expect("events");
        events.iter().map(|event| event["again"] == true).collect()
    };
    assert_eq!(
        again(&first),
        [false, false, true],
        "one stands twice in it"
    );
    let second = door.post("/events", &batch, events).await;
    assert_eq!(again(&second), [true, true, true]);
    assert_eq!(second.body["accepted"], 3);
    let status = door.get("/status").await;
    assert_eq!(status.body["outbox"]["feeds"][0]["waiting"], 2);
}

#[tokio::test]
async fn what_is_not_a_cloudevent_is_refused_with_what_is_wrong() {
    let door = Door::open();
    let post = async |media: &str, body: &str| {
        let answer = door
            .post("/events", &[("content-type", media)], body.to_owned())
            .await;
        let (status, code) = answer.problem();
        (status, code.to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    let event = event("x", 1).to_string();
    assert_eq!(
        post("application/cloudevents+json", "{").await,
        is(400, "not-json")
    );
    let twice = event.replacen("\"id\"", "\"id\":\"y\",\"id\"", 1);
    assert_eq!(
        post("application/cloudevents+json", &twice).await,
        is(400, "header-repeated")
    );
    assert_eq!(
        post("application/cloudevents+avro", &event).await,
        is(415, "media-type-unsupported")
    );
    assert_eq!(
        post("application/cloudevents-batch+avro", "[]").await,
        is(415, "media-type-unsupported")
    );
    assert_eq!(
        post("text/plain", &event).await,
        is(415, "media-type-unsupported")
    );
    assert_eq!(
        post("application/json", &event).await,
        is(422, "feed-unnamed")
    );
    let unknown = door
        .post(
            "/feeds/weather/events",
            &[("content-type", "application/json")],
            "{}",
        )
        .await;
    assert_eq!(unknown.problem(), (404, "feed-unknown"));
}

#[tokio::test]
async fn headers_are_decoded_once_and_the_data_is_the_body_byte_for_byte() {
    let door = Door::open();
    let spaced = REPORT.replace(':', " :\n");
    let mut headers = BINARY.to_vec();
    headers.push(("CE-ID", "Euro%20%E2%82%AC%2520"));
    let id = door.post("/events", &headers, spaced.clone()).await.id();
    assert_eq!(id, "Euro €%20");
    let feed = "health-quarterly".parse().expect("a feed");
    let waiting = door
        .app
        .outbox
        .waiting(&feed, 0, 1)
        .await
        .expect("reads")
        .remove(0);
    let event = schemas::envelope::nats::read_stored_unsigned(&waiting.bytes).expect("an event");
    assert_eq!(event.data(), spaced.as_bytes());
    headers.push(("ce-id", "again"));
    assert_eq!(
        door.post("/events", &headers, spaced).await.problem(),
        (400, "header-repeated")
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_and_without_a_length() {
    let door = Door::open();
    let big = "x".repeat(2 * 1024 * 1024);
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(big.clone())]);
    let streamed = Body::from_stream(pieces);
    let media = [("content-type", "application/cloudevents+json")];
    assert_eq!(
        door.post("/events", &media, big.clone()).await.problem(),
        (413, "body-too-large")
    );
    assert_eq!(
        door.post("/events", &media, streamed).await.problem(),
        (413, "body-too-large")
    );
    let length = [media[0], ("content-length", "2097152")];
    assert_eq!(
        door.post("/events", &length, "{}").await.problem(),
        (413, "body-too-large")
    );
    let data = "x".repeat(1_000_001);
    assert_eq!(
        door.post("/events", &BINARY, data).await.problem(),
        (413, "too-large")
    );
}

#[tokio::test]
async fn a_full_disk_is_said_loudly_and_loses_nothing() {
    let door = Door::with_budget(1024 * 1024);
    let mut accepted = Vec::new();
    let refused = loop {
        let mut event = event(&format!("e{}", accepted.len()), 1);
        event["data"]["dataValues"][0]["comment"] = "x".repeat(500).into();
        let answer = door.structured(&event).await;
        match answer.status {
            202 => accepted.push(answer.id()),
            _ => break answer,
        }
    };
    assert_eq!(refused.problem(), (507, "disk-full"));
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let large = |id: &str| {
        let mut event = event(id, 1);
        event["data"]["dataValues"][0]["comment"] = "x".repeat(500).into();
        event
    };
    let both = json!([large("l1"), large("l2")]).to_string();
    let answer = door.post("/events", &batch, both).await;
    assert_eq!(answer.status, 507, "{}", answer.text);
    let short = |index: u32| json!({"event": index, "code": "disk-full"});
    assert_eq!(
        answer.body["events"],
        json!([short(0), short(1)]),
        "it is said once"
    );
    for id in accepted {
        assert_eq!(door.get(&format!("/events/{id}")).await.status, 200, "{id}");
    }
}

#[tokio::test]
async fn events_that_the_public_sdk_writes_are_accepted() {
    use cloudevents::{AttributesReader as _, EventBuilder as _, EventBuilderV10};
    let door = Door::open();
    let data: Value = serde_json::from_str(REPORT).expect("JSON");
    let event = EventBuilderV10::new()
        .id("sdk-1")
        .source("urn:spean:moh:siem-reap:health-quarterly")
        .ty("kh.gov.moh.quarterly-report.submitted.v1")
        .data("application/json", data)
        .build()
        .expect("an event");
    let posted = door
        .structured(&serde_json::to_value(&event).expect("JSON"))
        .await;
    assert_eq!(posted.id(), event.id());
}

#[tokio::test]
async fn what_would_become_of_a_batch_is_told_and_nothing_is_accepted() {
    let door = Door::open();
    door.structured(&event("a", 1)).await.id();
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let body = json!([event("a", 1), event("b", 2), event("a", 3)]).to_string();
    for path in [
        "/events?check=only",
        "/feeds/health-quarterly/events?check=only",
    ] {
        let answer = door.post(path, &batch, body.clone()).await;
        assert_eq!(answer.status, 200, "{path}");
        let checked = answer.body["checked"].as_array().expect("a list");
        let states: Vec<&Value> = checked.iter().map(|event| &event["state"]).collect();
        assert_eq!(states, ["again", "new", "taken"], "{path}");
    }
    let one = [("content-type", "application/cloudevents+json")];
    let answer = door
        .post("/events?check=only", &one, event("c", 4).to_string())
        .await;
    assert_eq!(answer.body["checked"][0]["state"], "new");
    let wrong = door.post("/events?check=please", &batch, body).await;
    assert_eq!(wrong.problem(), (400, "query-malformed"));
    let feed = "health-quarterly".parse().expect("a feed");
    let waiting = door.app.outbox.waiting(&feed, 0, 100).await.expect("reads");
    assert_eq!(waiting.len(), 1);
}
