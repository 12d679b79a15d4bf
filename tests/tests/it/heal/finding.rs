//! Who finds out that the bus has lost something, and who brings it back: the office by counts, a reader by counts, a reader that
//! sees a gap, the gateway when it begins, the operator's scrub.
//! In: messages destroyed behind everybody's back. Out: the same positions, refilled by nobody's hand. Never: one of them twice.

use tests::deadline::until;
use tests::programs::{self, GATEWAY};

use super::*;

#[tokio::test]
async fn the_office_finds_holes_by_counts_and_refills_them() {
    let bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office_with(PROVINCE, EAGER).await;
    stored_reports(&province, 9).await;
    let broker = broker(&bus).await;
    lose(&broker, &[2, 5, 6]).await;
    for position in [2, 5, 6] {
        refilled(&broker, position).await;
    }
}

#[tokio::test]
async fn where_the_office_is_gone_a_reader_finds_and_refills_them() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, EAGER));
    stored_reports(&province, 9).await;
    hq.receives(HEALTH, 9).await;
    province.kill().await;
    let broker = broker(&bus).await;
    lose(&broker, &[1, 4]).await;
    refilled(&broker, 1).await;
    refilled(&broker, 4).await;
}

#[tokio::test]
async fn a_gap_is_told_while_it_lasts_and_whoever_has_it_brings_it_back() {
    let bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
    let (mut province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, CALM));
    let submitted = stored_reports(&province, 9).await;
    hq.receives(HEALTH, 9).await;
    province.kill().await;
    hq.kill().await;
    let broker = broker(&bus).await;
    lose(&broker, &[4, 5, 6]).await;

    let finance = bus.office(FINANCE).await;
    let gaps = || async { finance.get("/gaps").await.body };
    let told = until("the gap to be told", gaps, |body| {
        body["gaps"][0]["missing"] == json!([[4, 6]])
    })
    .await;
    let text = told["gaps"][0]["text"].as_str().expect("a sentence");
    let sentence = "moh/siem-reap health-quarterly: positions 4-6 missing since ";
    assert!(text.starts_with(sentence), "{text}");
    let metrics = finance.get("/metrics").await.body.to_string();
    let gauge = r#"spean_agent_gap_positions_missing{feed=\"health-quarterly\",office=\"moh/siem-reap\"} 3"#;
    assert!(metrics.contains(gauge), "{metrics}");
    let alarms = finance.status().await["alarms"].to_string();
    assert!(alarms.contains(sentence), "{alarms}");

    hq.resume().await;
    assert_eq!(ids(&finance.receives(HEALTH, 9).await), submitted);
    until("the gap to close", gaps, |body| body["gaps"] == json!([])).await;
}

#[tokio::test]
async fn a_gateway_that_begins_reads_the_streams_and_asks_for_what_is_missing() {
    let mut bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    stored_reports(&province, 5).await;
    let broker = broker(&bus).await;
    lose(&broker, &[3]).await;
    bus.gateway.restart().await;
    refilled(&broker, 3).await;
}

#[tokio::test]
async fn a_scrub_names_what_is_missing_and_has_it_brought_back() {
    let bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    stored_reports(&province, 5).await;
    let broker = broker(&bus).await;
    let scrub = |json: bool| {
        let folder = bus.authority.arg();
        let flag = ["--json"].into_iter().filter(|_| json);
        let arguments: Vec<&str> = ["scrub", &folder].into_iter().chain(flag).collect();
        let output = programs::output(GATEWAY, &arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    };
    let (whole, text) = scrub(false);
    assert!(whole && text.contains("every log is whole"), "{text}");
    let before: Value = serde_json::from_str(&scrub(true).1).expect("JSON");
    lose(&broker, &[2, 4]).await;
    let (whole, text) = scrub(false);
    assert!(!whole && text.contains("2, 4"), "{text}");
    refilled(&broker, 2).await;
    refilled(&broker, 4).await;
    let (whole, text) = scrub(true);
    assert!(whole, "{text}");
    let after: Value = serde_json::from_str(&text).expect("JSON");
    let log = |report: &Value| {
        let feeds = report["feeds"].as_array().cloned().unwrap_or_default();
        let feed = feeds.into_iter().find(|feed| feed["feed"] == HEALTH);
        feed.expect("the feed has a stream")["logs"][0].clone()
    };
    assert_eq!(log(&before)["hash"], log(&after)["hash"]);
    assert_eq!(log(&after)["refilled"], 2);
}

/// What stands in its log and as a refill counts once: it covers for no other one.
#[tokio::test]
async fn what_stands_twice_hides_no_hole() {
    let mut bus = Bus::start(&[PROVINCE]).await;
    let settings = bus.authority.folder().join("gateway.toml");
    let text = std::fs::read_to_string(&settings).expect("a gateway has settings");
    let eager = text + "\n[heal]\ncheck_interval_s = 1\n";
    std::fs::write(&settings, eager).expect("written");
    bus.gateway.restart().await;
    let province = bus.office_with(PROVINCE, EAGER).await;
    stored_reports(&province, 9).await;
    let broker = broker(&bus).await;
    let fourth = broker.message(HEALTH, 4).await.expect("it is there");
    let beside = broker.refill(&fourth, 4).await;
    beside.expect("nats-server takes it");
    let log = bus.authority.folder().join("gateway.log");
    let told = || async { std::fs::read_to_string(&log).unwrap_or_default() };
    until("the gateway to say so", told, |log| {
        log.contains("positions-twice") && log.contains("twice=4")
    })
    .await;
    let found = bus.authority.check();
    assert!(found.contains("positions-twice: moh/siem-reap"), "{found}");
    // Whoever looks: the gateway, and the office by what it is told.
    lose(&broker, &[6]).await;
    refilled(&broker, 6).await;
    bus.gateway.restart().await;
    lose(&broker, &[7]).await;
    refilled(&broker, 7).await;
}
