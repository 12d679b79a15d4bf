//! What stands in a file that is delivered into, read at the start: a file, and what is known of it, come in; lines that are there and were not
//! marked go out, to be marked now. A line counts by the hash of its event, never by its position alone, so that the file of another bus
//! says nothing. What was being written when the power went is cut off where it is no line.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use schemas::envelope::structured;
use schemas::event::{Hash, Position};
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::Ground;
use super::delivered::{Mark, Step};
use super::file::{LineFile, Written, cut, seen, sync_name};
use super::limits::{LINE_BYTES, LINES_TOGETHER};
use crate::store::Outage;

/// Whether an event is one of this bus, by who signed it.
pub type Believes = Arc<dyn Fn(&SignedEvent) -> bool + Send + Sync>;

/// By the registry of this moment: what an office signed with a key that is its own.
pub fn signed_by(registry: &Arc<Registry>) -> Believes {
    let registry = Arc::clone(registry);
    Arc::new(move |event| {
        let key = registry.key(event.keyid());
        key.is_some_and(|key| key.office == event.event().log().office)
    })
}

/// Why it could not be read.
#[derive(Debug)]
pub enum Failed {
    NotNow(String),
    Store(Outage),
}

impl From<Outage> for Failed {
    fn from(outage: Outage) -> Failed {
        Failed::Store(outage)
    }
}

/// What a line is.
enum Line {
    /// Marked as delivered, with this hash.
    Marked,
    /// Of this feed and this bus, and not marked.
    Unmarked(LogName, Position, Hash),
    /// Of another feed: another target's.
    Others,
    /// Of another bus.
    Foreign,
    /// No line of ours, or not whole.
    Broken,
}

/// Marks what stands in the file and is not marked: it was written just before the agent was killed, or what was marked is lost.
pub fn settle(ground: &Ground, file: &LineFile) -> Result<(), Failed> {
    file.alone(|| {
        let cannot = |e: io::Error| {
            let path = file.path().display();
            Failed::NotNow(format!("cannot read {path}: {e}"))
        };
        for (path, is_taken) in [(file.taken(), true), (file.path(), false)] {
            match OpenOptions::new().read(true).write(true).open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(cannot(error)),
                Ok(open) => {
                    let reading = Reading {
                        ground,
                        path,
                        is_taken,
                    };
                    reading.settle(open).map_err(|failed| match failed {
                        Ended::Io(error) => cannot(error),
                        Ended::Store(outage) => Failed::Store(outage),
                    })?;
                }
            }
        }
        match file.in_place() {
            Written::InPlace => Ok(()),
            Written::Aside(why) => Err(Failed::NotNow(why)),
        }
    })
}

enum Ended {
    Io(io::Error),
    Store(Outage),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Io(error)
    }
}

impl From<Outage> for Ended {
    fn from(outage: Outage) -> Ended {
        Ended::Store(outage)
    }
}

struct Reading<'a> {
    ground: &'a Ground,
    path: &'a Path,
    /// Nobody but us has seen its end.
    is_taken: bool,
}

/// How far lines are good.
#[derive(Default)]
struct Looked {
    /// Where the last line ends that is marked.
    marked_to: Option<u64>,
    /// The first place behind that where no line of ours is.
    broken_at: Option<u64>,
    unmarked: usize,
    foreign: usize,
    ends_whole: bool,
    last_line_at: u64,
}

