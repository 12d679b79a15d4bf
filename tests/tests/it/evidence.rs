//! Words that bind others: what somebody says who shows nothing for it, or an older world than there is, holds nobody up and is told.
//! In: enrolled offices that say what is not so. Out: alarms, and everybody else's work going on. Never: a stand-in for a part.

mod ends;
mod lines;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::confirmation::{Confirmation, Said};
use schemas::event::{Hash, Position};
use schemas::registry::{RegistryEvent, RegistryHead};
use schemas::registry_log;
use schemas::signing::SigningKey;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::{until, within};
use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};
use tests::office::Office;
use tests::programs::{self, AGENT, GATEWAY};

const MAFF: &str = "maff/hq";
const LIAR: &str = "mlvt/kampot";
const LOG: &str = "urn:spean:maff:hq:price-bulletin";

fn bulletin(number: u32) -> Value {
    let price = json!({
        "admin1_code": "KH17", "commodity": "Rice (mixed, low quality)", "unit": "KG",
        "pricetype": "Retail", "currency": "USD", "price": "0.66",
    });
    json!({
        "specversion": "1.0",
        "type": "kh.gov.maff.price-bulletin.submitted.v1",
        "data": {
            "bulletin": format!("MAFF-2024-{number:02}"), "period": "2024-01", "released": "2024-02-05",
            "title_en": "Market prices", "title_km": "តម្លៃទីផ្សារ", "prices": [price],
        },
    })
}

fn alarms(status: &Value, code: &str) -> Vec<String> {
    let alarms = status["alarms"].as_array().map_or(&[][..], Vec::as_slice);
    let coded = alarms.iter().filter(|alarm| alarm["code"] == code);
    coded.map(|alarm| alarm["text"].to_string()).collect()
}

/// The liar's word about the bulletin, well signed, and by which registry it says it.
fn word(bus: &Bus, position: u64, registry: Option<RegistryHead>) -> Confirmation {
    let document = std::fs::read(bus.bundle(LIAR).join("signing.pk8")).expect("a bundle has a key");
    let key = SigningKey::from_pkcs8(&document).expect("a key");
    let said = Said {
        reader: LIAR.parse().expect("an office"),
        log: schemas::subject::LogName::from_source(LOG).expect("a log"),
        position: Position::new(position).expect("a position"),
        hash: Hash::of(b"any"),
        time: "2026-10-05T08:00:00Z".parse().expect("a time"),
        registry,
        newest: None,
    };
    Confirmation::sign(said, &key)
}

async fn publishes(maff: &Office, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let id = maff.submit(&bulletin(number)).await;
        maff.reaches(&id, "durable").await;
    }
}

#[tokio::test]
async fn a_reader_that_confirms_what_never_was_holds_nobody_and_is_an_alarm() {
    let mut bus = Bus::start(&[MAFF, LIAR]).await;
    let maff = bus.office(MAFF).await;
    publishes(&maff, 1..3).await;
    let mut liar = Envoy::new(bus.raw(LIAR).await, LIAR).await;
    // At a position that nobody can reach; and another event at one that is there.
    for position in [1, (1 << 53) - 1] {
        let word = word(&bus, position, None);
        let subject = word.said().subject().to_string();
        let text = word.to_string();
        let taken = liar.request(&subject, &text).await;
        assert_eq!(taken["stream"], "confirmations", "{taken}");
        let evidence = "NATS/1.0\r\nSpean-Evidence: {}\r\n\r\n";
        let refused = liar.publish_as(&subject, evidence, text.as_bytes()).await;
        assert_eq!(refused["spean"]["code"], "confirmation-unproved");
    }
    publishes(&maff, 3..5).await;
    // One that has not heard it, and reads what was confirmed.
    bus.gateway.restart().await;
    publishes(&maff, 5..7).await;

    let told = until(
        "the office to be told",
        || maff.status(),
        |status| !alarms(status, "reader-ahead").is_empty(),
    );
    let told = told.await;
    let ahead = alarms(&told, "reader-ahead");
    assert!(
        ahead[0].contains("mlvt/kampot says that it holds"),
        "{ahead:?}"
    );
    assert_eq!(ahead.len(), 1, "told once: {ahead:?}");
    assert!(!alarms(&told, "reader-on-a-branch").is_empty(), "{told}");
    let feeds = told["outbox"]["feeds"].as_array().expect("feeds");
    let feed = feeds.iter().find(|feed| feed["feed"] == "price-bulletin");
    assert_eq!(feed.expect("its feed")["readers"][0]["ahead"], true);
    let audit = bus.authority.audit();
    let unproved = audit
        .iter()
        .filter(|line| line["code"] == "confirmation-unproved");
    assert_eq!(
        unproved.count(),
        4,
        "two without evidence, two with false evidence"
    );
}

/// What a program says that must not start.
async fn refuses_to_start(program: &str, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new(programs::path(program));
    command.args(arguments).kill_on_drop(true);
    let output = within("it to end", command.output())
        .await
        .expect("it runs");
    assert!(!output.status.success(), "{output:?}");
    let (out, err) = (output.stdout, output.stderr);
    String::from_utf8_lossy(&[out, err].concat()).into_owned()
}

/// The registry says one thing more; how many lines it has then.
fn grows(bus: &Bus) -> u64 {
    let text = std::fs::read_to_string(bus.authority.registry()).expect("a registry");
    let words = text
        .lines()
        .rev()
        .filter_map(|line| registry_log::said(line.as_bytes()).ok());
    let office = words
        .into_iter()
        .find(|said| matches!(said, RegistryEvent::OfficeAdded(_)));
    bus.authority.say(&office.expect("offices were enrolled"))
}

