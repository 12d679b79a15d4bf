//! What an inbox shows while somebody writes.

use super::*;

/// What is written and not synced may get another number after a power cut.
#[tokio::test]
async fn what_is_not_on_disk_yet_is_shown_to_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let office = siem_reap();
    let run = office.run("e", 2);
    let inbox = open(dir.path());
    keep(&inbox, &[&run[0]]).await;
    let shown = || {
        let page = inbox.read(|reads| read_page(reads, &office.log.feed, 0, 10));
        let second = Position::new(2).expect("a position");
        let next = inbox.arrived_at(&office.log, second).expect("reads");
        (page.expect("reads").len(), next.is_some())
    };
    let between = inbox.with_log(|log| {
        let (kept, writes) = inbox.keeping(log).keep(&run[1]).expect("reads");
        assert_eq!(kept, Kept::New);
        inbox.apply(log, writes)?;
        let between = shown();
        inbox.finish(log, None)?;
        Ok(between)
    });
    assert_eq!(between.expect("the disk works"), (1, false));
    assert_eq!(shown(), (2, true));
}
