//! The journal of format 1: a folder of segments comes in, the good records of each go out in order, and how many places do not read. Nothing is written.
//!
//! ```text
//! segment:  SPEAN\0J\x01 | number | crc                      16 bytes
//! record:   \xf1Sp\x01 | crc of the rest | length | kind | 0 0 0 | body      numbers little-endian; the crc begins with segment and offset
//! ```

use std::fs;
use std::path::Path;

use crate::store::Outage;

const HEADER_BYTES: usize = 16;
const RECORD_HEADER_BYTES: usize = 16;
const MAGIC: &[u8; 4] = b"\xf1Sp\x01";
const RECORD_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Where a record lies: segment and offset.
pub type At = (u32, u32);

/// Shows every good record behind the one before, from the first segment to the last. Says how many stretches from `seen` on do not read: what was
/// before that was told when it was seen, and what a kill tore off at the very end is none.
///
/// # Errors
/// The disk does not give a segment, or `show`.
pub fn each<E: From<Outage>>(
    dir: &Path,
    seen: At,
    mut show: impl FnMut(At, u8, &[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let numbers = segments(dir)?;
    let pairs = numbers.iter().zip(numbers.iter().skip(1));
    let gaps = pairs.filter(|(one, next)| **one + 1 < **next && **next > seen.0);
    let mut damaged = gaps.count() as u64;
    for number in &numbers {
        let bytes = segment(dir, *number)?;
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            if let Some((kind, body)) = record(&bytes, *number, at) {
                show((*number, small(at)), kind, body)?;
                at += RECORD_HEADER_BYTES + body.len();
                continue;
            }
            let next = next_good(&bytes, *number, at + 1);
            let is_end = next.is_none() && Some(number) == numbers.last();
            damaged += u64::from(!is_end && (*number, small(at)) >= seen);
            at = next.unwrap_or(bytes.len());
        }
    }
    Ok(damaged)
}

/// The bytes of one segment.
///
/// # Errors
/// The disk does not give it.
pub fn segment(dir: &Path, number: u32) -> Result<Vec<u8>, Outage> {
    let path = dir.join(format!("{number:010}.journal"));
    fs::read(&path).map_err(|e| Outage::disk("read", &path, &e))
}

/// The body of the record at an offset of a segment, if a good one is there.
pub fn body(segment: &[u8], number: u32, offset: u32) -> Option<&[u8]> {
    let at = usize::try_from(offset).ok()?;
    record(segment, number, at).map(|(_, body)| body)
}

fn segments(dir: &Path) -> Result<Vec<u32>, Outage> {
    let failed = |e| Outage::disk("read", dir, &e);
    let mut numbers = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(numbers),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn record(bytes: &[u8], segment: u32, at: usize) -> Option<(u8, &[u8])> {
    let (head, rest) = bytes
        .get(at..)?
        .split_first_chunk::<RECORD_HEADER_BYTES>()?;
    let field =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = usize::try_from(field(8)).ok()?;
    let body = rest.get(..length).filter(|_| length <= RECORD_BYTES_MAX)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&small(at).to_le_bytes());
    hasher.update(&head[8..]);
    hasher.update(body);
    (head[..4] == *MAGIC && hasher.finalize() == field(4)).then_some((head[12], body))
}

fn next_good(bytes: &[u8], segment: u32, from: usize) -> Option<usize> {
    let windows = bytes.get(from..)?.windows(MAGIC.len()).enumerate();
    let hits = windows.filter(|(_, window)| window == MAGIC);
    hits.map(|(at, _)| from + at)
        .find(|at| record(bytes, segment, *at).is_some())
}

/// A segment is far smaller than 4 GiB.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
