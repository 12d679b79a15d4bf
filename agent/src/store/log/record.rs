//! One record: kind, head and bytes come in, checksummed bytes go out, and back. Nothing here touches a file.
//!
//! ```text
//! 0       4         8          12       16      18    19     20
//! | magic | crc all | crc head | length | head  | kind | flags | head (fields, names) | bytes |
//! |       |         |          | of all |length |      |       |  length as said      | rest  |
//!          \_ covers what follows it      \____ covered by crc head ____/
//! ```
//! Both checksums also cover the segment's number and the offset: a good record in a wrong place is a damaged one. An event whose bytes
//! rot is still named by its head. Flags say where a unit goes on and what was synced before; all numbers are little-endian.

use super::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, STATE_BYTES_MAX};

pub const RECORD_HEADER_BYTES: usize = 20;
pub const MAGIC: [u8; 4] = *b"\xf1Sp\x02";
/// The unit goes on in the next record.
pub const MORE: u8 = 1;
/// The unit began in an earlier record.
pub const CONTINUES: u8 = 2;
/// Everything before this record was synced when it was written.
pub const AFTER_SYNC: u8 = 4;
/// The small state at the beginning of a segment: the only kind that the log itself knows.
pub const STATE: u8 = 63;

/// Where a record lies. A place is good for as long as the process lives, or until its segment is written anew: then it is told as moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub segment: u32,
    /// Counted in memory: which of the files that had this number.
    pub generation: u32,
    pub offset: u32,
    pub length: u32,
}

/// What names a record: everything but its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    pub kind: u8,
    pub fields: &'a [u8],
}

/// The same, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedHead {
    pub kind: u8,
    pub fields: Vec<u8>,
}

impl OwnedHead {
    pub fn head(&self) -> Head<'_> {
        Head {
            kind: self.kind,
            fields: &self.fields,
        }
    }
}

/// A record that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub at: Place,
    pub kind: u8,
    body: Vec<u8>,
    head_bytes: usize,
}

impl Record {
    pub fn head(&self) -> Head<'_> {
        Head {
            kind: self.kind,
            fields: &self.body[..self.head_bytes],
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.body[self.head_bytes..]
    }
}

/// The first bytes of a record, whose head checksum holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub head_bytes: usize,
    /// Of the whole record.
    pub length: usize,
    pub crc_all: u32,
    pub crc_head: u32,
}

/// Appends a record whose checksums and flags are not set yet. False, and nothing appended, where it is larger than a record may be.
pub fn stage(into: &mut Vec<u8>, kind: u8, head: &[u8], bytes: &[u8]) -> bool {
    let body_max = if kind == STATE {
        STATE_BYTES_MAX
    } else {
        BODY_BYTES_MAX
    };
    let (Ok(head_bytes), Ok(body_bytes)) = (
        u16::try_from(head.len()),
        u32::try_from(head.len() + bytes.len()),
    ) else {
        return false;
    };
    if head.len() > HEAD_BYTES_MAX || head.len() + bytes.len() > body_max {
        return false;
    }
    into.reserve(RECORD_HEADER_BYTES + head.len() + bytes.len());
    into.extend_from_slice(&MAGIC);
    into.extend_from_slice(&[0; 8]);
    into.extend_from_slice(&body_bytes.to_le_bytes());
    into.extend_from_slice(&head_bytes.to_le_bytes());
    into.extend_from_slice(&[kind, 0]);
    into.extend_from_slice(head);
    into.extend_from_slice(bytes);
    true
}

/// Sets flags and checksums of a staged record, which is `record` as a whole. Returns the checksum of its head.
pub fn finish(record: &mut [u8], flags: u8, segment: u32, offset: u32) -> u32 {
    record[19] = flags;
    let head_bytes = usize::from(u16::from_le_bytes([record[16], record[17]]));
    let crc_head = checksum(
        segment,
        offset,
        &record[12..RECORD_HEADER_BYTES + head_bytes],
    );
    record[8..12].copy_from_slice(&crc_head.to_le_bytes());
    let crc_all = checksum(segment, offset, &record[8..]);
    record[4..8].copy_from_slice(&crc_all.to_le_bytes());
    crc_head
}

fn checksum(segment: u32, offset: u32, checked: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(checked);
    hasher.finalize()
}

/// What the first 20 bytes say of the lengths, before any checksum; None where they are no record's.
pub fn lengths(start: &[u8]) -> Option<(usize, usize)> {
    let start = start.first_chunk::<RECORD_HEADER_BYTES>()?;
    let head_bytes = usize::from(u16::from_le_bytes([start[16], start[17]]));
    let body = u32::from_le_bytes([start[12], start[13], start[14], start[15]]);
    let body_bytes = usize::try_from(body).ok()?;
    let bounded =
        body_bytes <= BODY_BYTES_MAX || start[18] == STATE && body_bytes <= STATE_BYTES_MAX;
    let plain = start[..4] == MAGIC && bounded && head_bytes <= body_bytes;
    (plain && head_bytes <= HEAD_BYTES_MAX).then_some((head_bytes, body_bytes))
}

