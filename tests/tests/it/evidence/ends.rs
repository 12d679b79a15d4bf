//! Where streams end: whoever is shown an older world than somebody else has seen is told, the gateway and the offices alike.
//! In: a broker that is put back to an older copy. Out: who said what. Never: an alarm where everything is as it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::limits::NEWEST_LAG_MAX;
use schemas::newest::Newest;
use tests::deadline::eventually;
use tests::folder::copy;
use tests::gateway::Gateway;
use tests::ports;

use super::*;

const FEED: &str = "health-quarterly";
const PROVINCE: &str = "moh/siem-reap";
const NEIGHBOUR: &str = "moh/battambang";
const HQ: &str = "moh/hq";
const CODE: &str = "feed-behind";
/// So many that what comes afterwards does not reach them.
const REPORTS: u32 = 60;

fn report(number: u32, place: &str) -> Value {
    let period = format!("{}Q{}", 1990 + number / 4 % 36, 1 + number % 4);
    json!({
        "specversion": "1.0",
        "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "data": {
            "dataSet": "QUARTERLY_DENGUE", "period": period, "orgUnit": place,
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
        },
    })
}

async fn reports(office: &Office, numbers: std::ops::Range<u32>, place: &str) {
    let mut last = None;
    for number in numbers {
        last = Some(office.submit(&report(number, place)).await);
    }
    if let Some(last) = last {
        office.reaches(&last, "durable").await;
    }
}

fn data(bus: &Bus) -> PathBuf {
    bus.authority.folder().join("nats/data")
}

async fn copied_while_it_stands(bus: &mut Bus, from: &Path, to: &Path) {
    bus.nats.kill().await;
    copy(from, to);
    bus.nats.resume().await;
}

fn log_of(bus: &Bus) -> String {
    std::fs::read_to_string(bus.authority.folder().join("gateway.log")).expect("a gateway's log")
}

fn audited(bus: &Bus) -> Vec<Value> {
    let audit = bus.authority.audit().into_iter();
    audit.filter(|line| line["code"] == CODE).collect()
}

/// The reader's signed word, with what it has seen.
fn seen(bus: &Bus, newest: u64) -> Confirmation {
    let document = std::fs::read(bus.bundle(HQ).join("signing.pk8")).expect("a bundle has a key");
    let key = SigningKey::from_pkcs8(&document).expect("a key");
    let log = schemas::subject::LogName::from_source("urn:spean:moh:battambang:health-quarterly");
    let said = Said {
        reader: HQ.parse().expect("an office"),
        log: log.expect("a log"),
        position: Position::FIRST,
        hash: Hash::of(b"any"),
        time: "2026-10-05T08:00:00Z".parse().expect("a time"),
        registry: None,
        newest: Newest::new(newest),
    };
    Confirmation::sign(said, &key)
}

#[tokio::test]
async fn a_broker_put_back_to_an_older_copy_is_told_by_the_gateway_and_by_an_office() {
    let mut bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let (province, neighbour) = tokio::join!(bus.office(PROVINCE), bus.office(NEIGHBOUR));
    reports(&neighbour, 0..2, "KH02").await;
    let (store, backup) = (data(&bus), bus.folder().join("backup"));
    copied_while_it_stands(&mut bus, &store, &backup).await;
    reports(&province, 0..REPORTS, "KH17").await;
    // Its stamp names what the other has stored.
    reports(&neighbour, 2..3, "KH02").await;
    drop(province);
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    let word = seen(&bus, 500);
    let subject = word.said().subject().to_string();
    let taken = reader.request(&subject, &word.to_string()).await;
    assert_eq!(taken["stream"], "confirmations", "{taken}");
    assert!(audited(&bus).is_empty(), "nobody is contradicted yet");
    // What is younger is no contradiction: it may be on its way.
    tokio::time::sleep(NEWEST_LAG_MAX).await;

    copied_while_it_stands(&mut bus, &backup, &store).await;
    reports(&neighbour, 3..4, "KH02").await;
    let told = until(
        "the office to be told",
        || neighbour.status(),
        |status| !alarms(status, CODE).is_empty(),
    );
    let told = alarms(&told.await, CODE);
    let named = |text: &String| {
        text.contains("says that the stream ends at sequence") && text.contains("named 62 (")
    };
    assert!(told.iter().any(named), "{told:?}");
    let what = "the gateway to write it down";
    until(what, || async { audited(&bus) }, |lines| !lines.is_empty()).await;
    let log = log_of(&bus);
    assert!(log.contains("moh/hq named 500"), "{log}");
    assert!(log.contains("this gateway named 63"), "{log}");
}

