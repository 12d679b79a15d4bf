//! The last metre: what arrived at an office is at its applications, whatever happens to files, marks, buses and applications.
//! In: events at provinces, harm at the ministry. Out: what stands in its file, and what its webhook was posted. Never: a verdict before later
//! doubles had time to come.

mod branches;
mod catch_up;
mod harmed;
mod names;
mod numbers;
mod orders;
mod refused;
mod slow;
mod troubles;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tests::application::Application;
use tests::bus::Bus;
use tests::deadline::{eventually, until};
use tests::office::Office;

const FEED: &str = "health-quarterly";
const PROVINCE: &str = "moh/siem-reap";
const NEIGHBOUR: &str = "moh/battambang";
const HQ: &str = "moh/hq";
/// Time in which what is delivered twice would have come.
const QUIET: Duration = Duration::from_secs(3);

fn report(province: &str, id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "source": format!("urn:spean:{}:{FEED}", province.replace('/', ":")),
        "data": {
            "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3",
            "orgUnit": if province == PROVINCE { "KH17" } else { "KH02" },
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
        },
    })
}

/// Submits so many events whose ids begin so, and waits until the bus has them.
async fn submit(office: &Office, begin: &str, count: usize) -> Vec<String> {
    let ids: Vec<String> = (1..=count)
        .map(|number| format!("{begin}-{number}"))
        .collect();
    for some in ids.chunks(200) {
        let events: Vec<Value> = some.iter().map(|id| report(&office.name, id)).collect();
        let kind = "application/cloudevents-batch+json";
        let answer = office
            .post("/events", kind, json!(events).to_string())
            .await;
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    if let Some(last) = ids.last() {
        office.reaches(last, "durable").await;
    }
    ids
}

fn to_file(file: &str) -> String {
    format!("[[deliver]]\nfeed = \"{FEED}\"\nfile = \"{file}\"\n")
}

fn to_webhook(name: &str, url: &str) -> String {
    format!("[[deliver]]\nname = \"{name}\"\nfeed = \"{FEED}\"\nwebhook = \"{url}\"\n")
}

/// The ids of a file's lines; the file may be in the agent's hands at this moment.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let ids = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("a line is an event");
        event["id"].as_str().expect("an id").to_owned()
    });
    ids.collect()
}

async fn has_lines(path: &Path, count: usize) -> Vec<String> {
    let what = format!("{count} lines in {}", path.display());
    eventually(&what, || async {
        Some(lines(path)).filter(|lines| lines.len() >= count)
    })
    .await
}

/// What stands in the file once nothing comes any more.
async fn lines_in_the_end(path: &Path, count: usize) -> Vec<String> {
    has_lines(path, count).await;
    tokio::time::sleep(QUIET).await;
    has_lines(path, count).await
}

fn alarms(status: &Value) -> Vec<(String, String)> {
    let all = status["alarms"].as_array().into_iter().flatten();
    let text = |alarm: &Value, name: &str| alarm[name].as_str().unwrap_or_default().to_owned();
    all.map(|alarm| (text(alarm, "code"), text(alarm, "text")))
        .collect()
}

/// Waits for an alarm, and returns its text.
async fn alarm(office: &Office, code: &str) -> String {
    let what = format!("the alarm {code}");
    eventually(&what, || async {
        let all = alarms(&office.status().await);
        all.into_iter()
            .find(|(known, _)| known == code)
            .map(|(_, text)| text)
    })
    .await
}

/// How it goes with a target.
async fn target(office: &Office, name: &str) -> Value {
    let status = office.status().await;
    let all = status["deliveries"].as_array().into_iter().flatten();
    let found = all.into_iter().find(|target| target["name"] == name);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {name} in {status}"))
}

/// Waits until nothing waits for a target.
async fn is_done(office: &Office, name: &str) -> Value {
    until(
        "everything to be delivered",
        || target(office, name),
        |target| target["waiting"] == 0,
    )
    .await
}

/// Where the agent keeps what was delivered.
fn marks(office: &Office) -> PathBuf {
    let folder = std::fs::read_dir(office.folder().join("store/2/marks"));
    let mut folders = folder.expect("there").flatten();
    folders.next().expect("one bus").path()
}

fn said(output: &std::process::Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    both.concat()
}

fn once(ids: &[String]) -> BTreeMap<String, usize> {
    ids.iter().map(|id| (id.clone(), 1)).collect()
}
