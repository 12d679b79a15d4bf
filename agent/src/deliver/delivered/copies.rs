//! Two logs that say the same: what was delivered is written to one and then to the other, so that what one of them has lost is known from the
//! other. Both come in as they are found, what they say together goes out, and what is wrong with them.

use std::fs;
use std::path::Path;

use schemas::event::Hash;

use super::kinds::{Entry, Marks};
use super::state::{Key, Said, State, Word};
use crate::deliver::limits::{HASHES_KEPT, MARKS_BETWEEN_LOOKS, MARKS_SEGMENT_BYTES};
use crate::store::alarms::now_ms;
use crate::store::log::{
    CommitError, Fate, Head, Identity, Log, Looked, Opened, Reading, Repair, Section, Sizes, Weight,
};
use crate::store::{Fault, Outage, disk};

/// The names of the two, in the order in which they are written.
pub const NAMES: [&str; 2] = ["first", "second"];

pub(super) const SIZES: Sizes = Sizes {
    segment_bytes: MARKS_SEGMENT_BYTES,
};

/// One of the two.
struct Copy {
    log: Log<Marks>,
    reading: Reading,
    /// Marks since it was looked whether a segment is to be written anew.
    marks: usize,
}

/// Both logs.
pub struct Copies {
    both: [Copy; 2],
    /// The number of the last word.
    last: u64,
}

/// What both say.
pub struct Together {
    pub said: Said,
    pub begun: bool,
    /// What is wrong, in words.
    pub amiss: Option<String>,
    /// Something may be lost from both.
    pub lost: bool,
}

impl Copies {
    /// Opens both, and lets each have what only the other knows.
    ///
    /// # Errors
    /// In use, newer, somebody else's; or the disk fails.
    pub fn open(folder: &Path, who: &Identity) -> Result<(Copies, Together), Fault> {
        let open = |name: &str| Log::<Marks>::open(&folder.join(name), who, None, SIZES);
        let [(mut first, of_first), (mut second, of_second)] = [open(NAMES[0])?, open(NAMES[1])?];
        let found = [Found::of(&first, &of_first), Found::of(&second, &of_second)];
        let said = first.state().said.and(&second.state().said);
        // One that is harmed is written anew where the other one is whole; else it is kept for all that it still knows.
        if found[0].is_damaged && found[1].is_whole(&found[0]) {
            first = begun_anew(folder, NAMES[0], first, who)?;
        } else if found[1].is_damaged && found[0].is_whole(&found[1]) {
            second = begun_anew(folder, NAMES[1], second, who)?;
        }
        let together = Together {
            said,
            begun: found.iter().any(|one| one.is_there),
            amiss: amiss(&found),
            lost: (found[0].is_there || found[1].is_there)
                && !found[0].is_whole(&found[1])
                && !found[1].is_whole(&found[0]),
        };
        let mut copies = Copies {
            both: [first, second].map(|log| Copy {
                reading: log.reading(),
                log,
                marks: 0,
            }),
            last: together.said.last,
        };
        for copy in &mut copies.both {
            let missing = together.said.beyond(&copy.log.state().said);
            copy.write(missing.iter().map(|(n, word)| (*n, word)))?;
        }
        Ok((copies, together))
    }

    /// From the end on the words survive a power cut, and the loss of one of the logs.
    pub fn write(&mut self, words: &[Word]) -> Result<(), Outage> {
        for copy in &mut self.both {
            copy.write((self.last + 1..).zip(words))?;
        }
        self.last += words.len() as u64;
        Ok(())
    }

    /// The hash of what was delivered at a position, as far back as that is kept.
    pub fn hash_of(&self, key: &Key, position: u64) -> Result<Option<Hash>, Outage> {
        for copy in &self.both {
            for pair in copy.log.state().pairs(key) {
                let hash = copy.reading.find(Section::Own, pair, position, |looked| {
                    let entry = match &looked {
                        Looked::Record(record) => Entry::read(record.head()),
                        Looked::Damaged { head, .. } => Entry::read(head.as_ref()?.head()),
                    };
                    let entry = entry?;
                    let mut events = entry.events();
                    let at = events.find(|(of, event)| *of == pair && event.position == position);
                    at.map(|(_, event)| event.hash)
                })?;
                if hash.is_some() {
                    return Ok(hash);
                }
            }
        }
        Ok(None)
    }

    #[cfg(test)]
    pub fn states(&self) -> [State; 2] {
        [&self.both[0], &self.both[1]].map(|copy| copy.log.state().clone())
    }

    /// What is written until now.
    pub fn said(&self) -> &Said {
        &self.both[0].log.state().said
    }
}

/// The harmed log is set aside, and another one begun in its place.
fn begun_anew(
    folder: &Path,
    name: &str,
    harmed: Log<Marks>,
    who: &Identity,
) -> Result<Log<Marks>, Fault> {
    let (dir, kept) = (folder.join(name), format!("{name}.damaged-{}", now_ms()));
    let failed = |e| Outage::disk("set aside", &dir, &e);
    fs::rename(&dir, folder.join(kept)).map_err(failed)?;
    disk::sync_directory(folder)?;
    drop(harmed);
    let (log, _) = Log::open(&dir, who, None, SIZES)?;
    Ok(log)
}

/// One of the two, as it was found.
struct Found {
    is_there: bool,
    is_damaged: bool,
    last: u64,
}

