//! An office's stores at work in a process of their own: events are accepted, settled, received, shown, delivered into a file.
//! In: a ground and a store's folder. Out: lines of the ledger, and how it ended. Never: a step of an agent's stores by other code than
//! the agent's; a life that goes on behind a failed one: it begins anew with another process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agent::deliver;
use agent::deliver::delivered::{BusName, Delivered};
use agent::inbox::{Cursor, Inbox};
use agent::outbox::{AcceptError, Outbox, Submission, Telling};
use agent::settings::{Deliver, DeliverTo, Waits};
use agent::store::{Fault, Outage, disk};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use schemas::envelope::nats;
use schemas::event::Position;
use tokio_util::sync::CancellationToken;

use crate::ground::{Bus, Ground};
use crate::ledger::{self, Entry, Ledger, now_ns};
use crate::load;
use crate::stage::{self, LINES, LINES_TAKEN};
use crate::whose::nobody;

/// Segments of the outbox are an eighth of a MiB: several are sealed and written anew in a short life.
pub const BUDGET_BYTES: u64 = 2 * 1024 * 1024;
const SUBMITTERS: usize = 2;
/// By each submitter, in each round.
const SUBMITTED: u64 = 2;
/// In each round.
const RECEIVED: usize = 3;
/// Events that are stored on the bus as one run.
const RUN: usize = 3;
/// A store that says that the disk is full, or lost for now, is asked again so often: the fault is over by then.
const TRIES: usize = 3;
/// Time for an outbox that has failed to say so.
const FAILS_TIME: Duration = Duration::from_secs(10);
/// The longest that one step may take: what takes longer hangs, and is named.
const STEP_TIME: Duration = Duration::from_secs(15);
/// How often it is looked whether the last line is delivered.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// The process's words for how it ended.
pub const DONE: u8 = 0;
/// A store failed, and the life with it, as an agent's would: it is begun anew.
pub const STOPPED: u8 = 3;
/// Anything else: something that was promised is not so.
pub const WRONG: u8 = 4;

/// Where everything lies.
#[derive(clap::Args)]
pub struct Places {
    #[arg(long)]
    ground: PathBuf,
    #[arg(long)]
    store: PathBuf,
    #[arg(long)]
    ledger: PathBuf,
    #[arg(long)]
    bus: PathBuf,
    #[arg(long)]
    rounds: u64,
}

/// How much comes in and goes out in so many rounds.
pub fn load(rounds: u64) -> (u64, u64) {
    (
        SUBMITTERS as u64 * SUBMITTED * rounds,
        RECEIVED as u64 * rounds,
    )
}

pub async fn run(places: Places) -> ExitCode {
    let ended = live(places).await;
    ExitCode::from(match ended {
        Ok(()) => DONE,
        Err(error) => {
            eprintln!("{error:#}");
            let failed = error.chain().any(|cause| {
                let accept = cause.downcast_ref::<AcceptError>();
                cause.is::<Outage>()
                    || matches!(cause.downcast_ref::<Fault>(), Some(Fault::Outage(_)))
                    || matches!(accept, Some(AcceptError::Outage(_)))
            });
            if failed { STOPPED } else { WRONG }
        }
    })
}

struct Worker {
    ground: Ground,
    outbox: Outbox,
    inbox: Inbox,
    delivered: Arc<Delivered>,
    bus: Bus,
    ledger: Ledger,
    /// The file that is delivered into, while it is written.
    taken: PathBuf,
    shown: u64,
}

