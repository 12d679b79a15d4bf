//! Offices whose disk lies to them: emptied, restored from an old copy. A log never forks, and nobody has to be asked.
//! In: an agent's folder, changed while it stands still. Out: one chain at the reader. Never: a position with two contents.

use tests::folder::copy;

use super::*;

fn sequences(events: &[Value]) -> Vec<u64> {
    let read = |event: &Value| {
        event["sequence"]
            .as_str()
            .and_then(|text| text.parse().ok())
    };
    events
        .iter()
        .map(|event| read(event).expect("an event has a sequence"))
        .collect()
}

#[tokio::test]
async fn an_office_restored_from_an_old_copy_goes_on_behind_its_own_log() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = submit_reports(&province, 5).await;
    hq.receives(HEALTH, 5).await;
    province.kill().await;
    let (store, backup) = (province.folder().join("store"), bus.folder().join("backup"));
    copy(&store, &backup);
    province.resume().await;
    submitted.extend(submit_reports(&province, 5).await);
    hq.receives(HEALTH, 10).await;
    province.kill().await;
    copy(&backup, &store);
    province.resume().await;
    submitted.push(province.submit(&report(2026, 3)).await);
    let received = hq.receives(HEALTH, 11).await;
    assert_eq!(ids(&received), submitted);
    // At position 11 the office says what it did not remember.
    let expected: Vec<u64> = (1..=10).chain([12]).collect();
    assert_eq!(sequences(&received), expected);
}

#[tokio::test]
async fn an_office_with_an_emptied_store_goes_on_behind_its_own_log() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let mut submitted = submit_reports(&province, 5).await;
    hq.receives(HEALTH, 5).await;
    province.kill().await;
    std::fs::remove_dir_all(province.folder().join("store")).expect("the store can be removed");
    province.resume().await;
    submitted.push(province.submit(&report(2026, 3)).await);
    let received = hq.receives(HEALTH, 6).await;
    assert_eq!(ids(&received), submitted);
    assert_eq!(sequences(&received), [1, 2, 3, 4, 5, 7]);
}

#[tokio::test]
async fn a_reader_with_an_emptied_store_reads_all_again() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    let submitted = submit_reports(&province, 8).await;
    hq.receives(HEALTH, 8).await;
    hq.kill().await;
    std::fs::remove_dir_all(hq.folder().join("store")).expect("the store can be removed");
    hq.resume().await;
    assert_eq!(ids_at(&hq, 8).await, submitted);
}
