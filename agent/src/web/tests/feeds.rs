//! What arrives, as it is read page by page and as a stream. In: verified events in a real inbox. Out: promises. Never: a mock.

use futures_util::StreamExt as _;
use schemas::chain::Head;
use schemas::event::{Classification, Core, Event, Hash, Position, Timestamp};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::LogName;

use super::*;
use crate::outbox::Telling;
use crate::receive::VerifiedEvent;

/// Another office's log, which grows event by event.
struct Log {
    name: LogName,
    head: Head,
    key: SigningKey,
}

impl Log {
    fn new(source: &str) -> Log {
        Log {
            name: LogName::from_source(source).expect("a log"),
            head: Head::empty(Hash::of(b"genesis")),
            key: SigningKey::generate().expect("a key").0,
        }
    }

    fn sign(&mut self, id: &str, data: &str) -> VerifiedEvent {
        let time = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
        let core = Core {
            id: id.into(),
            event_type: "kh.gov.maff.price-bulletin.submitted.v1".into(),
            subject: None,
            time,
            data_content_type: "application/json".into(),
            data_schema: "https://spean.gov.kh/contracts/price-bulletin/1.0".into(),
            causation_id: None,
            data_classification: Classification::Public,
            data: data.to_owned().into(),
        };
        let event = Event::new(self.name.clone(), core, time).expect("an event");
        let signed = SignedEvent::sign(event, self.head.next().expect("room"), &self.key);
        self.head = Head::of(&signed);
        VerifiedEvent::new(signed)
    }

