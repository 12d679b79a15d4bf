//! A day in fast motion: faults of all families, one after the other in an order of chance, while clocks run through a whole day.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::scenario::{CENTRE_NODE, Cast, HEALTH, Needs, PRICES, Pace, Role, Scenario, Seat};
use crate::stage::Program::{self, Agent, Broker, Gateway};
use crate::stage::{Stage, Way};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const OFFICES: usize = 8;
const READERS: [usize; 2] = [8, 9];
/// The last of each kind keeps its process for the whole run: its memory tells most.
const NEVER_KILLED: [usize; 2] = [7, 9];

pub fn soak() -> Scenario {
    let tells = "a day in fast motion: 8 offices, 2 readers with file and webhook, faults of all families without an end";
    Scenario::full("soak", tells, |stage| Box::pin(day(stage)))
        .cast(eight_offices)
        .needs(Needs::AnotherClock)
}

#[derive(Clone, Copy)]
enum Trouble {
    AgentKilled,
    GatewayKilled,
    BrokerKilled,
    AgentFrozen,
    GatewayFrozen,
    BrokerFrozen,
    Line(OnALine),
    ConsumersDeleted,
    MessagesLost,
    ClockWrong,
    DescriptorsGone,
    Store(OfAStore),
}

#[derive(Clone, Copy)]
enum OnALine {
    Cut(Way),
    Lossy,
    Slow,
    Pulled,
    Moved,
}

#[derive(Clone, Copy)]
enum OfAStore {
    BrokerPutBack,
    BrokerEmptied,
    InboxEmptied,
    OutboxEmptied,
    OutboxPutBack,
}

const TROUBLES: [Trouble; 19] = [
    Trouble::AgentKilled,
    Trouble::AgentKilled,
    Trouble::GatewayKilled,
    Trouble::BrokerKilled,
    Trouble::AgentFrozen,
    Trouble::GatewayFrozen,
    Trouble::BrokerFrozen,
    Trouble::Line(OnALine::Cut(Way::Both)),
    Trouble::Line(OnALine::Cut(Way::In)),
    Trouble::Line(OnALine::Cut(Way::Out)),
    Trouble::Line(OnALine::Lossy),
    Trouble::Line(OnALine::Slow),
    Trouble::Line(OnALine::Pulled),
    Trouble::Line(OnALine::Moved),
    Trouble::ConsumersDeleted,
    Trouble::MessagesLost,
    Trouble::ClockWrong,
    Trouble::Store(OfAStore::BrokerPutBack),
    Trouble::Store(OfAStore::BrokerEmptied),
];
/// Of which there is one in a run, as it can end a program that nobody else ends.
const ONCE: Trouble = Trouble::DescriptorsGone;
/// Only where the plan has them.
const FOLDERS: [Trouble; 3] = [
    Trouble::Store(OfAStore::InboxEmptied),
    Trouble::Store(OfAStore::OutboxEmptied),
    Trouble::Store(OfAStore::OutboxPutBack),
];

/// A run's older copies.
struct Copies {
    broker: PathBuf,
    outbox: PathBuf,
}

async fn day(stage: &mut Stage) -> Result<()> {
    let began = Instant::now();
    let lasts = stage.plan.lasts;
    let copies = copies(stage).await?;
    trouble(stage, ONCE, &copies).await?;
    let mut troubles = TROUBLES.to_vec();
    if stage.plan.folders {
        troubles.extend(FOLDERS);
    }
    while began.elapsed() < lasts {
        stage.random.shuffle(&mut troubles);
        for which in troubles.clone() {
            if began.elapsed() >= lasts {
                break;
            }
            trouble(stage, which, &copies).await?;
            stage.pause(500..3_000).await;
            let passed = began.elapsed().as_secs_f64() / lasts.as_secs_f64();
            time_passes(stage, passed)?;
        }
    }
    Ok(())
}

async fn copies(stage: &mut Stage) -> Result<Copies> {
    stage.stop(Broker(0)).await?;
    let broker = stage.copy_store(stage.bus.broker_store(0))?;
    stage.start(Broker(0)).await;
    stage.stop(Agent(0)).await?;
    let outbox = stage.copy_as(&stage.outbox(0), "outbox")?;
    stage.start(Agent(0)).await;
    Ok(Copies { broker, outbox })
}

/// So much of the day is over, for everybody but nats-server.
fn time_passes(stage: &mut Stage, passed: f64) -> Result<()> {
    let ahead = DAY.mul_f64(passed.min(1.0)).as_secs() as i64;
    for office in 0..stage.offices.len() {
        stage.set_clock(Agent(office), ahead)?;
    }
    stage.set_clock(Gateway(0), ahead)
}

