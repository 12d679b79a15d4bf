//! What nobody has any more is declared lost by the office whose log it is, and by nobody else; readers go on behind it.
//! In: a hole, and an office that has lost its store. Out: a log that the scrub calls whole again. Never: a position that only looks lost.

use tests::deadline::until;
use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};
use tests::programs::{self, GATEWAY};

use super::*;

const LOG_OF: LogOf<'static> = LogOf {
    office: PROVINCE,
    feed: HEALTH,
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

/// Signed behind its range, with the hash that the log goes on from.
pub(super) fn declaration(bus: &Bus, (first, last): (u64, u64), hash: &str) -> Letter {
    declared(last + 1, hash, &json!({ "first": first, "last": last })).sign(&bus.key(PROVINCE))
}

fn declared(at: u64, hash: &str, gap: &Value) -> Letter {
    Letter::new(&LOG_OF, at, hash, gap)
        .set("type", "kh.gov.nida.spean.gap-declared.v1")
        .set(
            "dataschema",
            "https://spean.gov.kh/contracts/gap-declared/1.1",
        )
}

pub(super) fn scrub(bus: &Bus) -> (bool, Value) {
    let output = programs::output(GATEWAY, &["scrub", &bus.authority.arg(), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let feeds = report["feeds"].as_array().cloned().unwrap_or_default();
    let feed = feeds.into_iter().find(|feed| feed["feed"] == HEALTH);
    let log = feed.expect("the feed has a stream")["logs"][0].clone();
    (output.status.success(), log)
}

fn letter(bus: &Bus, position: u64, hash: &str) -> Letter {
    let data = report(2020, 1)["data"].clone();
    Letter::new(&LOG_OF, position, hash, &data).sign(&bus.key(PROVINCE))
}

async fn publish_seven(bus: &Bus, office: &mut Envoy) -> (Vec<String>, Value) {
    publish(bus, office, 7).await
}

/// A log made by hand; the hash of each event, and the receipt for the last.
pub(super) async fn publish(bus: &Bus, office: &mut Envoy, count: u64) -> (Vec<String>, Value) {
    let mut hashes = vec![bus.genesis()];
    let mut receipt = Value::Null;
    for position in 1..=count {
        let letter = letter(bus, position, hashes.last().expect("the genesis at least"));
        let stored = office.publish(LOG, &letter).await;
        assert_eq!(stored["error"], Value::Null, "{stored}");
        hashes.push(letter.hash());
        receipt = stored["receipt"].clone();
    }
    (hashes.split_off(1), receipt)
}

#[tokio::test]
async fn an_office_declares_what_is_really_missing_from_its_log() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let (hashes, _) = publish_seven(&bus, &mut office).await;
    let subject = format!("{LOG}.gap");
    let good = declaration(&bus, (3, 5), &hashes[4]);
    let nothing_missing = office.publish(&subject, &good).await;
    assert_eq!(nothing_missing["spean"]["code"], "position-taken");

    lose(&broker(&bus).await, &[3, 4, 5]).await;
    assert!(!scrub(&bus).0);
    let other = declaration(&bus, (3, 5), &hashes[3]);
    let unlinked = office.publish(&subject, &other).await;
    assert_eq!(unlinked["spean"]["code"], "chain-mismatch");
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    let foreign = reader.publish(&subject, &good).await;
    assert_eq!(foreign["spean"]["code"], "not-your-log");
    for again in [Value::Null, json!(true)] {
        let stored = office.publish(&subject, &good).await;
        assert_eq!(
            (&stored["error"], &stored["duplicate"]),
            (&Value::Null, &again)
        );
    }
    let (whole, log) = scrub(&bus);
    assert!(whole, "{log}");
    assert_eq!(
        (&log["declared"], &log["head"]),
        (&json!([[3, 5]]), &json!(7))
    );
}

/// An agent that looks every second, and declares what nobody has brought back within two.
const HASTY: &str = "[heal]\ncheck_interval_s = 1\nreader_wait_s = 1\ngap_wait_s = 2\n";

/// Every event of the feed as its lines stand in the file, by id.
fn delivered(file: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    ids(&lines.collect::<Vec<Value>>())
}

fn without_store(office: &Office) {
    let store = office.folder().join("store");
    std::fs::remove_dir_all(store).expect("the store can be removed");
}

/// The texts of a code's alarms, once there is one.
pub(super) async fn alarmed(office: &Office, code: &str) -> Vec<String> {
    let what = format!("{} to tell {code}", office.name);
    let told = || async { alarms(&office.status().await, code) };
    until(&what, told, |told| !told.is_empty()).await
}

#[tokio::test]
async fn what_nobody_has_is_declared_and_whoever_turns_up_with_it_still_brings_it_back() {
    let bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
    let (mut province, mut hq) =
        tokio::join!(bus.office_with(PROVINCE, HASTY), bus.office_with(HQ, CALM));
    let mut submitted = stored_reports(&province, 9).await;
    hq.receives(HEALTH, 9).await;
    hq.kill().await;
    province.kill().await;
    let broker = broker(&bus).await;
    lose(&broker, &[4, 5, 6]).await;
    without_store(&province);
    province.resume().await;
    let lines = bus.folder().join("delivered.ndjson");
    let deliver = format!(
        "[[deliver]]\nfeed = \"{HEALTH}\"\nfile = \"{}\"\n",
        lines.display()
    );
    let finance = bus.office_with(FINANCE, &deliver).await;
    let next = province.submit(&report(2026, 3)).await;
    submitted.push(next);
    let went_on = ids(&finance.receives(HEALTH, 7).await);
    assert_eq!(went_on, [&submitted[..3], &submitted[6..]].concat());
    assert!(alarmed(&finance, "gap-declared").await[0].contains("positions 4 to 6 lost"));
    assert!(
        alarmed(&province, "gap-declared").await[0].contains("positions 4-6 are declared lost")
    );
    let (whole, log) = scrub(&bus);
    assert!(whole && log["declared"] == json!([[4, 6]]), "{log}");
    let said = finance
        .get(&format!("/feeds/{HEALTH}/completeness"))
        .await
        .body;
    let of_province = said["logs"].as_array().into_iter().flatten();
    let of_province = of_province
        .into_iter()
        .find(|log| log["office"] == PROVINCE);
    let of_province = of_province.expect("the log is read");
    assert_eq!(of_province["declared"], json!([[4, 6]]), "{said}");
    assert_eq!(of_province["missing"], json!([]), "{said}");

    hq.resume().await;
    let late = ids(&finance.receives(HEALTH, 10).await);
    assert_eq!(late, [went_on, submitted[3..6].to_vec()].concat());
    assert!(!alarmed(&finance, "gap-refilled").await.is_empty());
    let lines = || async { delivered(&lines) };
    until("each to be delivered once", lines, |lines| *lines == late).await;
    let (whole, log) = scrub(&bus);
    assert!(whole && log["declared"] == json!([]), "{log}");
    let counts = broker.counts(HEALTH).await.expect("nats-server counts");
    assert_eq!(counts[&format!("{LOG}.gap")], 1, "it was declared once");
}

#[tokio::test]
async fn what_somebody_has_is_not_declared_and_is_no_loss() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) =
        tokio::join!(bus.office_with(PROVINCE, EAGER), bus.office_with(HQ, EAGER));
    stored_reports(&province, 9).await;
    hq.receives(HEALTH, 9).await;
    province.kill().await;
    let broker = broker(&bus).await;
    lose(&broker, &[4, 6]).await;
    without_store(&province);
    province.resume().await;
    refilled(&broker, 4).await;
    refilled(&broker, 6).await;
    let next = province.submit(&report(2026, 3)).await;
    province.reaches(&next, "stored").await;
    let counts = broker.counts(HEALTH).await.expect("nats-server counts");
    assert_eq!(counts.get(&format!("{LOG}.gap")), None);
}

