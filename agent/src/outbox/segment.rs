//! One file of the journal: bodies come in, checksummed records go out, and back again.
//! A damaged record costs itself alone: reading goes on at the next good one. Nothing here touches a file.

use crate::store::limits::RECORD_BYTES_MAX;

/// Before the first record: magic with the format's version, the segment's number, checksum.
pub const HEADER_BYTES: usize = 16;
const FORMAT: &[u8; 8] = b"SPEAN\0J\x01";
const RECORD_MAGIC: &[u8; 4] = b"\xf1Sp\x01";
/// Before each body: magic, checksum, length of the body, kind, three zeros.
const RECORD_HEADER_BYTES: usize = 16;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub segment: u32,
    pub offset: u32,
    pub length: u32,
}

impl Location {
    pub fn end(self) -> u32 {
        self.offset.saturating_add(self.length)
    }
}

/// The first bytes of a segment's file.
pub fn header(segment: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(FORMAT);
    header[8..12].copy_from_slice(&segment.to_le_bytes());
    let checksum = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The segment and the offset are part of the checksum: a good record in a wrong place is a damaged one.
fn checksum(segment: u32, offset: u32, checked: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(checked);
    hasher.finalize()
}

/// Appends one record to `bytes`; `base` is the offset in the segment at which `bytes` begins.
pub fn encode(
    bytes: &mut Vec<u8>,
    segment: u32,
    base: u32,
    kind: u8,
    write_body: impl FnOnce(&mut Vec<u8>),
) -> Location {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    write_body(bytes);
    let small = |size: usize| u32::try_from(size).expect("a segment is far smaller than 4 GiB");
    let offset = base + small(start);
    let record = &mut bytes[start..];
    let body = small(record.len() - RECORD_HEADER_BYTES);
    record[8..12].copy_from_slice(&body.to_le_bytes());
    record[12] = kind;
    let checksum = checksum(segment, offset, &record[8..]);
    record[..4].copy_from_slice(RECORD_MAGIC);
    record[4..8].copy_from_slice(&checksum.to_le_bytes());
    Location {
        segment,
        offset,
        length: small(record.len()),
    }
}

/// The record that begins with `bytes`, if a good one does: kind, body, whole length.
pub fn decode(bytes: &[u8], segment: u32, offset: u32) -> Option<(u8, &[u8], u32)> {
    let (head, rest) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>()?;
    let field =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let body_bytes = usize::try_from(field(8)).ok()?;
    if head[..4] != *RECORD_MAGIC || body_bytes > RECORD_BYTES_MAX || body_bytes > rest.len() {
        return None;
    }
    let length = RECORD_HEADER_BYTES + body_bytes;
    if checksum(segment, offset, &bytes[8..length]) != field(4) {
        return None;
    }
    Some((head[12], &rest[..body_bytes], u32::try_from(length).ok()?))
}

/// What lies in a segment, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    Record {
        at: Location,
        kind: u8,
        body: &'a [u8],
    },
    /// Bytes that are no good record, up to the next good one.
    Damage(Location),
    /// Bytes behind the last good record: torn off while being written, or damaged.
    Tail(Location),
}

/// Walks over a segment's bytes from `from` on.
pub struct Scan<'a> {
    bytes: &'a [u8],
    segment: u32,
    at: usize,
}

impl<'a> Scan<'a> {
    pub fn new(bytes: &'a [u8], segment: u32, from: u32) -> Scan<'a> {
        let at = usize::try_from(from).unwrap_or(usize::MAX);
        Scan {
            bytes,
            segment,
            at: at.clamp(HEADER_BYTES, bytes.len().max(HEADER_BYTES)),
        }
    }

    fn record(&self, at: usize) -> Option<(u8, &'a [u8], u32)> {
        decode(self.bytes.get(at..)?, self.segment, u32::try_from(at).ok()?)
    }

    fn next_good(&self, from: usize) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        let candidates = rest.windows(RECORD_MAGIC.len()).enumerate();
        candidates
            .filter(|(_, window)| window == RECORD_MAGIC)
            .map(|(i, _)| from + i)
            .find(|at| self.record(*at).is_some())
    }

    fn location(&self, from: usize, to: usize) -> Location {
        let small = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        Location {
            segment: self.segment,
            offset: small(from),
            length: small(to - from),
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let from = self.at;
        if from >= self.bytes.len() {
            return None;
        }
        if let Some((kind, body, length)) = self.record(from) {
            self.at += usize::try_from(length).expect("a record fits in memory");
            let at = self.location(from, self.at);
            return Some(Found::Record { at, kind, body });
        }
        let next = self.next_good(from + 1);
        self.at = next.unwrap_or(self.bytes.len());
        let lost = self.location(from, self.at);
        Some(next.map_or(Found::Tail(lost), |_| Found::Damage(lost)))
    }
}
