//! Stock clients are full citizens: the same plan, done by nats-py, nats.js, async-nats and nats.c as their documentation has it, with
//! offices' certificates. In: the clients as they are published. Out: what became of each row, held against a table; `CLIENTS_MARKDOWN`
//! names a file to write it to. Never: a client that was changed, or a row that is left out unsaid.

mod expected;
mod markdown;
mod program;
mod protocol;
mod rust;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::within_at_most;
use tests::letter::{Letter, LogOf};
use tokio::sync::mpsc;

use expected::EXPECTED;

const FEED: &str = "health-quarterly";
const READER: &str = "moh/hq";
/// All four together take some 15 s on two idle cores; each row ends by itself before.
const PLAN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(180);

/// In the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    Python,
    JavaScript,
    Rust,
    C,
}

const CLIENTS: [Client; 4] = [Client::Python, Client::JavaScript, Client::Rust, Client::C];

impl Client {
    fn name(self) -> &'static str {
        match self {
            Client::Python => "nats-py",
            Client::JavaScript => "nats.js",
            Client::Rust => "async-nats",
            Client::C => "nats.c",
        }
    }

    /// Each publishes into a log of its own.
    fn office(self) -> (&'static str, &'static str) {
        match self {
            Client::Python => ("moh/siem-reap", "KH17"),
            Client::JavaScript => ("moh/kandal", "KH08"),
            Client::Rust => ("moh/battambang", "KH02"),
            Client::C => ("moh/takeo", "KH21"),
        }
    }
}

/// What a client needs to know to do the plan.
struct Plan {
    client: Client,
    url: String,
    office_bundle: PathBuf,
    reader_bundle: PathBuf,
    /// Signed events as `<number>.headers`, a line for each, and `<number>.data`: three in a row, and a fourth that is ahead.
    letters: PathBuf,
    log: String,
}

impl Plan {
    fn new(client: Client, bus: &Bus) -> Plan {
        let (office, province) = client.office();
        let log = LogOf {
            office,
            feed: FEED,
            event_type: "kh.gov.moh.quarterly-report.submitted.v1",
        };
        let letters = bus.folder().join(format!("letters-{}", client.name()));
        std::fs::create_dir(&letters).expect("the test's folder can be written");
        let (key, report) = (bus.key(office), report(province));
        let mut previous = bus.genesis();
        for (number, position) in [(1, 1), (2, 2), (3, 3), (4, 9)] {
            let letter = Letter::new(&log, position, &previous, &report).sign(&key);
            let lines = letter.header_pairs();
            let lines = lines.map(|(name, value)| format!("{name}: {value}\n"));
            let write = |what: &str, bytes: &[u8]| {
                std::fs::write(letters.join(format!("{number}.{what}")), bytes)
                    .expect("the test's folder can be written");
            };
            write("headers", lines.collect::<String>().as_bytes());
            write("data", &letter.data);
            previous = letter.hash();
        }
        Plan {
            client,
            url: format!("tls://localhost:{}", bus.gateway.address().port()),
            office_bundle: bus.bundle(office).to_owned(),
            reader_bundle: bus.bundle(READER).to_owned(),
            letters,
            log: log.subject(),
        }
    }

    /// The same for programs.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            ("URL", self.url.clone()),
            ("FEED", FEED.to_owned()),
            ("LOG", self.log.clone()),
            ("OTHERS_LOG", format!("spean.log.{FEED}.moh.hq")),
            ("OTHERS_FEED", "labour-returns".to_owned()),
            ("OFFICE", self.client.office().0.to_owned()),
            ("OFFICE_BUNDLE", path(&self.office_bundle)),
            ("READER", READER.to_owned()),
            ("READER_BUNDLE", path(&self.reader_bundle)),
            ("LETTERS", path(&self.letters)),
            ("DURABLE", self.durable()),
        ]
    }

    /// All of them read as one office, so that each has a name of its own.
    fn durable(&self) -> String {
        let letters = self.client.name().chars().filter(char::is_ascii_alphabetic);
        letters.collect()
    }

    fn letter(&self, number: u32) -> (Vec<(String, String)>, Vec<u8>) {
        let read = |what: &str| std::fs::read(self.letters.join(format!("{number}.{what}")));
        let lines = read("headers").expect("it was written");
        let lines = String::from_utf8(lines).expect("headers are ASCII");
        let headers = lines.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (headers.collect(), read("data").expect("it was written"))
    }
}

