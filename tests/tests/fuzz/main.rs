//! What a peer says with a good signature, against every room that reads it: events are made wrong first and signed afterwards, so
//! that no check of a signature stands in front of what is to be found. A run fails where a room panics, does not come back, or
//! where the gateway takes what a reader does not believe. `make fuzz RUNS= SEED=`; each run can be played again by its own seed.
//! Never: a socket, a clock, a store.

mod forge;
mod rooms;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use forge::Forge;
use rooms::Rooms;

/// As many as a test may take time for; `make fuzz` plays more.
const RUNS: u64 = 1_500;
/// Long for a few events, and short for who walks what a peer has named.
const RUN_TIME: Duration = Duration::from_secs(20);

#[test]
fn signed_bytes_of_any_kind_are_answered_and_judged_alike_by_gateway_and_reader() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let first = number("SEED").unwrap_or(1);
    let runs = number("FUZZ_RUNS").unwrap_or(RUNS);
    let rooms = Rooms::new();
    let mut taken = 0;
    for seed in first..first.saturating_add(runs) {
        let began = Instant::now();
        let letters = Forge::new(seed, &rooms).letters();
        let played = catch_unwind(AssertUnwindSafe(|| rooms.read(&letters)));
        match played {
            Ok(Ok(admitted)) => taken += admitted,
            Ok(Err(why)) => panic!("{why}; play it again with SEED={seed} RUNS=1"),
            Err(_) => panic!("a room panicked; play it again with SEED={seed} RUNS=1"),
        }
        let took = began.elapsed();
        assert!(
            took < RUN_TIME,
            "{took:?}; play it again with SEED={seed} RUNS=1"
        );
    }
    assert!(
        taken >= runs / 10,
        "too few are good enough to get far: {taken} of {runs} runs"
    );
}
