//! What offices were told is accepted, outside of the system that is judged.
//! In: ids and contents with the answer that they got. Out: every id that was answered 202, in order. Never: an id that counts before
//! it is synced.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::tally::{Accepted, Asked, Content};

#[derive(Clone)]
pub struct Ledger(Arc<Mutex<Book>>);

struct Book {
    file: File,
    accepted: Accepted,
    asked: Asked,
}

impl Ledger {
    pub fn begin(path: &Path) -> Result<Ledger> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Ledger(Arc::new(Mutex::new(Book {
            file,
            accepted: Accepted::new(),
            asked: Asked::new(),
        }))))
    }

    /// These are about to be submitted: from here on they may be anywhere, answered or not.
    pub fn asked(&self, source: &str, events: impl IntoIterator<Item = (String, Content)>) {
        let mut book = self.book();
        book.asked
            .entry(source.to_owned())
            .or_default()
            .extend(events);
    }

    /// These were answered 202. They count once this returns.
    pub async fn accepted(&self, source: &str, ids: Vec<String>) -> Result<()> {
        let (ledger, source) = (self.clone(), source.to_owned());
        tokio::task::spawn_blocking(move || ledger.write(&source, ids)).await?
    }

    fn write(&self, source: &str, ids: Vec<String>) -> Result<()> {
        let mut book = self.book();
        let Book {
            file,
            accepted,
            asked,
        } = &mut *book;
        let asked = asked.get(source);
        let mut lines = String::new();
        for id in &ids {
            let content = asked.and_then(|asked| asked.get(id));
            let content = content.with_context(|| format!("{id} was never submitted"))?;
            lines.push_str(&format!("{source} {id} {content}\n"));
        }
        file.write_all(lines.as_bytes())?;
        file.sync_data()?;
        accepted.entry(source.to_owned()).or_default().extend(ids);
        Ok(())
    }

    pub fn read(&self) -> Accepted {
        self.book().accepted.clone()
    }

    /// Whatever was submitted, answered or not.
    pub fn every_asked(&self) -> Asked {
        self.book().asked.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