/// What a client tells on its way.
enum Told {
    Row(String, String),
    /// It waits for the gateway to stop.
    Ready,
}

/// A client's rows, by name; `version` is one of them.
type Rows = BTreeMap<String, String>;

/// Takes what a client tells until it ends; says when it is ready for the gateway to stop, or will never be.
async fn rows(mut told: mpsc::Receiver<Told>, ready: mpsc::Sender<()>) -> Rows {
    let (mut rows, mut ready) = (Rows::new(), Some(ready));
    while let Some(told) = told.recv().await {
        match told {
            Told::Row(name, outcome) => drop(rows.insert(name, outcome)),
            Told::Ready => drop(ready.take()),
        }
    }
    rows
}

fn report(province: &str) -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3", "orgUnit": province,
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    })
}

/// Clients that this machine cannot have are left out by name: `WITHOUT_CLIENTS=nats.c`. The table says so then.
fn left_out(client: Client) -> bool {
    let named = std::env::var("WITHOUT_CLIENTS").unwrap_or_default();
    named.split(',').any(|name| name == client.name())
}

#[tokio::test]
async fn stock_clients_do_what_the_table_says() {
    let offices: Vec<&str> = CLIENTS.map(|client| client.office().0).into();
    let mut bus = Bus::start(&[&offices[..], &[READER]].concat()).await;
    let (ready, mut waiting) = mpsc::channel(1);
    let mut playing = Vec::new();
    for client in CLIENTS.into_iter().filter(|client| !left_out(*client)) {
        let plan = Plan::new(client, &bus);
        let (tell, told) = mpsc::channel(64);
        match client {
            Client::Rust => drop(tokio::spawn(rust::play(plan, tell))),
            Client::Python | Client::JavaScript | Client::C => {
                let program = program::of(client, bus.folder());
                tokio::spawn(program::play(program, plan, tell));
            }
        }
        playing.push((client, tokio::spawn(rows(told, ready.clone()))));
    }
    drop(ready);
    // It ends when the last one has let go of its end.
    let ready = waiting.recv();
    assert_eq!(within_at_most(PLAN_PATIENCE, "the plan", ready).await, None);
    bus.gateway.leave().await;
    bus.gateway.resume().await;
    let mut columns = BTreeMap::new();
    for (client, rows) in playing {
        let rows = within_at_most(PLAN_PATIENCE, client.name(), rows).await;
        columns.insert(client, rows.expect("no panic"));
    }
    if let Some(file) = std::env::var_os("CLIENTS_MARKDOWN") {
        std::fs::write(file, markdown::page(&columns)).expect("the file can be written");
    }
    let differences = differences(&columns);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Each row of the table, and each that a client told beside it.
fn differences(columns: &BTreeMap<Client, Rows>) -> Vec<String> {
    let mut all = Vec::new();
    for (client, rows) in columns {
        for (name, outcomes) in EXPECTED {
            let (must, is) = (outcomes[*client as usize], rows.get(*name));
            if is.map(String::as_str) != Some(must) {
                let is = is.map_or("nothing", String::as_str);
                all.push(format!("{}, {name}: {is}, not {must}", client.name()));
            }
        }
        let known = |name: &str| name == "version" || EXPECTED.iter().any(|(row, _)| *row == name);
        let more = rows.iter().filter(|(name, _)| !known(name));
        all.extend(
            more.map(|(name, is)| format!("{}, {name}: {is}, not in the table", client.name())),
        );
    }
    all
}
