//! A program that meets what a newer one has written says so, and goes on as far as it understands: nothing is refused for good, nothing is
//! passed over in silence, and no end of a right is missed. In: lines and events in the words of a later version. Out: holds, alarms and
//! what counts all the same. Never: a stand-in for a part.

use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::{eventually, until};
use tests::envoy::Envoy;
use tests::gateway::Gateway;
use tests::letter::{Letter, LogOf};
use tests::office::Office;
use tests::ports;

const PUBLISHER: &str = "moh/siem-reap";
const READER: &str = "moh/hq";
const FEED: &str = "health-quarterly";
const HEALTH: LogOf<'static> = LogOf {
    office: PUBLISHER,
    feed: FEED,
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

fn report(quarter: u32) -> Value {
    json!({
        "specversion": "1.0",
        "type": HEALTH.event_type,
        "subject": format!("KH17/2026Q{quarter}"),
        "data": data(quarter),
    })
}

fn data(quarter: u32) -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE", "period": format!("2026Q{quarter}"), "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    })
}

async fn is_told(office: &Office, words: &str) {
    let told = |status: &Value| {
        let alarms = status["alarms"].as_array().map_or(&[][..], Vec::as_slice);
        let mut coded = alarms
            .iter()
            .filter(|alarm| alarm["code"] == "registry-outgrown");
        coded.any(|alarm| alarm["text"].to_string().contains(words))
    };
    until("the office to be told", || office.status(), told).await;
}

async fn the_gateway_tells(bus: &Bus, words: &str, times: usize) {
    let log = bus.authority.folder().join("gateway.log");
    let told = || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        (text.matches(words).count() >= times).then_some(())
    };
    eventually(words, told).await;
}

