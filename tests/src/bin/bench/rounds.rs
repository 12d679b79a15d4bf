//! Two sides in turn, so that a slower minute of the machine meets both.
//! In: a number of rounds. Out: what each side gave, round by round. Never: one side measured first and the other last.

use std::time::Duration;

use anyhow::Result;

use crate::figure::Median;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Straight,
    Gateway,
}

pub struct Both<T> {
    pub straight: Vec<T>,
    pub gateway: Vec<T>,
}

impl<T> Both<T> {
    /// The medians of one of the numbers that a round gives: straight, through the gateway.
    pub fn medians(&self, of: fn(&T) -> f64) -> (Median, Median) {
        let median = |given: &[T]| Median::of(given.iter().map(of).collect());
        (median(&self.straight), median(&self.gateway))
    }
}

/// Every other round begins with the other side.
pub async fn alternate<T>(
    rounds: usize,
    mut measure: impl AsyncFnMut(Side) -> Result<T>,
) -> Result<Both<T>> {
    let mut both = Both {
        straight: Vec::new(),
        gateway: Vec::new(),
    };
    for round in 0..rounds {
        let order = match round.is_multiple_of(2) {
            true => [Side::Straight, Side::Gateway],
            false => [Side::Gateway, Side::Straight],
        };
        for side in order {
            let given = measure(side).await?;
            match side {
                Side::Straight => both.straight.push(given),
                Side::Gateway => both.gateway.push(given),
            }
        }
    }
    Ok(both)
}

/// What so many of 100 waits took at most; nothing, where nothing was waited for.
pub fn waits_at(waits: &[Duration], share: usize) -> Duration {
    let mut waits = waits.to_vec();
    waits.sort_unstable();
    let at = waits.get(waits.len() * share / 100);
    at.copied().unwrap_or_default()
}
