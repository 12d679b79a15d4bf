//! A second implementation: tests/clients/protocol.py was written from docs/protocol.md alone, and has nothing of the project's.
//! In: bundles, feeds, the golden vectors. Out: what each implementation has of the other's, and the faults that the second one names. Never: a
//! stand-in for a part.

use std::path::{Path, PathBuf};

use schemas::signing::{PublicKey, SigningKey};
use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::{until, within_at_most};
use tests::letter::{Letter, LogOf};
use tokio::process::Command;

use super::{Client, FEED, PLAN_PATIENCE, left_out, report};

const TYPE: &str = "kh.gov.moh.quarterly-report.submitted.v1";
/// Whose agent is ours, and whose the second implementation.
const OURS: &str = "moh/siem-reap";
const SECOND: &str = "moh/kandal";
const OUR_READER: &str = "moh/hq";
const SECOND_READER: &str = "mef/hq";

/// What a run of the client came to.
#[derive(Debug)]
struct Said {
    good: bool,
    text: String,
}

impl Said {
    /// Its lines that begin with a word.
    fn lines(&self, word: &str) -> Vec<&str> {
        let lines = self.text.lines();
        lines.filter(|line| line.starts_with(word)).collect()
    }

    fn faults(&self) -> Vec<&str> {
        self.lines("FAULT")
    }
}

async fn client(words: &[&str]) -> Said {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.arg(tests.join("clients/protocol.py")).args(words);
    python.env("PYTHONPATH", tests.join("../.tools/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    let run = python.kill_on_drop(true).output();
    let output = within_at_most(PLAN_PATIENCE, "protocol.py", run).await;
    let output = output.expect("python3 can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    Said {
        good: output.status.success(),
        text: String::from_utf8_lossy(&output.stdout).into_owned() + &errors,
    }
}

/// The client as one office, with what it was told of its authority.
async fn client_of(bus: &Bus, office: &str, command: &str, more: &[&str]) -> Said {
    let bundle = bus.bundle(office).to_string_lossy();
    let told = fingerprint(bus, office);
    client(&[&[command, &*bundle, &told], more].concat()).await
}

fn fingerprint(bus: &Bus, office: &str) -> String {
    let text = std::fs::read_to_string(bus.bundle(office).join("authority.pub"));
    let key = PublicKey::try_from(text.expect("a bundle has its key"));
    key.expect("the key is one").fingerprint().to_string()
}

fn file(bus: &Bus, name: &str, text: &str) -> String {
    let path: PathBuf = bus.folder().join(name);
    std::fs::write(&path, text).expect("the test's folder can be written");
    path.to_string_lossy().into_owned()
}

/// A log past every gateway: these positions of it, of which some bear random bytes for a signature.
async fn append(bus: &Bus, office: &str, positions: &[u64], unsigned: &[u64]) {
    let broker = Broker::connect(&bus.authority).await;
    let broker = broker.expect("nats-server answers");
    let log = LogOf {
        office,
        feed: FEED,
        event_type: TYPE,
    };
    let (key, mut previous) = (bus.key(office), bus.genesis());
    for position in 1..=*positions.last().expect("some") {
        let letter = Letter::new(&log, position, &previous, &report("KH17"));
        let letter = match unsigned.contains(&position) {
            true => letter.sign_with(&key, &std::array::from_fn(|_| fastrand::u8(..))),
            false => letter.sign(&key),
        };
        previous = letter.hash();
        if positions.contains(&position) {
            let stored = broker.append(&log.subject(), &letter).await;
            stored.expect("nats-server takes what a gateway gives it");
        }
    }
}

#[tokio::test]
async fn the_second_implementation_agrees_with_every_golden_vector() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/vectors");
    let said = client(&["vectors", &vectors.to_string_lossy()]).await;
    assert!(said.good, "{said:?}");
    // One event in its forms, three receipts, three confirmations, one evidence; and the cases of signatures.
    assert_eq!(said.lines("good").len(), 8 + 151 + 12 + 61, "{said:?}");

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for file in std::fs::read_dir(&vectors).expect("the vectors") {
        let file = file.expect("a vector");
        std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
    }
    for (name, from, to) in [
        ("event.json", "1.10", "1.11"),
        ("receipt.json", "\"position\":1", "\"position\":2"),
        ("confirmation.json", "mef/hq", "mop/hq"),
    ] {
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&path).expect("a vector");
        assert_eq!(text.matches(from).count(), 1, "{name}");
        std::fs::write(&path, text.replace(from, to)).expect("it can be changed");
    }
    let said = client(&["vectors", &folder.path().to_string_lossy()]).await;
    assert!(!said.good, "{said:?}");
    let faults = said.faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
    for (fault, expected) in faults.iter().zip([
        "event\tdigest-mismatch",
        "confirmation.json\tsignature-invalid",
        "receipt.json\tsignature-invalid",
    ]) {
        assert_eq!(*fault, format!("FAULT\t{expected}"));
    }
}

