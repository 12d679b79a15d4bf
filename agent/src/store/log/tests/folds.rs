//! The state that each segment begins with, and the records behind it: they lead to the same, wherever one begins.

use std::fmt::Debug;
use std::path::Path;

use crate::store::log::fold::state_in;
use crate::store::log::survey::survey;
use crate::store::log::walk::{Met, units};
use crate::store::log::{Identity, Kinds, STATE};

/// Folds from the beginning of each segment on: all lead to this state, which was kept while the log lived.
pub fn assert_folds_alike<K: Kinds>(dir: &Path, who: &Identity, state: &K::State)
where
    K::State: PartialEq + Debug,
{
    let segments = survey(dir, who).expect("reads").segments;
    let begins = |number: usize| {
        let one = &segments[number];
        let read = state_in(&one.file, one.number).expect("reads");
        K::read_state(&read.expect("a state").1).expect("reads")
    };
    for first in 0..segments.len() {
        let mut folded = begins(first);
        for (at, one) in segments.iter().enumerate().skip(first) {
            // What was written anew begins with the state at its end.
            let own = one.times() == 0;
            if !own {
                folded = begins(at);
            }
            let walked = units::<std::io::Error>(&one.file, one.number, |met| {
                let Met::Unit(members) = met else {
                    panic!("{met:?}")
                };
                let records = members.iter().filter(|member| member.named.kind != STATE);
                for member in records.filter(|_| own) {
                    K::fold(&mut folded, member.head()).expect("folds");
                }
                Ok(())
            });
            walked.expect("reads");
        }
        assert_eq!(folded, *state, "from segment {}", segments[first].number);
    }
}
