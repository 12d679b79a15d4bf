//! The receipts for the own log: what a gateway signed comes in, and for each position the oldest that covers it goes out. Kept by
//! position and hash: one for an event that is no longer ours there stays, and is not taken for another's.
//!
//! The newest one covers all before it; older ones prove that something was there earlier. An event that the bus lost and got
//! again is stamped anew, and the older receipt stays the good one.
//!
//! ```text
//! one day:    5 (after 1)   20 (after 5)   21 (after 20)   22 (after 20): it stands for 21, too
//! ```
//! A record cannot be taken back, so a receipt says behind which position it stands for all others.

use schemas::event::{Position, Timestamp};
use schemas::period::day_at;
use schemas::receipt::{Receipt, VerifiedReceipt};
use schemas::subject::FeedName;

use super::Outbox;
use super::committer::Draft;
use super::facts::{Fact, Vouches};
use super::look::Look;
use super::state::Feed;
use crate::store::Outage;
use crate::store::limits::{PRUNED_AT_ONCE, RECEIPT_SPACING};
use crate::store::log::{Looked, Section};

/// What is new: nothing for a position that a receipt covers already. Of one day no more count than are needed.
pub(super) fn new(feed: &Feed, number: u32, receipts: &[VerifiedReceipt]) -> Vec<Draft> {
    let mut newest: Vec<Vouches> = feed.newest_receipts().copied().collect();
    let mut drafts = Vec::new();
    for verified in receipts {
        let facts = verified.facts();
        let last = newest.last().map_or(0, |last| last.position.number());
        if last >= facts.position.number() {
            continue;
        }
        let mut next = Vouches {
            feed: number,
            position: facts.position,
            hash: facts.hash,
            admitted: facts.stamp.admitted.unix_seconds(),
            after: last,
        };
        if let [.., before, last] = &newest[..]
            && day(last) == day(&next)
            && next.position.number() - before.position.number() < RECEIPT_SPACING
        {
            next.after = before.position.number();
            newest.pop();
        }
        newest.push(next);
        let text = verified.receipt().to_string();
        drafts.push(Draft::of(&Fact::Receipt(next), text));
    }
    drafts
}

/// The day of its admission.
fn day(receipt: &Vouches) -> impl PartialEq + use<> {
    admitted(receipt).map(day_at)
}

/// It was a good time when it was written down.
pub(super) fn admitted(receipt: &Vouches) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(receipt.admitted)
}

/// The receipts that cover a position, from the nearest on.
struct Behind<'a> {
    look: Look<'a>,
    number: u32,
    from: Option<u64>,
    next: Option<(Vouches, Receipt)>,
}

impl Behind<'_> {
    /// One that no newer one stands for.
    fn pull(&mut self) -> Result<Option<(Vouches, Receipt)>, Outage> {
        let mut this = match self.next.take() {
            Some(this) => this,
            None => match self.standing()? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        while let Some(next) = self.standing()? {
            if next.0.after >= this.0.position.number() {
                self.next = Some(next);
                break;
            }
            this = next;
        }
        Ok(Some(this))
    }

    /// The next one for an event that stands there.
    fn standing(&mut self) -> Result<Option<(Vouches, Receipt)>, Outage> {
        while let Some(from) = self.from {
            let reading = self.look.reading;
            let Some((at, _)) = reading.at_or_after(Section::Receipts, self.number, from)? else {
                self.from = None;
                break;
            };
            self.from = at.checked_add(1);
            let Some(position) = Position::new(at) else {
                continue;
            };
            let Some(own) = self.look.own(self.number, position)? else {
                continue;
            };
            let found = reading.find(Section::Receipts, self.number, at, |looked| {
                let Looked::Record(record) = looked else {
                    return None;
                };
                let Some(Fact::Receipt(one)) = Fact::read(record.head()) else {
                    return None;
                };
                let receipt = serde_json::from_slice(record.bytes()).ok()?;
                (one.hash == own.hash).then_some((one, receipt))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl<'a> Look<'a> {
    fn behind(&self, number: u32, position: Position) -> Behind<'a> {
        Behind {
            look: *self,
            number,
            from: Some(position.number()),
            next: None,
        }
    }

    /// The first one that covers a position: which position it is for, and when it was stamped.
    pub fn first_receipt(
        &self,
        number: u32,
        position: Position,
    ) -> Result<Option<Vouches>, Outage> {
        let first = self.behind(number, position).pull()?;
        Ok(first.map(|(receipt, _)| receipt))
    }

    /// Up to where a log was durable at a time, by the receipts behind a position; not further than is pruned at once.
    pub fn durable_by(
        &self,
        number: u32,
        first: Position,
        time: Timestamp,
    ) -> Result<Option<Position>, Outage> {
        let mut behind = self.behind(number, first);
        let mut to = None;
        while let Some((receipt, _)) = behind.pull()? {
            if admitted(&receipt).is_none_or(|admitted| admitted > time) {
                break;
            }
            to = Some(receipt.position);
            if receipt.position.number() - first.number() >= PRUNED_AT_ONCE {
                break;
            }
        }
        Ok(to)
    }

    /// Whether another one stands for this one, whatever comes.
    pub fn is_superseded(&self, one: &Vouches) -> Result<bool, Outage> {
        let mut from = one.position.number().checked_add(1);
        // Only those within the spacing can.
        let end = one.position.number().saturating_add(RECEIPT_SPACING);
        while let Some(at) = from.filter(|from| *from < end) {
            let page = self
                .reading
                .page(Section::Receipts, one.feed, at..=end, 1)?;
            let Some((at, _)) = page.first() else {
                break;
            };
            let stands = self
                .reading
                .find(Section::Receipts, one.feed, *at, |looked| {
                    let Looked::Record(record) = looked else {
                        return None;
                    };
                    match Fact::read(record.head()) {
                        Some(Fact::Receipt(next)) => {
                            (next.after < one.position.number()).then_some(next)
                        }
                        _ => None,
                    }
                })?;
            let holds = match stands {
                Some(next) => self
                    .own(next.feed, next.position)?
                    .is_some_and(|own| own.hash == next.hash),
                None => false,
            };
            if holds {
                return Ok(true);
            }
            from = at.checked_add(1);
        }
        Ok(false)
    }
}

impl Outbox {
    /// The receipt that covers a position of the own log, and is nearest to it; None where none does yet.
    pub fn receipt_for(
        &self,
        feed: &FeedName,
        position: Position,
    ) -> Result<Option<Receipt>, Outage> {
        self.looking(|look| {
            let Some((number, _)) = look.state.named(feed) else {
                return Ok(None);
            };
            let found = look.behind(number, position).pull()?;
            Ok(found.map(|(_, receipt)| receipt))
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
