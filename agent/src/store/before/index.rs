//! An index of format 1: a store's folder comes in, keys and values go out. sled may hang at its opening, panic, or give an older state that looks
//! whole: then there is none, or what the journal says behind it counts. Nothing is written by us; sled itself may tidy the copy that was set aside.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use crate::store::limits::{FORMER_INDEX_OPEN_TIME, INDEX_CACHE_BYTES};
use crate::store::tables::end;

/// Written into an index that had opened well and turned out to be damaged.
const SUSPECT_FILE: &str = "suspect";

/// Something in the index does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the index of format 1 does not read: {0}")]
pub struct Unread(pub String);

impl From<sled::Error> for Unread {
    fn from(error: sled::Error) -> Unread {
        Unread(error.to_string())
    }
}

pub struct Index(Option<sled::Db>);

impl Drop for Index {
    fn drop(&mut self) {
        end(self.0.take());
    }
}

type Pair = (Vec<u8>, Vec<u8>);

impl Index {
    /// The newest index of a store's folder; None where there is none that opens.
    pub fn open(dir: &Path) -> Option<Index> {
        let folder = newest(dir)?;
        let (opened, opens) = mpsc::sync_channel(1);
        let opening = thread::Builder::new().spawn(move || {
            let config = sled::Config::new()
                .path(&folder)
                .cache_capacity(INDEX_CACHE_BYTES)
                .flush_every_ms(None);
            let db = catch_unwind(AssertUnwindSafe(|| config.open()));
            let _nobody_waits_any_more = opened.send(db.ok().and_then(Result::ok));
        });
        opening.ok()?;
        let db = opens.recv_timeout(FORMER_INDEX_OPEN_TIME).ok().flatten();
        // An empty one was made where nothing was left.
        db.filter(|db| db.was_recovered()).map(|db| Index(Some(db)))
    }

    fn db(&self) -> Result<&sled::Db, Unread> {
        self.0.as_ref().ok_or_else(|| Unread("it is closed".into()))
    }

    /// # Errors
    /// It does not read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Unread> {
        Ok(self.db()?.get(key)?.map(|value| value.to_vec()))
    }

    /// A value that lies there in pieces, each under its key and a number.
    ///
    /// # Errors
    /// It does not read.
    pub fn whole(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Unread> {
        let piece = |number: u16| self.get(&[key, &number.to_be_bytes()].concat());
        let Some(first) = piece(0)? else {
            return Ok(None);
        };
        let Some((count, first)) = first.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let mut value = first.to_vec();
        for number in 1..u16::from_be_bytes(*count) {
            match piece(number)? {
                Some(more) => value.extend_from_slice(&more),
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// All whose keys begin so, in order.
    pub fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Pair, Unread>> + use<> {
        let all = self.0.as_ref().map(|db| db.scan_prefix(prefix));
        all.into_iter().flatten().map(|entry| {
            let (key, value) = entry?;
            Ok((key.to_vec(), value.to_vec()))
        })
    }

    /// The keys of whole values that begin so, without the pieces' numbers.
    pub fn scan_whole(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<Vec<u8>, Unread>> + use<> {
        let keys = self.0.as_ref().map(|db| db.scan_prefix(prefix).keys());
        keys.into_iter().flatten().filter_map(|key| match key {
            Ok(key) => key.strip_suffix(&[0, 0]).map(|key| Ok(key.to_vec())),
            Err(error) => Some(Err(error.into())),
        })
    }
}

fn newest(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_str()?.strip_prefix("index-")?;
        Some((number.parse::<u32>().ok()?, entry.path()))
    });
    let (_, folder) = named.max()?;
    (!folder.join(SUSPECT_FILE).exists()).then_some(folder)
}
