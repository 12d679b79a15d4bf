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
    /// Microseconds of CPU an event: of the gateway, and of the program that measures.
    pub gateway_cpu: f64,
    pub own_cpu: f64,
}

impl Load {
    pub async fn run(self) -> Result<Both<Given>> {
        let stage = Stage::build(self.offices).await?;
        let mut straight = stage.lane(Side::Straight).await?;
        let mut gateway = stage.lane(Side::Gateway).await?;
        alternate(self.rounds, async |side| match side {
            Side::Straight => {
                self.round(&stage, &mut straight, self.events_straight)
                    .await
            }
            Side::Gateway => self.round(&stage, &mut gateway, self.events).await,
        })
        .await
    }

    pub async fn round(self, stage: &Stage, lane: &mut Lane, each: usize) -> Result<Given> {
        let messages = lane.messages(each)?;
        let now = || {
            anyhow::Ok((
                usage::cpu(stage.gateway.id())?,
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
            own_cpu: an_event(after.1 - before.1),
        })
    }
}
