//! What the own log held, with a receipt, where the bus has another event now: it comes in as it was signed when it leaves the own log,
//! and is kept beside it. Its content goes behind under the same id; this is the evidence that it stood there.

use bytes::Bytes;
use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::subject::FeedName;

use super::index::{Reads, Result, Writes};
use super::{Outbox, PutBack};
use crate::store::keys::feed_key;
use crate::store::{Outage, branches};

const BRANCH: u8 = b'x';

/// This event leaves the own log.
pub(super) fn keep(writes: &mut Writes, feed: &FeedName, event: &PutBack) {
    let prefix = feed_key(BRANCH, feed, b"");
    let place = (event.position, event.hash);
    branches::insert(&mut writes.0, &prefix, place, &event.signed);
}

impl Reads<'_> {
    /// The positions at which the own log held other events than it does.
    pub fn branched(&self, feed: &FeedName) -> Result<Ranges> {
        branches::positions(self.0, &feed_key(BRANCH, feed, b""))
    }
}

impl Outbox {
    /// Some of the signed events that the own log held behind a position and holds no more, in their stored encoding.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn branches(
        &self,
        feed: &FeedName,
        after: u64,
        limit: usize,
    ) -> std::result::Result<Vec<(Position, Bytes)>, Outage> {
        let db = self.inner.shared.index.db();
        let page = branches::page(&db, &feed_key(BRANCH, feed, b""), after, limit);
        page.map_err(|error| self.unreadable(&error))
    }
}
