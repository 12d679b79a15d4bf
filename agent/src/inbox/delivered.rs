//! What was delivered: a subscription, a log and a position come in, and are on disk when `mark` returns.
//! It stands beside the inbox, so that losing the inbox delivers nothing twice. A position never goes back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::event::Position;
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
}

pub struct Delivered {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    positions: BTreeMap<(String, String), u64>,
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
        let mut positions = BTreeMap::new();
        let mut report = DeliveredReport::default();
        // A last line without its end was torn off while being written.
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n").map(read_line) {
                Some(Some(line)) => {
                    let position = positions.entry((line.subscription, line.source));
                    let position = position.or_insert(0);
                    *position = line.position.max(*position);
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
        let key = (subscription.to_owned(), log.source());
        self.inner().positions.get(&key).copied().unwrap_or(0)
    }

    /// From the end on, these are never delivered again. Blocks for one sync.
    pub fn mark(
        &self,
        subscription: &str,
        delivered: &[(LogName, Position)],
    ) -> Result<(), Outage> {
        let mut inner = self.inner();
        if inner.stopped {
            return Err(Outage::Stopped);
        }
        let mut lines = Vec::new();
        let mut new = Vec::new();
        for (log, position) in delivered {
            let key = (subscription.to_owned(), log.source());
            write_line(&mut lines, &key, position.number());
            new.push((key, position.number()));
        }
        let written = inner.file.write_all(&lines);
        let synced = written.and_then(|()| inner.file.sync_data());
        if let Err(error) = synced {
            inner.stopped = true;
            return Err(Outage::disk("write", &self.path, &error));
        }
        for (key, position) in new {
            let held = inner.positions.entry(key).or_insert(0);
            *held = position.max(*held);
        }
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
    positions: &BTreeMap<(String, String), u64>,
) -> Result<(File, u64), Outage> {
    let mut bytes = Vec::new();
    for (key, position) in positions {
        write_line(&mut bytes, key, *position);
    }
    disk::replace(path, &bytes)?;
    let file = File::options().append(true).open(path);
    let file = file.map_err(|e| Outage::disk("open", path, &e))?;
    Ok((file, u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
}

fn write_line(into: &mut Vec<u8>, (subscription, source): &(String, String), position: u64) {
    let line = Line {
        subscription: subscription.clone(),
        source: source.clone(),
        position,
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
            delivered
                .mark("hook", &[(log(), position(number))])
                .expect("marks");
        }
        drop(delivered);
        let (delivered, report) = open(&path);
        assert_eq!(report, DeliveredReport::default());
        assert_eq!(delivered.position("hook", &log()), 5);
        assert_eq!(delivered.position("other", &log()), 0);
    }

    #[test]
    fn cut_at_any_length_it_tells_no_more_than_was_delivered() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("delivered");
        let (delivered, _) = open(&path);
        for number in 1..=3 {
            delivered
                .mark("hook", &[(log(), position(number))])
                .expect("marks");
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
            delivered
                .mark("hook", &[(log(), position(number))])
                .expect("marks");
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
        let run: Vec<_> = (1..=3_000)
            .map(|number| (log(), position(number)))
            .collect();
        for part in run.chunks(500) {
            delivered.mark("hook", part).expect("marks");
        }
        let bytes = fs::metadata(&path).expect("is there").len();
        assert!(bytes < DELIVERED_BYTES, "{bytes}");
        assert_eq!(open(&path).0.position("hook", &log()), 3_000);
    }
}
