//! What the own log held, with a receipt, where the bus has another event now: it comes in as it was signed when it leaves the own log,
//! and is kept beside it, by position and hash. Its content goes behind under the same id; this is the evidence that it stood there.

use bytes::Bytes;
use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::subject::FeedName;
use sled::Db;

use super::index::{Reads, Result, Writes};
use super::{Outbox, PutBack};
use crate::store::Outage;
use crate::store::keys::{feed_key as key, unreadable};

const BRANCH: u8 = b'x';
const BRANCH_BYTES: u8 = b'z';
/// A position and a hash.
const PLACE_BYTES: usize = 40;

fn place(event: &PutBack) -> Vec<u8> {
    let position = event.position.number().to_be_bytes();
    [&position[..], event.hash.as_bytes()].concat()
}

/// This event leaves the own log. Written down twice it is the same.
pub(super) fn keep(writes: &mut Writes, feed: &FeedName, event: &PutBack) {
    let place = place(event);
    writes.0.insert(key(BRANCH, feed, &place), b"");
    crate::store::chunked::insert(
        &mut writes.0,
        &key(BRANCH_BYTES, feed, &place),
        &event.signed,
    );
}

fn places(db: &Db, feed: &FeedName, prefix: &[u8]) -> impl Iterator<Item = Result<Vec<u8>>> {
    let entries = db.scan_prefix(key(BRANCH, feed, prefix)).keys();
    entries.map(|key| {
        let key = key?;
        let place = key.len().checked_sub(PLACE_BYTES).map(|at| &key[at..]);
        place
            .map(<[u8]>::to_vec)
            .ok_or_else(|| unreadable("branch"))
    })
}

impl Reads<'_> {
    /// The positions at which the own log held other events than it does.
    pub fn branched(&self, feed: &FeedName) -> Result<Ranges> {
        let mut positions = Vec::new();
        for place in places(self.0, feed, b"") {
            let position = place?.first_chunk().map(|n| u64::from_be_bytes(*n));
            positions.push(position.ok_or_else(|| unreadable("branch"))?);
        }
        positions.dedup();
        Ok(Ranges::of(positions))
    }

    fn branches(&self, feed: &FeedName, position: Position) -> Result<Vec<Bytes>> {
        let mut found = Vec::new();
        for place in places(self.0, feed, &position.number().to_be_bytes()) {
            let bytes = crate::store::chunked::read(self.0, &key(BRANCH_BYTES, feed, &place?))?;
            found.extend(bytes.map(Bytes::from));
        }
        Ok(found)
    }
}

impl Outbox {
    /// The signed events that the own log held at a position, in their stored encoding, and holds no more.
    pub fn branches(
        &self,
        feed: &FeedName,
        position: Position,
    ) -> std::result::Result<Vec<Bytes>, Outage> {
        let branches = Reads(&self.inner.shared.index.db()).branches(feed, position);
        branches.map_err(|error| self.unreadable(&error))
    }
}
