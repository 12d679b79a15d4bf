//! The start: a folder comes in; a log that goes on where it ended, and what was amiss, go out. First all is looked at, and what is newer or
//! somebody else's is left as it is; only then anything is written. There is no limit of time: a machine that stood still stood still.
//!
//! ```text
//! look (whose, which format) ─► lock ─► look again ─► hints, fold ─► remove what is left over ─► cut the torn tail, sync the last group
//!                                                                                              ─► hints that are not there ─► active
//! ```
//! A last segment in which something does not read is not appended to: it is sealed as it is, and another one begins with the state.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use ring::rand::{SecureRandom as _, SystemRandom};

use super::active::{Active, Gathered};
use super::commit::{Group, Log};
use super::fold::{Folded, fold};
use super::hash::IdHash;
use super::hint::Hint;
use super::limits::{CLOSING_MAX, NAMED_MAX, SEGMENT_BYTES_MAX};
use super::record::{OwnedHead, Place};
use super::roll::{create, damaged};
use super::segment::{Header, Identity, Mark, log_path};
use super::steps::{self, Step};
use super::survey::{Found, Survey, hint_of, survey};
use super::view::{Sealed, Segment, Shared, gather, make_hint};
use super::{Kinds, Sizes};
use crate::store::{Fault, Outage, disk};

/// What was amiss, and what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// What followed the last whole unit was cut: a write that was never answered, or one that rotted since. What of it still had a
    /// head is named.
    TornTail { at: Place, named: Vec<OwnedHead> },
    /// Bytes that are no good record, in the middle: left as they are.
    Damaged(Place),
    /// A record whose bytes do not read any more: it is known by its head.
    Rotten { at: Place, head: OwnedHead },
    /// No file stands for these numbers.
    MissingSegments { first: u32, last: u32 },
    /// A segment's header does not read.
    HeaderUnread(u32),
    /// The state at a segment's beginning does not read; an earlier one did, or none.
    StateUnread(u32),
    /// A hint was not there or not good, and was made from its segment.
    HintMade(u32),
}

/// How a log stands to a mark that was noted outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It came by it, and may have gone on.
    Same,
    /// It has not come so far: this is its last unit.
    Short(u64),
    /// It came that far by another way: two stores that were one.
    Branched,
    AnotherStore,
    /// There is no mark, or what could tell was written anew.
    Unknown,
}

/// What a start found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub repairs: Vec<Repair>,
    pub reached: Reached,
    /// Nothing was there.
    pub new: bool,
}

impl<K: Kinds> Log<K> {
    /// Opens the log in a folder, or begins one there. `seen` is the mark that was noted outside.
    ///
    /// # Errors
    /// `Fault`: in use, newer, another office's, another authority's, in a wrong place (all of them left as they are), or the disk failed.
    pub fn open(
        dir: &Path,
        who: &Identity,
        seen: Option<&Mark>,
        sizes: Sizes,
    ) -> Result<(Log<K>, Opened), Fault> {
        let sizes = Sizes {
            segment_bytes: sizes.segment_bytes.min(SEGMENT_BYTES_MAX),
        };
        if dir.is_dir() {
            survey(dir, who)?;
        } else {
            disk::make_directory(dir)?;
        }
        let lock = lock(dir)?;
        let survey = survey(dir, who)?;
        if survey.segments.is_empty() {
            remove(dir, &survey)?;
            let log = begin::<K>(dir, who, sizes, lock)?;
            let reached = seen.map_or(Reached::Unknown, |_| Reached::AnotherStore);
            let opened = Opened {
                repairs: Vec::new(),
                reached,
                new: true,
            };
            return Ok((log, opened));
        }
        go_on(dir, who, seen, sizes, lock, survey)
    }
}

/// The folder itself is locked: nothing is made for that, and a folder put in its place is another one.
fn lock(dir: &Path) -> Result<File, Fault> {
    let failed = |e| Outage::disk("lock", dir, &e);
    let folder = File::open(dir).map_err(failed)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(Fault::InUse(dir.into())),
        Err(TryLockError::Error(e)) => Err(failed(e).into()),
    }
}

