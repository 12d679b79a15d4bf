//! The registry's file comes in, signed line by line; the rules by which everything is judged go out, to whoever watches. A
//! file that is torn, foreign or shorter than before changes nothing.

mod behind;
mod memory;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use schemas::json;
use schemas::refusal::{Detail, Refusal};
use schemas::registry::{Beside, Registry, RegistryHead};
use schemas::registry_log::{self, RegistryLog, RegistryLogFault};
use schemas::signing::PublicKey;
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::limits::REGISTRY_LOOK_INTERVAL;
use crate::refuse::No;

pub use self::behind::{Behind, words as behind_words};
pub use self::memory::{Memory, MemoryFault};

/// The registry as it stands, and its lines as they are handed on.
#[derive(Debug)]
pub struct Policy {
    pub registry: Arc<Registry>,
    log: RegistryLog,
    text: String,
    /// Somebody has asked for what is behind the end, and that was said.
    told_behind: AtomicBool,
}

/// Why a registry's file is none.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFault {
    #[error("cannot read the registry at {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the registry at {path} is not the authority's: {source}")]
    Log {
        path: PathBuf,
        source: RegistryLogFault,
    },
    #[error("the registry at {path} is no continuation of the one that was read before")]
    Rewritten { path: PathBuf },
}

/// What an office asks for: the lines behind those that it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageBody {
    after: u64,
}

impl Policy {
    /// Reads and verifies the whole file.
    ///
    /// # Errors
    /// `PolicyFault`.
    pub fn read(path: &Path, authority: PublicKey) -> Result<Policy, PolicyFault> {
        let text = read_text(path)?;
        let log = RegistryLog::load(&text, authority).map_err(|source| PolicyFault::Log {
            path: path.to_owned(),
            source,
        })?;
        Ok(Policy::of(log, text))
    }

    /// Takes what was appended to the file since.
    fn read_on(&self, path: &Path) -> Result<Policy, PolicyFault> {
        let text = read_text(path)?;
        let path = || path.to_owned();
        let Some(new) = text.strip_prefix(&self.text) else {
            return Err(PolicyFault::Rewritten { path: path() });
        };
        let mut log = self.log.clone();
        log.extend(new).map_err(|source| PolicyFault::Log {
            path: path(),
            source,
        })?;
        Ok(Policy::of(log, text))
    }

    fn of(log: RegistryLog, text: String) -> Policy {
        if let Some(outgrown) = log.registry().outgrown() {
            error!("{outgrown}");
        }
        Policy {
            registry: Arc::new(log.registry().clone()),
            log,
            text,
            told_behind: AtomicBool::new(false),
        }
    }

    /// A policy whose registry was never written down.
    #[cfg(test)]
    pub fn unwritten(registry: Arc<Registry>, authority: PublicKey) -> Policy {
        Policy {
            registry,
            log: RegistryLog::begin(authority),
            text: String::new(),
            told_behind: AtomicBool::new(false),
        }
    }

    /// How many lines of the registry everything is judged by.
    pub fn position(&self) -> u64 {
        self.registry.position()
    }

    /// Whether somebody works by lines that are not here, or by others in their place.
    pub fn is_behind(&self, head: RegistryHead) -> bool {
        match self.registry.beside(head) {
            Beside::Newer | Beside::Forked => true,
            Beside::Same | Beside::Older => false,
        }
    }

    /// The header block that goes with the answers, so that an office notices when it is shown an older registry, or another one.
    pub fn headers(&self) -> Bytes {
        let head = self.registry.head();
        head.map_or(Bytes::new(), |head| {
            format!("NATS/1.0\r\n{}\r\n", head.header()).into()
        })
    }

