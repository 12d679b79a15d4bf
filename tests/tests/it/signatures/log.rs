//! Events whose signature is nobody's: sent to a gateway, and in a log that has one from before.
//! In: runs with 64 random bytes as a signature inside. Out: what is stored; what each reader has. Never: two readers that disagree.

use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::until;
use tests::envoy::Envoy;
use tests::letter::{Key, Letter, LogOf};
use tests::office::Office;

const LOG: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};
const HQ: &str = "moh/hq";
const FINANCE: &str = "mef/hq";

fn report() -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    })
}

/// A log of so many events, each linked to the one before it; these bear 64 random bytes for a signature.
fn log(bus: &Bus, key: &Key, count: u64, bad: &[u64]) -> Vec<Letter> {
    let mut prev = bus.genesis();
    let letter = |position: u64| {
        let letter = Letter::new(&LOG, position, &prev, &report());
        let letter = match bad.contains(&position) {
            true => letter.sign_with(key, &std::array::from_fn(|_| fastrand::u8(..))),
            false => letter.sign(key),
        };
        prev = letter.hash();
        letter
    };
    (1..=count).map(letter).collect()
}

fn ids(letters: &[Letter], without: &[u64]) -> Vec<String> {
    let numbered = (1..).zip(letters);
    let believed = numbered.filter(|(position, _)| !without.contains(position));
    believed
        .map(|(_, letter)| letter.attribute("id").to_owned())
        .collect()
}

async fn broker(bus: &Bus) -> Broker {
    let broker = Broker::connect(&bus.authority).await;
    broker.expect("nats-server answers")
}

async fn append(broker: &Broker, letters: &[Letter]) {
    for letter in letters {
        let stored = broker.append(&LOG.subject(), letter).await;
        stored.expect("nats-server takes what a gateway gives it");
    }
}

#[tokio::test]
async fn a_run_with_random_bytes_as_its_sixth_signature_is_refused_by_name_and_nothing_behind_it_is_stored()
 {
    let bus = Bus::start(&[LOG.office]).await;
    let key = bus.key(LOG.office);
    let mut envoy = Envoy::new(bus.raw(LOG.office).await, LOG.office).await;
    let letters = log(&bus, &key, 12, &[6]);
    let answers = envoy.publish_all(&LOG.subject(), &letters).await;
    for (index, answer) in answers.iter().enumerate() {
        let code = answer["spean"]["code"].as_str();
        let expected = match index {
            0..5 => None,
            5 => Some("signature-invalid"),
            _ => Some("chain-mismatch"),
        };
        assert_eq!(code, expected, "{index}: {answer}");
    }
    let counts = broker(&bus).await.counts(LOG.feed).await;
    let stored = counts.expect("nats-server counts");
    assert_eq!(stored.get(&LOG.subject()), Some(&5));
}

/// What a reader says of the log.
async fn told(reader: &Office) -> Value {
    let path = format!("/feeds/{}/completeness", LOG.feed);
    let body = reader.get(&path).await.body;
    let mut logs = body["logs"].as_array().into_iter().flatten();
    let log = logs.find(|log| log["office"] == LOG.office);
    log.cloned().unwrap_or_default()
}

/// Complete to there, with what is not believed, and what was delivered.
async fn assert_reads(reader: &Office, complete: u64, not_believed: &Value, ids: &[String]) {
    let what = format!("{} to be complete to {complete}", reader.name);
    let told = until(&what, || told(reader), |log| log["complete"] == complete).await;
    assert_eq!(told["not_believed"], *not_believed, "{told}");
    assert_eq!(told["missing"], json!([]), "{told}");
    let received = reader.received(LOG.feed).await;
    let received = received.iter().map(|event| event["id"].as_str());
    let received: Vec<&str> = received.map(|id| id.expect("an id")).collect();
    assert_eq!(received, ids, "{}", reader.name);
}

