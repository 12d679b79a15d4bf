//! The bounds of the log, each with the reason for its number. In: nothing. Out: numbers. Never: a bound of a room's own.

/// The format that this code writes and reads. A higher one is a newer store, and left as it is.
pub const FORMAT: u32 = 2;
/// Fields and names of one record: two names, an id and some hashes are below 1 KiB.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Head and bytes of one record: the largest event with its names, and what a refusal says about it.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The small state, which each segment begins with: some 150,000 holes.
pub const STATE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that are staged for one write: a run of 64 of the largest events is below it.
pub const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest size at which a segment is sealed. With the times below and a group, offsets stay far below 32 bits.
pub const SEGMENT_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Where a new segment finds no room, the active one goes on to so many times its size.
pub const SEGMENT_TIMES_MAX: u32 = 8;
/// Sealed segments whose hint could not be written, and is in memory: each has some MiB.
pub const CLOSING_MAX: usize = 4;
/// One block of a hint: a page of the disk.
pub const BLOCK_BYTES: usize = 4 * 1024;
/// The footer of a hint: filter, first keys and keys by log of a segment of many small records.
pub const FOOTER_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Bits of filter for each id: one false answer in some hundred.
pub const FILTER_BITS_AN_ID: usize = 10;
/// Files that are held open for reading: those of a busy page, far from what a process may have.
pub const OPEN_FILES_MAX: usize = 32;
/// What is read of a segment in one piece while it is walked.
pub const WALK_BYTES: usize = 256 * 1024;
/// Heads that are named of what was cut behind the last good unit: a group that was never answered may have hundreds.
pub const NAMED_MAX: usize = 64;
/// Entries of one page: some of the room's own pages.
pub const PAGE_ENTRIES_MAX: usize = 4 * 1024;
/// Times that a look is begun again: once for each segment written anew meanwhile, of which there is one at a time, and for each hint that
/// did not read.
pub const LOOKS_MAX: usize = 1_024;
