//! Lines that are cut, silent, slow and reset; programs that are killed at any moment. Nothing is lost, doubled or reordered.
//! In: harm while events are on their way. Out: the same ids in the same order at the reader. Never: an event submitted twice to help.

use tests::broker::Broker;
use tests::deadline::until;
use tests::proxy::Weather;

use super::*;

#[tokio::test]
async fn a_line_cut_half_way_changes_nothing() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = submit_reports(&province, 20).await;
    hq.receives(HEALTH, 1).await;
    province.line.set(Weather::Cut);
    submitted.extend(submit_reports(&province, 20).await);
    province.line.set(Weather::Clear);
    assert_eq!(ids_at(&hq, 40).await, submitted);
}

#[tokio::test]
async fn a_line_reset_again_and_again_changes_nothing() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = Vec::new();
    for _ in 0..6 {
        submitted.extend(submit_reports(&province, 8).await);
        province.line.reset();
        hq.line.reset();
    }
    assert_eq!(ids_at(&hq, 48).await, submitted);
}

#[tokio::test]
async fn a_line_of_single_bytes_changes_nothing() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    province.line.set(Weather::Sliced);
    let submitted = submit_reports(&province, 5).await;
    assert_eq!(ids_at(&hq, 5).await, submitted);
}

#[tokio::test]
async fn an_event_accepted_before_a_crash_is_sent_after_it() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    province.line.set(Weather::Cut);
    let submitted = submit_reports(&province, 10).await;
    province.kill().await;
    province.line.set(Weather::Clear);
    province.resume().await;
    assert_eq!(ids_at(&hq, 10).await, submitted);
}

#[tokio::test]
async fn an_agent_killed_while_sending_sends_nothing_twice() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = Vec::new();
    for _ in 0..3 {
        submitted.extend(submit_reports(&province, 10).await);
        province.kill().await;
        province.resume().await;
    }
    assert_eq!(ids_at(&hq, 30).await, submitted);
}

#[tokio::test]
async fn a_reader_killed_while_receiving_has_each_event_once() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = Vec::new();
    for round in 1..=3 {
        submitted.extend(submit_reports(&province, 10).await);
        hq.receives(HEALTH, round * 10 - 5).await;
        hq.kill().await;
        hq.resume().await;
    }
    assert_eq!(ids_at(&hq, 30).await, submitted);
}

#[tokio::test]
async fn a_gateway_killed_at_any_moment_changes_nothing() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = Vec::new();
    for _ in 0..3 {
        submitted.extend(submit_reports(&province, 10).await);
        bus.gateway.kill().await;
        bus.gateway.resume().await;
    }
    assert_eq!(ids_at(&hq, 30).await, submitted);
}

#[tokio::test]
async fn a_broker_killed_at_any_moment_changes_nothing() {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = submit_reports(&province, 10).await;
    bus.nats.kill().await;
    submitted.extend(submit_reports(&province, 10).await);
    bus.nats.resume().await;
    assert_eq!(ids_at(&hq, 20).await, submitted);
}

#[tokio::test]
async fn what_a_full_bus_cannot_take_waits_at_the_office() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let broker = Broker::connect(&bus.authority)
        .await
        .expect("nats-server answers");
    let mut submitted = submit_reports(&province, 10).await;
    hq.receives(HEALTH, 10).await;
    let held = broker.bytes(HEALTH).await.expect("the stream stands");
    broker
        .give_room(HEALTH, held + 1)
        .await
        .expect("the operator may");
    submitted.extend(submit_reports(&province, 10).await);
    let says_full = |status: &Value| {
        let feed = &status["outbox"]["feeds"][0];
        feed["held"]["code"] == "bus-full" && feed["waiting"] == 10
    };
    until("the full bus to be named", || province.status(), says_full).await;
    broker
        .give_room(HEALTH, 1 << 30)
        .await
        .expect("the operator may");
    assert_eq!(ids_at(&hq, 20).await, submitted);
}