#[tokio::test]
async fn each_implementation_believes_what_the_other_writes() {
    if left_out(Client::Python) {
        return;
    }
    let bus = Bus::start(&[OURS, SECOND, OUR_READER, SECOND_READER]).await;
    let (office, reader) = tokio::join!(bus.office(OURS), bus.office(OUR_READER));
    let kandal = file(&bus, "kandal.json", &report("KH08").to_string());
    let words = [FEED, TYPE, &kandal, &kandal];
    let published = client_of(&bus, SECOND, "publish", &words).await;
    assert!(published.good, "{published:?}");
    let positions: Vec<u64> = published.lines("{").iter().map(|it| position(it)).collect();
    assert_eq!(positions, [1, 2], "{published:?}");
    let published = client_of(&bus, SECOND, "publish", &words[..3]).await;
    assert_eq!(position(published.lines("{")[0]), 3, "{published:?}");

    let mut receipts = String::new();
    let mut last = String::new();
    for year in 2020..2024 {
        last = office.submit(&submission(year)).await;
        office.reaches(&last, "durable").await;
        let proof = office.command(&["receipt", &last]).stdout;
        let proof = String::from_utf8(proof).expect("text");
        let mut lines = proof.lines();
        let receipt = lines.find(|line| line.starts_with(r#"{"log":"#));
        receipts += &format!("{}\n", receipt.expect("a receipt"));
    }
    assert_our_reader_believes(&reader).await;

    let receipts = file(&bus, "receipts.ndjson", &receipts);
    let read = client_of(&bus, SECOND_READER, "read", &[FEED, &receipts]).await;
    assert!(read.good, "{read:?}");
    for expected in [
        format!("good\t{OURS} {FEED} complete to 4"),
        format!("good\t{SECOND} {FEED} complete to 3"),
        "good\treceipt urn:spean:moh:siem-reap:health-quarterly 4".to_owned(),
    ] {
        assert!(
            read.text.lines().any(|line| line == expected),
            "{expected}: {read:?}"
        );
    }
    // Its word, with the office's own signature beside it, is taken by gateway and office.
    let by_second = |event: &Value| {
        let mut readers = event["confirmed_by"].as_array().into_iter().flatten();
        readers.any(|reader| reader["office"] == SECOND_READER && reader["complete"] == 4)
    };
    let path = format!("/events/{last}");
    let event = || async { office.get(&path).await.body };
    until("the second reader's confirmation", event, by_second).await;
}

/// All of both logs arrived, nothing is told of it, and what was exported verifies.
async fn assert_our_reader_believes(reader: &tests::office::Office) {
    let received = reader.receives(FEED, 7).await;
    let of_second = received.iter();
    let of_second =
        of_second.filter(|event| event["source"] == "urn:spean:moh:kandal:health-quarterly");
    assert_eq!(of_second.count(), 3, "{received:?}");
    assert_eq!(reader.status().await["alarms"], json!([]));
    let exported = reader.command(&["export", "--feed", FEED, "--office", SECOND]);
    assert!(exported.status.success(), "{exported:?}");
    let log = reader.folder().join("second.ndjson");
    std::fs::write(&log, &exported.stdout).expect("written");
    let verified = reader.command(&["verify", &log.to_string_lossy()]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{verified:?}");
    assert!(said.contains("3 events, positions 1 to 3"), "{said}");
}

fn submission(year: u32) -> Value {
    let mut data = report("KH17");
    data["period"] = json!(format!("{year}Q3"));
    json!({
        "specversion": "1.0", "type": TYPE, "subject": format!("KH17/{year}Q3"),
        "datacontenttype": "application/json", "data": data,
    })
}

fn position(receipt: &str) -> u64 {
    let receipt: Value = serde_json::from_str(receipt).expect("a receipt is JSON");
    receipt["position"]
        .as_u64()
        .expect("a receipt has a position")
}

#[tokio::test]
async fn the_second_implementation_names_a_wrong_signature_and_a_gap() {
    if left_out(Client::Python) {
        return;
    }
    let bus = Bus::start(&[OURS, SECOND, SECOND_READER]).await;
    append(&bus, OURS, &[1, 2, 3], &[2]).await;
    append(&bus, SECOND, &[1, 2, 5], &[]).await;
    let read = client_of(&bus, SECOND_READER, "read", &[FEED]).await;
    assert!(!read.good, "{read:?}");
    let expected = [
        "FAULT\tspean.log.health-quarterly.moh.siem-reap 00000000000000000002\tsignature-invalid",
        "FAULT\tmoh/kandal health-quarterly complete to 5\tgap: 3 to 4 missing",
    ];
    assert_eq!(read.faults(), expected, "{read:?}");
}

#[tokio::test]
async fn the_second_implementation_names_a_false_receipt() {
    if left_out(Client::Python) {
        return;
    }
    let mut bus = Bus::start(&[SECOND, SECOND_READER]).await;
    let kandal = file(&bus, "kandal.json", &report("KH08").to_string());
    let words = [FEED, TYPE, &kandal];
    let published = client_of(&bus, SECOND, "publish", &words).await;
    let receipt = published.lines("{")[0];
    let earlier = receipt.replace("\"admitted\":\"20", "\"admitted\":\"19");
    let further = receipt.replace("\"position\":1", "\"position\":2");
    let lines = format!("{receipt}\n{earlier}\n{further}\n");
    let receipts = file(&bus, "receipts.ndjson", &lines);
    let read = client_of(&bus, SECOND_READER, "read", &[FEED, &receipts]).await;
    assert!(!read.good, "{read:?}");
    let log = "urn:spean:moh:kandal:health-quarterly";
    let expected = [1, 2].map(|position| {
        format!("FAULT\treceipt {log} {position}\treceipt-invalid: no gateway's signature")
    });
    assert_eq!(read.faults(), expected, "{read:?}");
    assert!(
        read.text.contains(&format!("good\treceipt {log} 1")),
        "{read:?}"
    );

    // A gateway whose key nobody vouches for.
    let key = bus.authority.folder().join("gateway/signing.pk8");
    let (_, another) = SigningKey::generate().expect("random bytes");
    std::fs::write(&key, another).expect("the key can be changed");
    bus.gateway.restart().await;
    let published = client_of(&bus, SECOND, "publish", &words).await;
    assert!(!published.good, "{published:?}");
    let expected = format!("FAULT\t{kandal}\treceipt-invalid: no gateway's signature");
    assert_eq!(published.faults(), [expected], "{published:?}");
}

#[tokio::test]
async fn the_second_implementation_acts_by_what_a_gateway_and_a_bundle_say() {
    if left_out(Client::Python) {
        return;
    }
    let bus = Bus::start(&[SECOND, SECOND_READER]).await;
    let elsewhere = file(&bus, "elsewhere.json", &report("KH17").to_string());
    let refused = client_of(&bus, SECOND, "publish", &[FEED, TYPE, &elsewhere]).await;
    assert!(!refused.good, "{refused:?}");
    let expected = format!("FAULT\t{elsewhere}\trefused: row-not-yours");
    assert!(refused.faults()[0].starts_with(&expected), "{refused:?}");

    let bundle = bus.bundle(SECOND).to_string_lossy();
    let told = "0000-".repeat(7) + "0000";
    let foreign = client(&["publish", &bundle, &told, FEED, TYPE, &elsewhere]).await;
    assert!(!foreign.good, "{foreign:?}");
    let expected = "FAULT\tpublish\tthe bundle is of another authority";
    assert_eq!(foreign.faults(), [expected], "{foreign:?}");
}
