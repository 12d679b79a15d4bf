//! A stock client is a full citizen: nats-py with an office's certificate, and no code of the project's.
//! In: a plan of steps. Out: what the client saw. Never: a change to the client.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::letter::{Letter, LogOf};

const HEALTH: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

/// Lets the client do the plan as the office, and returns the outcome of each step.
async fn play(bus: &Bus, office: &str, plan: Value) -> Vec<Value> {
    let file = bus
        .folder()
        .join(format!("plan-{}.json", office.replace('/', "-")));
    std::fs::write(&file, plan.to_string()).expect("the test's folder can be written");
    let url = format!("tls://localhost:{}", bus.gateway.address().port());
    let mut python = Command::new("python3");
    python
        .env("PYTHONPATH", library())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/stock_client.py"));
    python
        .arg(url)
        .arg(bus.bundle(office))
        .arg(office)
        .arg(file);
    let done = tokio::task::spawn_blocking(move || python.output())
        .await
        .expect("the task ends")
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("the stock client said {said}\n{errors}"))
}

fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python");
    assert!(
        folder.join("nats").is_dir(),
        "no stock client: run `make tools` once"
    );
    folder
}

fn report() -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3", "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    })
}

fn publish(letter: &Letter) -> Value {
    let headers: serde_json::Map<String, Value> = letter
        .header_pairs()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let data = String::from_utf8_lossy(&letter.data);
    json!({ "publish": { "subject": HEALTH.subject(), "headers": headers, "data": data, "stream": HEALTH.feed } })
}

#[tokio::test]
async fn it_publishes_a_signed_event_and_pulls_a_feed_that_it_may_read() {
    let bus = Bus::start(&[HEALTH.office, "moh/hq"]).await;
    let first = Letter::new(&HEALTH, 1, &bus.genesis(), &report()).sign(&bus.key(HEALTH.office));
    let second = Letter::new(&HEALTH, 2, &first.hash(), &report()).sign(&bus.key(HEALTH.office));
    let outcomes = play(
        &bus,
        HEALTH.office,
        json!([publish(&first), publish(&second), publish(&first)]),
    )
    .await;
    let stored = |seq: u64, duplicate: bool| json!({ "ok": { "stream": HEALTH.feed, "seq": seq, "duplicate": duplicate } });
    assert_eq!(
        outcomes,
        [stored(1, false), stored(2, false), stored(1, true)]
    );

    let pull = json!([{ "pull": { "stream": HEALTH.feed, "filter": "spean.log.health-quarterly.>", "count": 2 } }]);
    let outcomes = play(&bus, "moh/hq", pull).await;
    let received = |letter: &Letter| json!({ "subject": HEALTH.subject(), "id": letter.attribute("id"), "data": report().to_string() });
    assert_eq!(
        outcomes,
        [json!({ "ok": [received(&first), received(&second)] })]
    );
}

#[tokio::test]
async fn it_is_refused_everything_else() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let unsigned = Letter::new(&HEALTH, 1, &bus.genesis(), &report());
    let others = json!({ "pull": { "stream": HEALTH.feed, "filter": "spean.log.health-quarterly.>", "count": 1 } });
    let plan = json!([
        publish(&unsigned),
        others,
        { "request": { "subject": "$JS.API.STREAM.DELETE.health-quarterly", "data": "" } },
        { "request": { "subject": "$JS.API.STREAM.CREATE.mine", "data": "{\"name\":\"mine\"}" } },
        { "subscribe": "spean.log.health-quarterly.>" },
        { "subscribe": "_INBOX.>" },
        { "subscribe": "$SYS.>" },
    ]);
    let outcomes = play(&bus, HEALTH.office, plan).await;
    let refused = |outcome: &Value, code: &str| {
        let words = outcome["refused"]
            .as_str()
            .or(outcome["ok"]["error"]["description"].as_str())
            .unwrap_or_default();
        assert!(words.starts_with(code), "{outcome}");
    };
    refused(&outcomes[0], "event-unsigned");
    refused(&outcomes[1], "request-forbidden");
    refused(&outcomes[2], "subject-forbidden");
    refused(&outcomes[3], "subject-forbidden");
    for outcome in &outcomes[4..] {
        let words = outcome["failed"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        assert!(words.contains("permissions violation"), "{outcome}");
    }
}
