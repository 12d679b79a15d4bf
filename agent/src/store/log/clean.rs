//! Space comes back: sealed neighbours come in, one file without their dead records goes out in their place, in the same order. The committer goes on
//! meanwhile. Never anything removed that the room has not called dead, and nothing touched in which something does not read.
//!
//! ```text
//! | A | A+1 | ... B |  ──►  A.new: header (covers A to B), state at the end of B, what lives
//!                           synced, read back, compared ─► A.hint gone ─► A.new is A.log ─► its hint ─► folder synced ─► A+1 .. B gone
//! ```
//! The state at its beginning is the one at its end: without the dead records the fold would not lead there.

mod anew;

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::anew::Anew;
use super::Kinds;
use super::commit::Log;
use super::fold::state_in;
use super::hint::{Hint, Source};
use super::keys::{Keys, Section};
use super::record::{Head, MORE, Place, STATE};
use super::roll::beginning;
use super::segment::{Header, Mark, Start, hint_path, log_path, start_of};
use super::steps::{self, Step};
use super::view::{Sealed, Segment, Shared, Unopened, gather, new_path, write_new};
use super::walk::{self, Member, Met};
use crate::store::{Outage, disk};

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Lives,
    /// It goes on as this one.
    Shrinks {
        kind: u8,
        head: Vec<u8>,
        bytes: Vec<u8>,
    },
    /// Nobody asks for it any more, and nobody ever will.
    Dead,
}

/// Some sealed segments that are to be written anew; there is one such at a time.
pub struct Cleaning<K: Kinds> {
    shared: Arc<Shared>,
    from: Vec<Arc<Sealed>>,
    state: K::State,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Where records that fill tables were, and are.
    pub moved: Vec<(Place, Place)>,
}

impl<K: Kinds> Log<K> {
    /// Takes the sealed segments with numbers from `first` to `last` to be written anew as one file. None where they are not sealed and
    /// whole, or another such work is going on. What the state says is synced first: what makes a record dead must last.
    ///
    /// # Errors
    /// The disk failed, or had failed: the log has to be opened again.
    pub fn cleaning(&mut self, first: u32, last: u32) -> Result<Option<Cleaning<K>>, Outage> {
        self.sync()?;
        let view = self.shared.view();
        let chosen = view
            .segments
            .iter()
            .filter(|one| (first..=last).contains(&one.number()));
        let from: Option<Vec<Arc<Sealed>>> = chosen
            .map(|segment| match segment {
                Segment::Disk(sealed) if !sealed.damaged.load(Ordering::Relaxed) => {
                    Some(sealed.clone())
                }
                Segment::Disk(_) | Segment::Memory(_) => None,
            })
            .collect();
        let Some(from) = from.filter(|from| !from.is_empty()) else {
            return Ok(None);
        };
        if self.shared.cleaning.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        Ok(Some(Cleaning {
            shared: self.shared.clone(),
            from,
            state: self.state.clone(),
        }))
    }
}

impl<K: Kinds> Drop for Cleaning<K> {
    fn drop(&mut self) {
        self.shared.cleaning.store(false, Ordering::SeqCst);
    }
}

/// Why nothing was written anew.
enum Left {
    Damaged,
    Outage(Outage),
}

impl From<Outage> for Left {
    fn from(outage: Outage) -> Left {
        Left::Outage(outage)
    }
}

