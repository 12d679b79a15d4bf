//! Programs that are killed, frozen, stopped and started, at moments of the seed's choice, under load.

use anyhow::Result;

use crate::scenario::{Cast, Scenario};
use crate::stage::Program::{Agent, Broker, Gateway};
use crate::stage::Stage;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "agents-killed",
            "agents of publishers and subscribers are killed (-9) under load, and started again within a second",
            |stage| Box::pin(agents_killed(stage)),
        ),
        Scenario::quick(
            "gateway-killed",
            "the gateway is killed (-9) with batches on their way, and started again within two seconds",
            |stage| Box::pin(gateway_killed(stage)),
        ),
        Scenario::quick(
            "broker-killed",
            "nats-server is killed (-9) under load, and started again within two seconds",
            |stage| Box::pin(broker_killed(stage)),
        ),
        Scenario::full(
            "everything-killed",
            "nats-server, gateway and all agents are killed (-9) at once, as when the power fails everywhere",
            |stage| Box::pin(everything_killed(stage)),
        ),
        Scenario::full(
            "agents-frozen",
            "a publisher's and a subscriber's agent stand still (SIGSTOP) for a minute, and go on",
            |stage| Box::pin(agents_frozen(stage)),
        ),
        Scenario::quick(
            "gateway-frozen",
            "the gateway stands still (SIGSTOP) for a minute with everybody connected, and goes on",
            |stage| Box::pin(gateway_frozen(stage)),
        ),
        Scenario::full(
            "broker-frozen",
            "nats-server stands still (SIGSTOP) for a minute with batches on their way, and goes on",
            |stage| Box::pin(broker_frozen(stage)),
        ),
        Scenario::quick(
            "gateways-rolled",
            "two gateways are stopped (SIGTERM) and started again in turn, as in an upgrade",
            |stage| Box::pin(gateways_rolled(stage)),
        )
        .cast(|| Cast::usual().gateways(2)),
        Scenario::full(
            "broker-lame-duck",
            "nats-server lets its clients go (lame duck), ends, and is started again",
            |stage| Box::pin(broker_lame_duck(stage)),
        ),
    ]
}

async fn agents_killed(stage: &mut Stage) -> Result<()> {
    let offices: Vec<usize> = (0..stage.offices.len()).collect();
    for _ in 0..stage.pick(12, 4) {
        stage.pause(200..1_500).await;
        let agent = Agent(stage.any(&offices));
        stage.kill(agent).await?;
        stage.pause(0..1_000).await;
        stage.start(agent).await;
    }
    Ok(())
}

async fn gateway_killed(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(8, 3) {
        stage.pause(500..3_000).await;
        stage.kill(Gateway(0)).await?;
        stage.pause(0..2_000).await;
        stage.start(Gateway(0)).await;
    }
    Ok(())
}

async fn broker_killed(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(8, 3) {
        stage.pause(500..3_000).await;
        stage.kill(Broker(0)).await?;
        stage.pause(0..2_000).await;
        stage.start(Broker(0)).await;
    }
    Ok(())
}

async fn everything_killed(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(4, 2) {
        stage.pause(1_000..3_000).await;
        stage.kill(Broker(0)).await?;
        stage.kill(Gateway(0)).await?;
        for office in 0..stage.offices.len() {
            stage.kill(Agent(office)).await?;
        }
        for office in 0..stage.offices.len() {
            stage.start(Agent(office)).await;
        }
        stage.start(Broker(0)).await;
        stage.start(Gateway(0)).await;
    }
    Ok(())
}

async fn agents_frozen(stage: &mut Stage) -> Result<()> {
    stage.freeze(Agent(0)).await?;
    stage.freeze(Agent(3)).await?;
    stage.seconds(stage.pick(60, 10)).await;
    stage.thaw(Agent(0)).await?;
    stage.thaw(Agent(3)).await
}

async fn gateway_frozen(stage: &mut Stage) -> Result<()> {
    stage.freeze(Gateway(0)).await?;
    stage.seconds(stage.pick(60, 10)).await;
    stage.thaw(Gateway(0)).await
}

async fn broker_frozen(stage: &mut Stage) -> Result<()> {
    stage.freeze(Broker(0)).await?;
    stage.seconds(stage.pick(60, 10)).await;
    stage.thaw(Broker(0)).await
}

async fn gateways_rolled(stage: &mut Stage) -> Result<()> {
    for gateway in [0, 1].repeat(stage.pick(3, 1)) {
        stage.roll(gateway).await?;
        stage.pause(500..2_000).await;
        stage.start(Gateway(gateway)).await;
        stage.pause(500..2_000).await;
    }
    Ok(())
}

async fn broker_lame_duck(stage: &mut Stage) -> Result<()> {
    stage.pause(500..2_000).await;
    stage.lame_duck(0).await?;
    stage.has_ended(Broker(0)).await;
    stage.start(Broker(0)).await;
    Ok(())
}
