//! The hint of one segment: sorted keys come in, a file of blocks with a footer goes out; a key comes in, the entries under it go out, one block
//! read for each. Never a truth: what is missing, damaged, of another version or of another file is made anew from the segment.
//!
//! ```text
//! file:    | blocks of section 0 | of section 1 | ... | footer | footer's length | version | crc of footer and the two |
//! block:   | crc 4 | count 4 | 0 x 8 | 204 x (of 4, at 8, offset 4, length 4) |        4 KiB; the last of a section is shorter
//! footer:  | segment | times | segment's bytes | kinds: n x (kind, count, bytes) |
//!          | 8 x section: offset, entries, first key of each block, runs: n x (of, first, last) | filter |
//! ```
//! *segment's bytes* and *times* say which file it was made from: a hint that a crash left beside a segment written anew is not believed.
//! The first keys lead to the one block that can have a key; the runs (the keys of each log) say without a read that none has.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;

use super::fields::{Put as _, Take};
use super::filter::Filter;
use super::keys::{Entry, Key, SECTIONS, Section};
use super::limits::{BLOCK_BYTES, FOOTER_BYTES_MAX};

const VERSION: u32 = 1;
const BLOCK_HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 20;
const ENTRIES_A_BLOCK: usize = (BLOCK_BYTES - BLOCK_HEADER_BYTES) / ENTRY_BYTES;
/// Length, version, checksum.
const END_BYTES: usize = 12;

/// How much of one kind a segment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfKind {
    pub kind: u8,
    pub records: u32,
    pub bytes: u64,
}

/// The first and the last key of one log or feed in one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub of: u32,
    pub first: u64,
    pub last: u64,
}

/// Which file a hint was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub segment: u32,
    pub times: u32,
    pub bytes: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Part {
    at: u64,
    entries: usize,
    first_keys: Vec<Key>,
    runs: Vec<Run>,
}

/// What of a hint is in memory: its footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub source: Source,
    pub kinds: Vec<OfKind>,
    parts: [Part; SECTIONS],
    filter: Filter,
}

/// A hint cannot be read; it is made anew.
#[derive(Debug)]
pub(super) enum Unread {
    Damaged,
    Disk(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        match error.kind() {
            // Shorter than its footer says.
            io::ErrorKind::UnexpectedEof => Unread::Damaged,
            _ => Unread::Disk(error),
        }
    }
}

impl Hint {
    /// Writes the blocks of sorted entries; returns the whole file's bytes.
    pub(super) fn make(
        source: Source,
        kinds: Vec<OfKind>,
        sorted: &[Vec<Entry>; SECTIONS],
    ) -> (Hint, Vec<u8>) {
        let mut file = Vec::new();
        let parts = std::array::from_fn(|section| write_part(&mut file, &sorted[section]));
        let ids = &sorted[Section::Ids.index()];
        let filter = Filter::of(ids.iter().map(|entry| entry.key.at));
        let hint = Hint {
            source,
            kinds,
            parts,
            filter,
        };
        let footer_at = file.len();
        hint.write_footer(&mut file);
        let length = u32::try_from(file.len() - footer_at).unwrap_or(u32::MAX);
        file.put_u32(length);
        file.put_u32(VERSION);
        let checksum = crc32fast::hash(&file[footer_at..]);
        file.put_u32(checksum);
        (hint, file)
    }

