//! Bus and office both went back: what a reader has confirmed is kept free for it, and where other events stand in the place of
//! receipted ones, both histories are kept, named, and on the bus.
//! In: nats-server's store and an office's, put back to older copies. Out: every event once. Never: a branch that nobody is told of.

use std::path::{Path, PathBuf};

use tests::deadline::until;
use tests::folder::copy;

use super::takings::held;
use super::whole_streams::{back_up, counts_again, reads_exactly, restore};
use super::*;

/// A copy of the office's store, made while it stands still.
async fn copy_store(bus: &Bus, office: &mut Office, name: &str) -> PathBuf {
    let aside = bus.folder().join(name);
    office.stop().await;
    copy(&office.folder().join("store"), &aside);
    office.resume().await;
    aside
}

/// The office is down until it is resumed.
async fn put_store(office: &mut Office, aside: &Path) {
    office.kill().await;
    copy(aside, &office.folder().join("store"));
}

/// What an office has beside the province's log.
fn beside(office: &Office) -> Vec<Value> {
    let source = "urn:spean:moh:siem-reap:health-quarterly";
    let output = office.command(&["export", source, "--branches"]);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let events = lines.lines().map(serde_json::from_str);
    events.collect::<Result<_, _>>().expect("events")
}

/// The highest position of the province's log that the reader has confirmed, as the bus has it.
async fn confirmed(broker: &Broker, reader: &str) -> Option<u64> {
    let subject = format!(
        "spean.confirm.{}.health-quarterly.moh.siem-reap",
        reader.replace('/', ".")
    );
    let stream = broker.jetstream().get_stream("confirmations").await;
    let message = stream.ok()?.get_last_raw_message_by_subject(&subject).await;
    let said: Value = serde_json::from_slice(&message.ok()?.payload).ok()?;
    said["position"].as_u64()
}

async fn confirms(broker: &Broker, reader: &str, position: u64) {
    let what = format!("{reader} to confirm {position}");
    let asked = || confirmed(broker, reader);
    until(&what, asked, |told| *told == Some(position)).await;
}

#[tokio::test]
async fn an_office_that_went_back_waits_for_the_reader_that_has_confirmed_what_the_bus_lost() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, EAGER));
    let mut submitted = stored_reports(&province, 5).await;
    let older = copy_store(&bus, &mut province, "older").await;
    submitted.extend(stored_reports(&province, 5).await);
    let broker = broker(&bus).await;
    confirms(&broker, HQ, 10).await;
    hq.kill().await;
    put_store(&mut province, &older).await;
    lose(&broker, &[6, 7, 8, 9, 10]).await;
    bus.gateway.restart().await;

    province.resume().await;
    submitted.push(province.submit(&report(2026, 3)).await);
    let status = || province.status();
    let waits = until("the feed to be held", status, |status| {
        *held(status) == "position-confirmed"
    })
    .await;
    let why = waits["outbox"]["feeds"][0]["held"]["text"].to_string();
    assert!(
        why.contains("moh/hq has confirmed position 10"),
        "who is waited for: {why}"
    );
    let counts = broker.counts(HEALTH).await.expect("nats-server counts");
    assert_eq!(counts[LOG], 5);

    hq.resume().await;
    // What came back, the notice of what the office did not remember, and the new one.
    counts_again(&bus, LOG, 12).await;
    reads_exactly(&hq, &[&submitted]).await;
    let told = hq.status().await;
    for code in ["branch", "chain-broken"] {
        assert_eq!(alarms(&told, code), Vec::<String>::new());
    }
    let resumed = alarms(&told, "log-resumed");
    assert!(resumed[0].contains("positions 6 to 10"), "{resumed:?}");
}

#[tokio::test]
async fn a_reader_says_again_what_it_confirmed_where_the_bus_has_lost_that_too() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, EAGER));
    stored_reports(&province, 4).await;
    confirms(&broker(&bus).await, HQ, 4).await;
    let backup = back_up(&mut bus).await;
    stored_reports(&province, 4).await;
    confirms(&broker(&bus).await, HQ, 8).await;
    province.kill().await;
    restore(&mut bus, &backup).await;
    confirms(&broker(&bus).await, HQ, 8).await;
    counts_again(&bus, LOG, 8).await;
    drop(hq);
}

#[tokio::test]
async fn two_histories_with_receipts_end_on_the_bus_and_the_displaced_one_is_kept_and_named() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let mut province = bus.office(PROVINCE).await;
    let mut all = stored_reports(&province, 5).await;
    let bus_then = back_up(&mut bus).await;
    let office_then = copy_store(&bus, &mut province, "then").await;
    let first = stored_reports(&province, 5).await;
    let office_first = copy_store(&bus, &mut province, "first").await;

    put_store(&mut province, &office_then).await;
    restore(&mut bus, &bus_then).await;
    province.resume().await;
    all.extend(stored_reports(&province, 3).await);

    put_store(&mut province, &office_first).await;
    province.resume().await;
    let told = until(
        "the displaced positions to be told",
        || province.status(),
        |status| status["outbox"]["feeds"][0]["branched"] == json!([[6, 10]]),
    )
    .await;
    let text = alarms(&told, "fork-after-receipt").concat();
    assert!(text.contains("positions 6 to 10 had receipts"), "{text}");
    assert_eq!(ids(&beside(&province)), first);
    // 5 and 3, the notice of the three that the first store did not know, and what had stood there.
    counts_again(&bus, LOG, 14).await;
    all.extend(first);
    let hq = bus.office(HQ).await;
    reads_exactly(&hq, &[&all]).await;
}

#[tokio::test]
async fn a_reader_of_the_displaced_history_keeps_both_and_names_them() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, EAGER));
    let mut first = stored_reports(&province, 5).await;
    let bus_then = back_up(&mut bus).await;
    let office_then = copy_store(&bus, &mut province, "then").await;
    first.extend(stored_reports(&province, 5).await);
    hq.receives(HEALTH, 10).await;
    hq.kill().await;
    put_store(&mut province, &office_then).await;
    restore(&mut bus, &bus_then).await;
    province.resume().await;
    let second = stored_reports(&province, 3).await;

    hq.resume().await;
    let told = until(
        "the branches to be told",
        || hq.status(),
        |status| alarms(status, "branch").len() >= 3,
    )
    .await;
    let text = alarms(&told, "branch").concat();
    for position in 6..=8 {
        let named = format!("position {position}");
        assert!(text.contains(&named), "{text}");
    }
    reads_exactly(&hq, &[&first]).await;
    assert_eq!(ids(&beside(&hq)), second);
    // It confirms nothing that would hold the office up.
    let next = province.submit(&report(2026, 3)).await;
    province.reaches(&next, "stored").await;
}
