//! Marks that are lost, cut or damaged, and files that are taken away at any moment.
//! In: harm to what the agent remembers and writes. Out: each event once, and an alarm. Never: a silent double, or a line nobody gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A8. What the webhook was posted is remembered, whatever happens to one of the two logs that say so.
#[tokio::test]
async fn marks_that_are_harmed_deliver_nothing_again_and_are_told() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url());
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    let mut count = 20;
    submit(&province, "e", count).await;
    application.has(count).await;
    for (round, harm) in ["gone", "empty", "half", "a byte"].into_iter().enumerate() {
        is_done(&hq, "desk").await;
        hq.kill().await;
        let file = marks(&hq).join("first/0000000001.log");
        let bytes = std::fs::read(&file).expect("there");
        match harm {
            "gone" => std::fs::remove_file(&file).expect("removed"),
            "empty" => std::fs::write(&file, "").expect("cut"),
            "half" => std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("cut"),
            _ => std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("cut"),
        }
        hq.resume().await;
        count += submit(&province, &format!("round-{round}"), 3).await.len();
        application.has(count).await;
        let told = until(
            "the harm to be told",
            || async { alarms(&hq.status().await) },
            |all| {
                all.iter()
                    .filter(|(code, _)| code == "delivered-damaged")
                    .count()
                    > round
            },
        )
        .await;
        assert!(told[0].1.contains("nothing is delivered again"), "{told:?}");
    }
    tokio::time::sleep(QUIET).await;
    assert_eq!(application.counts(), once(&application.ids()));
}

/// A8. Where all that is remembered is gone nothing can be known; it is told.
#[tokio::test]
async fn marks_that_are_gone_altogether_are_told() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let application = Application::start().await;
    let settings = to_webhook("desk", &application.url());
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    submit(&province, "e", 5).await;
    application.has(5).await;
    is_done(&hq, "desk").await;
    hq.kill().await;
    std::fs::remove_dir_all(hq.folder().join("store/2/marks")).expect("removed");
    hq.resume().await;
    let told = alarm(&hq, "delivery-begins").await;
    assert!(told.contains("desk"), "{told}");
}

/// A9. Moved away, read at once, and removed, as fast as it comes.
#[tokio::test]
async fn a_file_may_be_moved_away_at_any_moment() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let settings = to_file("out.ndjson");
    let (province, hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    let (file, away) = (hq.folder().join("out.ndjson"), bus.folder().join("away"));
    let done = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&done);
    let moving = tokio::task::spawn_blocking(move || {
        let (mut all, mut moves) = (Vec::new(), 0);
        loop {
            let last = ends.load(Ordering::SeqCst);
            if std::fs::rename(&file, &away).is_ok() {
                moves += 1;
                all.extend(lines(&away));
                std::fs::remove_file(&away).expect("removed");
            }
            if last {
                return (all, moves);
            }
        }
    });
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.extend(submit(&province, &format!("e{number}"), 10).await);
    }
    is_done(&hq, &format!("{FEED}-file")).await;
    tokio::time::sleep(QUIET).await;
    done.store(true, Ordering::SeqCst);
    let (all, moves) = moving.await.expect("no panic");
    assert_eq!(all, ids, "in {moves} moves");
    assert!(moves > 5, "{moves} moves");
}

/// The agent is killed again and again while its file is moved away: each line is in one file.
#[tokio::test]
async fn a_file_that_is_moved_from_an_agent_that_is_killed_has_each_line_once() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let settings = to_file("out.ndjson");
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office_with(HQ, &settings));
    let (file, away) = (hq.folder().join("out.ndjson"), bus.folder().join("away"));
    let mut all = Vec::new();
    let mut ids = Vec::new();
    for round in 0..12 {
        ids.extend(submit(&province, &format!("e{round}"), 12).await);
        if round % 2 == 0 {
            eventually("something new", || async { file.exists().then_some(()) }).await;
        }
        hq.kill().await;
        if std::fs::rename(&file, &away).is_ok() {
            all.extend(lines(&away));
        }
        hq.resume().await;
    }
    is_done(&hq, &format!("{FEED}-file")).await;
    tokio::time::sleep(QUIET).await;
    all.extend(lines(&file));
    assert_eq!(all, ids);
}
