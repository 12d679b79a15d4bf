//! A disk's state as files: in comes an image, out go its name among all states, and the folder that an agent opens.
//! Nothing is kept of what lay in the folder before.

use std::path::Path;

use anyhow::Result;
use schemas::event::Hash;

use crate::disk::Image;

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
