//! One run: an office's stores work on a volume, one call fails, and they are begun anew until all is done.
//! In: a fault. Out: what came of it, or what was promised and is not so. Never: a look past the agent's own code; a later life on a
//! kernel's cache of the first: the volume is mounted anew.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use agent::outbox::Outbox;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tests::disk::Image;
use tests::volume::{Call, Effect, Fault, Volume};

use crate::ground::{self, Ground};
use crate::ledger::{self, Entry, Ledger};
use crate::promises::Promises;
use crate::reading::Names;
use crate::stage::{self, LINES};
use crate::tally::Seen;
use crate::whose::nobody;
use crate::{outbox, reading, work};

/// A life has a second of work; what takes so long hangs.
const LIFE_TIME: Duration = Duration::from_secs(30);
/// So does an opening with a look at all of it.
const LOOK_TIME: Duration = Duration::from_secs(30);
/// Lives until all is done: the one with the fault, one that finds what it left, one that finds an index damaged in use.
const LIVES_MAX: usize = 4;
/// Into the application's file: what a disk swallows there only a reading of it would show, and it is the application's.
const APPLICATIONS_OWN: &str = "write of /.arrivals.ndjson.writing";
/// What a kill may leave at the end of a file that is delivered into.
const TORN_LINE: &[u8] = br#"{"specversion":"1."#;

/// Where one run after the other takes place.
pub struct Lane {
    pub folder: PathBuf,
    pub ground: PathBuf,
    pub rounds: u64,
}

/// What a store is before its fault: one after the other is begun with all of it.
#[derive(Default)]
pub struct Beginning {
    image: Image,
    ledger: Vec<u8>,
    bus: Vec<u8>,
}

/// What came of a run.
#[derive(Default)]
pub struct Outcome {
    /// None: the run ended before its call was made.
    pub fired: Option<String>,
    pub counts: [u64; Call::ALL.len()],
    /// How often the work had to be begun anew.
    pub again: usize,
    /// What a lie of the disk cost was named.
    pub named: bool,
    /// Nobody but the application could see whether it cost something.
    pub unjudged: bool,
    /// An index was set aside and built anew, with an alarm.
    pub set_aside: bool,
    pub slowest: Duration,
}

/// How a life ended; any other way is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    Stopped,
    Killed,
}

enum News {
    Kill(SyncSender<()>),
    Ended,
}

impl Lane {
    pub fn run(&self, beginning: &Beginning, fault: Option<Fault>) -> Result<Outcome> {
        self.begin(beginning)?;
        let volume = self.mount(&beginning.image)?;
        let mut end = self.live(&volume, fault)?;
        let (fired, counts) = (volume.fired(), volume.counts());
        let mut outcome = Outcome {
            fired,
            counts,
            ..Outcome::default()
        };
        let mut image = volume.image();
        volume.unmount()?;
        let what = outcome.fired.clone().unwrap_or_default();
        let lied = fault.is_some_and(|fault| fault.effect == Effect::Nothing) && !what.is_empty();
        if lied && what == APPLICATIONS_OWN {
            outcome.unjudged = true;
            return Ok(outcome);
        }
        match self.holds(&image, &mut outcome) {
            Err(_) if lied && self.names_losses(&image)? => outcome.named = true,
            held => held.with_context(|| format!("behind {what}"))?,
        }
        // What a lie has left behind is found at the next start.
        let mut again = lied;
        while end != End::Done || std::mem::take(&mut again) {
            ensure!(
                outcome.again < LIVES_MAX - 1,
                "{LIVES_MAX} lives, and not done behind {what}"
            );
            outcome.again += 1;
            let volume = self.mount(&image)?;
            end = self.live(&volume, None)?;
            image = volume.image();
            volume.unmount()?;
        }
        // What was lost by name was submitted again, behind what came later: the order is another one.
        let held = match outcome.named {
            true => Ok(()),
            false => self.holds(&image, &mut outcome),
        };
        held.and_then(|()| self.complete(&image))
            .with_context(|| format!("in the end, behind {what}"))?;
        Ok(outcome)
    }

    /// The store of a life that was killed in the middle, with a line of which only a part was written.
    pub fn killed(&self, fault: Fault) -> Result<Beginning> {
        self.begin(&Beginning::default())?;
        let volume = self.mount(&Image::default())?;
        let end = self.live(&volume, Some(fault))?;
        ensure!(end == End::Killed, "{fault} did not fire");
        let mut image = volume.image();
        volume.unmount()?;
        let lines = image.files.entry(LINES.into()).or_default();
        Arc::make_mut(lines).extend_from_slice(TORN_LINE);
        let read = |name| Ok::<_, anyhow::Error>(std::fs::read(self.path(name))?);
        let (ledger, bus) = (read("ledger")?, read("bus")?);
        Ok(Beginning { image, ledger, bus })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn mount(&self, image: &Image) -> Result<Volume> {
        Volume::mount(&self.path("store"), image)
    }

    /// Nothing is left of the run before; the ledger says what the bus holds.
    pub fn begin(&self, beginning: &Beginning) -> Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        std::fs::write(self.path("log"), "")?;
        std::fs::write(self.path("bus"), &beginning.bus)?;
        std::fs::write(self.path("ledger"), &beginning.ledger)?;
        let ground = Ground::read(&self.ground)?;
        let on_bus = (1..)
            .zip(&ground.inbound)
            .map(|(sequence, event)| Entry::OnBus {
                id: event.id().into(),
                sequence,
                source: event.event().log().source(),
                position: event.link().position.number(),
            });
        Ledger::begin(&self.path("ledger"))?.note(&on_bus.collect::<Vec<_>>())
    }

