//! What offices were told is accepted, outside of the system that is judged.
//! In: ids with the answer that they got. Out: every id that was answered 202, in order. Never: an id that counts before it is synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

/// The ids of one log in the order in which they were accepted, by the log's `source`.
pub type Accepted = BTreeMap<String, Vec<String>>;

#[derive(Clone)]
pub struct Ledger(Arc<Mutex<Book>>);

struct Book {
    file: File,
    accepted: Accepted,
    asked: BTreeMap<String, BTreeSet<String>>,
}

impl Ledger {
    pub fn begin(path: &Path) -> Result<Ledger> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Ledger(Arc::new(Mutex::new(Book {
            file,
            accepted: Accepted::new(),
            asked: BTreeMap::new(),
        }))))
    }

    /// These are about to be submitted: from here on they may be anywhere, answered or not.
    pub fn asked(&self, source: &str, ids: &[String]) {
        let mut book = self.book();
        let asked = book.asked.entry(source.to_owned()).or_default();
        asked.extend(ids.iter().cloned());
    }

    /// These were answered 202. They count once this returns.
    pub async fn accepted(&self, source: &str, ids: Vec<String>) -> Result<()> {
        let (ledger, source) = (self.clone(), source.to_owned());
        tokio::task::spawn_blocking(move || ledger.write(&source, ids)).await?
    }

    fn write(&self, source: &str, ids: Vec<String>) -> Result<()> {
        let mut book = self.book();
        let lines: String = ids.iter().map(|id| format!("{source} {id}\n")).collect();
        book.file.write_all(lines.as_bytes())?;
        book.file.sync_data()?;
        let accepted = book.accepted.entry(source.to_owned()).or_default();
        accepted.extend(ids);
        Ok(())
    }

    pub fn read(&self) -> Accepted {
        self.book().accepted.clone()
    }

    /// Every id that was ever submitted, by `source`.
    pub fn every_asked(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.book().asked.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
