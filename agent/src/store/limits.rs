//! The bounds of the two stores, each with the reason for its number.

use std::time::Duration;

/// Of the receipts of one day, one in so many positions of a log is kept, besides the last: deadlines are days, and a proof
/// leads from an event to its receipt.
pub const RECEIPT_SPACING: u64 = 16;

/// Events that share one fdatasync: beyond some hundreds the sync's price no longer shows.
pub const GROUP_EVENTS_MAX: usize = 512;
/// Bytes that share one fdatasync: half a segment, so that a segment stays near its size.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// KiB of submissions that may wait for the committer; beyond it submitters wait at the door.
pub const WAITING_KIB_MAX: u32 = 16 * 1024;
/// Part of the disk budget (one in so many) that submissions may not use: settling must work when all else is full.
pub const BUDGET_RESERVE_ONE_IN: u64 = 16;
/// Longest time between two checkpoints while there is work: bounds what is replayed at the next start.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);
/// A checkpoint follows this soon after the last work: what was settled is then durable, too.
pub const CHECKPOINT_IDLE: Duration = Duration::from_millis(500);
/// Alarms kept: enough for a bad week; the number of all is kept beside them.
pub const ALARMS_MAX: usize = 256;
/// Smallest size of a closed segment, for the smallest disk budgets: a segment is a sixteenth of the budget.
pub const SEGMENT_BYTES_MIN: u32 = 64 * 1024;
/// Bytes of waiting events in one answer, so that a thousand large ones do not fill the memory.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What is kept of a refusal: fifty named mistakes in two languages.
pub const REFUSAL_BYTES_MAX: usize = 16 * 1024;
/// Segments copied on in one checkpoint: submitters wait meanwhile.
pub const COPIES_MAX: usize = 4;
/// Text of one alarm: it is a value of the index, too.
pub const ALARM_BYTES_MAX: usize = 2 * 1024;
/// Cache of the index: the default of 1 GB is more than many an office's computer has.
pub const INDEX_CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of another office's log that may be parked behind a gap: a day of the busiest log.
pub const PARKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Events of another office's log that may be parked behind a gap.
pub const PARKED_EVENTS_MAX: u64 = 50_000;
/// Events of another office's log that are not believed and wait for what names them: who signs more than so many badly in a row writes no
/// log, and looking along them is to take no time.
pub const ASIDE_EVENTS_MAX: usize = 256;
/// For how long settled events are kept as they were signed, where no setting says otherwise: longer than it takes to notice a loss.
pub const RESEND_HORIZON: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Positions that are looked up in an index before others get their turn.
pub const POSITIONS_AT_ONCE: usize = 256;
/// Settled events that are pruned in one step: one record, and one sync.
pub const PRUNED_AT_ONCE: u64 = 256;
/// Writes of tables between two flushes: what is not flushed is in memory, and a start writes many.
pub const TABLE_WRITES_UNFLUSHED: usize = 4_096;
/// Time for an index of format 1 to open: sled may hang there. Without it the journal alone counts.
pub const FORMER_INDEX_OPEN_TIME: Duration = Duration::from_secs(120);
/// Time for tables to end: they hold what nobody will read, and end in milliseconds.
pub const TABLES_END_TIME: Duration = Duration::from_secs(2);
/// Entries of one page of a table.
pub const TABLE_PAGE_MAX: usize = 1_024;
/// The note outside of the stores: some hundred feeds and logs have 100 KiB.
pub const NOTE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Lines of the ids outside beyond twice what waits: fewer would write it anew all the time.
pub const IDS_LINES_SLACK: u64 = 4_096;
/// Longest line of the ids outside that is read: names and ids are far shorter.
pub const IDS_LINE_BYTES_MAX: u64 = 8 * 1024;
/// A segment of the outbox's log, for the largest budgets; for others it is a sixteenth of the budget, and not below the smallest one.
pub const OUTBOX_SEGMENT_BYTES: u32 = 32 * 1024 * 1024;
/// Dead bytes of the active segment of which nobody takes notice: some thousand events.
pub const DEAD_BYTES_MIN: u64 = 1024 * 1024;
/// What is left of a settled event without its bytes: digests, hash, id and the record's own header.
pub const REMAINS_BYTES: u64 = 300;
/// Confirmations of a segment that are taken for the last ones of their readers where it is weighed.
pub const READERS_WEIGHED: u64 = 64;
/// How often is asked whether a segment is written anew: a step takes some ten milliseconds.
pub const CLEANED_ASKED: Duration = Duration::from_millis(10);
/// After a disk was too full to write a segment anew: it is tried again when somebody may have made room.
pub const CLEANED_AGAIN: Duration = Duration::from_secs(60);
