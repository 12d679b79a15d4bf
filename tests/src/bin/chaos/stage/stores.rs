//! What a scenario does to stores on disk: older copies, damage, nothing at all.
//! In: whose store, while its program does not run. Out: another folder in its place. Never: a change under a running program.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tests::deadline::eventually_within;
use tests::netns::run;
use tokio::sync::OwnedMutexGuard;

use super::Stage;

/// An office whose programs submit nothing until this is dropped.
pub struct Rest {
    _desk: OwnedMutexGuard<()>,
}

impl Stage {
    /// The office submits nothing more, and everything that it accepted is on the bus.
    pub async fn rest(&self, office: usize) -> Rest {
        let office = &self.offices[office];
        let desk = office.desk.clone().lock_owned().await;
        let what = format!("{} has sent everything", office.name);
        eventually_within(Duration::from_secs(60), &what, || async {
            (office.waiting().await? == 0).then_some(())
        })
        .await;
        Rest { _desk: desk }
    }

    pub fn outbox(&self, office: usize) -> PathBuf {
        self.offices[office].store().join("outbox")
    }

    pub fn inbox(&self, office: usize) -> PathBuf {
        self.offices[office].store().join("inbox")
    }

    /// A copy as a backup would have made it.
    pub fn copy_store(&self, store: &Path) -> Result<PathBuf> {
        let copy = self.folder.join(format!("copy-{}", self.faults.tried));
        run(&format!("cp -a {} {}", store.display(), copy.display()))?;
        self.act(&format!("copied {}", short(store)));
        Ok(copy)
    }

    /// The copy takes the store's place.
    pub fn restore_store(&mut self, store: &Path, copy: &Path) -> Result<()> {
        let differ = run(&format!("diff -rq {} {}", store.display(), copy.display())).is_err();
        std::fs::remove_dir_all(store)?;
        run(&format!("cp -a {} {}", copy.display(), store.display()))?;
        self.fault(differ, &format!("an older copy stands at {}", short(store)));
        Ok(())
    }

    /// Nothing is left of it.
    pub fn empty_store(&mut self, store: &Path) -> Result<()> {
        let was = std::fs::read_dir(store)?.count();
        run(&format!("find {} -mindepth 1 -delete", store.display()))?;
        let is = std::fs::read_dir(store)?.count();
        self.fault(was > 0 && is == 0, &format!("emptied {}", short(store)));
        Ok(())
    }

    /// So many bits in the middle of the store's largest file of this kind are turned over.
    pub fn damage_store(&mut self, store: &Path, kind: &str, bits: u64) -> Result<()> {
        let found = run(&format!(
            "find {} -type f -name {kind} -size +0",
            store.display()
        ))?;
        let sized = found
            .lines()
            .filter_map(|path| Some((std::fs::metadata(path).ok()?.len(), path)));
        let (bytes, path) = sized.max().context("a store has files")?;
        let mut file = std::fs::File::options().read(true).write(true).open(path)?;
        let begin = self.random.u64(bytes / 4..bytes / 2);
        for bit in 0..bits.min(bytes / 2) {
            let mut byte = [0];
            file.seek(SeekFrom::Start(begin + bit))?;
            file.read_exact(&mut byte)?;
            file.seek(SeekFrom::Start(begin + bit))?;
            file.write_all(&[byte[0] ^ 0x10])?;
        }
        self.fault(
            bits > 0,
            &format!(
                "{bits} bits are turned over in {} at {begin}",
                short(Path::new(path))
            ),
        );
        Ok(())
    }
}

/// The last two parts of a path.
fn short(path: &Path) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}
