//! Live power cuts: a real agent under load on a volume that forgets, at a random storage call, what was not synced; then it begins anew
//! with what is left. In: a seed. Out: a table and a verdict. Never: a cut that counts although nothing was going on.

mod tally;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use indicatif::ProgressBar;
use tempfile::TempDir;
use tests::bus::Bus;
use tests::deadline::{PATIENCE, eventually_within};
use tests::disk::{Image, Keep, Way};
use tests::office::Office;
use tests::volume::{Effect, Fault, Volume};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::calls::progress;
use crate::ledger::{self, Entry, Ledger};
use crate::load::{self, Door, Pager, Submitter, Webhook};
use crate::promises::Promises;
use crate::reading::Names;
use crate::replay::scratch;
use crate::stage::{self, LINES, OFFICE, PROVINCE};
use crate::tally::Seen;
use crate::{outbox, reading};
use tally::Tally;

const CUTS: u64 = 200;
const QUICK_CUTS: u64 = 25;
const SUBMITTERS: usize = 2;
/// By each submitter, in each life.
const SUBMITTED: u64 = 4;
/// By the other office, in each life.
const RECEIVED: u64 = 2;
/// How often it is looked for what is new.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Cuts of the control, whose log's syncs do nothing: one loss is enough.
const LIES: u64 = 20;
/// The longest that a volume holds a call back for the agent's end.
const END_TIME: Duration = Duration::from_secs(60);

pub async fn run(quick: bool, seed: u64, keep: &Path) -> Result<bool> {
    let cuts = if quick { QUICK_CUTS } else { CUTS };
    let began = Instant::now();
    let mut tally = Tally::default();
    let bar = progress(usize::try_from(cuts)?);
    let mut draw = seed;
    while tally.cuts() < cuts && tally.failures.is_empty() {
        let most = cuts.min(tally.cuts() + OFFICE_CUTS);
        one_office(draw, most, &mut tally, &bar, keep).await?;
        draw = draw.wrapping_add(1_000_003);
    }
    bar.finish_and_clear();
    tally.print(seed, began.elapsed());
    Ok(sees_losses(seed).await? && tally.failures.is_empty())
}

/// Cuts of one office: its own log stays in its store, whose budget is small.
const OFFICE_CUTS: u64 = 40;

/// One office, its power cut until there are so many cuts in all, and then all that was promised is looked for.
async fn one_office(
    seed: u64,
    most: u64,
    tally: &mut Tally,
    bar: &ProgressBar,
    keep: &Path,
) -> Result<()> {
    let mut stage = Stage::begin(seed).await?;
    let before = tally.promises;
    stage.life(None, None).await?;
    while tally.cuts() < most && tally.failures.is_empty() {
        stage.life(Some(&mut *tally), None).await?;
        tally.promises = before + stage.accepted.load(Ordering::Relaxed);
        bar.set_position(tally.cuts());
    }
    if tally.failures.is_empty() {
        stage.life(None, None).await?;
        if let Err(why) = stage.whole().await {
            tally.failures.push(format!("in the end: {why:#}"));
        }
    }
    if !tally.failures.is_empty() {
        stage.image.write(&keep.join("live"))?;
        std::fs::copy(stage.folder.path().join("ledger"), keep.join("live/ledger"))?;
    }
    Ok(())
}

struct Stage {
    folder: TempDir,
    bus: Bus,
    office: Office,
    province: Office,
    webhook: Webhook,
    ledger: Ledger,
    submitters: Vec<Submitter>,
    pager: Pager,
    accepted: Arc<AtomicU64>,
    image: Image,
    rng: Rng,
    lives: u64,
    /// The most storage calls that a life has made.
    calls: u64,
    /// The last sequence of the feed's stream that is in the ledger.
    noted: u64,
}

/// The volume holds its call back until this was answered: the agent was killed by then.
type Gone = SyncSender<()>;

