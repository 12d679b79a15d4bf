//! A nats-server whose disk is not what it should be. One bit of a message's sequence in its block file, and everything behind it in that block
//! is acknowledged, counted, and read by nobody; a disk that was full once, and it answers questions and stores nothing.
//! In: a flipped bit while nats-server is stopped, a disk of a few mebibytes. Out: a named hold that says what to do, a bounded number of
//! tries. Never: a receipt for what cannot be read.

use std::path::PathBuf;
use std::time::Duration;

use tests::deadline::until;

use super::*;

/// Byte 3 of the eight of a message's sequence, of the `nth` message in the feed's first block.
fn flip_a_bit(bus: &Bus, nth: usize) {
    let block = block(bus);
    let mut bytes = std::fs::read(&block).expect("the stream has a block");
    let mut at = 0;
    for _ in 1..nth {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        at += (length & 0x7fff_ffff) as usize;
    }
    bytes[at + 4 + 3] ^= 1;
    std::fs::write(&block, bytes).expect("the block can be written");
}

fn block(bus: &Bus) -> PathBuf {
    let folder = bus.authority.nats_data();
    folder.join(format!("jetstream/$G/streams/{HEALTH}/msgs/1.blk"))
}

/// How many messages the log has on its own subject.
async fn counted(broker: &Broker) -> u64 {
    let counts = broker.counts(HEALTH).await.expect("nats-server counts");
    counts.get(LOG).copied().unwrap_or(0)
}

/// How often the gateway has judged what somebody wanted to have stored.
fn judged(bus: &Bus) -> usize {
    let audit = bus.authority.audit();
    let publishes = audit.iter().filter(|line| line["op"] == "publish");
    publishes.count()
}

#[tokio::test]
async fn what_nats_server_acknowledges_and_cannot_give_back_is_named_and_nothing_is_stored_in_vain()
{
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    stored_reports(&province, 60).await;
    hq.receives(HEALTH, 60).await;
    bus.nats.stop().await;
    flip_a_bit(&bus, 40);
    bus.nats.resume().await;
    let before = judged(&bus);
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(
            province
                .submit(&report(2030 + number / 4, 1 + number % 4))
                .await,
        );
    }
    let named = |status: &Value| {
        let feeds = status["outbox"]["feeds"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        feeds
            .iter()
            .any(|feed| feed["held"]["code"] == "bus-unreadable")
    };
    until("the office to be told", || province.status(), named).await;
    let found = bus.authority.check();
    assert!(found.contains("bus-unreadable: moh/siem-reap"), "{found}");

    // A while of it: what the office tries is bounded, and hardly anything is stored twice.
    let broker = broker(&bus).await;
    let first = counted(&broker).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (stored, tried) = (counted(&broker).await, judged(&bus) - before);
    assert!(stored <= first + 1, "{first} messages, then {stored}");
    assert!(stored <= 60 + 64, "{stored} messages of 60 events");
    assert!(tried < 2_000, "{tried} were judged");
    assert_eq!(hq.received(HEALTH).await.len(), 60);
    for id in &ids {
        let stage = province.get(&format!("/events/{id}")).await.body["stage"].clone();
        assert_eq!(stage, "accepted", "no receipt for what cannot be read");
    }
    let log = std::fs::read_to_string(bus.authority.folder().join("gateway.log"));
    assert!(log.expect("it logs").contains("bus-unreadable: "));

    // As the hold says: nats-server is started again, and finds what it has written since.
    bus.nats.stop().await;
    bus.nats.resume().await;
    for id in &ids {
        province.reaches(id, "stored").await;
    }
    let all = hq.receives(HEALTH, 120).await;
    assert_eq!(all.len(), 120, "each once");
    let found = bus.authority.check();
    assert!(!found.contains("bus-unreadable"), "{found}");
}

/// A report of 45 KB.
fn large_report(number: u32) -> Value {
    let mut report = report(2030 + number / 4, 1 + number % 4);
    let value =
        |number: u32| json!({ "dataElement": format!("ELEMENT_{number:04}"), "value": "125" });
    report["data"]["dataValues"] = (0..1_000).map(value).collect();
    report
}

#[tokio::test]
async fn a_broker_whose_disk_was_full_is_named_with_what_to_do_and_goes_on_when_it_was_started_again()
 {
    let Some(mut bus) = Bus::start_on_a_small_disk(&[PROVINCE], 3).await else {
        return;
    };
    let province = bus.office(PROVINCE).await;
    let mut ids = Vec::new();
    for number in 0..120 {
        ids.push(province.submit(&large_report(number)).await);
    }
    let held = |code: &'static str| {
        move |status: &Value| {
            let feeds = status["outbox"]["feeds"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            feeds.iter().any(|feed| feed["held"]["code"] == code)
        }
    };
    let told = until(
        "the office to be told",
        || province.status(),
        held("bus-unwritable"),
    )
    .await;
    assert!(told.to_string().contains("restarts nats-server"), "{told}");
    let log = std::fs::read_to_string(bus.authority.folder().join("gateway.log"));
    let log = log.expect("it logs");
    assert!(
        log.contains("bus-unwritable: ") && log.contains("restart nats-server"),
        "{log}"
    );
    bus.nats.give_room(64);
    bus.nats.stop().await;
    bus.nats.resume().await;
    for id in &ids {
        province.reaches(id, "stored").await;
    }
}
