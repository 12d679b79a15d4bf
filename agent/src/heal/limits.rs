//! The bounds of healing, each with the reason for its number.

use std::time::Duration;

/// Heal requests that wait to be looked at; one that finds no room is asked again.
pub const HEARD_MAX: usize = 256;
/// Logs that are refilled at the same time: more would only share the line.
pub const REFILLS_AT_ONCE: usize = 16;
/// How often the inbox is looked at for gaps. One that is seen twice is told.
pub const GAP_LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// First wait before a gap is asked for again; it doubles.
pub const GAP_ASK_FIRST: Duration = Duration::from_secs(15);
/// Longest wait before a gap is asked for again.
pub const GAP_ASK_LONGEST: Duration = Duration::from_secs(10 * 60);
/// Wait after something could not be asked.
pub const PAUSE: Duration = Duration::from_secs(10);
/// Time between a count that shows a loss and the one that confirms it: answers may be a second old.
pub const CONFIRM_TIME: Duration = Duration::from_secs(3);
/// Refills that wait for their answers, once as many were stored.
pub const REFILLS_UNDER_WAY: usize = 64;
/// The same before any was: whoever asked may have asked for what is there.
pub const REFILLS_AT_FIRST: usize = 4;
/// How many more may be there already than were stored before a request is left to others: two who bring back the same take turns.
pub const IN_VAIN_MAX: u64 = 64;
/// So many answers in a row saying that it was there already: somebody else brings it back, or nothing was lost.
pub const ANOTHER_IS_AT_IT: u32 = 16;
