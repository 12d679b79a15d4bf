//! Files that are there after a power cut: bytes come in, the file and its name are synced.
//! Nothing is returned before both are; nothing is read here.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::{Fault, Outage};

/// A name survives a power cut only when its directory was synced.
pub fn sync_directory(dir: &Path) -> Result<(), Outage> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| Outage::disk("sync", dir, &e))
}

/// Makes the directory and those above it that are missing, and syncs the name of each.
pub fn make_directory(dir: &Path) -> Result<(), Outage> {
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
    match fs::create_dir(dir) {
        Ok(()) => {}
        Err(e)
            if e.kind() == ErrorKind::NotFound
                && let Some(above) = above =>
        {
            make_directory(above)?;
            fs::create_dir(dir).map_err(|e| Outage::disk("make", dir, &e))?;
        }
        Err(_) if dir.is_dir() => {}
        Err(e) => return Err(Outage::disk("make", dir, &e)),
    }
    // Also when it was there: whoever made it may have been stopped before this.
    sync_directory(above.unwrap_or(Path::new(".")))
}

/// Gives a file another name, and looks whether it has it: nobody asks again for what counts as moved.
///
/// # Errors
/// What the disk says, or that the old name is there still.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    is_gone(from)
}

/// Whether a name that was given up is gone.
///
/// # Errors
/// It is there still, or the disk does not say.
pub fn is_gone(name: &Path) -> io::Result<()> {
    match fs::symlink_metadata(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(io::Error::other("it was renamed, and is there still")),
        Err(error) => Err(error),
    }
}

/// Replaces a file as a whole: after a crash it holds the old bytes or the new ones.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Outage> {
    let failed = |e| Outage::disk("write", path, &e);
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    rename(&new, path).map_err(failed)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// What others may still write to the disk; None where it does not say.
pub fn free_bytes(dir: &Path) -> Option<u64> {
    fs2::available_space(dir).ok()
}

/// What the files of a folder occupy, at most some moments ago: for people, never for a decision.
pub fn used_bytes(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(file) if file.is_dir() => used_bytes(&entry.path()),
        Ok(file) => file.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Held while a store is open: two processes on one store would each undo the other's work.
pub struct Lock(#[allow(dead_code)] File);

impl Lock {
    /// # Errors
    /// `Fault::InUse` when another process, or another value in this one, has the store.
    pub fn take(dir: &Path) -> Result<Lock, Fault> {
        let path = dir.join("lock");
        let file = File::create(&path).map_err(|e| Outage::disk("make", &path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(fs::TryLockError::WouldBlock) => Err(Fault::InUse(dir.into())),
            Err(fs::TryLockError::Error(e)) => Err(Outage::disk("lock", &path, &e).into()),
        }
    }
}
