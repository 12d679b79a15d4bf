//! The browsers that are known: digests of their cookies come in, whether one is known goes out. A file holds them, so that a restart of the
//! agent sends nobody away.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::files;
use crate::desk::limits::BROWSERS_MAX;
use crate::store::Outage;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Browser {
    digest: String,
    since_ms: u64,
}

/// Read once, then kept; nobody but the agent writes the file.
pub struct Browsers {
    path: PathBuf,
    known: Mutex<Option<Vec<Browser>>>,
}

impl Browsers {
    pub fn new(path: PathBuf) -> Browsers {
        Browsers {
            path,
            known: Mutex::default(),
        }
    }

    pub fn knows(&self, digest: &str) -> Result<bool, Outage> {
        self.with(|known| Ok(known.iter().any(|browser| browser.digest == digest)))
    }

    /// A browser that is known from now on, and one that no longer is. The oldest goes where there are too many.
    pub fn replace(&self, before: Option<&str>, digest: &str, now_ms: u64) -> Result<(), Outage> {
        self.with(|known| {
            let mut new = known.clone();
            new.retain(|browser| before != Some(&browser.digest));
            new.push(Browser {
                digest: digest.to_owned(),
                since_ms: now_ms,
            });
            let too_many = new.len().saturating_sub(BROWSERS_MAX);
            new.drain(..too_many);
            files::write(&self.path, &new)?;
            *known = new;
            Ok(())
        })
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Vec<Browser>) -> Result<T, Outage>,
    ) -> Result<T, Outage> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some(known) => work(known),
            None => work(known.insert(files::read(&self.path)?)),
        }
    }
}
