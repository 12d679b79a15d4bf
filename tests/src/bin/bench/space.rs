//! Whether space is given back: a backlog in the agent's outbox drains and passes its horizon, while the outbox stays open.
//! In: 500 MB of accepted events, and receipts with the days on them. Out: MiB on the disk when all has drained, and when it is quiet
//! again, over what lives there. Never: a store that was closed in between.

use std::path::Path;
use std::time::{Duration, Instant};

use agent::outbox::{Outbox, Settled, Vouched};
use anyhow::{Context as _, Result, ensure};
use schemas::chain::Head;
use schemas::envelope::nats;
use schemas::event::{Hash, Timestamp};
use schemas::receipt::{Facts, Receipt, Stamp};
use schemas::registry::{GatewayRecord, Registry, RegistryEvent};
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::FeedName;
use tempfile::TempDir;

use crate::Effort;
use crate::events::FEED;
use crate::figure::{Figure, Outcome, plain};
use crate::outbox::{Office, nobody};

const BUDGET_BYTES: u64 = 8 * 1024 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
/// Events that are accepted, and settled, together.
const PART: usize = 500;
/// All but the last event are past the horizon of 90 days.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Giving back takes its time on a busy machine.
const QUIET_WAIT: Duration = Duration::from_secs(900);

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let folder = TempDir::with_prefix("spean-bench-")?;
    let store = folder.path().join("outbox");
    let (outbox, _) = Outbox::open(&store, &nobody(), BUDGET_BYTES)?;
    let feed: FeedName = FEED.parse()?;
    let backlog = accept(&outbox, effort.pick(500, 50) * MIB).await?;
    let mut bus = Bus::new(&feed)?;
    while bus.settle(&outbox, 1).await? > 0 {}
    let drained = disk_bytes(&store)?;
    let last = Office::new()?.submissions(1, 1)?.remove(0);
    outbox.accept(last).await?;
    bus.settle(&outbox, 0).await?;
    let began = Instant::now();
    let (disk, live) = quiet(&outbox, &store, &feed).await?;
    let took = began.elapsed().as_secs_f64();
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    outcome.show(
        Figure::new("the store when it is quiet again", mib(disk), "MiB")
            .at_most((4.0 * mib(live) + 16.0).floor())
            .made_of(format!(
                "{} MiB were accepted as {} events; {} MiB on the disk when all had drained; {} MiB live; given back within {} s",
                plain(mib(backlog).floor()),
                plain(bus.head.number() as f64),
                plain(mib(drained).floor()),
                plain(mib(live)),
                plain(took.ceil())
            )),
    );
    Ok(())
}

/// Accepts so many bytes of events; returns how many it were.
async fn accept(outbox: &Outbox, bytes: u64) -> Result<u64> {
    let office = Office::new()?;
    let mut accepted = 0;
    for part in 0.. {
        if accepted >= bytes {
            break;
        }
        // The second one of the submitters is left for the last event.
        let events = office.submissions(2 + part, PART)?;
        accepted += events
            .iter()
            .map(agent::outbox::Submission::bytes)
            .sum::<u64>();
        for answer in outbox.accept_all(events).await {
            ensure!(!answer?.again, "an id came twice");
        }
    }
    Ok(accepted)
}

/// Waits until all but the last event are pruned and the disk is as it should be.
async fn quiet(outbox: &Outbox, store: &Path, feed: &FeedName) -> Result<(u64, u64)> {
    let began = Instant::now();
    loop {
        let last = outbox.last_settled(feed)?.context("a log")?.position;
        let pruned = outbox
            .pruned(feed)?
            .map_or(0, |pruned| pruned.position.number());
        let disk = disk_bytes(store)?;
        if pruned + 1 == last.number() {
            let live = outbox.live_bytes()?;
            if disk < 4 * live + 16 * MIB {
                return Ok((disk, live));
            }
        }
        ensure!(
            began.elapsed() < QUIET_WAIT,
            "{disk} bytes; pruned to {pruned}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The bus that everything drains to: it signs for the office, and gives receipts.
struct Bus {
    feed: FeedName,
    head: Head,
    office: SigningKey,
    gateway: SigningKey,
    registry: Registry,
}

impl Bus {
    fn new(feed: &FeedName) -> Result<Bus> {
        let genesis = Hash::of(b"bench");
        let (office, _) = SigningKey::generate()?;
        let (gateway, _) = SigningKey::generate()?;
        let mut registry = Registry::empty(genesis);
        registry.apply(&RegistryEvent::GatewayAdded(GatewayRecord {
            name: "gateway-1".into(),
            public_key: (*gateway.public()).into(),
        }))?;
        Ok(Bus {
            feed: feed.clone(),
            head: Head::empty(genesis),
            office,
            gateway,
            registry,
        })
    }

    /// Settles what is first in line, as if it had been admitted so many years ago; returns how many that were.
    async fn settle(&mut self, outbox: &Outbox, years_ago: u32) -> Result<usize> {
        let waiting = outbox.waiting(&self.feed, 0, PART).await?;
        let mut settled = Vec::with_capacity(waiting.len());
        let mut last = None;
        for one in &waiting {
            let event = nats::read_stored_unsigned(&one.bytes)?;
            let signed = SignedEvent::sign(event, self.head.next().expect("room"), &self.office);
            self.head = Head::of(&signed);
            settled.push(Settled::of(&signed));
            last = Some(signed);
        }
        if let Some(last) = last {
            let admitted = std::time::SystemTime::now() - YEAR * years_ago;
            let seconds = admitted.duration_since(std::time::UNIX_EPOCH)?.as_secs();
            let stamp = Stamp {
                admitted: Timestamp::from_unix_seconds(i64::try_from(seconds)?)
                    .context("a time")?,
                gateway: "gateway-1".into(),
                registry: None,
                newest: None,
            };
            let receipt = Receipt::sign(Facts::of(&last, stamp), &self.gateway);
            let receipt = receipt.verified(&self.registry)?;
            outbox
                .settle(&self.feed, Vouched::by(receipt, settled))
                .await?;
        }
        Ok(waiting.len())
    }
}

/// Bytes of a folder with all that is in it; what goes away meanwhile counts nothing.
fn disk_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(file) if file.is_dir() => disk_bytes(&entry.path())?,
            Ok(file) => file.len(),
            Err(_) => 0,
        };
    }
    Ok(bytes)
}