#[tokio::test]
async fn readers_agree_on_a_log_with_an_unsigned_event_wherever_their_batches_end() {
    let bus = Bus::start(&[LOG.office, HQ, FINANCE]).await;
    let (broker, key) = (broker(&bus).await, bus.key(LOG.office));
    // A pull of a late reader ends with message 500; of the live one's nobody knows.
    let mut letters = log(&bus, &key, 510, &[3, 500]);
    let live = bus.office(HQ).await;
    append(&broker, &letters[..200]).await;
    live.receives(LOG.feed, 199).await;
    append(&broker, &letters[200..500]).await;
    let at_its_end = json!([[3, 3], [500, 500]]);
    let what = "the live reader to see what ends the log";
    until(
        what,
        || told(&live),
        |log| log["not_believed"] == at_its_end,
    )
    .await;
    append(&broker, &letters[500..509]).await;
    let mut late = bus.office(FINANCE).await;
    let believed = ids(&letters[..509], &[3, 500]);
    for reader in [&live, &late] {
        assert_reads(reader, 509, &at_its_end, &believed).await;
    }
    late.kill().await;
    late.resume().await;
    // The gateway appends behind it, by the chain.
    let mut envoy = Envoy::new(bus.raw(LOG.office).await, LOG.office).await;
    let last = letters.split_off(509);
    let stored = envoy.publish(&LOG.subject(), &last[0]).await;
    assert_eq!(stored["error"], Value::Null, "{stored}");
    let believed = [believed, ids(&last, &[])].concat();
    for reader in [&live, &late] {
        assert_reads(reader, 510, &at_its_end, &believed).await;
        let status = reader.status().await;
        let named = status["alarms"].to_string();
        assert!(named.contains("event-not-believed"), "{status}");
        assert!(!named.contains("chain-broken"), "{status}");
        assert_verify_names(reader, &[3, 500]);
    }
}

/// Exports the log, and has it verified.
fn assert_verify_names(reader: &Office, lines: &[u64]) {
    let exported = reader.command(&["export", "--feed", LOG.feed, "--office", LOG.office]);
    assert!(exported.status.success(), "{exported:?}");
    let file = reader.folder().join("exported.ndjson");
    std::fs::write(&file, &exported.stdout).expect("written");
    let verified = reader.command(&["verify", &file.to_string_lossy()]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    let said = String::from_utf8(verified.stdout).expect("text");
    let bad = said.lines().filter(|line| line.starts_with("NOT VERIFIED"));
    let bad: Vec<String> = bad.map(str::to_owned).collect();
    let expected = lines
        .iter()
        .map(|line| format!("NOT VERIFIED: line {line} carries a signature that is not its key's"));
    assert_eq!(bad, expected.collect::<Vec<_>>(), "{said}");
    assert!(said.contains("510 events, positions 1 to 510"), "{said}");
}

#[tokio::test]
async fn an_office_does_not_go_on_behind_what_it_did_not_sign() {
    let bus = Bus::start(&[LOG.office]).await;
    let letters = log(&bus, &bus.key(LOG.office), 4, &[2]);
    let (last, before) = letters.split_last().expect("four");
    append(&broker(&bus).await, before).await;
    let mut envoy = Envoy::new(bus.raw(LOG.office).await, LOG.office).await;
    let stored = envoy.publish(&LOG.subject(), last).await;
    assert_eq!(stored["error"], Value::Null, "{stored}");
    let office = bus.office(LOG.office).await;
    let event = json!({
        "specversion": "1.0",
        "type": LOG.event_type,
        "subject": "KH17/2026Q3",
        "datacontenttype": "application/json",
        "data": report(),
    });
    office.submit(&event).await;
    let held =
        |status: &Value| status["outbox"]["feeds"][0]["held"]["code"] == "own-log-unreadable";
    let status = until("the feed to be held", || office.status(), held).await;
    let text = status["outbox"]["feeds"][0]["held"]["text"].to_string();
    assert!(text.contains("position 2"), "{text}");
}
