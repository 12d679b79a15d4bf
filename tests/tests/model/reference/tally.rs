//! What came of runs, counted: a kind of fault that never does anything tries nothing.

use std::fmt;
use std::ops::AddAssign;

use super::{Reference, Sight};

/// Sums over runs, of what was there at the end of each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub runs: usize,
    pub accepted: usize,
    pub on_bus: usize,
    /// Died with the last store that had it.
    pub gone: usize,
    /// What offices told of takings.
    pub notices: usize,
    pub refilled: usize,
    pub declared: usize,
    pub delivered: usize,
    /// Runs at whose end somebody names a branch or a fork.
    pub branched: usize,
}

impl Reference {
    pub fn tally(&self, seen: &Sight) -> Tally {
        let logs = || seen.bus.values();
        let entries = || logs().flat_map(|log| log.events().into_values());
        let told = |code: &str| {
            let offices = seen.offices.iter().map(|office| &office.alarms);
            let readers = seen.readers.iter().map(|reader| &reader.alarms);
            offices.chain(readers).any(|alarms| alarms.contains(code))
        };
        let branched = ["branch", "chain-broken", "fork-after-receipt"];
        Tally {
            runs: 1,
            accepted: self.accepted.len(),
            on_bus: entries().filter(|entry| !entry.is_notice).count(),
            gone: self.gone.len(),
            notices: entries().filter(|entry| entry.is_notice).count(),
            refilled: logs().map(|log| log.refilled.len()).sum(),
            declared: logs().map(|log| log.declared.len()).sum(),
            delivered: seen
                .readers
                .iter()
                .map(|reader| reader.delivered.len())
                .sum(),
            branched: usize::from(branched.into_iter().any(told)),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.runs += other.runs;
        self.accepted += other.accepted;
        self.on_bus += other.on_bus;
        self.gone += other.gone;
        self.notices += other.notices;
        self.refilled += other.refilled;
        self.declared += other.declared;
        self.delivered += other.delivered;
        self.branched += other.branched;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            runs,
            accepted,
            on_bus,
            gone,
            notices,
            refilled,
            declared,
            delivered,
            branched,
        } = self;
        write!(
            f,
            "{runs} runs, {accepted} accepted, {on_bus} on the bus, {gone} gone with their stores, {notices} notices, {refilled} refilled, {declared} declared, {delivered} delivered, {branched} branched"
        )
    }
}
