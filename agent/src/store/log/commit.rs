//! The writer: units come in, are gathered, written and synced as one group; then the state has them, and readers see them. Never an answer before
//! the sync, never a write after a sync that failed.
//!
//! ```text
//! unit ─► group ─► write ─► fdatasync ─► state, places ─► (segment full: next one, hint of this one)
//!                  │        └ fails: stopped, until it is opened again
//!                  └ no room: cut back, and the group is as if it had never been
//! ```
//! `append` leaves out the sync: what it wrote is seen, and lost by a crash before the next sync. The first record of each write carries a flag
//! that says whether all before it is synced, so a start knows what it has to sync again.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::active::{Active, Gathered};
use super::keys::Keys;
use super::limits::{GROUP_BYTES_MAX, SEGMENT_TIMES_MAX};
use super::read::Reading;
use super::record::{self, AFTER_SYNC, CONTINUES, Head, MORE, Place, RECORD_HEADER_BYTES, STATE};
use super::segment::{Identity, Mark, log_path};
use super::steps::{self, Step};
use super::view::{Segment, Shared};
use super::{Kinds, Sizes, knows};
use crate::store::Outage;

/// The one writer of a log.
pub struct Log<K: Kinds> {
    pub(super) shared: Arc<Shared>,
    pub(super) identity: Identity,
    pub(super) sizes: Sizes,
    pub(super) state: K::State,
    pub(super) active: Arc<Active>,
    /// Where the next record goes.
    pub(super) end: u32,
    pub(super) written: Mark,
    pub(super) synced: Mark,
    pub(super) group: Group,
    pub(super) stopped: bool,
    /// The hint of the segment before is being written.
    pub(super) sealing: Option<JoinHandle<()>>,
    pub(super) _lock: File,
}

/// What is gathered for one write.
#[derive(Default)]
pub(super) struct Group {
    bytes: Vec<u8>,
    staged: Vec<Staged>,
}

struct Staged {
    start: usize,
    flags: u8,
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing of the group is in the log; it can be tried again when there is room.
    #[error("no space left on the disk")]
    Full,
    #[error(transparent)]
    Outage(#[from] Outage),
}

/// Why a record is not taken; nothing of its unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("a record of {0} bytes is larger than one may be")]
    TooLarge(usize),
    #[error("the group has as much as one write may have")]
    GroupFull,
    #[error("records of kind {0} are not known")]
    Unknown(u8),
}

/// Records that count together or not at all. Where it is dropped it is whole; a record that was refused has taken the others with it.
pub struct Unit<'l, K: Kinds> {
    log: &'l mut Log<K>,
    from: (usize, usize),
    refused: Option<Unfit>,
}

impl<K: Kinds> Unit<'_, K> {
    /// Adds a record: what names it, at most 8 KiB, and its bytes, at most 2 MiB with the head. The place is good once the group is written.
    ///
    /// # Errors
    /// `Unfit`: nothing of the unit is in the group, and nothing more of it is taken.
    pub fn record(&mut self, kind: u8, head: &[u8], bytes: &[u8]) -> Result<Place, Unfit> {
        if let Some(unfit) = self.refused {
            return Err(unfit);
        }
        let staged = self.stage(kind, head, bytes);
        if let Err(unfit) = staged {
            self.refused = Some(unfit);
            self.log.group.bytes.truncate(self.from.0);
            self.log.group.staged.truncate(self.from.1);
        }
        staged
    }

    fn stage(&mut self, kind: u8, head: &[u8], bytes: &[u8]) -> Result<Place, Unfit> {
        let log = &mut *self.log;
        let start = log.group.bytes.len();
        let length = RECORD_HEADER_BYTES + head.len() + bytes.len();
        if kind == STATE || !knows::<K>(kind) {
            return Err(Unfit::Unknown(kind));
        }
        if start + length > GROUP_BYTES_MAX {
            return Err(Unfit::GroupFull);
        }
        if !record::stage(&mut log.group.bytes, kind, head, bytes) {
            return Err(Unfit::TooLarge(length));
        }
        let goes_on = log.group.staged.len() > self.from.1;
        if let Some(before) = log.group.staged.last_mut().filter(|_| goes_on) {
            before.flags |= MORE;
        }
        let flags = if goes_on { CONTINUES } else { 0 };
        log.group.staged.push(Staged { start, flags });
        Ok(Place {
            segment: log.active.number,
            generation: log.active.generation,
            offset: log.end + small(start),
            length: small(length),
        })
    }
}

