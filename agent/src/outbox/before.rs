//! The outbox of format 1: journal and index come in, a log that says the same goes out. The journal says what waits and what lies in the tray, the index
//! what became of it and what is settled. Where the index does not read the journal alone counts, and the rest comes back from the bus.
//!
//! ```text
//! journal ──► line (what waits, what is in the tray, by number) ──┐
//! index ────► what is settled, lost, pruned, vouched for ... ─────┴─► NAMED, then for each feed: PRUNED BRANCH ACCEPTED REFUSED LOST SETTLED
//!                                                                     REMAINS RECEIPT UNTOLD READER, then ALARM
//! ```
//! Places in line are numbered anew, in their order: in format 1 all feeds shared one numbering. *Time* 1 stands behind all retractions of before.

mod line;
mod own;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use schemas::subject::FeedName;

use self::line::Line;
use super::committer::full_or_outage;
use super::facts::{Fact, Raised};
use super::kinds;
use crate::store::alarms::now_ms;
use crate::store::before::index::{Index, Unread};
use crate::store::before::{Former, fields::Fields};
use crate::store::limits::{ALARM_BYTES_MAX, ALARMS_MAX, GROUP_BYTES_MAX};
use crate::store::log::{Identity, Log, Sizes, check};
use crate::store::{Fault, Outage};

/// Why it was not written.
#[derive(Debug)]
pub(super) enum Failed {
    /// The index does not read.
    Unread(Unread),
    Store(Fault),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Failed {
        Failed::Unread(unread)
    }
}

impl From<Outage> for Failed {
    fn from(outage: Outage) -> Failed {
        Failed::Store(outage.into())
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Failed {
        Failed::Store(fault)
    }
}

/// Writes what was kept in format 1 into a new folder, synced and read back.
///
/// # Errors
/// The disk failed, or what was written does not read.
pub fn take_over(former: &Former, new: &Path, who: &Identity, sizes: Sizes) -> Result<(), Fault> {
    let Some(old) = former.places.first() else {
        return Ok(());
    };
    let with_index = Index::open(old).map(|index| {
        // sled panics on some damaged pages.
        let written = catch_unwind(AssertUnwindSafe(|| {
            write(old, new, who, sizes, Some(&index))
        }));
        written.unwrap_or_else(|_| Err(Unread("it panicked".into()).into()))
    });
    match with_index {
        Some(Ok(())) => return Ok(()),
        Some(Err(Failed::Store(fault))) => return Err(fault),
        Some(Err(Failed::Unread(unread))) => {
            tracing::warn!(%unread, "the journal alone is taken over");
            let failed = |e| Outage::disk("remove", new, &e);
            std::fs::remove_dir_all(new).map_err(failed)?;
        }
        None => {}
    }
    match write(old, new, who, sizes, None) {
        Ok(()) => Ok(()),
        Err(Failed::Store(fault)) => Err(fault),
        // Without an index there is none that does not read.
        Err(Failed::Unread(_)) => Err(Outage::Stopped.into()),
    }
}

fn write(
    old: &Path,
    new: &Path,
    who: &Identity,
    sizes: Sizes,
    index: Option<&Index>,
) -> Result<(), Failed> {
    let mut line = Line::read(&old.join("journal"), index)?;
    let (log, _) = Log::open(new, who, None, sizes)?;
    let mut anew = Anew {
        log,
        feeds: BTreeMap::new(),
        alarms: 0,
        dir: new.into(),
    };
    for feed in line.feeds(index)? {
        let number = anew.name(&feed)?;
        own::before_the_line(&mut anew, (&feed, number), index, &line)?;
        line.write(&mut anew, (&feed, number))?;
        if let Some(index) = index {
            line.write_lost(&mut anew, (&feed, number), index)?;
            own::write(&mut anew, (&feed, number), index, &line)?;
        }
    }
    alarms(&mut anew, index)?;
    line.tell(&mut anew)?;
    if index.is_none() && line.is_not_empty() {
        let text = "what was settled was not taken over from the store of format 1, whose index does not read: it comes back from the bus";
        anew.alarm(now_ms(), "log-damaged", text)?;
    }
    anew.finish(who)
}

/// The alarms that were kept, oldest first.
fn alarms(anew: &mut Anew, index: Option<&Index>) -> Result<(), Failed> {
    #[derive(serde::Deserialize)]
    struct Alarm {
        at_ms: u64,
        code: String,
        text: String,
    }
    let kept = index.map(|index| index.scan(b"\0alarm"));
    for entry in kept.into_iter().flatten() {
        let (key, value) = entry?;
        let mut number = Fields(key.get(6..).unwrap_or_default());
        let alarm: Option<Alarm> = serde_json::from_slice(&value).ok();
        if let Some((number, alarm)) = number.number().zip(alarm) {
            anew.alarms = number;
            anew.alarm(alarm.at_ms, &alarm.code, &alarm.text)?;
        }
    }
    Ok(())
}

/// The log that is being written.
pub(super) struct Anew {
    log: Log<kinds::Outbox>,
    feeds: BTreeMap<FeedName, u32>,
    /// The number of the next alarm.
    alarms: u64,
    dir: PathBuf,
}

impl Anew {
    /// A unit of one record.
    pub fn put(&mut self, fact: &Fact<'_>, bytes: &[u8]) -> Result<(), Outage> {
        self.unit(&[(*fact, bytes)])
    }

    /// Records that count together.
    pub fn unit(&mut self, facts: &[(Fact<'_>, &[u8])]) -> Result<(), Outage> {
        let mut unit = self.log.unit();
        for (fact, bytes) in facts {
            let (kind, head) = fact.write();
            let staged = unit.record(kind, &head, bytes);
            staged.map_err(|unfit| Outage::Disk {
                doing: "write to",
                path: self.dir.clone(),
                reason: unfit.to_string(),
            })?;
        }
        if self.log.group_bytes() >= GROUP_BYTES_MAX {
            self.log.append().map_err(full_or_outage)?;
        }
        Ok(())
    }

    fn name(&mut self, feed: &FeedName) -> Result<u32, Outage> {
        let next = u32::try_from(self.feeds.len()).unwrap_or(u32::MAX);
        let number = next.saturating_add(1);
        self.feeds.insert(feed.clone(), number);
        self.put(&Fact::Named(number, feed.as_str()), &[])?;
        Ok(number)
    }

    pub fn alarm(&mut self, at_ms: u64, code: &str, text: &str) -> Result<(), Outage> {
        let number = self.alarms;
        self.alarms = number.saturating_add(1);
        let text = &text[..text.floor_char_boundary(ALARM_BYTES_MAX)];
        let raised = Fact::Alarm(Raised {
            number,
            at_ms,
            code,
        });
        self.put(&raised, text.as_bytes())
    }

    /// All of it is synced, and reads as it was written.
    fn finish(mut self, who: &Identity) -> Result<(), Failed> {
        self.log.commit().map_err(full_or_outage)?;
        self.log.end_sealing();
        let dir = self.dir.clone();
        drop(self.log);
        let checked = check::<kinds::Outbox>(&dir, who)?;
        match checked.is_good() {
            true => Ok(()),
            false => Err(Failed::Store(Fault::Outage(Outage::Disk {
                doing: "read back",
                path: dir,
                reason: format!("{checked:?}"),
            }))),
        }
    }
}

/// Alarms of single events beyond these are counted alone.
const TOLD_MAX: usize = ALARMS_MAX;
