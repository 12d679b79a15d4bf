//! The registry's further lines come in from the gateway, are believed by the authority's signature, written down, and told to
//! everyone here. A line that is not the authority's changes nothing.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use schemas::registry::Registry;
use schemas::registry_log::{RegistryLog, RegistryLogFault};
use schemas::signing::PublicKey;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::limits::{REGISTRY_ANSWERS, REGISTRY_INTERVAL};
use crate::link::{Link, REGISTRY_SUBJECT, REQUEST_TIME, SignOfLife};
use crate::store::Outage;

/// The registry in the office's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFault {
    #[error("cannot read {}: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("cannot use {}: {fault}", path.display())]
    Lines {
        path: PathBuf,
        fault: RegistryLogFault,
    },
}

/// Keeps the registry up to date.
pub struct RegistryKeeper {
    path: PathBuf,
    log: RegistryLog,
    known: Arc<AtomicU64>,
    answers: mpsc::Receiver<Bytes>,
    told: watch::Sender<Arc<Registry>>,
    wanted: Arc<Notify>,
    link: Link,
}

/// The registry as it was read, before there is a link.
pub struct RegistryFile {
    path: PathBuf,
    log: RegistryLog,
    known: Arc<AtomicU64>,
    answers: mpsc::Receiver<Bytes>,
    to: mpsc::Sender<Bytes>,
}

impl RegistryFile {
    pub fn registry(&self) -> &Registry {
        self.log.registry()
    }

    /// Reads the folder's registry. A last line that was torn off while being written is cut: it comes again.
    ///
    /// # Errors
    /// [`RegistryFault`].
    pub fn open(path: &Path, authority: PublicKey) -> Result<RegistryFile, RegistryFault> {
        let unreadable = |error| RegistryFault::Read {
            path: path.into(),
            error,
        };
        let mut text = std::fs::read_to_string(path).map_err(unreadable)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            text.truncate(whole);
            let file = OpenOptions::new().write(true).open(path);
            let cut = file.and_then(|file| {
                file.set_len(whole as u64)?;
                file.sync_all()
            });
            cut.map_err(unreadable)?;
        }
        let log = RegistryLog::load(&text, authority).map_err(|fault| RegistryFault::Lines {
            path: path.into(),
            fault,
        })?;
        let (to, answers) = mpsc::channel(REGISTRY_ANSWERS);
        Ok(RegistryFile {
            path: path.into(),
            known: Arc::new(AtomicU64::new(log.registry().position())),
            log,
            answers,
            to,
        })
    }

    /// What the link asks with as its sign of life.
    pub fn sign_of_life(&self) -> SignOfLife {
        SignOfLife {
            known: self.known.clone(),
            answers: self.to.clone(),
        }
    }

    /// The keeper, what it tells, and how to ask it to look again.
    pub fn keep(self, link: Link) -> (RegistryKeeper, watch::Receiver<Arc<Registry>>, Arc<Notify>) {
        let (told, registry) = watch::channel(Arc::new(self.log.registry().clone()));
        let wanted = Arc::new(Notify::new());
        let keeper = RegistryKeeper {
            path: self.path,
            log: self.log,
            known: self.known,
            answers: self.answers,
            told,
            wanted: wanted.clone(),
            link,
        };
        (keeper, registry, wanted)
    }
}

impl RegistryKeeper {
    /// Asks on each connect and when something unknown showed up; takes what comes, until the shutdown.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Outage> {
        let work = async {
            loop {
                let session = self.link.session().await;
                let mut more = true;
                while !session.ended().is_cancelled() {
                    if more {
                        let known = self.known.load(Ordering::Relaxed);
                        let question = format!(r#"{{"after":{known}}}"#).into();
                        let asked = session.request(REGISTRY_SUBJECT, question, REQUEST_TIME);
                        more = match asked.await {
                            Ok(answer) => self.take(&answer.payload)?,
                            Err(_) => false,
                        };
                        continue;
                    }
                    tokio::select! {
                        Some(answer) = self.answers.recv() => more = self.take(&answer)?,
                        () = self.wanted.notified() => {
                            // What is unknown may stay so: the gateway is not asked for it without end.
                            tokio::time::sleep(REGISTRY_INTERVAL).await;
                            more = true;
                        }
                        () = session.ended().cancelled() => {}
                    }
                }
            }
        };
        tokio::select! {
            failed = work => failed,
            () = shutdown.cancelled() => Ok(()),
        }
    }

    /// Takes further lines, all or none. True where they were news, so that there may be more.
    fn take(&mut self, answer: &Bytes) -> Result<bool, Outage> {
        let Ok(text) = std::str::from_utf8(answer) else {
            return Ok(false);
        };
        let mut next = self.log.clone();
        match next.extend(text) {
            Ok(0) => Ok(false),
            Ok(lines) => {
                self.append(text)?;
                self.log = next;
                let registry = Arc::new(self.log.registry().clone());
                tracing::info!(lines, position = registry.position(), "the registry grew");
                self.known.store(registry.position(), Ordering::Relaxed);
                self.told.send_replace(registry);
                Ok(true)
            }
            Err(fault) => {
                // An answer to an older question repeats what is known already; anything else is the gateway's fault.
                tracing::debug!(%fault, "an answer holds no further lines of the registry");
                Ok(false)
            }
        }
    }

    fn append(&self, text: &str) -> Result<(), Outage> {
        let appended = (|| {
            let mut file: File = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        })();
        appended.map_err(|error| Outage::disk("append to", &self.path, &error))
    }
}
