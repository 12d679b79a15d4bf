//! What was delivered: a subscription, a log and a position come in, and are on disk when `mark` returns.
//! It stands beside the inbox, so that losing the inbox delivers nothing twice. A position never goes back; what it passed over,
//! because the office had declared it lost, is named until it has come back and was delivered, too.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::event::Position;
use schemas::heal::Ranges;
use schemas::subject::LogName;
use serde::{Deserialize, Serialize};

use crate::store::limits::DELIVERED_BYTES;
use crate::store::{Outage, disk};

/// One line of the file, behind its checksum.
#[derive(Serialize, Deserialize)]
struct Line {
    subscription: String,
    source: String,
    position: u64,
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    passed_over: Ranges,
}

/// How far a log is delivered to one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct UpTo {
    position: u64,
    passed_over: Ranges,
}

/// An event that was delivered, and what before it was passed over.
#[derive(Debug, Clone)]
pub struct Mark {
    pub log: LogName,
    pub position: Position,
    pub passed_over: Ranges,
}

impl UpTo {
    fn has(&self, position: Position) -> bool {
        let number = position.number();
        number <= self.position && !self.passed_over.contains(number)
    }

    fn mark(&mut self, mark: &Mark) {
        let number = mark.position.number();
        let behind = Ranges::one(1..=self.position);
        let passed = self.passed_over.union(&mark.passed_over.without(&behind));
        self.passed_over = passed.without(&Ranges::one(number..=number));
        self.position = self.position.max(number);
    }
}

pub struct Delivered {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    positions: BTreeMap<(String, String), UpTo>,
    file: File,
    bytes: u64,
    stopped: bool,
}

/// What was amiss with the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveredReport {
    /// Lines that could not be read. What they said may be delivered once more.
    pub damaged_lines: usize,
}

impl Delivered {
    /// Opens the file, or begins it; it is written anew, so that what was read is on disk.
    pub fn open(path: &Path) -> Result<(Delivered, DeliveredReport), Outage> {
        let bytes = match fs::read(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| Outage::disk("read", path, &e))?,
        };
        let mut positions: BTreeMap<(String, String), UpTo> = BTreeMap::new();
        let mut report = DeliveredReport::default();
        // A last line without its end was torn off while being written.
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n").map(read_line) {
                Some(Some(line)) => {
                    let up_to = positions.entry((line.subscription, line.source));
                    let up_to = up_to.or_default();
                    up_to.position = line.position.max(up_to.position);
                    up_to.passed_over = line.passed_over;
                }
                Some(None) => report.damaged_lines += 1,
                None => {}
            }
        }
        let (file, bytes) = rewrite(path, &positions)?;
        let inner = Mutex::new(Inner {
            positions,
            file,
            bytes,
            stopped: false,
        });
        let path = path.into();
        Ok((Delivered { path, inner }, report))
    }

    /// The last position of a log that was delivered; 0 before the first.
    pub fn position(&self, subscription: &str, log: &LogName) -> u64 {
        self.up_to(subscription, log).position
    }

    /// What before that was passed over, and is not delivered.
    pub fn passed_over(&self, subscription: &str, log: &LogName) -> Ranges {
        self.up_to(subscription, log).passed_over
    }

    /// Whether a position was delivered.
    pub fn has(&self, subscription: &str, log: &LogName, position: Position) -> bool {
        self.up_to(subscription, log).has(position)
    }

    fn up_to(&self, subscription: &str, log: &LogName) -> UpTo {
        let key = (subscription.to_owned(), log.source());
        let inner = self.inner();
        inner.positions.get(&key).cloned().unwrap_or_default()
    }

    /// From the end on, these are never delivered again. Blocks for one sync.
    pub fn mark(&self, subscription: &str, delivered: &[Mark]) -> Result<(), Outage> {
        let mut inner = self.inner();
        if inner.stopped {
            return Err(Outage::Stopped);
        }
        let mut lines = Vec::new();
        let mut new: BTreeMap<(String, String), UpTo> = BTreeMap::new();
        for mark in delivered {
            let key = (subscription.to_owned(), mark.log.source());
            let before = || inner.positions.get(&key).cloned().unwrap_or_default();
            let up_to = new.entry(key.clone()).or_insert_with(before);
            up_to.mark(mark);
            write_line(&mut lines, &key, up_to);
        }
        let written = inner.file.write_all(&lines);
        let synced = written.and_then(|()| inner.file.sync_data());
        if let Err(error) = synced {
            inner.stopped = true;
            return Err(Outage::disk("write", &self.path, &error));
        }
        inner.positions.extend(new);
        inner.bytes += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if inner.bytes > DELIVERED_BYTES {
            inner.shorten(&self.path)?;
        }
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn shorten(&mut self, path: &Path) -> Result<(), Outage> {
        let rewritten = rewrite(path, &self.positions);
        self.stopped = rewritten.is_err();
        let (file, bytes) = rewritten?;
        self.file = file;
        // Where many logs are live, the next rewriting is as far away again.
        self.bytes = bytes.min(DELIVERED_BYTES / 2);
        Ok(())
    }
}

