//! Many offices at once: how fast, and at what cost of CPU.
//! In: offices, events each, a number in flight. Out: rates and CPU of both sides. Never: signing inside of the measured time.

use std::time::Duration;

use anyhow::Result;

use crate::rounds::{Both, Side, alternate};
use crate::stage::{Lane, Stage};
use crate::usage;

#[derive(Clone, Copy)]
pub struct Load {
    pub offices: usize,
    pub in_flight: usize,
    /// Events of each office in a round through the gateway.
    pub events: usize,
    /// Straight every event is one fsync, however many wait: a shorter round tells the same rate.
    pub events_straight: usize,
    pub rounds: usize,
}

/// What one round gave.
pub struct Given {
    /// Events a second.
    pub rate: f64,
    /// Microseconds of CPU an event: of the gateway, of the side's nats-server, and of the program that measures.
    pub gateway_cpu: f64,
    pub broker_cpu: f64,
    pub own_cpu: f64,
}

impl Given {
    /// How many cores were at work, on average.
    pub fn cores(&self) -> f64 {
        self.rate * (self.gateway_cpu + self.broker_cpu + self.own_cpu) / 1e6
    }
}

impl Load {
    pub async fn run(self) -> Result<Both<Given>> {
        let stage = Stage::build(self.offices).await?;
        let mut straight = stage.lane(Side::Straight).await?;
        let mut gateway = stage.lane(Side::Gateway).await?;
        alternate(self.rounds, async |side| {
            let (lane, each) = match side {
                Side::Straight => (&mut straight, self.events_straight),
                Side::Gateway => (&mut gateway, self.events),
            };
            self.round(&stage, side, lane, each).await
        })
        .await
    }

    pub async fn round(
        self,
        stage: &Stage,
        side: Side,
        lane: &mut Lane,
        each: usize,
    ) -> Result<Given> {
        let messages = lane.messages(each)?;
        let now = || {
            anyhow::Ok((
                usage::cpu(stage.gateway.id())?,
                usage::cpu(stage.broker(side).id())?,
                usage::cpu(std::process::id())?,
            ))
        };
        let before = now()?;
        let rate = lane.send(messages, self.in_flight).await?;
        let after = now()?;
        let events = (self.offices * each) as f64;
        let an_event = |used: Duration| used.as_secs_f64() * 1e6 / events;
        Ok(Given {
            rate,
            gateway_cpu: an_event(after.0 - before.0),
            broker_cpu: an_event(after.1 - before.1),
            own_cpu: an_event(after.2 - before.2),
        })
    }
}
