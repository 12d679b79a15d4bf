//! Many runs: kinds of faults come in, each run is drawn, played and shortened where it fails. `MODEL_RUNS` says how many of each kind, `SEED`
//! which ones; both are printed. `MODEL_SHORTENINGS=0` tells the run that failed as it was.

use std::cell::Cell;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::action::{Action, Faults, runs};
use crate::clock;
use crate::reference::{Sight, Tally};
use crate::world::{Cast, World};

/// Of each kind, where nothing is said: a few seconds.
const RUNS: u32 = 25;
const LENGTH: usize = 60;
/// How long a run that failed is shortened: then the shortest one so far is told.
const SHORTENINGS_MAX: u64 = 500;
const SHORTENING_MS: u32 = 60_000;

/// What came of a run.
pub struct Played {
    pub tally: Tally,
    /// What was seen after each step.
    pub trace: Vec<Sight>,
}

impl Played {
    /// What was seen at its end.
    pub fn seen(&self) -> &Sight {
        self.trace.last().expect("a run is looked at")
    }
}

/// Plays one run to its end.
///
/// # Errors
/// What was broken first.
pub fn play(cast: Cast, actions: &[Action]) -> Result<Played, String> {
    fastrand::seed(7);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_park(clock::stands)
        .build()
        .expect("a runtime");
    let played = runtime.block_on(async {
        let mut world = World::new(cast);
        for action in actions {
            let held = world.step(*action).await;
            held.map_err(|breach| format!("at {action:?}: {breach}"))?;
        }
        world.rest().await?;
        Ok(world.into_end())
    });
    clock::wait_for(Vec::new());
    runtime.shutdown_background();
    played
}

/// Draws runs of a kind by a seed.
fn drawn(kind: &str, seed: u64, config: Config) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..8 + kind.len().min(24)].copy_from_slice(&kind.as_bytes()[..kind.len().min(24)]);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(config, rng)
}

/// So many runs of a kind, not played yet.
pub fn draw(kind: &str, cast: Cast, faults: &[Faults], count: usize) -> Vec<Vec<Action>> {
    let mut runner = drawn(kind, 1, Config::default());
    let runs = runs(cast.readers > 0, faults, LENGTH);
    let run = |_| runs.new_tree(&mut runner).expect("any will do").current();
    (0..count).map(run).collect()
}

fn number(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: no number")),
        Err(_) => usual,
    }
}

/// Plays as many runs of a kind as are wanted.
pub fn many(kind: &str, cast: Cast, faults: &[Faults]) {
    let cases = u32::try_from(number("MODEL_RUNS", RUNS.into())).expect("so many runs");
    let seed = number("SEED", 1);
    let shortenings = number("MODEL_SHORTENINGS", SHORTENINGS_MAX);
    let shortenings = u32::try_from(shortenings).expect("so many shortenings");
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: shortenings,
        max_shrink_time: SHORTENING_MS,
        ..Config::default()
    };
    let began = std::time::Instant::now();
    let runs = runs(cast.readers > 0, faults, LENGTH);
    let mut runner = drawn(kind, seed, config);
    let all = Cell::new(Tally::default());
    let played = runner.run(&runs, |actions| {
        let played = play(cast, &actions).map_err(TestCaseError::fail)?;
        let mut sum = all.get();
        sum += played.tally;
        all.set(sum);
        Ok(())
    });
    let (took, all) = (began.elapsed().as_secs_f64(), all.get());
    println!("{kind}, SEED={seed}, {took:.1} s: {all}");
    if let Err(failed) = played {
        panic!("{kind}, SEED={seed}: {failed}");
    }
}
