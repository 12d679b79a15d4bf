//! What the own log held, with a receipt, where the bus has another event now: it stays where it lies in the log when it leaves the own log, and
//! comes out by its place. Its content goes behind under the same id; this is the evidence that it stood there.

use std::ops::Bound;

use bytes::Bytes;
use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::subject::FeedName;

use super::look::Look;
use super::{Outbox, tables};
use crate::store::Outage;
use crate::store::limits::PAGE_BYTES_MAX;

impl Look<'_> {
    /// The positions at which the own log held other events than it does.
    pub fn branched(&self, number: u32) -> Result<Ranges, Outage> {
        let mut positions = Vec::new();
        let mut from = Bound::Unbounded;
        loop {
            let page = tables::branches_behind(self.tables, number, &from)?;
            let Some((_, _, last)) = page.last() else {
                return Ok(Ranges::of(positions));
            };
            from = Bound::Excluded(last.clone());
            let found = page.iter().map(|(position, _, _)| position.number());
            positions.extend(found);
            positions.dedup();
        }
    }

    /// All of a position come together, so that there may be a few more than `limit`.
    fn branches(
        &self,
        number: u32,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Bytes)>, Outage> {
        let mut page: Vec<(Position, Bytes)> = Vec::new();
        let mut bytes = 0;
        let mut from = tables::behind(number, after);
        loop {
            let found = tables::branches_behind(self.tables, number, &from)?;
            let Some((_, _, last)) = found.last() else {
                return Ok(page);
            };
            from = Bound::Excluded(last.clone());
            for (position, hash, _) in found {
                let full = page.len() >= limit || bytes >= PAGE_BYTES_MAX;
                if full && page.last().is_some_and(|(last, _)| *last != position) {
                    return Ok(page);
                }
                // What does not read any more is no evidence.
                if let Some(signed) = self.stood(number, (position, hash))? {
                    bytes += signed.len();
                    page.push((position, signed));
                }
            }
        }
    }
}

impl Outbox {
    /// Some of the signed events that the own log held behind a position and holds no more, in their stored encoding.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn branches(
        &self,
        feed: &FeedName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Position, Bytes)>, Outage> {
        self.looking(|look| match look.state.named(feed) {
            Some((number, _)) => look.branches(number, after, limit),
            None => Ok(Vec::new()),
        })
    }
}
