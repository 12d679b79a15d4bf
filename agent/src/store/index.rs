//! The index of a store: a folder comes in, an opened sled goes out, and what had to be set aside for it.
//! A damaged sled may panic, hang, or open empty: it is opened at arm's length, and never deleted, only set aside.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::time::Duration;

use super::alarms::{now_ms, raise_in};
use super::batch::Batch;
use super::limits::{
    INDEX_CACHE_BYTES, INDEX_OPEN_BYTES_A_SECOND, INDEX_OPEN_TIME, INDEX_UNSYNCED_BYTES_MAX,
};
use super::{Outage, disk};

mod begin;
mod closing;
mod compact;
mod flush;
mod folders;

use closing::Closing;
use compact::{Copy, Tidying};
use folders::{bytes_in, newest, set_aside, set_snapshots_aside};

pub use compact::Left;

/// The number of syncs so far, written with each one: always among the last bytes of the file.
const SYNCS_KEY: &[u8] = b"\0syncs";
/// The same number beside the index, written behind each sync: an index that knows of fewer has lost its end.
const SYNCS_FILE: &str = "syncs";
/// Written when an index that opened well turned out to be damaged.
const SUSPECT_FILE: &str = "suspect";
/// In the place of which lost index this one was begun, and when.
const REPLACES_KEY: &[u8] = b"\0replaces";
/// Stands beside the indexes from the first one on: where it stands and they do not, they were lost.
const BEGUN_FILE: &str = "begun";

/// What opening had to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Its snapshots were damaged; without them everything came back.
    SnapshotsSetAside { reason: String },
    /// It could not be read; a new one was begun, the old one is kept.
    SetAside { kept: PathBuf, reason: String },
    /// It was not there, although it had been; a new one was begun.
    Missing { folder: PathBuf },
}

impl Repair {
    /// The code of its alarm, empty where nobody has to know.
    pub fn code(&self) -> &'static str {
        match self {
            Repair::SnapshotsSetAside { .. } => "",
            Repair::SetAside { .. } => "index-damaged",
            Repair::Missing { .. } => "index-missing",
        }
    }

    pub fn text(&self) -> String {
        match self {
            Repair::SnapshotsSetAside { reason } => {
                format!("the index opened only without its snapshots: {reason}")
            }
            Repair::SetAside { kept, reason } => {
                let kept = kept.display();
                format!("the index was damaged ({reason}) and is kept as {kept}")
            }
            Repair::Missing { folder } => format!("the index {} is gone", folder.display()),
        }
    }
}

pub struct Index {
    in_use: RwLock<InUse>,
    syncs: AtomicU64,
    unsynced_bytes: AtomicUsize,
    /// Written since it was last weighed, and what of it went away meanwhile.
    changed_bytes: AtomicU64,
    freed_bytes: AtomicU64,
    tidying: Mutex<Tidying>,
}

/// What is open. It is another one when the index was copied into a smaller folder.
struct InUse {
    db: Closing,
    folder: PathBuf,
    file: File,
    note: File,
    /// What will be in its place.
    copy: Option<Copy>,
}

pub struct Opened<T> {
    pub index: Index,
    /// When it was begun in the place of one that was lost; None for a first one.
    pub replaced_ms: Option<u64>,
    pub repairs: Vec<Repair>,
    /// What `check` found.
    pub checked: T,
}

/// Opens the newest index under `dir`, or begins one. `check` reads what the store needs from it;
/// an index that fails it is set aside like one that does not open. That an index was lost is an alarm in the one that
/// is begun in its place, from its first moment on.
pub fn open<T, C>(dir: &Path, check: C) -> Result<Opened<T>, Outage>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + Clone + 'static,
{
    let mut repairs = Vec::new();
    let (mut generation, mut lost) = newest(dir)?;
    for _ in 0..ATTEMPTS {
        let folder = folders::path(dir, generation);
        if !folder.exists() {
            begin_instead(&folder, lost.take(), &mut repairs)?;
        }
        match open_one(&folder, check.clone(), &mut repairs)? {
            Ok((db, checked)) => {
                let replaced = db
                    .get(REPLACES_KEY)
                    .map_err(|e| Outage::index("read", &e))?;
                note_begun(dir)?;
                folders::remove_left_over(dir, &folder)?;
                return Ok(Opened {
                    index: Index::new(db, folder)?,
                    replaced_ms: replaced.and_then(|at| number(&at)),
                    repairs,
                    checked,
                });
            }
            Err(reason) => {
                let kept = set_aside(&folder)?;
                lost = Some(Repair::SetAside { kept, reason });
                // Never the same name again: a thread that hangs in the old one may still write under its path.
                generation += 1;
            }
        }
    }
    Err(Outage::Index {
        doing: "open",
        reason: format!("{ATTEMPTS} indexes in a row failed"),
    })
}

