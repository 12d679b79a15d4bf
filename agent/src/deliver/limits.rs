//! The bounds of delivering, each with the reason for its number.

use std::time::Duration;

/// Events that are written into a file together: a backlog is written in few syncs.
pub const FILE_EVENTS: usize = 1_024;
/// Bytes that are written into a file together, beyond which no further event is added.
pub const FILE_BYTES: usize = 4 * 1024 * 1024;
/// Time between two writes into a file, so that it stands in its place for nearly all of the time.
pub const FILE_PAUSE: Duration = Duration::from_millis(100);
/// The longest line of a file that is read as one: the largest event, written as JSON.
pub const LINE_BYTES: usize = 4 * 1024 * 1024;
/// Lines of a file that are looked at together when it is read at the start.
pub const LINES_TOGETHER: usize = 1_000;
/// How long a webhook may take for its answer at first, and how long an event without one rests, where no setting says otherwise: the
/// application may still be at work on it. It has twice as much at its next try.
pub const PATIENCE_FIRST: Duration = Duration::from_secs(30);
/// How long a webhook may take at most.
pub const PATIENCE_LONGEST: Duration = Duration::from_secs(5 * 60);
/// Longest wait after a webhook took too long.
pub const SLOW_RETRY_LONGEST: Duration = Duration::from_secs(60 * 60);
/// After so long without an answer events of other logs go to the same webhook beside the one that is under way.
pub const BESIDE_AFTER: Duration = Duration::from_secs(2);
/// Events under way to one webhook at once, each of another log: one that hangs leaves room for others.
pub const UNDER_WAY: usize = 8;
/// A connection to a webhook; it stands in the office's own network.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// First wait after a delivery that was not taken.
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest wait after a delivery that was not taken, where no setting says otherwise: an application that was mended is served soon.
pub const RETRY_LONGEST: Duration = Duration::from_secs(60);
/// What it can be set to at most: more would look like a delivery that has ended.
pub const RETRY_LONGEST_MAX: Duration = Duration::from_secs(60 * 60);
/// Longest wait that an application may ask for with `Retry-After`.
pub const RETRY_AFTER_LONGEST: Duration = Duration::from_secs(60 * 60);
/// A delivery that is not taken for so long is an alarm, where no setting says otherwise: a restart of the application is shorter.
pub const TOLD_AFTER: Duration = Duration::from_secs(60);
/// What it can be set to at most: an application that is away for a day has somebody who knows.
pub const TOLD_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Logs of a target that are alarms of their own when they are held up together; the status counts and names the others.
pub const LOGS_TOLD: usize = 4;
/// Bytes of an application's last answer that are shown: a status, or a short error with its cause.
pub const ANSWER_SHOWN: usize = 200;
/// Logs whose next event is not taken that are named in the status; all are counted.
pub const STUCK_SHOWN: usize = 16;
/// Orders of a person that are remembered for each target.
pub const ORDERS_KEPT: usize = 64;
/// Characters of the reason, and of the name, that come with an order.
pub const WHY_CHARS: usize = 400;
/// Orders that wait for a target's next step.
pub const ORDERS_WAITING: usize = 4;
/// Time for an order to be carried out: a file's write comes first.
pub const ORDER_TIME: Duration = Duration::from_secs(20);
/// Size at which a segment of what was delivered is sealed: a start reads at most one.
pub const MARKS_SEGMENT_BYTES: u32 = 1024 * 1024;
/// Deliveries of a log to a target of which the hashes are kept: some 25 MB in each copy, the rest is known by the chain.
pub const HASHES_KEPT: u64 = 262_144;
/// Marks after which it is looked whether some of them are to be forgotten: about half a segment.
pub const MARKS_BETWEEN_LOOKS: usize = 4_096;
