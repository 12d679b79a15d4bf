//! The index of a store: a folder comes in, an opened sled goes out, and what had to be set aside for it.
//! A damaged sled may panic, hang, or open empty: it is opened at arm's length, and never deleted, only set aside.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::limits::{INDEX_CACHE_BYTES, INDEX_OPEN_BYTES_A_SECOND, INDEX_OPEN_TIME};
use super::{Outage, disk};

/// The number of syncs so far, written with each one: always among the last bytes of the file.
const SYNCS_KEY: &[u8] = b"\0syncs";
/// The same number beside the index, written behind each sync: an index that knows of fewer has lost its end.
const SYNCS_FILE: &str = "syncs";
/// Written when an index that opened well turned out to be damaged.
const SUSPECT_FILE: &str = "suspect";

/// What opening had to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Its snapshots were damaged; without them everything came back.
    SnapshotsSetAside { reason: String },
    /// It could not be read; a new one was begun, the old one is kept.
    SetAside { kept: PathBuf, reason: String },
}

pub struct Index {
    pub db: sled::Db,
    folder: PathBuf,
    file: File,
    syncs: AtomicU64,
}

pub struct Opened<T> {
    pub index: Index,
    /// Nothing was in it: a new store, or one whose index was set aside.
    pub fresh: bool,
    pub repairs: Vec<Repair>,
    /// What `check` found.
    pub checked: T,
}

/// Opens the newest index under `dir`, or begins one. `check` reads what the store needs from it;
/// an index that fails it is set aside like one that does not open.
pub fn open<T, C>(dir: &Path, check: C) -> Result<Opened<T>, Outage>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + Clone + 'static,
{
    let mut repairs = Vec::new();
    let mut generation = newest(dir)?.unwrap_or(1);
    loop {
        let folder = dir.join(format!("index-{generation:06}"));
        match open_one(&folder, check.clone(), &mut repairs)? {
            Ok((db, fresh, checked)) => {
                let index = Index::new(db, folder, fresh)?;
                return Ok(Opened {
                    index,
                    fresh,
                    repairs,
                    checked,
                });
            }
            Err(reason) => {
                let kept = set_aside(&folder)?;
                repairs.push(Repair::SetAside { kept, reason });
                // Never the same name again: a thread that hangs in the old one may still write under its path.
                generation += 1;
            }
        }
        if repairs.len() > 4 {
            return Err(Outage::Index {
                doing: "open",
                reason: format!("{} indexes in a row failed", repairs.len()),
            });
        }
    }
}

/// The inner error says why this index cannot be used.
type Attempt<T> = Result<(sled::Db, bool, T), String>;

fn open_one<T, C>(folder: &Path, check: C, repairs: &mut Vec<Repair>) -> Result<Attempt<T>, Outage>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + Clone + 'static,
{
    disk::make_directory(folder)?;
    if folder.join(SUSPECT_FILE).exists() {
        return Ok(Err("it was found damaged while in use".into()));
    }
    let syncs = read_syncs(folder);
    let reason = match at_arms_length(folder, check.clone()) {
        Ok((db, checked)) => return Ok(judge_end(db, syncs, checked)),
        Err(Failure::Silent) => return Ok(Err("it did not open in time".into())),
        Err(Failure::Said(reason)) => reason,
    };
    if !set_snapshots_aside(folder)? {
        return Ok(Err(reason));
    }
    Ok(match at_arms_length(folder, check) {
        Ok((db, checked)) => {
            repairs.push(Repair::SnapshotsSetAside { reason });
            judge_end(db, syncs, checked)
        }
        Err(Failure::Silent) => Err("it did not open in time without its snapshots".into()),
        Err(Failure::Said(reason)) => Err(reason),
    })
}

/// sled opens with fewer records, or none, when enough of its file's end is missing.
fn judge_end<T>(db: sled::Db, noted: Option<u64>, checked: T) -> Attempt<T> {
    match (db.get(SYNCS_KEY), noted) {
        (Ok(None), None) => Ok((db, true, checked)),
        (Ok(Some(known)), noted) if number(&known) >= noted => Ok((db, false, checked)),
        (Ok(_), _) => Err("its end is missing".into()),
        (Err(e), _) => Err(e.to_string()),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().map(u64::from_be_bytes).ok()
}

/// None when there was no first sync. A note that cannot be read says only that there was one.
fn read_syncs(folder: &Path) -> Option<u64> {
    match fs::read(folder.join(SYNCS_FILE)) {
        Ok(bytes) => Some(number(&bytes).unwrap_or(0)),
        Err(_) => None,
    }
}

enum Failure {
    Said(String),
    Silent,
}

/// Opens and checks in a thread of its own: a panic or a hang there is an answer here.
fn at_arms_length<T, C>(folder: &Path, check: C) -> Result<(sled::Db, T), Failure>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + 'static,
{
    let (send, receive) = mpsc::sync_channel(1);
    let path = folder.to_path_buf();
    let time = INDEX_OPEN_TIME + Duration::from_secs(bytes_in(folder) / INDEX_OPEN_BYTES_A_SECOND);
    std::thread::spawn(move || {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            wait_for_lock(&path)?;
            let db = sled::Config::new()
                .path(path)
                .cache_capacity(INDEX_CACHE_BYTES)
                .flush_every_ms(None)
                .open()?;
            let checked = check(&db)?;
            Ok::<_, sled::Error>((db, checked))
        }));
        let _gone = send.send(match opened {
            Ok(result) => result.map_err(|e| e.to_string()),
            Err(_) => Err("sled panicked".into()),
        });
    });
    match receive.recv_timeout(time) {
        Ok(result) => result.map_err(Failure::Said),
        Err(_) => Err(Failure::Silent),
    }
}

