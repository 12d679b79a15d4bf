//! Drafts on the agent's disk: a form that was begun comes in and is a file of its own, replaced whole; it is read back, or gone. At most so
//! many as a bound says, and what cannot be read hides no other.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use schemas::ids;
use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::Filling;
use crate::desk::door::files;
use crate::desk::limits::DRAFTS_MAX;
use crate::store::alarms::now_ms;
use crate::store::{Outage, disk};

/// The name of a form that is being filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FormId([u8; 16]);

/// Text that names no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a form is a UUID")]
pub struct FormIdFault;

impl FormId {
    pub fn new() -> FormId {
        let mut random = [0; 10];
        fastrand::fill(&mut random);
        FormId(ids::v7(now_ms(), random))
    }
}

impl TryFrom<String> for FormId {
    type Error = FormIdFault;

    /// Only as it is written here: one form has one name.
    fn try_from(text: String) -> Result<FormId, FormIdFault> {
        ids::read_uuid(&text).map(FormId).ok_or(FormIdFault)
    }
}

impl From<FormId> for String {
    fn from(id: FormId) -> String {
        id.to_string()
    }
}

impl fmt::Display for FormId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ids::uuid(&self.0))
    }
}

/// The folder of drafts.
pub struct Drafts {
    folder: PathBuf,
    /// Whoever changes a draft has this turn from the look at its version until it is saved or handed in.
    pub turn: Mutex<()>,
}

impl Drafts {
    pub fn new(folder: PathBuf) -> Drafts {
        Drafts {
            folder,
            turn: Mutex::const_new(()),
        }
    }

    fn path(&self, id: FormId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// None where there is none, or where it is another feed's.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, feed: &FeedName, id: FormId) -> Result<Option<Filling>, Outage> {
        let filling: Option<Filling> = files::read(&self.path(id))?;
        Ok(filling.filter(|filling| filling.feed == *feed && filling.id == id))
    }

    /// It is on disk when this returns: the old one or the new one, and never half of it.
    ///
    /// # Errors
    /// The disk does not take it; what was there before is still there.
    pub fn save(&self, filling: &Filling) -> Result<(), Outage> {
        files::write(&self.path(filling.id), filling)
    }

    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, id: FormId) -> Result<(), Outage> {
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Ok(()) => disk::sync_directory(&self.folder),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Outage::disk("remove", &path, &error)),
        }
    }

    /// Whether there is room for one more.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn has_room(&self) -> Result<bool, Outage> {
        Ok(self.names()?.len() < DRAFTS_MAX)
    }

    /// All drafts, the one that was saved last first. One that cannot be read is left out, and told in the log.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn all(&self) -> Result<Vec<Filling>, Outage> {
        let read = |path: PathBuf| match files::read::<Option<Filling>>(&path) {
            Ok(filling) => filling,
            Err(outage) => {
                tracing::error!(%outage, "a draft cannot be read, and is left as it is");
                None
            }
        };
        let mut all: Vec<Filling> = self.names()?.into_iter().filter_map(read).collect();
        all.sort_by_key(|filling| std::cmp::Reverse(filling.saved_ms));
        Ok(all)
    }

    /// Of as many as may be there.
    fn names(&self) -> Result<Vec<PathBuf>, Outage> {
        json_files(&self.folder, DRAFTS_MAX)
    }
}

/// The files of a folder whose names end in `.json`, at most so many; none where there is no folder.
///
/// # Errors
/// The folder cannot be read.
pub fn json_files(folder: &Path, max: usize) -> Result<Vec<PathBuf>, Outage> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Outage::disk("read", folder, &error)),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let drafts = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    Ok(drafts.take(max).collect())
}

#[cfg(test)]
mod tests {
    use super::super::typed::Typed;
    use super::super::{Approval, Purpose};
    use super::*;

    fn filling(note: &str, saved_ms: u64) -> Filling {
        Filling {
            id: FormId::new(),
            feed: "health-quarterly".parse().expect("a feed"),
            version: 1,
            saved_ms,
            by: None,
            typed: Typed::default(),
            note: note.to_owned(),
            purpose: Purpose::New,
            approval: Approval::NotAsked,
        }
    }

    #[test]
    fn a_draft_is_there_until_it_is_forgotten_and_one_that_is_spoilt_hides_no_other() {
        let folder = tempfile::tempdir().expect("a directory");
        let drafts = Drafts::new(folder.path().join("drafts"));
        assert_eq!(drafts.all().expect("reads"), []);
        let (first, second) = (filling("ទីមួយ", 1), filling("ទីពីរ", 2));
        drafts.save(&first).expect("saved");
        drafts.save(&second).expect("saved");
        std::fs::write(folder.path().join("drafts/spoilt.json"), "{\"id\":").expect("written");
        assert_eq!(
            drafts.all().expect("reads"),
            [second.clone(), first.clone()]
        );
        drafts.forget(second.id).expect("forgotten");
        drafts.forget(second.id).expect("forgotten already");
        assert_eq!(drafts.find(&second.feed, second.id).expect("reads"), None);
        assert_eq!(
            drafts.find(&first.feed, first.id).expect("reads"),
            Some(first)
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for name in [
            "",
            "..",
            "../people",
            "019ab0c8-0000-7000-8000-00000000000A",
            "x",
        ] {
            assert!(FormId::try_from(name.to_owned()).is_err(), "{name}");
        }
        let id = FormId::new();
        assert_eq!(FormId::try_from(id.to_string()), Ok(id));
    }
}