/// Indexes that are tried, one after another, before it is the disk's fault.
const ATTEMPTS: usize = 4;

fn begin_instead(
    folder: &Path,
    lost: Option<Repair>,
    repairs: &mut Vec<Repair>,
) -> Result<(), Outage> {
    begin::begin(folder, |db| match &lost {
        None => Ok(()),
        Some(lost) => {
            db.insert(REPLACES_KEY, &now_ms().to_be_bytes())?;
            raise_in(db, lost.code(), lost.text())
        }
    })?;
    repairs.extend(lost);
    Ok(())
}

/// Before anything goes into the first index: from then on an index that is not there was lost.
fn note_begun(dir: &Path) -> Result<(), Outage> {
    let note = dir.join(BEGUN_FILE);
    if note.exists() {
        return Ok(());
    }
    disk::replace(&note, b"")
}

/// The inner error says why this index cannot be used.
type Attempt<T> = Result<(sled::Db, T), String>;

fn open_one<T, C>(folder: &Path, check: C, repairs: &mut Vec<Repair>) -> Result<Attempt<T>, Outage>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + Clone + 'static,
{
    if folder.join(SUSPECT_FILE).exists() {
        return Ok(Err("it was found damaged while in use".into()));
    }
    let syncs = read_syncs(folder);
    let reason = match at_arms_length(folder, check.clone())? {
        Ok((db, checked)) => return Ok(judge_end(db, syncs, checked)),
        Err(Failure::Silent) => return Ok(Err("it did not open in time".into())),
        Err(Failure::Said(reason)) => reason,
    };
    if !set_snapshots_aside(folder)? {
        return Ok(Err(reason));
    }
    Ok(match at_arms_length(folder, check)? {
        Ok((db, checked)) => {
            repairs.push(Repair::SnapshotsSetAside { reason });
            judge_end(db, syncs, checked)
        }
        Err(Failure::Silent) => Err("it did not open in time without its snapshots".into()),
        Err(Failure::Said(reason)) => Err(reason),
    })
}

/// sled opens with fewer records, or none, when enough of its file's end is missing. An index has been synced at least
/// once before it got its name.
fn judge_end<T>(db: sled::Db, noted: Option<u64>, checked: T) -> Attempt<T> {
    match db.get(SYNCS_KEY) {
        Ok(Some(known)) if number(&known) >= noted => Ok((db, checked)),
        Ok(_) => Err("its end is missing".into()),
        Err(e) => Err(e.to_string()),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().map(u64::from_be_bytes).ok()
}

/// None when the note is not there. One that cannot be read says nothing either.
fn read_syncs(folder: &Path) -> Option<u64> {
    let bytes = fs::read(folder.join(SYNCS_FILE)).ok()?;
    number(&bytes)
}

fn config(folder: &Path) -> sled::Config {
    sled::Config::new()
        .path(folder)
        .cache_capacity(INDEX_CACHE_BYTES)
        .flush_every_ms(None)
}

enum Failure {
    Said(String),
    Silent,
}

/// Opens and checks in a thread of its own: a panic or a hang there is an answer here.
fn at_arms_length<T, C>(folder: &Path, check: C) -> Result<Result<(sled::Db, T), Failure>, Outage>
where
    T: Send + 'static,
    C: Fn(&sled::Db) -> Result<T, sled::Error> + Send + 'static,
{
    let (send, receive) = mpsc::sync_channel(1);
    let path = folder.to_path_buf();
    let time = INDEX_OPEN_TIME + Duration::from_secs(bytes_in(folder) / INDEX_OPEN_BYTES_A_SECOND);
    let thread = std::thread::Builder::new();
    let started = thread.spawn(move || {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            wait_for_lock(&path)?;
            let db = config(&path).open()?;
            let checked = check(&db)?;
            Ok::<_, sled::Error>((db, checked))
        }));
        let _gone = send.send(match opened {
            Ok(result) => result.map_err(|e| e.to_string()),
            Err(_) => Err("sled panicked".into()),
        });
    });
    // Want of memory says nothing of the index.
    started.map_err(|e| Outage::disk("start a thread for", folder, &e))?;
    Ok(match receive.recv_timeout(time) {
        Ok(result) => result.map_err(Failure::Said),
        Err(_) => Err(Failure::Silent),
    })
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

