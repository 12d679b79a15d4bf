//! What a lying disk took of an outbox's log: nothing is sent before the bus was asked for it.

use std::fs;

use super::damage::{SMALL, codes, in_many_segments};
use super::*;

/// A write of which a disk says that it was done, in a segment that was sealed since: no start reads it. Whoever submits one of those events again
/// is not told that it is known; the bus has them, and nothing is sent before it was asked.
#[tokio::test]
async fn what_a_lying_disk_took_of_a_sealed_segment_is_asked_of_the_bus_before_it_is_sent_again() {
    let dir = in_many_segments().await;
    let settled_text = |n: u64| settled(&format!("{n:02}"), n + 1, &format!("{n:02}"));
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    for n in 0..5 {
        let sent = vec![settled_text(n)];
        outbox.settle(&health(), sent).await.expect("settles");
    }
    for n in 30..40 {
        let id = format!("{n:02}");
        let text = format!("event {id} {}", "x".repeat(30_000));
        accept(&outbox, &id, &text).await.expect("accepts");
    }
    drop(outbox);
    // All that says that 01 and 02 are settled, and their hashes.
    lie(dir.path(), [settled_text(1).hash, settled_text(2).hash]);
    let (outbox, report) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(
        report,
        OpenReport::default(),
        "nothing is seen at the start"
    );
    assert_eq!(outbox.whole_up_to(&health()), None);
    let text = format!("event 01 {}", "x".repeat(30_000));
    let again = accept(&outbox, "01", &text).await.expect("accepts");
    assert!(!again.again, "it is not known any more");
    assert_eq!(outbox.whole_up_to(&health()), Some(1));
    assert!(codes(&outbox).contains(&"log-damaged".into()));
    assert_eq!(ids(&outbox, &health()).await.last(), Some(&"01".into()));
    drop(outbox);
    // Also where the bus was not reached before the next start.
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(outbox.whole_up_to(&health()), Some(1));
    let back: Vec<Settled> = (1..5).map(settled_text).collect();
    let feed = health();
    let taken = outbox.take_back(&feed, back, Telling::NotDue);
    taken.await.expect("takes back");
    assert_eq!(outbox.whole_up_to(&health()), None);
    let left = ids(&outbox, &health()).await;
    assert_eq!((left.len(), left.contains(&"01".into())), (35, false));
    let hash = outbox.own_hash(&health(), Position::new(3).expect("a position"));
    assert_eq!(hash.expect("reads"), Some(settled_text(2).hash));
}

/// The records whose heads hold one of these are zeros.
fn lie(dir: &Path, hashes: [Hash; 2]) {
    for file in files(dir, "log") {
        let mut bytes = fs::read(&file).expect("reads");
        for hash in hashes {
            let found = bytes
                .windows(32)
                .rposition(|window| window == hash.as_bytes());
            if let Some(at) = found {
                bytes[at..at + 32].fill(0);
            }
        }
        fs::write(&file, bytes).expect("writes");
    }
}

/// The bus was asked and has not what is gone, either: the log has a hole, and is sent on.
#[tokio::test]
async fn what_the_bus_does_not_have_either_stops_nothing() {
    let dir = in_many_segments().await;
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    for n in 0..3 {
        let sent = vec![settled(&format!("{n:02}"), n + 1, "x")];
        outbox.settle(&health(), sent).await.expect("settles");
    }
    let gone = settled("01", 2, "x").hash;
    // What is not synced is cut, and read from the bus again.
    for id in ["30", "31"] {
        accept(&outbox, id, id).await.expect("accepts");
    }
    drop(outbox);
    lie(dir.path(), [gone, gone]);
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(outbox.whole_up_to(&health()), Some(1));
    outbox.mended(&health()).await.expect("is written");
    assert_eq!(outbox.whole_up_to(&health()), None);
    drop(outbox);
    let (outbox, _) = Outbox::open(dir.path(), &WHO, SMALL).expect("opens");
    assert_eq!(outbox.whole_up_to(&health()), None);
    let last = outbox.last_settled(&health()).expect("reads");
    assert_eq!(last.map(|last| last.position.number()), Some(3));
}
