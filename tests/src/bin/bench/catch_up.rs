//! Offices with a backlog after an outage, all at once, each with a full window.
//! In: 8 offices, 256 in flight each. Out: the rate through the gateway over the rate straight, gateway CPU an event.
//! Never: an expectation header straight, which would slow that side.

use anyhow::Result;

use crate::Effort;
use crate::figure::{Figure, Outcome};
use crate::load::{Given, Load};

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let load = Load {
        offices: 8,
        in_flight: 256,
        events: effort.pick(5_000, 1_000),
        events_straight: effort.pick(1_000, 100),
        rounds: effort.pick(5, 1),
    };
    let both = load.run().await?;
    let (straight, gateway) = both.medians(|given| given.rate);
    let (_, cpu) = both.medians(|given| given.gateway_cpu);
    let (broker_straight, broker) = both.medians(|given| given.broker_cpu);
    let (own_straight, own) = both.medians(|given| given.own_cpu);
    let (cores_straight, cores) = both.medians(Given::cores);
    let ratio = gateway.value / straight.value;
    outcome.show(
        Figure::new(
            "8 offices, 256 in flight each: gateway / straight",
            ratio,
            "times",
        )
        .at_least(4.0)
        .made_of(format!(
            "{} / {} events a second",
            gateway.words(),
            straight.words()
        )),
    );
    outcome.show(
        Figure::new("gateway CPU an event", cpu.value, "us")
            .at_most(45.0)
            .made_of(format!(
                "{}; nats-server beside it {}, the measuring client {}: {} cores were at work. Straight: nats-server {}, client {}, {} cores",
                cpu.words(),
                broker.words(),
                own.words(),
                cores.words(),
                broker_straight.words(),
                own_straight.words(),
                cores_straight.words(),
            )),
    );
    Ok(())
}