/// Sled's own threads hold its lock a moment longer than whoever closed the index. That is waited for, and no damage: another
/// process is kept out by the store's lock.
fn wait_for_lock(folder: &Path) -> std::io::Result<()> {
    match File::open(folder.join("db")) {
        Ok(file) => file.lock(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Index {
    fn new(db: sled::Db, folder: PathBuf, fresh: bool) -> Result<Index, Outage> {
        let path = folder.join("db");
        let file = File::open(&path).map_err(|e| Outage::disk("open", &path, &e))?;
        let known = db.get(SYNCS_KEY).map_err(|e| Outage::index("read", &e))?;
        let syncs = AtomicU64::new(known.and_then(|bytes| number(&bytes)).unwrap_or(0));
        let index = Index {
            db,
            folder,
            file,
            syncs,
        };
        if fresh {
            index.sync()?;
            let note = index.folder.join(SYNCS_FILE);
            disk::replace(&note, &1_u64.to_be_bytes())?;
        }
        Ok(index)
    }

    pub fn apply(&self, batch: sled::Batch) -> Result<(), Outage> {
        self.db
            .apply_batch(batch)
            .map_err(|e| Outage::index("write", &e))
    }

    /// sled's flush hands the bytes to the system and syncs nothing; the sync is ours.
    pub fn sync(&self) -> Result<(), Outage> {
        let syncs = (self.syncs.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes();
        let counted = self.db.insert(SYNCS_KEY, &syncs);
        counted.map_err(|e| Outage::index("write", &e))?;
        self.db.flush().map_err(|e| Outage::index("flush", &e))?;
        let failed = |e| Outage::disk("sync", &self.folder, &e);
        self.file.sync_data().map_err(failed)?;
        // Not synced: a note that is older than the index only notices less.
        fs::write(self.folder.join(SYNCS_FILE), syncs).map_err(failed)
    }

    /// At the next opening this index is set aside.
    pub fn suspect(&self) {
        let path = self.folder.join(SUSPECT_FILE);
        if let Err(error) = disk::replace(&path, b"") {
            tracing::error!(%error, "cannot mark a damaged index");
        }
    }

    pub fn disk_bytes(&self) -> u64 {
        bytes_in(&self.folder)
    }
}

fn newest(dir: &Path) -> Result<Option<u32>, Outage> {
    let failed = |e| Outage::disk("read", dir, &e);
    let mut newest = None;
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let generation = name.to_str().and_then(|name| name.strip_prefix("index-"));
        // The names of those set aside go on behind the number, but their numbers are used up, too.
        let digits = generation.and_then(|rest| rest.get(..6)?.parse::<u32>().ok());
        let next = match (digits, generation) {
            (Some(number), Some(rest)) if rest.len() > 6 => Some(number + 1),
            (number, _) => number,
        };
        newest = newest.max(next);
    }
    Ok(newest)
}

fn set_aside(folder: &Path) -> Result<PathBuf, Outage> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |now| now.as_secs());
    let mut kept = folder.as_os_str().to_owned();
    kept.push(format!(".damaged-{seconds}"));
    let kept = PathBuf::from(kept);
    fs::rename(folder, &kept).map_err(|e| Outage::disk("set aside", folder, &e))?;
    disk::sync_directory(kept.parent().unwrap_or(Path::new(".")))?;
    Ok(kept)
}

/// False when there were none.
fn set_snapshots_aside(folder: &Path) -> Result<bool, Outage> {
    let failed = |e| Outage::disk("set aside the snapshots of", folder, &e);
    let mut any = false;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("snap.")) {
            let mut aside = std::ffi::OsString::from("damaged-");
            aside.push(&name);
            fs::rename(entry.path(), folder.join(aside)).map_err(failed)?;
            any = true;
        }
    }
    Ok(any)
}

/// Bytes of the files in a folder; one that goes away meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

#[cfg(test)]
mod tests;