#[tokio::test]
async fn two_gateways_of_which_one_rests_contradict_nobody() {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let twin = bus.folder().join("second");
    let twin = bus.authority.twin(&twin, ports::free());
    let second = Gateway::start(&twin).await;
    let at_second = async |office: &str| {
        let folder = bus.folder().join(office.replace('/', "-at-second-"));
        Office::start(office, bus.bundle(office), &folder, second.address()).await
    };
    let (neighbour, hq) = (at_second(NEIGHBOUR).await, at_second(HQ).await);
    let province = bus.office(PROVINCE).await;
    reports(&neighbour, 0..1, "KH02").await;
    // The first gateway stores alone, longer than anything may be on its way.
    let began = tokio::time::Instant::now();
    let mut stored = 0;
    while began.elapsed() < NEWEST_LAG_MAX + Duration::from_secs(2) {
        reports(&province, stored..stored + 5, "KH17").await;
        stored += 5;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    hq.receives(FEED, stored as usize + 1).await;
    // And now the second one, with what it knew before.
    reports(&neighbour, 1..3, "KH02").await;
    reports(&province, stored..stored + 5, "KH17").await;
    hq.receives(FEED, stored as usize + 8).await;
    for office in [&province, &neighbour, &hq] {
        let status = office.status().await;
        assert!(alarms(&status, CODE).is_empty(), "{status}");
    }
    let audit = bus.authority.audit().into_iter().chain(twin.audit());
    assert_eq!(audit.filter(|line| line["code"] == CODE).count(), 0);
}

/// What stands beside the registry's lines for somebody.
async fn told_ends(bus: &Bus, office: &str) -> String {
    let mut asks = Envoy::new(bus.raw(office).await, office).await;
    let inbox = format!("_INBOX.{}.envoy.1", office.replace('/', "."));
    let question = "{\"after\":1}";
    let line = format!(
        "PUB spean.registry {inbox} {}\r\n{question}\r\n",
        question.len()
    );
    asks.client.send(line).await;
    let headers = asks.client.message().await.headers;
    let mut lines = headers.lines().map(str::to_owned);
    lines
        .find(|line| line.starts_with("Spean-Ends: "))
        .unwrap_or_default()
}

#[tokio::test]
async fn stamps_confirmations_and_the_registrys_answers_name_the_end_to_whoever_may_see_the_feed() {
    let bus = Bus::start(&[PROVINCE, HQ, MAFF]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    reports(&province, 0..2, "KH17").await;
    reports(&province, 2..3, "KH17").await;
    hq.receives(FEED, 3).await;
    let mut reader = Envoy::new(bus.raw(HQ).await, HQ).await;
    let last = json!({ "last_by_subj": "spean.log.health-quarterly.moh.siem-reap" });
    let subject = "$JS.API.STREAM.MSG.GET.health-quarterly";
    let stored = reader.request(subject, &last.to_string()).await;
    let headers = stored["message"]["hdrs"].as_str().expect("base64");
    let headers = STANDARD.decode(headers).expect("base64");
    assert_eq!(
        Newest::read(&headers),
        Newest::new(2),
        "before it stood so many"
    );
    let confirmed = "spean.confirm.moh.hq.health-quarterly.moh.siem-reap";
    let last = json!({ "last_by_subj": confirmed }).to_string();
    let said = eventually("the reader's word of all of it", || async {
        let mut asks = Envoy::new(bus.raw(PROVINCE).await, PROVINCE).await;
        let subject = "$JS.API.STREAM.MSG.GET.confirmations";
        let stored = asks.request(subject, &last).await;
        let data = STANDARD.decode(stored["message"]["data"].as_str()?).ok()?;
        let word: Confirmation = serde_json::from_slice(&data).ok()?;
        (word.said().position.number() == 3).then(|| word.said().clone())
    });
    assert_eq!(said.await.newest, Newest::new(3));

    let told = told_ends(&bus, PROVINCE).await;
    assert!(told.contains("health-quarterly 3 "), "{told}");
    let told = told_ends(&bus, MAFF).await;
    assert!(!told.contains("health"), "it sees no such feed: {told}");
    let info = reader.client.info.to_string();
    assert!(!info.contains("ends") && !info.contains("newest"), "{info}");
}