impl Stage {
    async fn begin(seed: u64) -> Result<Stage> {
        let folder = scratch()?;
        let bus = Bus::start(&[OFFICE, PROVINCE]).await;
        let ledger = Ledger::begin(&folder.path().join("ledger"))?;
        let webhook = Webhook::begin(ledger.clone()).await?;
        let root = folder.path().join("agent");
        let gateway = bus.gateway.address();
        let office = Office::prepare(OFFICE, bus.bundle(OFFICE), &root, gateway, "").await;
        stage::settings(&root, &webhook.url)?;
        let province = bus.office(PROVINCE).await;
        let accepted = Arc::new(AtomicU64::new(0));
        let submitter = |name| Submitter {
            name,
            next: 1,
            ledger: ledger.clone(),
            accepted: Arc::clone(&accepted),
        };
        Ok(Stage {
            submitters: (0..SUBMITTERS).map(submitter).collect(),
            pager: Pager {
                after: 0,
                ledger: ledger.clone(),
            },
            rng: Rng::with_seed(seed),
            image: Image::default(),
            lives: 0,
            calls: 0,
            noted: 0,
            folder,
            bus,
            office,
            province,
            webhook,
            ledger,
            accepted,
        })
    }

    fn store(&self) -> PathBuf {
        self.office.folder().join("store")
    }

    /// One life of the agent. With a tally, the power goes at a storage call by lot; without, it ends by a kill when its work is done.
    async fn life(&mut self, tally: Option<&mut Tally>, lie: Option<&'static str>) -> Result<()> {
        self.lives += 1;
        let volume = Volume::mount(&self.store(), &self.image)?;
        if let Some(lie) = lie {
            volume.lie(lie);
        }
        let mut gone = None;
        let (told, mut hear) = unbounded_channel();
        if tally.is_some() {
            let number = self.rng.u64(1..=self.calls.max(1));
            let (call, effect) = (None, Effect::Sigkill);
            let kill = move || {
                let (dead, wait) = mpsc::sync_channel(1);
                if told.send(dead).is_ok() {
                    wait.recv_timeout(END_TIME).ok();
                }
            };
            volume.arm(
                Fault {
                    call,
                    number,
                    effect,
                },
                Box::new(kill),
            );
        }
        self.submit_in_province().await;
        let cut = self.work_until_cut(&mut hear, &mut gone).await?;
        // It cannot end before its call is answered, and does nothing more behind the signal.
        self.office.signal("KILL");
        if let Some(gone) = gone {
            gone.send(()).ok();
        }
        self.office.kill().await;
        self.calls = self.calls.max(volume.counts().iter().sum());
        match tally {
            Some(tally) => {
                let way = Way::ALL[self.rng.usize(0..Way::ALL.len())];
                let way = if lie.is_some() { Way::Dropped } else { way };
                let (image, dropped) = volume.cut(&mut Keep::new(way, self.rng.u64(..)));
                self.image = image;
                volume.unmount()?;
                let seen = self.holds().await;
                if cut {
                    tally.add(way, dropped, seen);
                }
            }
            None => {
                self.image = volume.image();
                volume.unmount()?;
            }
        }
        Ok(())
    }

    /// True where the power went before the work was done.
    async fn work_until_cut(
        &mut self,
        hear: &mut UnboundedReceiver<Gone>,
        gone: &mut Option<Gone>,
    ) -> Result<bool> {
        tokio::select! {
            biased;
            Some(held) = hear.recv() => {
                *gone = Some(held);
                Ok(true)
            }
            worked = self.work() => worked.map(|()| false),
        }
    }

