//! Tables of what is rare: small ordered values come in as atomic batches, single values and pages go out. They are made anew at each start from
//! what a log's records say, and thrown away at the end. Never a truth, never opened again, never synced; what there can be one of for each
//! event is not here, but in a section of the log's hints.
//!
//! ```text
//! <room>/tables/    removed and made by `make`, removed when it is dropped
//!   key:   table's letter | the room's key, whose bytes sort
//!   value: the room's own; a place of the log has 16 bytes
//! ```
//! A crash leaves a folder that the next start removes. An index that answers an error, or panics, ends the store: it is opened again, and
//! makes new ones.

use std::fs;
use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::Outage;
use super::limits::{INDEX_CACHE_BYTES, TABLE_PAGE_MAX, TABLE_WRITES_UNFLUSHED, TABLES_END_TIME};
use super::log::Place;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// What readers confirm.
    Readers,
    /// Events that stand in no log any more.
    Branches,
    /// Events that are not believed yet.
    Aside,
    /// Gaps that were declared.
    Declared,
    /// Positions that were filled, and are not believed.
    Unbelieved,
    Alarms,
}

impl Table {
    fn letter(self) -> u8 {
        match self {
            Table::Readers => b'c',
            Table::Branches => b'x',
            Table::Aside => b'u',
            Table::Declared => b'd',
            Table::Unbelieved => b'v',
            Table::Alarms => b'a',
        }
    }

    fn key(self, key: &[u8]) -> Vec<u8> {
        [&[self.letter()], key].concat()
    }
}

/// A key without its table's letter, and its value.
pub type TableEntry = (Vec<u8>, Vec<u8>);

/// What is written as one.
#[derive(Default)]
pub struct TableWrites {
    batch: sled::Batch,
    count: usize,
}

impl TableWrites {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn insert(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.batch.insert(table.key(key), value);
        self.count += 1;
    }

    pub fn remove(&mut self, table: Table, key: &[u8]) {
        self.batch.remove(table.key(key));
        self.count += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

pub struct Tables {
    /// None once it is closed.
    db: Option<sled::Db>,
    dir: PathBuf,
    unflushed: AtomicUsize,
}

impl Tables {
    /// Removes what a process before has left in this folder, and makes empty tables there.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn make(dir: &Path) -> Result<Tables, Outage> {
        remove(dir)?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(INDEX_CACHE_BYTES)
            .flush_every_ms(None);
        let db = guarded("make", || config.open())?;
        Ok(Tables {
            db: Some(db),
            dir: dir.into(),
            unflushed: AtomicUsize::new(0),
        })
    }

    /// Writes all or nothing. What is in memory alone is bounded by a flush now and then; nothing depends on it.
    ///
    /// # Errors
    /// The index failed: the store is opened again.
    pub fn apply(&self, writes: TableWrites) -> Result<(), Outage> {
        let TableWrites { batch, count } = writes;
        let db = self.db()?;
        guarded("write", || db.apply_batch(batch))?;
        if self.unflushed.fetch_add(count, Ordering::Relaxed) + count >= TABLE_WRITES_UNFLUSHED {
            self.unflushed.store(0, Ordering::Relaxed);
            guarded("flush", || db.flush())?;
        }
        Ok(())
    }

    /// Puts another value in the place of one that is still as it was: for places that moved. False where it is another one by now.
    ///
    /// # Errors
    /// The index failed: the store is opened again.
    pub fn replace(
        &self,
        table: Table,
        key: &[u8],
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, Outage> {
        let db = self.db()?;
        let key = table.key(key);
        let swapped = guarded("write", || db.compare_and_swap(&key, Some(old), Some(new)))?;
        Ok(swapped.is_ok())
    }

    /// # Errors
    /// The index failed: the store is opened again.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Outage> {
        let db = self.db()?;
        let value = guarded("read", || db.get(table.key(key)))?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// The keys that begin with `prefix` and are not before `from`, in order, with their values: `most` of them, 1,024 at most.
    ///
    /// # Errors
    /// The index failed: the store is opened again.
    pub fn page(
        &self,
        table: Table,
        prefix: &[u8],
        from: Bound<&[u8]>,
        most: usize,
    ) -> Result<Vec<TableEntry>, Outage> {
        let db = self.db()?;
        let within = table.key(prefix);
        let low = match from {
            Bound::Included(key) => Bound::Included(table.key(key)),
            Bound::Excluded(key) => Bound::Excluded(table.key(key)),
            Bound::Unbounded => Bound::Included(within.clone()),
        };
        guarded("read", || {
            let found = db.range::<Vec<u8>, _>((low.clone(), Bound::Unbounded));
            let inside = found.take_while(|one| {
                one.as_ref()
                    .map_or(true, |(key, _)| key.starts_with(&within))
            });
            let page = inside.take(most.min(TABLE_PAGE_MAX));
            page.map(|one| one.map(|(key, value)| (key[1..].to_vec(), value.to_vec())))
                .collect()
        })
    }

    /// The last key that begins with `prefix`, with its value.
    ///
    /// # Errors
    /// The index failed: the store is opened again.
    pub fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<TableEntry>, Outage> {
        let db = self.db()?;
        let last = guarded("read", || {
            db.scan_prefix(table.key(prefix)).next_back().transpose()
        })?;
        Ok(last.map(|(key, value)| (key[1..].to_vec(), value.to_vec())))
    }

    fn db(&self) -> Result<&sled::Db, Outage> {
        self.db.as_ref().ok_or(Outage::Stopped)
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        end(self.db.take());
        if let Err(error) = remove(&self.dir) {
            tracing::warn!(%error, "what is left of the tables is removed by the next start");
        }
    }
}

/// Its end writes what nobody will read. It may panic, and where the disk refuses a write it may never come: neither is anybody's concern.
pub(super) fn end(db: Option<sled::Db>) {
    let (ended, ends) = mpsc::channel::<()>();
    let ending = thread::Builder::new().spawn(move || {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
        drop(ended);
    });
    if ending.is_ok() {
        let _ = ends.recv_timeout(TABLES_END_TIME);
    }
}

fn remove(dir: &Path) -> Result<(), Outage> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Outage::disk("remove", dir, &e)),
        _ => Ok(()),
    }
}

/// A panic of the index is an error of it.
fn guarded<T>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, sled::Error>,
) -> Result<T, Outage> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| Outage::index(doing, &error)),
        Err(_) => Err(Outage::Index {
            doing,
            reason: "it panicked".into(),
        }),
    }
}

/// A place as a value.
pub fn place_value(at: Place) -> [u8; 16] {
    let mut value = [0; 16];
    for (bytes, number) in value.as_chunks_mut::<4>().0.iter_mut().zip([
        at.segment,
        at.generation,
        at.offset,
        at.length,
    ]) {
        *bytes = number.to_le_bytes();
    }
    value
}

/// The place with which a value begins; None where it is too short.
pub fn read_place(value: &[u8]) -> Option<Place> {
    let value = value.first_chunk::<16>()?;
    let [segment, generation, offset, length] =
        [0, 1, 2, 3].map(|at| u32::from_le_bytes(value.as_chunks::<4>().0[at]));
    Some(Place {
        segment,
        generation,
        offset,
        length,
    })
}

#[cfg(test)]
mod tests;
