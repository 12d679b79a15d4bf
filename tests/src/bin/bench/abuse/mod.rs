//! One hostile office against the others, and strangers at the door: what an honest office notices of it, what it costs the bus.
//! In: floods and bounds by their names. Out: ratios within one run, memory, bytes. Never: a flood without an end, an address beyond loopback.

mod scene;
mod frames;
mod office;
mod gauge;
mod storm;
mod hostile;
mod floods;
mod turns;
mod bounds;
mod heal;
mod revocation;
mod strangers;

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::Effort;
use crate::figure::Outcome;

/// What is bounded besides the floods.
#[derive(Clone, Copy)]
enum Bound {
    Sessions,
    HalfSent,
    Unread,
    Heal,
    Revocation,
    StrangerCost,
    Newcomers,
}

const BOUNDS: [Bound; 7] = [
    Bound::Sessions,
    Bound::HalfSent,
    Bound::Unread,
    Bound::Heal,
    Bound::Revocation,
    Bound::StrangerCost,
    Bound::Newcomers,
];

/// Everything, or what is named; what fails is left out by name, and the rest is measured still.
pub async fn measure(effort: Effort, only: &[String], outcome: &mut Outcome) -> Result<()> {
    let names: Vec<&str> = floods::ALL.iter().map(|flood| flood.name).collect();
    let bounds = BOUNDS.map(Bound::name);
    for name in only {
        let known = names.contains(&name.as_str()) || bounds.contains(&name.as_str());
        ensure!(known, "no {name}: there is {names:?} and {bounds:?}");
    }
    allow_many_sockets();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    let mut audit = turns::Worst::default();
    for flood in floods::ALL.iter().filter(|flood| wanted(flood.name)) {
        eprintln!("  {}: {} ...", flood.name, flood.what);
        let measuring =
            async |outcome: &mut Outcome| turns::measure(flood, effort, &mut audit, outcome).await;
        add(outcome, flood.name, Outcome::of(measuring).await);
    }
    audit.show(outcome);
    for bound in BOUNDS.into_iter().filter(|bound| wanted(bound.name())) {
        eprintln!("  {} ...", bound.name());
        let measuring = async |outcome: &mut Outcome| bound.measure(effort, outcome).await;
        add(outcome, bound.name(), Outcome::of(measuring).await);
    }
    Ok(())
}

fn add(outcome: &mut Outcome, name: &str, given: Outcome) {
    outcome.figures.extend(given.figures);
    let left_out = given.left_out.into_iter();
    outcome
        .left_out
        .extend(left_out.map(|why| format!("{name}: {why}")));
}

impl Bound {
    fn name(self) -> &'static str {
        match self {
            Bound::Sessions => "sessions",
            Bound::HalfSent => "half-sent",
            Bound::Unread => "unread",
            Bound::Heal => "heal",
            Bound::Revocation => "revocation",
            Bound::StrangerCost => "stranger-cost",
            Bound::Newcomers => "newcomers",
        }
    }

    async fn measure(self, effort: Effort, outcome: &mut Outcome) -> Result<()> {
        match self {
            Bound::Sessions => bounds::sessions(effort, outcome).await,
            Bound::HalfSent => bounds::half_sent(effort, outcome).await,
            Bound::Unread => bounds::unread(effort, outcome).await,
            Bound::Heal => heal::measure(effort, outcome).await,
            Bound::Revocation => revocation::measure(effort, outcome).await,
            Bound::StrangerCost => strangers::cost(outcome).await,
            Bound::Newcomers => strangers::newcomers(effort, outcome).await,
        }
    }
}

/// Ten thousand strangers need as many descriptors; the usual soft limit is 1,024. Where it cannot be raised, sockets fail by name.
fn allow_many_sockets() {
    let own = std::process::id().to_string();
    let raise = |most: &str| {
        Command::new("prlimit")
            .args(["--pid", &own, &format!("--nofile={most}:")])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let _ = ["65536", "20000", "12000"].into_iter().any(raise);
}
