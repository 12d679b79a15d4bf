//! The line of a feed: blocks of numbers and ids in the index, one for each group that was accepted together.
//! An event is in line while its id says so; a block with nobody in line any more goes when it is the first.

use schemas::subject::FeedName;
use sled::{Db, IVec};

use super::index::{Entry, Reads, Result, Stage, Writes};
use crate::store::fields::{Fields, number, text};
use crate::store::keys::{feed_key as key, unreadable};
use crate::store::limits::INDEX_VALUE_BYTES_MAX;

const BLOCK: u8 = b'q';

type Places = Vec<(u64, String)>;

fn read_block(value: &[u8]) -> Result<Places> {
    let mut from = Fields(value);
    let mut places = Vec::new();
    while !from.0.is_empty() {
        let place = from.number().zip(from.text());
        let (number, id) = place.ok_or_else(|| unreadable("line"))?;
        places.push((number, id.to_owned()));
    }
    Ok(places)
}

fn block_key(feed: &FeedName, first: u64) -> Vec<u8> {
    key(BLOCK, feed, &first.to_be_bytes())
}

impl Reads<'_> {
    /// What waits behind `after`, oldest first.
    pub fn waiting(
        &self,
        feed: &FeedName,
        after: u64,
    ) -> impl Iterator<Item = Result<(u64, Entry)>> + use<> {
        let (db, feed) = (self.0.clone(), feed.clone());
        let from = match block_before(&db, &feed, after) {
            Ok(Some((key, _))) => key.to_vec(),
            Ok(None) | Err(_) => key(BLOCK, &feed, b""),
        };
        let to = key(BLOCK, &feed, &[0xff; 9]);
        let places = self.0.range(from..to).flat_map(|block| {
            let places = block.and_then(|(_, value)| read_block(&value));
            match places {
                Ok(places) => places.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        places.filter_map(move |place| match place {
            Ok((number, _)) if number <= after => None,
            Ok((number, id)) => Reads(&db).in_line(&feed, number, id).transpose(),
            Err(error) => Some(Err(error)),
        })
    }

    pub fn waiting_entry(&self, feed: &FeedName, number: u64) -> Result<Option<Entry>> {
        let Some((_, value)) = block_before(self.0, feed, number)? else {
            return Ok(None);
        };
        let mut places = read_block(&value)?.into_iter();
        match places.find(|(place, _)| *place == number) {
            Some((_, id)) => Ok(self.in_line(feed, number, id)?.map(|(_, entry)| entry)),
            None => Ok(None),
        }
    }

    fn in_line(&self, feed: &FeedName, number: u64, id: String) -> Result<Option<(u64, Entry)>> {
        let known = self.known(feed, &id)?;
        let known = known.filter(|known| known.number == number && known.stage == Stage::Accepted);
        let entry = |known: super::Known| Entry {
            at: known.at,
            at_ms: known.at_ms,
            id,
            refusal: String::new(),
        };
        Ok(known.map(|known| (number, entry(known))))
    }
}

/// The last block that begins at `number` or before.
fn block_before(db: &Db, feed: &FeedName, number: u64) -> Result<Option<(IVec, IVec)>> {
    let from = key(BLOCK, feed, b"");
    db.range(from..=block_key(feed, number))
        .next_back()
        .transpose()
}

impl Writes {
    /// A group that was accepted together; its numbers are higher than all before.
    pub fn new_in_line<'a>(
        &mut self,
        feed: &FeedName,
        places: impl Iterator<Item = (u64, &'a str)>,
    ) {
        let (mut first, mut block) = (0, Vec::new());
        for (place, id) in places {
            if block.len() + id.len() + 16 > INDEX_VALUE_BYTES_MAX {
                self.0
                    .insert(block_key(feed, first), std::mem::take(&mut block));
            }
            if block.is_empty() {
                first = place;
            }
            number(&mut block, place);
            text(&mut block, id);
        }
        if !block.is_empty() {
            self.0.insert(block_key(feed, first), block);
        }
    }

    /// One event, wherever its number belongs.
    pub fn in_line(&mut self, db: &Db, feed: &FeedName, place: u64, id: &str) -> Result<()> {
        if let Some((_, value)) = block_before(db, feed, place)?
            && read_block(&value)?.iter().any(|(there, _)| *there == place)
        {
            return Ok(());
        }
        self.new_in_line(feed, std::iter::once((place, id)));
        Ok(())
    }

    /// Removes the first blocks in which nobody is in line any more.
    pub fn shorten_line(&mut self, db: &Db, feed: &FeedName) -> Result<()> {
        for block in db.scan_prefix(key(BLOCK, feed, b"")) {
            let (key, value) = block?;
            for (number, id) in read_block(&value)? {
                if Reads(db).in_line(feed, number, id)?.is_some() {
                    return Ok(());
                }
            }
            self.0.remove(key);
        }
        Ok(())
    }
}
