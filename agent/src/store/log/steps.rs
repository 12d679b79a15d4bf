//! Every moment at which a crash may find a log's files, by name. In: the step that was just done. Out: nothing; in tests, a copy of the
//! folder as it is now. Never: a moment between two calls of the disk that is not here.
//!
//! | step | what the disk has | what a start makes of it |
//! |---|---|---|
//! | `GroupWritten` | the group, whole, in part or not at all: not synced | the whole units that are there, in order; what is torn is cut; what is kept is synced again |
//! | `GroupSynced` | the group | the group |
//! | `NextWritten` | `N+1.new`: header and state, synced | it is removed; N goes on |
//! | `NextNamed` | `N+1.log`, or after a power cut still `N+1.new` | N+1 goes on, N's hint is made; or as before |
//! | `HintWritten` | `N.hint.new` | it is removed; N's hint is made |
//! | `HintNamed` | `N.hint`; not synced, so after a power cut perhaps other bytes | it is read; one that is not good is made anew |
//! | `AnewWritten` | `A.new`, synced, covering A to B | it is removed; A to B are as they were |
//! | `AnewHintWritten` | and `A.hint.new` | both are removed |
//! | `AnewNamed` | `A.log` covers A to B; A's hint is of the file before | A's hint is made anew; A+1 to B are removed |
//! | `AnewHintNamed` | and `A.hint` of the new file | A+1 to B are removed; after a power cut before the folder's sync: as before `AnewNamed` |
//! | `LeftOverRemoved` | some of A+1 to B are gone, after the folder's sync | the others are removed |
//! | `NewRemoved` | a start: a `.new` is gone | the others are removed |
//! | `TailCut` | a start: the torn tail is gone, not synced | it is cut again |
//! | `TailSynced` | a start: the last group is on the disk for sure | it is done again |

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    GroupWritten,
    GroupSynced,
    NextWritten,
    NextNamed,
    HintWritten,
    HintNamed,
    AnewWritten,
    AnewHintWritten,
    AnewNamed,
    AnewHintNamed,
    LeftOverRemoved,
    NewRemoved,
    TailCut,
    TailSynced,
}

/// A step was done in this folder.
#[cfg(not(test))]
#[inline]
pub(super) fn done(_step: Step, _dir: &std::path::Path) {}

#[cfg(test)]
pub(super) use self::watched::done;

#[cfg(test)]
pub(super) mod watched {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use super::Step;

    type Seen = Vec<(Step, tempfile::TempDir)>;

    static WATCHED: LazyLock<Mutex<HashMap<PathBuf, Seen>>> = LazyLock::new(Mutex::default);

    pub fn done(step: Step, dir: &Path) {
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = watched.get_mut(dir) {
            seen.push((step, copy(dir)));
        }
    }

    /// From now on the folder is copied after each step.
    pub fn begin(dir: &Path) {
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.insert(dir.into(), Vec::new());
    }

    /// How many steps were seen so far.
    pub fn count(dir: &Path) -> usize {
        let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.get(dir).map_or(0, Vec::len)
    }

    /// The copies, in order.
    pub fn end(dir: &Path) -> Seen {
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.remove(dir).unwrap_or_default()
    }

    pub fn copy(dir: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(dir).expect("reads") {
            let entry = entry.expect("reads");
            // What is renamed or removed meanwhile is as if it had been before.
            let _ = std::fs::copy(entry.path(), copy.path().join(entry.file_name()));
        }
        copy
    }
}
