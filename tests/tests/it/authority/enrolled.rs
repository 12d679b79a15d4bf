//! An office is enrolled while others are connected: their readers begin anew with the registry's news, and nothing is wrong with anybody.
//! In: offices whose consumers wait at nats-server. Out: the gateway's log. Never: a warning of what is well.

use std::time::Duration;

use serde_json::Value;
use tests::bus::Bus;
use tests::deadline::{eventually, until};
use tests::office::Office;

const READERS: [&str; 2] = ["moh/hq", "mef/hq"];
/// From the news to the warning that once came: a pull that is silent for 20 s was taken for one that waits in vain, and it is looked at
/// now and then.
const WARNED_WITHIN: Duration = Duration::from_secs(28);

/// Its consumers wait.
async fn reads(office: &Office) {
    eventually("its readers to wait at the bus", || async {
        let status = office.status().await;
        (status["link"]["state"] == "connected").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_enrolment_gives_no_warning_of_readers_that_are_well() {
    let bus = Bus::start(&READERS).await;
    let (one, other) = tokio::join!(bus.office(READERS[0]), bus.office(READERS[1]));
    for office in [&one, &other] {
        reads(office).await;
    }
    bus.authority.enrol("moh/kratie", &bus.folder().join("new"));
    let text = std::fs::read_to_string(bus.authority.registry()).expect("a registry");
    let lines = text.lines().count();
    for office in [&one, &other] {
        let works = |status: &Value| status["registry"] == lines;
        until("the office to have the news", || office.status(), works).await;
    }
    tokio::time::sleep(WARNED_WITHIN).await;
    let log = std::fs::read_to_string(bus.authority.folder().join("gateway.log"));
    let log = log.expect("a gateway's log");
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains(" WARN ")).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
}
