//! Opening: an agent's data folder comes in, an inbox that knows all that was kept goes out, and what was amiss. One of which something does not
//! read is set aside as it is: everything is then read from the bus again, under numbers of arrivals that nobody has seen.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock, Weak};

use schemas::subject::LogName;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::kinds::{Entry, Records};
use super::reads::{Reads, Unread};
use super::writing::DAMAGED_FILE;
use super::{Inbox, Inner, before, confirmed, numbers};
use crate::store::alarms::{Alarm, Alarms, now_ms};
use crate::store::log::{self, CommitError, Identity, Log, Opened, Room, Sizes};
use crate::store::tables::Tables;
use crate::store::{self, Fault, Outage, disk};

const SIZES: Sizes = Sizes {
    segment_bytes: log::limits::SEGMENT_BYTES_MAX,
};

/// What was amiss at an opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Something did not read: all of it lies there now, and is read from the bus again.
    SetAside { kept: PathBuf, reason: String },
    /// A write that was under way when the process ended was cut off, or a hint was made anew: nothing is lost.
    OfLog(log::Repair),
}

impl Inbox {
    /// Opens the inbox below an agent's data folder, or begins one. Call it where blocking is allowed.
    /// A damaged one is set aside and told; everything is then read from the bus again.
    ///
    /// # Errors
    /// When it is in use, of format 1, newer, or somebody else's; or the disk fails.
    pub fn open(data: &Path, who: &Identity) -> Result<(Inbox, Vec<Repair>), Fault> {
        Inbox::open_sized(data, who, SIZES)
    }

    pub(super) fn open_sized(
        data: &Path,
        who: &Identity,
        sizes: Sizes,
    ) -> Result<(Inbox, Vec<Repair>), Fault> {
        let dir = store::folder(data, Room::Inbox);
        let who = who.in_room(Room::Inbox);
        store::before::take_over(data, Room::Inbox, |former, new| {
            before::take_over(former, new, &who, sizes)
        })?;
        let (log, opened) = Log::open(&dir, &who, None, sizes)?;
        let Some(reason) = damage(&dir, &opened) else {
            return begin(dir, log, opened, None);
        };
        // The log is still ours: nobody opens the folder while it gets its other name.
        let kept = set_aside(&dir)?;
        drop(log);
        let (log, opened) = Log::open(&dir, &who, None, sizes)?;
        begin(dir, log, opened, Some((kept, reason)))
    }

    /// Whether a number of a cut end may have been shown, and to whom, nobody knows: none of them is given again.
    fn pass_over_numbers(&self) -> Result<(), Outage> {
        self.with_log(|log| {
            let least = numbers::behind_all(log.state());
            let (kind, head) = Entry::Numbers { least }.write();
            let staged = log.unit().record(kind, &head, &[]);
            staged.map_err(|_| Outage::Stopped)?;
            log.commit().map_err(|error| match error {
                CommitError::Full => Outage::Full,
                CommitError::Outage(outage) => outage,
            })
        })
    }

    /// What was parked when the process ended may be able to arrive.
    fn unpark_all(&self) -> Result<(), Outage> {
        self.with_log(|log| {
            let logs = log.state().logs();
            let parked = logs.filter(|(_, of_log)| of_log.state.parked_events > 0);
            let parked: Vec<LogName> = parked.map(|(name, _)| name.clone()).collect();
            for name in &parked {
                self.unpark(log, name)?;
            }
            self.finish(log, None)
        })
    }
}

fn begin(
    dir: PathBuf,
    log: Log<Records>,
    opened: Opened,
    set_aside: Option<(PathBuf, String)>,
) -> Result<(Inbox, Vec<Repair>), Fault> {
    let (reading, state) = (log.reading(), Arc::new(log.state().clone()));
    let tables = Tables::make(&dir.join("tables"))?;
    let mut alarms: BTreeMap<u64, Alarm> = BTreeMap::new();
    let reads = Reads {
        state: &state,
        reading: &reading,
        tables: &tables,
    };
    let filled = reads.fill_tables(|number, alarm| {
        alarms.insert(number, alarm);
    });
    filled.map_err(|unread| match unread {
        Unread::Outage(outage) => outage,
        Unread::Damaged(_) => Outage::Stopped,
    })?;
    let raised: Arc<Mutex<VecDeque<(u64, Alarm)>>> = Arc::default();
    let inner = Arc::new_cyclic(|inner: &Weak<Inner>| Inner {
        alarms: alarms_of(alarms.into_values().collect(), state.alarms, &raised, inner),
        raised,
        first_arrival: numbers::first(log.synced().store),
        dir,
        log: Mutex::new(log),
        reading,
        tables,
        shown: RwLock::new(state),
        news: watch::Sender::new(0),
        confirming: confirmed::Confirming::default(),
        failed: CancellationToken::new(),
    });
    let inbox = Inbox { inner };
    let mut repairs = Vec::new();
    if let Some((kept, reason)) = set_aside {
        let text = format!(
            "the inbox did not read ({reason}) and was set aside as {}; all of it is read from the bus again, under new numbers",
            kept.display()
        );
        inbox.alarms().raise("inbox-damaged", text);
        repairs.push(Repair::SetAside { kept, reason });
    }
    if opened.repairs.iter().any(is_cut) {
        inbox.pass_over_numbers()?;
    }
    inbox.unpark_all()?;
    repairs.extend(opened.repairs.into_iter().map(Repair::OfLog));
    Ok((inbox, repairs))
}

/// An alarm waits until it is written, at once where nobody is writing.
fn alarms_of(
    last: VecDeque<Alarm>,
    count: u64,
    raised: &Arc<Mutex<VecDeque<(u64, Alarm)>>>,
    inner: &Weak<Inner>,
) -> Alarms {
    let (raised, inner) = (Arc::clone(raised), Weak::clone(inner));
    Alarms::new(last, count, move |number, alarm| {
        let mut waiting = raised.lock().map_err(|_| Outage::Stopped)?;
        waiting.push_back((number, alarm.clone()));
        drop(waiting);
        if let Some(inner) = inner.upgrade() {
            inner.write_what_was_raised_meanwhile();
        }
        Ok(())
    })
}

fn is_cut(repair: &log::Repair) -> bool {
    matches!(repair, log::Repair::TornTail { .. })
}

/// Why a log is not to be believed: something in it did not read, now or before.
fn damage(dir: &Path, opened: &Opened) -> Option<String> {
    if let Ok(reason) = fs::read_to_string(dir.join(DAMAGED_FILE)) {
        return Some(reason);
    }
    let harmless =
        |repair: &&log::Repair| matches!(repair, log::Repair::HintMade(_)) || is_cut(repair);
    let worst = opened.repairs.iter().find(|repair| !harmless(repair));
    worst.map(|repair| format!("{repair:?}"))
}

fn set_aside(dir: &Path) -> Result<PathBuf, Outage> {
    let mut kept = dir.as_os_str().to_owned();
    kept.push(format!(".damaged-{}", now_ms()));
    let kept = PathBuf::from(kept);
    fs::rename(dir, &kept).map_err(|e| Outage::disk("set aside", dir, &e))?;
    disk::sync_directory(kept.parent().unwrap_or(Path::new(".")))?;
    Ok(kept)
}
