//! The receipts for the own log: what a gateway signed comes in, and for each position the oldest that covers it goes out. Kept by
//! position and hash: one for an event that is no longer ours there stays, and is not taken for another's.
//!
//! The newest one covers all before it; older ones prove that something was there earlier. An event that the bus lost and got
//! again is stamped anew, and the older receipt stays the good one.

use schemas::event::{Hash, Position, Timestamp};
use schemas::period::day_at;
use schemas::receipt::{Receipt, VerifiedReceipt};
use schemas::subject::FeedName;
use sled::Db;

use super::Outbox;
use super::index::{Reads, Result, Writes};
use crate::store::Outage;
use crate::store::fields::Fields;
use crate::store::keys::{feed_key as key, unreadable};
use crate::store::limits::{PRUNED_AT_ONCE, RECEIPT_SPACING};

const RECEIPT: u8 = b'r';

/// A receipt, and the event that it names.
struct Kept {
    position: Position,
    hash: Hash,
    receipt: Receipt,
}

impl Kept {
    fn read(key: &[u8], value: &[u8]) -> Option<Kept> {
        let (_, end) = key.split_at_checked(key.len().checked_sub(40)?)?;
        let mut from = Fields(end);
        Some(Kept {
            position: Position::new(from.number()?)?,
            hash: from.hash()?,
            receipt: serde_json::from_slice(value).ok()?,
        })
    }

    fn key(&self, feed: &FeedName) -> Vec<u8> {
        let number = self.position.number().to_be_bytes();
        key(RECEIPT, feed, &[&number[..], self.hash.as_bytes()].concat())
    }

    /// The day of its admission.
    fn day(&self) -> impl PartialEq + use<> {
        day_at(self.receipt.facts().stamp.admitted)
    }
}

/// Writes down what is new: nothing for a position that a receipt covers already. Of one day no more stay than are needed.
pub(super) fn keep(
    db: &Db,
    writes: &mut Writes,
    feed: &FeedName,
    receipts: &[VerifiedReceipt],
) -> Result<()> {
    let mut newest = newest_two(db, feed)?;
    for verified in receipts {
        let next = Kept {
            position: verified.facts().position,
            hash: verified.facts().hash,
            receipt: verified.receipt().clone(),
        };
        if newest
            .last()
            .is_some_and(|last| last.position >= next.position)
        {
            continue;
        }
        if let [.., before, last] = &newest[..]
            && last.day() == next.day()
            && next.position.number() - before.position.number() < RECEIPT_SPACING
        {
            writes.0.remove(last.key(feed));
            newest.pop();
        }
        let text = next.receipt.to_string();
        writes.0.insert(next.key(feed), text.as_bytes());
        newest.push(next);
    }
    Ok(())
}

/// The last two that are for what the own log holds, the newest last.
fn newest_two(db: &Db, feed: &FeedName) -> Result<Vec<Kept>> {
    let mut newest = Vec::with_capacity(2);
    for entry in db.scan_prefix(key(RECEIPT, feed, b"")).rev() {
        let kept = read(entry)?;
        if holds(db, feed, &kept)? {
            newest.insert(0, kept);
        }
        if newest.len() == 2 {
            break;
        }
    }
    Ok(newest)
}

/// Whether the own log has that event there.
fn holds(db: &Db, feed: &FeedName, kept: &Kept) -> Result<bool> {
    let own = Reads(db).own_hash(feed, kept.position)?;
    Ok(own == Some(kept.hash))
}

/// When the newest one was stamped.
pub(super) fn newest(db: &Db, feed: &FeedName) -> Result<Option<Timestamp>> {
    let newest = newest_two(db, feed)?.pop();
    Ok(newest.map(|kept| kept.receipt.facts().stamp.admitted))
}

/// The first one that covers a position: which position it is for, and when it was stamped.
pub(super) fn first_behind(
    db: &Db,
    feed: &FeedName,
    position: Position,
) -> Result<Option<(Position, Timestamp)>> {
    behind(db, feed, position).next().transpose()
}

/// Up to where a log was durable at a time, by the receipts behind a position; not further than is pruned at once.
pub(super) fn durable_by(
    db: &Db,
    feed: &FeedName,
    first: Position,
    time: Timestamp,
) -> Result<Option<Position>> {
    let mut to = None;
    for covered in behind(db, feed, first) {
        let (position, admitted) = covered?;
        if admitted > time {
            break;
        }
        to = Some(position);
        if position.number() - first.number() >= PRUNED_AT_ONCE {
            break;
        }
    }
    Ok(to)
}

/// The receipts that cover a position, from the nearest on.
fn behind(
    db: &Db,
    feed: &FeedName,
    position: Position,
) -> impl Iterator<Item = Result<(Position, Timestamp)>> {
    let from = key(RECEIPT, feed, &position.number().to_be_bytes());
    let end = key(RECEIPT, feed, &[0xFF; 41]);
    let kept = db.range(from..end).map(move |entry| {
        let kept = read(entry)?;
        let covers = (kept.position, kept.receipt.facts().stamp.admitted);
        Ok(holds(db, feed, &kept)?.then_some(covers))
    });
    kept.filter_map(Result::transpose)
}

fn read(entry: Result<(sled::IVec, sled::IVec)>) -> Result<Kept> {
    let (key, value) = entry?;
    Kept::read(&key, &value).ok_or_else(|| unreadable("receipt"))
}

impl Outbox {
    /// The receipt that covers a position of the own log, and is nearest to it; None where none does yet.
    pub fn receipt_for(
        &self,
        feed: &FeedName,
        position: Position,
    ) -> std::result::Result<Option<Receipt>, Outage> {
        let db = &self.inner.shared.index.db();
        let from = key(RECEIPT, feed, &position.number().to_be_bytes());
        let end = key(RECEIPT, feed, &[0xFF; 41]);
        let mut behind = db.range(from..end).map(|entry| {
            let kept = read(entry)?;
            Ok(holds(db, feed, &kept)?.then_some(kept.receipt))
        });
        let found = behind.find_map(Result::transpose).transpose();
        found.map_err(|error| self.unreadable(&error))
    }
}

#[cfg(test)]
pub(super) mod tests;
