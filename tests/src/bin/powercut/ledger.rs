//! What the agent promised, written down outside of it: each line is synced before it counts.
//! In: answers, deliveries, pages as they came. Out: the same, in their order. Never: a promise that was only asked for.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// A promise, or the truth that one is held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Entry {
    /// A submission was answered with 202. `number` counts up for each submitter, who waits for each answer.
    Accepted {
        at_ns: u64,
        id: String,
        submitter: usize,
        number: u64,
        data: String,
    },
    /// An application that pages by arrival number was shown this.
    Shown {
        at_ns: u64,
        arrival: u64,
        source: String,
        position: u64,
    },
    /// The webhook was called with this.
    Posted {
        at_ns: u64,
        source: String,
        position: u64,
    },
    /// What the bus holds at a sequence of its stream, read at the end.
    OnBus {
        id: String,
        sequence: u64,
        source: String,
        position: u64,
    },
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Ledger(Arc<Mutex<File>>);

impl Ledger {
    /// Goes on behind the last whole line: a kill may have cut one short.
    pub fn begin(path: &Path) -> Result<Ledger> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        file.set_len(whole(&text(path)?).len() as u64)?;
        Ok(Ledger(Arc::new(Mutex::new(file))))
    }

    pub fn note(&self, entries: &[Entry]) -> Result<()> {
        let mut lines = String::new();
        for entry in entries {
            lines.push_str(&serde_json::to_string(entry)?);
            lines.push('\n');
        }
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(lines.as_bytes())?;
        Ok(file.sync_data()?)
    }
}

/// Everything that counts: a last line without its end was never synced.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let entry = |line: &str| Ok(serde_json::from_str(line)?);
    whole(&text(path)?).lines().map(entry).collect()
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn whole(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.expect("the clock stands behind 1970");
    u64::try_from(since.as_nanos()).expect("until 2554")
}
