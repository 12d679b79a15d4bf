//! Agents that are killed at every step of the road at which they ask the kernel for something.

use anyhow::Result;

use crate::scenario::{Needs, Scenario};
use crate::stage::Program::Agent;
use crate::stage::Stage;

/// What a publisher's agent asks of the kernel on the way of an event, in the order of the road.
const PUBLISHER: &[&str] = &[
    // Submit: an event is read.
    "recvfrom",
    // Outbox: journal and index are written and synced.
    "write",
    "fdatasync",
    "pwrite64",
    // The answer, and what is sent to the gateway.
    "writev",
    // Waiting for the gateway's answers.
    "epoll_wait",
];
/// The same of a subscriber's.
const SUBSCRIBER: &[&str] = &[
    // Receive.
    "recvfrom",
    // Inbox, with its cursor.
    "pwrite64",
    "fdatasync",
    // Delivery into a file, and the note of it.
    "openat",
    "write",
    "epoll_wait",
];
/// Which of a thread's calls it may be killed at: the threads that sync the journal live for two.
const NUMBER_MAX: u64 = 3;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "killed-at-each-step",
            "a publisher's and a subscriber's agent are killed (-9) as they are about to read, write, sync or send, and started again",
            |stage| Box::pin(killed_at_each_step(stage)),
        )
        .needs(Needs::Strace),
    ]
}

async fn killed_at_each_step(stage: &mut Stage) -> Result<()> {
    let publisher = PUBLISHER.iter().map(|call| (Agent(0), *call));
    let subscriber = SUBSCRIBER.iter().map(|call| (Agent(3), *call));
    let steps: Vec<_> = publisher.chain(subscriber).collect();
    for (agent, call) in steps.repeat(stage.pick(4, 1)) {
        let nth = stage.random.u64(1..=NUMBER_MAX);
        stage.kill_at(agent, call, nth).await?;
        stage.start(agent).await;
    }
    Ok(())
}
