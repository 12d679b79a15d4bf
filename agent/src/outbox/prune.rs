//! Pruning: settled events that a receipt covers come in, oldest first; their bytes go, and what they were stays: id, digests, place,
//! hash and receipts. Nothing unsettled is touched. The journal says what was pruned before the index lets go of it, so
//! that an index which is rebuilt neither sends such an event again nor takes the log for an empty one.

use schemas::event::{Hash, Position, Timestamp};
use schemas::subject::FeedName;
use sled::{Db, IVec};

use super::committer::Committer;
use super::index::{
    Known, OWN, OWN_HASH, OwnHead, Reads, Result, Stage, Writes, location, position_key,
    read_location,
};
use super::receipts;
use super::record::{Pruned, Record};
use super::segment::Location;
use super::state::State;
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::fields::{Fields, number};
use crate::store::keys::{feed_key as key, unreadable};
use crate::store::limits::{INDEX_SLACK_BYTES, PRUNED_AT_ONCE};

const PRUNED: u8 = b'z';

/// Up to where a log was pruned, and where the journal says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunedTo {
    pub head: OwnHead,
    pub at: Location,
}

/// The first events of a log that may go.
struct Due {
    feed: FeedName,
    first: Position,
    to: Position,
}

impl Committer {
    /// A few of the events that are past the horizon; false when there are none.
    pub fn prune_due(&mut self) -> std::result::Result<bool, Outage> {
        let due = self.due().map_err(|e| Outage::index("read", &e))?;
        match due {
            Some(due) => self.prune(&due).map(|()| true),
            None => Ok(false),
        }
    }

    fn due(&self) -> Result<Option<Due>> {
        let Some(cutoff) = self.cutoff()? else {
            return Ok(None);
        };
        let db = self.index.db();
        for feed in self.state.feeds.keys() {
            let Some(first) = Reads(&db).first_own(feed)? else {
                continue;
            };
            if let Some(to) = receipts::durable_by(&db, feed, first, cutoff)? {
                let feed = feed.clone();
                return Ok(Some(Due { feed, first, to }));
            }
        }
        Ok(None)
    }

