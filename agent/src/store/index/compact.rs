//! Giving space back: an index that fills much more of the disk than lives in it is copied into a folder of its own and goes on there.
//! Moments in which nobody waits come in, each is used for a little of that work; what is in the index stays the same. There is
//! no moment at which a power cut finds half an index: the copy has no name until all of it is on disk.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::super::limits::{
    INDEX_COPY_AGAIN, INDEX_COPY_ROOM_BYTES, INDEX_COPY_UNSYNCED_BYTES_MAX, INDEX_TIMES_LIVE,
    TIDY_BYTES, TIDY_ENTRIES,
};
use super::super::{Outage, disk};
use super::closing::Closing;
use super::{Batch, InUse, Index, SYNCS_FILE, SYNCS_KEY, begin, config, flush, folders};

/// What there is still to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Something for the next moment in which nobody waits.
    More,
    /// Something that others have to let go of first.
    Later,
}

#[derive(Default)]
pub(super) struct Tidying {
    work: Work,
    /// What lived in the index when it was weighed.
    live_bytes: Option<u64>,
    /// The disk and what lived on it, when it was last copied: how small it gets.
    copied: Option<(u64, u64)>,
    /// Folders in whose place another one has come, and which somebody may still be reading.
    retired: Vec<PathBuf>,
    /// When copying failed.
    failed: Option<Instant>,
}

#[derive(Default)]
enum Work {
    #[default]
    Rest,
    Weighing {
        from: Vec<u8>,
        bytes: u64,
    },
    Copying,
}

/// The index once more, as far as it is copied.
pub(super) struct Copy {
    db: sled::Db,
    file: File,
    /// Where it is made, and the name that it gets.
    made: PathBuf,
    folder: PathBuf,
    /// Whatever stands before this key is in it.
    behind: Vec<u8>,
    live_bytes: u64,
    unsynced: usize,
    /// A write could not be followed: it is not the same any more.
    broken: AtomicBool,
}

impl Index {
    /// A little of what gives space back. It is worth it where the folder holds over four times what lives in it, and `slack_bytes`.
    ///
    /// # Errors
    /// When the index cannot be read, or the disk failed just when the copy was named: whoever uses the store reopens it.
    pub fn tidy(&self, slack_bytes: u64) -> Result<Left, Outage> {
        let mut tidying = self.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        tidying.remove_retired();
        let now = match &mut tidying.work {
            Work::Rest => return self.begin(&mut tidying, slack_bytes),
            Work::Weighing { from, bytes } => {
                if self.weigh(from, bytes)? {
                    return Ok(Left::More);
                }
                tidying.live_bytes = Some(*bytes);
                Work::Rest
            }
            Work::Copying => match self.copy_on()? {
                Step::More => return Ok(Left::More),
                Step::Copied { live_bytes, old } => {
                    // What went away before is not in the copy: counted once more, the next copy would always seem worth it.
                    self.changed_bytes.store(0, Ordering::Relaxed);
                    self.freed_bytes.store(0, Ordering::Relaxed);
                    tidying.live_bytes = Some(live_bytes);
                    tidying.copied = Some((self.disk_bytes(), live_bytes));
                    tidying.retired.push(old);
                    Work::Rest
                }
                Step::Failed => {
                    tidying.failed = Some(Instant::now());
                    Work::Rest
                }
            },
        };
        tidying.work = now;
        Ok(Left::More)
    }