fn rewrite(
    path: &Path,
    positions: &BTreeMap<(String, String), UpTo>,
) -> Result<(File, u64), Outage> {
    let mut bytes = Vec::new();
    for (key, up_to) in positions {
        write_line(&mut bytes, key, up_to);
    }
    disk::replace(path, &bytes)?;
    let file = File::options().append(true).open(path);
    let file = file.map_err(|e| Outage::disk("open", path, &e))?;
    Ok((file, u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
}

fn write_line(into: &mut Vec<u8>, (subscription, source): &(String, String), up_to: &UpTo) {
    let line = Line {
        subscription: subscription.clone(),
        source: source.clone(),
        position: up_to.position,
        passed_over: up_to.passed_over.clone(),
    };
    let line = serde_json::to_string(&line).expect("a line is plain text");
    let checksum = crc32fast::hash(line.as_bytes());
    into.extend_from_slice(format!("{checksum:08x} {line}\n").as_bytes());
}

fn read_line(line: &[u8]) -> Option<Line> {
    let (checksum, line) = line.split_at_checked(9)?;
    let checksum = std::str::from_utf8(checksum).ok()?.trim_end();
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    (crc32fast::hash(line) == checksum).then_some(())?;
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> LogName {
        LogName::from_source("urn:spean:moh:siem-reap:health-quarterly").expect("a source")
    }

    fn position(number: u64) -> Position {
        Position::new(number).expect("a position")
    }

    fn mark(number: u64, passed_over: &[(u64, u64)]) -> Mark {
        Mark {
            log: log(),
            position: position(number),
            passed_over: Ranges::try_from(passed_over.to_vec()).expect("ranges"),
        }
    }

    fn open(path: &Path) -> (Delivered, DeliveredReport) {
        Delivered::open(path).expect("opens")
    }

    #[test]
    fn what_was_marked_is_there_when_it_is_opened_again_and_never_goes_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        assert_eq!(delivered.position("hook", &log()), 0);
        for number in [1, 2, 5, 3] {
            delivered.mark("hook", &[mark(number, &[])]).expect("marks");
        }
        drop(delivered);
        let (delivered, report) = open(&path);
        assert_eq!(report, DeliveredReport::default());
        assert_eq!(delivered.position("hook", &log()), 5);
        assert_eq!(delivered.position("other", &log()), 0);
    }

    #[test]
    fn what_was_passed_over_is_delivered_once_when_it_comes_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        let marks = [mark(5, &[]), mark(10, &[(3, 4), (6, 9)]), mark(7, &[])];
        delivered.mark("hook", &marks).expect("marks");
        drop(delivered);
        let (delivered, _) = open(&path);
        let has = |number| delivered.has("hook", &log(), position(number));
        let missing: Vec<u64> = (1..=11).filter(|number| !has(*number)).collect();
        assert_eq!(missing, [6, 8, 9, 11]);
        assert_eq!(delivered.passed_over("hook", &log()).to_string(), "6, 8-9");
    }

    #[test]
    fn cut_at_any_length_it_tells_no_more_than_was_delivered() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        for number in 1..=3 {
            delivered.mark("hook", &[mark(number, &[])]).expect("marks");
        }
        drop(delivered);
        let whole = fs::read(&path).expect("reads");
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).expect("cuts");
            let (delivered, report) = open(&path);
            let lines = whole[..length]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            assert_eq!(delivered.position("hook", &log()), lines as u64);
            assert_eq!(report.damaged_lines, 0);
        }
    }

    #[test]
    fn a_damaged_line_is_counted_and_the_others_hold() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        for number in 1..=3 {
            delivered.mark("hook", &[mark(number, &[])]).expect("marks");
        }
        drop(delivered);
        let mut bytes = fs::read(&path).expect("reads");
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(&path, bytes).expect("writes");
        let (delivered, report) = open(&path);
        assert_eq!(report.damaged_lines, 1);
        assert_eq!(delivered.position("hook", &log()), 2);
    }

    #[test]
    fn it_stays_short() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        let run: Vec<_> = (1..=3_000).map(|number| mark(number, &[])).collect();
        for part in run.chunks(500) {
            delivered.mark("hook", part).expect("marks");
        }
        let bytes = fs::metadata(&path).expect("is there").len();
        assert!(bytes < DELIVERED_BYTES, "{bytes}");
        assert_eq!(open(&path).0.position("hook", &log()), 3_000);
    }
}
