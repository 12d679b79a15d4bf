//! Readers that come back late, stores that were damaged, emptied or restored from an older copy.

use anyhow::Result;

use crate::scenario::{HEALTH, Scenario};
use crate::stage::Program::Agent;
use crate::stage::{Stage, Way};

const PUBLISHER: usize = 0;
const SUBSCRIBER: usize = 3;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "consumer-outlived",
            "a subscriber is down for longer than its throw-away consumer lives",
            |stage| Box::pin(consumer_outlived(stage)),
        ),
        Scenario::quick(
            "consumer-deleted",
            "consumers are deleted under the subscribers that read by them",
            |stage| Box::pin(consumer_deleted(stage)),
        ),
        Scenario::quick(
            "inbox-emptied",
            "a subscriber's inbox is emptied while its agent is down; its application gets nothing twice",
            |stage| Box::pin(inbox_emptied(stage)),
        ),
        Scenario::full(
            "inbox-damaged",
            "64 bits all over a subscriber's inbox are turned over while its agent is down",
            |stage| Box::pin(inbox_damaged(stage)),
        ),
        Scenario::full(
            "inbox-restored",
            "a subscriber's inbox is restored from an older copy",
            |stage| Box::pin(inbox_restored(stage)),
        ),
        Scenario::quick(
            "outbox-emptied",
            "a publisher's outbox, with nothing waiting in it, is emptied; the office goes on behind its own log",
            |stage| Box::pin(outbox_emptied(stage)),
        ),
        Scenario::full(
            "outbox-restored",
            "a publisher's outbox is restored from an older copy; the office takes its own events back and goes on behind them",
            |stage| Box::pin(outbox_restored(stage)),
        ),
        Scenario::full(
            "outbox-restored-offline",
            "a publisher's outbox is restored from an older copy while its line is down, and the office works on",
            |stage| Box::pin(outbox_restored_offline(stage)),
        ),
    ]
}

async fn consumer_outlived(stage: &mut Stage) -> Result<()> {
    stage.outlive_consumers(HEALTH, Agent(SUBSCRIBER)).await?;
    stage.start(Agent(SUBSCRIBER)).await;
    Ok(())
}

async fn consumer_deleted(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(4, 2) {
        stage.delete_consumers(HEALTH).await?;
        stage.pause(1_000..4_000).await;
    }
    Ok(())
}

async fn inbox_emptied(stage: &mut Stage) -> Result<()> {
    stage.kill(Agent(SUBSCRIBER)).await?;
    stage.empty_store(&stage.inbox(SUBSCRIBER))?;
    stage.start(Agent(SUBSCRIBER)).await;
    Ok(())
}

async fn inbox_damaged(stage: &mut Stage) -> Result<()> {
    stage.kill(Agent(SUBSCRIBER)).await?;
    stage
        .damage_store(&stage.inbox(SUBSCRIBER), "*.log", 64)
        .await?;
    stage.start(Agent(SUBSCRIBER)).await;
    Ok(())
}

async fn inbox_restored(stage: &mut Stage) -> Result<()> {
    let copy = backup(stage, SUBSCRIBER, Stage::inbox).await?;
    stage.kill(Agent(SUBSCRIBER)).await?;
    stage.restore_store(&stage.inbox(SUBSCRIBER), &copy)?;
    stage.start(Agent(SUBSCRIBER)).await;
    Ok(())
}

async fn outbox_emptied(stage: &mut Stage) -> Result<()> {
    let rest = stage.rest(PUBLISHER).await;
    stage.kill(Agent(PUBLISHER)).await?;
    stage.empty_store(&stage.outbox(PUBLISHER))?;
    stage.start(Agent(PUBLISHER)).await;
    drop(rest);
    stage.seconds(3).await;
    Ok(())
}

async fn outbox_restored(stage: &mut Stage) -> Result<()> {
    let copy = backup(stage, PUBLISHER, Stage::outbox).await?;
    let rest = stage.rest(PUBLISHER).await;
    stage.kill(Agent(PUBLISHER)).await?;
    stage.restore_store(&stage.outbox(PUBLISHER), &copy)?;
    stage.start(Agent(PUBLISHER)).await;
    drop(rest);
    stage.seconds(3).await;
    Ok(())
}

async fn outbox_restored_offline(stage: &mut Stage) -> Result<()> {
    let copy = backup(stage, PUBLISHER, Stage::outbox).await?;
    let rest = stage.rest(PUBLISHER).await;
    stage.cut(PUBLISHER, Way::Both)?;
    stage.kill(Agent(PUBLISHER)).await?;
    stage.restore_store(&stage.outbox(PUBLISHER), &copy)?;
    stage.start(Agent(PUBLISHER)).await;
    drop(rest);
    stage.backlog(PUBLISHER, 60).await?;
    stage.seconds(stage.pick(20, 4)).await;
    stage.mend(PUBLISHER)
}

/// A copy of an agent's store, made while the agent was stopped; it then works on for a while.
async fn backup(
    stage: &mut Stage,
    office: usize,
    store: fn(&Stage, usize) -> std::path::PathBuf,
) -> Result<std::path::PathBuf> {
    stage.stop(Agent(office)).await?;
    let copy = stage.copy_store(&store(stage, office))?;
    stage.start(Agent(office)).await;
    stage.seconds(stage.pick(10, 4)).await;
    Ok(copy)
}