    async fn arrive(&mut self, door: &Door, ids: &[&str]) {
        let events = ids
            .iter()
            .map(|id| self.sign(id, r#"{"price": 1.10}"#))
            .collect();
        self.keep(door, events).await;
    }

    async fn keep(&self, door: &Door, events: Vec<VerifiedEvent>) {
        let kept = door.app.inbox.keep(&self.name.feed, events, None).await;
        kept.expect("kept");
    }
}

fn bulletin() -> Log {
    Log::new("urn:spean:maff:hq:price-bulletin")
}

fn ids(page: &Answer) -> Vec<&str> {
    let events = page.body["events"].as_array().expect("events");
    events
        .iter()
        .filter_map(|event| event["id"].as_str())
        .collect()
}

#[tokio::test]
async fn a_feed_is_read_page_by_page_in_order_and_its_data_is_not_rewritten() {
    let door = Door::open();
    bulletin().arrive(&door, &["a", "b", "c"]).await;
    let first = door.get("/feeds/price-bulletin/events?limit=2").await;
    assert_eq!(ids(&first), ["a", "b"]);
    assert!(
        first.text.contains(r#""data":{"price": 1.10}"#),
        "{}",
        first.text
    );
    let after = |page: &Answer| format!("/feeds/price-bulletin/events?after={}", page.body["next"]);
    let second = door.get(&after(&first)).await;
    assert_eq!(ids(&second), ["c"]);
    let end = door.get(&after(&second)).await;
    assert_eq!(
        (ids(&end), &end.body["next"]),
        (vec![], &second.body["next"])
    );
    let event = &second.body["events"][0];
    let signed = schemas::envelope::structured::decode(event.to_string().as_bytes());
    assert!(
        signed.is_err(),
        "read and written again, 1.10 is another number"
    );
}

#[tokio::test]
async fn a_stream_begins_where_its_reader_left_off_and_goes_on_with_what_arrives() {
    let door = Door::open();
    let mut log = bulletin();
    log.arrive(&door, &["a", "b", "c"]).await;
    let page = door.get("/feeds/price-bulletin/events?limit=1").await;
    let first = page.body["next"].as_u64().expect("a number");
    let stream = asked("GET", "/feeds/price-bulletin/events")
        .header("accept", "text/event-stream")
        .header("last-event-id", first);
    let mut request = stream.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(door.peer);
    let response = door
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("a router never fails");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut pieces = response.into_body().into_data_stream();
    let mut read = async |expected: &str| {
        let piece = pieces.next().await.expect("more").expect("bytes");
        let text = String::from_utf8(piece.to_vec()).expect("text");
        assert!(text.contains(expected), "{text}");
        text
    };
    let second = read(r#""id":"b""#).await;
    assert!(
        second.starts_with(&format!(
            "id: {}\ndata: {{\"specversion\":\"1.0\",",
            first + 1
        )),
        "{second}"
    );
    read(r#""id":"c""#).await;
    log.arrive(&door, &["d"]).await;
    read(r#""id":"d""#).await;
    door.app.shutdown.cancel();
    assert!(
        pieces.next().await.is_none(),
        "the stream ends with the agent"
    );
}

#[tokio::test]
async fn a_subscriber_can_say_how_complete_each_log_is_and_what_is_missing() {
    let door = Door::open();
    let mut log = Log::new("urn:spean:maff:siem-reap:market-prices");
    let mut events: Vec<VerifiedEvent> = ["1", "2", "3", "4"].map(|id| log.sign(id, "{}")).into();
    events.remove(1);
    log.keep(&door, events).await;
    let heads = [(log.name.clone(), 6)];
    door.app.inbox.note_heads(&heads).expect("noted");
    let told = door.get("/feeds/market-prices/completeness").await.body;
    let logs = told["logs"].as_array().expect("logs");
    let siem_reap = logs
        .iter()
        .find(|log| log["office"] == "maff/siem-reap")
        .expect("there");
    assert_eq!(
        (&siem_reap["complete"], &siem_reap["known"]),
        (&json!(1), &json!(6))
    );
    assert_eq!(siem_reap["missing"], json!([[2, 2], [5, 6]]));
    let bulletin = door.get("/feeds/price-bulletin/completeness").await.body;
    assert_eq!(
        bulletin["logs"][0]["office"], "maff/hq",
        "one that has sent nothing is named, too"
    );
    assert_eq!(bulletin["logs"][0]["complete"], 0);
}

#[tokio::test]
async fn a_log_is_read_by_its_positions_up_to_the_first_gap() {
    let door = Door::open();
    let mut log = bulletin();
    let mut events: Vec<VerifiedEvent> = ["1", "2", "3", "4"].map(|id| log.sign(id, "{}")).into();
    events.remove(2);
    log.keep(&door, events).await;
    let page = door.get("/logs/price-bulletin/maff/hq").await;
    assert_eq!(ids(&page), ["1", "2"]);
    assert_eq!(
        (&page.body["next"], &page.body["known"]),
        (&json!(2), &json!(4))
    );
    let rest = door.get("/logs/price-bulletin/maff/hq?after=3").await;
    assert_eq!(ids(&rest), ["4"]);
    let none = door.get("/logs/price-bulletin/mlvt/hq").await;
    assert_eq!((ids(&none), &none.body["known"]), (vec![], &json!(0)));
}

#[tokio::test]
async fn the_own_log_is_read_like_any_other() {
    let door = Door::open();
    let mut log = Log::new("urn:spean:moh:siem-reap:health-quarterly");
    let event = log.sign("own", REPORT);
    let signed = event.signed();
    let settled = crate::outbox::Settled {
        id: "own".into(),
        position: Position::FIRST,
        hash: signed.hash(),
        data: Hash::of(signed.event().data()),
        bytes: schemas::envelope::nats::stored(signed),
    };
    let taken = door
        .app
        .outbox
        .take_back(&log.name.feed, vec![settled], Telling::Due)
        .await;
    taken.expect("taken back");
    let page = door.get("/logs/health-quarterly/moh/siem-reap").await;
    assert_eq!((ids(&page), &page.body["known"]), (vec!["own"], &json!(1)));
}

#[tokio::test]
async fn feeds_are_listed_with_what_the_office_may_do_there() {
    let door = Door::open();
    let feeds = door.get("/feeds").await.body;
    let may = |name: &str| {
        let feeds = feeds["feeds"].as_array().expect("feeds");
        let feed = feeds
            .iter()
            .find(|feed| feed["feed"] == name)
            .expect("a feed");
        (feed["may_publish"].clone(), feed["may_read"].clone())
    };
    assert_eq!(may("health-quarterly"), (json!(true), json!(false)));
    assert_eq!(may("price-bulletin"), (json!(false), json!(true)));
    assert_eq!(may("market-prices"), (json!(false), json!(false)));
}

#[tokio::test]
async fn a_feed_that_is_none_and_a_number_that_is_none_are_told() {
    let door = Door::open();
    assert_eq!(
        door.get("/feeds/weather/events").await.problem(),
        (404, "feed-not-found")
    );
    assert_eq!(
        door.get("/feeds/No!/completeness").await.problem(),
        (404, "feed-not-found")
    );
    for query in ["after=-1", "after=x", "after=1&after=2", "limit=%ff"] {
        let answer = door
            .get(&format!("/feeds/price-bulletin/events?{query}"))
            .await;
        assert_eq!(answer.problem(), (400, "query-malformed"), "{query}");
    }
}

#[tokio::test]
async fn what_is_read_is_an_event_to_the_public_sdk() {
    use cloudevents::AttributesReader as _;
    let door = Door::open();
    bulletin().arrive(&door, &["a"]).await;
    let page = door.get("/feeds/price-bulletin/events").await.body;
    let event: cloudevents::Event =
        serde_json::from_value(page["events"][0].clone()).expect("an event");
    assert_eq!(
        (event.id(), event.ty()),
        ("a", "kh.gov.maff.price-bulletin.submitted.v1")
    );
    let position = event.extension("sequence").map(ToString::to_string);
    assert_eq!(position.as_deref(), Some("00000000000000000001"));
}

#[tokio::test]
async fn a_number_that_this_inbox_never_gave_is_told_so_and_not_an_empty_page() {
    let door = Door::open();
    bulletin().arrive(&door, &["a", "b"]).await;
    let last = door.get("/feeds/price-bulletin/events").await.body["next"].clone();
    let last = last.as_u64().expect("a number");
    for never in [1, 60_000, last + 1, 1_790_000_000_000] {
        let path = format!("/feeds/price-bulletin/events?after={never}");
        let answer = door.get(&path).await;
        assert_eq!(answer.problem(), (410, "numbering-anew"), "{never}");
        let stream = asked("GET", "/feeds/price-bulletin/events")
            .header("accept", "text/event-stream")
            .header("last-event-id", never);
        let answer = door
            .send(stream.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(answer.problem(), (410, "numbering-anew"), "{never}");
    }
    let path = format!("/feeds/price-bulletin/events?after={last}");
    assert_eq!(door.get(&path).await.status, 200);
}
