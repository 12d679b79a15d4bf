//! A line that goes silent: when the office notices, and when events pass again both ways once the line is back.
//! In: how long it stays cut. Out: seconds. Never: a hint to the agent that the line is back.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;

use super::line::Line;
use super::road::Road;
use crate::figure::{Figure, Outcome, plain};

/// Longer than this and the session is given up; its return has a promise of its own.
const NOTICED_WITHIN_S: f64 = 30.0;
const BACK_AFTER_LONG_CUT_S: f64 = 5.0;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const EVENT_EVERY: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(180);

pub async fn measure(
    line: &Line,
    road: &mut Road,
    seconds: u32,
    outcome: &mut Outcome,
) -> Result<()> {
    road.settle().await?;
    let (stored, received) = (road.stored().await?, road.received().await?);
    line.cut()?;
    let cut = Instant::now();
    let noticed = stay_cut(road, Duration::from_secs(seconds.into()), cut).await?;
    line.restore()?;
    let back = Instant::now();
    let (mut out, mut in_) = (None, None);
    while (out.is_none() || in_.is_none()) && back.elapsed() < PATIENCE {
        if out.is_none() && road.stored().await? > stored {
            out = Some(back.elapsed().as_secs_f64());
        }
        if in_.is_none() && road.received().await? > received {
            in_ = Some(back.elapsed().as_secs_f64());
        }
        sleep(LOOK_AGAIN).await;
    }
    let never = PATIENCE.as_secs_f64();
    let (out, in_) = (out.unwrap_or(never), in_.unwrap_or(never));
    let long = f64::from(seconds) > NOTICED_WITHIN_S;
    let promised = if long {
        BACK_AFTER_LONG_CUT_S
    } else {
        f64::from(seconds)
    };
    outcome.show(
        Figure::new(
            format!("silent cut of {seconds} s: flow is back after"),
            out.max(in_),
            "s",
        )
        .at_most(promised)
        .made_of(format!("out {} s, in {} s", plain(out), plain(in_))),
    );
    if long {
        let figure = Figure::new(
            "silent link noticed after",
            noticed.unwrap_or(f64::from(seconds)),
            "s",
        );
        outcome.show(
            figure
                .at_most(NOTICED_WITHIN_S)
                .made_of("a link that was idle when it was cut"),
        );
    }
    Ok(())
}

/// The office works on and a bulletin is released. In a long cut the office first waits until the agent has noticed by itself.
async fn stay_cut(road: &mut Road, length: Duration, cut: Instant) -> Result<Option<f64>> {
    let long = length.as_secs_f64() > NOTICED_WITHIN_S;
    let mut noticed = None;
    road.release_bulletin().await?;
    let mut submitted = Instant::now();
    let mut number = 0;
    while cut.elapsed() < length {
        if noticed.is_none() && !road.is_connected().await? {
            noticed = Some(cut.elapsed().as_secs_f64());
        }
        if submitted.elapsed() > EVENT_EVERY && (!long || noticed.is_some()) {
            submitted = Instant::now();
            number += 1;
            road.agent
                .submit(&format!("cut-{}-{number}", length.as_secs()))
                .await?;
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(noticed)
}