async fn trouble(stage: &mut Stage, which: Trouble, copies: &Copies) -> Result<()> {
    let anybody: Vec<usize> = (0..stage.offices.len()).collect();
    let mortal: Vec<usize> = anybody
        .iter()
        .copied()
        .filter(|office| !NEVER_KILLED.contains(office))
        .collect();
    let (office, one) = (stage.any(&anybody), stage.any(&mortal));
    match which {
        Trouble::AgentKilled => killed(stage, Agent(one)).await,
        Trouble::GatewayKilled => killed(stage, Gateway(0)).await,
        Trouble::BrokerKilled => killed(stage, Broker(0)).await,
        Trouble::AgentFrozen => frozen(stage, Agent(office)).await,
        Trouble::GatewayFrozen => frozen(stage, Gateway(0)).await,
        Trouble::BrokerFrozen => frozen(stage, Broker(0)).await,
        Trouble::Line(what) => on_a_line(stage, what, office).await,
        Trouble::ConsumersDeleted => stage.delete_consumers(HEALTH).await,
        Trouble::MessagesLost => stage.lose_messages(HEALTH, 5, 3).await,
        Trouble::ClockWrong => {
            let off = stage.random.i64(-3_600..3_600);
            stage.set_clock(Agent(one), off)?;
            stage.pause(3_000..6_000).await;
            Ok(())
        }
        Trouble::DescriptorsGone => {
            stage.take_descriptors(Gateway(0)).await?;
            killed(stage, Agent(one)).await?;
            stage.pause(3_000..5_000).await;
            stage.give_descriptors(Gateway(0)).await
        }
        Trouble::Store(what) => of_a_store(stage, what, copies).await,
    }
}

async fn on_a_line(stage: &mut Stage, what: OnALine, office: usize) -> Result<()> {
    match what {
        OnALine::Cut(way) => {
            stage.cut(office, way)?;
            stage.pause(3_000..15_000).await;
            stage.mend(office)
        }
        OnALine::Lossy => {
            stage.lose(office, Way::Both, 20)?;
            stage.pause(8_000..15_000).await;
            stage.mend(office)
        }
        OnALine::Slow => {
            stage.slow(office, 64_000)?;
            stage.pause(8_000..15_000).await;
            stage.full_speed(office)
        }
        OnALine::Pulled => {
            stage.pull(office)?;
            stage.pause(2_000..8_000).await;
            stage.plug(office)
        }
        OnALine::Moved => {
            stage.move_away(office)?;
            stage.pause(20_000..30_000).await;
            stage.move_back(office)?;
            stage.pause(20_000..30_000).await;
            Ok(())
        }
    }
}

async fn of_a_store(stage: &mut Stage, what: OfAStore, copies: &Copies) -> Result<()> {
    let broker = stage.bus.broker_store(0).to_owned();
    match what {
        OfAStore::BrokerPutBack => {
            stage.kill(Broker(0)).await?;
            stage.restore_store(&broker, &copies.broker)?;
            broker_is_back(stage).await
        }
        OfAStore::BrokerEmptied => {
            stage.kill(Broker(0)).await?;
            stage.empty_store(&broker)?;
            broker_is_back(stage).await
        }
        OfAStore::InboxEmptied => {
            stage.kill(Agent(READERS[0])).await?;
            stage.empty_store(&stage.inbox(READERS[0]))?;
            agent_is_back(stage, READERS[0]).await
        }
        // Nothing waits in it: what does goes with its folder.
        OfAStore::OutboxEmptied => {
            let _rest = stage.rest(0).await;
            stage.kill(Agent(0)).await?;
            stage.empty_store(&stage.outbox(0))?;
            agent_is_back(stage, 0).await
        }
        OfAStore::OutboxPutBack => {
            let _rest = stage.rest(0).await;
            stage.kill(Agent(0)).await?;
            stage.restore_store(&stage.outbox(0), &copies.outbox)?;
            agent_is_back(stage, 0).await
        }
    }
}

async fn killed(stage: &mut Stage, program: Program) -> Result<()> {
    stage.kill(program).await?;
    stage.pause(0..2_000).await;
    stage.start(program).await;
    Ok(())
}

async fn frozen(stage: &mut Stage, program: Program) -> Result<()> {
    stage.freeze(program).await?;
    stage.pause(2_000..12_000).await;
    stage.thaw(program).await
}

async fn broker_is_back(stage: &mut Stage) -> Result<()> {
    stage.start(Broker(0)).await;
    stage.bus.create_streams().await;
    stage.pause(10_000..20_000).await;
    Ok(())
}

async fn agent_is_back(stage: &mut Stage, office: usize) -> Result<()> {
    stage.start(Agent(office)).await;
    stage.pause(3_000..6_000).await;
    Ok(())
}

fn eight_offices() -> Cast {
    let seats = [
        ("moh/siem-reap", HEALTH, "KH17"),
        ("moh/battambang", HEALTH, "KH02"),
        ("maff/battambang", PRICES, "KH02"),
        ("moh/kampot", HEALTH, "KH07"),
        ("moh/takeo", HEALTH, "KH21"),
        ("moh/battambang-2", HEALTH, "KH02"),
        ("maff/battambang-2", PRICES, "KH02"),
        ("moh/siem-reap-2", HEALTH, "KH17"),
    ];
    let seats: [(&str, &'static str, &'static str); OFFICES] = seats;
    let publishes = seats.map(|(office, feed, province)| {
        let role = Role::publishes(feed, province);
        match office.ends_with("-2") {
            true => Seat::on_node(office.to_owned(), CENTRE_NODE, province, role),
            false => Seat::of(office, role),
        }
    });
    let mut offices = publishes.to_vec();
    offices.push(Seat::of("moh/hq", Role::Reads));
    offices.push(Seat::of("mef/hq", Role::Reads));
    Cast::of(offices).clocks().patience(300).pace(Pace {
        batch_max: 3,
        pause_ms_max: 1_200,
    })
}
