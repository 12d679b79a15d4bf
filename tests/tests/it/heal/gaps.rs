//! What nobody has any more is declared lost by the office whose log it is, and by nobody else.
//! In: a hole, and a declaration made by hand. Out: a log that the scrub calls whole again. Never: a position that only looks lost.

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
fn declaration(bus: &Bus, (first, last): (u64, u64), hash: &str) -> Letter {
    let gap = json!({ "first": first, "last": last });
    Letter::new(&LOG_OF, last + 1, hash, &gap)
        .set("type", "kh.gov.nida.spean.gap-declared.v1")
        .set(
            "dataschema",
            "https://spean.gov.kh/contracts/gap-declared/1.0",
        )
        .sign(&bus.key(PROVINCE))
}

fn scrub(bus: &Bus) -> (bool, Value) {
    let output = programs::output(GATEWAY, &["scrub", &bus.authority.arg(), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let feeds = report["feeds"].as_array().cloned().unwrap_or_default();
    let feed = feeds.into_iter().find(|feed| feed["feed"] == HEALTH);
    let log = feed.expect("the feed has a stream")["logs"][0].clone();
    (output.status.success(), log)
}

#[tokio::test]
async fn an_office_declares_what_is_really_missing_from_its_log() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut office = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let (mut hash, mut hashes) = (bus.genesis(), Vec::new());
    for position in 1..=7 {
        let data = report(2020, 1)["data"].clone();
        let letter = Letter::new(&LOG_OF, position, &hash, &data).sign(&bus.key(PROVINCE));
        let stored = office.publish(LOG, &letter).await;
        assert_eq!(stored["error"], Value::Null, "{stored}");
        hash = letter.hash();
        hashes.push(hash.clone());
    }
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