impl<K: Kinds> Log<K> {
    /// Begins a unit.
    pub fn unit(&mut self) -> Unit<'_, K> {
        let from = (self.group.bytes.len(), self.group.staged.len());
        Unit {
            log: self,
            from,
            refused: None,
        }
    }

    /// Forgets what was gathered.
    pub fn abandon(&mut self) {
        self.group.bytes.clear();
        self.group.staged.clear();
    }

    pub fn group_bytes(&self) -> usize {
        self.group.bytes.len()
    }

    /// Writes the group and syncs it, with all that was appended before. From here it survives a power cut.
    ///
    /// # Errors
    /// `Full`: nothing of the group is there. After an outage nothing is written until the log is opened again: a second sync would say
    /// yes to pages that the first one has lost.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        let unsynced = self.written != self.synced;
        self.write()?;
        if let Err(e) = self.active.file.sync_data() {
            return Err(self.not_written(&e, unsynced));
        }
        steps::done(Step::GroupSynced, &self.shared.dir);
        self.apply()?;
        self.synced = self.written;
        self.roll()
    }

    /// Writes the group without a sync: readers see it, a crash may take it.
    ///
    /// # Errors
    /// As `commit`.
    pub fn append(&mut self) -> Result<(), CommitError> {
        self.write()?;
        self.apply()?;
        self.roll()
    }

    /// Syncs what was appended.
    ///
    /// # Errors
    /// The disk failed, or had failed: the log has to be opened again.
    pub fn sync(&mut self) -> Result<(), Outage> {
        if self.stopped {
            return Err(Outage::Stopped);
        }
        if self.written != self.synced {
            if let Err(e) = self.active.file.sync_data() {
                return Err(self.stop("sync", &e));
            }
            self.synced = self.written;
        }
        Ok(())
    }

    /// What the room knows of all records that were written.
    pub fn state(&self) -> &K::State {
        &self.state
    }

    /// How far the log has come with what is synced: for the note outside.
    pub fn synced(&self) -> Mark {
        self.synced
    }

    /// Bytes of all segments and of their hints. A segment whose hint is being written counts with what it had in memory.
    pub fn bytes(&self) -> u64 {
        let view = self.shared.view();
        let each = view.segments.iter().map(|segment| match segment {
            Segment::Disk(sealed) => u64::from(sealed.hint.source.bytes) + sealed.hint.bytes(),
            Segment::Memory(active) if active.number == self.active.number => u64::from(self.end),
            Segment::Memory(closing) => closing.look(Gathered::record_bytes),
        });
        each.sum()
    }

    /// Seals the active segment, unless it has no record: in a quiet moment, so that it can be written anew. Nothing may be gathered.
    ///
    /// # Errors
    /// No room for the next one: the active one goes on. Or the disk failed.
    pub fn seal(&mut self) -> Result<(), Outage> {
        self.begin_next()?;
        self.end_sealing();
        Ok(())
    }

    /// It goes on in another file, so that a write or a sync fails for real.
    #[cfg(test)]
    pub fn write_to(&mut self, file: File) {
        let (number, covers) = (self.active.number, self.active.covers);
        let (generation, times) = (self.active.generation, self.active.times);
        self.active = Arc::new(Active {
            number,
            covers,
            generation,
            times,
            file: Arc::new(file),
            gathered: std::sync::RwLock::default(),
        });
    }

    pub fn reading(&self) -> Reading {
        Reading {
            shared: self.shared.clone(),
        }
    }

    fn write(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(Outage::Stopped.into());
        }
        if self.end >= self.sizes.segment_bytes.saturating_mul(SEGMENT_TIMES_MAX) {
            // It has gone on for as long as it may. The places of what is gathered are in this one: it has to come again.
            self.abandon();
            self.begin_next().map_err(full_or_outage)?;
            return Err(CommitError::Full);
        }
        let synced = self.written == self.synced;
        if let Some(first) = self.group.staged.first_mut().filter(|_| synced) {
            first.flags |= AFTER_SYNC;
        }
        let starts: Vec<usize> = self
            .group
            .staged
            .iter()
            .map(|staged| staged.start)
            .collect();
        let ends = starts
            .iter()
            .skip(1)
            .copied()
            .chain([self.group.bytes.len()]);
        for (staged, end) in self.group.staged.iter().zip(ends) {
            let offset = self.end + small(staged.start);
            let record = &mut self.group.bytes[staged.start..end];
            record::finish(record, staged.flags, self.active.number, offset);
        }
        let written = self
            .active
            .file
            .write_all_at(&self.group.bytes, self.end.into());
        written.map_err(|e| self.not_written(&e, false))?;
        steps::done(Step::GroupWritten, &self.shared.dir);
        Ok(())
    }

    /// Where there was no room the group is cut off again. A sync that found none may have lost what was appended before: then it stops.
    fn not_written(&mut self, error: &std::io::Error, unsynced: bool) -> CommitError {
        let full = error.kind() == ErrorKind::StorageFull && !unsynced;
        if full && self.active.file.set_len(self.end.into()).is_ok() {
            self.abandon();
            return CommitError::Full;
        }
        self.stop("write", error).into()
    }

    fn stop(&mut self, doing: &'static str, error: &std::io::Error) -> Outage {
        self.stopped = true;
        self.abandon();
        let path = log_path(&self.shared.dir, self.active.number);
        Outage::disk(doing, &path, error)
    }

    /// The group is written: the state has it, and readers see it.
    fn apply(&mut self) -> Result<(), CommitError> {
        let group = std::mem::take(&mut self.group);
        let mut keys = Keys::new(self.shared.hash);
        let keys_of = self.shared.keys_of;
        let (state, mark, end) = (&mut self.state, &mut self.written, self.end);
        let folded = self.active.change(|gathered| {
            for staged in &group.staged {
                let record = &group.bytes[staged.start..];
                let offset = end + small(staged.start);
                // It was finished above; whatever does not read here does not read at a start, either.
                let frame = record::frame(record, self.active.number, offset).ok_or(())?;
                let fields = &record[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + frame.head_bytes];
                let head = Head {
                    kind: frame.kind,
                    fields,
                };
                K::fold(state, head).map_err(|_| ())?;
                gathered.add((offset, small(frame.length)), head, keys_of, &mut keys);
                mark.go_on(frame.crc_head, staged.flags & MORE == 0);
            }
            Ok::<(), ()>(())
        });
        self.end += small(group.bytes.len());
        self.group = Group {
            bytes: emptied(group.bytes),
            staged: emptied(group.staged),
        };
        folded.map_err(|()| {
            // The room staged what it does not read itself: a fault of ours, and the state is half of it.
            self.stopped = true;
            CommitError::Outage(Outage::Stopped)
        })
    }
}

impl<K: Kinds> Drop for Log<K> {
    fn drop(&mut self) {
        self.end_sealing();
    }
}

fn full_or_outage(outage: Outage) -> CommitError {
    match outage {
        Outage::Full => CommitError::Full,
        other @ (Outage::Disk { .. } | Outage::Index { .. } | Outage::Stopped) => other.into(),
    }
}

fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    list
}

/// Sizes are bounded where records are staged.
pub(super) fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
