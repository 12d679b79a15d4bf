//! Programs that are killed at every step of the road at which they ask the kernel for something.

use anyhow::Result;

use crate::scenario::{Needs, Scenario};
use crate::stage::Program::{self, Agent, Broker, Gateway};
use crate::stage::Stage;

/// What a publisher's agent asks of the kernel on the way of an event, in the order of the road.
const PUBLISHER: &[&str] = &[
    // Submit: an event is read.
    "recvfrom",
    // Outbox: the log is written and synced.
    "pwrite64",
    "fdatasync",
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
/// The gateway's.
const GATEWAY: &[&str] = &[
    // A run comes in, or nats-server's answer to a batch.
    "recvfrom",
    // The audit has its lines.
    "openat",
    "write",
    // A batch goes to nats-server in several of these, and the answers to the offices.
    "writev",
    "epoll_wait",
];
/// And nats-server's.
const BROKER: &[&str] = &[
    "read",
    // Messages, and what it knows of the stream.
    "pwrite64",
    "openat",
    "fsync",
    // The answer.
    "write",
    "epoll_pwait",
];
/// Which of a thread's calls it may be killed at: some threads live for two.
const NUMBER_MAX: u64 = 3;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "killed-at-each-step",
            "a publisher's and a subscriber's agent are killed (-9) as they are about to read, write, sync or send, and started again",
            |stage| Box::pin(agents_killed(stage)),
        )
        .needs(Needs::Strace),
        Scenario::quick(
            "bus-killed-at-each-step",
            "the gateway and nats-server are killed (-9) as they are about to read, write, sync or answer, in the middle of batches",
            |stage| Box::pin(bus_killed(stage)),
        )
        .needs(Needs::Strace),
    ]
}

async fn agents_killed(stage: &mut Stage) -> Result<()> {
    kill_each(stage, [(Agent(0), PUBLISHER), (Agent(3), SUBSCRIBER)]).await
}

async fn bus_killed(stage: &mut Stage) -> Result<()> {
    kill_each(stage, [(Gateway(0), GATEWAY), (Broker(0), BROKER)]).await
}

type Road = (Program, &'static [&'static str]);

async fn kill_each(stage: &mut Stage, roads: [Road; 2]) -> Result<()> {
    let along = |(program, calls): Road| calls.iter().map(move |call| (program, *call));
    let steps: Vec<_> = roads.into_iter().flat_map(along).collect();
    for (program, call) in steps.repeat(stage.pick(4, 1)) {
        let nth = stage.random.u64(1..=NUMBER_MAX);
        stage.kill_at(program, call, nth).await?;
        stage.start(program).await;
    }
    Ok(())
}