    /// What was durable by then is past the horizon. A gateway's clock says what time it is, by the newest stamp; where this machine's
    /// clock is behind it, that counts. So no clock that is wrong by years prunes anything by itself.
    fn cutoff(&self) -> Result<Option<Timestamp>> {
        let mut newest: Option<Timestamp> = None;
        for feed in self.state.feeds.keys() {
            newest = newest.max(receipts::newest(&self.index.db(), feed)?);
        }
        let here = i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX);
        let horizon = i64::try_from(self.resend_horizon.as_secs()).unwrap_or(i64::MAX);
        Ok(newest.and_then(|newest| {
            let now = newest.unix_seconds().min(here);
            Timestamp::from_unix_seconds(now.checked_sub(horizon)?)
        }))
    }

    /// A few of the oldest settled events, also within the horizon; false when none has a receipt.
    pub fn prune_oldest(&mut self) -> std::result::Result<bool, Outage> {
        let oldest = self.oldest().map_err(|e| Outage::index("read", &e))?;
        let Some(oldest) = oldest else {
            return Ok(false);
        };
        if !self.pressed {
            self.pressed = true;
            let text = format!(
                "the disk budget needs the room: signed events within the resend horizon are pruned, from {} position {} on; give the agent more disk_budget_bytes, or fewer resend_horizon_days",
                oldest.feed, oldest.first
            );
            self.shared.alarms.raise("settled-pruned-early", text);
        }
        self.prune(&oldest).map(|()| true)
    }

    fn oldest(&self) -> Result<Option<Due>> {
        let db = self.index.db();
        let mut oldest: Option<(Timestamp, Due)> = None;
        for feed in self.state.feeds.keys() {
            let Some(first) = Reads(&db).first_own(feed)? else {
                continue;
            };
            let Some((to, admitted)) = receipts::first_behind(&db, feed, first)? else {
                continue;
            };
            if oldest.as_ref().is_none_or(|(before, _)| admitted < *before) {
                let feed = feed.clone();
                oldest = Some((admitted, Due { feed, first, to }));
            }
        }
        Ok(oldest.map(|(_, due)| due))
    }

    /// The budget is nearly used up: submissions would be refused soon.
    pub fn is_pressed(&self) -> bool {
        self.disk_bytes() > self.budget_bytes - self.budget_bytes / 8
    }

    /// What the index may hold beyond its times of what lives in it.
    pub fn slack_bytes(&self) -> u64 {
        INDEX_SLACK_BYTES.min(self.budget_bytes / 8)
    }

    fn prune(&mut self, due: &Due) -> std::result::Result<(), Outage> {
        let unreadable = |e: sled::Error| Outage::index("read", &e);
        let last = due.to.number();
        let last = last.min(due.first.number() + PRUNED_AT_ONCE - 1);
        let mut writes = Writes::default();
        let (mut places, mut head) = (Vec::new(), None);
        let db = self.index.db();
        for position in (due.first.number()..=last).filter_map(Position::new) {
            let Some((hash, id)) = Reads(&db)
                .own_entry(&due.feed, position)
                .map_err(unreadable)?
            else {
                continue;
            };
            let number = self.in_journal(&due.feed, id.as_deref(), position);
            places.extend(number.map_err(unreadable)?.map(|number| (number, position)));
            writes
                .pruned(&db, &due.feed, position, hash)
                .map_err(unreadable)?;
            head = Some(OwnHead { position, hash });
        }
        let Some(head) = head else {
            return Ok(());
        };
        let record = Pruned {
            feed: due.feed.as_str(),
            head,
            places,
        };
        let at = Record::Pruned(record).stage(&mut self.journal);
        self.commit_now()?;
        let marked = self
            .state
            .pruned(&db, &mut writes, &due.feed, PrunedTo { head, at });
        marked.map_err(unreadable)?;
        self.apply_journaled(writes)
    }

    /// The number under which the journal still has an event that was settled.
    fn in_journal(
        &self,
        feed: &FeedName,
        id: Option<&str>,
        position: Position,
    ) -> Result<Option<u64>> {
        let Some(id) = id else {
            return Ok(None);
        };
        let known = Reads(&self.index.db()).known(feed, id)?;
        let known = known.filter(|known| known.stage == Stage::Settled { position });
        let first = self.journal.first_segment();
        Ok(known
            .filter(|known| known.at.segment >= first)
            .map(|known| known.number))
    }
}

impl super::Outbox {
    /// Up to where the own log was pruned: no event up to there can be sent again from here. Its id, digests, hash and receipt stay.
    pub fn pruned(&self, feed: &FeedName) -> std::result::Result<Option<OwnHead>, Outage> {
        let pruned = Reads(&self.inner.shared.index.db()).pruned(feed);
        let pruned = pruned.map_err(|error| self.unreadable(&error))?;
        Ok(pruned.map(|pruned| pruned.head))
    }
}

impl State {
    /// The journal says that there, and it is remembered that it does. A mark goes back only where the log went on otherwise.
    pub fn pruned(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        now: PrunedTo,
    ) -> Result<()> {
        if let Some(before) = self.pruned.get(feed).copied() {
            let own = Reads(db).own_hash(feed, before.head.position)?;
            let stands = own.is_none_or(|own| own == before.head.hash);
            if stands && before.head.position > now.head.position {
                return Ok(());
            }
            self.unpin(before.at);
        }
        self.pin(now.at);
        self.pruned.insert(feed.clone(), now);
        writes.pruned_to(feed, &now);
        Ok(())
    }

