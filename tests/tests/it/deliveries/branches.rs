//! Other events at positions that were delivered: of another authority, or of a bus that was put back.
//! In: files and stores of before. Out: all of the live log's events at the application, and an alarm. Never: an event passed over.

use tests::folder::copy;

use super::*;

/// A1. The file into which a training bus delivered stands where the live reader delivers.
#[tokio::test]
async fn a_training_bus_s_file_swallows_nothing_of_the_live_one() {
    let (training, live) = tokio::join!(Bus::start(&[PROVINCE, HQ]), Bus::start(&[PROVINCE, HQ]));
    let settings = to_file("out.ndjson");
    let (province, mut hq) = tokio::join!(
        training.office(PROVINCE),
        training.office_with(HQ, &settings)
    );
    let trained = submit(&province, "training", 40).await;
    let file = hq.folder().join("out.ndjson");
    assert_eq!(has_lines(&file, 40).await, trained);
    hq.stop().await;
    let kept = live.folder().join("out.ndjson");
    std::fs::copy(&file, &kept).expect("copied");
    let settings = to_file(&kept.to_string_lossy());
    let (province, hq) = tokio::join!(live.office(PROVINCE), live.office_with(HQ, &settings));
    let submitted = submit(&province, "live", 60).await;
    let all = lines_in_the_end(&kept, 100).await;
    assert_eq!(all, [trained, submitted].concat());
    let told = alarm(&hq, "delivered-file-foreign").await;
    assert!(told.contains("40 lines"), "{told}");
}

/// A2. The authority is made anew; the reader keeps what it remembers of deliveries, and its inbox is lost.
#[tokio::test]
async fn what_was_delivered_of_another_authority_s_logs_says_nothing_of_these() {
    let (before, now) = tokio::join!(Bus::start(&[PROVINCE, HQ]), Bus::start(&[PROVINCE, HQ]));
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url());
    let (province, mut hq) =
        tokio::join!(before.office(PROVINCE), before.office_with(HQ, &settings));
    let old = submit(&province, "old", 40).await;
    application.has(40).await;
    is_done(&hq, "desk").await;
    hq.stop().await;
    let (province, mut again) = tokio::join!(now.office(PROVINCE), now.office_with(HQ, &settings));
    again.stop().await;
    let store = again.folder().join("store");
    copy(&hq.folder().join("store"), &store);
    // An inbox and an outbox of another authority end the start; these were lost.
    for room in ["2/inbox", "2/outbox"] {
        std::fs::remove_dir_all(store.join(room)).expect("removed");
    }
    std::fs::remove_file(store.join("registry.seen")).expect("removed");
    again.resume().await;
    let new = submit(&province, "new", 50).await;
    application.has(90).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(application.ids(), [old, new].concat());
    assert_eq!(application.counts(), once(&application.ids()));
    alarm(&again, "delivered-other-bus").await;
}

/// Where nats-server keeps its streams.
fn streams(bus: &Bus) -> PathBuf {
    let text = std::fs::read_to_string(bus.authority.nats_configuration()).expect("readable");
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("store_dir"));
    let folder = line.expect("it names its store");
    let folder = folder.trim_matches([':', ' ', '"', '=']);
    bus.authority.nats_configuration().with_file_name(folder)
}

/// A3. Bus, office and reader are put back to last night's copy, and what the application has is not.
async fn put_back(settings: &str, name: &str) -> (Bus, Office, Office, Vec<String>) {
    let mut bus = Bus::start(&[PROVINCE, HQ]).await;
    let (mut province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, settings));
    let mut ids = submit(&province, "night", 20).await;
    hq.receives(FEED, 20).await;
    is_done(&hq, name).await;
    let last_night = bus.folder().join("last-night");
    province.stop().await;
    hq.stop().await;
    bus.nats.kill().await;
    let parts = [
        (province.folder().join("store"), last_night.join("province")),
        (hq.folder().join("store"), last_night.join("hq")),
        (streams(&bus), last_night.join("bus")),
    ];
    for (part, kept) in &parts {
        std::fs::create_dir_all(&last_night).expect("made");
        copy(part, kept);
    }
    bus.nats.resume().await;
    province.resume().await;
    hq.resume().await;
    ids.extend(submit(&province, "morning", 15).await);
    hq.receives(FEED, 35).await;
    is_done(&hq, name).await;
    province.kill().await;
    hq.kill().await;
    bus.nats.kill().await;
    for (part, kept) in &parts {
        copy(kept, part);
    }
    bus.nats.resume().await;
    bus.gateway.restart().await;
    province.resume().await;
    hq.resume().await;
    ids.extend(submit(&province, "again", 15).await);
    (bus, province, hq, ids)
}

#[tokio::test]
async fn behind_a_bus_that_was_put_back_new_events_are_in_the_file_too() {
    let settings = to_file("out.ndjson");
    let (_bus, _province, hq, ids) = put_back(&settings, &format!("{FEED}-file")).await;
    let file = hq.folder().join("out.ndjson");
    assert_eq!(lines_in_the_end(&file, ids.len()).await, ids);
    let told = alarm(&hq, "delivered-branch").await;
    assert!(told.contains("21 to 35"), "{told}");
}

#[tokio::test]
async fn behind_a_bus_that_was_put_back_new_events_are_at_the_webhook_too() {
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url());
    let (_bus, _province, _hq, ids) = put_back(&settings, "desk").await;
    application.has(ids.len()).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(application.ids(), ids);
    assert_eq!(application.counts(), once(&ids));
}
