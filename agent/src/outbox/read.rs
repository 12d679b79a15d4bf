//! Reading the outbox: what waits, what became of an id, the own log, the tray. Keys come in, what is durable goes out.
//! Nothing is changed here; what turns out to be damaged is told to the committer.

use std::collections::BTreeSet;

use bytes::Bytes;
use schemas::event::{Hash, Position};
use schemas::subject::FeedName;

use super::committer::Job;
use super::index::{Entry, Known, OwnHead, Reads};
use super::record::Record;
use super::{InTray, Outbox, Waiting, journal};
use crate::store::Outage;
use crate::store::limits::{PAGE_BYTES_MAX, POSITIONS_AT_ONCE};

impl Outbox {
    /// What waits behind the number `after` (0: from the front), oldest first; fewer than `max` when they are large.
    pub async fn waiting(
        &self,
        feed: &FeedName,
        after: u64,
        max: usize,
    ) -> Result<Vec<Waiting>, Outage> {
        let (outbox, feed) = (self.clone(), feed.clone());
        let read = tokio::task::spawn_blocking(move || outbox.read_waiting(&feed, after, max));
        read.await.unwrap_or(Err(Outage::Stopped))
    }

    fn read_waiting(
        &self,
        feed: &FeedName,
        after: u64,
        max: usize,
    ) -> Result<Vec<Waiting>, Outage> {
        let mut reader = journal::Reader::new(&self.inner.shared.journal_dir);
        let mut page = Vec::new();
        let mut bytes = 0;
        for entry in Reads(&self.db()).waiting(feed, after).take(max) {
            let (number, entry) = entry.map_err(|e| self.unreadable(&e))?;
            let Some(waiting) = self.fetch(&mut reader, feed, number, entry)? else {
                continue;
            };
            bytes += waiting.bytes.len();
            page.push(waiting);
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(page)
    }

    /// None when it left the line meanwhile, or when its bytes are gone, which is then told.
    fn fetch(
        &self,
        reader: &mut journal::Reader,
        feed: &FeedName,
        number: u64,
        mut entry: Entry,
    ) -> Result<Option<Waiting>, Outage> {
        loop {
            if let Some((kind, body)) = reader.read(entry.at)?
                && let Some(Record::Accepted(accepted)) = Record::read(kind, &body)
                && (accepted.number, accepted.id) == (number, entry.id.as_str())
            {
                let start = body.len() - accepted.bytes.len();
                return Ok(Some(Waiting {
                    number,
                    id: entry.id,
                    at_ms: entry.at_ms,
                    bytes: Bytes::from(body).slice(start..),
                }));
            }
            let now = Reads(&self.db()).waiting_entry(feed, number);
            match now.map_err(|e| self.unreadable(&e))? {
                // It was copied on to another segment between the look-up and the reading.
                Some(now) if now.at != entry.at => entry = now,
                Some(_) => {
                    self.send(Job::Lost(feed.clone(), number, entry.at))?;
                    return Ok(None);
                }
                None => return Ok(None),
            }
        }
    }

    /// What is known of an event of one feed.
    pub fn known(&self, feed: &FeedName, id: &str) -> Result<Option<Known>, Outage> {
        let beside = self.inner.shared.ids_beside();
        let known = match beside.get(&(feed.clone(), id.to_owned())) {
            Some(known) => Ok(Some(*known)),
            None => Reads(&self.db()).known(feed, id),
        };
        known.map_err(|e| self.unreadable(&e))
    }

    /// What is known of an id, on whatever feed.
    pub fn find(&self, id: &str) -> Result<Vec<(FeedName, Known)>, Outage> {
        let beside = self.inner.shared.ids_beside();
        let mut feeds: BTreeSet<FeedName> = beside.keys().map(|(feed, _)| feed.clone()).collect();
        feeds.extend(Reads(&self.db()).feeds().map_err(|e| self.unreadable(&e))?);
        let mut found = Vec::new();
        for feed in feeds {
            if let Some(known) = self.known(&feed, id)? {
                found.push((feed, known));
            }
        }
        Ok(found)
    }

    /// A signed event of the own log.
    pub fn own(&self, feed: &FeedName, position: Position) -> Result<Option<Bytes>, Outage> {
        let own = Reads(&self.db()).own(feed, position);
        own.map(|own| own.map(Bytes::from))
            .map_err(|e| self.unreadable(&e))
    }

    /// The first positions of a range whose signed events are here; more are asked for behind the last of them. However wide the
    /// range is, only what is here is looked at.
    pub fn own_within(
        &self,
        feed: &FeedName,
        range: (Position, Position),
    ) -> Result<Vec<Position>, Outage> {
        let positions = Reads(&self.db()).own_within(feed, range);
        let page: Result<_, _> = positions.take(POSITIONS_AT_ONCE).collect();
        page.map_err(|e| self.unreadable(&e))
    }

    /// The hash of an event of the own log.
    pub fn own_hash(&self, feed: &FeedName, position: Position) -> Result<Option<Hash>, Outage> {
        let hash = Reads(&self.db()).own_hash(feed, position);
        hash.map_err(|e| self.unreadable(&e))
    }

    /// The highest position of the own log that we remember.
    pub fn last_settled(&self, feed: &FeedName) -> Result<Option<OwnHead>, Outage> {
        let head = Reads(&self.db()).last_settled(feed);
        head.map_err(|e| self.unreadable(&e))
    }

    pub fn tray(&self) -> Result<Vec<InTray>, Outage> {
        let feeds = Reads(&self.db()).feeds().map_err(|e| self.unreadable(&e))?;
        let mut tray = Vec::new();
        for feed in feeds {
            for entry in Reads(&self.db()).tray(&feed) {
                let (number, entry) = entry.map_err(|e| self.unreadable(&e))?;
                let feed = feed.clone();
                tray.push(InTray {
                    feed,
                    number,
                    entry,
                });
            }
        }
        Ok(tray)
    }

    fn db(&self) -> sled::Db {
        self.inner.shared.index.db()
    }

    /// An index that opened well and then cannot be read is damaged.
    pub(super) fn unreadable(&self, error: &sled::Error) -> Outage {
        let _stopped_already = self.send(Job::Suspect);
        Outage::index("read", error)
    }
}