    /// What was pruned is settled, also where its acceptance is still in the journal: it is not in line.
    pub fn replay_pruned(
        &mut self,
        db: &Db,
        writes: &mut Writes,
        feed: &FeedName,
        (at, pruned): (Location, &Pruned<'_>),
    ) -> Result<()> {
        for (number, position) in &pruned.places {
            let reads = Reads(db);
            let entry = match reads.waiting_entry(feed, *number)? {
                Some(entry) => Some(entry),
                None => reads.tray_entry(feed, *number)?,
            };
            let Some(id) = entry.map(|entry| entry.id) else {
                continue;
            };
            let Some(known) = reads.known(feed, &id)? else {
                continue;
            };
            self.out_of_line(db, writes, feed, &known)?;
            let position = *position;
            let stage = Stage::Settled { position };
            writes.known(feed, &id, &Known { stage, ..known });
        }
        if !self.feeds.contains_key(feed) {
            self.counts(feed);
            writes.feed(feed);
        }
        let head = pruned.head;
        self.pruned(db, writes, feed, PrunedTo { head, at })
    }
}

impl Reads<'_> {
    /// The hash at a position, and the event's id while the event is here.
    pub fn own_entry(
        &self,
        feed: &FeedName,
        position: Position,
    ) -> Result<Option<(Hash, Option<String>)>> {
        let value = self.0.get(position_key(OWN_HASH, feed, position))?;
        let read = |bytes: IVec| {
            let mut from = Fields(&bytes);
            let hash = from.hash().ok_or_else(|| unreadable("hash"))?;
            Ok((hash, from.text().map(str::to_owned)))
        };
        value.map(read).transpose()
    }

    /// The lowest position of the own log whose event is here.
    pub fn first_own(&self, feed: &FeedName) -> Result<Option<Position>> {
        let prefix = key(OWN, feed, b"");
        let Some(first) = self.0.scan_prefix(&prefix).keys().next() else {
            return Ok(None);
        };
        let first = first?;
        let number = first[prefix.len()..].first_chunk();
        let position = number.and_then(|number| Position::new(u64::from_be_bytes(*number)));
        position.map(Some).ok_or_else(|| unreadable("position"))
    }

    /// Up to where the own log was pruned.
    pub fn pruned(&self, feed: &FeedName) -> Result<Option<PrunedTo>> {
        let Some(value) = self.0.get(key(PRUNED, feed, b""))? else {
            return Ok(None);
        };
        let mut from = Fields(&value);
        let mut read = || {
            Some(PrunedTo {
                head: OwnHead {
                    position: Position::new(from.number()?)?,
                    hash: from.hash()?,
                },
                at: read_location(&mut from)?,
            })
        };
        read()
            .map(Some)
            .ok_or_else(|| unreadable("mark of pruning"))
    }

    /// The highest position of the own log; not below what was pruned, also where the index was rebuilt behind that.
    pub fn last_settled(&self, feed: &FeedName) -> Result<Option<OwnHead>> {
        let pruned = self.pruned(feed)?.map(|pruned| pruned.head);
        let own = self.own_head(feed)?;
        Ok(own
            .into_iter()
            .chain(pruned)
            .max_by_key(|head| head.position))
    }
}

impl Writes {
    /// The event goes, its hash stays.
    pub fn pruned(
        &mut self,
        db: &Db,
        feed: &FeedName,
        position: Position,
        hash: Hash,
    ) -> Result<()> {
        self.0
            .insert(position_key(OWN_HASH, feed, position), hash.as_bytes());
        crate::store::chunked::remove(db, &mut self.0, &position_key(OWN, feed, position))
    }

    pub fn pruned_to(&mut self, feed: &FeedName, pruned: &PrunedTo) {
        let mut value = Vec::with_capacity(52);
        number(&mut value, pruned.head.position.number());
        value.extend_from_slice(pruned.head.hash.as_bytes());
        location(&mut value, pruned.at);
        self.0.insert(key(PRUNED, feed, b""), value);
    }
}