#[tokio::test]
async fn a_log_goes_on_behind_its_lost_end_when_that_is_declared() {
    let bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let (hashes, receipt) = publish_seven(&bus, &mut office).await;
    let broker = broker(&bus).await;
    let fifth = broker.message(HEALTH, 5).await.expect("it is there");
    lose(&broker, &[5, 6, 7]).await;
    let early = office.publish(LOG, &letter(&bus, 8, &hashes[6])).await;
    assert_eq!(early["spean"]["code"], "position-ahead");
    let gap_subject = format!("{LOG}.gap");
    let unproved = declaration(&bus, (5, 7), &hashes[6]);
    let held = office.publish(&gap_subject, &unproved).await;
    assert_eq!(held["spean"]["code"], "position-unproved");
    let gap = json!({ "first": 5, "last": 7, "receipt": receipt });
    let end = declared(8, &hashes[6], &gap).sign(&bus.key(PROVINCE));
    let stored = office.publish(&gap_subject, &end).await;
    assert_eq!(stored["error"], Value::Null, "{stored}");
    let (whole, log) = scrub(&bus);
    assert!(whole && log["declared"] == json!([[5, 7]]), "{log}");

    // The office's agent knows nothing of all this, and finds the same end.
    let province = bus.office(PROVINCE).await;
    let next = province.submit(&report(2026, 3)).await;
    let event = province.reaches(&next, "stored").await;
    assert_eq!(event["position"], 9, "behind its notice: {event}");
    let finance = bus.office(FINANCE).await;
    assert_eq!(ids(&finance.receives(HEALTH, 5).await)[4], next);
    alarmed(&finance, "gap-declared").await;
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    let back = super::refills::bring_back(&mut reader, &fifth, 5).await;
    assert_eq!(back["error"], Value::Null, "{back}");
    assert_eq!(finance.receives(HEALTH, 6).await.len(), 6);
    alarmed(&finance, "gap-refilled").await;
}
