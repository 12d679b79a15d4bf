//! The same run twice: what can be seen from outside is the same after each step. What the real clock and real threads decide is
//! left out, and named in docs/model.md.

use std::collections::BTreeMap;

use crate::action::Faults;
use crate::cases::{ALL, ONE, READ, TWO_AGENTS};
use crate::play::{draw, play};
use crate::reference::Sight;
use crate::world::Cast;

/// Characters of a hash in its text.
const HASH_CHARS: usize = 43;

/// What stands on the bus, and what readers hold and applications got. Hashes are told apart by when they were seen first: a notice has the
/// second in it in which it was signed.
fn outward(trace: &[Sight]) -> Vec<String> {
    let mut hashes = BTreeMap::new();
    let mut tell = |seen: &Sight| {
        let text = format!("{:?} {:?} {:?}", seen.bus, seen.confirmed, seen.readers);
        let parts = text.split('"').map(|part| {
            let new = hashes.len();
            match part.len() {
                HASH_CHARS => format!("#{}", hashes.entry(part.to_owned()).or_insert(new)),
                _ => part.to_owned(),
            }
        });
        parts.collect::<Vec<String>>().join("\"")
    };
    trace.iter().map(&mut tell).collect()
}

fn goes_the_same_way(kind: &str, cast: Cast, faults: &[Faults]) {
    for actions in draw(kind, cast, faults, 5) {
        let played = || {
            play(cast, &actions)
                .unwrap_or_else(|breach| panic!("it holds: {breach}"))
                .trace
        };
        let (first, second) = (outward(&played()), outward(&played()));
        for (at, (first, second)) in first.iter().zip(&second).enumerate() {
            assert_eq!(first, second, "{kind}: step {at} of {actions:?}");
        }
        assert_eq!(first.len(), second.len(), "{kind}: {actions:?}");
    }
}

#[test]
fn a_run_that_is_played_twice_goes_the_same_way() {
    use Faults::{Bus, Hole, Inbox, Leave, Links, Office, Prune};
    goes_the_same_way("links", ONE, &[Links]);
    goes_the_same_way("both back", ONE, &[Links, Office, Bus]);
    goes_the_same_way("both back, two agents", TWO_AGENTS, &[Links, Office, Bus]);
    goes_the_same_way("read", READ, &[Links, Inbox]);
    goes_the_same_way("holes, pruned", READ, &[Links, Bus, Hole, Prune]);
    let all = [Links, Office, Bus, Inbox, Hole, Prune, Leave];
    goes_the_same_way("all", ALL, &all);
}
