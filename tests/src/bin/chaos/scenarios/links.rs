//! Lines that are pulled, go silent, flap, crawl, or come from a satellite, while everybody works.

use anyhow::Result;

use crate::scenario::Scenario;
use crate::stage::Program::Gateway;
use crate::stage::{Stage, Way};

/// The office of a publisher and of a subscriber: what is done to a line is done to both.
const PUBLISHER: usize = 0;
const SUBSCRIBER: usize = 3;
const BOTH: [usize; 2] = [PUBLISHER, SUBSCRIBER];

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "cable-pulled",
            "the cable of a publisher and of a subscriber is pulled, and plugged in again after up to 15 s",
            |stage| Box::pin(cable_pulled(stage)),
        ),
        Scenario::full(
            "line-silent",
            "lines go silent both ways for a minute: no FIN, no RST, no ICMP",
            |stage| Box::pin(silence(stage, Way::Both)),
        ),
        Scenario::full(
            "line-silent-out",
            "lines go silent for a minute on the way to the gateway only",
            |stage| Box::pin(silence(stage, Way::Out)),
        ),
        Scenario::quick(
            "line-silent-in",
            "lines go silent for a minute on the way back only: what is sent arrives, and no answer comes",
            |stage| Box::pin(silence(stage, Way::In)),
        ),
        Scenario::quick(
            "line-half-open",
            "while lines are silent the gateway is killed and started: it knows nothing of sessions that offices hold for open",
            |stage| Box::pin(line_half_open(stage)),
        ),
        Scenario::quick(
            "line-flapping",
            "lines go silent and come back every two seconds",
            |stage| Box::pin(line_flapping(stage)),
        ),
        Scenario::full(
            "line-lossy",
            "one packet in twenty disappears, both ways, for a minute",
            |stage| Box::pin(line_lossy(stage)),
        ),
        Scenario::quick(
            "address-changed",
            "a publisher's and a subscriber's machine get another address under an open connection, and the old one again later",
            |stage| Box::pin(address_changed(stage)),
        ),
    ]
}

async fn cable_pulled(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(3, 1) {
        stage.pause(500..4_000).await;
        for office in BOTH {
            stage.pull(office)?;
        }
        stage.pause(stage.pick(2_000..15_000, 2_000..6_000)).await;
        for office in BOTH {
            stage.plug(office)?;
        }
    }
    Ok(())
}

async fn line_half_open(stage: &mut Stage) -> Result<()> {
    for office in BOTH {
        stage.cut(office, Way::Both)?;
    }
    stage.seconds(1).await;
    stage.kill(Gateway(0)).await?;
    stage.start(Gateway(0)).await;
    stage.pause(1_000..5_000).await;
    for office in BOTH {
        stage.mend(office)?;
    }
    Ok(())
}

async fn line_flapping(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(15, 4) {
        for office in BOTH {
            stage.cut(office, Way::Both)?;
        }
        stage.seconds(2).await;
        for office in BOTH {
            stage.mend(office)?;
        }
        stage.seconds(2).await;
    }
    Ok(())
}

async fn line_lossy(stage: &mut Stage) -> Result<()> {
    for office in BOTH {
        stage.lose(office, Way::Both, 5)?;
    }
    stage.seconds(stage.pick(60, 10)).await;
    for office in BOTH {
        stage.mend(office)?;
    }
    Ok(())
}

async fn address_changed(stage: &mut Stage) -> Result<()> {
    for office in BOTH {
        stage.move_away(office)?;
    }
    stage.pause(stage.pick(20_000..30_000, 4_000..6_000)).await;
    for office in BOTH {
        stage.move_back(office)?;
    }
    Ok(())
}

async fn silence(stage: &mut Stage, way: Way) -> Result<()> {
    for office in BOTH {
        stage.cut(office, way)?;
    }
    stage.seconds(stage.pick(60, 12)).await;
    for office in BOTH {
        stage.mend(office)?;
    }
    Ok(())
}
