//! Decisions come in, one JSON line each goes to the audit's files: who asked what, and what was said. Never a payload, never a
//! key. Decisions that are lost to a full disk or to the bound on the files are named in the audit itself.

mod files;

use std::path::PathBuf;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;
use tracing::{error, warn};

use crate::limits::AUDIT_LINES_MAX;
use crate::peer::Peer;

pub use files::Bounds;
use files::{Files, Turned};

/// One decision.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    pub op: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    pub answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
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
}

/// The way to the audit's file.
#[derive(Debug, Clone)]
pub struct Audit {
    lines: mpsc::Sender<Vec<u8>>,
}

/// The other end, which writes.
#[derive(Debug)]
pub struct AuditWriter {
    files: Files,
    lines: mpsc::Receiver<Vec<u8>>,
    /// Decisions that could not be written, and are not named in the audit yet.
    lost: usize,
}

impl Audit {
    pub fn new(path: PathBuf, bounds: Bounds) -> (Audit, AuditWriter) {
        let (sender, lines) = mpsc::channel(AUDIT_LINES_MAX);
        let writer = AuditWriter {
            files: Files::new(path, bounds),
            lines,
            lost: 0,
        };
        (Audit { lines: sender }, writer)
    }

    /// Writes decisions down; waits while the file is behind. A peer that has shown no certificate is none.
    pub async fn record(&self, peer: Option<&Peer>, records: impl IntoIterator<Item = Record<'_>>) {
        let peer = peer.map(ToString::to_string);
        let (now, mut lines) = (now(), Vec::new());
        for record in records {
            write_line(&mut lines, &now, peer.as_deref(), record);
        }
        if !lines.is_empty() {
            // The writer outlives the sessions, so this fails only while the process ends.
            let _ = self.lines.send(lines).await;
        }
    }
}

impl AuditWriter {
    /// Writes until the last `Audit` is gone.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.lines.recv_many(&mut waiting, 256).await > 0 {
            let lines = waiting.concat();
            waiting.clear();
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
                self.lost += lines.iter().filter(|byte| **byte == b'\n').count();
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
            && full * 4 >= most * 3
        {
            warn!(
                "{full} full files of the audit of at most {most}: move the oldest away, or they are removed"
            );
        }
    }
}

/// A line about the audit itself.
fn note(into: &mut Vec<u8>, answer: &str, what: &str) {
    let record = Record {
        op: "audit",
        subject: Some(what),
        answer,
        code: None,
        registry: 0,
        id: None,
        position: None,
    };
    write_line(into, &now(), None, record);
}

fn write_line(into: &mut Vec<u8>, time: &str, peer: Option<&str>, record: Record<'_>) {
    let line = Line { time, peer, record };
    serde_json::to_writer(&mut *into, &line).expect("a struct of plain fields is JSON");
    into.push(b'\n');
}

fn now() -> String {
    let now = OffsetDateTime::now_utc().format(&Rfc3339);
    now.expect("this century's times are RFC 3339")
}

#[cfg(test)]
mod tests;