/// Reads what names the record that begins with `bytes`; None where its head does not hold, or is not all there.
pub fn frame(bytes: &[u8], segment: u32, offset: u32) -> Option<Frame> {
    let (head_bytes, body_bytes) = lengths(bytes)?;
    let checked = bytes.get(12..RECORD_HEADER_BYTES + head_bytes)?;
    let number =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let crc_head = number(8);
    (checksum(segment, offset, checked) == crc_head).then_some(Frame {
        kind: bytes[18],
        flags: bytes[19],
        head_bytes,
        length: RECORD_HEADER_BYTES + body_bytes,
        crc_all: number(4),
        crc_head,
    })
}

/// Whether all of a record is as it was written; `record` has its frame's length.
pub fn is_whole(record: &[u8], frame: Frame, segment: u32, offset: u32) -> bool {
    record.len() == frame.length && checksum(segment, offset, &record[8..]) == frame.crc_all
}

/// Why a record cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Missing {
    /// Its bytes are not as they were written. Its head, where that still reads, says whose they were.
    #[error("a record at {at:?} is damaged")]
    Damaged { at: Place, head: Option<OwnedHead> },
    /// Its segment was written anew, or is gone: look it up again.
    #[error("a record is no longer at {0:?}")]
    Moved(Place),
    #[error(transparent)]
    Outage(#[from] crate::store::Outage),
}

/// What was read at a place, as a record.
///
/// # Errors
/// `Missing::Damaged` where it is not as it was written.
pub fn read(mut raw: Vec<u8>, at: Place) -> Result<Record, Missing> {
    let Some(frame) = frame(&raw, at.segment, at.offset) else {
        return Err(Missing::Damaged { at, head: None });
    };
    let (kind, head_bytes) = (frame.kind, frame.head_bytes);
    if !is_whole(&raw, frame, at.segment, at.offset) {
        let fields = raw[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + head_bytes].to_vec();
        let head = Some(OwnedHead { kind, fields });
        return Err(Missing::Damaged { at, head });
    }
    raw.drain(..RECORD_HEADER_BYTES);
    Ok(Record {
        at,
        kind,
        body: raw,
        head_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (Vec<u8>, Place) {
        let mut bytes = Vec::new();
        assert!(stage(&mut bytes, 5, b"health 7 id-1", &[9; 300]));
        finish(&mut bytes, MORE, 3, 128);
        let length = u32::try_from(bytes.len()).expect("small");
        let at = Place {
            segment: 3,
            generation: 0,
            offset: 128,
            length,
        };
        (bytes, at)
    }

    #[test]
    fn a_record_reads_as_it_was_written_and_in_its_own_place_alone() {
        let (bytes, at) = written();
        let record = read(bytes.clone(), at).expect("whole");
        assert_eq!(
            record.head(),
            Head {
                kind: 5,
                fields: b"health 7 id-1"
            }
        );
        assert_eq!(record.bytes(), [9; 300]);
        for wrong in [Place { segment: 4, ..at }, Place { offset: 129, ..at }] {
            assert!(matches!(
                read(bytes.clone(), wrong),
                Err(Missing::Damaged { head: None, .. })
            ));
        }
    }

    #[test]
    fn whichever_bit_is_another_it_is_damaged_and_named_for_as_long_as_its_head_holds() {
        let (bytes, at) = written();
        for bit in 0..bytes.len() * 8 {
            let mut harmed = bytes.clone();
            harmed[bit / 8] ^= 1 << (bit % 8);
            let Err(Missing::Damaged { head, .. }) = read(harmed, at) else {
                panic!("bit {bit} was not seen");
            };
            let in_bytes = bit / 8 >= RECORD_HEADER_BYTES + 13 || (4..8).contains(&(bit / 8));
            assert_eq!(head.is_some(), in_bytes, "bit {bit}");
            assert!(head.is_none_or(|head| head.fields == b"health 7 id-1" && head.kind == 5));
        }
    }

    #[test]
    fn what_is_larger_than_a_record_may_be_is_not_staged() {
        let mut bytes = Vec::new();
        assert!(!stage(&mut bytes, 1, &[0; HEAD_BYTES_MAX + 1], &[]));
        assert!(!stage(&mut bytes, 1, &[], &vec![0; BODY_BYTES_MAX + 1]));
        assert!(!stage(
            &mut bytes,
            STATE,
            &[],
            &vec![0; STATE_BYTES_MAX + 1]
        ));
        assert!(bytes.is_empty());
    }

    #[test]
    fn lengths_that_no_record_has_are_no_record() {
        let (bytes, at) = written();
        let mut long = bytes.clone();
        long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(lengths(&long), None);
        assert_eq!(frame(&bytes[..19], at.segment, at.offset), None);
        assert_eq!(frame(&bytes[..25], at.segment, at.offset), None);
    }
}
