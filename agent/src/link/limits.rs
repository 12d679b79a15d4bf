//! The bounds of the link, each with the reason for its number. They are chosen for lines from 9.6 kbit/s to fibre.

use std::time::Duration;

use schemas::limits::POSITION_MAX;

/// Gateways and readers whose word about the registry is remembered in a session: more than a feed has readers.
pub const NAMED_MAX: usize = 1_024;

/// Publishes that may wait for their answers: more do not make a run cheaper to store, and would be sent again after a cut.
pub const WINDOW_EVENTS_MAX: usize = 256;
/// The same on a line that speaks frames: three of the longest runs.
pub const PACKED_EVENTS_MAX: usize = 3 * 256;
/// Bytes that may wait for their answers.
pub const WINDOW_BYTES_MAX: usize = 1024 * 1024;
/// The window never shrinks below this: some events of usual size.
pub const WINDOW_BYTES_MIN: usize = 16 * 1024;
/// A window is to hold about so much of the line's time: then a cut costs little that was sent in vain.
pub const WINDOW_TIME: Duration = Duration::from_secs(8);
/// The slowest line that is reckoned with: 9.6 kbit/s less its headers, in bytes a second.
pub const RATE_MIN: u64 = 1_000;
/// The fastest line that is believed in before anything was measured: modems and shapers let a handshake pass in one burst.
pub const RATE_FIRST_MAX: u64 = 4_000;
/// What a handshake moves, roughly: the first guess at the line's rate is made from it.
pub const HANDSHAKE_BYTES: u64 = 5_000;

/// How much of the line's time one packed run is to take: what is more urgent waits for the one that is on its way.
pub const RUN_TIME: Duration = Duration::from_millis(1_500);
/// Events of one run at least, where so many wait: fewer cost more for the run itself than for its events.
pub const RUN_EVENTS_MIN: usize = 16;
/// Runs that wait for their answers: one on its way, one that is stored, one whose answer comes back.
pub const RUNS_UNDER_WAY_MAX: usize = 3;
/// How often a gateway may misunderstand a packed session, or be misunderstood, until it is spoken to in NATS alone: once may be a bit that turned.
pub const MISUNDERSTOOD_MAX: usize = 2;
/// Bytes of NATS that wait to go in a packed session: what is asked besides events is a few hundred bytes each time.
pub const TEXTS_BYTES_MAX: usize = 256 * 1024;
/// What the headers of an event are counted for in the window.
pub const EVENT_HEADERS_USUAL: usize = 1_400;

/// No stream's sequence is behind it: the largest number that every reader of JSON keeps. nats-server counts from 1.
pub const SEQUENCE_MAX: u64 = POSITION_MAX;

/// After so much silence on an idle line the gateway is asked for a sign of life. About 330 bytes each time, all headers
/// counted: 66 KB an hour.
pub const SILENCE_IDLE: Duration = Duration::from_secs(18);
/// After so much silence while an answer is due the gateway is asked, too.
pub const SILENCE_DUE: Duration = Duration::from_secs(4);
/// A gateway that was asked says something within this time, and the time that what lies before the question needs.
/// With `SILENCE_IDLE` it stays under 30 s.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// A publish that has no answer after this, although the line lives, will have none.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);
/// How often the line is looked at.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// The client's own pings would cut a line that needs minutes for one large event; it is watched here instead.
pub const PING_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// How long one knock on a gateway's port waits: the kernel asks a second time within it.
pub const KNOCK_TIME: Duration = Duration::from_millis(2_200);
/// One knock in so many waits longer, for a line whose round trip is long.
pub const KNOCK_LONG_ONE_IN: u32 = 8;
pub const KNOCK_LONG_TIME: Duration = Duration::from_secs(10);
/// First time allowed for a handshake once the port has answered.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Longest time allowed for a handshake.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(45);
/// Wait before the next try when nothing answers: the knock itself takes long enough.
pub const RETRY_SILENT: Duration = Duration::from_millis(1_000);
/// Longest wait in the first minute of tries that something did answer, but did not take.
pub const RETRY_EARLY: Duration = Duration::from_secs(2);
/// Longest wait after that.
pub const RETRY_LATE: Duration = Duration::from_secs(5);
/// Longest wait after a gateway that took us and dropped us at once, or does not take us: each try costs it a handshake, and a slow
/// line 3 KB. The first waits are 1, 2, 4, 8 s.
pub const RETRY_DROPPED: Duration = Duration::from_secs(15);
/// How long the tries count as early.
pub const EARLY: Duration = Duration::from_secs(60);
/// A session that ends sooner counts as a failed try: something takes us and drops us.
pub const SESSION_SHORT: Duration = Duration::from_secs(5);

/// Answers to one subscription that may wait to be read; what asks bounds what comes, so that it is never reached.
pub const SUBSCRIPTION_CAPACITY: usize = 8 * 1024;
/// Time for an ordinary request of a few hundred bytes, a slow line's queue included.
pub const REQUEST_TIME: Duration = Duration::from_secs(20);
/// Time for a question whose answer holds a whole event: a line of 9.6 kbit/s moves 300 KB in it.
pub const MESSAGE_TIME: Duration = Duration::from_secs(5 * 60);

/// Events of one direct read.
pub const PAGE_EVENTS: usize = 256;
/// Bytes of one direct read.
pub const PAGE_BYTES: u64 = 512 * 1024;
/// Heads of one direct read: the gateway's bound, and more than a feed has offices.
pub const HEADS_MAX: usize = 1_000;
/// Events of one pull: as many as are kept with one fsync.
pub const PULL_EVENTS: u64 = 500;
/// Bytes of one pull: what may be on its way while the store is busy. Those of all feeds fit into what nats-server keeps for one
/// connection.
pub const PULL_BYTES: u64 = 1024 * 1024 + 64 * 1024;
/// How long a pull waits for something to come. Each costs about 600 bytes.
pub const PULL_TIME: Duration = Duration::from_secs(10 * 60);
/// When the bus forgets a consumer that nobody pulls from: after the longest pull and a cut.
pub const CONSUMER_IDLE: Duration = Duration::from_secs(15 * 60);
