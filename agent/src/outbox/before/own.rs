//! What is settled: the index of format 1 comes in, the own log of a feed with all that was said of it goes out. Where a signed event was pruned its id,
//! digests and hash go on without it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use schemas::confirmation::Confirmation;
use schemas::event::{Hash, Position};
use schemas::receipt::Receipt;
use schemas::subject::FeedName;

use super::super::facts::{Fact, Pruned, Range, Reads, Settled, Stood, Vouches};
use super::line::{Known, Line};
use super::{Anew, Failed};
use crate::store::before::fields::{Fields, key};
use crate::store::before::index::{Index, Unread};
use crate::store::fields::NONE;

/// Behind all retractions of format 1, whose branches have time 0.
const TIME: u64 = 1;

fn unread(what: &str) -> Unread {
    Unread(what.into())
}

/// Position and hash at the end of a key.
fn place(key: &[u8]) -> Option<(Position, Hash)> {
    let (_, end) = key.split_at_checked(key.len().checked_sub(40)?)?;
    let mut from = Fields(end);
    Some((Position::new(from.number()?)?, from.hash()?))
}

/// What has to stand before the events: up to where the log was pruned, and what stood there before.
pub(super) fn before_the_line(
    anew: &mut Anew,
    (feed, of): (&FeedName, u32),
    index: Option<&Index>,
    line: &Line,
) -> Result<(), Failed> {
    let name = feed.as_str();
    let in_index = index.map(|index| index.get(&key(b'z', &[name], b"")));
    let in_index = in_index.transpose()?.flatten().and_then(|value| {
        let mut from = Fields(&value);
        Some((Position::new(from.number()?)?, from.hash()?))
    });
    let in_journal = line.pruned.get(name).copied();
    // What the journal says is as new as the index, or newer.
    if let Some((last, hash)) = in_journal.or(in_index) {
        let pruned = Fact::Pruned(Pruned {
            feed: of,
            first: last.number(),
            last,
            hash,
            by_horizon: true,
        });
        anew.put(&pruned, &[])?;
    }
    let Some(index) = index else {
        return Ok(());
    };
    for key in index.scan_whole(&key(b'x', &[name], b"")) {
        let key = key?;
        let (position, hash) = place(&key).ok_or_else(|| unread("a branch"))?;
        let signed = index.whole(&key)?.ok_or_else(|| unread("a branch"))?;
        let branch = Fact::Branch(Stood {
            feed: of,
            position,
            hash,
            time: 0,
        });
        anew.put(&branch, &signed)?;
    }
    Ok(())
}

/// The own log, its receipts, what is to be told, and who reads it.
pub(super) fn write(
    anew: &mut Anew,
    (feed, of): (&FeedName, u32),
    index: &Index,
    line: &Line,
) -> Result<(), Failed> {
    let events = Events::of(feed, index)?;
    let prefix = key(b'p', &[feed.as_str()], b"");
    for entry in index.scan(&prefix) {
        let (key, value) = entry?;
        let number = Fields(key.get(prefix.len()..).unwrap_or_default()).number();
        let position = number.and_then(Position::new);
        let (position, hash) = position
            .zip(Fields(&value).hash())
            .ok_or_else(|| unread("a position"))?;
        events.write(anew, (of, position, hash), line)?;
    }
    receipts(anew, (feed, of), index)?;
    if let Some(value) = index.get(&key(b'y', &[feed.as_str()], b""))? {
        let mut from = Fields(&value);
        let range = from.number().zip(from.number()).zip(from.hash());
        let range = range.map(|((first, last), hash)| Range { first, last, hash });
        anew.put(&Fact::Untold(of, range), &[])?;
    }
    readers(anew, (feed, of), index)
}

/// What is known of the events of an own log, by position and by id.
struct Events<'i> {
    feed: &'i FeedName,
    index: &'i Index,
    /// The ids of what was pruned, by position.
    pruned: HashMap<u64, String>,
    /// Submitters' keys by a hash of the id: 48 bytes for each event that had one.
    keys: HashMap<u64, Hash>,
    hasher: RandomState,
}

