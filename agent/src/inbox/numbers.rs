//! Where the numbers of arrivals begin: an index comes in, its first number goes out. No two indexes begin at the same place, so that a number
//! of one that was lost is none of the next, whatever the clock says, and whoever comes with it can be told.

use schemas::subject::FeedName;
use sled::Db;

use super::Inbox;
use super::index::Reads;
use crate::store::Outage;
use crate::store::batch::Batch;
use crate::store::fields::Fields;
use crate::store::index::Opened;

const FIRST_KEY: &[u8] = b"\0first-arrival";
/// Arrivals that one numbering has room for. The digits above them are the numbering's own, the ten below count.
const ROOM: u64 = 10_000_000_000;
/// Numberings that there are: with the room of each they end below 2^53, the largest number that every reader of JSON keeps.
const NUMBERINGS: u64 = 900_000;

/// The number of the first arrival of each feed. An index from before numberings were drawn goes on with its own.
pub(super) fn first<T>(opened: &Opened<T>) -> Result<u64, Outage> {
    let db = opened.index.db();
    let read = known(&db).map_err(|e| Outage::index("read", &e))?;
    if let Some(first) = read {
        return Ok(first);
    }
    let first = match has_arrivals(&db).map_err(|e| Outage::index("read", &e))? {
        true => opened.replaced_ms.unwrap_or(1),
        false => fastrand::u64(1..NUMBERINGS) * ROOM + 1,
    };
    let mut batch = Batch::default();
    batch.insert(FIRST_KEY.to_vec(), &first.to_be_bytes());
    opened.index.apply(batch)?;
    Ok(first)
}

fn known(db: &Db) -> Result<Option<u64>, sled::Error> {
    let value = db.get(FIRST_KEY)?;
    Ok(value.and_then(|value| Fields(&value).number()))
}

fn has_arrivals(db: &Db) -> Result<bool, sled::Error> {
    let reads = Reads(db);
    for feed in reads.feeds()? {
        if reads.next_arrival(&feed)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Inbox {
    /// Whether a number is one of this numbering that was given, or stands before all of them: 0.
    pub fn has_numbered(&self, feed: &FeedName, number: u64) -> bool {
        let first = self.inner.first_arrival;
        number == 0 || (first..=self.last_arrival(feed)).contains(&number)
    }
}
