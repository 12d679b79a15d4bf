//! A program in a network namespace, watched over as a service manager would: what ended by itself is started again.
//! In: a program, its arguments, its namespace. Out: a process that can be killed, frozen and started. Never: one that is started
//! again after it was killed on purpose, before it is told to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::netns::run;
use tests::programs::Process;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

/// How often the service manager looks.
const LOOK: Duration = Duration::from_millis(500);

pub type Shared = Arc<Mutex<Part>>;

/// When a program was started, killed, stopped or signalled last.
#[derive(Clone, Default)]
pub struct Disturbed(Arc<Lock<Option<Instant>>>);

impl Disturbed {
    pub fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub fn since(&self, then: Instant) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last >= then)
    }
}

pub struct Part {
    pub name: String,
    /// What stands before the program: other limits, another clock.
    pub before: Vec<String>,
    command: Vec<String>,
    net: String,
    log: PathBuf,
    process: Option<Process>,
    wanted: bool,
    /// How often it ended by itself.
    pub ended_alone: u32,
    pub disturbed: Disturbed,
}

impl Part {
    /// Nothing runs yet.
    pub fn new(name: &str, net: &str, program: &Path, arguments: &[&str], log: &Path) -> Part {
        let program = program.to_string_lossy();
        let command = [&*program].into_iter().chain(arguments.iter().copied());
        Part {
            name: name.to_owned(),
            before: Vec::new(),
            command: command.map(str::to_owned).collect(),
            net: net.to_owned(),
            log: log.to_owned(),
            process: None,
            wanted: false,
            ended_alone: 0,
            disturbed: Disturbed::default(),
        }
    }

    pub fn shared(self) -> Shared {
        Arc::new(Mutex::new(self))
    }

    /// Every program in between replaces itself by the next, so that the process is the program's own.
    pub fn launch(&mut self) {
        self.disturbed.now();
        let inside = format!("--net=/run/netns/{}", self.net);
        let arguments = [inside.as_str(), "--"].into_iter();
        let arguments = arguments.chain(self.before.iter().map(String::as_str));
        let arguments: Vec<&str> = arguments
            .chain(self.command.iter().map(String::as_str))
            .collect();
        self.process = Some(Process::start(Path::new("nsenter"), &arguments, &self.log));
        self.wanted = true;
    }

    pub fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| !process.has_ended())
    }

    pub fn id(&self) -> Result<u32> {
        let process = self.process.as_ref();
        Ok(process
            .with_context(|| format!("{} does not run", self.name))?
            .id())
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        ensure!(self.is_running(), "{} does not run", self.name);
        self.disturbed.now();
        self.wanted = false;
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
        Ok(())
    }

    /// SIGTERM, and the end awaited.
    pub async fn stop(&mut self) -> Result<()> {
        ensure!(self.is_running(), "{} does not run", self.name);
        self.disturbed.now();
        self.wanted = false;
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
        Ok(())
    }

    /// Any signal, by its name.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.disturbed.now();
        run(&format!("kill -{name} {}", self.id()?)).map(drop)
    }

    /// A part that will end by itself, and is not to be started again before it is told to.
    pub fn let_end(&mut self) {
        self.wanted = false;
    }

    /// The letter that the kernel gives the process: T for a stopped one.
    pub fn state(&self) -> Result<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()?))?;
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
        after_name
            .and_then(|rest| rest.chars().next())
            .context("a process has a state")
    }

    /// What it has said so far.
    pub fn words(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn watch_over(&mut self) {
        if self.wanted && !self.is_running() {
            self.ended_alone += 1;
            self.launch();
        }
    }
}

/// The service manager of all these.
pub fn supervise(parts: Vec<Shared>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            for part in &parts {
                part.lock().await.watch_over();
            }
        }
    }))
}