impl<K: Kinds> Cleaning<K> {
    /// Does it, in whichever thread. `fate` sees the state as it was when the segments were taken, each record's place, and its head. What it
    /// calls dead has to stay dead whatever comes. None where something did not read: then all is as it was, and is not tried again.
    ///
    /// # Errors
    /// The disk failed or is full: all is as it was, or the new file is in its place.
    pub fn run(
        self,
        fate: impl FnMut(&K::State, Place, Head<'_>) -> Fate,
    ) -> Result<Option<Cleaned>, Outage> {
        match self.write_anew(fate) {
            Ok(cleaned) => Ok(Some(cleaned)),
            Err(left) => {
                for path in self.new_paths() {
                    let _ = fs::remove_file(path);
                }
                match left {
                    Left::Damaged => {
                        for one in &self.from {
                            one.damaged.store(true, Ordering::Relaxed);
                            self.shared.suspects().insert(one.number);
                        }
                        Ok(None)
                    }
                    Left::Outage(outage) => Err(outage),
                }
            }
        }
    }

    fn new_paths(&self) -> [PathBuf; 2] {
        let number = self.from[0].number;
        [
            log_path(&self.shared.dir, number),
            hint_path(&self.shared.dir, number),
        ]
        .map(|path| new_path(&path))
    }

    fn write_anew(
        &self,
        mut fate: impl FnMut(&K::State, Place, Head<'_>) -> Fate,
    ) -> Result<Cleaned, Left> {
        let files = self.from.iter().map(|one| match self.shared.log_file(one) {
            Ok(file) => Ok(file),
            Err(Unopened::Moved) => Err(Left::Damaged),
            Err(Unopened::Outage(outage)) => Err(outage.into()),
        });
        let files: Vec<Arc<File>> = files.collect::<Result<_, Left>>()?;
        let header = self.header(&files[0])?;
        let (end, body) = self.state_at_end(files.last().ok_or(Left::Damaged)?)?;
        let start = beginning(&header, end, &body).ok_or(Left::Damaged)?;
        let mut anew = Anew::begin(&self.shared, header, &start)?;
        let mut moved = Vec::new();
        let mut keys = Keys::new(self.shared.hash);
        for (one, file) in self.from.iter().zip(&files) {
            self.each_record(one, file, |member| {
                let place = place(one, member.offset, member.length);
                let kept = match fate(&self.state, place, member.head()) {
                    Fate::Dead => return Ok(()),
                    Fate::Lives => anew.copy(file, member)?,
                    Fate::Shrinks { kind, head, bytes } => anew.put(kind, &head, &bytes)?,
                };
                K::keys(member.head(), &mut keys);
                if keys.drain().any(|(section, _)| section == Section::Tables) {
                    moved.push((place, kept));
                }
                Ok(())
            })?;
        }
        let (hint, new) = self.finish(&header, anew)?;
        let bytes_after = u64::from(hint.source.bytes);
        let generation = self.put_in_place(&header, hint, &new)?;
        for (_, to) in &mut moved {
            to.generation = generation;
        }
        Ok(Cleaned {
            bytes_before: self
                .from
                .iter()
                .map(|one| u64::from(one.hint.source.bytes))
                .sum(),
            bytes_after,
            moved,
        })
    }

    fn header(&self, file: &File) -> Result<Header, Left> {
        let (first, last) = (&self.from[0], self.from.last().ok_or(Left::Damaged)?);
        let start = start_of(file).map_err(|e| self.failed("read", &e))?;
        match Header::read(&start, first.number) {
            Start::Header(header) => Ok(Header {
                covers: last.covers,
                times: first.times + 1,
                ..header
            }),
            Start::Newer(_) | Start::Damaged => Err(Left::Damaged),
        }
    }

    fn failed(&self, doing: &'static str, error: &io::Error) -> Outage {
        match error.kind() {
            ErrorKind::StorageFull => Outage::Full,
            _ => Outage::disk(
                doing,
                &log_path(&self.shared.dir, self.from[0].number),
                error,
            ),
        }
    }

    /// What the state was when the last of them was sealed.
    fn state_at_end(&self, file: &File) -> Result<(Mark, Vec<u8>), Left> {
        let last = self.from.last().ok_or(Left::Damaged)?;
        let read = state_in(file, last.number).map_err(|e| self.failed("read", &e))?;
        let (mut mark, body) = read.ok_or(Left::Damaged)?;
        if last.times > 0 {
            return Ok((mark, body));
        }
        let mut state = K::read_state(&body).ok_or(Left::Damaged)?;
        self.each_record(last, file, |member| {
            mark.go_on(member.crc_head, member.flags & MORE == 0);
            K::fold(&mut state, member.head()).map_err(|_| Left::Damaged)
        })?;
        let mut body = Vec::new();
        K::write_state(&state, &mut body);
        Ok((mark, body))
    }

    /// Every record of a segment that reads as a whole, from its first to its last byte.
    fn each_record(
        &self,
        one: &Sealed,
        file: &File,
        mut each: impl FnMut(&Member) -> Result<(), Left>,
    ) -> Result<(), Left> {
        let mut left = None;
        let tail = walk::units::<io::Error>(file, one.number, |met| {
            let done = match met {
                Met::Unit(members) => {
                    let records = members.iter().filter(|member| member.named.kind != STATE);
                    let mut whole = records.map(|member| {
                        if member.whole {
                            each(member)
                        } else {
                            Err(Left::Damaged)
                        }
                    });
                    whole.find_map(Result::err)
                }
                Met::Damage { .. } => Some(Left::Damaged),
            };
            left = left.take().or(done);
            match left {
                None => Ok(()),
                Some(_) => Err(ErrorKind::Other.into()),
            }
        });
        match (left, tail) {
            (Some(left), _) => Err(left),
            (None, Err(e)) => Err(self.failed("read", &e).into()),
            (None, Ok(tail)) if tail.from < tail.to => Err(Left::Damaged),
            (None, Ok(_)) => Ok(()),
        }
    }

    /// Syncs the new file, reads it back, and writes its hint beside it.
    fn finish(&self, header: &Header, mut anew: Anew) -> Result<(Hint, [PathBuf; 2]), Left> {
        anew.flush()?;
        anew.file.sync_all().map_err(|e| self.failed("sync", &e))?;
        steps::done(Step::AnewWritten, &self.shared.dir);
        let mut read = Mark {
            sequence: 0,
            chain: 0,
            ..anew.mark
        };
        let walked = walk::units::<io::Error>(&anew.file, header.number, |met| {
            if let Met::Unit(members) = met {
                for member in members
                    .iter()
                    .filter(|member| member.whole && member.named.kind != STATE)
                {
                    read.go_on(member.crc_head, true);
                }
            }
            Ok(())
        });
        let tail = walked.map_err(|e| self.failed("read", &e))?;
        let gathered = gather(
            &anew.file,
            header.number,
            self.shared.hash,
            self.shared.keys_of,
        );
        let (gathered, damages, bytes) = gathered.map_err(|e| self.failed("read", &e))?;
        if read != anew.mark || tail.damaged || !damages.is_empty() || bytes != anew.at {
            return Err(self
                .failed("read back", &ErrorKind::InvalidData.into())
                .into());
        }
        let source = Source {
            segment: header.number,
            times: header.times,
            bytes,
        };
        let (hint, bytes) = Hint::make(source, gathered.kinds.clone(), &gathered.sorted());
        let [new, new_hint] = self.new_paths();
        write_new(&new_hint, &bytes)?;
        steps::done(Step::AnewHintWritten, &self.shared.dir);
        Ok((hint, [new, new_hint]))
    }

    /// The new file gets its name while no reader can see the set change; whoever has the old ones open reads them to their end.
    fn put_in_place(&self, header: &Header, hint: Hint, new: &[PathBuf; 2]) -> Result<u32, Left> {
        let dir = &self.shared.dir;
        let [log, hint_file] = [log_path(dir, header.number), hint_path(dir, header.number)];
        let generation = self.shared.next_generation();
        let anew = Arc::new(Sealed {
            number: header.number,
            covers: header.covers,
            times: header.times,
            generation,
            hint,
            damaged: AtomicBool::new(false),
            replaced: AtomicBool::new(false),
        });
        self.shared.change(|view| {
            let replaced = |is| {
                self.from
                    .iter()
                    .for_each(|one| one.replaced.store(is, Ordering::SeqCst))
            };
            replaced(true);
            let renamed = match fs::remove_file(&hint_file) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
                _ => disk::rename(&new[0], &log),
            };
            if let Err(e) = renamed {
                replaced(false);
                return Err(self.failed("rename", &e));
            }
            steps::done(Step::AnewNamed, dir);
            // Without it, it is made from the segment when it is asked for.
            let _ = fs::rename(&new[1], &hint_file);
            steps::done(Step::AnewHintNamed, dir);
            view.replace(header.number..=header.covers, Segment::Disk(anew));
            Ok(())
        })?;
        disk::sync_directory(dir)?;
        for one in &self.from[1..] {
            for path in [log_path(dir, one.number), hint_path(dir, one.number)] {
                // What stays is removed by the next start.
                let _ = fs::remove_file(path);
                steps::done(Step::LeftOverRemoved, dir);
            }
        }
        Ok(generation)
    }
}

fn place(one: &Sealed, offset: u32, length: u32) -> Place {
    Place {
        segment: one.number,
        generation: one.generation,
        offset,
        length,
    }
}
