//! Folders of stores as they lie on disk: killed in the middle, copied, put back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tests::folder::copy;

/// A store writes for a moment, and then stands still until it is given more.
const COPIES_MAX: usize = 100;

pub struct Folder {
    path: PathBuf,
    lives: usize,
}

impl Folder {
    pub fn new(path: PathBuf) -> Folder {
        Folder { path, lives: 0 }
    }

    /// Where the store is opened now.
    pub fn path(&self) -> PathBuf {
        self.path.with_extension(self.lives.to_string())
    }

    /// A kill leaves what was written, synced or not, and closes nothing: the next life begins with the files as they are at this
    /// moment, while the store that had them is still open.
    pub fn kill(&mut self) {
        let dead = self.path();
        self.lives += 1;
        copy_at_once(&dead, &self.path());
    }

    /// Somebody makes a copy of the running store's files.
    pub fn copy(&self, number: usize) {
        copy_at_once(&self.path(), &self.copied(number));
    }

    fn copied(&self, number: usize) -> PathBuf {
        self.path.with_extension(format!("copy-{number}"))
    }

    /// The next life begins with the copy; false where there is none.
    pub fn restore(&mut self, number: usize) -> bool {
        let copied = self.copied(number);
        if !copied.is_dir() {
            return false;
        }
        self.lives += 1;
        copy(&copied, &self.path());
        true
    }

    /// The next life begins with nothing.
    pub fn empty(&mut self) {
        self.lives += 1;
    }
}

/// As the files are at one moment, while somebody may write them: what is still the same when the copy is whole was so all the while.
fn copy_at_once(from: &Path, to: &Path) {
    for _ in 0..COPIES_MAX {
        copy(from, to);
        if files(from) == files(to) {
            return;
        }
    }
    panic!("{}: it never stands still", from.display());
}

/// Every file of a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let name = PathBuf::from(path.file_name().unwrap_or_default());
        if path.is_dir() {
            let below = files(&path).into_iter();
            all.extend(below.map(|(below, bytes)| (name.join(below), bytes)));
        } else {
            all.insert(name, std::fs::read(&path).expect("it can be read"));
        }
    }
    all
}

/// What is made from the log is gone; the log is not.
pub fn lose_hints(store: &Path) {
    for path in files(store).into_keys() {
        let is_hint = path.extension().is_some_and(|ending| ending == "hint");
        if is_hint || path.iter().any(|name| name == "tables") {
            std::fs::remove_file(store.join(path)).expect("it goes");
        }
    }
}