impl<'i> Events<'i> {
    fn of(feed: &'i FeedName, index: &'i Index) -> Result<Events<'i>, Unread> {
        let mut events = Events {
            feed,
            index,
            pruned: HashMap::new(),
            keys: HashMap::new(),
            hasher: RandomState::new(),
        };
        let prefix = key(b'i', &[feed.as_str()], b"");
        for entry in index.scan(&prefix) {
            let (key, value) = entry?;
            let Some(position) = Known::read(&value)?.settled_at() else {
                continue;
            };
            if events.signed(position)?.is_none() {
                let id = String::from_utf8(key.get(prefix.len()..).unwrap_or_default().to_vec());
                let id = id.map_err(|_| unread("an id"))?;
                events.pruned.insert(position.number(), id);
            }
        }
        let prefix = key(b'k', &[feed.as_str()], b"");
        for entry in index.scan(&prefix) {
            let (key, id) = entry?;
            let of_key = Fields(key.get(prefix.len()..).unwrap_or_default()).hash();
            let of_key = of_key.ok_or_else(|| unread("an idempotency key"))?;
            events.keys.insert(events.hasher.hash_one(&id[..]), of_key);
        }
        Ok(events)
    }

    fn signed(&self, position: Position) -> Result<Option<Vec<u8>>, Unread> {
        let number = position.number().to_be_bytes();
        self.index.whole(&key(b'o', &[self.feed.as_str()], &number))
    }

    /// The id of what stands at a position.
    fn id(&self, position: Position) -> Result<Option<String>, Unread> {
        let number = position.number().to_be_bytes();
        let value = self.index.get(&key(b'p', &[self.feed.as_str()], &number))?;
        let value = value.unwrap_or_default();
        let mut from = Fields(&value);
        let id = from.hash().and_then(|_| from.text()).map(str::to_owned);
        Ok(id.or_else(|| self.pruned.get(&position.number()).cloned()))
    }

    fn write(
        &self,
        anew: &mut Anew,
        (of, position, hash): (u32, Position, Hash),
        line: &Line,
    ) -> Result<(), Failed> {
        let id = self.id(position)?.unwrap_or_default();
        if line.is_in_line_since(self.feed, &id) {
            return Ok(());
        }
        let known = Known::of(self.index, self.feed.as_str(), &id)?;
        let known = known.filter(|known| known.settled_at() == Some(position));
        let signed = self.signed(position)?;
        let settled = Settled {
            feed: of,
            position,
            hash,
            number: 0,
            leaves: false,
            time: TIME,
            at_ms: known.as_ref().map_or(0, |known| known.at_ms),
            content: known.as_ref().and_then(|known| known.content),
            data: known.map_or(NONE, |known| known.data),
            key: self.keys.get(&self.hasher.hash_one(id.as_bytes())).copied(),
            id: &id,
        };
        match signed {
            Some(signed) => anew.put(&Fact::Settled(settled), &signed)?,
            None => anew.put(&Fact::Remains(settled), &[])?,
        }
        Ok(())
    }
}

/// Each stands for itself alone.
fn receipts(anew: &mut Anew, (feed, of): (&FeedName, u32), index: &Index) -> Result<(), Failed> {
    for entry in index.scan(&key(b'r', &[feed.as_str()], b"")) {
        let (key, value) = entry?;
        let receipt: Option<Receipt> = serde_json::from_slice(&value).ok();
        let ((position, hash), receipt) = place(&key)
            .zip(receipt)
            .ok_or_else(|| unread("a receipt"))?;
        let vouches = Fact::Receipt(Vouches {
            feed: of,
            position,
            hash,
            admitted: receipt.facts().stamp.admitted.unix_seconds(),
            after: position.number() - 1,
        });
        anew.put(&vouches, &value)?;
    }
    Ok(())
}

fn readers(anew: &mut Anew, (feed, of): (&FeedName, u32), index: &Index) -> Result<(), Failed> {
    for entry in index.scan(&key(b'c', &[feed.as_str()], b"")) {
        let (_, value) = entry?;
        let confirmation: Confirmation =
            serde_json::from_slice(&value).map_err(|_| unread("a confirmation"))?;
        let said = confirmation.said();
        let reader = Fact::Reader(Reads {
            feed: of,
            reader: &said.reader.to_string(),
            position: said.position,
            at: &said.time.to_string(),
            log: &said.log.source(),
        });
        anew.put(&reader, &value)?;
    }
    Ok(())
}
