//! What was taken back from the bus, and is not told there yet: a range comes in with the events, in the same unit, and goes away
//! in the unit that settles the notice which names it. A crash between the two leaves the notice first in line.

use schemas::notice::LogResumed;
use schemas::subject::FeedName;

use super::facts::Range;
use super::state::State;
use super::{Outbox, Settled};
use crate::store::Outage;

/// These were taken back. What is told of is one range, from the first to the last.
pub(super) fn remembered(state: &State, feed: &FeedName, taken: &[Settled]) -> Option<Range> {
    let (first, last) = (taken.first()?, taken.last()?);
    let first = first.position.number();
    let before = untold(state, feed).map_or(first, |before| before.first);
    Some(Range {
        first: first.min(before),
        last: last.position.number(),
        hash: last.hash,
    })
}

/// These are on the bus: the notice may be one of them, and then there is nothing to tell any more.
pub(super) fn told(state: &State, feed: &FeedName, settled: &[Settled]) -> Option<Option<Range>> {
    let id = notice(untold(state, feed)?).id();
    let is_told = settled.iter().any(|event| event.id == id);
    is_told.then_some(None)
}

fn untold(state: &State, feed: &FeedName) -> Option<Range> {
    state.named(feed).and_then(|(_, feed)| feed.untold)
}

fn notice(range: Range) -> LogResumed {
    LogResumed::new(range.first, range.last, range.hash)
}

impl Outbox {
    /// What was taken back and is not told on the bus: it is told before anything new is sent.
    pub fn untold(&self, feed: &FeedName) -> Result<Option<LogResumed>, Outage> {
        let state = self.inner.shared.state();
        Ok(untold(&state, feed).map(notice))
    }
}

#[cfg(test)]
mod tests {
    use schemas::event::Hash;

    use super::*;
    use crate::outbox::Telling;
    use crate::outbox::tests::{health, open, settled};

    fn hash(id: &str, position: u64) -> Hash {
        settled(id, position, id).hash
    }

    #[tokio::test]
    async fn what_was_taken_back_is_one_range_and_told_once_also_after_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let (outbox, _) = open(dir.path());
        let feed = health();
        for page in [["d", "e"], ["f", "g"]] {
            let from = if page[0] == "d" { 4 } else { 6 };
            let events = (from..).zip(page).map(|(at, id)| settled(id, at, id));
            let events: Vec<Settled> = events.collect();
            let taken = outbox.take_back(&feed, events, Telling::Due);
            taken.await.expect("takes back");
        }
        drop(outbox);
        let (outbox, _) = open(dir.path());
        let untold = outbox.untold(&health()).expect("reads");
        let expected = LogResumed::new(4, 7, hash("g", 7));
        assert_eq!(untold, Some(expected.clone()));
        let other = vec![settled("h", 8, "h")];
        outbox.settle(&health(), other).await.expect("settles");
        assert_eq!(
            outbox.untold(&health()).expect("reads"),
            Some(expected.clone())
        );
        let notice = vec![settled(&expected.id(), 9, "notice")];
        outbox.settle(&health(), notice).await.expect("settles");
        assert_eq!(outbox.untold(&health()).expect("reads"), None);
    }

    #[tokio::test]
    async fn where_several_agents_write_a_log_nothing_is_to_be_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let (outbox, _) = open(dir.path());
        let (feed, events) = (health(), vec![settled("d", 4, "d")]);
        let taken = outbox.take_back(&feed, events, Telling::NotDue);
        taken.await.expect("takes back");
        assert_eq!(outbox.untold(&health()).expect("reads"), None);
        let head = outbox.last_settled(&health()).expect("reads");
        assert_eq!(head.map(|head| head.hash), Some(hash("d", 4)));
    }
}
