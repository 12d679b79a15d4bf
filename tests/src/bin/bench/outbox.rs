//! How fast an office's own events are on disk: at the outbox, and beside it through the local HTTP interface.
//! In: 64 submitters at once, records of 1.5 KB. Out: accepted events a second over a bare append and fdatasync with the same
//! group commit. Never: an event that is counted before its answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use agent::outbox::{Outbox, Submission};
use anyhow::{Result, ensure};
use bytes::Bytes;
use schemas::event::Hash;
use schemas::subject::FeedName;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::Effort;
use crate::agent::Agent;
use crate::events::FEED;
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

async fn at_outbox(folder: &Path, each: usize) -> Result<f64> {
    let (outbox, _) = Outbox::open(folder, BUDGET_BYTES)?;
    let feed: FeedName = FEED.parse()?;
    a_second(each, move |submitter| {
        let (outbox, feed) = (outbox.clone(), feed.clone());
        async move {
            for number in 0..each {
                let accepted = outbox.accept(submission(&feed, submitter, number)).await?;
                ensure!(!accepted.again, "an id came twice");
            }
            Ok(())
        }
    })
    .await
}

/// A record of its own: the outbox looks at id and digests, the rest is bytes to it.
fn submission(feed: &FeedName, submitter: usize, number: usize) -> Submission {
    let id = format!("bench-{submitter:02}-{number:08}");
    let digest = Hash::of(id.as_bytes());
    Submission {
        feed: feed.clone(),
        id,
        key: None,
        content: digest,
        data: digest,
        bytes: vec![b'x'; RECORD_BYTES].into(),
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
