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
use super::faults::Trace;

/// What is said of a store that is not as it was left: by its own program at its next start, or by whoever reads from it.
const NOTICED: &[&str] = &[
    "inbox-damaged",
    "log-damaged",
    "stream-went-back",
    "is damaged",
];

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
        self.offices[office].store().join("2/outbox")
    }

    pub fn inbox(&self, office: usize) -> PathBuf {
        self.offices[office].store().join("2/inbox")
    }

    /// A copy as a backup would have made it.
    pub fn copy_store(&self, store: &Path) -> Result<PathBuf> {
        self.copy_as(store, &self.faults.len().to_string())
    }

    /// The same, under a name of its own.
    pub fn copy_as(&self, store: &Path, name: &str) -> Result<PathBuf> {
        let copy = self.folder.join(format!("copy-{name}"));
        run(&format!("cp -a {} {}", store.display(), copy.display()))?;
        self.act(&format!("copied {}", short(store)));
        Ok(copy)
    }

    /// The copy takes the store's place.
    pub fn restore_store(&mut self, store: &Path, copy: &Path) -> Result<()> {
        let differ = run(&format!("diff -rq {} {}", store.display(), copy.display())).is_err();
        std::fs::remove_dir_all(store)?;
        run(&format!("cp -a {} {}", copy.display(), store.display()))?;
        let what = format!("an older copy stands at {}", short(store));
        let (store, copy) = (store.to_owned(), copy.to_owned());
        let trace = match differ {
            true => Trace::WorkedOn { store, copy },
            false => Trace::Seen(false),
        };
        self.fault_with(trace, &what);
        Ok(())
    }

    /// Nothing is left of it.
    pub fn empty_store(&mut self, store: &Path) -> Result<()> {
        let was = std::fs::read_dir(store)?.count();
        run(&format!("find {} -mindepth 1 -delete", store.display()))?;
        let is = std::fs::read_dir(store)?.count();
        let trace = match was > 0 && is == 0 {
            true => Trace::MadeAnew(store.to_owned()),
            false => Trace::Seen(false),
        };
        self.fault_with(trace, &format!("emptied {}", short(store)));
        Ok(())
    }

    /// So many bits are turned over all over the store's largest file of this kind. It bites whoever notices it.
    pub async fn damage_store(&mut self, store: &Path, kind: &str, bits: u64) -> Result<()> {
        let found = run(&format!(
            "find {} -type f -name {kind} -size +0",
            store.display()
        ))?;
        let sized = found
            .lines()
            .filter_map(|path| Some((std::fs::metadata(path).ok()?.len(), path)));
        let (bytes, path) = sized.max().context("a store has files")?;
        let mut file = std::fs::File::options().read(true).write(true).open(path)?;
        let stride = bytes / (bits + 1);
        for bit in 1..=bits {
            let place = bit * stride + self.random.u64(..stride.max(1) / 2 + 1);
            let mut byte = [0];
            file.seek(SeekFrom::Start(place))?;
            file.read_exact(&mut byte)?;
            file.seek(SeekFrom::Start(place))?;
            file.write_all(&[byte[0] ^ 0x10])?;
        }
        let trace = self.words_to_come(NOTICED).await;
        let what = format!("{bits} bits are turned over in {}", short(Path::new(path)));
        self.fault_with(trace, &what);
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
