//! What readers do: a key comes in, places come out, newest first or in order; a place comes in, its record comes out. Nothing is written, but a
//! hint of which a block does not read. Never an answer from a set of segments that was half-way between two.

use std::fs::File;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::active::Active;
use super::hint::{OfKind, Run, Unread};
use super::keys::{Entry, Section, id_key};
use super::limits::{LOOKS_MAX, PAGE_ENTRIES_MAX};
use super::record::{self, Missing, OwnedHead, Place, Record};
use super::segment::hint_path;
use super::view::{Sealed, Segment, Shared, Unopened, View};
use crate::store::Outage;

/// What holds a log's places for readers; as many as one likes, in any thread.
#[derive(Clone)]
pub struct Reading {
    pub(super) shared: Arc<Shared>,
}

/// What a look at a record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    Record(Record),
    /// It does not read any more; this is what it was, where that can be told.
    Damaged {
        at: Place,
        head: Option<OwnedHead>,
    },
}

/// One sealed segment, as the room weighs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    pub segment: u32,
    pub covers: u32,
    pub bytes: u32,
    pub kinds: Vec<OfKind>,
    /// Something in it does not read: it is never written anew.
    pub damaged: bool,
    runs: Vec<(usize, Vec<Run>)>,
}

impl Weight {
    /// The keys that it has of each log or feed.
    pub fn runs(&self, section: Section) -> &[Run] {
        let of = self.runs.iter().find(|(of, _)| *of == section.index());
        of.map_or(&[], |(_, runs)| runs)
    }
}

/// Why an answer has to be begun again.
enum Again {
    /// The set of segments is another one now.
    Changed,
    Outage(Outage),
}

impl Reading {
    /// The places under a key, newest first, each asked of `wanted` until that has one. Damaged records are shown, too: it may be theirs.
    ///
    /// # Errors
    /// The disk says neither yes nor no.
    pub fn find<T>(
        &self,
        section: Section,
        of: u32,
        at: u64,
        mut wanted: impl FnMut(Looked) -> Option<T>,
    ) -> Result<Option<T>, Outage> {
        self.steadily(|view| {
            for segment in view.segments.iter().rev() {
                let mut entries = Vec::new();
                self.range(segment, section, of, &(at..=at), |entry| {
                    entries.push(entry);
                    true
                })?;
                for entry in entries.into_iter().rev() {
                    if let Some(found) = wanted(self.looked(segment.place(entry))?) {
                        return Ok(Some(found));
                    }
                }
            }
            Ok(None)
        })
    }

    /// The same for an id. `wanted` says whether it is the id: another one may have its hash.
    ///
    /// # Errors
    /// The disk says neither yes nor no.
    pub fn find_id<T>(
        &self,
        parts: &[&[u8]],
        wanted: impl FnMut(Looked) -> Option<T>,
    ) -> Result<Option<T>, Outage> {
        let key = id_key(self.shared.hash, parts);
        self.find(Section::Ids, key.of, key.at, wanted)
    }

    /// The newest place of each key within a range, in order, `most` of them.
    ///
    /// # Errors
    /// The disk says neither yes nor no.
    pub fn page(
        &self,
        section: Section,
        of: u32,
        range: RangeInclusive<u64>,
        most: usize,
    ) -> Result<Vec<(u64, Place)>, Outage> {
        let most = most.min(PAGE_ENTRIES_MAX);
        self.steadily(|view| {
            let mut page: Vec<(u64, Place)> = Vec::new();
            for (lowest, segment) in by_lowest(view, section, of, &range) {
                // What this one and all after it have comes behind a full page.
                if page.len() == most && page.last().is_none_or(|(last, _)| *last < lowest) {
                    break;
                }
                let mut own: Vec<(u64, Place)> = Vec::new();
                self.range(segment, section, of, &range, |entry| {
                    let one = (entry.key.at, segment.place(entry));
                    if let Some(last) = own.last_mut().filter(|last| last.0 == one.0) {
                        *last = one;
                        return true;
                    }
                    let room = own.len() < most;
                    if room {
                        own.push(one);
                    }
                    room
                })?;
                page = merged(page, own, most);
            }
            Ok(page)
        })
    }

    /// The lowest key at or above one, and its newest place.
    ///
    /// # Errors
    /// The disk says neither yes nor no.
    pub fn at_or_after(
        &self,
        section: Section,
        of: u32,
        at: u64,
    ) -> Result<Option<(u64, Place)>, Outage> {
        let page = self.page(section, of, at..=u64::MAX, 1)?;
        Ok(page.first().copied())
    }

