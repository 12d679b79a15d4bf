//! What the stores share: a log, tables of what is rare, a note outside of both, files that are synced.
//! Paths and bytes come in, durable ones go out. What an event means is never known here.

pub mod alarms;
pub mod before;
pub mod disk;
mod fault;
pub mod fields;
#[cfg(test)]
pub mod harm;
pub mod ids;
pub mod intervals;
pub mod limits;
pub mod log;
pub mod note;
pub mod tables;

use std::path::{Path, PathBuf};

pub use self::fault::{Fault, Outage};

/// Where a room's log lies in an agent's data folder: below the number of its format.
pub fn folder(store: &Path, room: log::Room) -> PathBuf {
    let format = log::limits::FORMAT.to_string();
    store.join(format).join(room.name())
}