async fn live(places: Places) -> Result<()> {
    let Places { store, rounds, .. } = &places;
    disk::make_directory(store)?;
    let (outbox, _) = Outbox::open(store, &nobody(), BUDGET_BYTES)?;
    let (inbox, _) = Inbox::open(store, &nobody())?;
    let ground = Ground::read(&places.ground)?;
    let bus = BusName {
        authority: "none".into(),
        genesis: ground.genesis(),
    };
    let (delivered, _) = Delivered::open(store, &bus, &nobody())?;
    let lines = store.join(LINES);
    let mut worker = Worker {
        ground,
        outbox,
        inbox,
        delivered: Arc::new(delivered),
        bus: Bus::open(&places.bus)?,
        taken: store.join(LINES_TAKEN),
        shown: last_shown(&places)?,
        ledger: Ledger::begin(&places.ledger)?,
    };
    let deliver = Deliver {
        name: stage::file_name(),
        feed: worker.ground.feed.clone(),
        to: DeliverTo::File(lines),
        waits: Waits::USUAL,
    };
    let stop = CancellationToken::new();
    let from = deliver::From {
        inbox: worker.inbox.clone(),
        delivered: Arc::clone(&worker.delivered),
        targets: deliver::Targets::default(),
        believes: Arc::new(|_| true),
    };
    let delivering = deliver::run(vec![deliver], from, stop.clone());
    tokio::select! {
        done = worker.rounds(*rounds) => done?,
        ended = delivering => {
            ended?;
            bail!("delivery ended by itself");
        }
    }
    Ok(())
}

/// An application that pages goes on behind what it was shown.
fn last_shown(places: &Places) -> Result<u64> {
    let entries = ledger::read(&places.ledger)?;
    let arrivals = entries.iter().filter_map(|entry| match entry {
        Entry::Shown { arrival, .. } => Some(*arrival),
        Entry::Accepted { .. } | Entry::Posted { .. } | Entry::OnBus { .. } => None,
    });
    Ok(arrivals.max().unwrap_or(0))
}

impl Worker {
    async fn rounds(&mut self, rounds: u64) -> Result<()> {
        for round in 0..rounds {
            in_time("submitting", self.submit(round)).await?;
            in_time("receiving", self.receive()).await?;
            in_time("paging", self.page()).await?;
            in_time("sending", self.send()).await?;
            if round % 2 == 1 {
                in_time("a checkpoint", self.checkpoint()).await?;
            }
        }
        while !in_time("sending", self.send()).await? {}
        while in_time("receiving", self.receive()).await? {}
        in_time("paging", self.page()).await?;
        in_time("a checkpoint", self.checkpoint()).await?;
        in_time("delivering", self.all_delivered()).await
    }

    async fn checkpoint(&self) -> Result<()> {
        Ok(self.outbox.checkpoint().await?)
    }

