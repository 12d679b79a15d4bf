//! All records of one file in order: a file comes in; whole units, what is damaged and where the last good unit ends go out. A damaged record
//! costs its unit alone: reading goes on at the next good one. Never more of the file in memory than one record and a window.
//!
//! ```text
//! | unit | unit | ####### | unit | unit: rotten bytes | unit, half of it | torn
//!                 damage           \________________ the tail: after the last whole unit ___/
//! ```
//! A unit counts whole or not at all. One whose bytes do not read but whose heads do is still a unit, if a whole one follows it; behind
//! the last whole one nobody can tell what rotted from what was never written to its end, and the caller decides.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;

use super::limits::WALK_BYTES;
use super::record::{
    self, AFTER_SYNC, CONTINUES, Frame, Head, MAGIC, MORE, OwnedHead, RECORD_HEADER_BYTES,
};
use super::segment::HEADER_BYTES;

/// One record of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub offset: u32,
    pub length: u32,
    pub flags: u8,
    pub crc_head: u32,
    /// Its bytes are as they were written.
    pub whole: bool,
    pub named: OwnedHead,
}

impl Member {
    pub fn head(&self) -> Head<'_> {
        self.named.head()
    }
}

/// What is met on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met<'a> {
    Unit(&'a [Member]),
    /// Bytes that are no good record, or good records of a unit that is not all there.
    Damage {
        offset: u32,
        length: u32,
    },
}

/// How a file ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Where the last whole unit ends.
    pub from: u32,
    /// The end of the file.
    pub to: u32,
    /// What follows the last whole unit and still has heads: units of which bytes rot, and the begun one.
    pub named: Vec<Member>,
    /// The last record that was written when everything before it was synced, or the first one.
    pub unsure_from: u32,
    /// Something in the middle did not read.
    pub damaged: bool,
}

impl Tail {
    /// It begins behind this unit.
    fn goes_behind(&mut self, unit: &[Member]) {
        let after_sync = unit.iter().rfind(|member| member.flags & AFTER_SYNC != 0);
        self.unsure_from = after_sync.map_or(self.unsure_from, |member| member.offset);
        let last = unit.last();
        self.from = last.map_or(self.from, |last| last.offset + last.length);
    }
}

/// Walks a segment's records; the first is its state. `each` may stop it by an error of its own.
///
/// # Errors
/// What the disk says, or `each`.
pub fn units<E: From<io::Error>>(
    file: &File,
    segment: u32,
    each: impl FnMut(Met<'_>) -> Result<(), E>,
) -> Result<Tail, E> {
    units_to(file, segment, u32::MAX, each)
}

/// The same, as if the file ended at `end`.
///
/// # Errors
/// What the disk says, or `each`.
pub fn units_to<E: From<io::Error>>(
    file: &File,
    segment: u32,
    end: u32,
    mut each: impl FnMut(Met<'_>) -> Result<(), E>,
) -> Result<Tail, E> {
    let mut window = Window::over(file, segment, end)?;
    let first = u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX);
    let mut tail = Tail {
        from: first.min(window.end),
        to: window.end,
        named: Vec::new(),
        unsure_from: first,
        damaged: false,
    };
    let mut unit: Vec<Member> = Vec::new();
    let mut rotten: Vec<Vec<Member>> = Vec::new();
    while let Some(found) = window.next()? {
        let member = match found {
            Found::Record(member) => member,
            Found::Damage { offset, length } => {
                // The unit that it tore is a part of it.
                let from = unit.first().map_or(offset, |first| first.offset);
                let length = offset + length - from;
                unit.clear();
                tail.damaged = true;
                each(Met::Damage {
                    offset: from,
                    length,
                })?;
                continue;
            }
        };
        let begins = member.flags & CONTINUES == 0;
        if begins != unit.is_empty() {
            let lost = unit.first().unwrap_or(&member).offset;
            let end = if begins {
                member.offset
            } else {
                member.offset + member.length
            };
            unit.clear();
            tail.damaged = true;
            each(Met::Damage {
                offset: lost,
                length: end - lost,
            })?;
            if !begins {
                continue;
            }
        }
        let goes_on = member.flags & MORE != 0;
        unit.push(member);
        if goes_on {
            continue;
        }
        if !unit.iter().all(|member| member.whole) {
            rotten.push(std::mem::take(&mut unit));
            continue;
        }
        for held in rotten.drain(..) {
            each(Met::Unit(&held))?;
        }
        each(Met::Unit(&unit))?;
        tail.goes_behind(&unit);
        unit.clear();
    }
    tail.named = rotten.into_iter().flatten().chain(unit).collect();
    Ok(tail)
}

enum Found {
    Record(Member),
    Damage { offset: u32, length: u32 },
}

/// A part of the file that moves along.
struct Window<'f> {
    file: &'f File,
    segment: u32,
    end: u32,
    /// Where the next record should begin.
    at: u32,
    bytes: Vec<u8>,
    /// Offset of the window's first byte.
    base: u32,
}

