use schemas::chain::Link;
use schemas::event::{Hash, Position};
use schemas::heal::Ranges;
use schemas::notice::GapDeclared;
use schemas::signing::SignedEvent;

use crate::inbox::tests::{Office, open, positions, siem_reap, time};
use crate::inbox::{Inbox, Kept};
use crate::receive::{VerifiedEvent, VerifiedGap};

impl Office {
    /// Signed behind its range.
    pub fn declares(&self, first: u64, last: u64, hash: Hash) -> VerifiedGap {
        let event = GapDeclared { first, last }.event(self.log.clone(), time(), None);
        let position = Position::new(last + 1).expect("a position");
        let link = Link {
            position,
            prev: hash,
        };
        let event = event.expect("well formed");
        VerifiedGap::new(SignedEvent::sign(event, link, self.key()))
    }
}

async fn keep(inbox: &Inbox, events: &[VerifiedEvent]) -> Vec<Kept> {
    let feed = events[0].signed().event().log().feed.clone();
    let kept = inbox.keep(&feed, events.to_vec(), None);
    kept.await.expect("keeps")
}

async fn declare(inbox: &Inbox, gap: VerifiedGap) {
    let feed = gap.log().feed.clone();
    let declared = inbox.declare(&feed, vec![gap], None);
    declared.await.expect("is written down");
}

fn alarms(inbox: &Inbox, code: &str) -> Vec<String> {
    let alarms = inbox.alarms().list().into_iter();
    let of_code = alarms.filter(|alarm| alarm.code == code);
    of_code.map(|alarm| alarm.text).collect()
}

fn hash(event: &VerifiedEvent) -> Hash {
    event.signed().hash()
}

fn ranges(pairs: &[(u64, u64)]) -> Ranges {
    Ranges::try_from(pairs.to_vec()).expect("ranges")
}

#[tokio::test]
async fn a_log_goes_on_behind_what_was_declared_lost_and_takes_it_late_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (office, inbox) = (siem_reap(), open(dir.path()));
    let run = office.run("e", 9);
    keep(&inbox, &run[..3]).await;
    assert_eq!(keep(&inbox, &run[6..8]).await, [Kept::Parked; 2]);
    for _ in 0..2 {
        declare(&inbox, office.declares(4, 6, hash(&run[5]))).await;
    }
    assert_eq!(positions(&inbox, &office.log.feed).await, [1, 2, 3, 7, 8]);
    assert_eq!(alarms(&inbox, "gap-declared").len(), 1, "once");
    assert!(inbox.gaps(&office.log).expect("reads").is_empty());
    drop(inbox);
    let inbox = open(dir.path());
    assert_eq!(
        inbox.declared(&office.log).expect("reads"),
        ranges(&[(4, 6)])
    );
    assert_eq!(keep(&inbox, &run[8..]).await, [Kept::New]);
    assert_eq!(keep(&inbox, &run[4..6]).await, [Kept::Late; 2]);
    assert_eq!(
        inbox.declared(&office.log).expect("reads"),
        ranges(&[(4, 4)])
    );
    assert_eq!(
        keep(&inbox, &run[3..6]).await,
        [Kept::Late, Kept::Seen, Kept::Seen]
    );
    let arrived = positions(&inbox, &office.log.feed).await;
    assert_eq!(arrived, [1, 2, 3, 7, 8, 9, 5, 6, 4]);
    let late = alarms(&inbox, "gap-refilled");
    assert!(late[1].contains("positions 5-6 ") && late[0].contains("positions 4 "));
    assert_eq!(inbox.state(&office.log).expect("reads").complete, 9);
    assert!(inbox.declared(&office.log).expect("reads").is_empty());
}

#[tokio::test]
async fn what_came_back_before_the_log_went_on_arrives_in_its_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let (office, inbox) = (siem_reap(), open(dir.path()));
    let run = office.run("e", 9);
    declare(&inbox, office.declares(4, 6, hash(&run[5]))).await;
    keep(&inbox, &run[6..]).await;
    keep(&inbox, &run[4..5]).await;
    keep(&inbox, &run[..3]).await;
    let arrived = positions(&inbox, &office.log.feed).await;
    assert_eq!(arrived, [1, 2, 3, 5, 7, 8, 9]);
    let at = |number| Position::new(number).expect("a position");
    let passed = |after, position| inbox.passed_over(&office.log, after, at(position));
    assert_eq!(passed(3, 5).expect("reads"), ranges(&[(4, 4)]));
    assert_eq!(passed(5, 7).expect("reads"), ranges(&[(6, 6)]));
    keep(&inbox, &run[5..6]).await;
    assert_eq!(passed(3, 9).expect("reads"), ranges(&[(4, 4), (6, 6)]));
    assert_eq!(passed(6, 9).expect("reads"), ranges(&[]));
}

#[tokio::test]
async fn what_comes_back_with_other_content_is_a_branch() {
    let dir = tempfile::tempdir().expect("a directory");
    let (office, inbox) = (siem_reap(), open(dir.path()));
    let run = office.run("e", 8);
    let other = office.run("other", 8);
    keep(&inbox, &run[..3]).await;
    declare(&inbox, office.declares(4, 6, hash(&run[5]))).await;
    assert_eq!(keep(&inbox, &other[5..6]).await, [Kept::Branch]);
    assert_eq!(keep(&inbox, &other[3..4]).await, [Kept::Branch]);
    assert_eq!(keep(&inbox, &run[6..7]).await, [Kept::New]);
    assert_eq!(alarms(&inbox, "chain-broken").len(), 2);
    declare(&inbox, office.declares(2, 3, hash(&other[2]))).await;
    assert_eq!(alarms(&inbox, "branch").len(), 1);
    assert_eq!(
        inbox.declared(&office.log).expect("reads"),
        ranges(&[(4, 6)])
    );
}

#[tokio::test]
async fn what_was_never_declared_is_waited_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let (office, inbox) = (siem_reap(), open(dir.path()));
    let run = office.run("e", 9);
    keep(&inbox, &run[..2]).await;
    declare(&inbox, office.declares(4, 6, hash(&run[5]))).await;
    keep(&inbox, &run[6..]).await;
    assert_eq!(positions(&inbox, &office.log.feed).await, [1, 2]);
    assert_eq!(inbox.gaps(&office.log).expect("reads"), ranges(&[(3, 3)]));
    assert_eq!(keep(&inbox, &run[2..3]).await, [Kept::New]);
    assert_eq!(
        positions(&inbox, &office.log.feed).await,
        [1, 2, 3, 7, 8, 9]
    );
}
