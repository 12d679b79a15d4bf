//! A real agent under strace, busy on a real bus: it submits, sends, receives and delivers, is killed and begins again.
//! In: how much it has to do. Out: a recording: its storage calls, and what it promised meanwhile. Never: a call unseen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::settings::TargetName;
use anyhow::{Context as _, Result, ensure};
use tests::broker::Broker;
use tests::bus::Bus;
use tests::deadline::{PATIENCE, eventually};
use tests::disk::Image;
use tests::office::Office;
use tests::proxy::Weather;
use tokio::task::JoinSet;

use crate::ledger::{self, Entry, Ledger};
use crate::load::{self, Door, FEED, Pager, Submitter, Webhook};
use crate::trace::{self, CALLS, Trace};

pub const OFFICE: &str = "mlvt/hq";
/// What of the agent's folder is recorded.
pub const STORE: &str = "store";
/// An office does not receive its own log.
const OWN: &str = ".mlvt.hq";
pub const PROVINCE: &str = "mlvt/siem-reap";
/// How often an application asks what is new.
const PAGE_INTERVAL: Duration = Duration::from_millis(5);
/// Segments of the outbox are then 1 MiB: several are sealed and written anew while it is recorded.
const BUDGET_BYTES: u64 = 16 * 1024 * 1024;
pub const LINES: &str = "arrivals.ndjson";
/// The same while it is written.
pub const LINES_TAKEN: &str = ".arrivals.ndjson.writing";

/// The names that the two targets have where the settings give none.
pub fn webhook_name() -> TargetName {
    format!("{FEED}-webhook").parse().expect("a name")
}

pub fn file_name() -> TargetName {
    format!("{FEED}-file").parse().expect("a name")
}

/// How much is submitted.
#[derive(Clone, Copy)]
pub struct Load {
    pub submitters: usize,
    /// By each submitter, in each of the agent's three lives.
    pub events: u64,
}

/// What was recorded: the calls of each of the agent's lives, and the ledger.
pub struct Recording {
    /// The agent's folder as the calls name it.
    pub root: PathBuf,
    pub lives: Vec<Life>,
    pub entries: Vec<Entry>,
}

/// One life of the agent.
pub struct Life {
    pub trace: Trace,
    /// What it left on the disk, cache and all.
    pub left: Image,
}

/// The agent with its submitters.
struct Stage {
    office: Office,
    traces: PathBuf,
    lives: Vec<PathBuf>,
    left: Vec<Image>,
    submitters: Vec<Submitter>,
    pager: Pager,
    accepted: Arc<AtomicU64>,
}

pub async fn record(into: &Path, load: Load) -> Result<Recording> {
    let bus = Bus::start(&[OFFICE, PROVINCE]).await;
    let ledger_file = into.join("ledger.ndjson");
    let ledger = Ledger::begin(&ledger_file)?;
    let webhook = Webhook::begin(ledger.clone()).await?;
    let root = into.join("agent");
    let office =
        Office::prepare(OFFICE, bus.bundle(OFFICE), &root, bus.gateway.address(), "").await;
    settings(&root, &webhook.url)?;
    let province = bus.office(PROVINCE).await;
    let mut stage = Stage::new(office, into, load, &ledger);
    for life in 1..=3 {
        stage.begin_life(life).await;
        stage.live(life, load.events * life, &province).await?;
        if life == 3 {
            stage.drain(&bus, &webhook).await?;
        }
        stage.end_life(life).await;
        stage.left.push(Image::read(&root, Path::new(STORE))?);
    }
    let on_bus = on_bus(&bus, 1).await?;
    ledger.note(&on_bus)?;
    let lives = stage.lives.iter().zip(stage.left).map(|(file, left)| {
        let trace = trace::read(file, &root)?;
        Ok(Life { trace, left })
    });
    Ok(Recording {
        lives: lives.collect::<Result<_>>()?,
        entries: ledger::read(&ledger_file)?,
        root,
    })
}

/// What arrives goes to a webhook and into a file; the outbox's segments are small.
pub fn settings(folder: &Path, webhook: &str) -> Result<()> {
    let path = folder.join("agent.toml");
    let text = std::fs::read_to_string(&path).context("an agent has settings")?;
    let small = format!("disk_budget_bytes = {BUDGET_BYTES}");
    let mut text = text.replace("disk_budget_bytes = 4294967296", &small);
    for to in [
        format!("webhook = {webhook:?}"),
        format!("file = \"store/{LINES}\""),
    ] {
        text.push_str(&format!("[[deliver]]\nfeed = \"{FEED}\"\n{to}\n"));
    }
    Ok(std::fs::write(path, text)?)
}

impl Stage {
    fn new(office: Office, traces: &Path, load: Load, ledger: &Ledger) -> Stage {
        let accepted = Arc::new(AtomicU64::new(0));
        let submitter = |name| Submitter {
            name,
            next: 1,
            ledger: ledger.clone(),
            accepted: Arc::clone(&accepted),
        };
        Stage {
            submitters: (0..load.submitters).map(submitter).collect(),
            pager: Pager {
                after: 0,
                ledger: ledger.clone(),
            },
            office,
            traces: traces.into(),
            lives: Vec::new(),
            left: Vec::new(),
            accepted,
        }
    }