async fn works_by(office: &Office, position: u64) {
    let what = "the office to have the registry";
    until(
        what,
        || office.status(),
        |status| status["registry"] == position,
    )
    .await;
}

#[tokio::test]
async fn a_registry_that_was_put_back_is_taken_by_nobody_who_has_seen_a_newer_one() {
    let mut bus = Bus::start(&[MAFF, LIAR]).await;
    let mut maff = bus.office(MAFF).await;
    let before = std::fs::read(bus.authority.registry()).expect("a registry");
    let newest = grows(&bus);
    works_by(&maff, newest).await;
    let after = std::fs::read(bus.authority.registry()).expect("a registry");

    bus.gateway.stop().await;
    std::fs::write(bus.authority.registry(), &before).expect("put back");
    let said = refuses_to_start(GATEWAY, &["serve", &bus.authority.arg()]).await;
    assert!(said.contains("registry-behind"), "{said}");
    // The operator means it, or has lost the memory with the machine: then the offices notice.
    let seen = bus.authority.folder().join("registry.seen");
    std::fs::remove_file(&seen).expect("it is remembered there");
    bus.gateway.resume().await;
    let told = until(
        "the office to be told",
        || maff.status(),
        |status| !alarms(status, "registry-behind").is_empty(),
    );
    let told = alarms(&told.await, "registry-behind");
    assert!(told[0].contains("it was put back there"), "{told:?}");
    bus.gateway.stop().await;
    std::fs::write(bus.authority.registry(), &after).expect("mended");
    bus.gateway.resume().await;
    publishes(&maff, 1..2).await;

    maff.stop().await;
    let own = maff.folder().join("registry.ndjson");
    std::fs::write(&own, &before).expect("put back");
    let folder = maff.folder().to_string_lossy().into_owned();
    let said = refuses_to_start(AGENT, &["--dir", &folder, "run"]).await;
    assert!(said.contains("registry-behind"), "{said}");
    std::fs::write(&own, &after).expect("mended");
    maff.resume().await;
    publishes(&maff, 2..3).await;
}

#[tokio::test]
async fn receipts_confirmations_and_info_name_the_registry_and_one_who_lacks_it_is_told() {
    let bus = Bus::start(&[MAFF, LIAR]).await;
    let maff = bus.office(MAFF).await;
    publishes(&maff, 1..2).await;
    let text = std::fs::read_to_string(bus.authority.registry()).expect("a registry");
    let lines = text.lines().count();
    let mut liar = Envoy::new(bus.raw(LIAR).await, LIAR).await;
    let info = liar.client.info["spean_registry"].to_string();
    assert!(info.starts_with(&format!("\"{lines} ")), "{info}");
    let mut client = Envoy::new(bus.raw(MAFF).await, MAFF).await;
    let last = json!({ "last_by_subj": "spean.log.price-bulletin.maff.hq" }).to_string();
    let stored = client
        .request("$JS.API.STREAM.MSG.GET.price-bulletin", &last)
        .await;
    let stamp = STANDARD.decode(stored["message"]["hdrs"].as_str().expect("base64"));
    let stamp = String::from_utf8(stamp.expect("base64")).expect("text");
    assert!(
        stamp.contains(&format!("Spean-Registry: {lines} ")),
        "{stamp}"
    );
    // Another office works by lines that this one is not given.
    let head = RegistryHead {
        position: Position::new(9_999).expect("a position"),
        hash: Hash::of(b"line 9999"),
    };
    let word = word(&bus, 1, Some(head));
    let subject = word.said().subject().to_string();
    let taken = liar.request(&subject, &word.to_string()).await;
    assert_eq!(taken["stream"], "confirmations", "{taken}");
    let told = until(
        "the office to be told",
        || maff.status(),
        |status| !alarms(status, "registry-behind").is_empty(),
    );
    let told = alarms(&told.await, "registry-behind");
    assert!(
        told[0].contains("mlvt/kampot works by position 9999"),
        "{told:?}"
    );
}

const HEALTH: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

#[tokio::test]
async fn what_a_wrong_clock_wrote_is_held_and_a_time_out_of_reach_is_refused_at_both_doors() {
    let bus = Bus::start(&[HEALTH.office]).await;
    let office = bus.office(HEALTH.office).await;
    let mut envoy = Envoy::new(bus.raw(HEALTH.office).await, HEALTH.office).await;
    let key = bus.key(HEALTH.office);
    let report = json!({
        "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3", "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    });
    for (name, value, code) in [
        ("recordedtime", "9999-12-31T23:59:59Z", "clock-wrong"),
        ("recordedtime", "0001-01-01T00:00:00Z", "clock-wrong"),
        ("time", "9999-12-31T23:59:59Z", "time-out-of-reach"),
    ] {
        let letter = Letter::new(&HEALTH, 1, &bus.genesis(), &report);
        let letter = letter.set(name, value).sign(&key);
        let answer = envoy.publish(&HEALTH.subject(), &letter).await;
        assert_eq!(answer["spean"]["code"], code, "{answer}");
        let said = answer["spean"]["details"][0]["en"].to_string();
        assert!(
            said.contains(value) && said.contains("the clock here shows"),
            "{said}"
        );
    }
    let event = json!({
        "specversion": "1.0", "type": HEALTH.event_type, "time": "9999-12-31T23:59:59Z", "data": report,
    });
    let answer = office
        .post("/events", "application/cloudevents+json", event.to_string())
        .await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(
        answer.body.to_string().contains("time-out-of-reach"),
        "{}",
        answer.body
    );
}
