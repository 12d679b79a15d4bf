//! A purse that is filled at a steady rate: work that was done goes out of it, and whether there is something left is told. No
//! clock here.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::lock;
use crate::limits::{BUDGET_HELD_MAX, BUDGET_SHORT_MAX};

/// How an account stands; the worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Balance {
    Good,
    /// Something is there again after this time.
    Short(Duration),
    /// It has been short for long; it is worth asking again after this time.
    Spent(Duration),
}

impl Balance {
    /// The worse of two.
    pub fn or_worse(self, other: Balance) -> Balance {
        self.max(other)
    }
}

#[derive(Debug)]
pub(super) struct Purse {
    /// What comes in: seconds of work a second.
    share: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Seconds of work; below nothing it is overdrawn.
    held: f64,
    at: Instant,
    /// Since when there has never been as much as would do for a pause.
    short_since: Option<Instant>,
}

impl Purse {
    pub fn new(share: f64) -> Purse {
        let state = State {
            held: Self::most(share),
            at: Instant::now(),
            short_since: None,
        };
        Purse {
            share,
            state: Mutex::new(state),
        }
    }

    fn most(share: f64) -> f64 {
        share * BUDGET_HELD_MAX.as_secs_f64()
    }

    /// Takes work out of the purse, which may be overdrawn; what of it there was is told.
    pub fn pay(&self, work: Duration, now: Instant) -> Duration {
        let mut state = lock(&self.state);
        self.fill(&mut state, now);
        let there = state.held.clamp(0.0, work.as_secs_f64());
        state.held -= work.as_secs_f64();
        if state.held < 0.0 {
            state.short_since.get_or_insert(now);
        }
        Duration::from_secs_f64(there)
    }

    pub fn balance(&self, now: Instant) -> Balance {
        let mut state = lock(&self.state);
        self.fill(&mut state, now);
        let until = |held: f64| Duration::from_secs_f64((held - state.held).max(0.0) / self.share);
        let spent = |since: Instant| now.duration_since(since) >= BUDGET_SHORT_MAX;
        match state.short_since {
            Some(since) if spent(since) => Balance::Spent(until(Self::most(self.share) / 2.0)),
            Some(_) | None if state.held >= 0.0 => Balance::Good,
            // A little more than nothing, so that one who waits for it does not wake too early.
            Some(_) | None => Balance::Short(until(0.0) + Duration::from_millis(1)),
        }
    }

    fn fill(&self, state: &mut State, now: Instant) {
        let most = Self::most(self.share);
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.held = (state.held + passed * self.share).min(most);
        state.at = now;
        if state.held >= most / 2.0 {
            state.short_since = None;
        }
    }
}
