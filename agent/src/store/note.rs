//! The note outside of the stores: what they were, how far they had come, and what waited in them. Marks and counts come in, one small file goes out; at a
//! start that file and what was opened come in, and what became of a store goes out. Never anything in it that is not synced in the store.
//!
//! ```text
//! store.note:   spean-note 1 <crc of the rest, hex>
//!               {"written_at_ms":...,"outbox":{...},"inbox":{...},"marks":{...}}
//! ```
//! It is replaced as a whole: after a crash it is the old one or the new one. One that is older than the store says nothing against it: a cut
//! between the store's sync and the note.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::limits::NOTE_BYTES_MAX;
use super::log::{Mark, Opened, Reached};
use super::{Fault, Outage, disk};

const VERSION: u32 = 1;
const MAGIC: &str = "spean-note";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// By this machine's clock: for people, never for a decision.
    pub written_at_ms: u64,
    pub outbox: Option<OutboxNote>,
    pub inbox: Option<InboxNote>,
    pub marks: Option<MarksNote>,
}

/// How far a store had come, with what is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    pub store: u64,
    pub sequence: u64,
    pub chain: u64,
}

impl From<Mark> for Noted {
    fn from(mark: Mark) -> Noted {
        Noted {
            store: mark.store,
            sequence: mark.sequence,
            chain: mark.chain,
        }
    }
}

impl From<Noted> for Mark {
    fn from(noted: Noted) -> Mark {
        Mark {
            store: noted.store,
            sequence: noted.sequence,
            chain: noted.chain,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxNote {
    pub at: Noted,
    pub feeds: BTreeMap<String, FeedNote>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedNote {
    /// The next number in line.
    pub next: u64,
    /// Numbers that wait: first and last of each run.
    pub waiting: Vec<(u64, u64)>,
    /// How many lie in the tray.
    pub tray: u64,
    /// The last position that is settled, and its hash.
    pub settled: u64,
    pub head: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxNote {
    pub at: Noted,
    /// The last number of arrival of each feed.
    pub feeds: BTreeMap<String, u64>,
    pub logs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksNote {
    pub at: Noted,
    /// By target and log: position and hash up to which it was delivered.
    pub targets: BTreeMap<String, BTreeMap<String, (u64, String)>>,
}

/// What lies where the note should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundNote {
    Note(Note),
    None,
    /// It does not read: nothing can be said of what the stores were.
    Damaged,
}

/// What became of a store since the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is the noted one, and has come at least as far; or what could tell was written anew.
    Nothing,
    /// There was neither a note nor a store.
    FirstStart,
    /// There is a store, and nothing was noted of it.
    NotNoted,
    /// There was one, and none is there.
    Lost,
    /// Another one lies in its place.
    Swapped,
    /// It ends before what was noted: a copy from earlier. This is its last unit.
    Older { sequence: u64 },
    /// It came as far as was noted by another way: a copy that went on for itself.
    Branched,
}

impl Difference {
    /// Stable, for people and programs; none for what is as it should be.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Difference::Nothing | Difference::FirstStart | Difference::NotNoted => None,
            Difference::Lost => Some("store-lost"),
            Difference::Swapped => Some("store-swapped"),
            Difference::Older { .. } => Some("store-older"),
            Difference::Branched => Some("store-branched"),
        }
    }
}

/// Compares what was noted with what was opened; that had the noted mark as `seen`.
pub fn compare(noted: Option<Noted>, opened: &Opened) -> Difference {
    match (noted, opened.new, opened.reached) {
        (None, true, _) => Difference::FirstStart,
        (None, false, _) => Difference::NotNoted,
        (Some(_), true, _) => Difference::Lost,
        (Some(_), false, Reached::AnotherStore) => Difference::Swapped,
        (Some(_), false, Reached::Short(sequence)) => Difference::Older { sequence },
        (Some(_), false, Reached::Branched) => Difference::Branched,
        (Some(_), false, Reached::Same | Reached::Unknown) => Difference::Nothing,
    }
}

impl Note {
    /// Reads the note, which may have 16 MiB.
    ///
    /// # Errors
    /// A newer version has written it (it is left as it is), or the disk does not say.
    pub fn read(path: &Path) -> Result<FoundNote, Fault> {
        let failed = |e| Outage::disk("read", path, &e);
        let file = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(FoundNote::None),
            other => other.map_err(failed)?,
        };
        let mut bytes = Vec::new();
        file.take(NOTE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let Some((first, rest)) = split_line(&bytes) else {
            return Ok(FoundNote::Damaged);
        };
        let mut words = first.split(' ');
        let (magic, version, checksum) = (words.next(), words.next(), words.next());
        let version = version.and_then(|version| version.parse().ok());
        match (magic, version) {
            (Some(MAGIC), Some(VERSION)) => {}
            (Some(MAGIC), Some(found)) if found > VERSION => {
                return Err(Fault::Newer {
                    dir: path.into(),
                    found,
                    known: VERSION,
                });
            }
            _ => return Ok(FoundNote::Damaged),
        }
        let good = checksum == Some(&format!("{:08x}", crc32fast::hash(rest)));
        let note = serde_json::from_slice(rest).ok().filter(|_| good);
        Ok(note.map_or(FoundNote::Damaged, FoundNote::Note))
    }

    /// Replaces the note as a whole.
    ///
    /// # Errors
    /// The disk fails or is full: the old note is there.
    pub fn write(&self, path: &Path) -> Result<(), Outage> {
        let rest = serde_json::to_vec(self).map_err(|e| Outage::Disk {
            doing: "write",
            path: path.into(),
            reason: e.to_string(),
        })?;
        let first = format!("{MAGIC} {VERSION} {:08x}\n", crc32fast::hash(&rest));
        disk::replace(path, &[first.as_bytes(), &rest].concat())
    }
}

fn split_line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let first = std::str::from_utf8(&bytes[..end]).ok()?;
    Some((first, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests;