    /// strace lets the agent be our child: it is the agent that is killed and waited for.
    async fn begin_life(&mut self, life: u64) {
        let trace = self.traces.join(format!("life-{life}.strace"));
        let calls = format!("trace={CALLS}");
        let file = trace.to_string_lossy();
        let strace = [
            "strace",
            "-D",
            "-f",
            "--seccomp-bpf",
            "-y",
            "-xx",
            "-s",
            "8388608",
            "-o",
            &file,
            "-e",
            &calls,
            "--absolute-timestamps=format:unix,precision:ns",
        ];
        self.office.resume_under(&strace).await;
        self.lives.push(trace);
    }

    /// The first life ends in the middle of the work, the second has an outage of the line in it, the third sees the end of all.
    async fn live(&mut self, life: u64, last: u64, province: &Office) -> Result<()> {
        let door = Door::of(&self.office)?;
        if life == 2 {
            self.office.line.set(Weather::Cut);
        }
        let goal = self.submitters.len() as u64 * last;
        let mut busy: JoinSet<Submitter> = JoinSet::new();
        for mut submitter in self.submitters.drain(..) {
            let door = door.clone();
            busy.spawn(async move {
                // A life that ends breaks the connection; what was not answered is submitted in the next one.
                submitter.submit_up_to(&door, last).await.ok();
                submitter
            });
        }
        let provincial = submit_in_province(province, last);
        let working = self.work(life, goal, &door);
        let (worked, ()) = tokio::join!(working, provincial);
        worked?;
        if life == 1 {
            self.office.kill().await;
        }
        while let Some(submitter) = busy.join_next().await {
            self.submitters.push(submitter?);
        }
        Ok(())
    }

    /// Pages until the life's work is done.
    async fn work(&mut self, life: u64, goal: u64, door: &Door) -> Result<()> {
        let enough = if life == 1 { goal / 2 } else { goal };
        self.page_until(door, |accepted, _| accepted >= enough)
            .await?;
        self.office.line.set(Weather::Clear);
        Ok(())
    }

    /// Pages until enough was accepted and shown.
    async fn page_until(&mut self, door: &Door, enough: impl Fn(u64, u64) -> bool) -> Result<()> {
        let deadline = tokio::time::Instant::now() + 4 * PATIENCE;
        while !enough(self.accepted.load(Ordering::Relaxed), self.pager.after) {
            self.pager.read_on(door).await?;
            ensure!(
                tokio::time::Instant::now() < deadline,
                "the work does not get done"
            );
            tokio::time::sleep(PAGE_INTERVAL).await;
        }
        Ok(())
    }

    /// Until all that was submitted is on the bus, and all that the bus has was shown and posted.
    async fn drain(&mut self, bus: &Bus, webhook: &Webhook) -> Result<()> {
        let door = Door::of(&self.office)?;
        eventually("all events to be sent", async || {
            let status = door.get("/status").await.ok()?;
            let feeds = status["outbox"]["feeds"].as_array()?;
            let all = feeds.iter().all(|feed| feed["waiting"] == 0);
            all.then_some(())
        })
        .await;
        let broker = Broker::connect(&bus.authority).await?;
        let counts = broker.counts(FEED).await?;
        let total = counts
            .iter()
            .filter(|(subject, _)| !subject.ends_with(OWN))
            .map(|(_, count)| count)
            .sum();
        let posted = Arc::clone(&webhook.posted);
        let all = move |_, shown| shown >= total && posted.load(Ordering::Relaxed) >= total;
        self.page_until(&door, all).await
    }

    async fn end_life(&mut self, life: u64) {
        let id = if life == 1 {
            None
        } else {
            Some(self.office.id())
        };
        match life {
            1 => {}
            2 => self.office.stop().await,
            _ => self.office.kill().await,
        }
        let trace = self.lives.last().expect("a life has a trace").clone();
        let ended = || async {
            let text = std::fs::read(&trace).ok()?;
            let tail =
                String::from_utf8_lossy(&text[text.len().saturating_sub(4_096)..]).into_owned();
            let last = tail.lines().last()?;
            let of_agent = id.is_none_or(|id| last.starts_with(&format!("{id} ")));
            (of_agent && last.contains("+++ ")).then_some(())
        };
        eventually("the end of the trace", ended).await;
    }
}

async fn submit_in_province(province: &Office, last: u64) {
    for number in 0..last {
        let (id, data) = (format!("province-{last}-{number}"), load::data(9, number));
        let body = load::event(&id, &data);
        let answer = province
            .post("/events", "application/cloudevents+json", body)
            .await;
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
}

/// What each sequence of the feed's stream holds, from this one on.
pub async fn on_bus(bus: &Bus, first: u64) -> Result<Vec<Entry>> {
    let broker = Broker::connect(&bus.authority).await?;
    let counts = broker.counts(FEED).await?;
    let mut all = Vec::new();
    for sequence in first..=counts.values().sum() {
        let stored = broker.message(FEED, sequence).await?;
        let header = |name: &str| {
            let mut lines = stored.headers.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.map(str::to_owned)
        };
        let position = header("ce-sequence").and_then(|text| text.parse().ok());
        all.push(Entry::OnBus {
            id: header("ce-id").context("an event has an id")?,
            sequence,
            source: header("ce-source").context("an event has a source")?,
            position: position.context("an event has a position")?,
        });
    }
    Ok(all)
}