impl Reading<'_> {
    fn settle(&self, mut file: File) -> Result<(), Ended> {
        let now = seen(&file)?;
        let before = self.ground.delivered.file(&self.ground.name);
        let known = before.filter(|before| before.is_same_file(&now) && before.bytes <= now.bytes);
        let from = known.map_or(0, |known| known.bytes);
        if from == now.bytes {
            return Ok(());
        }
        let looked = self.look(&mut file, from)?;
        let behind_ours = looked.marked_to.is_some() || from > 0 || self.is_taken;
        let end = match looked.broken_at {
            Some(at) if behind_ours => at,
            // Somebody else's file is left as it is, but for half a line at its end.
            Some(_) | None if !looked.ends_whole => looked.last_line_at,
            Some(_) | None => now.bytes,
        };
        if end < now.bytes {
            cut(&file, end)?;
        }
        // A killed agent's last lines may be in the cache alone.
        file.sync_data()?;
        sync_name(self.path)?;
        if looked.unmarked > 0 {
            self.mark(&mut file, from, end)?;
        }
        if looked.foreign > 0 {
            self.tell_foreign(looked.foreign);
        }
        let seen = seen(&file)?;
        Ok(self
            .ground
            .delivered
            .mark(&self.ground.name, &[], Some(seen))?)
    }

    fn look(&self, file: &mut File, from: u64) -> Result<Looked, Ended> {
        let mut looked = Looked {
            ends_whole: true,
            ..Looked::default()
        };
        let mut foreign = BTreeSet::new();
        self.lines(file, (from, u64::MAX), |at, end, bytes| {
            looked.last_line_at = at;
            looked.ends_whole = bytes.ends_with(b"\n");
            match self.judge(bytes, &mut foreign) {
                Line::Marked => {
                    looked.marked_to = Some(end);
                    looked.broken_at = None;
                }
                Line::Unmarked(..) => looked.unmarked += 1,
                Line::Others => {}
                Line::Foreign => looked.foreign += 1,
                Line::Broken => drop(looked.broken_at.get_or_insert(at)),
            }
            Ok(())
        })?;
        Ok(looked)
    }

    fn mark(&self, file: &mut File, from: u64, end: u64) -> Result<(), Ended> {
        let mut foreign = BTreeSet::new();
        let mut marks: Vec<Mark> = Vec::new();
        self.lines(file, (from, end), |_, _, bytes| {
            if let Line::Unmarked(log, position, hash) = self.judge(bytes, &mut foreign) {
                let before = self.ground.delivered.position(&self.ground.name, &log);
                let passed_over = self.ground.inbox.passed_over(&log, before, position)?;
                let step = Step::Found { passed_over };
                marks.push(Mark {
                    log,
                    position,
                    hash,
                    step,
                });
            }
            if marks.len() >= LINES_TOGETHER {
                self.ground
                    .delivered
                    .mark(&self.ground.name, &marks, None)?;
                marks.clear();
            }
            Ok(())
        })?;
        Ok(self
            .ground
            .delivered
            .mark(&self.ground.name, &marks, None)?)
    }

    /// Each line with where it begins and ends.
    fn lines(
        &self,
        file: &mut File,
        (from, end): (u64, u64),
        mut each: impl FnMut(u64, u64, &[u8]) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::new(file);
        let (mut at, mut line) = (from, Vec::new());
        while at < end {
            line.clear();
            let read = reader
                .by_ref()
                .take(LINE_BYTES as u64)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            each(at, at + read as u64, &line)?;
            at += read as u64;
        }
        Ok(())
    }

    fn judge(&self, bytes: &[u8], foreign: &mut BTreeSet<LogName>) -> Line {
        let event = bytes.strip_suffix(b"\n").map(structured::decode);
        let Some(Ok(event)) = event else {
            return Line::Broken;
        };
        let (log, position, hash) = (event.event().log(), event.link().position, event.hash());
        if log.feed != self.ground.feed {
            return Line::Others;
        }
        let known = self
            .ground
            .delivered
            .hash_of(&self.ground.name, log, position.number());
        if known == Some(hash) {
            return Line::Marked;
        }
        // A log of another bus begins from another registry, and its signers are none of this one.
        let begins_elsewhere =
            position == Position::FIRST && event.link().prev != self.ground.delivered.genesis();
        if begins_elsewhere {
            foreign.insert(log.clone());
        }
        if foreign.contains(log) || !(self.ground.believes)(&event) {
            return Line::Foreign;
        }
        Line::Unmarked(log.clone(), position, hash)
    }

    fn tell_foreign(&self, lines: usize) {
        let text = format!(
            "{}: {lines} lines in {} are of another bus; they count for nothing, and what this bus has is written behind them",
            self.ground.name,
            self.path.display()
        );
        self.ground
            .inbox
            .alarms()
            .raise("delivered-file-foreign", text);
    }
}