    /// One process from its start to its end.
    pub fn live(&self, volume: &Volume, fault: Option<Fault>) -> Result<End> {
        let (news, heard) = mpsc::channel();
        if let Some(fault) = fault {
            let news = news.clone();
            let kill = move || {
                let (told, hear) = mpsc::sync_channel(1);
                if news.send(News::Kill(told)).is_ok() {
                    hear.recv_timeout(LIFE_TIME).ok();
                }
            };
            volume.arm(fault, Box::new(kill));
        }
        let mut child = self.command()?.spawn()?;
        let mut out = child.stdout.take().context("the output is a pipe")?;
        // It is closed when the last thread is gone.
        std::thread::spawn(move || {
            std::io::copy(&mut out, &mut std::io::sink()).ok();
            news.send(News::Ended).ok();
        });
        let deadline = Instant::now() + LIFE_TIME;
        loop {
            match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(News::Kill(told)) => {
                    child.kill()?;
                    told.send(()).ok();
                }
                Ok(News::Ended) => break,
                Err(_) => {
                    child.kill()?;
                    child.wait()?;
                    bail!(
                        "a life does not end within {LIFE_TIME:?}: {}",
                        self.last_words()
                    );
                }
            }
        }
        let status = child.wait()?;
        match (status.code().map(u8::try_from), status.signal()) {
            (Some(Ok(work::DONE)), _) => Ok(End::Done),
            (Some(Ok(work::STOPPED)), _) => Ok(End::Stopped),
            (None, Some(9)) => Ok(End::Killed),
            _ => bail!("a life ended with {status}: {}", self.last_words()),
        }
    }

    fn command(&self) -> Result<Command> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("work")
            .arg("--rounds")
            .arg(self.rounds.to_string());
        command.arg("--ground").arg(&self.ground);
        for name in ["store", "ledger", "bus"] {
            command.arg(format!("--{name}")).arg(self.path(name));
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        Ok(command)
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }

    /// All that was promised so far is there.
    pub fn holds(&self, image: &Image, outcome: &mut Outcome) -> Result<()> {
        let promises = Promises::of(ledger::read(&self.path("ledger"))?);
        let names = Names {
            webhook: stage::webhook_name(),
            file: stage::file_name(),
            index_may_go: true,
        };
        let disk = self.path("disk");
        image.write(&disk)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let check = async move {
            let own = outbox::check(&disk, &promises, u64::MAX).await;
            let own = own.context("the outbox")?;
            let others = reading::check(&disk, &names, &promises, u64::MAX).await;
            Ok::<[Seen; 2], anyhow::Error>([own, others.context("what was read")?])
        };
        let seen = in_time("the stores are opened", move || runtime.block_on(check))?;
        for seen in seen {
            ensure!(
                seen.opened <= outbox::OPEN_TIME,
                "it took {:?} to open",
                seen.opened
            );
            outcome.slowest = outcome.slowest.max(seen.opened);
            outcome.set_aside |= seen.set_aside.is_some();
        }
        Ok(())
    }

    /// Whether something that was promised is not there.
    pub fn promises_broken(&self, image: &Image) -> Result<bool> {
        Ok(self.holds(image, &mut Outcome::default()).is_err())
    }

    /// A disk that says that it has written what it has not: the store says what is gone.
    fn names_losses(&self, image: &Image) -> Result<bool> {
        let disk = self.path("disk");
        image.write(&disk)?;
        let named = [
            "accepted-events-lost",
            "log-damaged",
            "log-segment-missing",
            "settled-event-unread",
        ];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // What is in a sealed segment is named by who reads it.
        let look = async move {
            let (outbox, _) = Outbox::open(&disk, &nobody(), work::BUDGET_BYTES)?;
            outbox::look_through(&outbox).await?;
            Ok(outbox.alarms().list())
        };
        let alarms = in_time("the outbox is looked through", move || {
            runtime.block_on(look)
        })?;
        Ok(alarms.iter().any(|alarm| named.contains(&&*alarm.code)))
    }

    /// All of the load is where it belongs, once: on the bus, and in the file that is delivered into.
    fn complete(&self, image: &Image) -> Result<()> {
        let (submitted, received) = work::load(self.rounds);
        let promises = Promises::of(ledger::read(&self.path("ledger"))?);
        ensure!(
            promises.accepted.len() as u64 == submitted,
            "{} of {submitted} were accepted",
            promises.accepted.len()
        );
        let mut stored: BTreeMap<String, usize> = BTreeMap::new();
        for event in ground::read_log(&self.path("bus"))? {
            *stored.entry(event.id().into()).or_default() += 1;
        }
        for id in promises.accepted.keys() {
            let times = stored.get(id).copied().unwrap_or(0);
            ensure!(times == 1, "{id} is {times} times on the bus");
        }
        let lines = image
            .files
            .get(Path::new(LINES))
            .context("nothing was delivered")?;
        let lines = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        ensure!(lines == received, "{lines} lines for {received} events");
        Ok(())
    }
}

/// In a thread of its own: what panics, or does not come to its end, is a verdict.
fn in_time<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (told, hear) = mpsc::channel();
    std::thread::spawn(move || told.send(catch_unwind(AssertUnwindSafe(work))));
    match hear.recv_timeout(LOOK_TIME) {
        Ok(done) => done.unwrap_or_else(|_| Err(anyhow!("{what}: it panicked"))),
        Err(_) => bail!("{what}: not within {LOOK_TIME:?}"),
    }
}