fn number_of_a_store(dir: &Path) -> Result<u64, Outage> {
    let mut number = [0; 8];
    let drawn = SystemRandom::new().fill(&mut number);
    drawn.map_err(|_| Outage::Disk {
        doing: "begin",
        path: dir.into(),
        reason: "the system gives no random number".into(),
    })?;
    Ok(u64::from_le_bytes(number))
}

fn begin<K: Kinds>(dir: &Path, who: &Identity, sizes: Sizes, lock: File) -> Result<Log<K>, Outage> {
    let store = number_of_a_store(dir)?;
    let from = Mark {
        store,
        sequence: 0,
        chain: store,
    };
    let header = Header {
        number: 1,
        covers: 1,
        times: 0,
        from,
        identity: *who,
    };
    let mut body = Vec::new();
    K::write_state(&K::State::default(), &mut body);
    let (file, end) = create(dir, &header, &body)?;
    let shared = Arc::new(Shared::new(dir, IdHash::of_store(store), K::keys));
    let active = Arc::new(Active {
        number: 1,
        covers: 1,
        generation: shared.next_generation(),
        times: 0,
        file: Arc::new(file),
        gathered: RwLock::new(Gathered::default()),
    });
    shared.change(|view| view.segments.push(Segment::Memory(active.clone())));
    Ok(Log {
        shared,
        identity: *who,
        sizes,
        state: K::State::default(),
        active,
        end,
        written: from,
        synced: from,
        group: Group::default(),
        stopped: false,
        sealing: None,
        _lock: lock,
    })
}

fn go_on<K: Kinds>(
    dir: &Path,
    who: &Identity,
    seen: Option<&Mark>,
    sizes: Sizes,
    lock: File,
    survey: Survey,
) -> Result<(Log<K>, Opened), Fault> {
    let store = survey
        .segments
        .iter()
        .find_map(|one| Some(one.header?.from.store));
    let store = store.map_or_else(|| number_of_a_store(dir), Ok)?;
    let shared = Arc::new(Shared::new(dir, IdHash::of_store(store), K::keys));
    let (last, sealed) = survey.segments.split_last().ok_or(Outage::Stopped)?;
    let hints = sealed.iter().map(|one| hint_of::<K>(dir, one));
    let hints: Vec<Option<Hint>> = hints.collect::<Result<_, Fault>>()?;
    let folded = fold::<K>(dir, &survey.segments, store, shared.hash, seen)?;

    // From here on it is ours, and understood: now it is written.
    remove(dir, &survey)?;
    let mut repairs = amiss(&survey, &folded);
    let file = cut_and_sync(dir, last, &folded)?;
    for (one, hint) in sealed.iter().zip(hints) {
        // Its hint may have been made before its records were on the disk.
        let hint = hint.filter(|_| !folded.is_damaged(one.number));
        let segment = sealed_segment(&shared, one, hint, &mut repairs)?;
        shared.change(|view| view.segments.push(segment));
    }
    let active = Arc::new(Active {
        number: last.number,
        covers: last.header.map_or(last.number, |header| header.covers),
        generation: shared.next_generation(),
        times: last.times(),
        file: Arc::new(file),
        gathered: RwLock::new(folded.gathered),
    });
    shared.change(|view| view.segments.push(Segment::Memory(active.clone())));
    let mut log = Log {
        shared,
        identity: *who,
        sizes,
        state: folded.state,
        active,
        end: folded.tail.from,
        written: folded.mark,
        synced: folded.mark,
        group: Group::default(),
        stopped: false,
        sealing: None,
        _lock: lock,
    };
    if !folded.goes_on {
        log.begin_after_damage()?;
    }
    for repair in folded.repairs {
        if !repairs.contains(&repair) {
            repairs.push(repair);
        }
    }
    let opened = Opened {
        repairs,
        reached: folded.reached,
        new: false,
    };
    Ok((log, opened))
}

