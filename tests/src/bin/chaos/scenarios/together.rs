//! Several faults at once, drawn by the seed: what one of them leaves is met by the others before anything is mended.
//! At most one copy of an event goes back at a time: where office and bus had both forgotten it, nobody could tell of it.

use std::path::PathBuf;

use anyhow::Result;

use crate::scenario::Scenario;
use crate::stage::Program::{self, Agent, Broker, Gateway};
use crate::stage::{Stage, Way};

/// Its store goes back in one of the two scenarios.
const PUBLISHER: usize = 2;
const SUBSCRIBER: usize = 4;
/// At least so many in each round.
const AT_ONCE_MIN: usize = 3;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::quick(
            "several-at-the-bus",
            "three to five of these at once, again and again: programs killed, frozen; lines cut or bad; the broker's store put back, emptied",
            |stage| Box::pin(at_the_bus(stage)),
        ),
        Scenario::full(
            "several-at-the-office",
            "the same, with an office's own store put back instead of the broker's",
            |stage| Box::pin(at_the_office(stage)),
        ),
    ]
}

/// What befalls one part, until it is mended.
#[derive(Debug, Clone)]
enum Trouble {
    Killed(Program),
    Frozen(Program),
    Cut(usize),
    Bad(usize),
    /// Killed, and an older copy of its store stands there when it starts.
    PutBack(Program, PathBuf, PathBuf),
    /// Killed, and nothing of its store is there when it starts.
    BrokerEmptied,
}

impl Trouble {
    async fn begin(&self, stage: &mut Stage) -> Result<()> {
        match self {
            Trouble::Killed(program) => stage.kill(*program).await,
            Trouble::Frozen(program) => stage.freeze(*program).await,
            Trouble::Cut(office) => stage.cut(*office, Way::Both),
            Trouble::Bad(office) => stage.lose(*office, Way::Both, 30),
            Trouble::PutBack(program, store, copy) => {
                stage.kill(*program).await?;
                stage.restore_store(store, copy)
            }
            Trouble::BrokerEmptied => {
                stage.kill(Broker(0)).await?;
                let store = stage.bus.broker_store(0).to_owned();
                stage.empty_store(&store)
            }
        }
    }

    async fn end(&self, stage: &mut Stage) -> Result<()> {
        match self {
            Trouble::Killed(program) | Trouble::PutBack(program, ..) => stage.start(*program).await,
            Trouble::Frozen(program) => stage.thaw(*program).await?,
            Trouble::Cut(office) | Trouble::Bad(office) => stage.mend(*office)?,
            Trouble::BrokerEmptied => {
                stage.start(Broker(0)).await;
                stage.bus.create_streams().await;
            }
        }
        Ok(())
    }
}

/// What may befall the parts besides what the scenario is about, one line a part.
fn others() -> Vec<Vec<Trouble>> {
    vec![
        vec![Trouble::Killed(Gateway(0)), Trouble::Frozen(Gateway(0))],
        vec![Trouble::Cut(0), Trouble::Killed(Agent(0))],
        vec![Trouble::Bad(1), Trouble::Frozen(Agent(1))],
        vec![Trouble::Killed(Agent(3)), Trouble::Cut(3)],
        vec![Trouble::Frozen(Agent(SUBSCRIBER)), Trouble::Bad(SUBSCRIBER)],
    ]
}

async fn at_the_bus(stage: &mut Stage) -> Result<()> {
    let store = stage.bus.broker_store(0).to_owned();
    stage.stop(Broker(0)).await?;
    let copy = stage.copy_store(&store)?;
    stage.start(Broker(0)).await;
    stage.seconds(stage.pick(10, 3)).await;
    let of_broker = vec![
        Trouble::Killed(Broker(0)),
        Trouble::Frozen(Broker(0)),
        Trouble::PutBack(Broker(0), store, copy),
        Trouble::BrokerEmptied,
    ];
    for _ in 0..stage.pick(8, 2) {
        let mut parts = others();
        parts.push(of_broker.clone());
        round(stage, &mut parts).await?;
    }
    Ok(())
}

async fn at_the_office(stage: &mut Stage) -> Result<()> {
    let store = stage.outbox(PUBLISHER);
    stage.stop(Agent(PUBLISHER)).await?;
    let copy = stage.copy_store(&store)?;
    stage.start(Agent(PUBLISHER)).await;
    stage.seconds(stage.pick(10, 3)).await;
    for _ in 0..stage.pick(2, 1) {
        // What it has accepted and not sent yet would be lost with its store.
        let rest = stage.rest(PUBLISHER).await;
        let put_back = Trouble::PutBack(Agent(PUBLISHER), store.clone(), copy.clone());
        put_back.begin(stage).await?;
        let mut parts = others();
        parts.push(vec![Trouble::Killed(Broker(0)), Trouble::Frozen(Broker(0))]);
        let begun = begin(stage, &mut parts).await?;
        put_back.end(stage).await?;
        drop(rest);
        end(stage, begun).await?;
        stage.everyone_is_connected().await;
    }
    Ok(())
}

async fn round(stage: &mut Stage, parts: &mut [Vec<Trouble>]) -> Result<()> {
    let begun = begin(stage, parts).await?;
    end(stage, begun).await
}

/// One trouble each for some of the parts, in an order of chance.
async fn begin(stage: &mut Stage, parts: &mut [Vec<Trouble>]) -> Result<Vec<Trouble>> {
    stage.random.shuffle(parts);
    let count = stage.random.usize(AT_ONCE_MIN..=parts.len());
    let mut begun = Vec::new();
    for part in &parts[..count] {
        let which = stage.random.usize(..part.len());
        part[which].begin(stage).await?;
        begun.push(part[which].clone());
        stage.pause(0..500).await;
    }
    stage.pause(500..4_000).await;
    Ok(begun)
}

async fn end(stage: &mut Stage, mut begun: Vec<Trouble>) -> Result<()> {
    stage.random.shuffle(&mut begun);
    for trouble in begun {
        trouble.end(stage).await?;
        stage.pause(0..500).await;
    }
    stage.pause(500..3_000).await;
    Ok(())
}
