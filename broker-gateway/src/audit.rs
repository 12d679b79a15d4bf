//! Decisions come in, one JSON line each goes to the audit's file: who asked what, and what was said. Never a payload, never a
//! key. The file is only ever appended to and grows until the operator moves it away; it is opened anew when it was moved.

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tracing::error;

use crate::limits::AUDIT_LINES_MAX;
use crate::peer::Peer;

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
    path: PathBuf,
    lines: mpsc::Receiver<Vec<u8>>,
}

impl Audit {
    pub fn new(path: PathBuf) -> (Audit, AuditWriter) {
        let (sender, lines) = mpsc::channel(AUDIT_LINES_MAX);
        (Audit { lines: sender }, AuditWriter { path, lines })
    }

    /// Writes decisions down; waits while the file is behind. A peer that has shown no certificate is none.
    pub async fn record(&self, peer: Option<&Peer>, records: impl IntoIterator<Item = Record<'_>>) {
        let peer = peer.map(ToString::to_string);
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .expect("this century's times are RFC 3339");
        let mut lines = Vec::new();
        for record in records {
            let line = Line {
                time: &now,
                peer: peer.as_deref(),
                record,
            };
            serde_json::to_writer(&mut lines, &line).expect("a struct of plain fields is JSON");
            lines.push(b'\n');
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
            if let Err(error) = append(&self.path, &lines).await {
                error!(path = %self.path.display(), %error, "decisions could not be written to the audit");
            }
        }
    }
}

async fn append(path: &Path, lines: &[u8]) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(path).await?;
    file.write_all(lines).await?;
    file.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[tokio::test]
    async fn each_decision_is_one_line_behind_those_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.ndjson");
        std::fs::write(&path, "{}\n").expect("written");
        let (audit, writer) = Audit::new(path.clone());
        let record = |answer| Record {
            op: "publish",
            subject: Some("a\"\nb"),
            answer,
            code: None,
            registry: 3,
            id: Some("x"),
            position: None,
        };
        let peer = fixtures::peer("moh/hq");
        audit
            .record(Some(&peer), [record("stored"), record("held")])
            .await;
        drop(audit);
        writer.run().await;
        let text = std::fs::read_to_string(&path).expect("a file");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1]["peer"], "moh/hq");
        assert_eq!(lines[2]["answer"], "held");
        assert_eq!(lines[2].get("code"), None);
    }
}
