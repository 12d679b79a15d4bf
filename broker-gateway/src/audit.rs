//! Decisions come in, one JSON line each goes to the audit's files: who asked what, and what was said. Never a payload, never a
//! key. Of a peer that makes more of them than its part, the rest is counted. Decisions that are lost to a full disk or to the bound
//! on the files are named in the audit itself.

mod files;
mod tally;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::limits::{AUDIT_COUNT_INTERVAL, AUDIT_LINES_MAX};
use crate::peer::Peer;

pub use files::Bounds;
use files::{Files, Turned};
use tally::{Counted, Kind, Tally};

/// One decision.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    pub op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    pub answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The registry's position by which it was judged.
    pub registry: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    peer: Option<&'a str>,
    #[serde(flatten)]
    record: Record<'a>,
    #[serde(flatten)]
    counted: Option<More<'a>>,
}

/// What a line says that stands for several decisions; its own time is the last one's, its position the lowest.
#[derive(Serialize)]
struct More<'a> {
    times: u64,
    since: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to_position: Option<u64>,
}

/// The tallies of all peers; None is whoever has shown no certificate.
type Tallies = BTreeMap<Option<String>, Tally>;

/// The way to the audit's file.
#[derive(Debug, Clone)]
pub struct Audit {
    lines: mpsc::Sender<Vec<u8>>,
    tallies: Arc<Mutex<Tallies>>,
}

/// The other end, which writes.
#[derive(Debug)]
pub struct AuditWriter {
    files: Files,
    lines: mpsc::Receiver<Vec<u8>>,
    tallies: Arc<Mutex<Tallies>>,
    /// Decisions that could not be written, and are not named in the audit yet.
    lost: usize,
}

impl Audit {
    pub fn new(path: PathBuf, bounds: Bounds) -> (Audit, AuditWriter) {
        let (sender, lines) = mpsc::channel(AUDIT_LINES_MAX);
        let tallies = Arc::new(Mutex::default());
        let audit = Audit {
            lines: sender,
            tallies: tallies.clone(),
        };
        let writer = AuditWriter {
            files: Files::new(path, bounds),
            lines,
            tallies,
            lost: 0,
        };
        (audit, writer)
    }

    /// Writes decisions down, or counts them; waits while the file is behind. A peer that has shown no certificate is none.
    pub async fn record(&self, peer: Option<&Peer>, records: impl IntoIterator<Item = Record<'_>>) {
        let peer = peer.map(ToString::to_string);
        let (now, mut lines) = (OffsetDateTime::now_utc(), Vec::new());
        let written = text(now);
        for record in records {
            if self.takes_line(&peer, &record, now) {
                write_line(&mut lines, &written, peer.as_deref(), record);
            }
        }
        if !lines.is_empty() {
            // The writer outlives the sessions, so this fails only while the process ends.
            let _ = self.lines.send(lines).await;
        }
    }

    fn takes_line(&self, peer: &Option<String>, record: &Record<'_>, time: OffsetDateTime) -> bool {
        let (now, mut tallies) = (Instant::now(), lock(&self.tallies));
        if let Some(tally) = tallies.get_mut(peer) {
            return tally.take_line(record, now, time);
        }
        let mut tally = Tally::new(now);
        let takes = tally.take_line(record, now, time);
        tallies.insert(peer.clone(), tally);
        takes
    }
}

impl AuditWriter {
    /// Writes until the last `Audit` is gone.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        let mut count = tokio::time::interval(AUDIT_COUNT_INTERVAL);
        let mut goes_on = true;
        while goes_on {
            let lines = tokio::select! {
                received = self.lines.recv_many(&mut waiting, 256) => {
                    goes_on = received > 0;
                    match goes_on {
                        true => waiting.concat(),
                        false => self.counted(),
                    }
                }
                _ = count.tick() => self.counted(),
            };
            waiting.clear();
            if lines.is_empty() {
                continue;
            }
            let writing = tokio::task::spawn_blocking(move || {
                self.write(&lines);
                self
            });
            match writing.await {
                Ok(writer) => self = writer,
                Err(panic) => return error!(%panic, "the audit is not written any longer"),
            }
        }
    }

    /// The lines of what was counted.
    fn counted(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (peer, tally) in lock(&self.tallies).iter_mut() {
            for (kind, counted) in tally.take_counted() {
                write_counted(&mut lines, peer.as_deref(), kind, &counted);
            }
        }
        lines
    }

    /// What could not be written is counted, and named by the first line that can be.
    fn write(&mut self, lines: &[u8]) {
        let path = self.files.path().display().to_string();
        let mut notes = Vec::new();
        match self.files.make_room(lines.len()) {
            Ok(turned) => self.tell(&turned, &mut notes),
            // The file grows beyond its bound rather than lose a decision.
            Err(error) => error!(path, %error, "a full file of the audit cannot be put away"),
        }
        if self.lost > 0 {
            note(&mut notes, "lost", &format!("{} decisions", self.lost));
        }
        match self.files.append(&[&notes, lines].concat()) {
            Ok(()) => self.lost = 0,
            Err(error) => {
                let lines = lines.iter().filter(|byte| **byte == b'\n').count();
                self.lost = self.lost.saturating_add(lines);
                let lost = self.lost;
                error!(path, %error, lost, "decisions could not be written to the audit");
            }
        }
    }

    fn tell(&self, turned: &Turned, notes: &mut Vec<u8>) {
        let most = self.files.bounds().files;
        for name in &turned.removed {
            error!(
                name,
                "the oldest file of the audit was removed: there is room for {most}"
            );
            note(notes, "removed", name);
        }
        if let Some(full) = turned.full
            && full.saturating_mul(4) >= most.saturating_mul(3)
        {
            warn!(
                "{full} full files of the audit of at most {most}: move the oldest away, or they are removed"
            );
        }
    }
}

/// A line about the audit itself.
fn note(into: &mut Vec<u8>, answer: &'static str, what: &str) {
    let record = Record {
        op: "audit",
        subject: Some(what),
        answer,
        code: None,
        registry: 0,
        id: None,
        position: None,
    };
    write_line(into, &text(OffsetDateTime::now_utc()), None, record);
}

fn write_line(into: &mut Vec<u8>, time: &str, peer: Option<&str>, record: Record<'_>) {
    let line = Line {
        time,
        peer,
        record,
        counted: None,
    };
    write(into, &line);
}

/// One line for all decisions of a kind.
fn write_counted(into: &mut Vec<u8>, peer: Option<&str>, kind: Kind, counted: &Counted) {
    let record = Record {
        op: kind.op,
        subject: None,
        answer: kind.answer,
        code: kind.code,
        registry: counted.registry,
        id: None,
        position: counted.positions.map(|(low, _)| low),
    };
    let more = More {
        times: counted.times,
        since: &text(counted.first),
        up_to_position: counted.positions.map(|(_, high)| high),
    };
    let line = Line {
        time: &text(counted.last),
        peer,
        record,
        counted: Some(more),
    };
    write(into, &line);
}

fn write(into: &mut Vec<u8>, line: &Line<'_>) {
    into.extend(schemas::json::text(line).into_bytes());
    into.push(b'\n');
}

fn text(time: OffsetDateTime) -> String {
    // This century's times are RFC 3339.
    time.format(&Rfc3339).unwrap_or_default()
}

fn lock(tallies: &Mutex<Tallies>) -> MutexGuard<'_, Tallies> {
    // Whoever panicked with the lock left whole tallies behind: each change is one call.
    tallies.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
