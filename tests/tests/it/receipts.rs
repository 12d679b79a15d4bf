//! Receipts and stages: what a gateway signs, what an office makes of it, and what readers confirm.
//! In: submissions, and what an operator may break. Out: stages, receipts, verdicts. Never: a stand-in for a part.

mod proof;

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::until;
use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};
use tests::office::Office;
use tests::proxy::Weather;

const PROVINCE: &str = "moh/siem-reap";
const HQ: &str = "moh/hq";
const LOG: &str = "urn:spean:moh:siem-reap:health-quarterly";
const SUBJECT: &str = "spean.log.health-quarterly.moh.siem-reap";

fn report(year: u32) -> Value {
    json!({
        "specversion": "1.0",
        "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "subject": format!("KH17/{year}Q3"),
        "datacontenttype": "application/json",
        "data": {
            "dataSet": "QUARTERLY_DENGUE",
            "period": format!("{year}Q3"),
            "orgUnit": "KH17",
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
        },
    })
}

async fn submit(office: &Office, years: std::ops::Range<u32>) -> Vec<String> {
    let mut ids = Vec::new();
    for year in years {
        ids.push(office.submit(&report(year)).await);
    }
    ids
}

fn alarms(status: &Value, code: &str) -> usize {
    let alarms = status["alarms"].as_array().map_or(&[][..], Vec::as_slice);
    alarms.iter().filter(|alarm| alarm["code"] == code).count()
}

#[tokio::test]
async fn an_event_is_accepted_then_durable_by_a_receipt_then_confirmed_by_its_reader() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let province = bus.office(PROVINCE).await;
    province.line.set(Weather::Cut);
    let id = province.submit(&report(2026)).await;
    let accepted = province.get(&format!("/events/{id}")).await.body;
    assert_eq!(
        (&accepted["stage"], &accepted["mls"]),
        (&json!("accepted"), &Value::Null)
    );
    province.line.set(Weather::Clear);
    let durable = province.reaches(&id, "durable").await;
    assert_eq!(durable["receipt"]["position"], 1);
    assert_eq!(durable["mls"]["response"], "AB");
    assert_eq!(durable["confirmed_by"], json!([]));

    let hq = bus.office(HQ).await;
    let confirmed = province.reaches(&id, "confirmed").await;
    assert_eq!(confirmed["confirmed_by"][0]["office"], HQ);
    assert_eq!(confirmed["mls"]["response"], "AP");
    assert_eq!(hq.received("health-quarterly").await.len(), 1);
    let status = province.status().await;
    let reader = &status["outbox"]["feeds"][0]["readers"][0];
    assert_eq!(
        (&reader["office"], &reader["complete"]),
        (&json!(HQ), &json!(1))
    );

    // Cumulative: one word for all that came since.
    let later = submit(&province, 2000..2030).await;
    let last = later.last().expect("thirty");
    let confirmed = province.reaches(last, "confirmed").await;
    assert_eq!(confirmed["confirmed_by"][0]["complete"], 31);
}

#[tokio::test]
async fn a_stock_client_gets_a_receipt_with_its_acknowledgement_and_the_same_facts_again() {
    let mut bus = Bus::start(&[PROVINCE]).await;
    let letter = letter(&bus);
    let mut envoy = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let first = envoy.publish(SUBJECT, &letter).await;
    assert_eq!(
        (&first["seq"], &first["duplicate"]),
        (&json!(1), &Value::Null)
    );
    let receipt = &first["receipt"];
    assert_eq!(
        (&receipt["log"], &receipt["position"]),
        (&json!(LOG), &json!(1))
    );
    assert_eq!(receipt["hash"], letter.hash().as_str());
    let again = envoy.publish(SUBJECT, &letter).await;
    assert_eq!(
        (&again["duplicate"], &again["receipt"]),
        (&json!(true), receipt)
    );
    // One that has it from the bus alone.
    bus.gateway.restart().await;
    let mut envoy = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let again = envoy.publish(SUBJECT, &letter).await;
    assert_eq!(
        (&again["duplicate"], &again["receipt"]),
        (&json!(true), receipt)
    );
}

