//! The registry's further lines come in from the gateway, are believed by the authority's signature, written down, and told to
//! everyone here. A line that is not the authority's changes nothing.

mod memory;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemas::alarm::Alarm;
use schemas::newest::End;
use schemas::registry::{Beside, Registry, RegistryHead};
use schemas::registry_log::{LineFault, RegistryLog, RegistryLogFault};
use schemas::signing::PublicKey;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::memory::{Memory, MemoryFault};
use super::limits::{REGISTRY_ANSWERS, REGISTRY_INTERVAL, REGISTRY_LAG_MAX};
use crate::link::{
    Delivery, Link, REGISTRY_SUBJECT, REQUEST_TIME, Session, SignOfLife, THE_GATEWAY,
};
use crate::outbox::Outbox;
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
    answers: mpsc::Receiver<Delivery>,
    told: watch::Sender<Arc<Registry>>,
    wanted: Arc<Notify>,
    link: Link,
    memory: Memory,
    outbox: Outbox,
    /// Since when somebody is seen to work by another registry than the gateway gives here.
    behind: Option<Instant>,
    /// How much of the registry is not understood here, as far as that was told.
    outgrown: u64,
    /// There is a line that cannot even be followed; said once.
    cut_off: bool,
}

/// The registry as it was read, before there is a link.
pub struct RegistryFile {
    path: PathBuf,
    log: RegistryLog,
    known: Arc<AtomicU64>,
    answers: mpsc::Receiver<Delivery>,
    to: mpsc::Sender<Delivery>,
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
        let whole = text.rfind('\n').map_or(0, |end| end.saturating_add(1));
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

    /// What is remembered in the stores' folder of the newest registry that was here: this one is no older.
    ///
    /// # Errors
    /// [`MemoryFault`].
    pub fn remember(&self, stores: &Path) -> Result<Memory, MemoryFault> {
        let mut memory = Memory::read(stores.join("registry.seen"))?;
        memory.take(self.log.registry())?;
        Ok(memory)
    }

    /// The keeper, what it tells, and how to ask it to look again.
    pub fn keep(
        self,
        link: Link,
        memory: Memory,
        outbox: Outbox,
    ) -> (RegistryKeeper, watch::Receiver<Arc<Registry>>, Arc<Notify>) {
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
            memory,
            outbox,
            behind: None,
            outgrown: 0,
            cut_off: false,
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
        self.tell_outgrown();
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
                            Ok(answer) => self.take(&answer, &session)?,
                            Err(_) => false,
                        };
                        continue;
                    }
                    tokio::select! {
                        Some(answer) = self.answers.recv() => more = self.take(&answer, &session)?,
                        () = session.registry_named() => more = self.is_beside(&session),
                        () = tokio::time::sleep(REGISTRY_LAG_MAX), if self.behind.is_some() => more = true,
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
    fn take(&mut self, answer: &Delivery, session: &Session) -> Result<bool, Outage> {
        if let Some(head) = RegistryHead::read(&answer.headers) {
            session.names_registry(THE_GATEWAY, head);
        }
        let ends = End::read(&answer.headers);
        self.link.ends().gateway_says(&ends, self.outbox.alarms());
        let Ok(text) = std::str::from_utf8(&answer.payload) else {
            return Ok(false);
        };
        let mut next = self.log.clone();
        match next.extend(text) {
            Ok(0) => {
                self.compare(session);
                Ok(false)
            }
            Ok(lines) => {
                self.append(text)?;
                self.log = next;
                let remembered = self.memory.take(self.log.registry());
                remembered.map_err(outage)?;
                let registry = Arc::new(self.log.registry().clone());
                tracing::info!(lines, position = registry.position(), "the registry grew");
                self.known.store(registry.position(), Ordering::Relaxed);
                self.told.send_replace(registry);
                self.tell_outgrown();
                Ok(true)
            }
            Err(fault) => {
                let newer = matches!(fault.what, LineFault::Newer(_));
                if newer && !std::mem::replace(&mut self.cut_off, true) {
                    let text = format!("registry-outgrown: {fault}");
                    self.outbox.alarms().raise(Alarm::RegistryOutgrown, text);
                }
                // An answer to an older question repeats what is known already; anything else is the gateway's fault.
                tracing::debug!(%fault, "an answer holds no further lines of the registry");
                Ok(false)
            }
        }
    }

    /// Told at each start, and when there is more of it.
    fn tell_outgrown(&mut self) {
        if let Some(outgrown) = self.log.registry().outgrown()
            && outgrown.lines() > self.outgrown
        {
            self.outgrown = outgrown.lines();
            self.outbox
                .alarms()
                .raise(Alarm::RegistryOutgrown, outgrown.to_string());
        }
    }

    /// Whether somebody works by a registry that is not the one here, and none that was.
    fn is_beside(&self, session: &Session) -> bool {
        let registry = self.log.registry();
        let heads = session.registries().into_values();
        heads
            .map(|head| registry.beside(head))
            .any(|beside| match beside {
                Beside::Newer | Beside::Forked => true,
                Beside::Same | Beside::Older => false,
            })
    }

    /// Holds what others work by against what is here, once the gateway has no further line to give.
    fn compare(&mut self, session: &Session) {
        let registry = self.log.registry();
        let here = registry.position();
        let (mut behind, mut forked) = (None, None);
        for (who, RegistryHead { position, .. }, beside) in session
            .registries()
            .into_iter()
            .map(|(who, head)| (who, head, registry.beside(head)))
        {
            match beside {
                Beside::Newer => {
                    behind = Some(format!(
                        "{who} works by position {position} of the registry, and the gateway gives this office {here} lines: \
                         it is kept on an older one; tell the operator, and bring the newest registry by hand"
                    ));
                }
                Beside::Older if who == THE_GATEWAY => {
                    behind = Some(format!(
                        "the gateway works by position {position} of the registry, and this office has had {here}: \
                         it was put back there; tell the operator"
                    ));
                }
                Beside::Forked => {
                    forked = Some(format!(
                        "{who} works by another registry than this office: position {position} is another line; tell the authority"
                    ));
                }
                Beside::Same | Beside::Older => {}
            }
        }
        self.behind = behind
            .is_some()
            .then(|| self.behind.unwrap_or_else(Instant::now));
        let lasts = self
            .behind
            .is_some_and(|since| since.elapsed() >= REGISTRY_LAG_MAX);
        let alarms = self.outbox.alarms();
        alarms.stands(Alarm::RegistryBehind, behind.filter(|_| lasts));
        alarms.stands(Alarm::RegistryForked, forked);
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

/// What is remembered could not be written; a registry that only grows is never older than it was.
fn outage(fault: MemoryFault) -> Outage {
    match fault {
        MemoryFault::Disk(outage) => outage,
        MemoryFault::Behind { .. } | MemoryFault::Forked { .. } => Outage::Stopped,
    }
}
