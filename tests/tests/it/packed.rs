//! The packed link between a real agent and a real gateway: fewer bytes, and else nothing that anybody notices. In: submissions at offices that
//! speak frames, and at others. Out: what is stored, received, and what crossed the line. Never: a look into a frame.

use std::sync::Arc;

use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::within;
use tests::office::Office;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const FEED: &str = "health-quarterly";
const READER: &str = "moh/hq";
const PACKED: &str = "[link]\npacked = \"on\"\n";
const PLAIN: &str = "[link]\npacked = \"off\"\n";

fn report(province: &str, number: u32) -> Value {
    let (year, quarter) = (1950 + number / 4, 1 + number % 4);
    json!({
        "specversion": "1.0",
        "type": "kh.gov.moh.quarterly-report.submitted.v1",
        "subject": format!("{province}/{year}Q{quarter}"),
        "data": {
            "dataSet": "QUARTERLY_DENGUE", "period": format!("{year}Q{quarter}"), "orgUnit": province,
            "dataValues": [{ "dataElement": "DENGUE_CASES", "value": (number * 7).to_string() }],
        },
    })
}

/// Submits them while nothing goes; their ids.
async fn submit(office: &Office, province: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
    let events: Vec<Value> = numbers.map(|number| report(province, number)).collect();
    let batch = Value::Array(events).to_string();
    let answer = office
        .post("/events", "application/cloudevents-batch+json", batch)
        .await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let all = answer.body["events"].as_array().or(answer.body.as_array());
    let all = all.expect("an answer for each");
    let ids = all
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

fn ids(events: &[Value]) -> Vec<String> {
    let ids = events
        .iter()
        .map(|event| event["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

#[tokio::test]
async fn a_tenth_of_the_bytes_carries_the_same_events_with_their_receipts() {
    let offices = ["moh/siem-reap", "moh/battambang"];
    let bus = Bus::start(&[offices[0], offices[1], READER]).await;
    let mut reader = bus.office_with(READER, PACKED).await;
    let mut up = Vec::new();
    for (office, province, settings) in [(offices[0], "KH17", PACKED), (offices[1], "KH02", PLAIN)]
    {
        let mut office = bus.office_with(office, settings).await;
        let first = submit(&office, province, 0..1).await;
        office.reaches(&first[0], "durable").await;
        let before = office.line.traffic().up;
        let ids = submit(&office, province, 1..301).await;
        for id in [&ids[0], &ids[150], &ids[299]] {
            office.reaches(id, "durable").await;
        }
        up.push(office.line.traffic().up - before);
        office.stop().await;
    }
    let received = reader.receives(FEED, 602).await;
    for source in [
        "urn:spean:moh:siem-reap:health-quarterly",
        "urn:spean:moh:battambang:health-quarterly",
    ] {
        let of = received.iter().filter(|event| event["source"] == source);
        assert_eq!(of.count(), 301);
    }
    assert!(up[0] * 10 < up[1], "{up:?} bytes up");
    reader.stop().await;
}

#[tokio::test]
async fn what_was_under_way_when_the_line_broke_arrives_once_and_in_order() {
    let bus = Bus::start(&["moh/siem-reap", READER]).await;
    let mut office = bus.office_with("moh/siem-reap", PACKED).await;
    let mut reader = bus.office_with(READER, PACKED).await;
    let mut submitted = Vec::new();
    for part in 0..6 {
        submitted.append(&mut submit(&office, "KH17", part * 60..(part + 1) * 60).await);
        office.line.reset();
    }
    let last = submitted.last().expect("some").clone();
    office.reaches(&last, "durable").await;
    assert_eq!(
        ids(&reader.receives(FEED, submitted.len()).await),
        submitted
    );
    office.stop().await;
    reader.stop().await;
}

/// What a gateway selects of what was offered, and the first five bytes that it says.
async fn met(bus: &Bus, offered: &[&str]) -> (Option<Vec<u8>>, [u8; 5]) {
    let mut config = bus.credentials("moh/siem-reap").client_config();
    config.alpn_protocols = offered
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let meeting = async {
        let socket = TcpStream::connect(bus.gateway.address())
            .await
            .expect("it listens");
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, socket).await.expect("TLS");
        let mut first = [0; 5];
        stream
            .read_exact(&mut first)
            .await
            .expect("it says something");
        let selected = stream.get_ref().1.alpn_protocol();
        (selected.map(<[u8]>::to_vec), first)
    };
    within("a handshake", meeting).await
}

#[tokio::test]
async fn frames_are_spoken_with_who_offers_them_and_nats_with_everybody_else() {
    let bus = Bus::start(&["moh/siem-reap"]).await;
    for offered in [&[][..], &["h2"], &["nats", "http/1.1"], &["spean/2"]] {
        assert_eq!(met(&bus, offered).await, (None, *b"INFO "), "{offered:?}");
    }
    for offered in [&["spean/1"][..], &["h2", "spean/1"]] {
        let (selected, first) = met(&bus, offered).await;
        assert_eq!(selected.as_deref(), Some(&b"spean/1"[..]), "{offered:?}");
        assert_eq!(first[0], 1, "a greeting");
    }
}

#[tokio::test]
async fn an_agent_speaks_nats_with_a_gateway_that_knows_no_frames() {
    let mut bus = Bus::start(&["moh/siem-reap"]).await;
    let file = bus.authority.folder().join("gateway.toml");
    let text = std::fs::read_to_string(&file).expect("it has settings");
    std::fs::write(&file, format!("frames = false\n{text}")).expect("they can be changed");
    bus.gateway.restart().await;
    assert_eq!(met(&bus, &["spean/1"]).await, (None, *b"INFO "));
    let mut office = bus.office_with("moh/siem-reap", PACKED).await;
    let ids = submit(&office, "KH17", 0..20).await;
    office.reaches(&ids[19], "durable").await;
    // What was remembered of the gateway holds for the next session, too.
    office.line.reset();
    let ids = submit(&office, "KH17", 20..40).await;
    office.reaches(&ids[19], "durable").await;
    office.stop().await;
}