fn amiss<K: Kinds>(survey: &Survey, folded: &Folded<K>) -> Vec<Repair> {
    let missing = survey.missing.iter();
    let missing = missing.map(|(first, last)| Repair::MissingSegments {
        first: *first,
        last: *last,
    });
    let headless = survey.segments.iter().filter(|one| one.header.is_none());
    let headless = headless.map(|one| Repair::HeaderUnread(one.number));
    let tail = &folded.tail;
    let torn = survey.segments.last().filter(|_| tail.from < tail.to);
    let torn = torn.map(|last| Repair::TornTail {
        at: Place {
            segment: last.number,
            generation: 0,
            offset: tail.from,
            length: tail.to - tail.from,
        },
        named: tail
            .named
            .iter()
            .take(NAMED_MAX)
            .map(|member| member.named.clone())
            .collect(),
    });
    missing.chain(headless).chain(torn).collect()
}

/// Removes what an interrupted step has left. What was covered by a file written anew goes only after that one's name is on the disk.
fn remove(dir: &Path, survey: &Survey) -> Result<(), Outage> {
    if survey.left_over.is_empty() {
        return Ok(());
    }
    disk::sync_directory(dir)?;
    for path in &survey.left_over {
        fs::remove_file(path).map_err(|e| Outage::disk("remove", path, &e))?;
        steps::done(Step::NewRemoved, dir);
    }
    disk::sync_directory(dir)
}

/// Cuts what is torn, and writes again what may have been read from memory alone: a sync that failed before a kill leaves such pages.
fn cut_and_sync<K: Kinds>(dir: &Path, last: &Found, folded: &Folded<K>) -> Result<File, Outage> {
    let path = log_path(dir, last.number);
    let failed = |e| Outage::disk("write", &path, &e);
    let file = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    let tail = &folded.tail;
    if tail.from < tail.to {
        file.set_len(tail.from.into()).map_err(failed)?;
        steps::done(Step::TailCut, dir);
    }
    let unsure = tail.from.saturating_sub(tail.unsure_from);
    if unsure > 0 {
        let mut bytes = vec![0; usize::try_from(unsure).unwrap_or(0)];
        file.read_exact_at(&mut bytes, tail.unsure_from.into())
            .map_err(failed)?;
        file.write_all_at(&bytes, tail.unsure_from.into())
            .map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    steps::done(Step::TailSynced, dir);
    Ok(file)
}

/// A sealed segment with its hint, made anew where there is none. Without room for it its places stay in memory.
fn sealed_segment(
    shared: &Shared,
    one: &Found,
    hint: Option<Hint>,
    repairs: &mut Vec<Repair>,
) -> Result<Segment, Outage> {
    let generation = shared.next_generation();
    let covers = one.header.map_or(one.number, |header| header.covers);
    let of_hint = |hint, damaged: bool| {
        Segment::Disk(Arc::new(Sealed {
            number: one.number,
            covers,
            times: one.times(),
            generation,
            hint,
            damaged: AtomicBool::new(damaged || one.header.is_none()),
            replaced: AtomicBool::new(false),
        }))
    };
    if let Some(hint) = hint {
        return Ok(of_hint(hint, false));
    }
    let segment = (one.number, one.times());
    let outage = match make_hint(&shared.dir, &one.file, segment, shared.hash, shared.keys_of) {
        Ok((hint, damages)) => {
            repairs.push(Repair::HintMade(one.number));
            let is_damaged = !damages.is_empty();
            repairs.extend(damages.into_iter().map(|of| damaged(one.number, of)));
            return Ok(of_hint(hint, is_damaged));
        }
        Err(outage) => outage,
    };
    let in_memory = shared
        .view()
        .segments
        .iter()
        .filter(|one| matches!(one, Segment::Memory(_)))
        .count();
    if in_memory >= CLOSING_MAX {
        return Err(outage);
    }
    let path = log_path(&shared.dir, one.number);
    let failed = |e| Outage::disk("read", &path, &e);
    let (gathered, _, _) =
        gather(&one.file, one.number, shared.hash, shared.keys_of).map_err(failed)?;
    Ok(Segment::Memory(Arc::new(Active {
        number: one.number,
        covers,
        generation,
        times: one.times(),
        file: Arc::new(one.file.try_clone().map_err(failed)?),
        gathered: RwLock::new(gathered),
    })))
}
