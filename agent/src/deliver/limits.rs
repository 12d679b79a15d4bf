//! The bounds of delivering, each with the reason for its number.

use std::time::Duration;

/// Arrivals that are looked at together: how far other logs may run ahead of one that its application does not take.
pub const PAGE_EVENTS: usize = 256;
/// One request to a webhook, its answer included.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);
/// A connection to a webhook; it stands in the office's own network.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// First wait after a delivery that was not taken.
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest wait after a delivery that was not taken: an application that was mended is served soon.
pub const RETRY_LONGEST: Duration = Duration::from_secs(60);
/// Longest wait that an application may ask for with `Retry-After`.
pub const RETRY_AFTER_LONGEST: Duration = Duration::from_secs(60 * 60);
/// How much of a file's end is read at the start to see what was written and not yet marked: more than one page holds.
pub const FILE_TAIL_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of an application's last answer that are shown: a status, or a short error with its cause.
pub const ANSWER_SHOWN: usize = 200;
