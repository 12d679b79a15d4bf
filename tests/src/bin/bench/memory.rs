//! Resident memory: of an agent, idle and with a backlog, and of a gateway with many connections.
//! In: an agent without a gateway, a gateway with 75 and 150 offices' connections. Out: MiB as the kernel counts them.
//! Never: a connection that asked for nothing, which would cost the gateway less than a real one.

use anyhow::Result;
use tempfile::TempDir;

use crate::Effort;
use crate::agent::Agent;
use crate::figure::{Figure, Outcome, plain};
use crate::stage::Stage;
use crate::usage::{self, Memory};

const KIB_A_MIB: f64 = 1024.0;
const BATCH_EVENTS: usize = 500;
/// Connections share the certificates of these: no office has more than eight seats, and no ministry more than 64.
const OFFICES: usize = 75;

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    of_agent(effort, outcome).await?;
    of_gateway(effort, outcome).await
}

async fn of_agent(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let folder = TempDir::with_prefix("spean-bench-")?;
    let agent = Agent::alone(folder.path()).await?;
    agent.get("/status").await?;
    let idle = usage::memory(agent.id())?;
    outcome.show(mib("agent, idle", idle).at_most(40.0));
    let backlog = effort.pick(100_000, 5_000);
    for number in 0..backlog / BATCH_EVENTS {
        agent
            .submit_batch(&format!("memory-{number}"), BATCH_EVENTS)
            .await?;
    }
    let full = usage::memory(agent.id())?;
    outcome.show(
        mib(
            &format!("agent, {} events of 1 KiB waiting", plain(backlog as f64)),
            full,
        )
        .at_most(120.0),
    );
    Ok(())
}

async fn of_gateway(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let stage = Stage::build(OFFICES).await?;
    let mut connections = Vec::new();
    for count in [effort.pick(75, 10), effort.pick(150, 20)] {
        connections.extend(stage.connections(count - connections.len()).await?);
        let allowed = 30.0 + 150.0 * count as f64 / KIB_A_MIB;
        let used = usage::memory(stage.gateway.id())?;
        outcome.show(
            mib(
                &format!("gateway, {} connections", plain(count as f64)),
                used,
            )
            .at_most(allowed.floor()),
        );
    }
    Ok(())
}

fn mib(what: &str, memory: Memory) -> Figure {
    let highest = memory.highest_kib as f64 / KIB_A_MIB;
    Figure::new(what, memory.resident_kib as f64 / KIB_A_MIB, "MiB")
        .made_of(format!("resident; highest so far {}", plain(highest)))
}
