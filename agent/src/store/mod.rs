//! What both stores share: an index that is opened with care, files that are synced, values of any size.
//! Paths and bytes come in, durable ones go out. What an event means is never known here.

pub mod alarms;
pub mod batch;
pub mod branches;
pub mod chunked;
pub mod disk;
pub mod fields;
#[cfg(test)]
pub mod harm;
pub mod index;
pub mod keys;
pub mod limits;
mod sled_sync;

use std::path::{Path, PathBuf};

/// The disk failed; it may return. Whoever gets this reopens the store before trying again:
/// after a failed sync nothing in memory says what the disk holds.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    #[error("cannot {doing} {}: {reason}", path.display())]
    Disk {
        doing: &'static str,
        path: PathBuf,
        reason: String,
    },
    #[error("cannot {doing} the index: {reason}")]
    Index { doing: &'static str, reason: String },
    #[error("no space left on the disk")]
    Full,
    #[error("the store stopped after a failed write and must be reopened")]
    Stopped,
}

impl Outage {
    pub(crate) fn disk(doing: &'static str, path: &Path, error: &std::io::Error) -> Outage {
        Outage::Disk {
            doing,
            path: path.into(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn index(doing: &'static str, error: &sled::Error) -> Outage {
        Outage::Index {
            doing,
            reason: error.to_string(),
        }
    }
}

/// A store that cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "{} is in use: another spean-agent runs on it; stop that one, or give this one a folder of its own\n  \
         ថតនេះកំពុងប្រើដោយ spean-agent មួយទៀត សូមបញ្ឈប់មួយនោះ ឬឱ្យថតផ្សេងដល់មួយនេះ",
        .0.display()
    )]
    InUse(PathBuf),
    #[error(transparent)]
    Outage(#[from] Outage),
}
