//! Who reads the own log, and how far each has come: verified confirmations come in, the highest of each reader goes out. Cumulative,
//! so the highest is all there is to know; losing one costs nothing but the next one's wait.

use schemas::confirmation::Confirmation;
use schemas::event::Position;
use schemas::subject::{FeedName, OfficeId};
use serde::Serialize;

use super::Outbox;
use super::committer::{Committer, Job};
use super::index::{Reads, Result, Writes};
use crate::store::Outage;
use crate::store::keys::{feed_key as key, unreadable};

const READER: u8 = b'c';

/// A reader of a log, and what it has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    pub office: OfficeId,
    /// It holds everything up to here.
    pub complete: u64,
    /// When it said so, by its clock.
    pub at: String,
}

fn reader_key(feed: &FeedName, reader: &OfficeId) -> Vec<u8> {
    key(READER, feed, reader.to_string().as_bytes())
}

impl Reads<'_> {
    /// In the order of their names.
    pub fn readers(&self, feed: &FeedName) -> Result<Vec<Reader>> {
        let all = self.0.scan_prefix(key(READER, feed, b"")).values();
        all.map(|value| {
            let confirmation = read(&value?)?;
            let said = confirmation.said();
            Ok(Reader {
                office: said.reader.clone(),
                complete: said.position.number(),
                at: said.time.to_string(),
            })
        })
        .collect()
    }

    fn confirmed(&self, feed: &FeedName, reader: &OfficeId) -> Result<Option<Position>> {
        let value = self.0.get(reader_key(feed, reader))?;
        let confirmed = value.map(|value| Ok(read(&value)?.said().position));
        confirmed.transpose()
    }
}

fn read(value: &[u8]) -> Result<Confirmation> {
    serde_json::from_slice(value).map_err(|_| unreadable("confirmation"))
}

impl Committer {
    /// A reader that holds another event at a position than we do is an alarm, and confirms nothing.
    pub(super) fn confirmed(
        &mut self,
        confirmation: &Confirmation,
    ) -> std::result::Result<(), Outage> {
        let said = confirmation.said();
        let feed = &said.log.feed;
        let unreadable = |e: sled::Error| Outage::index("read", &e);
        let db = self.index.db();
        let reads = Reads(&db);
        let own = reads.own_hash(feed, said.position).map_err(unreadable)?;
        if own.is_some_and(|own| own != said.hash) {
            let text = format!(
                "{} holds another event than we do at position {} of {}",
                said.reader, said.position, said.log
            );
            self.shared.alarms.raise("reader-on-a-branch", text);
            return Ok(());
        }
        let before = reads.confirmed(feed, &said.reader).map_err(unreadable)?;
        if before.is_some_and(|before| before >= said.position) {
            return Ok(());
        }
        let mut writes = Writes::default();
        let text = confirmation.to_string();
        writes
            .0
            .insert(reader_key(feed, &said.reader), text.as_bytes());
        self.apply_index(writes)
    }
}

impl Outbox {
    /// Takes a confirmation that was verified.
    pub fn confirm(&self, confirmation: Confirmation) -> std::result::Result<(), Outage> {
        self.send(Job::Confirmed(Box::new(confirmation)))
    }

    /// Who has confirmed something of the own log on a feed.
    pub fn readers(&self, feed: &FeedName) -> std::result::Result<Vec<Reader>, Outage> {
        let readers = Reads(&self.inner.shared.index.db()).readers(feed);
        readers.map_err(|error| self.unreadable(&error))
    }
}
