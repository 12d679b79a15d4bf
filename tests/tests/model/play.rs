//! Many runs: kinds of faults come in, each run is drawn, played and shortened where it fails. `MODEL_RUNS` says how many of each kind, `SEED`
//! which ones; both are printed.

use std::cell::Cell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::action::{Action, Faults, runs};
use crate::reference::{Sight, Tally};
use crate::world::{Cast, World};

/// Of each kind, where nothing is said: a few seconds.
const RUNS: u32 = 25;
const LENGTH: usize = 60;

/// Plays one run to its end: what came of it, and what was seen then.
///
/// # Errors
/// What was broken first.
pub fn play(cast: Cast, actions: &[Action]) -> Result<(Tally, Sight), String> {
    fastrand::seed(7);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
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
    runtime.shutdown_background();
    played
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
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..8 + kind.len().min(24)].copy_from_slice(&kind.as_bytes()[..kind.len().min(24)]);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let began = std::time::Instant::now();
    let runs = runs(cast.readers > 0, faults, LENGTH);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let all = Cell::new(Tally::default());
    let played = runner.run(&runs, |actions| {
        let (tally, _) = play(cast, &actions).map_err(TestCaseError::fail)?;
        let mut sum = all.get();
        sum += tally;
        all.set(sum);
        Ok(())
    });
    let (took, all) = (began.elapsed().as_secs_f64(), all.get());
    println!("{kind}, SEED={seed}, {took:.1} s: {all}");
    if let Err(failed) = played {
        panic!("{kind}, SEED={seed}: {failed}");
    }
}
