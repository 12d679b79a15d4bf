//! The journal: record bodies come in, they are on disk when `commit` returns; at a start they are read back in order.
//! Segments are only ever appended to. What is damaged is named and passed over, never taken for an end;
//! only what lies behind the last good record of the last segment is cut.

mod reader;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub use self::reader::Reader;
use super::segment::{self, Found, HEADER_BYTES, Location, Scan};
use crate::store::{Outage, disk};

/// A point between two records: everything before it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub segment: u32,
    pub offset: u32,
}

impl Mark {
    pub const START: Mark = Mark {
        segment: 0,
        offset: 0,
    };

    pub fn behind(at: Location) -> Mark {
        Mark {
            segment: at.segment,
            offset: at.end(),
        }
    }
}

/// What was amiss with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amiss {
    /// Bytes behind the last good record of the last segment were cut: a write that was never acknowledged.
    TornTail(Location),
    /// Bytes that are no good record.
    Damaged(Location),
    /// A segment between the first and the last is not there.
    MissingSegment(u32),
    /// The journal ends before the point up to which the index had read it: files are missing or cut.
    EndsBefore(Mark),
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing of the group is in the journal; it can be tried again when there is room.
    #[error("no space left on the disk")]
    Full,
    #[error(transparent)]
    Outage(#[from] Outage),
}

pub struct Journal {
    dir: PathBuf,
    /// Bytes of each segment that hold records.
    segments: BTreeMap<u32, u32>,
    /// A segment is closed when it is this long.
    segment_bytes: u32,
    last: u32,
    file: File,
    /// Encoded records of the group that is being gathered.
    group: Vec<u8>,
    stopped: bool,
}

impl Journal {
    /// `seen` is the point up to which the index has read the journal; no location before it is ever used again.
    pub fn open(
        dir: &Path,
        seen: Mark,
        segment_bytes: u32,
    ) -> Result<(Journal, Vec<Amiss>), Outage> {
        disk::make_directory(dir)?;
        let mut amiss = Vec::new();
        let mut segments = list(dir)?;
        if let (Some((first, _)), Some((last, _))) =
            (segments.first_key_value(), segments.last_key_value())
        {
            let missing = (*first..*last).filter(|n| !segments.contains_key(n));
            amiss.extend(missing.map(Amiss::MissingSegment));
        }
        if let Some(mut last) = segments.last_entry() {
            let (good, found) = renew(dir, *last.key())?;
            last.insert(good);
            amiss.extend(found);
        }
        let end = segments.last_key_value().map(|(n, bytes)| Mark {
            segment: *n,
            offset: *bytes,
        });
        let (last, file) = match end {
            Some(end) if end >= seen => (end.segment, append_to(dir, end.segment)?),
            _ => {
                if seen > Mark::START {
                    amiss.push(Amiss::EndsBefore(seen));
                }
                let next = seen.segment.max(end.map_or(0, |end| end.segment)) + 1;
                (next, create(dir, next)?)
            }
        };
        segments.entry(last).or_insert(HEADER_SIZE);
        let journal = Journal {
            dir: dir.into(),
            segments,
            segment_bytes,
            last,
            file,
            group: Vec::new(),
            stopped: false,
        };
        Ok((journal, amiss))
    }

    /// Adds a record to the group; it is in the journal only when `commit` has returned.
    pub fn stage(&mut self, kind: u8, write_body: impl FnOnce(&mut Vec<u8>)) -> Location {
        let base = self.segments[&self.last];
        segment::encode(&mut self.group, self.last, base, kind, write_body)
    }

    pub fn group_bytes(&self) -> usize {
        self.group.len()
    }

