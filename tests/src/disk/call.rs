//! A storage call as a disk takes it. In: who saw it made (strace, a file system). Out: its paths. Never: a call that failed.

use std::path::{Path, PathBuf};

/// A call that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Open {
        fd: u32,
        path: PathBuf,
        made: bool,
        emptied: bool,
        appends: bool,
    },
    /// Without an offset it goes to where the descriptor stands.
    Write {
        fd: u32,
        offset: Option<u64>,
        bytes: Vec<u8>,
    },
    Resize {
        fd: u32,
        length: u64,
    },
    /// What was written before this moment will be safe at the end of the sync.
    SyncBegins {
        thread: u32,
        fd: u32,
        path: PathBuf,
    },
    SyncEnds {
        thread: u32,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    MakeFolder(PathBuf),
    Close {
        fd: u32,
    },
}

impl Call {
    /// The paths that it names; a call on a descriptor names none.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            Call::Open { path, .. } | Call::SyncBegins { path, .. } => vec![path],
            Call::Rename { from, to } => vec![from, to],
            Call::Remove(path) | Call::MakeFolder(path) => vec![path],
            Call::Write { .. } | Call::Resize { .. } | Call::SyncEnds { .. } => Vec::new(),
            Call::Close { .. } => Vec::new(),
        }
    }
}
