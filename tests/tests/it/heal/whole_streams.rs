//! A broker that forgot everything, or went back to an older copy: the offices fill it again, or whoever has read them.
//! In: nats-server's store, emptied or put back. Out: every log with the hash that it had. Never: a hand, but for making the streams.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::deadline::eventually_within;
use tests::folder::copy;
use tests::programs::{self, GATEWAY};

use super::*;

const NEIGHBOUR: &str = "moh/battambang";
const OTHER_LOG: &str = "spean.log.health-quarterly.moh.battambang";
/// A feed that was held waits up to a minute before it is tried again.
const PATIENCE: Duration = Duration::from_secs(120);

fn data(bus: &Bus) -> PathBuf {
    bus.authority.folder().join("nats/data")
}

/// The operator's copy of the whole store, made while the broker stands still.
pub(super) async fn back_up(bus: &mut Bus) -> PathBuf {
    let backup = bus.folder().join("backup");
    bus.nats.kill().await;
    copy(&data(bus), &backup);
    bus.nats.resume().await;
    backup
}

pub(super) async fn restore(bus: &mut Bus, backup: &Path) {
    bus.nats.kill().await;
    copy(backup, &data(bus));
    bus.nats.resume().await;
}

async fn wipe(bus: &mut Bus) {
    bus.nats.kill().await;
    std::fs::remove_dir_all(data(bus)).expect("the store can be removed");
    bus.nats.resume().await;
    let folder = bus.authority.arg();
    tests::deadline::eventually("the streams to be made", || {
        let made = programs::output(GATEWAY, &["streams", &folder]);
        async move { made.status.success().then_some(()) }
    })
    .await;
}

/// Head and hash of every log, by the operator's scrub.
fn hashes(bus: &Bus) -> BTreeMap<String, (u64, String)> {
    let output = programs::output(GATEWAY, &["scrub", &bus.authority.arg(), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = BTreeMap::new();
    for feed in list(&report["feeds"]) {
        for log in list(&feed["logs"]) {
            let name = format!("{} {}", log["office"], feed["feed"]);
            let hash = log["hash"].as_str().unwrap_or_default().to_owned();
            all.insert(name, (log["head"].as_u64().unwrap_or_default(), hash));
        }
    }
    all
}

/// Waits until so many events stand on the subject again.
pub(super) async fn counts_again(bus: &Bus, subject: &str, count: u64) {
    eventually_within(
        PATIENCE,
        &format!("{count} events on {subject}"),
        || async {
            let broker = Broker::connect(&bus.authority).await.ok()?;
            let counts = broker.counts(HEALTH).await.ok()?;
            (counts.get(subject) == Some(&count)).then_some(())
        },
    )
    .await;
}

fn of_battambang(number: u32) -> Value {
    let mut other = report(1990 + number / 4, 1 + number % 4);
    other["data"]["orgUnit"] = json!("KH02");
    other
}

/// The reader has exactly these, each once, in the order of each log.
pub(super) async fn reads_exactly(reader: &Office, logs: &[&[String]]) {
    let count = logs.iter().map(|log| log.len()).sum();
    let received = ids(&reader.receives(HEALTH, count).await);
    assert_eq!(received.len(), count, "{}", reader.name);
    for log in logs {
        let of_log: Vec<&String> = received.iter().filter(|id| log.contains(id)).collect();
        assert_eq!(of_log, log.iter().collect::<Vec<_>>(), "{}", reader.name);
    }
}

#[tokio::test]
async fn a_wiped_broker_is_filled_again_to_the_last_byte() {
    let mut bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ, FINANCE]).await;
    let (province, neighbour) = tokio::join!(bus.office(PROVINCE), bus.office(NEIGHBOUR));
    let hq = bus.office(HQ).await;
    let mut submitted = stored_reports(&province, 30).await;
    let mut others = Vec::new();
    for number in 0..12 {
        others.push(neighbour.submit(&of_battambang(number)).await);
    }
    neighbour.reaches(&others[11], "stored").await;
    hq.receives(HEALTH, 42).await;
    let before = hashes(&bus);
    assert_eq!(before.len(), 2, "{before:?}");
    wipe(&mut bus).await;
    counts_again(&bus, LOG, 30).await;
    counts_again(&bus, OTHER_LOG, 12).await;
    assert_eq!(hashes(&bus), before);
    let next = province.submit(&report(2026, 3)).await;
    province.reaches(&next, "stored").await;
    submitted.push(next);
    let finance = bus.office(FINANCE).await;
    for reader in [&hq, &finance] {
        reads_exactly(reader, &[&submitted, &others]).await;
    }
}

