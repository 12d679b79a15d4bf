//! The audit on disk: lines come in, and stand behind those before them. A full file gets a number behind its name and is never
//! written again; of too many the oldest goes, and the next file says so. A line is whole, or it is not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::limits::{AUDIT_FILE_BYTES_MAX, AUDIT_FILES_MAX};

#[derive(Debug, Clone)]
pub struct Files {
    path: PathBuf,
    bounds: Bounds,
}

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub file_bytes: u64,
    /// Full files beside the one that is written.
    pub files: usize,
}

impl Bounds {
    pub const USUAL: Bounds = Bounds {
        file_bytes: AUDIT_FILE_BYTES_MAX,
        files: AUDIT_FILES_MAX,
    };
}

/// What making room came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// Full files that stand now, where one more was filled.
    pub full: Option<usize>,
    /// Files that were removed, oldest first.
    pub removed: Vec<String>,
}

impl Files {
    pub fn new(path: PathBuf, bounds: Bounds) -> Files {
        Files { path, bounds }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Makes room for so many bytes: a file that they would overfill is put away.
    ///
    /// # Errors
    /// The disk's.
    pub fn make_room(&self, bytes: usize) -> io::Result<Turned> {
        let length = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut turned = Turned::default();
        if length == 0 || length.saturating_add(bytes as u64) <= self.bounds.file_bytes {
            return Ok(turned);
        }
        let mut full = self.full()?;
        // The time, so that no number comes twice where those before were moved away; but never below the last.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(1, |now| now.as_secs());
        let next = full
            .last()
            .map_or(seconds, |last| seconds.max(last.saturating_add(1)));
        fs::rename(&self.path, self.numbered(next))?;
        full.push(next);
        let surplus = full.len().saturating_sub(self.bounds.files);
        for number in full.drain(..surplus) {
            let oldest = self.numbered(number);
            fs::remove_file(&oldest)?;
            turned.removed.push(name(&oldest));
        }
        turned.full = Some(full.len());
        Ok(turned)
    }

    /// Writes lines behind those before them. The file is opened anew each time, so that it may be moved away.
    ///
    /// # Errors
    /// The disk's; then nothing of them stands there.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut file: File = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)?;
        let before = file.metadata()?.len();
        file.write_all(lines).inspect_err(|_| {
            // Half a line would make the next one unreadable; if this fails too, the disk is beyond help.
            let _ = file.set_len(before);
        })
    }

    /// The numbers of the full files, oldest first.
    fn full(&self) -> io::Result<Vec<u64>> {
        let prefix = format!("{}.", name(&self.path));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(&prefix));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn numbered(&self, number: u64) -> PathBuf {
        self.path
            .with_file_name(format!("{}.{number:010}", name(&self.path)))
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
