//! What was delivered: a target, a log, a position and a hash come in, and are on disk when `mark` returns. Targets are known by the names that
//! they have in the settings. It stands beside the inbox, so that losing the inbox delivers nothing twice.
//!
//! ```text
//! store/2/marks/bus-<genesis>/first/    a log of records (kinds.rs); the state is the fold over them (state.rs)
//!                             second/   the same once more, written behind it
//! ```
//!
//! Of each log and target the records tell the last position that was delivered, the hash there, and what before it was passed over, because
//! its office had declared it lost. What is delivered late, or a second time under another hash, is told beside it. A position goes back only where
//! a branch was delivered, or a person said so. Each bus has a folder of its own: what was delivered of another authority's logs,
//! such as a training bus's, says nothing of these.

mod before;
mod copies;
mod former;
mod kinds;
mod state;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::event::Hash;
use schemas::subject::LogName;

use self::copies::{Copies, Together};
pub use self::former::Here;
pub use self::kinds::{FileSeen, Order, Ordered};
pub use self::state::{Mark, Step, UpTo};
use self::state::{Said, Seen, Word};
use super::limits::ORDERS_KEPT;
use crate::settings::TargetName;
use crate::store::log::{Identity, Room};
use crate::store::{self, Fault, Outage};

/// Whose events are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusName {
    /// The fingerprint of the authority's key.
    pub authority: String,
    pub genesis: Hash,
}

/// Something that a person must know of: the code of an alarm, and its text.
pub type Finding = (&'static str, String);

pub struct Delivered {
    bus: BusName,
    inner: Mutex<Inner>,
}

struct Inner {
    copies: Copies,
    stopped: bool,
}

impl Delivered {
    /// Opens what was delivered of this bus, below an agent's data folder, or begins it.
    ///
    /// # Errors
    /// It is in use, of format 1, newer, or somebody else's; or the disk failed.
    pub fn open(
        store: &Path,
        bus: &BusName,
        who: &Identity,
    ) -> Result<(Delivered, Vec<Finding>), Fault> {
        let all = store::folder(store, Room::Marks);
        let name = format!("bus-{}", bus.genesis);
        let folder = all.join(&name);
        let mut unread = 0;
        store::before::take_over(store, Room::Marks, |former, new| {
            unread = before::take_over(former, new, &name, &who.in_room(Room::Marks))?;
            Ok(())
        })?;
        let others = other_buses(&all, &folder);
        let (copies, found) = Copies::open(&folder, &who.in_room(Room::Marks))?;
        let mut findings: Vec<Finding> = damage(&found).into_iter().collect();
        if unread > 0 {
            let text = format!(
                "what says how far is delivered was harmed in format 1: {unread} lines do not read; what they alone knew is delivered once more"
            );
            findings.push(("delivered-damaged", text));
        }
        if !found.begun && !others.is_empty() {
            let text = format!(
                "what was delivered until now is of another bus ({}) and says nothing of this one, {}: all of it is delivered from the beginning",
                others.join(", "),
                bus.authority
            );
            findings.push(("delivered-other-bus", text));
        }
        let inner = Mutex::new(Inner {
            copies,
            stopped: false,
        });
        let bus = bus.clone();
        Ok((Delivered { bus, inner }, findings))
    }

    /// From which the logs of this bus begin.
    pub fn genesis(&self) -> Hash {
        self.bus.genesis
    }

    /// How far a log is delivered.
    pub fn up_to(&self, target: &TargetName, log: &LogName) -> UpTo {
        let key = (target.to_string(), log.clone());
        let inner = self.inner();
        let up_to = inner.said().up_to.get(&key);
        up_to.map(|(_, up_to)| up_to.clone()).unwrap_or_default()
    }

    /// The last position of a log that was delivered; 0 before the first.
    pub fn position(&self, target: &TargetName, log: &LogName) -> u64 {
        self.up_to(target, log).position
    }

    /// The hash of what was delivered at a position, where that is known.
    pub fn hash_of(&self, target: &TargetName, log: &LogName, position: u64) -> Option<Hash> {
        let key = (target.to_string(), log.clone());
        match self.inner().copies.hash_of(&key, position) {
            Ok(hash) => hash,
            // Unknown is no word about what was delivered: whoever asks looks along the chain.
            Err(error) => {
                tracing::error!(%error, "cannot read what was delivered");
                None
            }
        }
    }

    /// Whether anything is remembered of a target.
    pub fn knows(&self, target: &TargetName) -> bool {
        let inner = self.inner();
        inner.said().targets.contains_key(target.as_str())
    }

    /// The file that a target wrote last.
    pub fn file(&self, target: &TargetName) -> Option<FileSeen> {
        let inner = self.inner();
        let seen = inner.said().targets.get(target.as_str());
        seen.and_then(|(_, seen)| seen.file)
    }

    /// What people said of a target, the last first.
    pub fn orders(&self, target: &TargetName) -> Vec<Order> {
        let inner = self.inner();
        let all = inner.said().orders.values().rev();
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
        let words = {
            let inner = self.inner();
            let mut words = inner.said().marks(target.as_str(), marks);
            let seen = inner.said().targets.get(target.as_str());
            // Last: of a write that was torn no more counts as written than is marked.
            words.extend(file.zip(seen).map(|(file, (_, seen))| Word::Target {
                target: target.to_string(),
                seen: Seen {
                    file: Some(file),
                    ..seen.clone()
                },
            }));
            words
        };
        self.write(&words)
    }

    /// From the end on, what a person said is remembered and done: events that are skipped, and logs that go on from where they are put.
    pub fn order(
        &self,
        target: &TargetName,
        order: Order,
        skipped: &[Mark],
        put: &[(LogName, UpTo)],
    ) -> Result<(), Outage> {
        let mut words = vec![Word::Order {
            target: target.to_string(),
            order,
        }];
        words.extend(self.inner().said().marks(target.as_str(), skipped));
        words.extend(put.iter().map(|(log, up_to)| Word::Mark {
            key: (target.to_string(), log.clone()),
            up_to: up_to.clone(),
            also: None,
        }));
        self.write(&words)
    }

    fn write(&self, words: &[Word]) -> Result<(), Outage> {
        let mut inner = self.inner();
        if inner.stopped {
            return Err(Outage::Stopped);
        }
        let written = inner.copies.write(words);
        inner.stopped = written.is_err();
        written
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn said(&self) -> &Said {
        self.copies.said()
    }
}

fn damage(found: &Together) -> Option<Finding> {
    let amiss = found.amiss.as_ref()?;
    let then = match found.lost {
        false => "the other one is whole; nothing is delivered again",
        true => "what neither of the two knows is delivered once more",
    };
    let text = format!("what says how far is delivered was harmed: {amiss}; {then}");
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
