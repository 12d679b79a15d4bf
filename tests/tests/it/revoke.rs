//! What the authority takes back ends within seconds, at every gateway, and comes back at none; what was signed before stays good.
//! In: the operator's commands, offices that are connected meanwhile. Out: how each session ends, what is let in afterwards. Never: a
//! registry line that was made by hand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::{eventually_within, until, within, within_at_most};
use tests::envoy::Envoy;
use tests::gateway::Gateway;
use tests::letter::{Key, Letter, LogOf};
use tests::ports;
use tests::programs::{self, GATEWAY};
use tests::raw::{Credentials, Handshake, RawClient, ServerOp};

/// From the command to the end of the last session.
const TAKES_EFFECT: Duration = Duration::from_secs(5);
const HEALTH: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};
const READER: &str = "moh/hq";

/// Runs one of the operator's commands, without a terminal; its words where it succeeds.
fn operate(bus: &Bus, arguments: &[&str]) -> Result<String, String> {
    let dir = bus.authority.arg();
    let all: Vec<&str> = arguments.iter().chain(&["--dir", &dir]).copied().collect();
    let output = programs::output(GATEWAY, &all);
    let words = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match output.status.success() {
        true => Ok(words(output.stdout)),
        false => Err(words(output.stderr)),
    }
}

fn said(bus: &Bus, arguments: &[&str]) -> String {
    let all: Vec<&str> = arguments.iter().chain(&["--yes"]).copied().collect();
    operate(bus, &all).unwrap_or_else(|words| panic!("{arguments:?}: {words}"))
}

/// A bus with two gateways that read one registry.
struct Given {
    bus: Bus,
    second: Gateway,
}

impl Given {
    async fn two_gateways(offices: &[&str]) -> Given {
        let bus = Bus::start(offices).await;
        let folder = bus.folder().join("second");
        let twin = bus.authority.twin(&folder, ports::free());
        let second = Gateway::start(&twin).await;
        Given { bus, second }
    }

    async fn at_each(&self, credentials: &Credentials) -> Vec<RawClient> {
        let first = RawClient::connect(self.bus.gateway.address(), credentials).await;
        let second = RawClient::connect(self.second.address(), credentials).await;
        vec![first, second]
    }

    /// What is said to somebody who comes anew, at each gateway.
    async fn assert_turned_away(&self, credentials: &Credentials, code: &str) {
        for gateway in [self.bus.gateway.address(), self.second.address()] {
            let mut client = RawClient::open(gateway, credentials, Handshake::TlsFirst)
                .await
                .expect("the handshake is TLS's, and its certificate is good");
            client
                .try_send("CONNECT {\"headers\":true}\r\nPING\r\n")
                .await
                .ok();
            let words = client.parting_error().await;
            assert!(words.contains(code), "{words}");
        }
    }
}

/// Each of them is told the code and ends, the last one in time.
async fn assert_ends(clients: Vec<RawClient>, since: Instant, code: &str) {
    for client in clients {
        let left = TAKES_EFFECT.saturating_sub(since.elapsed());
        let words = client.parting_error_within(left).await;
        assert!(words.contains(code), "{words}");
    }
    let took = since.elapsed();
    assert!(took < TAKES_EFFECT, "it took {took:?}");
}