#[tokio::test]
async fn a_broker_restored_from_an_older_copy_is_filled_up() {
    let mut bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = stored_reports(&province, 10).await;
    let backup = back_up(&mut bus).await;
    submitted.extend(stored_reports(&province, 15).await);
    hq.receives(HEALTH, 25).await;
    let before = hashes(&bus);
    restore(&mut bus, &backup).await;
    counts_again(&bus, LOG, 25).await;
    assert_eq!(hashes(&bus), before);
    submitted.extend(stored_reports(&province, 3).await);
    let finance = bus.office(FINANCE).await;
    for reader in [&hq, &finance] {
        reads_exactly(reader, &[&submitted]).await;
    }
}

#[tokio::test]
async fn where_the_office_is_gone_its_readers_fill_the_broker_again() {
    for wiped in [true, false] {
        let mut bus = Bus::start(&[PROVINCE, HQ, FINANCE]).await;
        let province = bus.office(PROVINCE).await;
        let (hq, finance) =
            tokio::join!(bus.office_with(HQ, EAGER), bus.office_with(FINANCE, EAGER));
        let mut submitted = stored_reports(&province, 10).await;
        let backup = back_up(&mut bus).await;
        submitted.extend(stored_reports(&province, 15).await);
        hq.receives(HEALTH, 25).await;
        finance.receives(HEALTH, 25).await;
        let before = hashes(&bus);
        drop(province);
        match wiped {
            true => wipe(&mut bus).await,
            false => restore(&mut bus, &backup).await,
        }
        counts_again(&bus, LOG, 25).await;
        assert_eq!(hashes(&bus), before);
        for reader in [&hq, &finance] {
            reads_exactly(reader, &[&submitted]).await;
        }
    }
}

/// Keeps nothing that is settled, looks every second, and waits for readers no longer than two.
const FORGETFUL: &str =
    "[heal]\ncheck_interval_s = 1\nreader_wait_s = 1\ngap_wait_s = 2\nresend_horizon_days = 0\n";

async fn is_pruned(office: &Office, id: &str) {
    tests::deadline::eventually(&format!("{id} to be pruned"), || async {
        let answer = office.get(&format!("/events/{id}/receipt")).await;
        (answer.body["code"] == "event-pruned").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_the_office_has_pruned_and_a_wiped_broker_lost_is_declared() {
    let mut bus = Bus::start(&[PROVINCE, FINANCE]).await;
    let province = bus.office_with(PROVINCE, FORGETFUL).await;
    let pruned = stored_reports(&province, 5).await;
    is_pruned(&province, &pruned[4]).await;
    wipe(&mut bus).await;
    let next = province.submit(&report(2026, 2)).await;
    let event = province.reaches(&next, "stored").await;
    assert_eq!(event["position"], 6, "{event}");
    let finance = bus.office(FINANCE).await;
    assert_eq!(ids(&finance.receives(HEALTH, 1).await), [next]);
    let told = super::gaps::alarmed(&finance, "gap-declared").await;
    assert!(told[0].contains("positions 1 to 5 lost"), "{told:?}");
    assert_eq!(super::gaps::scrub(&bus).1["declared"], json!([[1, 5]]));
}
