//! The segments that readers see, as one: the writer changes the set, readers take it as it is at a moment. In: what was sealed or written
//! anew. Out: the set. Never: a moment in which a record that is durable is in none of them.
//!
//! ```text
//! | sealed: hint on disk, filter in memory | ... | sealed, its hint is being written: in memory | active: in memory |
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::active::{Active, Gathered};
use super::hash::IdHash;
use super::hint::{Hint, OfKind, Source};
use super::keys::{Entry, Keys, SECTIONS};
use super::limits::OPEN_FILES_MAX;
use super::record::{Head, MORE, Place, STATE};
use super::segment::{hint_path, log_path};
use super::steps::{self, Step};
use super::walk::{self, Met};
use crate::store::{Outage, disk};

/// What a room says of the keys of its records.
pub(super) type KeysOf = fn(Head<'_>, &mut Keys);

/// A segment that is never appended to.
pub(super) struct Sealed {
    pub number: u32,
    pub covers: u32,
    pub times: u32,
    pub generation: u32,
    pub hint: Hint,
    /// Something in it did not read: it is left as it is.
    pub damaged: AtomicBool,
    /// Another file has its name now. Set before that is so: who opened the name first has the right file.
    pub replaced: AtomicBool,
}

/// Where the places of a segment are.
#[derive(Clone)]
pub(super) enum Segment {
    Memory(Arc<Active>),
    Disk(Arc<Sealed>),
}

impl Segment {
    pub fn number(&self) -> u32 {
        match self {
            Segment::Memory(active) => active.number,
            Segment::Disk(sealed) => sealed.number,
        }
    }

    pub fn generation(&self) -> u32 {
        match self {
            Segment::Memory(active) => active.generation,
            Segment::Disk(sealed) => sealed.generation,
        }
    }

    pub fn place(&self, entry: Entry) -> Place {
        Place {
            segment: self.number(),
            generation: self.generation(),
            offset: entry.offset,
            length: entry.length,
        }
    }
}

/// All segments by number; the last is the active one.
#[derive(Clone, Default)]
pub(super) struct View {
    pub segments: Vec<Segment>,
}

impl View {
    pub fn find(&self, number: u32) -> Option<&Segment> {
        let at = self.segments.binary_search_by_key(&number, Segment::number);
        at.ok().map(|at| &self.segments[at])
    }

    /// Puts one in the place of all that have a number in this range.
    pub fn replace(&mut self, numbers: RangeInclusive<u32>, with: Segment) {
        self.segments.retain(|one| !numbers.contains(&one.number()));
        let at = self
            .segments
            .partition_point(|one| one.number() < with.number());
        self.segments.insert(at, with);
    }
}

/// What writer and readers share.
pub(super) struct Shared {
    pub dir: PathBuf,
    pub hash: IdHash,
    pub keys_of: KeysOf,
    view: RwLock<Arc<View>>,
    files: Mutex<VecDeque<(Which, Arc<File>)>>,
    generations: AtomicU32,
    /// Segments in which a reader found what does not read; the writer looks at them.
    suspects: Mutex<BTreeSet<u32>>,
    /// A segment is being written anew.
    pub cleaning: AtomicBool,
}

/// Which file of which segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Log(u32, u32),
    Hint(u32, u32),
}

/// The name leads to another file now.
pub(super) enum Unopened {
    Moved,
    Outage(Outage),
}

impl Shared {
    pub fn new(dir: &Path, hash: IdHash, keys_of: KeysOf) -> Shared {
        Shared {
            dir: dir.into(),
            hash,
            keys_of,
            view: RwLock::default(),
            files: Mutex::default(),
            generations: AtomicU32::new(0),
            suspects: Mutex::default(),
            cleaning: AtomicBool::new(false),
        }
    }

