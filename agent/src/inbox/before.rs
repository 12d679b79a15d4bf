//! The inbox of format 1: its index comes in, a log that says the same goes out, under the numbers of arrivals that were shown. Where something in the
//! index does not read nothing is taken over, and all is read from the bus again.
//!
//! ```text
//! index ─► for each feed: KEPT in the order of arrival ─► for each log: KEPT that is parked, DECLARED, BRANCH, ASIDE, LOG ─► CURSOR ─► ALARM
//! ```

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName, OfficeId};

use super::Cursor;
use super::kinds::{Entry, Flags, OfLogSaid, Records};
use super::reads::Held;
use super::writes::{Writes, Written, written};
use crate::store::alarms::{Alarm, now_ms};
use crate::store::before::Former;
use crate::store::before::fields::{Fields, key};
use crate::store::before::index::{Index, Unread};
use crate::store::limits::{ALARM_BYTES_MAX, GROUP_BYTES_MAX};
use crate::store::log::{CommitError, Identity, Log, Sizes, check};
use crate::store::{Fault, Outage};

/// Why it was not written.
enum Failed {
    Unread(Unread),
    Store(Fault),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Failed {
        Failed::Unread(unread)
    }
}

impl<E: Into<Fault>> From<E> for Failed {
    fn from(fault: E) -> Failed {
        Failed::Store(fault.into())
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
    let index = Index::open(old);
    let index = index.ok_or_else(|| Failed::from(Unread("it does not open".into())));
    let taken = index.and_then(|index| {
        // sled panics on some damaged pages.
        let written = catch_unwind(AssertUnwindSafe(|| write(new, who, sizes, &index)));
        written.unwrap_or_else(|_| Err(Unread("it panicked".into()).into()))
    });
    match taken {
        Ok(()) => Ok(()),
        Err(Failed::Store(fault)) => Err(fault),
        Err(Failed::Unread(unread)) => begin_empty((old, new), who, sizes, &unread),
    }
}

/// With the alarm that says why.
fn begin_empty(
    (old, new): (&Path, &Path),
    who: &Identity,
    sizes: Sizes,
    unread: &Unread,
) -> Result<(), Fault> {
    if new.exists() {
        let failed = |e| Outage::disk("remove", new, &e);
        std::fs::remove_dir_all(new).map_err(failed)?;
    }
    let text = format!(
        "the inbox did not read ({unread}) and lies in {}; all of it is read from the bus again, under new numbers",
        old.display()
    );
    let (mut log, _) = Log::open(new, who, None, sizes)?;
    let alarm = Alarm {
        at_ms: now_ms(),
        code: "inbox-damaged".into(),
        text,
    };
    put(&mut log, &[alarm_of(0, &alarm)])?;
    Ok(log.commit().map_err(outage)?)
}

fn write(new: &Path, who: &Identity, sizes: Sizes, index: &Index) -> Result<(), Failed> {
    let (mut log, _) = Log::open(new, who, None, sizes)?;
    let mut logs = BTreeMap::new();
    for name in logs_of(index)? {
        let of_log = OfLog::read(index, &name)?;
        logs.insert(name, of_log);
    }
    let feeds: Vec<FeedName> = logs.keys().map(|log| log.feed.clone()).collect();
    for feed in &feeds {
        arrivals(&mut log, index, feed)?;
    }
    for (name, of_log) in &logs {
        of_log.write(&mut log, index, name)?;
    }
    cursors(&mut log, index)?;
    for entry in index.scan(b"\0alarm") {
        let (key, value) = entry?;
        let number = Fields(key.get(6..).unwrap_or_default()).number();
        let alarm: Option<Alarm> = serde_json::from_slice(&value).ok();
        if let Some((number, alarm)) = number.zip(alarm) {
            put(&mut log, &[alarm_of(number, &alarm)])?;
        }
    }
    log.commit().map_err(outage)?;
    log.end_sealing();
    drop(log);
    let checked = check::<Records>(new, who)?;
    match checked.is_good() {
        true => Ok(()),
        false => Err(Failed::Store(Fault::Outage(Outage::Disk {
            doing: "read back",
            path: new.into(),
            reason: format!("{checked:?}"),
        }))),
    }
}

/// One unit.
fn put(log: &mut Log<Records>, records: &[Written]) -> Result<(), Outage> {
    let mut unit = log.unit();
    for one in records {
        let staged = unit.record(one.kind, &one.head, &one.bytes);
        staged.map_err(|_| Outage::Stopped)?;
    }
    // What is named in a unit has its number for the next one.
    let names = records.len() > 1;
    match names || log.group_bytes() >= GROUP_BYTES_MAX {
        true => log.append().map_err(outage),
        false => Ok(()),
    }
}

fn outage(error: CommitError) -> Outage {
    match error {
        CommitError::Full => Outage::Full,
        CommitError::Outage(outage) => outage,
    }
}

fn alarm_of(number: u64, alarm: &Alarm) -> Written {
    let text = &alarm.text[..alarm.text.floor_char_boundary(ALARM_BYTES_MAX)];
    let entry = Entry::Alarm {
        number,
        at_ms: alarm.at_ms,
        code: &alarm.code,
    };
    written(&entry, text.as_bytes())
}

fn unread(what: &str) -> Unread {
    Unread(what.into())
}

fn log_key(letter: u8, log: &LogName, rest: &[u8]) -> Vec<u8> {
    key(letter, &[log.feed.as_str(), &log.office.to_string()], rest)
}

fn logs_of(index: &Index) -> Result<Vec<LogName>, Unread> {
    let name = |key: &[u8]| {
        let mut from = Fields(key.get(1..)?);
        let feed: FeedName = from.name()?.parse().ok()?;
        let office: OfficeId = from.name()?.parse().ok()?;
        Some(LogName { feed, office })
    };
    let keys = index.scan(b"l");
    keys.map(|entry| name(&entry?.0).ok_or_else(|| unread("a log")))
        .collect()
}

/// What has arrived of a feed, in that order.
fn arrivals(log: &mut Log<Records>, index: &Index, feed: &FeedName) -> Result<(), Failed> {
    let prefix = key(b'r', &[feed.as_str()], b"");
    let mut reached: BTreeMap<LogName, u64> = BTreeMap::new();
    for entry in index.scan(&prefix) {
        let (_, value) = entry?;
        let mut from = Fields(&value);
        let mut read = || {
            let for_applications = from.byte()? != 0;
            let position = Position::new(from.number()?)?;
            let office = from.text()?.parse().ok()?;
            Some((for_applications, position, office))
        };
        let (for_applications, position, office) = read().ok_or_else(|| unread("an arrival"))?;
        let name = LogName {
            feed: feed.clone(),
            office,
        };
        let (mut held, bytes) = event(index, &name, position)?;
        let number = position.number().to_be_bytes();
        let first = index.get(&log_key(b'i', &name, held.id.as_bytes()))?;
        let unbelieved = index.get(&log_key(b'v', &name, &number))?.is_some();
        let before = reached.entry(name.clone()).or_default();
        held.flags = Flags::default()
            .with(Flags::FOR_APPLICATIONS, for_applications)
            .with(Flags::LATE, position.number() < *before)
            .with(Flags::UNBELIEVED, unbelieved)
            .with(Flags::FIRST_OF_ID, first.as_deref() == Some(&number));
        *before = position.number().max(*before);
        let mut writes = Writes::of(log.state(), &name);
        writes.kept(position, &held, &bytes);
        put(log, &writes.records())?;
    }
    Ok(())
}

/// What stands at a position, and its bytes.
fn event(index: &Index, log: &LogName, position: Position) -> Result<(Held, Vec<u8>), Unread> {
    let number = position.number().to_be_bytes();
    let value = index.get(&log_key(b'e', log, &number))?.unwrap_or_default();
    let held = read_held(&value).ok_or_else(|| unread("an event"))?;
    let bytes = index.whole(&log_key(b'b', log, &number))?;
    Ok((held, bytes.ok_or_else(|| unread("an event's bytes"))?))
}

fn read_held(value: &[u8]) -> Option<Held> {
    let mut from = Fields(value);
    Some(Held {
        hash: from.hash()?,
        prev: from.hash()?,
        arrival: from.number()?,
        flags: Flags::default(),
        size: from.number()?,
        id: from.text()?.into(),
    })
}

/// How far a log had come.
struct OfLog {
    said: OfLogSaid,
    has_parked: bool,
}

impl OfLog {
    fn read(index: &Index, log: &LogName) -> Result<OfLog, Unread> {
        let value = index.get(&log_key(b'l', log, b""))?.unwrap_or_default();
        let confirmed = index.get(&log_key(b'k', log, b""))?;
        let confirmed = confirmed.and_then(|value| Fields(&value).number());
        let on_branch = index.get(&log_key(b'f', log, b""))?.is_some();
        let mut from = Fields(&value);
        let mut read = || {
            let (complete, hash, known) = (from.number()?, from.hash()?, from.number()?);
            let (parked, _bytes) = (from.number()?, from.number()?);
            let said = OfLogSaid {
                complete,
                hash,
                known,
                left_behind: from.byte()? != 0,
                confirmed: confirmed.unwrap_or(0),
                on_branch,
            };
            let has_parked = parked > 0;
            Some(OfLog { said, has_parked })
        };
        read().ok_or_else(|| unread("a log"))
    }

