//! A log whose office, or the thief of its key, has declared everything lost that there could be: an inbox holds such a declaration from
//! a time in which it was taken.

use schemas::chain::Link;
use schemas::heal::Ranges;
use schemas::limits::POSITION_MAX;
use schemas::notice::GapDeclared;

use super::*;
use crate::receive::VerifiedGap;

const OFFICE: &str = "takeo";

impl Desk {
    fn signed_at(&self, position: u64, prev: Hash) -> SignedEvent {
        let at = Position::new(position).expect("a position");
        let link = Link { position: at, prev };
        SignedEvent::sign(event(&log(OFFICE), position), link, &self.key)
    }

    /// Everything from `first` on is declared lost, and the log goes on at its very end.
    async fn declare_all(&self, first: u64) {
        let last = POSITION_MAX - 1;
        let (gap, prev) = (GapDeclared { first, last }, Hash::of(b"nothing"));
        let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
        let notice = gap.event(log(OFFICE), now, None).expect("well formed");
        let position = Position::new(POSITION_MAX).expect("a position");
        let event = SignedEvent::sign(notice, Link { position, prev }, &self.key);
        let gap = VerifiedGap::of_old(event, gap);
        let declared = self.inbox.declare(&feed(), vec![gap], None).await;
        declared.expect("is written down");
        let end = VerifiedEvent::new(self.signed_at(POSITION_MAX, prev));
        let kept = self.inbox.keep(&feed(), vec![end], None).await;
        kept.expect("keeps");
    }
}

fn lines(desk: &Desk) -> usize {
    let text = std::fs::read_to_string(desk.path()).unwrap_or_default();
    text.lines().count()
}

async fn has_lines(desk: &Desk, count: usize) {
    let there = async {
        while lines(desk) < count {
            tokio::task::yield_now().await;
        }
    };
    let there = tokio::time::timeout(DEADLINE, there).await;
    there.unwrap_or_else(|_| panic!("{} of {count} lines", lines(desk)));
}

#[tokio::test]
async fn a_declaration_of_everything_stops_no_delivery_also_after_restarts() {
    let desk = Desk::new();
    desk.arrive(OFFICE, 1..=3).await;
    desk.declare_all(4).await;
    let to = || DeliverTo::File(desk.path());
    let (stop, running) = desk.start(to());
    has_lines(&desk, 4).await;
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
    for more in 5..8 {
        let (stop, running) = desk.start(to());
        desk.arrive("kampot", 1..=more).await;
        has_lines(&desk, 4 + usize::try_from(more).expect("small")).await;
        stop.cancel();
        running.await.expect("no panic").expect("no outage");
    }
    // What comes back of it is delivered late, as it ever was.
    let mut head = Head::empty(genesis());
    for position in 1..=3 {
        let signed = desk.signed_at(position, head.hash);
        head = Head::of(&signed);
    }
    let before = lines(&desk);
    let back = VerifiedEvent::new(desk.signed_at(4, head.hash));
    let kept = desk.inbox.keep(&feed(), vec![back], None).await;
    assert_eq!(kept.expect("keeps"), [crate::inbox::Kept::Late]);
    let (stop, running) = desk.start(to());
    has_lines(&desk, before + 1).await;
    stop.cancel();
    running.await.expect("no panic").expect("no outage");
}

#[tokio::test]
async fn whoever_is_asked_of_everything_looks_at_what_is_held() {
    let desk = Desk::new();
    desk.arrive(OFFICE, 1..=3).await;
    desk.declare_all(4).await;
    let (inbox, log) = (&desk.inbox, log(OFFICE));
    let position = |number| Position::new(number).expect("a position");
    let ends = (Position::FIRST, position(POSITION_MAX));
    let held = inbox.held_within(&log, ends).expect("reads");
    assert_eq!(held, [1, 2, 3, POSITION_MAX].map(position));
    let all = Ranges::one(1..=POSITION_MAX);
    let first = inbox.arrival(&log, Position::FIRST).expect("reads");
    assert!(first.is_some());
    assert_eq!(inbox.first_arrival_of(&log, &all).expect("reads"), first);
    let lost = Ranges::one(4..=POSITION_MAX - 1);
    assert_eq!(inbox.declared(&log).expect("reads"), lost);
    assert_eq!(inbox.gaps(&log).expect("reads"), Ranges::default());
    let passed = inbox.passed_over(&log, 3, position(POSITION_MAX));
    assert_eq!(passed.expect("reads"), lost);
    let status = inbox.status(&feed()).expect("reads");
    assert_eq!(status.logs[0].declared, [(4, POSITION_MAX - 1)]);
    assert_eq!(status.logs[0].complete, POSITION_MAX);
}