    fn begin(&self, tidying: &mut Tidying, slack_bytes: u64) -> Result<Left, Outage> {
        let disk_bytes = self.disk_bytes();
        let live_bytes = tidying.live_bytes.map(|live| {
            let freed = self.freed_bytes.load(Ordering::Relaxed);
            live.saturating_sub(freed)
        });
        let changed = self.changed_bytes.load(Ordering::Relaxed);
        match live_bytes {
            _ if !tidying.retired.is_empty() => return Ok(Left::Later),
            _ if disk_bytes <= slack_bytes => return Ok(Left::Nothing),
            Some(live) if tidying.is_worth_it(disk_bytes, live, slack_bytes) => {
                if !self.begin_copy(live) {
                    tidying.failed = Some(Instant::now());
                    return Ok(Left::Nothing);
                }
                tidying.work = Work::Copying;
            }
            Some(_) if changed < disk_bytes / 8 => return Ok(Left::Nothing),
            Some(_) | None => {
                self.changed_bytes.store(0, Ordering::Relaxed);
                self.freed_bytes.store(0, Ordering::Relaxed);
                let (from, bytes) = (Vec::new(), 0);
                tidying.work = Work::Weighing { from, bytes };
            }
        }
        Ok(Left::More)
    }

    /// False when all is weighed.
    fn weigh(&self, from: &mut Vec<u8>, bytes: &mut u64) -> Result<bool, Outage> {
        let db = self.db();
        let mut last = None;
        for entry in db.range(from.clone()..).take(TIDY_ENTRIES) {
            let (key, value) = entry.map_err(|e| Outage::index("read", &e))?;
            *bytes += (key.len() + value.len()) as u64;
            last = Some(key);
        }
        Ok(last.is_some_and(|last| {
            *from = behind(&last);
            true
        }))
    }

    /// False when there is no room for it.
    fn begin_copy(&self, live_bytes: u64) -> bool {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let room = disk::free_bytes(&in_use.folder);
        let needed = INDEX_TIMES_LIVE * live_bytes + INDEX_COPY_ROOM_BYTES;
        if room.is_none_or(|room| room < needed) {
            tracing::warn!(?room, needed, "no room to copy the index into less");
            return false;
        }
        match Copy::begin(folders::next(&in_use.folder)) {
            Ok(copy) => {
                in_use.copy = Some(copy);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the index cannot be copied into less");
                false
            }
        }
    }

    fn copy_on(&self) -> Result<Step, Outage> {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let syncs = self.syncs.load(Ordering::Relaxed) + 1;
        let InUse { db, copy, .. } = &mut *in_use;
        let Some(mut copy) = copy.take() else {
            return Ok(Step::Failed);
        };
        let piece = Piece::read(db, &copy.behind)?;
        let taken = guarded(|| match piece {
            Some(piece) => copy.take(piece).map(|()| true),
            None => copy.seal(syncs).map(|()| false),
        });
        match taken {
            Ok(true) => {
                in_use.copy = Some(copy);
                Ok(Step::More)
            }
            Ok(false) => {
                // From here on the disk may show either of the two. They are the same, and stay so: an error ends the store.
                begin::name(&copy.made, &copy.folder)?;
                let Copy { db, folder, .. } = copy;
                let before = std::mem::replace(&mut *in_use, InUse::new(db, folder)?);
                self.syncs.store(syncs, Ordering::Relaxed);
                Ok(Step::Copied {
                    live_bytes: copy.live_bytes,
                    old: before.folder.clone(),
                })
            }
            Err(error) => {
                tracing::warn!(%error, "the index cannot be copied into less");
                copy.discard();
                Ok(Step::Failed)
            }
        }
    }
}

enum Step {
    More,
    Copied { live_bytes: u64, old: PathBuf },
    Failed,
}

impl Tidying {
    fn is_worth_it(&self, disk_bytes: u64, live_bytes: u64, slack_bytes: u64) -> bool {
        let again = INDEX_COPY_AGAIN;
        if self.failed.is_some_and(|failed| failed.elapsed() < again) {
            return false;
        }
        // What the last copy came to for each byte in it: a copy must be worth its price, also where keys are many and small.
        let expected = match self.copied {
            Some((disk, live)) if live > 0 => live_bytes.saturating_mul(disk) / live,
            Some(_) | None => 0,
        };
        disk_bytes > INDEX_TIMES_LIVE * live_bytes + slack_bytes && disk_bytes / 3 * 2 > expected
    }

