//! A store as a kill would leave it: a folder comes in, a copy of its files as they are at one moment goes out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the disk's cache holds of a living store: what a kill would leave behind.
pub fn crash_image(of: &Path) -> tempfile::TempDir {
    for _ in 0..100 {
        let image = tempfile::tempdir().expect("a directory");
        let before = names(of);
        copy(of, image.path());
        // Nothing was given another name meanwhile: all of it was there at one moment.
        if before == names(of) && before == names(image.path()) {
            return image;
        }
    }
    panic!("{}: it never stands still", of.display());
}

/// All files by their paths in a folder, but for those that are scratch.
pub fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return all;
    };
    for entry in entries.flatten() {
        let name = PathBuf::from(entry.file_name());
        match entry.path().is_dir() {
            _ if name.ends_with("tables") => {}
            true => all.extend(
                names(&entry.path())
                    .into_iter()
                    .map(|below| name.join(below)),
            ),
            false => _ = all.insert(name),
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("makes");
    for entry in std::fs::read_dir(from).expect("reads") {
        let (from, name) = entry
            .map(|entry| (entry.path(), entry.file_name()))
            .expect("reads");
        if from.is_dir() {
            copy(&from, &to.join(name));
        } else {
            // What goes meanwhile is missing in the copy, which is then made again.
            let _gone = std::fs::copy(&from, to.join(name));
        }
    }
}
