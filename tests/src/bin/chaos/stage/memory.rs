//! How much memory every program holds, looked at again and again: a curve for each, and whether it is flat.
//! In: running programs. Out: kibibytes by time, for each life of a program. Never: a program that is judged by a life too short to tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::task::AbortOnDropHandle;

use super::part::Shared;

/// So many looks at one life tell something.
const LOOKS_MIN: usize = 9;
/// What the last third of a life may hold more than the middle one: allocators are never quite still.
const GROWTH_KIB: u64 = 4 * 1024;
const GROWTH_PERCENT: u64 = 10;
/// The same of nats-server, which is not ours: its collector lets the heap double, and it keeps for a while what was read of its blocks.
const GROWTH_OF_BROKER_KIB: u64 = 32 * 1024;

/// One program's resident memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    pub program: String,
    /// The process, and its KiB at each look; none while there was no process.
    pub looks: Vec<Option<(u32, u64)>>,
}

impl Curve {
    /// The longest life: KiB after KiB under one process number.
    fn longest_life(&self) -> Vec<u64> {
        let lives = self.looks.chunk_by(|one, next| match (one, next) {
            (Some((one, _)), Some((next, _))) => one == next,
            _ => false,
        });
        let longest = lives.max_by_key(|life| life.len()).unwrap_or_default();
        longest.iter().flatten().map(|(_, kib)| *kib).collect()
    }

    /// What its longest life held in its middle and in its last third, in KiB; none where that was too short to tell.
    pub fn thirds(&self) -> Option<(u64, u64)> {
        let life = self.longest_life();
        let third = life.len() / 3;
        (life.len() >= LOOKS_MIN).then(|| {
            let middle = median(&life[third..2 * third]);
            (middle, median(&life[2 * third..]))
        })
    }

    pub fn is_flat(&self) -> bool {
        let at_least = match self.program.starts_with("nats-server") {
            true => GROWTH_OF_BROKER_KIB,
            false => GROWTH_KIB,
        };
        self.thirds().is_none_or(|(middle, last)| {
            last <= middle + at_least.max(middle * GROWTH_PERCENT / 100)
        })
    }
}

fn median(of: &[u64]) -> u64 {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Looks until it is dropped.
pub struct Looking {
    curves: Arc<Mutex<Vec<Curve>>>,
    _looking: AbortOnDropHandle<()>,
}

impl Looking {
    pub fn begin(parts: Vec<Shared>, every: Duration) -> Looking {
        let curves = Arc::new(Mutex::new(vec![Curve::default(); parts.len()]));
        let seen = Arc::clone(&curves);
        let looking = async move {
            loop {
                tokio::time::sleep(every).await;
                for (at, part) in parts.iter().enumerate() {
                    let mut part = part.lock().await;
                    let id = part.is_running().then(|| part.id().ok()).flatten();
                    let look = id.and_then(|id| Some((id, resident_kib(id)?)));
                    let mut curves = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    curves[at].program.clone_from(&part.name);
                    curves[at].looks.push(look);
                }
            }
        };
        Looking {
            curves,
            _looking: AbortOnDropHandle::new(tokio::spawn(looking)),
        }
    }

    pub fn curves(&self) -> Vec<Curve> {
        let curves = self.curves.lock().unwrap_or_else(PoisonError::into_inner);
        curves.clone()
    }
}

fn resident_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(lives: &[&[u64]]) -> Curve {
        let numbered = (1..).zip(lives);
        let looks = numbered.flat_map(|(id, life)| life.iter().map(move |kib| Some((id, *kib))));
        Curve {
            program: String::new(),
            looks: looks.collect(),
        }
    }

    #[test]
    fn what_rises_all_its_life_is_not_flat() {
        let rising: Vec<u64> = (1..=30).map(|look| 40_000 + look * 1_000).collect();
        assert!(!curve(&[&rising]).is_flat());
        let grown_at_first: Vec<u64> = (1..=30)
            .map(|look| 60_000.min(40_000 + look * 2_000))
            .collect();
        assert!(curve(&[&grown_at_first]).is_flat());
    }

    #[test]
    fn a_life_is_judged_by_itself_and_only_if_it_was_long_enough() {
        let short = [40_000, 90_000, 150_000];
        assert!(curve(&[&short, &short, &short, &short]).is_flat());
        let long = [50_000; 12];
        assert_eq!(
            curve(&[&short, &long, &short]).thirds(),
            Some((50_000, 50_000))
        );
    }
}
