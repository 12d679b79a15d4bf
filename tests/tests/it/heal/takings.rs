//! An office that does not remember its own events: it takes them back, says so on the bus, and goes on; two that do it to each
//! other stop, unless the registry gives the office two.
//! In: an emptied store, a second machine with the same identity. Out: an alarm at the reader. Never: a notice as data.

use schemas::registry::{Office as Record, RegistryEvent, Standing};
use tests::deadline::{until, within};
use tests::envoy::Envoy;

use super::*;

#[tokio::test]
async fn an_emptied_office_tells_what_it_took_back_and_readers_are_alarmed() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = stored_reports(&province, 6).await;
    hq.receives(HEALTH, 6).await;
    province.kill().await;
    let store = province.folder().join("store");
    std::fs::remove_dir_all(store).expect("the store can be removed");
    province.resume().await;
    let next = province.submit(&report(2026, 3)).await;
    province.reaches(&next, "stored").await;
    submitted.push(next);
    assert_eq!(ids(&hq.receives(HEALTH, 7).await), submitted);
    let counts = broker(&bus).await.counts(HEALTH).await;
    assert_eq!(counts.expect("nats-server counts")[LOG], 8);
    let told = alarms(&hq.status().await, "log-resumed");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("position 7") && told[0].contains("positions 1 to 6"));
}

/// The feed's state at an office.
pub(super) fn held(status: &Value) -> &Value {
    &status["outbox"]["feeds"][0]["held"]["code"]
}

#[tokio::test]
async fn two_machines_with_one_identity_stop_sending_until_the_registry_allows_both() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let hq = bus.office(HQ).await;
    let first = bus.office_with(PROVINCE, CALM).await;
    let folder = bus.folder().join("second-machine");
    let (bundle, gateway) = (bus.bundle(PROVINCE), bus.gateway.address());
    let second = Office::start_with(PROVINCE, bundle, &folder, gateway, CALM).await;
    let mut submitted = Vec::new();
    let mut stopped = false;
    for round in 0..8 {
        for office in [&first, &second] {
            let id = office.submit(&report(2000 + round, 1)).await;
            let event = until(
                "the event to be stored, or the feed to be held",
                || async {
                    let stage = office.get(&format!("/events/{id}")).await.body["stage"].clone();
                    (stage, held(&office.status().await).clone())
                },
                |(stage, held)| *held == "log-shared" || *stage != "accepted",
            )
            .await;
            stopped |= event.1 == "log-shared";
            submitted.push(id);
        }
        if stopped {
            break;
        }
    }
    assert!(stopped, "both go on");
    let record = Record {
        id: PROVINCE.parse().expect("an office"),
        title_en: "Siem Reap".into(),
        title_km: "សៀមរាប".into(),
        standing: Standing::Provincial,
        province: Some("17".into()),
        node: None,
        agents: Some(2),
    };
    let position = bus.authority.say(&RegistryEvent::OfficeAdded(record));
    let mut envoy = Envoy::new(bus.raw(HQ).await, HQ).await;
    let told = async {
        // Any no names the position that it was judged at.
        let mut judged_at = Value::Null;
        while judged_at != position {
            judged_at = envoy.request("spean.registry", "?").await["spean"]["registry"].clone();
        }
    };
    within("the gateway to read the registry", told).await;
    // The registry is asked for when a session begins.
    first.line.reset();
    second.line.reset();
    let mut received = ids(&hq.receives(HEALTH, submitted.len()).await);
    received.sort();
    submitted.sort();
    assert_eq!(received, submitted);
    let told = alarms(&hq.status().await, "log-resumed").len();
    for office in [&first, &second, &first] {
        let id = office.submit(&report(2026, 3)).await;
        office.reaches(&id, "stored").await;
        submitted.push(id);
    }
    hq.receives(HEALTH, submitted.len()).await;
    assert_eq!(alarms(&hq.status().await, "log-resumed").len(), told);
}