impl<'f> Window<'f> {
    fn over(file: &'f File, segment: u32, end: u32) -> io::Result<Window<'f>> {
        let end = u32::try_from(file.metadata()?.len()).map_or(end, |length| length.min(end));
        let at = u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX).min(end);
        Ok(Window {
            file,
            segment,
            end,
            at,
            bytes: Vec::new(),
            base: at,
        })
    }

    /// At least `need` bytes from `from` on, or all that there are.
    fn from(&mut self, from: u32, need: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end - from).unwrap_or(usize::MAX);
        let need = need.min(left);
        let inside = from >= self.base;
        let skip = if inside {
            usize::try_from(from - self.base).unwrap_or(usize::MAX)
        } else {
            usize::MAX
        };
        if skip > self.bytes.len() || self.bytes.len() - skip < need {
            let size = need.max(WALK_BYTES).min(left);
            self.bytes.resize(size, 0);
            let had = read_up_to(self.file, &mut self.bytes, from)?;
            self.bytes.truncate(had);
            self.base = from;
            if had < size {
                // It is shorter than it was: what is gone is no record.
                self.end = from.saturating_add(u32::try_from(had).unwrap_or(u32::MAX));
            }
            return Ok(&self.bytes);
        }
        Ok(&self.bytes[skip..])
    }

    /// The record at an offset, if its head holds and all of it is in the file.
    fn record(&mut self, at: u32) -> io::Result<Option<Member>> {
        let segment = self.segment;
        let start = self.from(at, RECORD_HEADER_BYTES)?;
        let Some((head_bytes, _)) = record::lengths(start) else {
            return Ok(None);
        };
        let head = self.from(at, RECORD_HEADER_BYTES + head_bytes)?;
        let Some(frame) = record::frame(head, segment, at) else {
            return Ok(None);
        };
        let all = self.from(at, frame.length)?;
        Ok(all
            .get(..frame.length)
            .map(|all| member(all, frame, segment, at)))
    }

    fn next(&mut self) -> io::Result<Option<Found>> {
        let from = self.at;
        if from >= self.end {
            return Ok(None);
        }
        if let Some(member) = self.record(from)? {
            self.at = from + member.length;
            return Ok(Some(Found::Record(member)));
        }
        let good = self.next_good(from + 1)?;
        self.at = good.unwrap_or(self.end);
        // With nothing good behind it, it is the tail, and not told as damage.
        Ok(good.map(|good| Found::Damage {
            offset: from,
            length: good - from,
        }))
    }

    fn next_good(&mut self, mut from: u32) -> io::Result<Option<u32>> {
        while from < self.end {
            let here = self.from(from, MAGIC.len())?;
            let hit = here.windows(MAGIC.len()).position(|four| four == MAGIC);
            let step = hit.unwrap_or(here.len().saturating_sub(MAGIC.len() - 1).max(1));
            from += u32::try_from(step).unwrap_or(u32::MAX);
            if hit.is_some() {
                if self.record(from)?.is_some() {
                    return Ok(Some(from));
                }
                from += 1;
            }
        }
        Ok(None)
    }
}

fn member(all: &[u8], frame: Frame, segment: u32, offset: u32) -> Member {
    let fields = all[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + frame.head_bytes].to_vec();
    Member {
        offset,
        length: u32::try_from(frame.length).unwrap_or(u32::MAX),
        flags: frame.flags,
        crc_head: frame.crc_head,
        whole: record::is_whole(all, frame, segment, offset),
        named: OwnedHead {
            kind: frame.kind,
            fields,
        },
    }
}

fn read_up_to(file: &File, into: &mut [u8], from: u32) -> io::Result<usize> {
    let mut had = 0;
    while had < into.len() {
        match file.read_at(&mut into[had..], u64::from(from) + had as u64) {
            Ok(0) => break,
            Ok(more) => had += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(had)
}