    /// Shows every record that fills a table, in the order in which they were written: at a start, before anything is written anew.
    ///
    /// # Errors
    /// The disk says neither yes nor no, or `show`; `Outage::Stopped` where something was written anew meanwhile.
    pub fn tables<E: From<Outage>>(
        &self,
        mut show: impl FnMut(Looked) -> Result<(), E>,
    ) -> Result<(), E> {
        let places = self.steadily(|view| {
            let mut places = Vec::new();
            for segment in &view.segments {
                self.range(segment, Section::Tables, 0, &(0..=0), |entry| {
                    places.push(segment.place(entry));
                    true
                })?;
            }
            Ok(places)
        })?;
        for place in places {
            let looked = self.looked(place).map_err(|again| match again {
                Again::Changed => Outage::Stopped,
                Again::Outage(outage) => outage,
            })?;
            show(looked)?;
        }
        Ok(())
    }

    /// The record at a place.
    ///
    /// # Errors
    /// `Missing`: damaged, moved, or the disk does not say.
    pub fn record(&self, at: Place) -> Result<Record, Missing> {
        let view = self.shared.view();
        let segment = view.find(at.segment);
        let file = match segment.filter(|segment| segment.generation() == at.generation) {
            Some(Segment::Memory(active)) => active.file.clone(),
            Some(Segment::Disk(sealed)) => match self.shared.log_file(sealed) {
                Ok(file) => file,
                Err(Unopened::Moved) => return Err(Missing::Moved(at)),
                Err(Unopened::Outage(outage)) => return Err(outage.into()),
            },
            None => return Err(Missing::Moved(at)),
        };
        let raw = self.raw(&file, at);
        if let (Err(Missing::Outage(_)), Some(Segment::Disk(sealed))) = (&raw, segment) {
            // What is open does not read: the next one who asks opens it again.
            self.shared.forget_log(sealed);
        }
        record::read(raw?, at)
    }

