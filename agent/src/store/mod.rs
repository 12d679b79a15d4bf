//! What both stores share: an index that is opened with care, files that are synced, values of any size.
//! Paths and bytes come in, durable ones go out. What an event means is never known here.

pub mod alarms;
pub mod batch;
pub mod before;
pub mod branches;
pub mod chunked;
pub mod disk;
mod fault;
pub mod fields;
#[cfg(test)]
pub mod harm;
pub mod ids;
pub mod index;
pub mod intervals;
pub mod keys;
pub mod limits;
pub mod log;
pub mod note;
mod sled_sync;
pub mod tables;

pub use self::fault::{Fault, Outage};
