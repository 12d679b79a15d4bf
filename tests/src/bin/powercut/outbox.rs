//! Is every accepted event there? An outbox's folder comes in as a power cut left it; the agent's own code opens it.
//! Out: how long that took, or what is not as it was promised. Never: a look past the outbox's own doors.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use agent::outbox::{Outbox, Stage, Submission};
use agent::store::log::Repair;
use agent::submit::{Desk, now};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use schemas::envelope::nats;
use schemas::event::{Draft, Event, Hash, Position};
use schemas::registry::{Registry, RegistryEvent, seed};
use schemas::subject::{FeedName, OfficeId};

use crate::load::FEED;
use crate::promises::{Promise, Promises};
use crate::stage::OFFICE;
use crate::tally::Seen;
use crate::whose::whose;

const BUDGET_BYTES: u64 = 64 * 1024 * 1024;

/// Opens the outbox of a data folder and holds it against what was accepted before the cut.
pub async fn check(store: &Path, promises: &Promises, at_ns: u64) -> Result<Seen> {
    let began = Instant::now();
    let (outbox, report) =
        Outbox::open(store, &whose(store), BUDGET_BYTES).context("it does not open")?;
    let opened = began.elapsed();
    ensure!(report.lost == 0, "{} events are named as lost", report.lost);
    for repair in &report.repairs {
        match repair {
            // A write that nobody was told of, and what is made from the records.
            Repair::TornTail { .. } | Repair::HintMade(_) => {}
            Repair::Damaged(_)
            | Repair::Rotten { .. }
            | Repair::MissingSegments { .. }
            | Repair::HeaderUnread(_)
            | Repair::StateUnread(_) => bail!("the log: {repair:?}"),
        }
    }
    let feed: FeedName = FEED.parse()?;
    let mut line = own_log(&outbox, &feed)?;
    line.extend(waiting(&outbox, &feed).await?);
    in_order(&line, promises)?;
    all_there(&outbox, &feed, &line, promises, at_ns)?;
    takes_another(&outbox, &feed).await?;
    Ok(Seen {
        opened,
        set_aside: None,
    })
}

/// Asks for all that it has, whether it reads or not, and waits until what does not is told.
pub async fn look_through(outbox: &Outbox) -> Result<()> {
    let feed: FeedName = FEED.parse()?;
    let head = outbox.last_settled(&feed)?;
    let positions = 1..=head.map_or(0, |head| head.position.number());
    for position in positions.filter_map(Position::new) {
        outbox.own(&feed, position)?;
    }
    waiting(outbox, &feed).await?;
    Ok(outbox.checkpoint().await?)
}

/// The own log from its first position on, each event with its data.
fn own_log(outbox: &Outbox, feed: &FeedName) -> Result<Vec<Event>> {
    let head = outbox.last_settled(feed)?;
    let mut log = Vec::new();
    for position in 1..=head.map_or(0, |head| head.position.number()) {
        let position = Position::new(position).context("positions begin at 1")?;
        let bytes = outbox.own(feed, position)?;
        let bytes = bytes.with_context(|| format!("position {position} of the own log is gone"))?;
        let event = nats::read_stored(&bytes).map_err(|refusal| anyhow!("{refusal}"))?;
        let known = outbox.own_hash(feed, position)?;
        ensure!(
            known == Some(event.hash()),
            "position {position} has two hashes"
        );
        log.push(event.event().clone());
    }
    Ok(log)
}

async fn waiting(outbox: &Outbox, feed: &FeedName) -> Result<Vec<Event>> {
    let (mut line, mut after) = (Vec::new(), 0);
    loop {
        let page = outbox.waiting(feed, after, 1_000).await?;
        let Some(last) = page.last() else {
            return Ok(line);
        };
        after = last.number;
        for one in page {
            let event = nats::read_stored_unsigned(&one.bytes);
            let event = event.map_err(|refusal| anyhow!("{}: {refusal}", one.id))?;
            ensure!(
                event.id() == one.id,
                "{} lies in the place of {}",
                event.id(),
                one.id
            );
            line.push(event);
        }
    }
}

/// Unchanged, once, and each submitter's in the order in which it submitted.
fn in_order(line: &[Event], promises: &Promises) -> Result<()> {
    let mut last: BTreeMap<usize, u64> = BTreeMap::new();
    for event in line {
        let Some(Promise {
            submitter,
            number,
            data,
            ..
        }) = promises.accepted.get(event.id())
        else {
            continue;
        };
        ensure!(
            event.data() == data.as_bytes(),
            "{} was changed",
            event.id()
        );
        let before = last.insert(*submitter, *number).unwrap_or(0);
        ensure!(
            before < *number,
            "{} stands behind number {before}",
            event.id()
        );
    }
    Ok(())
}

fn all_there(
    outbox: &Outbox,
    feed: &FeedName,
    line: &[Event],
    promises: &Promises,
    at_ns: u64,
) -> Result<()> {
    let there: BTreeMap<&str, &Event> = line.iter().map(|event| (event.id(), event)).collect();
    ensure!(there.len() == line.len(), "an event is there twice");
    let before = promises.accepted.iter();
    for (id, _) in before.filter(|(_, promise)| promise.at_ns < at_ns) {
        ensure!(
            there.contains_key(id.as_str()),
            "{id} was accepted and is gone"
        );
        let known = outbox.known(feed, id)?;
        let known = known.with_context(|| format!("{id} is not known any more"))?;
        match known.stage {
            Stage::Accepted | Stage::Settled { .. } => {}
            Stage::Refused | Stage::Lost => bail!("{id} is {:?}", known.stage),
        }
    }
    Ok(())
}

/// The store works: one more is accepted, behind all others.
async fn takes_another(outbox: &Outbox, feed: &FeedName) -> Result<()> {
    let data = r#"{"ref_area":"KH17","indicator":"EAR_DAILY_NB","sex":"_T","disability":"_T","time":"2026-08","obs_value":"1"}"#;
    let (registry, office) = office()?;
    let desk = Desk {
        registry: &registry,
        office: &office,
        now: now(),
    };
    let draft = Draft {
        id: Some("behind-the-cut".into()),
        data: data.into(),
        ..Draft::default()
    };
    let valid = desk.submit(draft, Some(feed));
    let valid = valid.map_err(|problem| anyhow!("the desk says {problem:?}"))?;
    let accepted = outbox.accept(Submission::of(&valid, None)).await?;
    ensure!(!accepted.again, "a new event is taken for an old one");
    let line = waiting(outbox, feed).await?;
    let last = line.last().map(Event::id);
    ensure!(
        last == Some("behind-the-cut"),
        "{last:?} stands behind a new event"
    );
    Ok(())
}

/// The office under the registry that every bus begins with.
fn office() -> Result<(Registry, OfficeId)> {
    let mut registry = Registry::empty(Hash::of(b"power cut"));
    for event in seed() {
        registry.apply(&event)?;
    }
    let office: OfficeId = OFFICE.parse()?;
    let usual = registry.usual_office(&office).context("a usual office")?;
    registry.apply(&RegistryEvent::OfficeAdded(usual))?;
    Ok((registry, office))
}

/// How long a store may take to open.
pub const OPEN_TIME: Duration = Duration::from_secs(5);
