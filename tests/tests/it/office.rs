//! What an office is told of itself: whose folder it is, how its deliveries go, what an outage was, what it may not read.
//! In: folders, commands and outages as offices have them. Out: what agent and commands say. Never: green where nothing is known.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::{eventually, until};
use tests::office::Office;
use tests::programs::{self, AGENT};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PROVINCE: &str = "moh/siem-reap";
const HQ: &str = "moh/hq";
const FEED: &str = "health-quarterly";

fn report(cases: u32) -> Value {
    json!({
        "specversion": "1.0", "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "data": {
            "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3", "orgUnit": "KH17",
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": cases.to_string() }],
        },
    })
}

fn said(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    both.concat()
}

/// Starts an agent that is to end by itself, and returns what it said.
async fn ends(folder: &Path) -> String {
    let mut command = Command::new("timeout");
    command.arg("20").arg(programs::path(AGENT));
    command.arg("--dir").arg(folder).arg("run");
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.expect("the task ends").expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

#[tokio::test]
async fn an_agent_in_the_folder_of_another_office_says_whose_it_is_and_ends() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut office = bus.office(HQ).await;
    office.stop().await;
    let settings = office.folder().join("agent.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    let renamed = text.replace("office = \"moh/hq\"", "office = \"moh/siem-reap\"");
    assert_ne!(text, renamed);
    std::fs::write(&settings, renamed).expect("written");
    let told = ends(office.folder()).await;
    assert!(told.contains("office.pem is moh/hq's"), "{told}");
    std::fs::write(&settings, text).expect("written");
    let key = bus.bundle(PROVINCE).join("signing.pk8");
    std::fs::copy(key, office.folder().join("signing.pk8")).expect("copied");
    let told = ends(office.folder()).await;
    assert!(told.contains("signing.pk8 is moh/siem-reap's"), "{told}");
}

#[tokio::test]
async fn what_an_agent_makes_is_its_accounts_alone_and_a_folder_open_to_others_is_refused() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let deliver = format!("[[deliver]]\nfeed = \"{FEED}\"\nfile = \"out.ndjson\"\n");
    let (office, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &deliver));
    office.submit(&report(41)).await;
    let out = hq.folder().join("out.ndjson");
    eventually("the delivered file", || async {
        out.exists().then_some(())
    })
    .await;
    let mut folders = vec![hq.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            // The harness itself writes the agent's log.
            if entry.file_name() == "agent.log" {
                continue;
            }
            let mode = entry.metadata().expect("there").permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", hq.id())).expect("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.expect("a limit").split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "no core dumps");
    hq.stop().await;
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(hq.folder(), open).expect("set");
    let told = ends(hq.folder()).await;
    assert!(told.contains("chmod go-w"), "{told}");
}

#[tokio::test]
async fn a_second_agent_on_one_folder_says_so_and_leaves_everything_as_it_is() {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let told = ends(office.folder()).await;
    assert!(told.contains("another spean-agent runs on it"), "{told}");
    office.submit(&report(41)).await;
}

#[tokio::test]
async fn a_feed_that_may_not_be_read_is_said_at_once_and_nothing_is_no_success() {
    let bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    for (feed, code) in [
        (FEED, "feed-not-readable"),
        ("labour-returns", "feed-not-readable"),
        ("nofeed", "feed-not-found"),
    ] {
        let tail = office.command(&["tail", feed]);
        assert_eq!(tail.status.code(), Some(1));
        let told = said(&tail);
        assert!(
            told.contains(code) && told.contains("price-bulletin"),
            "{told}"
        );
    }
    let export = ["export", "--feed", FEED, "--office", PROVINCE];
    assert_eq!(office.command(&export).status.code(), Some(1));
    let empty = bus.folder().join("empty.ndjson");
    std::fs::write(&empty, "").expect("written");
    let empty = empty.to_string_lossy();
    assert_eq!(office.command(&["verify", &empty]).status.code(), Some(1));
    let id = office.submit(&report(41)).await;
    office.reaches(&id, "durable").await;
    assert!(office.command(&export).status.success());
}

