//! The bounds of confirmations, each with the reason for its number.

use std::time::Duration;

/// A log is confirmed at most so often: about 1,200 bytes each time, 400 of them evidence; less than what one event costs.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// Logs confirmed in one round: 38 KB, some seconds of a slow line, between which events pass.
pub const ROUND_MAX: usize = 32;
/// Wait after the bus did not answer.
pub const PAUSE: Duration = Duration::from_secs(30);