impl Found {
    fn of(log: &Log<Marks>, opened: &Opened) -> Found {
        // What was being written when the process ended is cut, and a hint is nobody's truth.
        let harmless =
            |repair: &Repair| matches!(repair, Repair::TornTail { .. } | Repair::HintMade(_));
        Found {
            is_there: !opened.new,
            is_damaged: !opened.repairs.iter().all(harmless),
            last: log.state().said.last,
        }
    }

    fn is_whole(&self, other: &Found) -> bool {
        self.is_there && !self.is_damaged && self.last >= other.last
    }
}

/// The second may lack what the first has: it is written behind it. Never the other way.
fn amiss([first, second]: &[Found; 2]) -> Option<String> {
    if !first.is_there && !second.is_there {
        return None;
    }
    let one = |name: &str, found: &Found| match (found.is_there, found.is_damaged) {
        (false, _) => Some(format!("{name} is missing")),
        (true, false) => None,
        (true, true) => Some(format!("something in {name} does not read")),
    };
    // A power cut between the making of the two leaves the first alone, with nothing in it.
    let begun_alone = first.is_there && !second.is_there && first.last == 0;
    let behind = first.is_there && !first.is_damaged && first.last < second.last;
    let cut = behind.then(|| format!("{} has lost its end", NAMES[0]));
    let second = one(NAMES[1], second).filter(|_| !begun_alone);
    let all = [one(NAMES[0], first), cut, second];
    let all: Vec<String> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl Copy {
    fn write<'w>(&mut self, words: impl Iterator<Item = (u64, &'w Word)>) -> Result<(), Outage> {
        for (n, word) in words {
            self.stage(n, word)?;
        }
        if self.log.group_bytes() == 0 {
            return Ok(());
        }
        self.log.commit().map_err(outage)?;
        self.give_space_back()
    }

    /// One unit for each word.
    fn stage(&mut self, n: u64, word: &Word) -> Result<(), Outage> {
        let mut entries = Vec::new();
        match word {
            Word::Mark { key, up_to, also } => {
                let pair = self.pair_of(key, None)?;
                entries.push(Entry::Mark {
                    n,
                    pair,
                    up_to: up_to.clone(),
                    also: *also,
                });
                self.marks += 1;
            }
            Word::Target { target, seen } => entries.push(Entry::Target {
                n,
                target: target.clone(),
                seen: seen.clone(),
            }),
            Word::Order { target, order } => entries.push(Entry::Order {
                n,
                target: target.clone(),
                order: order.clone(),
            }),
            Word::Renamed { from, to } => {
                if let Some(before) = self.log.state().pair(from) {
                    self.pair_of(&(to.clone(), from.1.clone()), Some(before))?;
                }
            }
        }
        self.put(&entries)
    }

    /// The number of a log of a target. A new one is in the log, with what was gathered before it, when this returns; it is not synced.
    fn pair_of(&mut self, key: &Key, before: Option<u32>) -> Result<u32, Outage> {
        if let Some(pair) = self.log.state().pair(key) {
            return Ok(pair);
        }
        let pair = self.log.state().next_pair();
        let (target, log) = key.clone();
        self.put(&[Entry::Named {
            pair,
            target,
            log,
            before,
        }])?;
        self.log.append().map_err(outage)?;
        Ok(pair)
    }

    fn put(&mut self, entries: &[Entry]) -> Result<(), Outage> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut unit = self.log.unit();
        for entry in entries {
            let (kind, head) = entry.write();
            // Names, addresses and reasons are bounded where they come in.
            unit.record(kind, &head, &[]).map_err(|_| Outage::Stopped)?;
        }
        Ok(())
    }

    /// Now and then the oldest segments are written anew as one, when all that they know lies further back than hashes are kept.
    fn give_space_back(&mut self) -> Result<(), Outage> {
        if self.marks < MARKS_BETWEEN_LOOKS {
            return Ok(());
        }
        self.marks = 0;
        let state = self.log.state();
        let is_old = |weight: &Weight| {
            let mut runs = weight.runs(Section::Own).iter();
            !weight.damaged && runs.all(|run| is_forgotten(state, run.of, run.last))
        };
        let old: Vec<Weight> = self
            .reading
            .segments()
            .into_iter()
            .take_while(is_old)
            .collect();
        let know_something = old
            .iter()
            .any(|weight| !weight.runs(Section::Own).is_empty());
        let (Some(first), Some(last), true) = (old.first(), old.last(), know_something) else {
            return Ok(());
        };
        if let Some(cleaning) = self.log.cleaning(first.segment, last.segment)? {
            match cleaning.run(|state, _, head| fate(state, head)) {
                // It is tried again where there is room.
                Ok(_) | Err(Outage::Full) => {}
                Err(outage) => return Err(outage),
            }
        }
        Ok(())
    }
}

fn outage(error: CommitError) -> Outage {
    match error {
        CommitError::Full => Outage::Full,
        CommitError::Outage(outage) => outage,
    }
}

/// Whether the hash at a position is not asked for any more: the chain tells as much of what lies that far back.
fn is_forgotten(state: &State, pair: u32, position: u64) -> bool {
    position.saturating_add(HASHES_KEPT) <= state.position_of(pair)
}

/// All but hashes is in the state, with which the next segment begins.
fn fate(state: &State, head: Head<'_>) -> Fate {
    let Some(entry) = Entry::read(head) else {
        return Fate::Lives;
    };
    match entry
        .events()
        .all(|(pair, event)| is_forgotten(state, pair, event.position))
    {
        true => Fate::Dead,
        false => Fate::Lives,
    }
}