#[tokio::test]
async fn a_hold_and_an_outage_end_with_the_broker_s_return_and_are_told_once() {
    let mut bus = Bus::start(&[PROVINCE]).await;
    let office = bus.office(PROVINCE).await;
    let id = office.submit(&report(41)).await;
    office.reaches(&id, "durable").await;
    bus.nats.kill().await;
    let waiting = office.submit(&report(42)).await;
    until(
        "the outage to be shown",
        || office.status(),
        |status| {
            let held = !status["outbox"]["feeds"][0]["held"].is_null();
            held || status["link"]["state"] == "down"
        },
    )
    .await;
    bus.nats.resume().await;
    office.reaches(&waiting, "durable").await;
    until(
        "nothing to be held",
        || office.status(),
        |status| {
            let feed = &status["outbox"]["feeds"][0];
            feed["held"].is_null() && feed["waiting"] == 0 && status["link"]["state"] == "connected"
        },
    )
    .await;
    let log = office.folder().join("agent.log");
    eventually("the outage's end in the log", || async {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let count = |words: &str| text.matches(words).count();
        let (down, up) = (count("the link is down"), count("connected again"));
        assert!(down <= 1, "{text}");
        (down == up).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_application_that_wants_nothing_more_is_shown_and_counted() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://me:secret@{}/e?key=secret",
        listener.local_addr().expect("bound")
    );
    tokio::spawn(gone(listener));
    let deliver = format!("[[deliver]]\nfeed = \"{FEED}\"\nwebhook = \"{url}\"\n");
    let (office, hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &deliver));
    office.submit(&report(41)).await;
    let status = until(
        "the delivery to be retired",
        || hq.status(),
        |status| status["deliveries"][0]["state"] == "retired",
    )
    .await;
    assert_eq!(status["deliveries"][0]["answer"], "410 Gone");
    assert!(
        status["certificate"]["days_left"]
            .as_i64()
            .is_some_and(|days| days > 30)
    );
    let metrics = metrics(&hq).await;
    for line in [
        "spean_agent_alarms_raised 1",
        "spean_agent_certificate_ends_timestamp_seconds 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let table = said(&hq.command(&["status"]));
    assert!(
        table.contains("retired") && table.contains("for what arrived"),
        "{table}"
    );
    let log = std::fs::read_to_string(hq.folder().join("agent.log")).expect("a log");
    for text in [status.to_string(), metrics, table, log] {
        assert!(!text.contains("secret"), "{text}");
    }
}

async fn metrics(office: &Office) -> String {
    let answer = office.get("/metrics").await;
    answer.body.as_str().expect("text").to_owned()
}

/// Answers 410 to whatever comes.
async fn gone(listener: TcpListener) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 16 * 1024];
        let _read = stream.read(&mut request).await;
        let answer = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _written = stream.write_all(answer).await;
    }
}

/// A server of the bus whose certificate the given validity has; it finishes no handshake.
async fn gateway_valid(bus: &Bus, from_days: i64, to_days: i64) -> std::net::SocketAddr {
    let ca = bus.authority.folder().join("authority");
    let read = |name: &str| std::fs::read_to_string(ca.join(name)).expect("the CA's file");
    let key = KeyPair::from_pem(&read("ca.key")).expect("a key");
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), key).expect("a CA");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    let day = |days| OffsetDateTime::now_utc() + time::Duration::days(days);
    (params.not_before, params.not_after) = (day(from_days), day(to_days));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("signed");
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a server");
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move { tls.accept(stream).await.is_ok() });
        }
    });
    address
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named_with_what_to_set() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    for (office, (from, to), said, khmer) in [
        (PROVINCE, (2, 30), "begins on", "ចាប់ផ្តើម"),
        (HQ, (-30, -2), "ended on", "ផុតកំណត់"),
    ] {
        let gateway = gateway_valid(&bus, from, to).await;
        let name = format!("clock-{}", office.replace('/', "-"));
        let folder = bus.folder().join(name);
        let office = Office::start(office, bus.bundle(office), &folder, gateway).await;
        let status = until(
            "the clock to be named",
            || office.status(),
            |status| {
                status["link"]["why"]
                    .as_str()
                    .is_some_and(|why| why.contains(said))
            },
        )
        .await;
        let link = &status["link"];
        assert!(
            link["why"]
                .as_str()
                .is_some_and(|why| why.contains("set the clock"))
        );
        assert!(
            link["why_km"]
                .as_str()
                .is_some_and(|why| why.contains(khmer))
        );
    }
}
