//! Words that bind others: what somebody says who shows nothing for it, or an older world than there is, holds nobody up and is told.
//! In: enrolled offices that say what is not so. Out: alarms, and everybody else's work going on. Never: a stand-in for a part.

use schemas::confirmation::{Confirmation, Said};
use schemas::event::{Hash, Position};
use schemas::signing::SigningKey;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::until;
use tests::envoy::Envoy;
use tests::office::Office;

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

/// The liar's word about the bulletin, well signed.
fn word(bus: &Bus, position: u64) -> Confirmation {
    let document = std::fs::read(bus.bundle(LIAR).join("signing.pk8")).expect("a bundle has a key");
    let key = SigningKey::from_pkcs8(&document).expect("a key");
    let said = Said {
        reader: LIAR.parse().expect("an office"),
        log: schemas::subject::LogName::from_source(LOG).expect("a log"),
        position: Position::new(position).expect("a position"),
        hash: Hash::of(b"any"),
        time: "2026-10-05T08:00:00Z".parse().expect("a time"),
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
        let word = word(&bus, position);
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