    /// The answer to `{"after":N}`: the lines behind N, none where there are none.
    ///
    /// # Errors
    /// A body in another form.
    pub fn page(&self, body: &[u8]) -> Result<Bytes, No> {
        let asked = json::parse(body)
            .ok()
            .and_then(|value| serde_json::from_value::<PageBody>(value).ok());
        let Some(PageBody { after }) = asked else {
            return Err(No::Refused(Refusal::RequestMalformed(Detail::new(
                "",
                "ask with {\"after\":N}, N being the lines that you have",
                "សូមសួរដោយ {\"after\":N}",
            ))));
        };
        if after > self.position() && !self.told_behind.swap(true, Ordering::Relaxed) {
            let here = self.position();
            warn!(
                after,
                here, "an office has more of the registry than this gateway; was it put back?"
            );
        }
        let page = registry_log::page(&self.text, after);
        Ok(Bytes::copy_from_slice(page.as_bytes()))
    }
}

fn read_text(path: &Path) -> Result<String, PolicyFault> {
    std::fs::read_to_string(path).map_err(|source| PolicyFault::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Watches the file until shutdown. What cannot be taken is looked at again when the file changes again.
pub async fn watch(
    path: PathBuf,
    mut memory: Memory,
    policy: watch::Sender<Arc<Policy>>,
    shutdown: CancellationToken,
) {
    // What was appended between the first reading and now is found by the first look.
    let mut seen = None;
    let mut looks = tokio::time::interval(REGISTRY_LOOK_INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = looks.tick() => {}
        }
        let now = modified(&path).await;
        if now == seen {
            continue;
        }
        seen = now;
        let (before, path) = (policy.borrow().clone(), path.clone());
        match tokio::task::spawn_blocking(move || before.read_on(&path)).await {
            Ok(Ok(next)) if next.position() == policy.borrow().position() => {}
            Ok(Ok(next)) => {
                info!(position = next.position(), "registry read");
                let registry = next.registry.clone();
                policy.send_replace(Arc::new(next));
                // What was taken away is taken away at once, whether that can be written down or not.
                if let Err(fault) = memory.take(&registry) {
                    error!(%fault, "the registry is not remembered");
                }
            }
            Ok(Err(fault)) => warn!(%fault, "registry kept as it was"),
            Err(panic) => warn!(%panic, "registry kept as it was"),
        }
    }
}

/// The file's time and size: an append within one tick of the clock changes the size.
async fn modified(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use schemas::event::Timestamp;
    use schemas::registry::seed;
    use schemas::signing::SigningKey;

    use super::*;

    fn lines(log: &mut RegistryLog, key: &SigningKey, count: usize) -> String {
        let now = Timestamp::from_unix_seconds(1_790_000_000).expect("a time");
        let from = usize::try_from(log.registry().position()).expect("small");
        let said = seed().into_iter().skip(from).take(count);
        said.map(|said| log.append(&said, key, now).expect("a line") + "\n")
            .collect()
    }

    #[tokio::test]
    async fn what_is_appended_takes_effect_and_what_is_rewritten_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("registry.ndjson");
        let (key, _) = SigningKey::generate().expect("a key");
        let mut log = RegistryLog::begin(*key.public());
        let first = lines(&mut log, &key, 3);
        std::fs::write(&path, &first).expect("written");
        let policy = Policy::read(&path, *key.public()).expect("a policy");
        assert_eq!(policy.position(), 3);

        let (sender, mut policies) = watch::channel(Arc::new(policy));
        let shutdown = CancellationToken::new();
        let memory = Memory::read(folder.path().join("registry.seen")).expect("no memory yet");
        let watching = tokio::spawn(watch(path.clone(), memory, sender, shutdown.clone()));
        let all = first.clone() + &lines(&mut log, &key, 2);
        std::fs::write(&path, &all).expect("written");
        policies.changed().await.expect("the watcher lives");
        let policy = policies.borrow_and_update().clone();
        assert_eq!(policy.position(), 5);
        shutdown.cancel();
        watching.await.expect("ended");

        std::fs::write(&path, &first).expect("written");
        assert!(matches!(
            policy.read_on(&path),
            Err(PolicyFault::Rewritten { .. })
        ));
        let page = policy.page(br#"{"after":3}"#).expect("a page");
        assert_eq!(page, all.as_bytes()[first.len()..]);
        assert_eq!(policy.page(br#"{"after":99}"#), Ok(Bytes::new()));
        assert!(policy.page(b"99").is_err());
    }
}
