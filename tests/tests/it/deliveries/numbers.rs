//! Numbers of arrivals, for a program that pages.
//! In: an inbox that is lost. Out: the program is told that its number is none of this inbox. Never: an empty page where there is something.

use super::*;

/// A10. A program goes on behind its last number, and the inbox was lost meanwhile.
#[tokio::test]
async fn a_program_whose_number_is_of_a_lost_inbox_is_told_so() {
    let bus = Bus::start(&[PROVINCE, HQ]).await;
    let (province, mut hq) = tokio::join!(bus.office(PROVINCE), bus.office(HQ));
    submit(&province, "e", 20).await;
    hq.receives(FEED, 20).await;
    let mut last = 0;
    assert_eq!(hq.received_after(FEED, &mut last).await.len(), 20);
    for (round, lost) in ["store/2/inbox", "store"].into_iter().enumerate() {
        hq.kill().await;
        std::fs::remove_dir_all(hq.folder().join(lost)).expect("removed");
        hq.resume().await;
        let more = submit(&province, &format!("round-{round}"), 3).await;
        let path = format!("/feeds/{FEED}/events?after={last}");
        let told = hq.get(&path).await;
        assert_eq!(
            (told.status, &told.body["code"]),
            (410, &json!("numbering-anew"))
        );
        let all = eventually("the new events", || async {
            let all = hq.received(FEED).await;
            let last = all.last().map(|event| event["id"].clone());
            (last == Some(json!(more[2]))).then_some(all)
        })
        .await;
        assert!(all.len() >= 23);
        hq.received_after(FEED, &mut 0).await;
        let next = hq.get(&format!("/feeds/{FEED}/events?limit=1000")).await;
        let new = next.body["next"].as_u64().expect("a number");
        assert_ne!(new, last);
        last = new;
    }
}