    /// Until all that was submitted is on the bus, and all that the bus has was shown and posted.
    async fn work(&mut self) -> Result<()> {
        self.office.resume().await;
        let door = Door::of(&self.office)?;
        let last = self.lives * SUBMITTED;
        let submitting = self
            .submitters
            .iter_mut()
            .map(|submitter| submitter.submit_up_to(&door, last));
        let (pager, posted) = (&mut self.pager, &self.webhook.posted);
        let total = self.lives * RECEIVED;
        let paging = async {
            let deadline = Instant::now() + 4 * PATIENCE;
            while pager.after < total || posted.load(Ordering::Relaxed) < total {
                pager.read_on(&door).await?;
                ensure!(
                    Instant::now() < deadline,
                    "what the other office sent does not arrive"
                );
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            Ok(())
        };
        let (submitted, paged) = tokio::join!(join_all(submitting), paging);
        submitted.into_iter().collect::<Result<Vec<()>>>()?;
        paged?;
        eventually_within(4 * PATIENCE, "all events to be sent", async || {
            let status = door.get("/status").await.ok()?;
            let feeds = status["outbox"]["feeds"].as_array()?;
            feeds.iter().all(|feed| feed["waiting"] == 0).then_some(())
        })
        .await;
        Ok(())
    }

    async fn submit_in_province(&self) {
        for number in 1..=RECEIVED {
            let id = format!("province-{}-{number}", self.lives);
            let body = load::event(&id, &load::data(9, number));
            let answer = self
                .province
                .post("/events", "application/cloudevents+json", body);
            let answer = answer.await;
            assert_eq!(answer.status, 202, "{}", answer.body);
        }
    }

    /// What the power cut left is held against all that was ever promised.
    async fn holds(&mut self) -> Result<[Seen; 2]> {
        let on_bus = stage::on_bus(&self.bus, self.noted + 1).await?;
        self.noted += on_bus.len() as u64;
        self.ledger.note(&on_bus)?;
        let promises = Promises::of(ledger::read(&self.folder.path().join("ledger"))?);
        let names = Names {
            webhook: stage::webhook_name(),
            file: stage::file_name(),
            index_may_go: false,
        };
        let disk = self.folder.path().join("disk");
        self.image.write(&disk)?;
        let check = async {
            let own = outbox::check(&disk, &promises, u64::MAX).await;
            let own = own.context("the outbox")?;
            let others = reading::check(&disk, &names, &promises, u64::MAX).await;
            Ok([own, others.context("what was read")?])
        };
        let checked = AssertUnwindSafe(check).catch_unwind().await;
        checked.unwrap_or_else(|_| Err(anyhow!("it panicked")))
    }

    /// Each accepted event is on the bus once, each of the other office's in the file once.
    async fn whole(&mut self) -> Result<()> {
        self.holds().await?;
        let entries = ledger::read(&self.folder.path().join("ledger"))?;
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &entries {
            if let Entry::OnBus { id, .. } = entry {
                *times.entry(id).or_default() += 1;
            }
        }
        for entry in &entries {
            if let Entry::Accepted { id, .. } = entry {
                let times = times.get(id.as_str()).copied().unwrap_or(0);
                ensure!(times == 1, "{id} is {times} times on the bus");
            }
        }
        let lines = self
            .image
            .files
            .get(Path::new(LINES))
            .context("nothing was delivered")?;
        let lines = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        let sent = self.lives * RECEIVED;
        ensure!(lines == sent, "{lines} lines for {sent} events");
        Ok(())
    }
}

/// Whether this would see a loss at all: with syncs of the log that do nothing, something must be lost.
async fn sees_losses(seed: u64) -> Result<bool> {
    let mut stage = Stage::begin(seed).await?;
    let mut tally = Tally::default();
    stage.life(None, Some(".log")).await?;
    for _ in 0..LIES {
        stage.life(Some(&mut tally), Some(".log")).await?;
        if !tally.failures.is_empty() {
            break;
        }
    }
    let (cuts, lost) = (tally.cuts(), tally.failures.len());
    println!(
        "syncs of the log doing nothing: the loss is seen after {cuts} cuts: {}",
        lost > 0
    );
    Ok(lost > 0)
}