    fn remove_retired(&mut self) {
        self.retired.retain(|folder| {
            if !folders::let_go(folder) {
                return true;
            }
            if let Err(error) = fs::remove_dir_all(folder) {
                // The next start removes it.
                tracing::warn!(%error, folder = %folder.display(), "cannot remove an index that was copied");
            }
            false
        });
    }
}

/// The first key behind this one.
fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Some entries of an index, one behind the other.
struct Piece {
    batch: Batch,
    behind: Vec<u8>,
}

impl Piece {
    /// None where nothing more is behind `from`.
    fn read(db: &sled::Db, from: &[u8]) -> Result<Option<Piece>, Outage> {
        let mut batch = Batch::default();
        let mut last = None;
        for entry in db.range(from.to_vec()..).take(TIDY_ENTRIES) {
            let (key, value) = entry.map_err(|e| Outage::index("read", &e))?;
            last = Some(key.clone());
            batch.insert(key, value);
            if batch.bytes() >= TIDY_BYTES {
                break;
            }
        }
        Ok(last.map(|last| Piece {
            batch,
            behind: behind(&last),
        }))
    }
}

impl Copy {
    fn begin(folder: PathBuf) -> Result<Copy, Outage> {
        let made = begin::clear(&folder)?;
        guarded(|| {
            let db = config(&made).open();
            let db = db.map_err(|e| Outage::index("begin", &e))?;
            let path = made.join("db");
            let file = File::open(&path).map_err(|e| Outage::disk("open", &path, &e))?;
            Ok(Copy {
                db,
                file,
                made: made.clone(),
                folder,
                behind: Vec::new(),
                live_bytes: 0,
                unsynced: 0,
                broken: AtomicBool::new(false),
            })
        })
    }

    /// What is written to the index meanwhile, as far as it is copied.
    pub(super) fn follow(&self, batch: &Batch) {
        let copied = batch.of(|key| key.as_ref() < self.behind.as_slice());
        let followed = guarded(|| flush::apply(&self.db, copied));
        if followed.is_err() {
            self.broken.store(true, Ordering::Relaxed);
        }
    }

    fn take(&mut self, piece: Piece) -> Result<(), Outage> {
        flush::apply(&self.db, piece.batch.of(|_| true))?;
        self.behind = piece.behind;
        self.live_bytes += piece.batch.key_value_bytes() as u64;
        self.unsynced += piece.batch.bytes();
        if self.unsynced > INDEX_COPY_UNSYNCED_BYTES_MAX {
            self.unsynced = 0;
            flush::flush(&self.db)?;
            let synced = self.file.sync_data();
            synced.map_err(|e| Outage::disk("sync", &self.made, &e))?;
        }
        Ok(())
    }

    /// All of it is on disk when this returns.
    fn seal(&self, syncs: u64) -> Result<(), Outage> {
        if self.broken.load(Ordering::Relaxed) {
            let doing = "follow the writes to";
            let reason = "one of them failed".into();
            return Err(Outage::Index { doing, reason });
        }
        let syncs = syncs.to_be_bytes();
        let counted = self.db.insert(SYNCS_KEY, &syncs);
        counted.map_err(|e| Outage::index("write", &e))?;
        flush::flush(&self.db)?;
        disk::replace(&self.made.join(SYNCS_FILE), &syncs)?;
        begin::sync_all(&self.made)
    }

    fn discard(self) {
        let Copy { db, made, .. } = self;
        Closing::new(db).close();
        // Nobody will ever read it. What cannot be removed now is removed before the next copy, or at the next start.
        let _left = fs::remove_dir_all(made);
    }
}

/// sled panics on some failures of the disk: here that is an answer, and no word about the index that is copied.
fn guarded<T>(work: impl FnOnce() -> Result<T, Outage>) -> Result<T, Outage> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let doing = "copy";
        let reason = "sled panicked".into();
        Err(Outage::Index { doing, reason })
    })
}
