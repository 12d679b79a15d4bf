//! The authority's folder: a path comes in, the place of everything in it goes out. Files are written whole, synced, or not at
//! all; secrets are readable by their owner alone. Nothing is ever overwritten but the registry, and that only under its lock.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use schemas::registry_log::RegistryLog;
use schemas::signing::PublicKey;
use tracing::warn;

/// Where an authority keeps its keys, the registry, and what gateways and nats-servers are given.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file by its path within the folder, such as `authority/ca.pem`.
    pub fn file(&self, within: &str) -> PathBuf {
        self.0.join(within)
    }

    pub fn registry(&self) -> PathBuf {
        self.file("registry.ndjson")
    }

    pub fn ca(&self) -> PathBuf {
        self.file("authority/ca.pem")
    }

    pub fn ca_key(&self) -> PathBuf {
        self.file("authority/ca.key")
    }

    pub fn signing_key(&self) -> PathBuf {
        self.file("authority/signing.pk8")
    }

    /// A line for each certificate that offices were given.
    pub fn issued(&self) -> PathBuf {
        self.file("authority/issued.ndjson")
    }

    pub fn operator_nkey(&self) -> PathBuf {
        self.file("authority/operator.nk")
    }

    /// Held by whoever changes the registry; given back when dropped, and by a process that dies.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn lock_registry(&self) -> anyhow::Result<RegistryLock> {
        let path = self.file("registry.lock");
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = open.with_context(|| format!("cannot open {}", path.display()))?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(RegistryLock { _file: file })
    }
}

/// The right to change the registry.
#[derive(Debug)]
pub struct RegistryLock {
    _file: File,
}

/// Makes a folder that does not exist yet, or uses an empty one; it is its owner's alone.
///
/// # Errors
/// It holds something already: a folder of keys is never written over.
pub fn make_empty(path: &Path) -> anyhow::Result<()> {
    make_private(path)?;
    let empty = fs::read_dir(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .next()
        .is_none();
    ensure!(
        empty,
        "{} is not empty, and nothing in it is overwritten; name another folder",
        path.display()
    );
    // One that was there already may have been made for everybody.
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot make {} its owner's alone", path.display()))
}

/// Makes a folder that its owner alone may look into.
///
/// # Errors
/// The folder cannot be made.
pub fn make_private(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Writes a file that everybody may read and that does not exist yet.
///
/// # Errors
/// It exists, or cannot be written and synced.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write_new(path, bytes.as_ref(), 0o644)
}

/// Writes a file that its owner alone may read and that does not exist yet.
///
/// # Errors
/// It exists, or cannot be written and synced.
pub fn write_secret(path: &Path, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write_new(path, bytes.as_ref(), 0o600)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let opened = options.create_new(true).write(true).mode(mode).open(path);
    let mut file = opened.with_context(|| format!("cannot write {}", path.display()))?;
    // What is for everybody is so under every umask: the registry is read by gateways, who may be other users than the operator.
    file.set_permissions(fs::Permissions::from_mode(mode))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Puts new content in a file's place in one step: a reader sees the old one or the new one, also after a power cut.
///
/// # Errors
/// The file stays as it was.
pub fn replace(path: &Path, bytes: &[u8], _lock: &RegistryLock) -> anyhow::Result<()> {
    let next = path.with_extension("next");
    // A half-written one was left by a process that died; the lock says that nobody writes it now.
    fs::remove_file(&next).ok();
    write(&next, bytes)?;
    fs::rename(&next, path).with_context(|| format!("cannot replace {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot sync {}", folder.display()))
}

/// Reads a registry's file; who works on one that says more than this version understands is told so.
///
/// # Errors
/// It cannot be read, or is not the authority's.
pub fn read_registry(path: &Path, authority: PublicKey) -> anyhow::Result<(String, RegistryLog)> {
    let text = read_text(path)?;
    let log = RegistryLog::load(&text, authority)
        .with_context(|| format!("cannot use {}", path.display()))?;
    if let Some(outgrown) = log.registry().outgrown() {
        warn!("{outgrown}");
    }
    Ok((text, log))
}

/// # Errors
/// The file's name, beside the reason.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// # Errors
/// The file's name, beside the reason.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_and_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        write_secret(&path, "one").expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write_secret(&path, "two").is_err());
        assert_eq!(fs::read(&path).expect("there"), b"one");
    }

    #[test]
    fn a_folder_that_holds_something_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        make_empty(&folder.path().join("new")).expect("made");
        write(&folder.path().join("new/file"), "x").expect("written");
        assert!(make_empty(&folder.path().join("new")).is_err());
    }

    #[test]
    fn what_is_replaced_is_whole_though_a_half_written_one_was_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.ndjson");
        fs::write(&path, "old").expect("written");
        fs::write(path.with_extension("next"), "hal").expect("written");
        let lock = Folder::new(folder.path()).lock_registry().expect("a lock");
        replace(&path, b"new", &lock).expect("replaced");
        assert_eq!(fs::read(&path).expect("there"), b"new");
    }
}
