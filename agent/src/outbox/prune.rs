//! Pruning: settled events that a receipt covers come in, oldest first; the log says that they may go, and what they were stays: id, digests, place,
//! hash and receipts. Nothing unsettled is touched. Their bytes go when their segment is written anew.

use schemas::event::{Position, Timestamp};
use schemas::subject::FeedName;

use super::committer::{Committer, Draft};
use super::facts::{Fact, Pruned};
use super::{Outbox, OwnHead, receipts};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::PRUNED_AT_ONCE;

/// The first events of a log that may go.
struct Due {
    number: u32,
    name: FeedName,
    first: Position,
    to: Position,
}

impl Committer {
    /// A few of the events that are past the horizon; false when there are none.
    pub fn prune_due(&mut self) -> Result<bool, Outage> {
        match self.due()? {
            Some(due) => self.prune(&due).map(|()| true),
            None => Ok(false),
        }
    }

    fn due(&self) -> Result<Option<Due>, Outage> {
        let Some(cutoff) = self.cutoff() else {
            return Ok(None);
        };
        let look = self.look();
        for (number, name, first) in self.first_here() {
            if let Some(to) = look.durable_by(number, first, cutoff)? {
                let name = name.clone();
                return Ok(Some(Due {
                    number,
                    name,
                    first,
                    to,
                }));
            }
        }
        Ok(None)
    }

    /// The lowest position of each own log whose event is here.
    fn first_here(&self) -> impl Iterator<Item = (u32, &FeedName, Position)> {
        let feeds = self.log.state().named_feeds();
        feeds.filter_map(|(number, name, feed)| {
            let first = feed.here.first().and_then(Position::new)?;
            Some((number, name, first))
        })
    }

    /// What was durable by then is past the horizon. A gateway's clock says what time it is, by the newest stamp; where this machine's
    /// clock is behind it, that counts. So no clock that is wrong by years prunes anything by itself.
    fn cutoff(&self) -> Option<Timestamp> {
        let feeds = self.log.state().named_feeds();
        let stamps = feeds.filter_map(|(_, _, feed)| {
            let newest = feed.newest_receipts().last();
            newest.and_then(receipts::admitted)
        });
        let here = i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX);
        let horizon = i64::try_from(self.resend_horizon.as_secs()).unwrap_or(i64::MAX);
        let now = stamps.max()?.unix_seconds().min(here);
        Timestamp::from_unix_seconds(now.checked_sub(horizon)?)
    }

    /// A few of the oldest settled events, also within the horizon; false when none has a receipt.
    pub fn prune_oldest(&mut self) -> Result<bool, Outage> {
        let Some(oldest) = self.oldest()? else {
            return Ok(false);
        };
        if !self.pressed {
            self.pressed = true;
            let text = format!(
                "the disk budget needs the room: signed events within the resend horizon are pruned, from {} position {} on; give the agent more disk_budget_bytes, or fewer resend_horizon_days",
                oldest.name, oldest.first
            );
            self.shared.alarms.raise("settled-pruned-early", text);
        }
        self.prune(&oldest).map(|()| true)
    }

    fn oldest(&self) -> Result<Option<Due>, Outage> {
        let look = self.look();
        let mut oldest: Option<(i64, Due)> = None;
        for (number, name, first) in self.first_here() {
            let Some(receipt) = look.first_receipt(number, first)? else {
                continue;
            };
            let admitted = receipt.admitted;
            if oldest.as_ref().is_none_or(|(before, _)| admitted < *before) {
                let (name, to) = (name.clone(), receipt.position);
                let due = Due {
                    number,
                    name,
                    first,
                    to,
                };
                oldest = Some((admitted, due));
            }
        }
        Ok(oldest.map(|(_, due)| due))
    }

    fn prune(&mut self, due: &Due) -> Result<(), Outage> {
        let last = due.to.number();
        let last = last.min(due.first.number() + PRUNED_AT_ONCE - 1);
        let state = self.log.state();
        let here = state.feed(due.number).map(|feed| &feed.here);
        let end = here.and_then(|here| {
            let runs = here.within(due.first.number(), last);
            runs.last().map(|(_, end)| end)
        });
        let Some(position) = end.and_then(Position::new) else {
            return Ok(());
        };
        let own = self.look().own(due.number, position)?;
        let pruned = Fact::Pruned(Pruned {
            feed: due.number,
            first: due.first.number(),
            last: position,
            hash: own
                .as_ref()
                .map_or(crate::store::fields::NONE, |own| own.hash),
            // Of one whose hash does not read nobody may say that the log ends there.
            by_horizon: own.is_some(),
        });
        self.commit_unit(&[Draft::of(&pruned, bytes::Bytes::new())])
    }

    /// The bytes of an event of the own log do not read any more: it counts as one that is not here, so that others are asked for it.
    pub fn unread(&mut self, name: &FeedName, position: Position) -> Result<(), Outage> {
        let look = self.look();
        let Some((number, feed)) = look.state.named(name) else {
            return Ok(());
        };
        let own = look.own(number, position)?;
        let reads = own.as_ref().is_some_and(|own| own.bytes.is_some());
        if reads || !feed.here.contains(position.number()) {
            return Ok(());
        }
        self.not_here(number, position, own.map(|own| own.hash))?;
        let text = format!(
            "{name} position {position}: its signed bytes do not read any more; where the bus loses it, readers are asked for it"
        );
        self.shared.alarms.raise("settled-event-unread", text);
        Ok(())
    }

    pub fn not_here(
        &mut self,
        number: u32,
        position: Position,
        hash: Option<schemas::event::Hash>,
    ) -> Result<(), Outage> {
        let gone = Fact::Pruned(Pruned {
            feed: number,
            first: position.number(),
            last: position,
            hash: hash.unwrap_or(crate::store::fields::NONE),
            by_horizon: false,
        });
        self.commit_unit(&[Draft::of(&gone, bytes::Bytes::new())])
    }

    /// The budget is nearly used up: submissions would be refused soon.
    pub fn is_pressed(&self) -> bool {
        self.bytes > self.budget_bytes - self.budget_bytes / 8
    }
}

impl Outbox {
    /// Up to where the own log was pruned: no event up to there can be sent again from here. Its id, digests, hash and receipt stay.
    pub fn pruned(&self, feed: &FeedName) -> Result<Option<OwnHead>, Outage> {
        let state = self.inner.shared.state();
        Ok(state.named(feed).and_then(|(_, feed)| feed.pruned))
    }
}
