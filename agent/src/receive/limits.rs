//! The bounds of receiving, each with the reason for its number.

use std::time::Duration;

/// Events that are verified and kept as one: they share a sync.
pub const BATCH_EVENTS: usize = 500;
/// Bytes that are verified and kept as one.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How often an idle reader compares counts with the bus: a loss is named within ten minutes.
pub const COUNT_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// A pull that says nothing for so long, beyond its own wait, is lost.
pub const PULL_GRACE: Duration = Duration::from_secs(30);
/// Where counts show that something was passed over, the logs that are not complete are read again, at most so often.
pub const REREAD_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Filters of one consumer, two for each log: the gateway's bound. Where more logs than that are not complete, all are read.
pub const FILTERS_MAX: usize = 256;
/// First wait after a reader could not go on.
pub const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// Longest wait after a reader could not go on.
pub const PAUSE_LONGEST: Duration = Duration::from_secs(60);
/// The registry is asked for again after an unknown key at most so often.
pub const REGISTRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long others may work by another registry than the gateway gives before a person is told: a gateway reads a new line within a
/// second, and what a copy to the next gateway takes is not an alarm.
pub const REGISTRY_LAG_MAX: Duration = Duration::from_secs(10);
/// Answers with the registry's further lines that wait to be read; one that finds no room comes again.
pub const REGISTRY_ANSWERS: usize = 4;