    /// What is parked, declared, beside, and not believed; then what was said of the log.
    fn write(&self, log: &mut Log<Records>, index: &Index, name: &LogName) -> Result<(), Failed> {
        let events = log_key(b'e', name, b"");
        let parked = index.scan(&events).filter(|_| self.has_parked);
        for entry in parked {
            let (key, value) = entry?;
            let held = read_held(&value).ok_or_else(|| unread("an event"))?;
            let number = Fields(key.get(events.len()..).unwrap_or_default()).number();
            if let Some(position) = number.and_then(Position::new).filter(|_| held.arrival == 0) {
                let (held, bytes) = event(index, name, position)?;
                let mut writes = Writes::of(log.state(), name);
                writes.kept(position, &held, &bytes);
                put(log, &writes.records())?;
            }
        }
        let declared = log_key(b'd', name, b"");
        for entry in index.scan(&declared) {
            let (key, value) = entry?;
            let last = Fields(key.get(declared.len()..).unwrap_or_default()).number();
            let mut from = Fields(&value);
            let read = last.zip(from.number()).zip(from.hash());
            let ((last, first), hash) = read.ok_or_else(|| unread("a declaration"))?;
            let mut writes = Writes::of(log.state(), name);
            writes.declared((first, last), hash);
            put(log, &writes.records())?;
        }
        for (letter, write) in [
            (
                b'x',
                Writes::branch as fn(&mut Writes, (Position, Hash), &[u8]),
            ),
            (b'u', Writes::aside),
        ] {
            for key in index.scan_whole(&log_key(letter, name, b"")) {
                let key = key?;
                let place = place(&key).ok_or_else(|| unread("an event beside"))?;
                let bytes = index.whole(&key)?;
                let bytes = bytes.ok_or_else(|| unread("an event beside"))?;
                let mut writes = Writes::of(log.state(), name);
                write(&mut writes, place, &bytes);
                put(log, &writes.records())?;
            }
        }
        let mut writes = Writes::of(log.state(), name);
        writes.log(self.said);
        Ok(put(log, &writes.records())?)
    }
}

/// Position and hash at the end of a key.
fn place(key: &[u8]) -> Option<(Position, Hash)> {
    let (_, end) = key.split_at_checked(key.len().checked_sub(40)?)?;
    let mut from = Fields(end);
    Some((Position::new(from.number()?)?, from.hash()?))
}

fn cursors(log: &mut Log<Records>, index: &Index) -> Result<(), Failed> {
    for entry in index.scan(b"c") {
        let (key, value) = entry?;
        let name = Fields(key.get(1..).unwrap_or_default()).name();
        let feed: Option<FeedName> = name.and_then(|name| name.parse().ok());
        let mut from = Fields(&value);
        let read = feed.zip(from.number()).zip(from.hash());
        let ((feed, stream_sequence), hash) = read.ok_or_else(|| unread("a cursor"))?;
        let mut writes = Writes::of_feed(log.state(), &feed);
        writes.cursor(Cursor {
            stream_sequence,
            hash,
        });
        put(log, &writes.records())?;
    }
    Ok(())
}
