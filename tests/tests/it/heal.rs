//! What the bus loses comes back: holes, tails, whole streams, from the office or from whoever has read it.
//! In: harm done to nats-server's store. Out: the same logs, byte for byte, and readers that lost and doubled nothing. Never: a hand.

mod asked;
mod finding;
mod forks;
mod gaps;
mod refills;
mod rot;
mod takings;
mod whole_streams;

use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::office::Office;

const HEALTH: &str = "health-quarterly";
const PROVINCE: &str = "moh/siem-reap";
const HQ: &str = "moh/hq";
/// Reads every ministry's feeds.
const FINANCE: &str = "mef/hq";
const LOG: &str = "spean.log.health-quarterly.moh.siem-reap";

/// An agent that looks every second, and waits no longer for others.
const EAGER: &str = "[heal]\ncheck_interval_s = 1\nreader_wait_s = 1\n";
/// An agent that looks once, and waits no longer for others.
const CALM: &str = "[heal]\nreader_wait_s = 1\n";

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

/// Submits this many reports, one after the other; the last one is stored when this returns.
async fn stored_reports(office: &Office, count: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let report = report(1990 + number / 4, 1 + number % 4);
        ids.push(office.submit(&report).await);
    }
    if let Some(last) = ids.last() {
        office.reaches(last, "stored").await;
    }
    ids
}

async fn broker(bus: &Bus) -> Broker {
    let broker = Broker::connect(&bus.authority).await;
    broker.expect("nats-server answers")
}

/// Waits until the position stands on a subject of its own.
async fn refilled(broker: &Broker, position: u64) {
    let subject = format!("{LOG}.{position}");
    let what = format!("position {position} to come back");
    let counts = || async { broker.counts(HEALTH).await.expect("nats-server counts") };
    tests::deadline::until(&what, counts, |counts| counts.get(&subject) == Some(&1)).await;
}

async fn lose(broker: &Broker, positions: &[u64]) {
    for position in positions {
        let gone = broker.lose(HEALTH, *position).await;
        gone.expect("the operator can destroy a message");
    }
}

fn ids(events: &[Value]) -> Vec<String> {
    let id = |event: &Value| event["id"].as_str().expect("an event has an id").to_owned();
    events.iter().map(id).collect()
}

/// The texts of an agent's alarms of a code, newest first.
fn alarms(status: &Value, code: &str) -> Vec<String> {
    let alarms = status["alarms"].as_array().into_iter().flatten();
    let of_code = alarms.filter(|alarm| alarm["code"] == code);
    let text = |alarm: &Value| alarm["text"].as_str().unwrap_or_default().to_owned();
    of_code.map(text).collect()
}