    /// The set as it is now.
    pub fn view(&self) -> Arc<View> {
        self.view
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the set; readers wait meanwhile, so `change` does little.
    pub fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut view))
    }

    pub fn next_generation(&self) -> u32 {
        self.generations.fetch_add(1, Ordering::Relaxed)
    }

    pub fn suspects(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn log_file(&self, sealed: &Sealed) -> Result<Arc<File>, Unopened> {
        let path = log_path(&self.dir, sealed.number);
        self.opened(Which::Log(sealed.number, sealed.generation), &path, sealed)
    }

    pub fn hint_file(&self, sealed: &Sealed) -> Result<Arc<File>, Unopened> {
        let path = hint_path(&self.dir, sealed.number);
        self.opened(Which::Hint(sealed.number, sealed.generation), &path, sealed)
    }

    fn opened(&self, which: Which, path: &Path, sealed: &Sealed) -> Result<Arc<File>, Unopened> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = files.iter().position(|(of, _)| *of == which) {
            return Ok(files[at].1.clone());
        }
        let file = File::open(path);
        if sealed.replaced.load(Ordering::SeqCst) {
            return Err(Unopened::Moved);
        }
        let file = Arc::new(file.map_err(|e| Unopened::Outage(Outage::disk("open", path, &e)))?);
        if files.len() == OPEN_FILES_MAX {
            files.pop_front();
        }
        files.push_back((which, file.clone()));
        Ok(file)
    }

    pub fn forget_log(&self, sealed: &Sealed) {
        self.forget(Which::Log(sealed.number, sealed.generation));
    }

    fn forget(&self, which: Which) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(of, _)| *of != which);
    }

    /// Writes the hint of a segment whose places are in memory, and lets it answer from there on.
    ///
    /// # Errors
    /// The hint cannot be written: the places stay in memory.
    pub fn seal(&self, closing: &Arc<Active>) -> Result<(), Outage> {
        let bytes = length_of(&closing.file, &self.dir)?;
        let source = Source {
            segment: closing.number,
            times: closing.times,
            bytes,
        };
        let (kinds, sorted) = closing.look(|gathered| (gathered.kinds.clone(), gathered.sorted()));
        let hint = write_hint(&self.dir, source, kinds, &sorted)?;
        let sealed = Arc::new(Sealed {
            number: closing.number,
            covers: closing.covers,
            times: closing.times,
            generation: closing.generation,
            hint,
            damaged: AtomicBool::new(false),
            replaced: AtomicBool::new(false),
        });
        self.change(|view| view.replace(closing.number..=closing.number, Segment::Disk(sealed)));
        Ok(())
    }

    /// Makes the hint of a sealed segment anew: a block of it did not read, or what it leads to. Returns what of the segment does not read.
    ///
    /// # Errors
    /// The disk does not give the segment, or does not take the hint.
    pub fn remake_hint(&self, of: &Arc<Sealed>) -> Result<Vec<Damage>, Outage> {
        let file = match self.log_file(of) {
            Ok(file) => file,
            Err(Unopened::Moved) => return Ok(Vec::new()),
            Err(Unopened::Outage(outage)) => return Err(outage),
        };
        let segment = (of.number, of.times);
        let (hint, damages) = make_hint(&self.dir, &file, segment, self.hash, self.keys_of)?;
        self.forget(Which::Hint(of.number, of.generation));
        let remade = Arc::new(Sealed {
            hint,
            number: of.number,
            covers: of.covers,
            times: of.times,
            generation: of.generation,
            damaged: AtomicBool::new(of.damaged.load(Ordering::Relaxed) || !damages.is_empty()),
            replaced: AtomicBool::new(false),
        });
        self.change(|view| {
            let same = view
                .find(of.number)
                .is_some_and(|one| one.generation() == of.generation);
            if same {
                view.replace(of.number..=of.number, Segment::Disk(remade));
            }
        });
        Ok(damages)
    }
}

/// A part of a segment that did not read: offset and length.
pub(super) type Damage = (u32, u32);

/// The places of all records of a sealed segment, and what of it does not read. Units of which bytes rot are there: their heads name them.
pub(super) fn gather(
    file: &File,
    number: u32,
    hash: IdHash,
    keys_of: KeysOf,
) -> std::io::Result<(Gathered, Vec<Damage>, u32)> {
    let (mut gathered, mut damages) = (Gathered::default(), Vec::new());
    let mut keys = Keys::new(hash);
    let mut add = |members: &[walk::Member]| {
        for member in members.iter().filter(|member| member.named.kind != STATE) {
            let place = (member.offset, member.length);
            gathered.add(place, member.head(), keys_of, &mut keys);
        }
    };
    let tail = walk::units::<std::io::Error>(file, number, |met| {
        match met {
            Met::Unit(members) => add(members),
            Met::Damage { offset, length } => damages.push((offset, length)),
        }
        Ok(())
    })?;
    let whole_units = tail
        .named
        .split_inclusive(|member| member.flags & MORE == 0);
    for unit in whole_units.filter(|unit| unit.last().is_some_and(|last| last.flags & MORE == 0)) {
        add(unit);
    }
    if tail.from < tail.to {
        damages.push((tail.from, tail.to - tail.from));
    }
    Ok((gathered, damages, tail.to))
}

/// Makes and writes the hint of a sealed segment from its records.
///
/// # Errors
/// What the disk says, of the segment or of the hint.
pub(super) fn make_hint(
    dir: &Path,
    file: &File,
    (number, times): (u32, u32),
    hash: IdHash,
    keys_of: KeysOf,
) -> Result<(Hint, Vec<Damage>), Outage> {
    let failed = |e| Outage::disk("read", &log_path(dir, number), &e);
    let (gathered, damages, bytes) = gather(file, number, hash, keys_of).map_err(failed)?;
    let source = Source {
        segment: number,
        times,
        bytes,
    };
    let hint = write_hint(dir, source, gathered.kinds.clone(), &gathered.sorted())?;
    Ok((hint, damages))
}

/// Writes a hint beside its segment. It is not synced: what a power cut leaves of it is known by its checksums.
fn write_hint(
    dir: &Path,
    source: Source,
    kinds: Vec<OfKind>,
    sorted: &[Vec<Entry>; SECTIONS],
) -> Result<Hint, Outage> {
    let (hint, bytes) = Hint::make(source, kinds, sorted);
    let path = hint_path(dir, source.segment);
    let new = new_path(&path);
    write_new(&new, &bytes)?;
    steps::done(Step::HintWritten, dir);
    disk::rename(&new, &path).map_err(|e| Outage::disk("rename", &new, &e))?;
    steps::done(Step::HintNamed, dir);
    Ok(hint)
}

/// Where a file lies until it is whole.
pub(super) fn new_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes a file that nobody knows yet. Where that fails nothing of it stays, as far as the disk lets.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<File, Outage> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).map(|()| file));
    written.map_err(|e| {
        let _ = fs::remove_file(path);
        match e.kind() {
            ErrorKind::StorageFull => Outage::Full,
            _ => Outage::disk("write", path, &e),
        }
    })
}

/// A segment's length; it is far smaller than 4 GiB.
pub(super) fn length_of(file: &File, path: &Path) -> Result<u32, Outage> {
    let length = file
        .metadata()
        .map_err(|e| Outage::disk("read", path, &e))?
        .len();
    Ok(u32::try_from(length).unwrap_or(u32::MAX))
}