#[tokio::test]
async fn an_office_that_is_closed_leaves_every_gateway_and_comes_back_at_none() {
    let given = Given::two_gateways(&[HEALTH.office, READER]).await;
    let credentials = given.bus.credentials(HEALTH.office);
    let mut clients = given.at_each(&credentials).await;
    // One of them is in the midst of an operation.
    clients[1].send("PUB spean.registry 100\r\nhalf").await;
    let mut stays = given.bus.raw(READER).await;
    let since = Instant::now();
    let told = said(&given.bus, &["office", "close", HEALTH.office]);
    assert!(told.contains("none: closed"), "{told}");
    assert_ends(clients, since, "(office-closed)").await;
    given
        .assert_turned_away(&credentials, "(office-closed)")
        .await;
    stays.send("PING\r\n").await;
    assert_eq!(stays.next().await, Some(ServerOp::Pong));
    let explained = operate(&given.bus, &["rights", HEALTH.office, HEALTH.feed]);
    assert!(explained.is_ok_and(|words| words.contains("(CLOSED)")));
    given
        .bus
        .authority
        .enrol(HEALTH.office, &given.bus.folder().join("again"));
    eventually_within(
        TAKES_EFFECT,
        "who is enrolled again to be let in",
        || async {
            let gateway = given.bus.gateway.address();
            let mut client = RawClient::open(gateway, &credentials, Handshake::TlsFirst)
                .await
                .ok()?;
            client
                .try_send("CONNECT {\"headers\":true}\r\nPING\r\n")
                .await
                .ok()?;
            (client.next().await == Some(ServerOp::Pong)).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn a_revoked_certificate_ends_its_own_sessions_and_no_others() {
    let given = Given::two_gateways(&[HEALTH.office]).await;
    let stolen = given.bus.credentials(HEALTH.office);
    let clients = given.at_each(&stolen).await;
    let renewed = given
        .bus
        .authority
        .enrol(HEALTH.office, &given.bus.folder().join("new"));
    let mut others = given.at_each(&Credentials::of_bundle(&renewed)).await;
    let certificate = given.bus.bundle(HEALTH.office).join("office.pem");
    let since = Instant::now();
    let told = said(
        &given.bus,
        &["certificate", "revoke", &certificate.to_string_lossy()],
    );
    assert!(told.contains(HEALTH.office), "{told}");
    assert_ends(clients, since, "(certificate-revoked)").await;
    given
        .assert_turned_away(&stolen, "(certificate-revoked)")
        .await;
    for other in &mut others {
        other.send("PING\r\n").await;
        assert_eq!(other.next().await, Some(ServerOp::Pong));
    }
    let list = operate(&given.bus, &["certificate", "list", HEALTH.office]).expect("a list");
    assert!(list.contains("revoked") && list.contains("good"), "{list}");
}

fn letter(position: u64, previous: &str) -> Letter {
    let data = json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    });
    Letter::new(&HEALTH, position, previous, &data)
}

#[tokio::test]
async fn a_retired_key_counts_up_to_its_position_and_nowhere_behind_it() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let stolen = bus.key(HEALTH.office);
    let mut envoy = Envoy::new(bus.raw(HEALTH.office).await, HEALTH.office).await;
    let first = letter(1, &bus.genesis()).sign(&stolen);
    let stored = envoy.publish(&HEALTH.subject(), &first).await;
    assert_eq!(stored["error"], Value::Null, "{stored}");
    let renewed = bus
        .authority
        .enrol(HEALTH.office, &bus.folder().join("new"));
    let keyid = stolen.keyid();
    let retire = [
        "key",
        "retire",
        HEALTH.office,
        "--after",
        "1",
        "--key",
        &keyid,
    ];
    let told = said(&bus, &[&retire[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["changes"][0]["after"], "count at 1 to 1", "{told}");
    let judges = async {
        // Any no names the position of the registry that it was judged by.
        while envoy.request("spean.registry", "?").await["spean"]["registry"] != told["registry"] {}
    };
    within_at_most(TAKES_EFFECT, "the gateway to judge by it", judges).await;
    let second = |key: &Key| letter(2, &first.hash()).sign(key);
    let refused = envoy.publish(&HEALTH.subject(), &second(&stolen)).await;
    assert_eq!(refused["spean"]["code"], "key-retired", "{refused}");
    let again = envoy.publish(&HEALTH.subject(), &first).await;
    assert_eq!(again["duplicate"], true, "{again}");
    let next = envoy
        .publish(&HEALTH.subject(), &second(&Key::of_bundle(&renewed)))
        .await;
    assert_eq!(next["seq"], 2, "{next}");
}

#[tokio::test]
async fn a_rule_that_is_withdrawn_ends_reading_and_one_that_is_granted_begins_it() {
    let bus = Bus::start(&[HEALTH.office, READER]).await;
    let rule = "health-quarterly/read/health-administration";
    let mut reader = Envoy::new(bus.raw(READER).await, READER).await;
    reads(&mut reader, "").await;
    let told = said(&bus, &["withdraw", rule]);
    assert!(
        told.contains(READER) && told.contains("read health-quarterly"),
        "{told}"
    );
    reads(&mut reader, "request-forbidden").await;
    said(&bus, &["grant", "read", HEALTH.feed, "--office", READER]);
    reads(&mut reader, "").await;
}

/// Asks for all logs of the feed until the answer carries the code; an empty one is an answer without a code.
async fn reads(reader: &mut Envoy, code: &str) {
    let filter = "spean.log.health-quarterly.>";
    let subject = format!("$JS.API.CONSUMER.CREATE.health-quarterly.moh_hq_x.{filter}");
    let body = json!({
        "stream_name": "health-quarterly",
        "config": { "name": "moh_hq_x", "filter_subject": filter, "ack_policy": "none", "mem_storage": true },
    });
    let asking = async {
        loop {
            let answer = reader.request(&subject, &body.to_string()).await;
            if answer["spean"]["code"].as_str().unwrap_or_default() == code {
                return;
            }
        }
    };
    within_at_most(TAKES_EFFECT, code, asking).await;
}

#[tokio::test]
async fn nothing_is_said_without_a_yes_and_a_dry_run_tells_it_all() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let registry = || std::fs::read(bus.authority.registry()).expect("a registry");
    let before = registry();
    let close = ["office", "close", HEALTH.office];
    let unasked = operate(&bus, &close).expect_err("nobody was asked");
    assert!(unasked.contains("--yes"), "{unasked}");
    let told = operate(&bus, &[&close[..], &["--dry-run", "--json"]].concat());
    let told: Value = serde_json::from_str(&told.expect("told")).expect("JSON");
    assert_eq!(
        (&told["said"], &told["words"]),
        (&json!(false), &json!(["office-closed"]))
    );
    assert_eq!(told["changes"][0]["office"], HEALTH.office);
    assert!(registry() == before, "nothing was said");
}

#[tokio::test]
async fn what_waits_at_a_closed_office_is_held_under_its_code() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let office = bus.office(HEALTH.office).await;
    let report = |quarter: u32| {
        json!({
            "specversion": "1.0",
            "type": HEALTH.event_type,
            "data": {
                "dataSet": "QUARTERLY_DENGUE",
                "period": format!("2026Q{quarter}"),
                "orgUnit": "KH17",
                "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
            },
        })
    };
    let sent = office.submit(&report(1)).await;
    office.reaches(&sent, "stored").await;
    said(&bus, &["office", "close", HEALTH.office]);
    let status = || async { office.status().await };
    let down = |status: &Value| status["link"]["code"] == "office-closed";
    until("the link to say why it is down", status, down).await;
    let waits = office.submit(&report(2)).await;
    let told = office.get(&format!("/events/{waits}")).await.body;
    assert_eq!(told["held"]["code"], "office-closed", "{told}");
    let words = String::from_utf8_lossy(&office.command(&["status"]).stdout).into_owned();
    assert!(words.contains("office-closed"), "{words}");
    // Its log stays what it was, for the bus and for whoever checks it.
    let broker = Broker::connect(&bus.authority).await.expect("let in");
    let ids = within("the feed's events", broker.ids(HEALTH.feed)).await;
    assert_eq!(ids.expect("answered"), [sent]);
}

#[tokio::test]
async fn what_is_signed_on_another_machine_is_carried_to_the_gateway() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let offline = bus.folder().join("offline");
    let copy = std::process::Command::new("cp")
        .args(["-r", &bus.authority.arg(), &offline.to_string_lossy()])
        .status();
    assert!(copy.expect("cp runs").success());
    let client = bus.raw(HEALTH.office).await;
    let line = bus.folder().join("line.ndjson");
    let line = line.to_string_lossy();
    let (dir, close) = (
        offline.to_string_lossy(),
        ["office", "close", HEALTH.office, "--yes"],
    );
    programs::run(
        GATEWAY,
        &[&close[..], &["--dir", &dir, "--out", &line]].concat(),
    );
    let since = Instant::now();
    let taken = said(&bus, &["registry", "append", &line]);
    assert!(taken.contains("none: closed"), "{taken}");
    assert_ends(vec![client], since, "(office-closed)").await;
}