impl InUse {
    fn new(db: sled::Db, folder: PathBuf) -> Result<InUse, Outage> {
        let path = folder.join("db");
        let file = File::open(&path).map_err(|e| Outage::disk("open", &path, &e))?;
        let path = folder.join(SYNCS_FILE);
        let note = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let note = note.map_err(|e| Outage::disk("open", &path, &e))?;
        Ok(InUse {
            db: Closing::new(db),
            folder,
            file,
            note,
            copy: None,
        })
    }

    fn suspect(&self) {
        let path = self.folder.join(SUSPECT_FILE);
        if let Err(error) = disk::replace(&path, b"") {
            tracing::error!(%error, "cannot mark a damaged index");
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if !self.db.close() {
            self.suspect();
        }
    }
}

impl Index {
    fn new(db: sled::Db, folder: PathBuf) -> Result<Index, Outage> {
        let known = db.get(SYNCS_KEY).map_err(|e| Outage::index("read", &e))?;
        let syncs = AtomicU64::new(known.and_then(|bytes| number(&bytes)).unwrap_or(0));
        Ok(Index {
            in_use: RwLock::new(InUse::new(db, folder)?),
            syncs,
            unsynced_bytes: AtomicUsize::new(0),
            changed_bytes: AtomicU64::new(0),
            freed_bytes: AtomicU64::new(0),
            tidying: Mutex::default(),
        })
    }

    fn in_use(&self) -> RwLockReadGuard<'_, InUse> {
        self.in_use.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For reading, and for no longer than one question: what is written later may stand in another one.
    pub fn db(&self) -> sled::Db {
        self.in_use().db.clone()
    }

    /// Syncs, too, when much has been written since the last time.
    pub fn apply(&self, batch: Batch) -> Result<(), Outage> {
        let bytes = batch.bytes();
        self.write(&batch)?;
        let unsynced = self.unsynced_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unsynced > INDEX_UNSYNCED_BYTES_MAX {
            self.sync()?;
        }
        Ok(())
    }

    /// Writes and never syncs: for what nobody waits for.
    pub fn write(&self, batch: &Batch) -> Result<(), Outage> {
        let in_use = self.in_use();
        flush::apply(&in_use.db, batch.of(|_| true))?;
        if let Some(copy) = &in_use.copy {
            copy.follow(batch);
        }
        let (changed, freed) = (batch.bytes() + batch.freed(), batch.freed());
        self.changed_bytes
            .fetch_add(changed as u64, Ordering::Relaxed);
        self.freed_bytes.fetch_add(freed as u64, Ordering::Relaxed);
        Ok(())
    }

    /// sled's flush hands the bytes to the system and syncs nothing; the sync is ours. One that failed has lost what it was to make
    /// safe, while the system goes on showing it: this index is not believed at the next opening.
    pub fn sync(&self) -> Result<(), Outage> {
        self.sync_all().inspect_err(|_| self.suspect())
    }

    fn sync_all(&self) -> Result<(), Outage> {
        let in_use = self.in_use();
        self.unsynced_bytes.store(0, Ordering::Relaxed);
        let syncs = (self.syncs.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes();
        let counted = in_use.db.insert(SYNCS_KEY, &syncs);
        counted.map_err(|e| Outage::index("write", &e))?;
        flush::flush(&in_use.db)?;
        let failed = |e| Outage::disk("sync", &in_use.folder, &e);
        in_use.file.sync_data().map_err(failed)?;
        // Not synced: a note that is older than the index only notices less. Written in its place, it is never cut short.
        in_use.note.write_all_at(&syncs, 0).map_err(failed)
    }

    /// At the next opening this index is set aside.
    pub fn suspect(&self) {
        self.in_use().suspect();
    }

    /// Of the folder in use.
    pub fn disk_bytes(&self) -> u64 {
        bytes_in(&self.in_use().folder)
    }
}

#[cfg(test)]
mod tests;
