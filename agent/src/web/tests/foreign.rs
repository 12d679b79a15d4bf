//! What programs of others send that is not meant for this bus, or not written as it must be: each is told what is wrong, by its
//! name. In: requests as SDKs and curl write them. Out: promises. Never: a mock.

use super::*;

const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

/// Headers of an event in binary mode, and one more.
fn binary<'a>(name: &'a str, value: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "kh.gov.moh.quarterly-report.submitted.v1"),
        (name, value),
    ]
}

/// The places that a problem names, and what it says of the first.
fn named(answer: &Answer) -> (Vec<&str>, &str) {
    let errors = answer.body["errors"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let at = |error: &Value| {
        let at = error["attribute"].as_str().or(error["pointer"].as_str());
        at.map(str::len)
    };
    assert!(errors.iter().all(|error| at(error).is_some()), "{errors:?}");
    let at = errors
        .iter()
        .filter_map(|error| error["attribute"].as_str().or(error["pointer"].as_str()));
    let first = errors.first().and_then(|error| error["en"].as_str());
    (at.collect(), first.unwrap_or_default())
}

#[tokio::test]
async fn an_event_of_another_world_names_no_feed_and_that_is_final() {
    let door = Door::open();
    let foreign = json!({"specversion": "1.0", "id": "1", "source": "https://github.com/cloudevents/spec",
        "type": "com.github.pull_request.opened", "data": {}});
    assert_eq!(
        door.structured(&foreign).await.problem(),
        (422, "feed-unnamed")
    );
}

#[tokio::test]
async fn an_attribute_that_nobody_signs_is_refused_by_its_name_whatever_its_type() {
    let door = Door::open();
    for value in [json!(30), json!(true), json!("x"), json!({"a": 1})] {
        let mut event = event("i", 1);
        event["sampledrate"] = value;
        let answer = door.structured(&event).await;
        assert_eq!(answer.problem(), (400, "attribute-unknown"));
        assert_eq!(named(&answer).0, ["sampledrate"]);
    }
    let mut null = event("n", 1);
    null["sampledrate"] = Value::Null;
    assert_eq!(door.structured(&null).await.status, 202, "null is absent");
    let mut number = event("s", 1);
    number["subject"] = json!(17);
    let answer = door.structured(&number).await;
    assert_eq!(answer.problem(), (400, "attribute-invalid"));
    assert_eq!(named(&answer), (vec!["subject"], "must be text in quotes"));
}

#[tokio::test]
async fn json_of_another_shape_is_told_what_shape_it_must_have() {
    let door = Door::open();
    let list = json!([event("l", 1)]).to_string();
    let answer = door.post("/events", &[STRUCTURED], list).await;
    assert_eq!(answer.problem(), (400, "not-json"));
    assert!(named(&answer).1.contains("cloudevents-batch+json"));
    let one = event("o", 1).to_string();
    let answer = door.post("/events", &[BATCH], one).await;
    assert_eq!(answer.problem(), (400, "not-json"));
    assert!(named(&answer).1.starts_with("a batch is a list"));
    let mut both = event("b", 1);
    both["data_base64"] = "e30=".into();
    let answer = door.structured(&both).await;
    assert_eq!(answer.problem(), (400, "attribute-invalid"));
    assert_eq!(named(&answer).0, ["data_base64"]);
    let plain = [("content-type", "application/json")];
    let answer = door
        .post("/feeds/health-quarterly/events", &plain, "{\"period\": }")
        .await;
    assert_eq!(answer.problem(), (400, "not-json"));
    let without = json!({"id": "x", "data": {}});
    let answer = door.structured(&without).await;
    assert_eq!(answer.problem(), (400, "attribute-missing"));
    assert_eq!(
        named(&answer),
        (vec!["specversion"], "specversion is missing")
    );
}

#[tokio::test]
async fn a_quoted_header_is_what_stands_in_its_quotes() {
    let door = Door::open();
    let feed = "health-quarterly".parse().expect("a feed");
    let values = [
        ("\"KH17/2026Q1\"", "KH17/2026Q1"),
        (r#""a \"b\" \\c""#, r#"a "b" \c"#),
        ("\"%E1%9E%9F\"", "ស"),
        ("5\" pipe", "5\" pipe"),
    ];
    for (value, _) in values {
        let answer = door
            .post("/events", &binary("ce-subject", value), REPORT)
            .await;
        assert_eq!(answer.status, 202, "{value}: {}", answer.text);
    }
    let waiting = door.app.outbox.waiting(&feed, 0, 10).await.expect("reads");
    let subjects: Vec<Option<String>> = waiting
        .iter()
        .map(|waiting| schemas::envelope::nats::read_stored_unsigned(&waiting.bytes))
        .map(|event| event.expect("an event").core().subject.clone())
        .collect();
    let expected = values.map(|(_, subject)| Some(subject.to_owned()));
    assert_eq!(subjects, expected);
    for open in ["\"KH17", "\"KH17\" x", "\"KH17\\"] {
        let answer = door
            .post("/events", &binary("ce-subject", open), REPORT)
            .await;
        assert_eq!(answer.problem(), (400, "header-unreadable"), "{open}");
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_named_and_nats_is_no_word_for_a_browser() {
    let door = Door::open();
    for value in ["សៀមរាប", "%ff"] {
        let answer = door
            .post("/events", &binary("ce-subject", value), REPORT)
            .await;
        assert_eq!(answer.problem(), (400, "header-unreadable"), "{value}");
        assert_eq!(named(&answer).0, ["ce-subject"]);
        assert!(!answer.text.contains("NATS"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_compressed_body_is_told_to_come_as_it_is() {
    let door = Door::open();
    let headers = [STRUCTURED, ("content-encoding", "gzip")];
    let answer = door.post("/events", &headers, vec![0x1f, 0x8b, 8]).await;
    assert_eq!(answer.problem(), (415, "content-encoding-unsupported"));
    assert_eq!(answer.headers["accept-encoding"], "identity");
    let as_it_is = [STRUCTURED, ("content-encoding", "identity")];
    let answer = door
        .post("/events", &as_it_is, event("i", 1).to_string())
        .await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_a_problem_too() {
    let door = Door::open();
    for path in [
        "/events/%ff",
        "/events/%ff/receipt",
        "/feeds/%ff/events",
        "/feeds/%ff/completeness",
        "/logs/health-quarterly/moh/%ff",
        "/logs/health-quarterly/moh/%ff/branches",
    ] {
        assert_eq!(
            door.get(path).await.problem(),
            (400, "path-malformed"),
            "{path}"
        );
    }
    for path in ["/feeds/%ff/events", "/tray/%ff/1"] {
        let answer = door.post(path, &[("content-type", "application/json")], "{}");
        assert_eq!(answer.await.problem(), (400, "path-malformed"), "{path}");
    }
}

#[tokio::test]
async fn a_limit_is_1_to_1000_as_the_document_says() {
    let door = Door::open();
    for (limit, status) in [(0, 400), (1, 200), (1_000, 200), (1_001, 400)] {
        for path in [
            "/feeds/price-bulletin/events",
            "/logs/price-bulletin/maff/hq",
            "/logs/price-bulletin/maff/hq/branches",
        ] {
            let answer = door.get(&format!("{path}?limit={limit}")).await;
            assert_eq!(answer.status, status, "{path} {limit}");
        }
    }
    let answer = door.get("/feeds/price-bulletin/events?limit=0").await;
    assert_eq!(
        named(&answer).1,
        "limit must be a whole number from 1 to 1000"
    );
}

#[tokio::test]
async fn a_log_of_nobody_is_not_found_and_a_feed_that_is_not_open_says_what_is() {
    let door = Door::open();
    for path in [
        "/logs/health-quarterly/MOH/x",
        "/logs/health-quarterly/0/0",
        "/logs/health-quarterly/moh/nowhere/branches",
    ] {
        assert_eq!(
            door.get(path).await.problem(),
            (404, "log-not-found"),
            "{path}"
        );
    }
    let own = door.get("/logs/health-quarterly/moh/siem-reap").await;
    assert_eq!((own.status, &own.body["known"]), (200, &json!(0)));
    let closed = door.get("/feeds/labour-returns/events").await;
    assert_eq!(closed.problem(), (403, "feed-not-readable"));
    assert_eq!(
        named(&closed).1,
        "open to this office for reading: price-bulletin"
    );
    let mut stream = asked("GET", "/feeds/health-quarterly/events");
    stream = stream.header("accept", "text/event-stream");
    let own = door.send(stream.body(Body::empty()).expect("a request"));
    assert_eq!(own.await.problem(), (403, "feed-not-readable"));
}

/// What a linter would say: every operation can be told apart, says what it answers to a stranger, and nothing lies about unused.
#[test]
fn the_document_says_where_it_is_served_and_what_a_stranger_is_answered() {
    let text = include_str!("../openapi.json");
    let document: Value = serde_json::from_str(text).expect("JSON");
    assert!(document["servers"][0]["url"].is_string());
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let said = |name: &str| {
                operation[name]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            };
            assert!(said("summary") && said("description"), "{method} {path}");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
            for status in ["401", "403"] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{method} {path}"
                );
            }
        }
    }
    let components = document["components"].as_object().expect("components");
    for (kind, members) in components {
        for name in members.as_object().expect("members").keys() {
            let reference = format!("\"#/components/{kind}/{name}\"");
            let used = text.contains(&reference) || kind == "securitySchemes";
            assert!(used, "{kind} {name}");
        }
    }
}
