//! Three centres with a nats-server and a gateway each: what one of them loses, the others have.

use anyhow::Result;

use crate::scenario::{Cast, HEALTH, Scenario};
use crate::stage::Program::{Broker, Gateway};
use crate::stage::Stage;

const CENTRES: usize = 3;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::full("leader-killed", "the nats-server that leads a stream is killed (-9), and started again within five seconds", |stage| Box::pin(leader_killed(stage))).cast(|| Cast::usual().centres(CENTRES)),
        Scenario::full("two-of-three-gone", "two of three nats-servers are killed (-9), so that nothing can be stored, and come back", |stage| Box::pin(two_of_three_gone(stage))).cast(|| Cast::usual().centres(CENTRES)),
        Scenario::full("centre-replaced", "a whole centre, its nats-server and its gateway, is gone for good, and an empty one takes its place", |stage| Box::pin(centre_replaced(stage))).cast(|| Cast::usual().centres(CENTRES)),
    ]
}

async fn leader_killed(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(5, 1) {
        stage.pause(500..2_000).await;
        let leader = Broker(stage.leader(HEALTH).await);
        stage.kill(leader).await?;
        stage.pause(2_000..5_000).await;
        stage.start(leader).await;
    }
    Ok(())
}

async fn two_of_three_gone(stage: &mut Stage) -> Result<()> {
    for broker in [0, 1] {
        stage.kill(Broker(broker)).await?;
    }
    stage.seconds(stage.pick(30, 6)).await;
    for broker in [0, 1] {
        stage.start(Broker(broker)).await;
    }
    Ok(())
}

async fn centre_replaced(stage: &mut Stage) -> Result<()> {
    let centre = stage.leader(HEALTH).await;
    stage.kill(Gateway(centre)).await?;
    stage.kill(Broker(centre)).await?;
    let store = stage.bus.broker_store(centre).to_owned();
    stage.empty_store(&store)?;
    stage.seconds(stage.pick(20, 5)).await;
    stage.start(Broker(centre)).await;
    stage.start(Gateway(centre)).await;
    stage.copies_are_whole(HEALTH).await;
    // Now the new one is needed: the others fail in turn.
    for other in (0..CENTRES).filter(|other| *other != centre) {
        stage.kill(Broker(other)).await?;
        stage.pause(2_000..4_000).await;
        stage.start(Broker(other)).await;
        stage.copies_are_whole(HEALTH).await;
    }
    Ok(())
}
