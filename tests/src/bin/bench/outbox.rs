//! How fast an office's own events are on disk: at the outbox, and beside it through the local HTTP interface.
//! In: 64 submitters at once, records of 1.5 KB. Out: accepted events a second over a bare append and fdatasync with the same
//! group commit. Never: an event that is counted before its answer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use agent::outbox::{Outbox, Submission};
use agent::store::log::{Identity, Room};
use agent::submit::{Desk, now};
use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use schemas::event::{Draft, Hash};
use schemas::registry::{Registry, RegistryEvent, seed};
use schemas::subject::{FeedName, OfficeId};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::Effort;
use crate::agent::Agent;
use crate::events::{FEED, LABOUR, SIEM_REAP};
use crate::figure::{Figure, Median, Outcome};
use crate::group_commit::GroupCommit;

const SUBMITTERS: usize = 64;
const RECORD_BYTES: usize = 1_500;
const BUDGET_BYTES: u64 = 8 * 1024 * 1024 * 1024;
const BATCH_EVENTS: usize = 100;

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let each = effort.pick(1_000, 50);
    let folder = TempDir::with_prefix("spean-bench-")?;
    let (mut bare, mut outbox) = (Vec::new(), Vec::new());
    for round in 0..effort.pick(5, 1) {
        let within = |name: &str| folder.path().join(format!("{name}-{round}"));
        bare.push(at_bare_file(&within("bare"), each).await?);
        outbox.push(at_outbox(&within("outbox"), each).await?);
    }
    let (bare, outbox) = (Median::of(bare), Median::of(outbox));
    outcome.show(
        Figure::new(
            "64 submitters at the outbox / bare append and fdatasync",
            outbox.value / bare.value,
            "times",
        )
        .at_least(0.5)
        .made_of(format!(
            "{} / {} records of 1.5 KB a second",
            outbox.words(),
            bare.words()
        )),
    );
    let agent = Agent::alone(folder.path()).await?;
    over_http(effort, &Arc::new(agent), outcome).await
}

async fn at_bare_file(file: &Path, each: usize) -> Result<f64> {
    let commit = Arc::new(GroupCommit::begin(file)?);
    let record = Bytes::from(vec![b'x'; RECORD_BYTES]);
    a_second(each, move |_| {
        let (commit, record) = (Arc::clone(&commit), record.clone());
        async move {
            for _ in 0..each {
                commit.append(record.clone()).await?;
            }
            Ok(())
        }
    })
    .await
}

/// Whose the stores are that are made here.
pub fn nobody() -> Identity {
    Identity::of("nobody", b"bench", Room::Outbox)
}

/// Everything but accepting is done before the clock runs.
async fn at_outbox(folder: &Path, each: usize) -> Result<f64> {
    let (outbox, _) = Outbox::open(folder, &nobody(), BUDGET_BYTES)?;
    let office = Office::new()?;
    let numbers = 0..SUBMITTERS;
    let prepared: Result<Vec<Mutex<Vec<Submission>>>> = numbers
        .map(|submitter| Ok(Mutex::new(office.submissions(submitter, each)?)))
        .collect();
    let prepared = prepared?;
    a_second(each, move |submitter| {
        let outbox = outbox.clone();
        let mut submissions = prepared[submitter]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let submissions = std::mem::take(&mut *submissions);
        async move {
            for submission in submissions {
                let accepted = outbox.accept(submission).await?;
                ensure!(!accepted.again, "an id came twice");
            }
            Ok(())
        }
    })
    .await
}

/// The office whose figures are submitted, under the registry that every bus begins with.
pub struct Office {
    id: OfficeId,
    registry: Registry,
}

impl Office {
    pub fn new() -> Result<Office> {
        let mut registry = Registry::empty(Hash::of(b"bench"));
        for event in seed() {
            registry.apply(&event)?;
        }
        let id = "mlvt/siem-reap".parse()?;
        let usual = registry.usual_office(&id).context("a provincial office")?;
        registry.apply(&RegistryEvent::OfficeAdded(usual))?;
        Ok(Office { id, registry })
    }

    pub fn submissions(&self, submitter: usize, count: usize) -> Result<Vec<Submission>> {
        let desk = Desk {
            registry: &self.registry,
            office: &self.id,
            now: now(),
        };
        let feed: FeedName = FEED.parse()?;
        let number = |number: usize| (submitter * count + number) as u64;
        let draft = |number: u64| Draft {
            id: Some(format!("bench-{number:010}")),
            data: (LABOUR.data)(SIEM_REAP, number).to_string().into(),
            ..Draft::default()
        };
        (0..count)
            .map(|index| desk.submit(draft(number(index)), Some(&feed)))
            .map(|valid| valid.map(|valid| Submission::of(&valid, None)))
            .collect::<Result<_, _>>()
            .map_err(|problem| anyhow!("the desk says {problem:?}"))
    }
}

/// All submitters at once, each on a task of its own; events a second.
async fn a_second<Submitting>(each: usize, submitter: impl Fn(usize) -> Submitting) -> Result<f64>
where
    Submitting: Future<Output = Result<()>> + Send + 'static,
{
    let began = Instant::now();
    let mut submitting = JoinSet::new();
    for number in 0..SUBMITTERS {
        submitting.spawn(submitter(number));
    }
    while let Some(ended) = submitting.join_next().await {
        ended??;
    }
    Ok((SUBMITTERS * each) as f64 / began.elapsed().as_secs_f64())
}

/// An agent whose gateway does not answer: nothing but accepting is measured.
async fn over_http(effort: Effort, agent: &Arc<Agent>, outcome: &mut Outcome) -> Result<()> {
    let (singles, batches) = (effort.pick(200, 10), effort.pick(20, 2));
    let single = a_second(singles, |submitter| {
        let agent = Arc::clone(agent);
        async move {
            for number in 0..singles {
                agent
                    .submit(&format!("single-{submitter}-{number}"))
                    .await?;
            }
            Ok(())
        }
    });
    let single = single.await?;
    let batch = a_second(batches * BATCH_EVENTS, |submitter| {
        let agent = Arc::clone(agent);
        async move {
            for number in 0..batches {
                let name = format!("batch-{submitter}-{number}");
                agent.submit_batch(&name, BATCH_EVENTS).await?;
            }
            Ok(())
        }
    });
    let batch = batch.await?;
    let figure = |what, value| Figure::new(what, value, "events a second");
    outcome.show(figure("POST /events, single events, 64 at once", single));
    outcome.show(figure("POST /events, batches of 100, 64 at once", batch));
    Ok(())
}
