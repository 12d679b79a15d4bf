//! The journal of acts: who ordered what comes in, a line on disk goes out, before the thing is done. It stays on this computer, and it is
//! never longer than two files.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};

use super::door::Who;
use super::door::people::Role;
use super::limits::{ACTS_BYTES_MAX, ACTS_BYTES_SHOWN};
use crate::store::{Outage, disk};

/// What a person did at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "kebab-case")]
pub enum Act {
    Opened,
    SignedIn,
    SignedOut,
    PinWrong,
    Released {
        feed: FeedName,
        id: String,
    },
    Dropped {
        feed: FeedName,
        id: String,
    },
    HandedIn {
        feed: FeedName,
        id: String,
        /// What was said of an unusual figure, or of a correction.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    HandedInSheet {
        feed: FeedName,
        /// The file's.
        name: String,
        reports: usize,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    AskedApproval {
        feed: FeedName,
        id: String,
    },
    GaveBack {
        feed: FeedName,
        id: String,
        why: String,
    },
    Withdrew {
        feed: FeedName,
        id: String,
    },
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at_ms: u64,
    /// None where the office has named no people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(flatten)]
    pub act: Act,
}

pub struct Acts {
    path: PathBuf,
    writing: Mutex<()>,
}

impl Acts {
    pub fn new(path: PathBuf) -> Acts {
        Acts {
            path,
            writing: Mutex::default(),
        }
    }

    /// From the end on, it is written down for good.
    ///
    /// # Errors
    /// The disk does not take it: then it must not be done.
    pub fn write(&self, who: &Who, act: &Act, now_ms: u64) -> Result<(), Outage> {
        let (who, role) = match who {
            Who::Office => (None, None),
            Who::Person { name, role } => (Some(name.clone()), Some(*role)),
        };
        let line = Line {
            at_ms: now_ms,
            who,
            role,
            act: act.clone(),
        };
        let text = serde_json::to_string(&line).map_err(|error| Outage::Disk {
            doing: "write",
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.append(&text)
    }

    fn append(&self, line: &str) -> Result<(), Outage> {
        let failed = |error| Outage::disk("write", &self.path, &error);
        let folder = self.path.parent().unwrap_or(&self.path);
        disk::make_directory(folder)?;
        let mut file = self.open().map_err(failed)?;
        if file.metadata().map_err(failed)?.len() >= ACTS_BYTES_MAX {
            let before = self.path.with_extension("1.ndjson");
            std::fs::rename(&self.path, before).map_err(failed)?;
            file = self.open().map_err(failed)?;
        }
        // A line that a crash has cut ends here, and spoils no other.
        let whole = ends_with_newline(&mut file).map_err(failed)?;
        let begin = if whole { "" } else { "\n" };
        file.write_all(format!("{begin}{line}\n").as_bytes())
            .map_err(failed)?;
        file.sync_data().map_err(failed)?;
        disk::sync_directory(folder)
    }

    fn open(&self) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        options.open(&self.path)
    }

    /// The latest lines, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn latest(&self, max: usize) -> Result<Vec<Line>, Outage> {
        let failed = |error| Outage::disk("read", &self.path, &error);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let length = file.metadata().map_err(failed)?.len();
        let from = length.saturating_sub(ACTS_BYTES_SHOWN);
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(ACTS_BYTES_SHOWN)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().rev();
        let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
        Ok(lines.take(max).collect())
    }
}

fn ends_with_newline(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(id: &str) -> Act {
        Act::Dropped {
            feed: "health-quarterly".parse().expect("a feed"),
            id: id.to_owned(),
        }
    }

    #[test]
    fn who_did_what_is_there_with_the_newest_first_also_behind_a_line_that_was_cut() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("desk").join("acts.ndjson");
        let acts = Acts::new(path.clone());
        assert_eq!(acts.latest(10).expect("reads"), []);
        let chief = Who::Person {
            name: "សុខា".to_owned(),
            role: Role::Chief,
        };
        acts.write(&Who::Office, &Act::Opened, 1).expect("written");
        let mut text = std::fs::read_to_string(&path).expect("there");
        text.push_str(r#"{"at_ms":2,"di"#);
        std::fs::write(&path, text).expect("written");
        acts.write(&chief, &dropped("one"), 3).expect("written");
        let lines = acts.latest(10).expect("reads");
        let told: Vec<(u64, Option<&str>)> = lines
            .iter()
            .map(|line| (line.at_ms, line.who.as_deref()))
            .collect();
        assert_eq!(told, [(3, Some("សុខា")), (1, None)]);
        assert_eq!(lines[0].act, dropped("one"));
    }

    #[test]
    fn the_journal_is_two_files_at_most() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("acts.ndjson");
        let acts = Acts::new(path.clone());
        let full = usize::try_from(ACTS_BYTES_MAX).expect("fits");
        for now in 1..=2 {
            std::fs::write(&path, vec![b'\n'; full]).expect("written");
            acts.write(&Who::Office, &Act::Opened, now)
                .expect("written");
        }
        assert_eq!(acts.latest(10).expect("reads").len(), 1);
        let files = std::fs::read_dir(folder.path()).expect("there").count();
        assert_eq!(files, 2);
    }
}
