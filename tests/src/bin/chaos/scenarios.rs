//! Every scenario, family by family, the simplest first.
//! In: nothing. Out: the list that `make chaos` plays. Never: a scenario that is not in it.

mod processes;
mod steps;
mod links;
mod slow;
mod nodes;
mod recovery;
mod resources;
mod broker_loss;
mod cluster;
mod together;
mod soak;

use crate::scenario::Scenario;
pub use soak::soak;

pub fn all() -> Vec<Scenario> {
    let families = [
        processes::all(),
        steps::all(),
        links::all(),
        slow::all(),
        nodes::all(),
        recovery::all(),
        resources::all(),
        broker_loss::all(),
        cluster::all(),
        together::all(),
    ];
    families.into_iter().flatten().collect()
}
