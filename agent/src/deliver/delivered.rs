//! What was delivered: a target, a log, a position and a hash come in, and are on disk when `mark` returns. Targets are known by the names that
//! they have in the settings. It stands beside the inbox, so that losing the inbox delivers nothing twice.
//!
//! ```text
//! store/deliveries/bus-<genesis>/marks        lines behind checksums; the first one names authority and genesis
//!                                marks.copy   the same once more, written behind it
//!                                hashes/      the hash at each position, for what no longer stands in the lines
//! store/delivered.migrated                    what was delivered as the format before this one said it
//! ```
//!
//! Of each log and target the lines tell the last position that was delivered, the hash there, and what before it was passed over, because
//! its office had declared it lost. What is delivered late, or a second time under another hash, is told beside it. A position goes back only where
//! a branch was delivered, or a person said so. Each bus has a folder of its own: what was delivered of another authority's logs,
//! such as a training bus's, says nothing of these.

mod copies;
mod former;
mod hashes;
mod lines;
mod state;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::event::Hash;
use schemas::heal::Ranges;
use schemas::subject::LogName;

use self::copies::{Copies, Together};
pub use self::former::Here;
use self::hashes::Hashes;
use self::lines::{Begin, Entry, FORMAT, Line};
pub use self::lines::{FileSeen, Order, Ordered};
pub use self::state::{Mark, Step, UpTo};
use self::state::{Seen, State, marked, target_entry};
use super::limits::{MARKS_BYTES, ORDERS_KEPT};
use crate::settings::TargetName;
use crate::store::{Outage, disk};

/// Whose events are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusName {
    /// The fingerprint of the authority's key.
    pub authority: String,
    pub genesis: Hash,
}

/// Why what was delivered cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "store-newer: {} is written in format {found}, and this program knows format {FORMAT} and older: start the newer program, nothing was changed\n  \
         ឯកសារនេះសរសេរដោយកម្មវិធីថ្មីជាង សូមប្រើកម្មវិធីថ្មី គ្មានអ្វីត្រូវបានផ្លាស់ប្តូរទេ", .folder.display()
    )]
    Newer { folder: PathBuf, found: u32 },
    #[error(transparent)]
    Outage(#[from] Outage),
}

