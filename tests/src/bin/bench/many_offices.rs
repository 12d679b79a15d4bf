//! An ordinary morning: many offices, each waiting for one answer before it sends the next.
//! In: 64 offices, one event in flight each. Out: the rate through the gateway over the rate straight.
//! Never: fewer connections on one side.

use anyhow::Result;

use crate::Effort;
use crate::figure::{Figure, Outcome};
use crate::load::Load;

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let load = Load {
        offices: 64,
        in_flight: 1,
        events: effort.pick(250, 20),
        events_straight: effort.pick(125, 20),
        rounds: effort.pick(5, 1),
    };
    let both = load.run().await?;
    let (straight, gateway) = both.medians(|given| given.rate);
    let ratio = gateway.value / straight.value;
    let figure = Figure::new(
        "64 offices, one in flight each: gateway / straight",
        ratio,
        "times",
    )
    .at_least(2.0)
    .made_of(format!(
        "{} / {} events a second",
        gateway.words(),
        straight.words()
    ));
    outcome.show(figure);
    Ok(())
}