    fn raw(&self, file: &File, at: Place) -> Result<Vec<u8>, Missing> {
        let mut raw = vec![0; usize::try_from(at.length).unwrap_or(0)];
        match file.read_exact_at(&mut raw, at.offset.into()) {
            Ok(()) => Ok(raw),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(Missing::Damaged { at, head: None })
            }
            Err(e) => Err(Outage::disk("read", &self.shared.dir, &e).into()),
        }
    }

    /// The sealed segments, oldest first.
    pub fn segments(&self) -> Vec<Weight> {
        let view = self.shared.view();
        let weight = |sealed: &Arc<Sealed>| Weight {
            segment: sealed.number,
            covers: sealed.covers,
            bytes: sealed.hint.source.bytes,
            kinds: sealed.hint.kinds.clone(),
            damaged: sealed.damaged.load(Ordering::Relaxed),
            runs: Section::ALL
                .into_iter()
                .filter(|section| *section != Section::Ids && sealed.hint.entries(*section) > 0)
                .map(|section| (section.index(), sealed.hint.runs(section).to_vec()))
                .collect(),
        };
        let sealed = view.segments.iter().filter_map(|segment| match segment {
            Segment::Disk(sealed) => Some(sealed),
            Segment::Memory(_) => None,
        });
        sealed.map(weight).collect()
    }

    /// What is not sealed yet, or has no hint yet; the last one is appended to. All keys in memory are looked at for that.
    pub fn unsealed(&self) -> Vec<Weight> {
        let view = self.shared.view();
        let in_memory = view.segments.iter().filter_map(|segment| match segment {
            Segment::Memory(active) => Some(active),
            Segment::Disk(_) => None,
        });
        let weight = |active: &Arc<Active>| {
            active.look(|gathered| {
                let runs = Section::ALL.into_iter().filter(|one| *one != Section::Ids);
                let runs = runs.map(|section| (section.index(), gathered.runs(section)));
                Weight {
                    segment: active.number,
                    covers: active.covers,
                    bytes: u32::try_from(gathered.record_bytes()).unwrap_or(u32::MAX),
                    kinds: gathered.kinds.clone(),
                    damaged: false,
                    runs: runs.collect(),
                }
            })
        };
        in_memory.map(weight).collect()
    }

    /// A reader found what has no head any more: the writer is to [mend](super::Log::mend) it.
    pub fn is_suspected(&self) -> bool {
        !self.shared.suspects().is_empty()
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Asks again where the set of segments changed under the answer: each time one was written anew, or a hint was made anew.
    fn steadily<T>(&self, mut answer: impl FnMut(&View) -> Result<T, Again>) -> Result<T, Outage> {
        for _ in 0..LOOKS_MAX {
            match answer(&self.shared.view()) {
                Ok(answer) => return Ok(answer),
                Err(Again::Outage(outage)) => return Err(outage),
                Err(Again::Changed) => {}
            }
        }
        Err(Outage::Disk {
            doing: "find anything in",
            path: self.shared.dir.clone(),
            reason: format!("after {LOOKS_MAX} looks its hints still do not read"),
        })
    }

    fn looked(&self, place: Place) -> Result<Looked, Again> {
        match self.record(place) {
            Ok(record) => Ok(Looked::Record(record)),
            Err(Missing::Damaged { at, head }) => {
                if head.is_none() {
                    self.shared.suspects().insert(at.segment);
                }
                Ok(Looked::Damaged { at, head })
            }
            Err(Missing::Moved(_)) => Err(Again::Changed),
            Err(Missing::Outage(outage)) => Err(Again::Outage(outage)),
        }
    }

    fn range(
        &self,
        segment: &Segment,
        section: Section,
        of: u32,
        range: &RangeInclusive<u64>,
        mut take: impl FnMut(Entry) -> bool,
    ) -> Result<(), Again> {
        let sealed = match segment {
            Segment::Memory(active) => {
                active.look(|gathered| gathered.range(section, of, range).all(take));
                return Ok(());
            }
            Segment::Disk(sealed) => sealed,
        };
        let ids = section == Section::Ids && range.start() == range.end();
        if ids && !sealed.hint.may_have_id(*range.start()) || sealed.hint.run(section, of).is_none()
        {
            return Ok(());
        }
        let file = self
            .shared
            .hint_file(sealed)
            .map_err(|unopened| self.unopened(unopened, sealed))?;
        match sealed.hint.range(&file, section, of, range, &mut take) {
            Ok(()) => Ok(()),
            Err(Unread::Damaged) => Err(self.remade(sealed)),
            Err(Unread::Disk(e)) => {
                let path = hint_path(&self.shared.dir, sealed.number);
                Err(Again::Outage(Outage::disk("read", &path, &e)))
            }
        }
    }

    /// A hint that somebody has removed is as one that does not read.
    fn unopened(&self, unopened: Unopened, sealed: &Arc<Sealed>) -> Again {
        match unopened {
            Unopened::Moved => Again::Changed,
            Unopened::Outage(outage) if hint_path(&self.shared.dir, sealed.number).exists() => {
                Again::Outage(outage)
            }
            Unopened::Outage(_) => self.remade(sealed),
        }
    }

    fn remade(&self, sealed: &Arc<Sealed>) -> Again {
        match self.shared.remake_hint(sealed) {
            Ok(damages) => {
                if !damages.is_empty() {
                    self.shared.suspects().insert(sealed.number);
                }
                Again::Changed
            }
            Err(outage) => Again::Outage(outage),
        }
    }
}

/// The segments that have keys within the range, with the lowest that each may have; by that.
fn by_lowest<'v>(
    view: &'v View,
    section: Section,
    of: u32,
    range: &RangeInclusive<u64>,
) -> Vec<(u64, &'v Segment)> {
    let lowest = |segment: &Segment| match segment {
        Segment::Memory(active) => active.look(|gathered| {
            let first = gathered.range(section, of, range).next();
            first.map(|entry| entry.key.at)
        }),
        Segment::Disk(sealed) => {
            let run = sealed.hint.run(section, of)?;
            let low = run.first.max(*range.start());
            (low <= run.last.min(*range.end())).then_some(low)
        }
    };
    let mut found: Vec<(u64, &Segment)> = view
        .segments
        .iter()
        .filter_map(|segment| lowest(segment).map(|low| (low, segment)))
        .collect();
    found.sort_by_key(|(low, _)| *low);
    found
}

/// Both in order as one; of equal keys the newer place, which is the one that lies further behind in the log.
fn merged(one: Vec<(u64, Place)>, other: Vec<(u64, Place)>, most: usize) -> Vec<(u64, Place)> {
    let mut all = [one, other].concat();
    all.sort_by_key(|(key, place)| (*key, std::cmp::Reverse((place.segment, place.offset))));
    all.dedup_by_key(|(key, _)| *key);
    all.truncate(most);
    all
}