/// Something that a person must know of: the code of an alarm, and its text.
pub type Finding = (&'static str, String);

pub struct Delivered {
    folder: PathBuf,
    bus: BusName,
    hashes: Hashes,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    copies: Copies,
    stopped: bool,
}

impl Delivered {
    /// Opens what was delivered of this bus, or begins it; it is written anew, so that what was read is on disk.
    ///
    /// # Errors
    /// The disk failed, or a newer program has written it.
    pub fn open(store: &Path, bus: &BusName) -> Result<(Delivered, Vec<Finding>), Fault> {
        let all = store.join("deliveries");
        let folder = all.join(format!("bus-{}", bus.genesis));
        let mut found = copies::read(&folder)?;
        if let Some(newer) = found.format.filter(|format| *format > FORMAT) {
            return Err(Fault::Newer {
                folder,
                found: newer,
            });
        }
        let others = other_buses(&all, &folder);
        let hashes = Hashes::new(folder.join("hashes"));
        let mut findings = Vec::new();
        findings.extend(damage(&found, &hashes));
        if !found.begun && !others.is_empty() {
            let text = format!(
                "what was delivered until now is of another bus ({}) and says nothing of this one, {}: all of it is delivered from the beginning",
                others.join(", "),
                bus.authority
            );
            findings.push(("delivered-other-bus", text));
        }
        disk::make_directory(&folder)?;
        let mut state = State::default();
        for (n, entry) in std::mem::take(&mut found.lines) {
            state.take(n, entry);
        }
        state.last = state.last.max(found.last);
        from_hashes(&mut state, &hashes, found.lost || !found.begun);
        if found.begun || others.is_empty() {
            former::read(store, &mut state)?;
        }
        let copies = settle(&folder, bus, &hashes, &mut state)?;
        former::set_aside(store)?;
        let inner = Mutex::new(Inner {
            state,
            copies,
            stopped: false,
        });
        let delivered = Delivered {
            folder,
            bus: bus.clone(),
            hashes,
            inner,
        };
        Ok((delivered, findings))
    }

    /// From which the logs of this bus begin.
    pub fn genesis(&self) -> Hash {
        self.bus.genesis
    }

    /// How far a log is delivered.
    pub fn up_to(&self, target: &TargetName, log: &LogName) -> UpTo {
        let key = (target.to_string(), log.clone());
        let inner = self.inner();
        let up_to = inner.state.up_to.get(&key);
        up_to.map(|(_, up_to)| up_to.clone()).unwrap_or_default()
    }

    /// The last position of a log that was delivered; 0 before the first.
    pub fn position(&self, target: &TargetName, log: &LogName) -> u64 {
        self.up_to(target, log).position
    }

    /// The hash of what was delivered at a position, where that is known.
    pub fn hash_of(&self, target: &TargetName, log: &LogName, position: u64) -> Option<Hash> {
        let key = (target.to_string(), log.clone());
        let recent = {
            let inner = self.inner();
            let recent = inner.state.recent.get(&key);
            recent.and_then(|recent| recent.get(&position)).copied()
        };
        recent.or_else(|| self.hashes.get(target.as_str(), log, position))
    }

    /// Whether anything is remembered of a target.
    pub fn knows(&self, target: &TargetName) -> bool {
        let inner = self.inner();
        inner.state.targets.contains_key(target.as_str())
    }

    /// The file that a target wrote last.
    pub fn file(&self, target: &TargetName) -> Option<FileSeen> {
        let inner = self.inner();
        let seen = inner.state.targets.get(target.as_str());
        seen.and_then(|(_, seen)| seen.file)
    }

    /// What people said of a target, the last first.
    pub fn orders(&self, target: &TargetName) -> Vec<Order> {
        let inner = self.inner();
        let all = inner.state.orders.values().rev();
        let own = all.filter(|(name, _)| name == target.as_str());
        own.map(|(_, order)| order.clone())
            .take(ORDERS_KEPT)
            .collect()
    }

    /// From the end on, these are never delivered again. Blocks for two syncs.
    pub fn mark(
        &self,
        target: &TargetName,
        marks: &[Mark],
        file: Option<FileSeen>,
    ) -> Result<(), Outage> {
        let mut entries = self.inner().state.marks(target.as_str(), marks);
        if let Some(file) = file {
            let inner = self.inner();
            let seen = inner.state.targets.get(target.as_str());
            // Last: of a write that was torn no more counts as written than is marked.
            entries.extend(seen.map(|(_, seen)| {
                let file = Some(file);
                target_entry(
                    target.as_str(),
                    &Seen {
                        file,
                        ..seen.clone()
                    },
                )
            }));
        }
        self.write(entries)
    }

    /// From the end on, what a person said is remembered and done: events that are skipped, and logs that go on from where they are put.
    pub fn order(
        &self,
        target: &TargetName,
        order: Order,
        skipped: &[Mark],
        put: &[(LogName, UpTo)],
    ) -> Result<(), Outage> {
        let said = Entry::Order {
            target: target.to_string(),
            order,
        };
        let mut entries = vec![said];
        entries.extend(self.inner().state.marks(target.as_str(), skipped));
        let put = put.iter();
        entries
            .extend(put.map(|(log, up_to)| Entry::Mark(marked(target.as_str(), log, up_to, None))));
        self.write(entries)
    }

    fn write(&self, entries: Vec<Entry>) -> Result<(), Outage> {
        let mut inner = self.inner();
        if inner.stopped {
            return Err(Outage::Stopped);
        }
        let mut bytes = Vec::new();
        let numbered: Vec<Line> = (inner.state.last + 1..)
            .zip(entries)
            .map(|(n, entry)| Line { n, entry })
            .collect();
        numbered
            .iter()
            .for_each(|line| lines::write(&mut bytes, line));
        let written = inner.copies.append(&bytes);
        inner.stopped = written.is_err();
        written?;
        for Line { n, entry } in numbered {
            inner.state.take(n, entry);
        }
        if inner.copies.bytes > MARKS_BYTES {
            let settled = settle(&self.folder, &self.bus, &self.hashes, &mut inner.state);
            inner.stopped = settled.is_err();
            inner.copies = settled?;
            // Where many logs are live, the next time is as far away again.
            inner.copies.bytes = inner.copies.bytes.min(MARKS_BYTES / 2);
        }
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hashes are on disk before the lines that had them are gone.
fn settle(
    folder: &Path,
    bus: &BusName,
    hashes: &Hashes,
    state: &mut State,
) -> Result<Copies, Outage> {
    for ((target, log), recent) in &state.recent {
        // What is known by a spelling alone has no hashes.
        if target.parse::<TargetName>().is_ok() {
            hashes.put(target, log, recent)?;
        }
    }
    let begin = Begin {
        format: FORMAT,
        authority: bus.authority.clone(),
        genesis: bus.genesis.to_string(),
        last: state.last,
        lines: 0,
    };
    let entries = state.entries();
    state.orders.retain(|n, _| entries.contains_key(n));
    let copies = Copies::write(folder, begin, &entries)?;
    state.recent.clear();
    Ok(copies)
}

/// Where lines are lost, the hashes know where the logs ended when these were last written.
fn from_hashes(state: &mut State, hashes: &Hashes, lost: bool) {
    if !lost {
        return;
    }
    for (target, log, position, hash) in hashes.ends() {
        state.last += 1;
        let n = state.last;
        let up_to = UpTo {
            position,
            hash: Some(hash),
            passed_over: Ranges::default(),
        };
        let key = (target, log);
        let known = state.up_to.get(&key).map_or(0, |(_, up_to)| up_to.position);
        if known < position {
            state.up_to.insert(key, (n, up_to));
        }
    }
}

fn damage(found: &Together, hashes: &Hashes) -> Option<Finding> {
    let (what, then) = match (&found.amiss, found.begun, found.lost) {
        (Some(amiss), _, false) => (
            amiss.clone(),
            "the other one is whole; nothing is delivered again",
        ),
        (Some(amiss), _, true) => (
            amiss.clone(),
            "what neither of the two knows is delivered once more",
        ),
        (None, false, _) if hashes.exist() => (
            "marks and marks.copy are missing".to_owned(),
            "the hashes beside them tell how far it had come a while ago; what was delivered since is delivered once more",
        ),
        (None, _, _) => return None,
    };
    let text = format!("what says how far is delivered was harmed: {what}; {then}");
    Some(("delivered-damaged", text))
}

fn other_buses(all: &Path, own: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
    let others = entries.filter(|entry| entry.path() != own);
    others
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("bus-"))
        .collect()
}

#[cfg(test)]
mod tests;