#[tokio::test]
async fn a_registry_that_says_something_newer_is_told_everywhere_and_what_stands_behind_it_counts()
{
    let mut bus = Bus::start(&[PUBLISHER, READER]).await;
    let mut publisher = bus.office(PUBLISHER).await;
    let mut reader = bus.office(READER).await;
    publisher
        .reaches(&publisher.submit(&report(1)).await, "stored")
        .await;
    let newer = bus
        .authority
        .say_newer(r#"{"kind":"seal-broken","office":"moh/hq"}"#);
    let named = format!("position {newer} (seal-broken)");
    the_gateway_tells(&bus, &named, 1).await;
    // Its receipt names the line.
    publisher
        .reaches(&publisher.submit(&report(2)).await, "stored")
        .await;
    is_told(&publisher, &named).await;
    let found = bus.authority.check();
    assert!(
        found.contains(&named) && found.contains("registry-outgrown"),
        "{found}"
    );

    // Everybody works on, also who begins with it, and a newcomer is enrolled and known.
    bus.gateway.restart().await;
    the_gateway_tells(&bus, &named, 2).await;
    publisher.stop().await;
    publisher.resume().await;
    let late = "moh/kampot";
    let bundle = bus.authority.enrol(late, bus.folder());
    let late = Office::start(
        late,
        &bundle,
        &bus.folder().join("late"),
        bus.gateway.address(),
    )
    .await;
    is_told(&late, &named).await;
    publisher
        .reaches(&publisher.submit(&report(3)).await, "stored")
        .await;
    reader.receives(FEED, 3).await;

    // The end of a right that stands behind it is no less one.
    let closes = format!(r#"{{"kind":"office-closed","office":"{PUBLISHER}"}}"#);
    let closes = serde_json::from_str(&closes).expect("a registry event");
    let closed = bus.authority.say(&closes);
    assert_eq!(closed, newer + 3, "the newcomer and its key are known, too");
    let link = |status: &Value| status["link"]["code"] == "office-closed";
    until("the office to be turned away", || publisher.status(), link).await;
    reader.stop().await;
    reader.resume().await;
    is_told(&reader, &named).await;
    let has_it = |status: &Value| status["registry"] == closed;
    until("the reader to have it", || reader.status(), has_it).await;
}

/// Two gateways, and the second one keeps a registry of before an office was enrolled.
#[tokio::test]
async fn readers_at_a_gateway_with_an_older_registry_are_told_and_so_is_the_gateway() {
    let bus = Bus::start(&[READER]).await;
    let second = bus
        .authority
        .twin(&bus.folder().join("second"), ports::free());
    let second = second.with_its_own_registry();
    let gateway = Gateway::start(&second).await;
    let bundle = bus.authority.enrol(PUBLISHER, bus.folder());
    let (at_late, at_reader) = (bus.folder().join("late"), bus.folder().join("reader"));
    let late = Office::start(PUBLISHER, &bundle, &at_late, bus.gateway.address());
    let reader = Office::start(READER, bus.bundle(READER), &at_reader, gateway.address());
    let (late, reader) = tokio::join!(late, reader);
    late.reaches(&late.submit(&report(1)).await, "stored").await;
    let told = |status: &Value| {
        let alarms = status["alarms"].as_array().map_or(&[][..], Vec::as_slice);
        let mut coded = alarms
            .iter()
            .filter(|alarm| alarm["code"] == "registry-behind");
        coded.any(|alarm| alarm["text"].to_string().contains("tell the operator"))
    };
    until("the reader to be told", || reader.status(), told).await;
    assert_eq!(reader.received(FEED).await.len(), 0);
    let found = second.check();
    assert!(
        found.contains("registry-behind: events on the bus"),
        "{found}"
    );
    let found = bus.authority.check();
    assert!(!found.contains("registry-behind"), "{found}");
    // What is delivered now was stored by lines that the gateway has had time to get.
    late.reaches(&late.submit(&report(2)).await, "stored").await;
    let log = second.folder().join("gateway.log");
    let says = || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.contains("registry-behind: ").then_some(())
    };
    eventually("the gateway to say so", says).await;
    second.catch_up(&bus.authority.registry());
    reader.receives(FEED, 2).await;
}

#[tokio::test]
async fn an_event_of_a_newer_format_is_held_by_the_gateway_and_by_readers_and_nobody_loses_it() {
    let bus = Bus::start(&[PUBLISHER, READER]).await;
    let key = bus.key(PUBLISHER);
    let letter = |position, previous: &str| Letter::new(&HEALTH, position, previous, &data(1));
    let first = letter(1, &bus.genesis()).sign(&key);
    let newer = letter(2, &first.hash())
        .with_header("ce-shape: of another time")
        .set("logformat", "2")
        .sign(&key);
    let subject = format!("spean.log.{FEED}.moh.siem-reap");
    let mut client = Envoy::new(bus.raw(PUBLISHER).await, PUBLISHER).await;
    let stored = client.publish(&subject, &first).await;
    assert_eq!(stored["stream"], FEED, "{stored}");
    let held = client.publish(&subject, &newer).await;
    assert_eq!(held["spean"]["code"], "log-format-unknown", "{held}");
    assert_eq!(held["spean"]["answer"], "held", "{held}");
    let words = "it is 2, and 1 is read here";
    assert_eq!(held["spean"]["details"][0]["en"], words, "{held}");

    // A newer gateway took it: readers of today wait before it, and whoever writes behind it is told why.
    let reader = bus.office(READER).await;
    reader.receives(FEED, 1).await;
    let broker = Broker::connect(&bus.authority).await.expect("let in");
    broker.append(&subject, &newer).await.expect("stored");
    let reading =
        |status: &Value| status["reading"][FEED]["logs"][PUBLISHER] == "log-format-unknown";
    until("the reader to say so", || reader.status(), reading).await;
    let behind = letter(3, &newer.hash()).sign(&key);
    let held = client.publish(&subject, &behind).await;
    assert!(
        ["log-format-unknown", "position-ahead"]
            .contains(&held["spean"]["code"].as_str().unwrap_or_default()),
        "{held}"
    );
    drop(client);
    let publisher = bus.office(PUBLISHER).await;
    publisher.submit(&report(3)).await;
    let waits = |status: &Value| {
        let feeds = status["outbox"]["feeds"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        feeds
            .iter()
            .any(|feed| feed["held"]["code"] == "log-format-unknown")
    };
    until("the office to say so", || publisher.status(), waits).await;
    assert_eq!(reader.received(FEED).await.len(), 1);
}
