//! Whose stores they are: a data folder as a power cut left it comes in, and by whom its logs say that they were written goes out. Never a guess
//! that an agent would make.

use std::path::{Path, PathBuf};

use agent::store::log::{Identity, Room};

/// Of the stores that are made here, without an office.
pub fn nobody() -> Identity {
    Identity::of("nobody", b"powercut", Room::Outbox)
}

/// As the first header says that reads; nobody's where there is none, for then there is nothing to be opened.
pub fn whose(store: &Path) -> Identity {
    let mut logs = Vec::new();
    logs_below(&store.join("2"), &mut logs);
    let headers = logs.iter().filter_map(|log| std::fs::read(log).ok());
    let mut found = headers.filter_map(|bytes| read(&bytes));
    found.next().unwrap_or_else(nobody)
}

fn logs_below(folder: &Path, logs: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            logs_below(&path, logs);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            logs.push(path);
        }
    }
}

/// `store/log/segment.rs` draws it. A header has its name only when all of it is on the disk.
fn read(bytes: &[u8]) -> Option<Identity> {
    let header: &[u8; 128] = bytes.first_chunk()?;
    header.starts_with(b"SPEAN\0L").then_some(Identity {
        office: header[56..88].try_into().ok()?,
        authority: header[88..120].try_into().ok()?,
        room: Room::Outbox,
    })
}
