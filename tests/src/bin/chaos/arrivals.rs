//! What subscribers' applications have: the file into which each subscriber's agent delivers, read as the application would.
//! In: the file as it grows. Out: events in the order of their delivery. Never: what the agent says of itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

/// What the suite looks at in a delivered event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Arrived {
    pub source: String,
    pub id: String,
    #[serde(deserialize_with = "number")]
    pub sequence: u64,
}

/// One subscriber's deliveries.
pub struct Arrivals {
    file: PathBuf,
    read_to: u64,
    /// By `source`, each log in the order of its delivery.
    pub logs: BTreeMap<String, Vec<Arrived>>,
}

impl Arrivals {
    pub fn of(file: &Path) -> Arrivals {
        Arrivals {
            file: file.to_owned(),
            read_to: 0,
            logs: BTreeMap::new(),
        }
    }

    /// Reads what came since the last look; a line that is not whole yet is left for the next.
    pub fn look(&mut self) -> Result<()> {
        let Ok(mut file) = File::open(&self.file) else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let whole = &text[..whole.map_or(0, |end| end + 1)];
        self.read_to += whole.len() as u64;
        for line in whole.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
            let arrived: Arrived = serde_json::from_slice(line)?;
            let log = self.logs.entry(arrived.source.clone()).or_default();
            log.push(arrived);
        }
        Ok(())
    }
}

fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}
