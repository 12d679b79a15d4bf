//! A file that is delivered into: lines come in, and are in the file, synced and marked, before it stands in its place again. Nobody else ever
//! sees it while something is written: it is taken away under a name of its own first and put back afterwards, both by renaming it.
//! So whoever moves it away gets a file that is whole, and nothing is written behind his back.
//!
//! ```text
//! prices.ndjson            ──rename──>  .prices.ndjson.writing   (not there: it is made)
//!                                       append, sync, mark
//! prices.ndjson  <──rename, if nothing is there──  .prices.ndjson.writing
//! ```
//!
//! A process that ends before the mark leaves lines that are not marked where nobody has read them; they are read at the next
//! start, and marked. One that ends behind the mark leaves the file to be put back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::delivered::FileSeen;
use crate::store::Outage;
use crate::store::disk::is_gone;

/// One file, however many deliver into it.
#[derive(Clone)]
pub struct LineFile {
    path: PathBuf,
    taken: PathBuf,
    /// One at a time takes it away.
    turn: Arc<Mutex<()>>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum Failed {
    /// The file cannot be written now.
    NotNow(String),
    /// The store failed.
    Store(Outage),
}

/// What was written is on disk and marked.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    InPlace,
    /// Something else stands where the file belongs; it is put there when that is gone.
    Aside(String),
}

impl LineFile {
    pub fn new(path: PathBuf) -> LineFile {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        LineFile {
            taken: path.with_file_name(format!(".{name}.writing")),
            turn: Arc::default(),
            path,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file is while it is written; it is there at the start if the process ended meanwhile.
    pub fn taken(&self) -> &Path {
        &self.taken
    }

    /// Does something while nobody else of this process takes the file away.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let _one_at_a_time = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// Appends whole lines, syncs, and has them marked; only then the file is in its place again.
    ///
    /// # Errors
    /// Nothing of it counts as written.
    pub fn append(
        &self,
        lines: &str,
        mark: impl FnOnce(FileSeen) -> Result<(), Outage>,
    ) -> Result<Written, Failed> {
        self.alone(|| {
            let cannot = |e: io::Error| Failed::NotNow(self.said(&e));
            let mut file = self.take().map_err(cannot)?;
            if let Err(error) = self.write(&mut file, lines) {
                self.give_back(&file);
                return Err(cannot(error));
            }
            let seen = seen(&file).map_err(cannot)?;
            mark(seen).map_err(Failed::Store)?;
            Ok(self.in_place())
        })
    }

    /// Puts the file back where it could not be put before.
    pub fn in_place(&self) -> Written {
        match self.put_back() {
            Ok(()) => Written::InPlace,
            Err(error) => Written::Aside(self.said(&error)),
        }
    }

    /// Nothing could be written. What was only made for it goes again; what cannot be put back is with the next write.
    fn give_back(&self, file: &File) {
        let is_empty = file.metadata().is_ok_and(|there| there.len() == 0);
        let _at_the_next_write = match is_empty {
            true => fs::remove_file(&self.taken),
            false => self.put_back(),
        };
    }

    fn said(&self, error: &io::Error) -> String {
        let path = self.path.display();
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if !folder.is_dir() => {
                format!(
                    "cannot write {path}: there is no folder {}",
                    folder.display()
                )
            }
            Some(_) | None => format!("cannot write {path}: {error}"),
        }
    }

    fn take(&self) -> io::Result<File> {
        if self.taken.exists() {
            self.put_back()?;
        }
        match fs::metadata(&self.path) {
            Ok(there) if !there.is_file() => return Err(io::Error::other("it is no file")),
            Ok(_) => {
                // It may be moved away at this moment: then a new one is begun.
                match fs::rename(&self.path, &self.taken) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    renamed => renamed.and_then(|()| is_gone(&self.path))?,
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut open = OpenOptions::new();
        let file = open
            .create(true)
            .append(true)
            .read(true)
            .open(&self.taken)?;
        // Looked at, because whoever finds no name takes it for moved away.
        let named = fs::metadata(&self.taken)?;
        match named.ino() == file.metadata()?.ino() {
            true => Ok(file),
            false => Err(io::Error::other("it was made, and its name is another's")),
        }
    }

    fn write(&self, file: &mut File, lines: &str) -> io::Result<()> {
        let before = file.metadata()?.len();
        let begin = if ends_whole(file, before)? { "" } else { "\n" };
        let written = file
            .write_all(begin.as_bytes())
            .and_then(|()| file.write_all(lines.as_bytes()))
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a page must not stand before its repetition.
            cut(file, before)?;
            return Err(error);
        }
        if before == 0 {
            sync_name(&self.path)?;
        }
        Ok(())
    }

    /// Whoever moved the file away finds none in its place, and never two.
    fn put_back(&self) -> io::Result<()> {
        let renamed = match rename_to_nothing(&self.taken, &self.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let empty = fs::metadata(&self.path)?;
                if !empty.is_file() || empty.len() > 0 {
                    let text = "somebody made another file there while this one was written; move that one away";
                    return Err(io::Error::new(ErrorKind::AlreadyExists, text));
                }
                fs::rename(&self.taken, &self.path)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && !self.taken.exists() => Ok(()),
            renamed => renamed,
        };
        renamed.and_then(|()| is_gone(&self.taken))
    }
}

#[cfg(target_os = "linux")]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename_plain(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    rename_plain(from, to)
}

fn rename_plain(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

pub fn seen(file: &File) -> io::Result<FileSeen> {
    let there = file.metadata()?;
    Ok(FileSeen {
        device: there.dev(),
        inode: there.ino(),
        bytes: there.len(),
    })
}

/// Whether a line may begin where the file ends.
pub fn ends_whole(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

/// Looked at, because the next line would be joined to what is still there.
pub fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    match file.metadata()?.len() == length {
        true => Ok(()),
        false => Err(io::Error::other("it cannot be cut short")),
    }
}

pub fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
