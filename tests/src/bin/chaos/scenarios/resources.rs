//! Disks that are full, descriptors and memory that are used up, clocks that are wrong.

use anyhow::Result;

use crate::scenario::{Applying, Cast, Needs, Scenario};
use crate::stage::Program::{Agent, Broker, Gateway};
use crate::stage::{Stage, Way};

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick("agent-disk-full", "a publisher's disk is full for a while: what cannot be kept is not accepted", |stage| Box::pin(agent_disk_full(stage))).cast(|| Cast::usual().small_disks()),
        Scenario::full("reader-disk-full", "a subscriber's disk is full again and again: it ends, is started again, and reads on", |stage| Box::pin(reader_disk_full(stage))).cast(|| Cast::usual().small_disks()),
        Scenario::full("gateway-disk-full", "the gateway's disk, with its audit, is full for a while", |stage| Box::pin(gateway_disk_full(stage))).cast(|| Cast::usual().small_disks()),
        Scenario::full("broker-disk-full", "nats-server's disk is full for a while under load", |stage| Box::pin(broker_disk_full(stage))).cast(|| Cast::usual().small_disks()),
        Scenario::full("descriptors-gone", "gateway, nats-server and a publisher's agent can open no more files or connections for a while, and offices reconnect", |stage| Box::pin(descriptors_gone(stage))),
        Scenario::full("memory-gone", "gateway, nats-server and a publisher's agent get no more memory for a while; who ends for want of it is started again", |stage| Box::pin(memory_gone(stage))),
        Scenario::quick("clocks-wrong", "one publisher's clock is an hour ahead, another's an hour behind, a subscriber's and the gateway's jump to and fro", |stage| Box::pin(clocks_wrong(stage))).cast(|| Cast::usual().clocks()).needs(Needs::AnotherClock),
        Scenario::full("day-of-outage", "the line is cut for a day by the agent's clock, and 100,000 events wait", |stage| Box::pin(day_of_outage(stage))).cast(|| Cast::usual().clocks().patience(900).applications(Applying::FilesAlone)).needs(Needs::AnotherClock),
    ]
}

async fn agent_disk_full(stage: &mut Stage) -> Result<()> {
    stage.fill_disk(Agent(0)).await?;
    // There is room in the files that it has: more comes than fits.
    let pressed = stage.press(0);
    stage.seconds(stage.pick(30, 4)).await;
    stage.has_turned_away(0).await;
    stage.clear_disk(Agent(0))?;
    stage.agent_answers(0).await;
    stage.pressed(pressed).await
}

async fn reader_disk_full(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(15, 2) {
        stage.fill_disk(Agent(3)).await?;
        stage.pause(200..3_000).await;
        stage.clear_disk(Agent(3))?;
        stage.agent_answers(3).await;
        stage.pause(200..2_000).await;
    }
    Ok(())
}

async fn gateway_disk_full(stage: &mut Stage) -> Result<()> {
    stage.fill_disk(Gateway(0)).await?;
    stage.seconds(stage.pick(30, 4)).await;
    stage.clear_disk(Gateway(0))
}

async fn broker_disk_full(stage: &mut Stage) -> Result<()> {
    stage.fill_disk(Broker(0)).await?;
    stage.seconds(stage.pick(30, 6)).await;
    stage.clear_disk(Broker(0))?;
    // A nats-server that met a full disk has put JetStream out of service; an operator starts it again.
    stage.stop(Broker(0)).await?;
    stage.start(Broker(0)).await;
    Ok(())
}

async fn descriptors_gone(stage: &mut Stage) -> Result<()> {
    for program in [Agent(0), Gateway(0), Broker(0)] {
        stage.take_descriptors(program).await?;
        stage.kill(Agent(1)).await?;
        stage.start(Agent(1)).await;
        stage.seconds(stage.pick(15, 4)).await;
        stage.give_descriptors(program).await?;
        stage.pause(500..2_000).await;
    }
    Ok(())
}

async fn memory_gone(stage: &mut Stage) -> Result<()> {
    for program in [Agent(0), Gateway(0), Broker(0)] {
        stage.take_memory(program).await?;
        stage.backlog(0, 100).await?;
        stage.seconds(stage.pick(15, 4)).await;
        stage.give_memory(program).await?;
        stage.pause(500..2_000).await;
    }
    Ok(())
}

async fn clocks_wrong(stage: &mut Stage) -> Result<()> {
    stage.set_clock(Agent(0), 3_600)?;
    stage.set_clock(Agent(1), -3_600)?;
    for _ in 0..stage.pick(10, 3) {
        for program in [Agent(2), Agent(3), Gateway(0)] {
            let seconds = stage.random.i64(-3_600..3_600);
            stage.set_clock(program, seconds)?;
        }
        stage.pause(1_000..3_000).await;
    }
    for office in [0, 1] {
        stage.count_wrong_clock(office).await?;
    }
    for program in [Agent(0), Agent(1), Agent(2), Agent(3), Gateway(0)] {
        stage.set_clock(program, 0)?;
    }
    Ok(())
}

async fn day_of_outage(stage: &mut Stage) -> Result<()> {
    stage.cut(0, Way::Both)?;
    let hours = 24;
    let each = stage.pick(100_000, 1_200) / hours;
    for hour in 1..=hours {
        stage.set_clock(Agent(0), 3_600 * hour as i64)?;
        stage.backlog(0, each).await?;
    }
    stage.seconds(5).await;
    stage.mend(0)?;
    stage.mended_now();
    stage.has_sent(0, 900).await;
    stage.count_wrong_clock(0).await?;
    stage.set_clock(Agent(0), 0)
}
