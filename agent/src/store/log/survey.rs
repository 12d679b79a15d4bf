//! What lies in a log's folder, looked at before anything is touched. A folder comes in; its segments, what is left over, and whose they are go
//! out. Nothing is written, and nothing is refused that was not read: a newer store, and one of somebody else, stay as they are byte for byte.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::hint::{Hint, OfKind, Source};
use super::limits::FORMAT;
use super::record::MORE;
use super::segment::{Header, Identity, Start, hint_path, log_path, number_of, start_of};
use super::walk::{self, Met};
use super::{Kinds, knows};
use crate::store::{Fault, Outage};

/// One segment's file.
pub(super) struct Found {
    pub number: u32,
    pub file: File,
    /// None where it does not read.
    pub header: Option<Header>,
    pub bytes: u32,
}

impl Found {
    pub fn times(&self) -> u32 {
        self.header.map_or(0, |header| header.times)
    }
}

pub(super) struct Survey {
    /// By number; none is covered by another.
    pub segments: Vec<Found>,
    /// Files of an interrupted step, and what was written anew elsewhere.
    pub left_over: Vec<PathBuf>,
    /// Numbers that no file covers, first and last.
    pub missing: Vec<(u32, u32)>,
}

/// Looks at all files.
///
/// # Errors
/// A newer store, another office's, another authority's, or one that does not belong here; or the disk does not say.
pub(super) fn survey(dir: &Path, who: &Identity) -> Result<Survey, Fault> {
    let (mut numbers, mut hints, mut left_over) = (Vec::new(), Vec::new(), Vec::new());
    let failed = |e| Outage::disk("read", dir, &e);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        match (number_of(name, ".log"), number_of(name, ".hint")) {
            (Some(number), _) => numbers.push(number),
            (None, Some(number)) => hints.push(number),
            (None, None) if is_new(name) => left_over.push(dir.join(name)),
            (None, None) => {}
        }
    }
    numbers.sort_unstable();
    let found = numbers.into_iter().map(|number| find(dir, number));
    let found: Vec<Found> = found.collect::<Result<_, Fault>>()?;
    refuse_strange(dir, &found, who)?;
    let mut survey = Survey {
        segments: Vec::new(),
        left_over,
        missing: Vec::new(),
    };
    let mut next = 1;
    let mut following = found
        .iter()
        .skip(1)
        .map(|one| one.number)
        .collect::<Vec<_>>()
        .into_iter();
    for one in found {
        let after = following.next();
        if one.number < next {
            survey.left_over.push(log_path(dir, one.number));
            continue;
        }
        if one.number > next {
            survey.missing.push((next, one.number - 1));
        }
        // One whose header does not read stands for all up to the next: nothing is told as missing for its sake.
        let covers = one.header.map(|header| header.covers);
        next = covers
            .or(after.map(|after| after - 1))
            .unwrap_or(one.number)
            .saturating_add(1);
        survey.segments.push(one);
    }
    let lone = |number: &u32| !survey.segments.iter().any(|one| one.number == *number);
    let lone: Vec<PathBuf> = hints
        .into_iter()
        .filter(lone)
        .map(|number| hint_path(dir, number))
        .collect();
    survey.left_over.extend(lone);
    Ok(survey)
}

fn is_new(name: &str) -> bool {
    let whole = name.strip_suffix(".new");
    whole.is_some_and(|whole| {
        number_of(whole, ".log")
            .or(number_of(whole, ".hint"))
            .is_some()
    })
}

fn find(dir: &Path, number: u32) -> Result<Found, Fault> {
    let path = log_path(dir, number);
    let failed = |e| Outage::disk("read", &path, &e);
    let file = File::open(&path).map_err(failed)?;
    let bytes = u32::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(u32::MAX);
    let header = match Header::read(&start_of(&file).map_err(failed)?, number) {
        Start::Header(header) => Some(header),
        Start::Damaged => None,
        Start::Newer(found) => return Err(newer(dir, found)),
    };
    Ok(Found {
        number,
        file,
        header,
        bytes,
    })
}

fn newer(dir: &Path, found: u32) -> Fault {
    Fault::Newer {
        dir: dir.into(),
        found,
        known: FORMAT,
    }
}

fn refuse_strange(dir: &Path, found: &[Found], who: &Identity) -> Result<(), Fault> {
    let mut store = None;
    for header in found.iter().filter_map(|one| one.header) {
        let path = log_path(dir, header.number);
        let of = header.identity;
        if of.office != who.office {
            return Err(Fault::OfAnotherOffice(dir.into()));
        }
        if of.authority != who.authority {
            return Err(Fault::OfAnotherAuthority(dir.into()));
        }
        if of.room != who.room || *store.get_or_insert(header.from.store) != header.from.store {
            let found = of.room.name();
            return Err(Fault::InWrongPlace { path, found });
        }
    }
    Ok(())
}

/// The hint of a sealed segment, if it is a good one of this very file.
///
/// # Errors
/// The segment has records of kinds that only a newer version knows.
pub(super) fn hint_of<K: Kinds>(dir: &Path, of: &Found) -> Result<Option<Hint>, Fault> {
    // One that does not open or read is as one that is not there.
    let file = File::open(hint_path(dir, of.number)).ok();
    let hint = file.and_then(|file| Hint::read(&file).ok());
    let hint = hint.filter(|hint| {
        let Source {
            segment,
            times,
            bytes,
        } = hint.source;
        let same_times = of.header.is_none_or(|header| header.times == times);
        (segment, bytes) == (of.number, of.bytes) && same_times
    });
    match &hint {
        Some(hint) => know::<K>(dir, hint.kinds.iter().map(|OfKind { kind, .. }| *kind))?,
        None => know::<K>(dir, kinds_in(dir, of)?)?,
    }
    Ok(hint)
}

/// All kinds that a segment has, read from its records.
fn kinds_in(dir: &Path, of: &Found) -> Result<Vec<u8>, Outage> {
    let mut kinds = Vec::new();
    let mut see = |members: &[walk::Member]| {
        let new = members.iter().map(|member| member.named.kind);
        kinds.extend(new);
        kinds.sort_unstable();
        kinds.dedup();
    };
    let tail = walk::units::<std::io::Error>(&of.file, of.number, |met| {
        if let Met::Unit(members) = met {
            see(members);
        }
        Ok(())
    });
    let tail = tail.map_err(|e| Outage::disk("read", &log_path(dir, of.number), &e))?;
    for unit in tail
        .named
        .split_inclusive(|member| member.flags & MORE == 0)
    {
        see(unit);
    }
    Ok(kinds)
}

pub(super) fn know<K: Kinds>(dir: &Path, kinds: impl IntoIterator<Item = u8>) -> Result<(), Fault> {
    match kinds.into_iter().find(|kind| !knows::<K>(*kind)) {
        None => Ok(()),
        // The next format is the least that has it.
        Some(_) => Err(newer(dir, FORMAT + 1)),
    }
}
