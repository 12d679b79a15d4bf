//! A new index, made beside its place: what goes into it comes in, and it gets its name only when all of it is on disk.
//! sled itself syncs neither its settings nor a name. After a power cut there is the whole index or none, never half of one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::{Outage, disk};
use super::closing::Closing;
use super::flush::flush;
use super::{SYNCS_FILE, SYNCS_KEY, config};

/// At the end of the name of an index that is still being made.
pub const UNFINISHED: &str = ".new";

/// Makes the index `folder`. `fill` puts into it what it is to begin with.
pub fn begin(
    folder: &Path,
    fill: impl FnOnce(&sled::Db) -> Result<(), sled::Error>,
) -> Result<(), Outage> {
    let made = clear(folder)?;
    let filled = || {
        let db = Closing::new(config(&made).open()?);
        fill(&db)?;
        db.insert(SYNCS_KEY, &1_u64.to_be_bytes())?;
        Ok(db)
    };
    let mut db = filled().map_err(|e: sled::Error| Outage::index("begin", &e))?;
    flush(&db)?;
    if !db.close() {
        let (doing, reason) = ("begin", "its last sync failed".into());
        return Err(Outage::Index { doing, reason });
    }
    disk::replace(&made.join(SYNCS_FILE), &1_u64.to_be_bytes())?;
    sync_all(&made)?;
    name(&made, folder)
}

/// The folder beside its place in which an index is made, empty.
pub fn clear(folder: &Path) -> Result<PathBuf, Outage> {
    let made = unfinished(folder);
    if made.exists() {
        // Nobody has ever read it: it never got its name.
        fs::remove_dir_all(&made).map_err(|e| Outage::disk("remove", &made, &e))?;
    }
    disk::make_directory(&made)?;
    Ok(made)
}

/// From the end on, it is the index.
pub fn name(made: &Path, folder: &Path) -> Result<(), Outage> {
    fs::rename(made, folder).map_err(|e| Outage::disk("name", folder, &e))?;
    disk::sync_directory(folder.parent().unwrap_or(Path::new(".")))
}

fn unfinished(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(UNFINISHED);
    PathBuf::from(name)
}

/// Every file and every folder, the names in a folder behind the files.
pub fn sync_all(folder: &Path) -> Result<(), Outage> {
    let failed = |e| Outage::disk("sync", folder, &e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(failed)?;
        }
    }
    disk::sync_directory(folder)
}