    async fn all_delivered(&self) -> Result<()> {
        let inbound = &self.ground.inbound;
        let log = inbound.last().map(|event| event.event().log().clone());
        let log = log.context("there is another office's log")?;
        let all = inbound.len() as u64;
        // What is marked is the application's once the file is back in its place; a rename that failed is tried again.
        let delivered = || self.delivered.position(&stage::file_name(), &log) >= all;
        while !delivered() || self.taken.exists() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// Each submitter waits for each answer, as the submitters of an office do.
    async fn submit(&self, round: u64) -> Result<()> {
        let one = async |submitter: usize| -> Result<()> {
            for number in round * SUBMITTED + 1..=(round + 1) * SUBMITTED {
                self.submit_one(submitter, number).await?;
            }
            Ok(())
        };
        let (first, second) = tokio::join!(one(0), one(1));
        first.and(second)
    }

    async fn submit_one(&self, submitter: usize, number: u64) -> Result<()> {
        let (id, data) = (
            format!("call-{submitter}-{number:05}"),
            load::data(submitter, number),
        );
        let valid = self.ground.valid(&id, &data)?;
        for _ in 0..TRIES {
            match self.outbox.accept(Submission::of(&valid, None)).await {
                Ok(_) => {
                    let at_ns = now_ns();
                    return self.ledger.note(&[Entry::Accepted {
                        at_ns,
                        id,
                        submitter,
                        number,
                        data,
                    }]);
                }
                // No room, it says, and nothing was kept: the submitter comes again.
                Err(AcceptError::DiskBudget { .. } | AcceptError::DiskFull) => {}
                Err(error) => {
                    self.accepts_nothing_more().await?;
                    return Err(error.into());
                }
            }
        }
        bail!("{id} is not accepted although there is room")
    }

    /// An outbox that has failed says yes to nothing, not even to what it knows.
    async fn accepts_nothing_more(&self) -> Result<()> {
        let failed = self.outbox.failed();
        let fails = tokio::time::timeout(FAILS_TIME, failed.cancelled());
        fails
            .await
            .context("the outbox does not say that it has failed")?;
        let valid = self.ground.valid("behind-the-failure", &load::data(0, 1))?;
        let accepted = self.outbox.accept(Submission::of(&valid, None)).await;
        ensure!(
            accepted.is_err(),
            "an outbox that has failed goes on accepting"
        );
        Ok(())
    }

    /// What the stream has behind the cursor. False where there is no more.
    async fn receive(&self) -> Result<bool> {
        let feed = &self.ground.feed;
        let cursor = self.inbox.cursor(feed)?;
        let next = cursor.map_or(0, |cursor| cursor.stream_sequence);
        let next = usize::try_from(next)?;
        let end = (next + RECEIVED).min(self.ground.inbound.len());
        if next == end {
            return Ok(false);
        }
        let cursor = Cursor {
            stream_sequence: end as u64,
            hash: self.ground.inbound[end - 1].hash(),
        };
        let events = self.ground.verified(next..end)?;
        self.inbox.keep(feed, events, Some(cursor)).await?;
        Ok(true)
    }

    /// Shows an application what is new.
    async fn page(&mut self) -> Result<()> {
        let page = self.inbox.page(&self.ground.feed, self.shown, 100).await?;
        let at_ns = now_ns();
        let shown = page.iter().map(|arrived| Entry::Shown {
            at_ns,
            arrival: arrived.arrival,
            source: arrived.log.source(),
            position: arrived.position.number(),
        });
        self.ledger.note(&shown.collect::<Vec<_>>())?;
        self.shown = page.last().map_or(self.shown, |last| last.arrival);
        Ok(())
    }

    /// What the bus has and the outbox does not remember is taken back; else what waits longest is stored and settled.
    /// True where nothing waits.
    async fn send(&mut self) -> Result<bool> {
        let feed = &self.ground.feed;
        let head = self.outbox.last_settled(feed)?;
        let whole = self.outbox.whole_up_to(feed);
        let known = whole.unwrap_or(head.map_or(0, |head| head.position.number()));
        let head = usize::try_from(known)?;
        if head < self.bus.log.len() {
            let vouched = self.ground.vouched(&self.bus.log[head..])?;
            full_is_not_final(async || {
                self.outbox
                    .take_back(feed, vouched.clone(), Telling::NotDue)
                    .await
            })
            .await?;
        }
        if whole.is_some() {
            self.outbox.mended(feed).await?;
        }
        let waiting = self.outbox.waiting(feed, 0, RUN).await?;
        if waiting.is_empty() {
            return Ok(true);
        }
        let event = |bytes| nats::read_stored_unsigned(bytes).map_err(|no| anyhow!("{no}"));
        let events = waiting
            .iter()
            .map(|one| event(&one.bytes))
            .collect::<Result<_>>()?;
        let stored = self.bus.store(&self.ground, events)?;
        let on_bus = stored.iter().map(|event| Entry::OnBus {
            id: event.id().into(),
            sequence: own_sequence(event.link().position),
            source: event.event().log().source(),
            position: event.link().position.number(),
        });
        self.ledger.note(&on_bus.collect::<Vec<_>>())?;
        let vouched = self.ground.vouched(stored)?;
        full_is_not_final(async || self.outbox.settle(feed, vouched.clone()).await).await?;
        Ok(false)
    }
}

async fn in_time<T>(step: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let worked = tokio::time::timeout(STEP_TIME, work).await;
    worked.with_context(|| format!("{step}: not within {STEP_TIME:?}"))?
}

/// The stream of another office's log is numbered from 1; what the office itself stores stands behind all of it.
fn own_sequence(position: Position) -> u64 {
    (1 << 32) + position.number()
}

async fn full_is_not_final(settle: impl AsyncFn() -> Result<(), Outage>) -> Result<()> {
    for _ in 1..TRIES {
        match settle().await {
            Err(Outage::Full) => {}
            other => return Ok(other?),
        }
    }
    Ok(settle().await?)
}
