//! A stream that is not the one that a reader knows: it lost its end, or began anew. What a reader has is not read again.
//! In: messages destroyed at nats-server. Out: the reader's order, and the bytes on its line. Never: an event twice.

use tests::broker::Broker;
use tests::deadline::until;

use super::*;

const NEIGHBOUR: &str = "moh/battambang";
/// So many that reading them again is told from comparing heads.
const REPORTS: u32 = 200;

async fn destroy(bus: &Bus, sequence: u64) {
    let broker = Broker::connect(&bus.authority).await;
    let broker = broker.expect("nats-server answers");
    let lost = broker.lose(HEALTH, sequence).await;
    lost.expect("the operator can destroy a message");
}

/// The reader has noticed, and reads on.
async fn notices(hq: &Office) {
    let noticed = |status: &Value| {
        let alarms = status["alarms"].as_array().into_iter().flatten();
        alarms
            .into_iter()
            .any(|alarm| alarm["code"] == "stream-went-back")
    };
    until(
        "the stream that went back to be noticed",
        || hq.status(),
        noticed,
    )
    .await;
}

#[tokio::test]
async fn who_has_it_all_reads_on_from_the_end() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = submit_reports(&province, REPORTS).await;
    hq.receives(HEALTH, submitted.len()).await;
    let whole = hq.line.traffic().down;
    province.kill().await;
    destroy(&bus, REPORTS.into()).await;
    hq.line.reset();
    notices(&hq).await;
    province.resume().await;
    submitted.push(province.submit(&report(2026, 3)).await);
    assert_eq!(ids_at(&hq, submitted.len()).await, submitted);
    let again = hq.line.traffic().down - whole;
    assert!(again < whole / 4, "{again} bytes again after {whole}");
}

#[tokio::test]
async fn who_lacks_a_log_reads_that_log_alone() {
    let bus = Bus::start(&[PROVINCE, NEIGHBOUR, HQ]).await;
    let (mut province, neighbour, mut hq) =
        tokio::join!(bus.office(PROVINCE), bus.office(NEIGHBOUR), bus.office(HQ));
    let submitted = submit_reports(&province, REPORTS).await;
    hq.receives(HEALTH, submitted.len()).await;
    let whole = hq.line.traffic().down;
    hq.kill().await;
    province.kill().await;
    let mut other = report(2026, 3);
    other["data"]["orgUnit"] = json!("KH02");
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(neighbour.submit(&other).await);
    }
    neighbour.reaches(&others[4], "stored").await;
    destroy(&bus, REPORTS.into()).await;
    hq.resume().await;
    notices(&hq).await;
    let received = ids_at(&hq, submitted.len() + others.len()).await;
    assert_eq!(received, [submitted, others].concat());
    let again = hq.line.traffic().down - whole;
    assert!(again < whole / 4, "{again} bytes again after {whole}");
}
