//! From one segment to the next: the state comes in, a file that begins with it goes out, and the one before gets its hint. Never a record after the
//! state that says that its segment ends.
//!
//! ```text
//! sync ─► N+1.new: header, state; synced ─► its name ─► folder synced ─► N+1 takes records, N answers from memory ─► N.hint: N answers from disk
//!         └ no room: N goes on, up to 8 times its size    └ fails: stopped, for nobody knows whether N+1 is there
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use super::Kinds;
use super::active::{Active, Gathered};
use super::commit::{CommitError, Log, small};
use super::fields::Put as _;
use super::limits::{CLOSING_MAX, SEGMENT_BYTES_MAX};
use super::open::Repair;
use super::record::{self, Place, STATE};
use super::segment::{HEADER_BYTES, Header, Mark, log_path};
use super::steps::{self, Step};
use super::view::{Damage, Segment, length_of, new_path, write_new};
use crate::store::{Outage, disk};

impl<K: Kinds> Log<K> {
    /// Begins the next segment when this one is full. The group before it is safe already: no room for a new file is no failure of it.
    pub(super) fn roll(&mut self) -> Result<(), CommitError> {
        if self.end >= self.sizes.segment_bytes.min(SEGMENT_BYTES_MAX) {
            let begun = self.begin_next();
            if self.stopped {
                begun?;
            }
        }
        Ok(())
    }

    /// Seals the active segment, unless it has no record, and begins the next one. Nothing may be gathered.
    ///
    /// # Errors
    /// No room for the next one, or for the hints of those before: the active one goes on, up to 8 times its size.
    pub(super) fn begin_next(&mut self) -> Result<(), Outage> {
        self.sync()?;
        if self.active.look(|gathered| gathered.kinds.is_empty()) {
            return Ok(());
        }
        self.begin_after_damage()
    }

    /// The same, whatever the active one has: it is not appended to any more.
    pub(super) fn begin_after_damage(&mut self) -> Result<(), Outage> {
        self.end_sealing();
        self.seal_those_before()?;
        let number = self.active.covers + 1;
        let header = Header {
            number,
            covers: number,
            times: 0,
            from: self.written,
            identity: self.identity,
        };
        let mut body = Vec::new();
        K::write_state(&self.state, &mut body);
        let new = write_beginning(&self.shared.dir, &header, &body)?;
        // Once the next one has its name, nothing may follow here: its state says that this one ends.
        let (file, end) =
            name_beginning(&self.shared.dir, number, &new).inspect_err(|_| self.stopped = true)?;
        let next = Arc::new(Active {
            number,
            covers: number,
            generation: self.shared.next_generation(),
            times: 0,
            file: Arc::new(file),
            gathered: RwLock::new(Gathered::default()),
        });
        let sealed = std::mem::replace(&mut self.active, next.clone());
        self.end = end;
        self.shared
            .change(|view| view.segments.push(Segment::Memory(next)));
        self.seal_meanwhile(sealed);
        Ok(())
    }

    /// Looks at the segments in which readers found what does not read: their hints are made anew from what does, so that nothing leads any more
    /// to what is not there. Returns what is damaged. Nothing may be gathered.
    ///
    /// # Errors
    /// The disk fails, or is full: the next call looks again.
    pub fn mend(&mut self) -> Result<Vec<Repair>, Outage> {
        let mut repairs = Vec::new();
        let suspects = self.shared.suspects().clone();
        for number in suspects {
            if number == self.active.number {
                self.seal()?;
            }
            self.end_sealing();
            if let Some(Segment::Memory(closing)) = self.shared.view().find(number) {
                self.shared.seal(closing)?;
            }
            if let Some(Segment::Disk(sealed)) = self.shared.view().find(number) {
                let damages = self.shared.remake_hint(sealed)?;
                repairs.extend(damages.into_iter().map(|of| damaged(number, of)));
            }
            self.shared.suspects().remove(&number);
        }
        Ok(repairs)
    }

    /// Those whose hint could not be written have another chance; there are only so many.
    fn seal_those_before(&mut self) -> Result<(), Outage> {
        let view = self.shared.view();
        let waiting = view.segments.iter().filter_map(|segment| match segment {
            Segment::Memory(active) if active.number != self.active.number => Some(active),
            Segment::Memory(_) | Segment::Disk(_) => None,
        });
        let waiting: Vec<&Arc<Active>> = waiting.collect();
        for closing in &waiting {
            let sealed = self.shared.seal(closing);
            if waiting.len() >= CLOSING_MAX {
                sealed?;
            }
        }
        Ok(())
    }

    /// In a thread of its own where there can be one. Meanwhile the segment's places answer from memory.
    fn seal_meanwhile(&mut self, closing: Arc<Active>) {
        let shared = self.shared.clone();
        let also = closing.clone();
        let thread = std::thread::Builder::new().name("hint".into());
        let spawned = thread.spawn(move || report(shared.seal(&closing)));
        match spawned {
            Ok(thread) => self.sealing = Some(thread),
            Err(_) => report(self.shared.seal(&also)),
        }
    }

    /// Waits for the hint that is being written.
    pub fn end_sealing(&mut self) {
        if let Some(thread) = self.sealing.take()
            && thread.join().is_err()
        {
            tracing::error!("writing a hint panicked; its segment answers from memory");
        }
    }
}

/// Bytes of a segment that are no good record.
pub(super) fn damaged(segment: u32, (offset, length): Damage) -> Repair {
    Repair::Damaged(Place {
        segment,
        generation: 0,
        offset,
        length,
    })
}

fn report(sealed: Result<(), Outage>) {
    if let Err(error) = sealed {
        tracing::warn!(%error, "a hint cannot be written; its segment answers from memory");
    }
}

/// Header and state: what a segment begins with.
pub(super) fn beginning(header: &Header, state: Mark, body: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = header.write();
    let mut head = Vec::new();
    head.put_u64(state.sequence);
    head.put_u64(state.chain);
    if !record::stage(&mut bytes, STATE, &head, body) {
        return None;
    }
    record::finish(
        &mut bytes[HEADER_BYTES..],
        0,
        header.number,
        small(HEADER_BYTES),
    );
    Some(bytes)
}

/// A new segment: header, state and name are synced before the first record.
pub(super) fn create(dir: &Path, header: &Header, state: &[u8]) -> Result<(File, u32), Outage> {
    let new = write_beginning(dir, header, state)?;
    name_beginning(dir, header.number, &new)
}

fn write_beginning(dir: &Path, header: &Header, state: &[u8]) -> Result<PathBuf, Outage> {
    let path = log_path(dir, header.number);
    let Some(bytes) = beginning(header, header.from, state) else {
        return Err(Outage::Disk {
            doing: "begin",
            path,
            reason: format!("a state of {} bytes is larger than one may be", state.len()),
        });
    };
    let new = new_path(&path);
    let written = write_new(&new, &bytes)?;
    written
        .sync_all()
        .map_err(|e| Outage::disk("sync", &new, &e))?;
    steps::done(Step::NextWritten, dir);
    Ok(new)
}

fn name_beginning(dir: &Path, number: u32, new: &Path) -> Result<(File, u32), Outage> {
    let path = log_path(dir, number);
    disk::rename(new, &path).map_err(|e| Outage::disk("rename", new, &e))?;
    steps::done(Step::NextNamed, dir);
    disk::sync_directory(dir)?;
    let file = File::options().read(true).write(true).open(&path);
    let file = file.map_err(|e| Outage::disk("open", &path, &e))?;
    let end = length_of(&file, &path)?;
    Ok((file, end))
}
