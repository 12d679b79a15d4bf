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
/// With this begins the id of what an office tells of a taking; it ends with a hash.
const NOTICE: &str = "log-resumed-";

/// What stands on the bus, and what readers hold and applications got. Hashes are told apart by when they were seen first: a notice has the
/// second in it in which it was signed.
fn outward(trace: &[Sight]) -> Vec<String> {
    let mut hashes = BTreeMap::new();
    let mut tell = |seen: &Sight| {
        let text = format!("{:?} {:?} {:?}", seen.bus, seen.confirmed, seen.readers);
        let parts = text.split('"').map(|part| {
            let is_hash = part.len() == HASH_CHARS || part.starts_with(NOTICE);
            let (before, hash) = match is_hash {
                true => part.split_at(part.len() - HASH_CHARS),
                false => return part.to_owned(),
            };
            let new = hashes.len();
            format!("{before}#{}", hashes.entry(hash.to_owned()).or_insert(new))
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
