//! The newest registry that this office has had comes in, and is remembered beside its stores; one that is older, or another one at the
//! same position, is refused: it would honour keys that were retired since.

use std::io::ErrorKind;
use std::path::PathBuf;

use schemas::registry::{Beside, Registry, RegistryHead};

use crate::store::{Outage, disk};

/// The newest head that was seen, in a small file of its own.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    seen: Option<RegistryHead>,
}

/// Why a registry is not taken. The codes never change their meaning.
#[derive(Debug, thiserror::Error)]
pub enum MemoryFault {
    #[error(
        "registry-behind: registry.ndjson ends at position {is}, and this office has had position {seen} before. \
         Put the newest copy there (the operator has it); if going back is meant, remove {}", path.display()
    )]
    Behind { is: u64, seen: u64, path: PathBuf },
    #[error(
        "registry-forked: position {seen} of registry.ndjson is not the line that this office has had there before: \
         there are two registries of one authority. Ask the authority which one is right; if it is this one, remove {}", path.display()
    )]
    Forked { seen: u64, path: PathBuf },
    #[error(transparent)]
    Disk(#[from] Outage),
}

impl Memory {
    /// What is remembered there; nothing where there is no such file yet.
    ///
    /// # Errors
    /// The file cannot be read, or does not hold what is written there.
    pub fn read(path: PathBuf) -> Result<Memory, MemoryFault> {
        let seen = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text.trim_end().parse().map_err(|_| Outage::Disk {
                doing: "read",
                path: path.clone(),
                reason: "it holds no position and hash".into(),
            })?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Outage::disk("read", &path, &error).into()),
        };
        Ok(Memory { path, seen })
    }

    /// Takes a registry that is no older than what was seen, and remembers it from here on, through a power cut.
    ///
    /// # Errors
    /// [`MemoryFault`].
    pub fn take(&mut self, registry: &Registry) -> Result<(), MemoryFault> {
        let path = || self.path.clone();
        if let Some(seen) = self.seen {
            let (is, number) = (registry.position(), seen.position.number());
            match registry.beside(seen) {
                Beside::Same => return Ok(()),
                Beside::Older => {}
                Beside::Newer => {
                    return Err(MemoryFault::Behind {
                        is,
                        seen: number,
                        path: path(),
                    });
                }
                Beside::Forked => {
                    return Err(MemoryFault::Forked {
                        seen: number,
                        path: path(),
                    });
                }
            }
        }
        let Some(head) = registry.head() else {
            return Ok(());
        };
        disk::replace(&self.path, format!("{head}\n").as_bytes())?;
        self.seen = Some(head);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::event::Timestamp;
    use schemas::registry::seed;
    use schemas::registry_log::RegistryLog;
    use schemas::signing::SigningKey;

    use super::*;

    /// A registry of so many lines, each said at this time.
    fn registry(key: &SigningKey, count: usize, seconds: i64) -> Registry {
        let now = Timestamp::from_unix_seconds(seconds).expect("a time");
        let mut log = RegistryLog::begin(*key.public());
        for said in seed().iter().take(count) {
            log.append(said, key, now).expect("a line");
        }
        log.registry().clone()
    }

    #[test]
    fn a_registry_that_was_put_back_or_is_another_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.seen");
        let (key, _) = SigningKey::generate().expect("a key");
        let take = |registry: &Registry| Memory::read(path.clone())?.take(registry);
        let newest = registry(&key, 5, 1_700_000_000);
        take(&newest).expect("the first one");
        take(&newest).expect("the same");
        let older = take(&registry(&key, 4, 1_700_000_000));
        assert!(matches!(
            older,
            Err(MemoryFault::Behind { is: 4, seen: 5, .. })
        ));
        assert!(matches!(
            take(&registry(&key, 0, 1_700_000_000)),
            Err(MemoryFault::Behind { is: 0, .. })
        ));
        for count in [5, 6] {
            let other = take(&registry(&key, count, 1_700_000_001));
            assert!(matches!(other, Err(MemoryFault::Forked { seen: 5, .. })));
        }
        take(&registry(&key, 6, 1_700_000_000)).expect("it grew");
        assert!(take(&newest).is_err());
        std::fs::write(&path, "x").expect("written");
        assert!(matches!(take(&newest), Err(MemoryFault::Disk(_))));
    }
}
