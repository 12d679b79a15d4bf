//! One office alone: what the gateway's checks cost the one who waits.
//! In: one office, one event in flight. Out: the median wait through the gateway over the one straight. Never: an average.

use anyhow::Result;

use crate::Effort;
use crate::figure::{Figure, Outcome};
use crate::rounds::{Side, alternate, waits_at};
use crate::stage::{Lane, Stage};

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let events = effort.pick(1_000, 100);
    let stage = Stage::build(1).await?;
    let mut straight = stage.lane(Side::Straight).await?;
    let mut gateway = stage.lane(Side::Gateway).await?;
    let both = alternate(effort.pick(5, 1), async |side| match side {
        Side::Straight => waits(&mut straight, events).await,
        Side::Gateway => waits(&mut gateway, events).await,
    })
    .await?;
    let (straight, gateway) = both.medians(|waits| waits.half);
    let (straight_99, gateway_99) = both.medians(|waits| waits.most);
    let ratio = gateway.value / straight.value;
    let figure = Figure::new(
        "1 office, one in flight: p50 gateway / straight",
        ratio,
        "times",
    )
    .at_most(2.0)
    .made_of(format!(
        "p50 {} / {} us; p99 {} / {} us",
        gateway.words(),
        straight.words(),
        gateway_99.words(),
        straight_99.words()
    ));
    outcome.show(figure);
    Ok(())
}

/// Microseconds that half of the events and 99 of 100 took at most.
struct Waits {
    half: f64,
    most: f64,
}

async fn waits(lane: &mut Lane, events: usize) -> Result<Waits> {
    let messages = lane.messages(events)?.swap_remove(0);
    let waits = lane.send_singly(messages).await?;
    let at = |share: usize| waits_at(&waits, share).as_secs_f64() * 1e6;
    Ok(Waits {
        half: at(50),
        most: at(99),
    })
}
