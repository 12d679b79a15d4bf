//! The hashes of what was delivered, by position: a position comes in, the hash of the event that a target got there goes out. Each log of a
//! target has files of their own, in which a hash lies at its position's place, so that one is found without a search and nothing of it
//! is held in memory. What is missing or cannot be read is unknown, which is no word about what was delivered.
//!
//! ```text
//! hashes/<target>/<feed>/<ministry>/<place>/<chunk>   32 bytes for each of 32,768 positions, zeros where nothing is known
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use schemas::event::Hash;
use schemas::subject::{FeedName, LogName, OfficeId};

use crate::deliver::limits::{HASH_CHUNKS, HASHES_A_CHUNK};
use crate::store::{Outage, disk};

const BYTES: u64 = 32;
const NONE: [u8; 32] = [0; 32];

pub struct Hashes(PathBuf);

impl Hashes {
    pub fn new(folder: PathBuf) -> Hashes {
        Hashes(folder)
    }

    pub fn exist(&self) -> bool {
        self.0.exists()
    }

    fn log(&self, target: &str, log: &LogName) -> PathBuf {
        let feed = self.0.join(target).join(log.feed.as_str());
        feed.join(log.office.ministry()).join(log.office.place())
    }

    /// None where nothing is known, or what is cannot be read.
    pub fn get(&self, target: &str, log: &LogName, position: u64) -> Option<Hash> {
        let (chunk, place) = place(position)?;
        let file = File::open(self.log(target, log).join(chunk.to_string())).ok()?;
        let mut hash = NONE;
        file.read_exact_at(&mut hash, place).ok()?;
        (hash != NONE).then(|| Hash::from_bytes(hash))
    }

    /// From the end on these survive a power cut.
    pub fn put(
        &self,
        target: &str,
        log: &LogName,
        all: &BTreeMap<u64, Hash>,
    ) -> Result<(), Outage> {
        let folder = self.log(target, log);
        let mut open: Option<(u64, File, PathBuf)> = None;
        for (position, hash) in all {
            let Some((chunk, at)) = place(*position) else {
                continue;
            };
            if open.as_ref().is_none_or(|(number, ..)| *number != chunk) {
                close(open.take())?;
                open = Some(self.open(&folder, chunk)?);
            }
            if let Some((_, file, path)) = &open {
                let written = file.write_all_at(hash.as_bytes(), at);
                written.map_err(|e| Outage::disk("write", path, &e))?;
            }
        }
        close(open)
    }

    fn open(&self, folder: &Path, chunk: u64) -> Result<(u64, File, PathBuf), Outage> {
        let path = folder.join(chunk.to_string());
        let open = |path: &Path| File::options().write(true).open(path);
        let file = match open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                disk::make_directory(folder)?;
                forget_oldest(folder);
                let made = File::create(&path).map_err(|e| Outage::disk("make", &path, &e))?;
                disk::sync_directory(folder)?;
                made
            }
            opened => opened.map_err(|e| Outage::disk("open", &path, &e))?,
        };
        Ok((chunk, file, path))
    }

    /// What one target had is another's from here on.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Outage> {
        let (from, to) = (self.0.join(from), self.0.join(to));
        if !from.exists() || to.exists() {
            return Ok(());
        }
        fs::rename(&from, &to).map_err(|e| Outage::disk("rename", &from, &e))?;
        disk::sync_directory(&self.0)
    }

    /// The last position of each log of which a hash is known: what is left where the lines are lost.
    pub fn ends(&self) -> Vec<(String, LogName, u64, Hash)> {
        let mut all = Vec::new();
        for target in names(&self.0) {
            for feed in names(&self.0.join(&target)) {
                let of_feed = self.0.join(&target).join(&feed);
                let offices = names(&of_feed).into_iter().flat_map(|ministry| {
                    let places = names(&of_feed.join(&ministry));
                    places
                        .into_iter()
                        .map(move |place| (ministry.clone(), place))
                });
                for (ministry, place) in offices {
                    let office = OfficeId::new(&ministry, &place).ok();
                    let feed = FeedName::try_from(feed.clone()).ok();
                    let log = feed
                        .zip(office)
                        .map(|(feed, office)| LogName { feed, office });
                    let end = log.and_then(|log| {
                        let (position, hash) = end(&self.log(&target, &log))?;
                        Some((target.clone(), log, position, hash))
                    });
                    all.extend(end);
                }
            }
        }
        all
    }
}

fn close(open: Option<(u64, File, PathBuf)>) -> Result<(), Outage> {
    match open {
        Some((_, file, path)) => file
            .sync_data()
            .map_err(|e| Outage::disk("sync", &path, &e)),
        None => Ok(()),
    }
}

/// The number of the file of a position, and where in it its hash lies.
fn place(position: u64) -> Option<(u64, u64)> {
    let index = position.checked_sub(1)?;
    Some((index / HASHES_A_CHUNK, index % HASHES_A_CHUNK * BYTES))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn chunks(folder: &Path) -> Vec<u64> {
    let mut chunks: Vec<u64> = names(folder)
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    chunks.sort_unstable();
    chunks
}

/// Makes room for one more. What it knew is unknown from then on; the chain tells as much of what lies that far back.
fn forget_oldest(folder: &Path) {
    let chunks = chunks(folder);
    let too_many = (chunks.len() + 1).saturating_sub(HASH_CHUNKS);
    for oldest in chunks.iter().take(too_many) {
        let _stays = fs::remove_file(folder.join(oldest.to_string()));
    }
}

fn end(folder: &Path) -> Option<(u64, Hash)> {
    chunks(folder).into_iter().rev().find_map(|chunk| {
        let bytes = fs::read(folder.join(chunk.to_string())).ok()?;
        let mut hashes = bytes.chunks_exact(32).enumerate();
        let last = hashes.rfind(|(_, hash)| *hash != NONE);
        let (index, hash) = last?;
        let hash: [u8; 32] = hash.try_into().ok()?;
        let position = chunk * HASHES_A_CHUNK + index as u64 + 1;
        Some((position, Hash::from_bytes(hash)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> LogName {
        LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a source")
    }

    fn some(positions: &[u64]) -> BTreeMap<u64, Hash> {
        let hash = |position: &u64| (*position, Hash::of(&position.to_be_bytes()));
        positions.iter().map(hash).collect()
    }

    #[test]
    fn a_hash_is_found_at_its_position_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let hashes = Hashes::new(dir.path().join("hashes"));
        let far = schemas::limits::POSITION_MAX;
        let all = some(&[1, 2, 7, HASHES_A_CHUNK, HASHES_A_CHUNK + 1, far]);
        hashes.put("desk", &log(), &all).expect("writes");
        for position in [1, 2, 3, 7, 8, HASHES_A_CHUNK, HASHES_A_CHUNK + 1, far] {
            let expected = all.get(&position).copied();
            assert_eq!(hashes.get("desk", &log(), position), expected, "{position}");
        }
        assert_eq!(hashes.get("other", &log(), 1), None);
        let ends = hashes.ends();
        assert_eq!(ends, [("desk".to_owned(), log(), far, all[&far])]);
    }

    #[test]
    fn so_many_files_of_a_log_are_kept_and_the_oldest_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let hashes = Hashes::new(dir.path().join("hashes"));
        let count = HASH_CHUNKS as u64 + 3;
        for chunk in 0..count {
            let one = some(&[chunk * HASHES_A_CHUNK + 1]);
            hashes.put("desk", &log(), &one).expect("writes");
        }
        let kept = chunks(&hashes.log("desk", &log()));
        assert_eq!(kept, (3..count).collect::<Vec<_>>());
    }
}
