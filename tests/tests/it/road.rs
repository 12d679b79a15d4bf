//! The road works: what an office's programs submit is at those who may read it, once and in order, whatever breaks between.
//! In: submissions over the agent's HTTP API. Out: what readers' agents show. Never: a look into a store.

mod harm;
mod holes;
mod stores;
mod went_back;

use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::office::Office;

const HEALTH: &str = "health-quarterly";
const PROVINCE: &str = "moh/siem-reap";
const HQ: &str = "moh/hq";

/// A quarter's report of Siem Reap, as an office's program would submit it: the agent fills in the rest.
fn report(year: u32, quarter: u32) -> Value {
    json!({
        "specversion": "1.0",
        "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "subject": format!("KH17/{year}Q{quarter}"),
        "datacontenttype": "application/json",
        "data": {
            "dataSet": "QUARTERLY_DENGUE",
            "period": format!("{year}Q{quarter}"),
            "orgUnit": "KH17",
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
        },
    })
}

/// Submits this many reports, one after the other, and returns their ids.
async fn submit_reports(office: &Office, count: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(
            office
                .submit(&report(1990 + number / 4, 1 + number % 4))
                .await,
        );
    }
    ids
}

/// The ids as a reader has them, in its order.
async fn ids_at(reader: &Office, count: usize) -> Vec<String> {
    ids(&reader.receives(HEALTH, count).await)
}

fn ids(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .map(|event| event["id"].as_str().expect("an event has an id").to_owned())
        .collect()
}

/// Bytes of the feed's stream.
async fn stored_bytes(bus: &Bus) -> u64 {
    let broker = Broker::connect(&bus.authority).await;
    let broker = broker.expect("nats-server answers");
    let stream = broker.jetstream().get_stream(HEALTH).await;
    let mut stream = stream.expect("it stands");
    stream.info().await.expect("it answers").state.bytes
}

#[tokio::test]
async fn an_event_comes_down_a_readers_line_once() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    submit_reports(&province, 1).await;
    hq.receives(HEALTH, 1).await;
    let (line, stored) = (hq.line.traffic().down, stored_bytes(&bus).await);
    submit_reports(&province, 40).await;
    hq.receives(HEALTH, 41).await;
    let (line, stored) = (
        hq.line.traffic().down - line,
        stored_bytes(&bus).await - stored,
    );
    assert!(line < stored * 3 / 2, "{line} bytes for {stored} stored");
}

#[tokio::test]
async fn a_report_is_at_the_ministry_as_it_was_submitted() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let id = province.submit(&report(2026, 3)).await;
    let received = hq.receives(HEALTH, 1).await;
    assert_eq!(received[0]["id"], id.as_str());
    assert_eq!(
        received[0]["source"],
        "urn:spean:moh:siem-reap:health-quarterly"
    );
    assert_eq!(received[0]["sequence"], "00000000000000000001");
    assert_eq!(received[0]["data"], report(2026, 3)["data"]);
}

#[tokio::test]
async fn an_event_tells_its_position_once_it_is_settled() {
    let bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    let id = province.submit(&report(2026, 3)).await;
    let event = province.reaches(&id, "durable").await;
    assert_eq!(event["position"], 1, "{event}");
}

#[tokio::test]
async fn reports_keep_their_order() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let submitted = submit_reports(&province, 40).await;
    assert_eq!(ids_at(&hq, 40).await, submitted);
}

#[tokio::test]
async fn a_reader_that_comes_late_has_all_of_it() {
    let bus = Bus::start(&[PROVINCE, "mef/hq"]).await;
    let province = bus.office(PROVINCE).await;
    let submitted = submit_reports(&province, 10).await;
    province.reaches(&submitted[9], "durable").await;
    let finance = bus.office("mef/hq").await;
    assert_eq!(ids_at(&finance, 10).await, submitted);
}

#[tokio::test]
async fn a_bulletin_goes_down_to_every_province() {
    let bus = Bus::start(&["maff/hq", PROVINCE]).await;
    let (maff, province) = tokio::join!(bus.office("maff/hq"), bus.office(PROVINCE));
    let price = json!({
        "admin1_code": "KH17", "commodity": "Rice (mixed, low quality)", "unit": "KG",
        "pricetype": "Retail", "currency": "USD", "price": "0.66",
    });
    let bulletin = json!({
        "specversion": "1.0",
        "type": "kh.gov.maff.price-bulletin.submitted.v1",
        "data": {
            "bulletin": "MAFF-2024-01", "period": "2024-01", "released": "2024-02-05",
            "title_en": "Market prices of 2024-01", "title_km": "តម្លៃទីផ្សារ 2024-01", "prices": [price],
        },
    });
    let id = maff.submit(&bulletin).await;
    let received = province.receives("price-bulletin", 1).await;
    assert_eq!(received[0]["id"], id.as_str());
}

#[tokio::test]
async fn a_feed_that_an_office_may_not_read_shows_nothing() {
    let bus = Bus::start(&[PROVINCE, "moh/battambang"]).await;
    let (province, neighbour) = tokio::join!(bus.office(PROVINCE), bus.office("moh/battambang"));
    let id = province.submit(&report(2026, 3)).await;
    province.reaches(&id, "durable").await;
    let page = neighbour
        .get(&format!("/feeds/{HEALTH}/events?after=0"))
        .await;
    assert!(
        page.status != 200 || page.body["events"] == json!([]),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn an_exported_log_is_verified_offline_and_a_changed_one_is_not() {
    let bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    let submitted = submit_reports(&province, 12).await;
    province.reaches(&submitted[11], "durable").await;
    let exported = province.command(&["export", "--feed", HEALTH, "--office", PROVINCE]);
    assert!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    let text = String::from_utf8(exported.stdout).expect("NDJSON is UTF-8");
    let verdict = |text: &str| {
        let file = bus.folder().join("export.ndjson");
        std::fs::write(&file, text).expect("the test's folder can be written");
        province
            .command(&["verify", &file.to_string_lossy()])
            .status
            .success()
    };
    assert_eq!(text.lines().count(), 12);
    assert!(verdict(&text));
    assert!(!verdict(&text.replacen("\"125\"", "\"5\"", 1)));
    let without_one: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 5)
        .map(|(_, line)| line)
        .collect();
    assert!(!verdict(&without_one.join("\n")));
}
