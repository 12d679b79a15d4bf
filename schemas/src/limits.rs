//! Every bound that both programs keep, each with the reason for its number. No bound is changed by a setting
//! unless its sentence says so.

use std::time::Duration;

/// A name is one NATS subject token; 32 characters hold the longest place name with room, and keep control lines short.
pub const TOKEN_BYTES_MAX: usize = 32;
/// Data of one event. NATS takes 1 MiB for headers and payload together; the rest is left to the headers.
pub const DATA_BYTES_MAX: usize = 1_000_000;
/// Header block of one event: about 1 KiB is usual; eight times that leaves room for long subjects and schemas.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;
/// One message on the bus: nats-server's own default limit.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// `id`, `subject`, `type`, `dataschema` and other attribute values: longer than any in use, short enough for an index.
pub const ATTRIBUTE_BYTES_MAX: usize = 256;
/// Decoded `dssematerial`: about 500 bytes in our canonical form.
pub const MATERIAL_BYTES_MAX: usize = 2048;
/// JSON nesting: contracts use four levels; a parser's stack must not be a stranger's choice.
pub const JSON_DEPTH_MAX: usize = 32;
/// Mistakes named in one answer: more do not help the person who reads them.
pub const FAULTS_NAMED_MAX: usize = 50;
/// Events of one run: an atomic batch of nats-server 2.15 takes at most 1,000 messages.
pub const RUN_EVENTS_MAX: usize = 1_000;
/// Shorter runs are stored one by one: staging a batch costs the server about 2 ms, a single append one fsync.
pub const BATCH_EVENTS_MIN: usize = 8;
/// Signatures that are verified as one: as many as a gateway judges together. With more the price of each hardly falls, and one bad one
/// among them makes all the others be verified one by one.
pub const BATCH_SIGNATURES_MAX: usize = 256;
/// A NATS control line; nats-server's own default limit.
pub const CONTROL_LINE_BYTES_MAX: usize = 4096;
/// How far an event's `time` and `recordedtime` may lie ahead of the clock that they are held against: a day covers a clock set to
/// local time.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The earliest time that an event may name, 2000-01-01 in Unix seconds: a clock that has lost its battery shows an earlier one.
pub const CLOCK_FLOOR_UNIX_S: i64 = 946_684_800;
/// How far a gateway's stamp and an office's clock may lie apart before a person is told: more than any line takes, far less than
/// a deadline's day.
pub const CLOCKS_APART_MAX: Duration = Duration::from_secs(5 * 60);
/// How long before an event was recorded its receipt may be stamped and still prove something: what `CLOCK_AHEAD_MAX` lets an
/// honest office's clock be ahead.
pub const STAMP_BEFORE_MAX: Duration = CLOCK_AHEAD_MAX;
/// Bytes of registry lines in one answer: half of what a NATS message holds.
pub const REGISTRY_PAGE_BYTES_MAX: usize = 512 * 1024;
/// The last position of a log: the largest whole number that every reader of JSON keeps exactly (2^53 - 1), as the contracts of
/// notices say. What counts positions stays far from the end of 64 bits.
pub const POSITION_MAX: u64 = 9_007_199_254_740_991;
/// Positions of one gap declaration: an office that sends a hundred events a day needs 27 years for as many.
pub const GAP_POSITIONS_MAX: u64 = 1_000_000;
/// Positions of one heal request: as many as a line of 64 kbit/s brings back in an hour or two; more are asked for in turns.
pub const HEAL_POSITIONS_MAX: u64 = 50_000;
/// Ranges in one heal request: a log with more holes than this is asked for in turns.
pub const HEAL_RANGES_MAX: usize = 128;
/// Bytes of one heal request: the ranges with numbers of usual length.
pub const HEAL_BODY_BYTES_MAX: usize = 4 * 1024;
/// How long before the bus says less somebody may have named a newer end of a feed's stream: a gateway's knowledge is some seconds old, and an
/// append and its answer are on their way for some more.
pub const NEWEST_LAG_MAX: Duration = Duration::from_secs(10);
/// Who is remembered to have named the end of a feed's stream: more than a feed has readers and gateways.
pub const WITNESSES_MAX: usize = 1024;
/// Who of them is named to a person; the rest is counted.
pub const WITNESSES_TOLD_MAX: usize = 3;
/// Feeds whose ends one answer names: more than one office sees, and a header of 2 KB.
pub const ENDS_MAX: usize = 32;