/// A gateway whose key nobody vouches for.
#[tokio::test]
async fn a_receipt_of_a_gateway_that_the_registry_does_not_know_settles_nothing() {
    let mut bus = Bus::start(&[PROVINCE]).await;
    let province = bus.office(PROVINCE).await;
    let known = submit(&province, 2025..2026).await;
    province.reaches(&known[0], "durable").await;

    let key = bus.authority.folder().join("gateway/signing.pk8");
    let good = std::fs::read(&key).expect("the gateway's key");
    std::fs::write(&key, other_key()).expect("the key can be changed");
    bus.gateway.restart().await;
    let log = std::fs::read_to_string(bus.authority.folder().join("gateway.log")).expect("a log");
    assert!(
        log.contains("the registry does not know this gateway's signing key"),
        "{log}"
    );
    let checked = bus.authority.check();
    assert!(checked.contains("is unknown to the registry"), "{checked}");

    let id = province.submit(&report(2026)).await;
    let told = until(
        "the feed to be held",
        || province.status(),
        |status| status["outbox"]["feeds"][0]["held"]["code"] == "receipt-invalid",
    );
    let told = told.await;
    assert_eq!(alarms(&told, "receipt-invalid"), 1);
    let event = province.get(&format!("/events/{id}")).await.body;
    assert_eq!(
        (&event["stage"], &event["held"]["code"]),
        (&json!("accepted"), &json!("receipt-invalid"))
    );

    std::fs::write(&key, good).expect("the key can be put back");
    bus.gateway.restart().await;
    assert_eq!(province.reaches(&id, "durable").await["position"], 2);
}

#[tokio::test]
async fn an_agent_that_lost_its_answers_asks_for_the_receipt_and_settles() {
    let bus = Bus::start(&[PROVINCE]).await;
    let mut province = bus.office(PROVINCE).await;
    let first = submit(&province, 2000..2005).await;
    province.reaches(&first[4], "durable").await;
    province.kill().await;
    std::fs::remove_dir_all(province.folder().join("store")).expect("the store can be emptied");
    province.resume().await;
    let id = province.submit(&report(2026)).await;
    assert_eq!(
        province.reaches(&id, "durable").await["receipt"]["position"],
        7,
        "at 6 the office says what it took back"
    );
    let taken_back = province.reaches(&first[2], "durable").await;
    assert_eq!(taken_back["receipt"]["position"], 5);
}

#[tokio::test]
async fn nobody_confirms_for_another_or_hears_what_is_confirmed_to_another() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let id = province.submit(&report(2026)).await;
    province.reaches(&id, "confirmed").await;
    drop(hq);
    let subject = "spean.confirm.moh.hq.health-quarterly.moh.siem-reap";
    let last = |subject: &str| json!({ "last_by_subj": subject }).to_string();
    let get = "$JS.API.STREAM.MSG.GET.confirmations";
    let mut own = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
    let there = own.request(get, &last(subject)).await;
    assert_eq!(there["message"]["subject"], subject);
    let mut other = Envoy::new(bus.raw(HQ).await, HQ).await;
    let theirs = other.request(get, &last(subject)).await;
    assert_eq!(theirs["spean"]["code"], "request-forbidden");

    use base64::Engine as _;
    let body = there["message"]["data"].as_str().expect("base64");
    let body = base64::engine::general_purpose::STANDARD
        .decode(body)
        .expect("base64");
    let body = String::from_utf8(body).expect("JSON");
    assert_eq!(
        own.request(subject, &body).await["spean"]["code"],
        "confirmation-not-yours"
    );
    assert_eq!(
        other.request(subject, "{}").await["spean"]["code"],
        "confirmation-malformed"
    );
    let more = body.replace(r#""position":1"#, r#""position":9"#);
    assert_eq!(
        other.request(subject, &more).await["spean"]["code"],
        "confirmation-not-yours"
    );
    assert_eq!(
        other.request(subject, &body).await["stream"],
        "confirmations"
    );
}

/// The first event of the log, made by hand.
fn letter(bus: &Bus) -> Letter {
    let log = LogOf {
        office: PROVINCE,
        feed: "health-quarterly",
        event_type: "kh.gov.moh.quarterly-report.submitted.v1",
    };
    let data = report(2026)["data"].clone();
    Letter::new(&log, 1, &bus.genesis(), &data).sign(&bus.key(PROVINCE))
}

fn other_key() -> Vec<u8> {
    let random = ring::rand::SystemRandom::new();
    let document = ring::signature::Ed25519KeyPair::generate_pkcs8(&random);
    document.expect("random bytes").as_ref().to_vec()
}
