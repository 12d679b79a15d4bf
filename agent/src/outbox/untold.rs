//! What was taken back from the bus, and is not told there yet: a range comes in with the events, in the same write, and goes away
//! in the write that settles the notice which names it. A crash between the two leaves the notice first in line.

use schemas::event::Hash;
use schemas::notice::LogResumed;
use schemas::subject::FeedName;
use sled::Db;

use super::index::{Reads, Result, Writes};
use super::{Outbox, Settled};
use crate::store::Outage;
use crate::store::fields::{Fields, number};
use crate::store::keys::{feed_key as key, unreadable};

const UNTOLD: u8 = b'y';

/// These were taken back. What is told of is one range, from the first to the last.
pub(super) fn remember(
    db: &Db,
    writes: &mut Writes,
    feed: &FeedName,
    taken: &[Settled],
) -> Result<()> {
    let (Some(first), Some(last)) = (taken.first(), taken.last()) else {
        return Ok(());
    };
    let first = first.position.number();
    let before = Reads(db).untold(feed)?.map_or(first, |told| told.first);
    let mut value = Vec::with_capacity(48);
    number(&mut value, first.min(before));
    number(&mut value, last.position.number());
    value.extend_from_slice(last.hash.as_bytes());
    writes.0.insert(key(UNTOLD, feed, b""), value);
    Ok(())
}

/// These are on the bus: the notice may be one of them.
pub(super) fn forget_told(
    db: &Db,
    writes: &mut Writes,
    feed: &FeedName,
    settled: &[Settled],
) -> Result<()> {
    let Some(untold) = Reads(db).untold(feed)? else {
        return Ok(());
    };
    let id = untold.id();
    if settled.iter().any(|event| event.id == id) {
        writes.0.remove(key(UNTOLD, feed, b""));
    }
    Ok(())
}

impl Reads<'_> {
    fn untold(&self, feed: &FeedName) -> Result<Option<LogResumed>> {
        let value = self.0.get(key(UNTOLD, feed, b""))?;
        let read = |value: sled::IVec| {
            let mut from = Fields(&value);
            let (first, last) = (from.number()?, from.number()?);
            let hash: Hash = from.hash()?;
            Some(LogResumed::new(first, last, hash))
        };
        value
            .map(|value| read(value).ok_or_else(|| unreadable("range")))
            .transpose()
    }
}

impl Outbox {
    /// What was taken back and is not told on the bus: it is told before anything new is sent.
    pub fn untold(&self, feed: &FeedName) -> std::result::Result<Option<LogResumed>, Outage> {
        let untold = Reads(&self.inner.shared.index.db()).untold(feed);
        untold.map_err(|error| self.unreadable(&error))
    }
}

#[cfg(test)]
mod tests {
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
