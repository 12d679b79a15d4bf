//! A disk's state as files: in comes an image, out go its name among all states, and the folder that an agent opens.
//! Nothing is kept of what lay in the folder before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use schemas::event::Hash;

/// What one power cut left: paths below the recorded folder.
#[derive(Default, Clone)]
pub struct Image {
    pub folders: Vec<PathBuf>,
    pub files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
}

impl Image {
    pub fn hash(&self) -> Hash {
        let mut all = Vec::new();
        for folder in &self.folders {
            all.extend_from_slice(folder.as_os_str().as_encoded_bytes());
            all.push(0);
        }
        for (path, bytes) in &self.files {
            all.extend_from_slice(path.as_os_str().as_encoded_bytes());
            all.extend_from_slice(Hash::of(bytes).as_bytes());
        }
        Hash::of(&all)
    }

    /// What is really there, in `below` and further down.
    pub fn read(root: &Path, below: &Path) -> Result<Image> {
        let mut image = Image::default();
        let mut open = vec![below.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    open.push(path);
                } else {
                    let bytes = std::fs::read(entry.path())?;
                    image.files.insert(path, Arc::new(bytes));
                }
            }
            image.folders.push(folder);
        }
        Ok(image)
    }

    /// In place of what was there.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let mut folders = self.folders.clone();
        folders.sort();
        for inside in folders {
            std::fs::create_dir_all(folder.join(inside))?;
        }
        for (path, bytes) in &self.files {
            std::fs::write(folder.join(path), bytes.as_slice())?;
        }
        Ok(())
    }
}

/// What lies below one of these paths, or leads to it.
pub fn concerns(below: &[PathBuf], path: &Path) -> bool {
    below
        .iter()
        .any(|one| path.starts_with(one) || one.starts_with(path))
}