    /// Writes the group and syncs it. After a failure other than `Full` nothing is written again:
    /// a second sync would say yes to pages that the first one has lost.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(Outage::Stopped.into());
        }
        let synced = write_and_sync(&self.file, &self.group);
        self.committed(synced)
    }

    /// The same, in a thread of its own where there can be one; `meanwhile` is done in this one.
    pub fn commit_while<T>(
        &mut self,
        meanwhile: impl FnOnce() -> T,
    ) -> (Result<(), CommitError>, T) {
        if self.stopped {
            return (Err(Outage::Stopped.into()), meanwhile());
        }
        let (file, group) = (&self.file, &self.group);
        let (synced, done) = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new();
            let syncing = thread.spawn_scoped(scope, || write_and_sync(file, group));
            let done = meanwhile();
            let synced = match syncing {
                Ok(syncing) => syncing.join().expect("writing does not panic"),
                // No memory for another thread: one behind the other, then.
                Err(_) => write_and_sync(file, group),
            };
            (synced, done)
        });
        (self.committed(synced), done)
    }

    fn committed(&mut self, synced: std::io::Result<()>) -> Result<(), CommitError> {
        let held = self.segments[&self.last];
        let size = u32::try_from(self.group.len()).expect("a group is smaller than a segment");
        self.group.clear();
        match synced {
            Ok(()) => {
                self.segments.insert(self.last, held + size);
                self.roll()
            }
            Err(e)
                if e.kind() == ErrorKind::StorageFull && self.file.set_len(held.into()).is_ok() =>
            {
                Err(CommitError::Full)
            }
            Err(e) => {
                self.stopped = true;
                Err(Outage::disk("write", &path(&self.dir, self.last), &e).into())
            }
        }
    }

    /// Begins the next segment when this one is long enough. The group before it is safe already:
    /// no room for a new file is no failure of that group.
    fn roll(&mut self) -> Result<(), CommitError> {
        if self.segments[&self.last] < self.segment_bytes {
            return Ok(());
        }
        match self.begin_next() {
            Ok(()) => {}
            Err(_) if self.segments[&self.last] < 8 * self.segment_bytes => {}
            Err(e) => {
                self.stopped = true;
                return Err(e.into());
            }
        }
        Ok(())
    }

    /// Begins the next segment, unless the last one is empty. Where there is no room for it, the last one goes on.
    pub fn begin_next(&mut self) -> Result<(), Outage> {
        if self.segments[&self.last] == HEADER_SIZE {
            return Ok(());
        }
        self.file = create(&self.dir, self.last + 1)?;
        self.last += 1;
        self.segments.insert(self.last, HEADER_SIZE);
        Ok(())
    }

    /// Shows every record behind `from` in order. What is damaged on the way is returned.
    pub fn replay(
        &self,
        from: Mark,
        mut show: impl FnMut(Location, u8, &[u8]) -> Result<(), Outage>,
    ) -> Result<Vec<Amiss>, Outage> {
        let mut amiss = Vec::new();
        for segment in self
            .segments
            .range(from.segment..)
            .map(|(number, _)| *number)
        {
            let start = if segment == from.segment {
                from.offset
            } else {
                0
            };
            amiss.extend(self.replay_segment(segment, start, &mut show)?);
        }
        Ok(amiss)
    }

    /// Shows every record of one segment from `start` on.
    pub fn replay_segment(
        &self,
        segment: u32,
        start: u32,
        show: &mut impl FnMut(Location, u8, &[u8]) -> Result<(), Outage>,
    ) -> Result<Vec<Amiss>, Outage> {
        let path = path(&self.dir, segment);
        let bytes = fs::read(&path).map_err(|e| Outage::disk("read", &path, &e))?;
        let mut amiss = Vec::new();
        if bytes.get(..HEADER_BYTES) != Some(&segment::header(segment)) {
            amiss.push(Amiss::Damaged(Location {
                segment,
                offset: 0,
                length: HEADER_SIZE,
            }));
        }
        for found in Scan::new(&bytes, segment, start) {
            match found {
                Found::Record { at, kind, body } => show(at, kind, body)?,
                Found::Damage(at) | Found::Tail(at) => amiss.push(Amiss::Damaged(at)),
            }
        }
        Ok(amiss)
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|bytes| u64::from(*bytes)).sum()
    }

    /// The point behind the last record.
    pub fn end(&self) -> Mark {
        Mark {
            segment: self.last,
            offset: self.segments[&self.last],
        }
    }

    pub fn first_segment(&self) -> u32 {
        self.segments.keys().next().copied().unwrap_or(self.last)
    }

    pub fn last_segment(&self) -> u32 {
        self.last
    }

    pub fn segment_bytes(&self) -> u32 {
        self.segment_bytes
    }

    /// The segments and how many bytes each has.
    pub fn places(&self) -> BTreeMap<u32, u32> {
        self.segments.clone()
    }

    /// Removes the oldest segment; never the last one.
    pub fn remove_first(&mut self) -> Result<(), Outage> {
        let first = self.first_segment();
        if first == self.last {
            return Ok(());
        }
        let path = path(&self.dir, first);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Outage::disk("remove", &path, &e)),
            _ => {
                self.segments.remove(&first);
                Ok(())
            }
        }
    }

    /// Puts another file in the place of the last segment: the only way to have a sync fail for real.
    #[cfg(test)]
    pub fn write_to(&mut self, file: File) {
        self.file = file;
    }
}

const HEADER_SIZE: u32 = 16;
const _: () = assert!(HEADER_SIZE as usize == HEADER_BYTES);

fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("{segment:010}.journal"))
}

/// The segments' numbers and file lengths.
fn list(dir: &Path) -> Result<BTreeMap<u32, u32>, Outage> {
    let failed = |e| Outage::disk("read", dir, &e);
    let mut segments = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            let length = entry.metadata().map_err(failed)?.len();
            segments.insert(number, u32::try_from(length).unwrap_or(u32::MAX));
        }
    }
    Ok(segments)
}

/// Writes the good part of the last segment anew, and says what was not good. A sync that failed before the last
/// stop may have left pages that can be read but are not on the disk; written anew they are.
fn renew(dir: &Path, segment: u32) -> Result<(u32, Option<Amiss>), Outage> {
    let path = path(dir, segment);
    let mut bytes = fs::read(&path).map_err(|e| Outage::disk("read", &path, &e))?;
    let tail = Scan::new(&bytes, segment, 0).find_map(|found| match found {
        Found::Tail(at) => Some(at),
        Found::Record { .. } | Found::Damage(_) => None,
    });
    if let Some(tail) = tail {
        bytes.truncate(usize::try_from(tail.offset).expect("a segment fits in memory"));
    }
    if bytes.len() < HEADER_BYTES {
        // Torn while it was made: it never held a record.
        bytes = segment::header(segment).to_vec();
    }
    disk::replace(&path, &bytes)?;
    let good = u32::try_from(bytes.len()).expect("a segment is far smaller than 4 GiB");
    Ok((good, tail.map(Amiss::TornTail)))
}

fn write_and_sync(mut file: &File, group: &[u8]) -> std::io::Result<()> {
    file.write_all(group)?;
    file.sync_data()
}

fn append_to(dir: &Path, segment: u32) -> Result<File, Outage> {
    let path = path(dir, segment);
    let opened = File::options().append(true).open(&path);
    opened.map_err(|e| Outage::disk("open", &path, &e))
}

/// A new segment: the file, its header and its name are synced before the first record.
fn create(dir: &Path, segment: u32) -> Result<File, Outage> {
    disk::replace(&path(dir, segment), &segment::header(segment))?;
    append_to(dir, segment)
}

#[cfg(test)]
mod tests;