    /// The hint in a file, if it is a good one of this version.
    pub(super) fn read(file: &File) -> Result<Hint, Unread> {
        let length = file.metadata()?.len();
        let end_at = length
            .checked_sub(END_BYTES as u64)
            .ok_or(Unread::Damaged)?;
        let mut end = [0; END_BYTES];
        file.read_exact_at(&mut end, end_at)?;
        let mut take = Take(&end);
        let (footer_bytes, version, checksum) = (take.u32(), take.u32(), take.u32());
        let footer_bytes = footer_bytes
            .filter(|bytes| *bytes <= FOOTER_BYTES_MAX)
            .ok_or(Unread::Damaged)?;
        // Before the checksum: another version may have one that is good.
        if version != Some(VERSION) {
            return Err(Unread::Damaged);
        }
        let footer_at = end_at
            .checked_sub(footer_bytes.into())
            .ok_or(Unread::Damaged)?;
        let mut footer = vec![0; usize::try_from(footer_bytes).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut footer, footer_at)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&footer);
        hasher.update(&end[..8]);
        if Some(hasher.finalize()) != checksum {
            return Err(Unread::Damaged);
        }
        read_footer(Take(&footer)).ok_or(Unread::Damaged)
    }

    fn write_footer(&self, into: &mut Vec<u8>) {
        for number in [self.source.segment, self.source.times, self.source.bytes] {
            into.put_u32(number);
        }
        into.put_u32(count(self.kinds.len()));
        for of in &self.kinds {
            into.put_u8(of.kind);
            into.put_u32(of.records);
            into.put_u64(of.bytes);
        }
        for part in &self.parts {
            into.put_u64(part.at);
            into.put_u32(count(part.entries));
            for key in &part.first_keys {
                into.put_u32(key.of);
                into.put_u64(key.at);
            }
            into.put_u32(count(part.runs.len()));
            for run in &part.runs {
                into.put_u32(run.of);
                into.put_u64(run.first);
                into.put_u64(run.last);
            }
        }
        into.put_u32(count(self.filter.bytes()));
        self.filter.write(into);
    }

    /// Of its file, but for some hundred bytes: entries and filter.
    pub(super) fn bytes(&self) -> u64 {
        let entries: usize = self.parts.iter().map(|part| part.entries).sum();
        (entries * ENTRY_BYTES + self.filter.bytes()) as u64
    }

    pub(super) fn may_have_id(&self, hash: u64) -> bool {
        self.filter.may_have(hash)
    }

    /// The keys of one log or feed, if it has any.
    pub(super) fn run(&self, section: Section, of: u32) -> Option<Run> {
        let runs = &self.parts[section.index()].runs;
        let at = runs.binary_search_by_key(&of, |run| run.of).ok()?;
        Some(runs[at])
    }

    /// The keys of each log or feed.
    pub fn runs(&self, section: Section) -> &[Run] {
        &self.parts[section.index()].runs
    }

    pub(super) fn entries(&self, section: Section) -> usize {
        self.parts[section.index()].entries
    }

    /// The entries of one log or feed within a range, in order, until `take` has enough: one block read after the other.
    pub(super) fn range(
        &self,
        file: &File,
        section: Section,
        of: u32,
        range: &RangeInclusive<u64>,
        mut take: impl FnMut(Entry) -> bool,
    ) -> Result<(), Unread> {
        let Some(run) = self.run(section, of) else {
            return Ok(());
        };
        let (low, high) = (run.first.max(*range.start()), run.last.min(*range.end()));
        if low > high {
            return Ok(());
        }
        let part = &self.parts[section.index()];
        let (low, high) = (Key { of, at: low }, Key { of, at: high });
        // Equal keys may begin in the block before the first that begins with them.
        let first = part
            .first_keys
            .partition_point(|key| *key < low)
            .saturating_sub(1);
        let blocks = part.first_keys.iter().enumerate().skip(first);
        for (block, _) in blocks.take_while(|(_, key)| **key <= high) {
            let entries = part.block(file, block)?;
            for entry in entries
                .into_iter()
                .filter(|entry| (low..=high).contains(&entry.key))
            {
                if !take(entry) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Part {
    fn block(&self, file: &File, block: usize) -> Result<Vec<Entry>, Unread> {
        let entries = (self.entries - block * ENTRIES_A_BLOCK).min(ENTRIES_A_BLOCK);
        let mut bytes = [0; BLOCK_BYTES];
        let bytes = &mut bytes[..BLOCK_HEADER_BYTES + entries * ENTRY_BYTES];
        file.read_exact_at(bytes, self.at + (block * BLOCK_BYTES) as u64)?;
        let mut take = Take(&bytes[4..]);
        let written = Take(bytes).u32();
        if written != Some(crc32fast::hash(&bytes[4..])) || take.u32() != Some(count(entries)) {
            return Err(Unread::Damaged);
        }
        take.bytes(8);
        let read = (0..entries).map(|_| read_entry(&mut take));
        read.collect::<Option<_>>().ok_or(Unread::Damaged)
    }
}

fn write_part(file: &mut Vec<u8>, sorted: &[Entry]) -> Part {
    let mut part = Part {
        at: file.len() as u64,
        entries: sorted.len(),
        ..Part::default()
    };
    let blocks = sorted.len().div_ceil(ENTRIES_A_BLOCK);
    for (block, entries) in sorted.chunks(ENTRIES_A_BLOCK).enumerate() {
        let start = file.len();
        file.put_u32(0);
        file.put_u32(count(entries.len()));
        file.put_u64(0);
        for entry in entries {
            file.put_u32(entry.key.of);
            file.put_u64(entry.key.at);
            file.put_u32(entry.offset);
            file.put_u32(entry.length);
        }
        let checksum = crc32fast::hash(&file[start + 4..]);
        file[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
        if block + 1 < blocks {
            file.resize(start + BLOCK_BYTES, 0);
        }
        part.first_keys
            .extend(entries.first().map(|entry| entry.key));
    }
    for Entry { key, .. } in sorted {
        match part.runs.last_mut() {
            Some(run) if run.of == key.of => run.last = key.at,
            _ => part.runs.push(Run {
                of: key.of,
                first: key.at,
                last: key.at,
            }),
        }
    }
    part
}

fn read_footer(mut take: Take<'_>) -> Option<Hint> {
    let source = Source {
        segment: take.u32()?,
        times: take.u32()?,
        bytes: take.u32()?,
    };
    let kinds = (0..take.u32()?).map(|_| {
        Some(OfKind {
            kind: take.u8()?,
            records: take.u32()?,
            bytes: take.u64()?,
        })
    });
    let kinds = kinds.collect::<Option<_>>()?;
    let mut parts: [Part; SECTIONS] = Default::default();
    for part in &mut parts {
        part.at = take.u64()?;
        part.entries = usize::try_from(take.u32()?).ok()?;
        let blocks = part.entries.div_ceil(ENTRIES_A_BLOCK);
        part.first_keys = (0..blocks)
            .map(|_| read_key(&mut take))
            .collect::<Option<_>>()?;
        part.runs = (0..take.u32()?)
            .map(|_| read_run(&mut take))
            .collect::<Option<_>>()?;
    }
    let filter_bytes = usize::try_from(take.u32()?).ok()?;
    let filter = Filter::read(take.bytes(filter_bytes)?)?;
    take.0.is_empty().then_some(Hint {
        source,
        kinds,
        parts,
        filter,
    })
}

fn read_key(take: &mut Take<'_>) -> Option<Key> {
    Some(Key {
        of: take.u32()?,
        at: take.u64()?,
    })
}

fn read_run(take: &mut Take<'_>) -> Option<Run> {
    Some(Run {
        of: take.u32()?,
        first: take.u64()?,
        last: take.u64()?,
    })
}

fn read_entry(take: &mut Take<'_>) -> Option<Entry> {
    Some(Entry {
        key: read_key(take)?,
        offset: take.u32()?,
        length: take.u32()?,
    })
}

/// A segment is far smaller than 4 GiB, and so is what is counted in it.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
