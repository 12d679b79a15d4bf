//! The bounds of dispatch, each with the reason for its number.

use std::time::Duration;

/// Events that are read from the line at once: as many as the window takes.
pub const PAGE_EVENTS: usize = 256;
/// First wait after a hold that says nothing of the head: a broker that restarts needs some seconds.
pub const HOLD_FIRST: Duration = Duration::from_secs(5);
/// Longest wait after a hold: what holds is mended by people, and a feed is not to lie idle for long after.
pub const HOLD_LONGEST: Duration = Duration::from_secs(60);
/// Head reads in a row without anything stored before the line waits: the head moves by somebody else's hand.
pub const HEAD_READS_MAX: u32 = 3;
/// Takings within `TAKINGS_TIME` before the sending stops: a restored office takes its events back once, two agents for
/// ever, each the other's notices.
pub const TAKINGS_MAX: usize = 3;
pub const TAKINGS_TIME: Duration = Duration::from_secs(60 * 60);
/// Time for the answers that are under way when the agent is told to end.
pub const FAREWELL_TIME: Duration = Duration::from_secs(5);
/// Events of the own log that are put back into line at once.
pub const PUT_BACK_EVENTS: u64 = 256;
