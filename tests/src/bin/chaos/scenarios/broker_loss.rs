//! A broker that has lost what it had acknowledged. One subscriber is down all the while, and has to get everything afterwards.

use anyhow::Result;

use crate::scenario::{HEALTH, Scenario};
use crate::stage::Program::{Agent, Broker};
use crate::stage::Stage;

const SUBSCRIBER: usize = 4;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::full(
            "tail-lost",
            "the last 30 messages of a stream are gone",
            |stage| Box::pin(tail_lost(stage)),
        ),
        Scenario::quick(
            "middle-lost",
            "20 messages in the middle of a stream are gone",
            |stage| Box::pin(middle_lost(stage)),
        ),
        Scenario::full(
            "stream-deleted",
            "a stream is deleted, and made anew, empty",
            |stage| Box::pin(stream_deleted(stage)),
        ),
        Scenario::quick(
            "broker-wiped",
            "nats-server's store is wiped, and its streams are made anew, empty",
            |stage| Box::pin(broker_wiped(stage)),
        ),
        Scenario::full(
            "broker-restored",
            "nats-server is restored from an older copy of its store",
            |stage| Box::pin(broker_restored(stage)),
        ),
        Scenario::full(
            "bit-flipped",
            "one bit is turned over in a block file of nats-server's",
            |stage| Box::pin(bit_flipped(stage)),
        ),
    ]
}

async fn tail_lost(stage: &mut Stage) -> Result<()> {
    with_a_reader_down(stage).await?;
    stage.lose_messages(HEALTH, 30, 0).await?;
    reader_is_back(stage).await
}

async fn middle_lost(stage: &mut Stage) -> Result<()> {
    with_a_reader_down(stage).await?;
    stage.lose_messages(HEALTH, 20, 20).await?;
    reader_is_back(stage).await
}

async fn stream_deleted(stage: &mut Stage) -> Result<()> {
    with_a_reader_down(stage).await?;
    stage.delete_stream(HEALTH).await?;
    reader_is_back(stage).await
}

async fn broker_wiped(stage: &mut Stage) -> Result<()> {
    with_a_reader_down(stage).await?;
    stage.kill(Broker(0)).await?;
    stage.empty_store(&store(stage))?;
    stage.start(Broker(0)).await;
    stage.bus.create_streams().await;
    reader_is_back(stage).await
}

async fn broker_restored(stage: &mut Stage) -> Result<()> {
    stage.stop(Broker(0)).await?;
    let copy = stage.copy_store(&store(stage))?;
    stage.start(Broker(0)).await;
    with_a_reader_down(stage).await?;
    stage.stop(Broker(0)).await?;
    stage.restore_store(&store(stage), &copy)?;
    stage.start(Broker(0)).await;
    reader_is_back(stage).await
}

async fn bit_flipped(stage: &mut Stage) -> Result<()> {
    with_a_reader_down(stage).await?;
    stage.kill(Broker(0)).await?;
    stage.damage_store(&store(stage), "*.blk", 1).await?;
    stage.start(Broker(0)).await;
    reader_is_back(stage).await
}

fn store(stage: &Stage) -> std::path::PathBuf {
    stage.bus.broker_store(0).to_owned()
}

async fn with_a_reader_down(stage: &mut Stage) -> Result<()> {
    stage.kill(Agent(SUBSCRIBER)).await?;
    stage.seconds(stage.pick(20, 8)).await;
    Ok(())
}

async fn reader_is_back(stage: &mut Stage) -> Result<()> {
    stage.pause(1_000..4_000).await;
    stage.start(Agent(SUBSCRIBER)).await;
    Ok(())
}
