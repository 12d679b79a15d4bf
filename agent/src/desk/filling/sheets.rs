//! Sheets on the agent's disk that were uploaded or pasted, and not handed in yet: a table comes in and is a file of its own, replaced whole;
//! what was mended in the page is in it. At most so many as a bound says.

use std::io::ErrorKind;
use std::path::PathBuf;

use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};

use super::FormId;
use super::drafts::json_files;
use crate::desk::door::files;
use crate::desk::limits::SHEETS_MAX;
use crate::store::{Outage, disk};
use crate::submit::sheet::{Row, Table};

/// A sheet as it was read, heading and rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub id: FormId,
    pub feed: FeedName,
    /// One more with each save. A save names the one that it stands on.
    pub version: u64,
    pub saved_ms: u64,
    /// The file's name.
    pub name: String,
    pub separator: char,
    pub rows: Vec<Row>,
}

impl Sheet {
    pub fn table(&self) -> Table {
        Table {
            rows: self.rows.clone(),
            separator: self.separator,
        }
    }
}

/// The folder of sheets.
pub struct Sheets(PathBuf);

impl Sheets {
    pub fn new(folder: PathBuf) -> Sheets {
        Sheets(folder)
    }

    fn path(&self, id: FormId) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, feed: &FeedName, id: FormId) -> Result<Option<Sheet>, Outage> {
        let sheet: Option<Sheet> = files::read(&self.path(id))?;
        Ok(sheet.filter(|sheet| sheet.feed == *feed && sheet.id == id))
    }

    /// # Errors
    /// The disk does not take it; what was there before is still there.
    pub fn save(&self, sheet: &Sheet) -> Result<(), Outage> {
        files::write(&self.path(sheet.id), sheet)
    }

    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, id: FormId) -> Result<(), Outage> {
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Ok(()) => disk::sync_directory(&self.0),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Outage::disk("remove", &path, &error)),
        }
    }

    /// # Errors
    /// The folder cannot be read.
    pub fn has_room(&self) -> Result<bool, Outage> {
        Ok(json_files(&self.0, SHEETS_MAX)?.len() < SHEETS_MAX)
    }

    /// What is known of each without its rows, the one that was saved last first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn all(&self) -> Result<Vec<Listed>, Outage> {
        let paths = json_files(&self.0, SHEETS_MAX)?;
        let listed = paths
            .into_iter()
            .filter_map(|path| files::read::<Option<Listed>>(&path).ok()?);
        let mut all: Vec<Listed> = listed.collect();
        all.sort_by_key(|listed| std::cmp::Reverse(listed.saved_ms));
        Ok(all)
    }
}

/// A sheet without its rows.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    pub id: FormId,
    pub feed: FeedName,
    pub saved_ms: u64,
    pub name: String,
}
