//! The model of "accept early, number late", played with the real line, the real outbox and real signatures against a bus and
//! gateways in memory: agents that crash or are restored from copies, half-open sessions, brokers that went back. After each
//! schedule everything drains, and nothing is lost, doubled or moved. A failure names its seed.

mod bus;
mod forks;
mod notary;
pub mod office;
mod pruned;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use schemas::chain::{Head, Link};
use schemas::event::Hash;
use schemas::notice::LogResumed;
use schemas::registry::Registry;
use schemas::signing::{SignedEvent, SigningKey};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::bus::{Bus, Gateway, Log};
pub use self::bus::{Wire, genesis};
pub use self::notary::Notary;
use self::office::{Agent, copy_folder, log, submission};
use super::own_log::OnBus;
use super::reconcile::Own;
use super::sending::Sending;

/// A signed event at a place of the model's log.
pub fn event_at(id: &str, link: Link) -> SignedEvent {
    let key = SigningKey::generate().unwrap().0;
    SignedEvent::sign(office::event(id), link, &key)
}

struct World {
    rng: Rng,
    bus: Bus,
    backup: Log,
    gateways: [Gateway; 2],
    zombies: Vec<Wire>,
    agents: Vec<Agent>,
    accepted: BTreeSet<String>,
    /// Died with a disk while nobody else had it.
    gone: BTreeSet<String>,
    seen: BTreeMap<u64, Hash>,
    branches: u32,
    registry: Arc<Registry>,
    key: Arc<SigningKey>,
    _folder: TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Cut,
    Copy,
    Restore,
    LoseTail,
    Backup,
    BrokerBack,
}

const OFFICE_FAULTS: [Fault; 3] = [Fault::Cut, Fault::Copy, Fault::Restore];
const BROKER_FAULTS: [Fault; 4] = [
    Fault::Cut,
    Fault::LoseTail,
    Fault::Backup,
    Fault::BrokerBack,
];

impl World {
    fn new(seed: u64, agents: usize) -> World {
        let folder = TempDir::new().unwrap();
        let notary = Arc::new(Notary::for_agents(agents));
        let open = |n: usize| Agent::open(folder.path().join(format!("agent-{n}")));
        World {
            rng: Rng::with_seed(seed),
            bus: Bus {
                log: Arc::default(),
                notary: notary.clone(),
            },
            backup: Log::default(),
            gateways: [Gateway::default(), Gateway::default()],
            zombies: Vec::new(),
            agents: (0..agents).map(open).collect(),
            accepted: BTreeSet::new(),
            gone: BTreeSet::new(),
            seen: BTreeMap::new(),
            branches: 0,
            registry: notary.registry.clone(),
            key: Arc::new(SigningKey::generate().unwrap().0),
            _folder: folder,
        }
    }

    async fn step(&mut self, faults: &[Fault]) {
        let agent = self.rng.usize(..self.agents.len());
        match self.rng.u32(..100) {
            0..20 if self.accepted.len() < 8 => self.submit(agent).await,
            20..45 => match self.agents[agent].session {
                None => self.connect(agent).await,
                Some(_) => self.send(agent).await,
            },
            45..65 => {
                let wire = self.agents[agent].session.as_ref().map(|s| s.0.clone());
                wire.iter().for_each(|wire| self.handle(wire));
            }
            65..80 => self.answer(agent).await,
            80..85 => self.read(),
            85..90 if !self.zombies.is_empty() => {
                let wire = self.zombies[self.rng.usize(..self.zombies.len())].clone();
                self.handle(&wire);
            }
            _ => {
                let fault = faults[self.rng.usize(..faults.len())];
                self.inject(fault, agent).await;
            }
        }
    }

    async fn submit(&mut self, agent: usize) {
        let id = format!("event-{}", self.accepted.len() + 1);
        let accepted = self.agents[agent].outbox().accept(submission(&id)).await;
        accepted.expect("it is accepted");
        self.accepted.insert(id);
    }

    async fn connect(&mut self, agent: usize) {
        let own = Own {
            log: log(),
            outbox: self.agents[agent].outbox().clone(),
            registry: self.registry.clone(),
            key: self.key.clone(),
        };
        let standing = own.reconcile(&self.bus).await.expect("the bus is readable");
        let wire = Wire {
            gateway: self.rng.usize(..2),
            queue: Arc::default(),
            ended: CancellationToken::new(),
        };
        let sending = Sending::new(own, wire.clone(), standing);
        self.agents[agent].session = Some((wire, sending));
    }

    async fn send(&mut self, agent: usize) {
        if let Some((_, sending)) = &mut self.agents[agent].session {
            sending.fill().await.expect("the store is readable");
        }
        self.end_stopped(agent);
    }

    fn handle(&mut self, wire: &Wire) {
        let next = wire.queue.lock().unwrap().pop_front();
        if let Some((event, answer)) = next {
            let said = self.gateways[wire.gateway].judge(&self.bus, &event);
            let _nobody_waits = answer.send(said);
        }
    }

    async fn answer(&mut self, agent: usize) {
        if let Some((_, sending)) = &mut self.agents[agent].session
            && let Some(answer) = sending.ready()
        {
            sending.settle(answer).await.expect("the store works");
        }
        self.end_stopped(agent);
    }

    /// The head is read again.
    fn end_stopped(&mut self, agent: usize) {
        let session = &mut self.agents[agent].session;
        if session.as_ref().is_some_and(|s| s.1.stopped().is_some()) {
            *session = None;
        }
    }

    fn read(&mut self) {
        for on_bus in self.bus.events() {
            let (position, hash) = (on_bus.event.link().position.number(), on_bus.event.hash());
            let first = *self.seen.entry(position).or_insert(hash);
            self.branches += u32::from(first != hash);
        }
    }

    /// What was sent may still reach the gateway, or not.
    fn cut(&mut self, agent: usize) {
        if let Some((wire, _)) = self.agents[agent].session.take()
            && self.rng.bool()
        {
            self.zombies.push(wire);
        }
    }

    async fn inject(&mut self, fault: Fault, agent: usize) {
        match fault {
            Fault::Cut => self.cut(agent),
            Fault::Copy => {
                self.cut(agent);
                self.agents[agent].close().await;
                let agent = &mut self.agents[agent];
                copy_folder(&agent.folder, &agent.copied());
                agent.reopen();
            }
            Fault::Restore => self.restore(agent).await,
            Fault::Backup => self.backup = self.bus.log.lock().unwrap().clone(),
            Fault::BrokerBack => self.broker_back(self.backup.clone()).await,
            Fault::LoseTail => {
                let mut log = self.bus.log.lock().unwrap().clone();
                let keep = self.rng.usize(..=log.events.len());
                log.events.truncate(keep);
                self.broker_back(log).await;
            }
        }
    }

    async fn restore(&mut self, agent: usize) {
        self.cut(agent);
        let before = self.ids_at(agent).await;
        let there = &mut self.agents[agent];
        if !there.copied().exists() {
            return;
        }
        there.close().await;
        copy_folder(&there.copied(), &there.folder);
        there.reopen();
        let mut elsewhere = self.bus.ids();
        for other in 0..self.agents.len() {
            elsewhere.extend(self.ids_at(other).await);
        }
        let lost = before.difference(&elsewhere).cloned();
        self.gone.extend(lost.collect::<Vec<_>>());
    }

    async fn ids_at(&self, agent: usize) -> BTreeSet<String> {
        let mut ids = self.agents[agent].own();
        ids.extend(self.agents[agent].waiting().await);
        ids
    }

    async fn broker_back(&mut self, log: Log) {
        let before = self.bus.ids();
        *self.bus.log.lock().unwrap() = log;
        for agent in &mut self.agents {
            agent.session = None;
        }
        // A gateway forgets its heads with its connection to the broker.
        self.gateways = [Gateway::default(), Gateway::default()];
        let mut elsewhere = self.bus.ids();
        for agent in 0..self.agents.len() {
            elsewhere.extend(self.ids_at(agent).await);
        }
        self.gone.extend(before.difference(&elsewhere).cloned());
    }

    /// The faults have stopped: every backlog drains.
    async fn drain(&mut self) {
        for wire in std::mem::take(&mut self.zombies) {
            while !wire.queue.lock().unwrap().is_empty() {
                self.handle(&wire);
            }
        }
        for _ in 0..12 {
            for agent in 0..self.agents.len() {
                self.agents[agent].session = None;
                self.connect(agent).await;
                for _ in 0..12 {
                    self.send(agent).await;
                    while let Some((wire, _)) = &self.agents[agent].session
                        && !wire.queue.lock().unwrap().is_empty()
                    {
                        let wire = wire.clone();
                        self.handle(&wire);
                    }
                    self.answer(agent).await;
                    if self.agents[agent].session.is_none() {
                        self.connect(agent).await;
                    }
                }
            }
        }
        self.read();
    }

    async fn check(&self, kind: &str) {
        let events = self.bus.events();
        let mut head = Head::empty(genesis());
        for on_bus in &events {
            assert_eq!(*on_bus.event.link(), head.next(), "{kind}: the chain");
            head = Head::of(&on_bus.event);
        }
        let ids = self.bus.ids();
        assert_eq!(ids.len(), events.len(), "{kind}: an id twice on the bus");
        let lost: Vec<_> = self
            .accepted
            .iter()
            .filter(|id| !ids.contains(*id) && !self.gone.contains(*id))
            .collect();
        assert!(lost.is_empty(), "{kind}: lost {lost:?}");
        for agent in &self.agents {
            let stuck = agent.waiting().await;
            assert!(stuck.is_empty(), "{kind}: stuck {stuck:?}");
            assert!(agent.outbox().tray().unwrap().is_empty(), "{kind}: refused");
            let untold = agent.outbox().untold(&office::feed()).unwrap();
            assert_eq!(untold, None, "{kind}: a taking is not told");
        }
        self.check_notices(&events, kind);
    }
}

impl World {
    /// A notice names events that stand before it; two agents, where the registry gives the office two, send none.
    fn check_notices(&self, events: &[OnBus], kind: &str) {
        for (before, on_bus) in events.iter().enumerate() {
            let Some(notice) = LogResumed::read(on_bus.event.event()) else {
                continue;
            };
            assert_eq!(self.agents.len(), 1, "{kind}: {notice:?}");
            let last = usize::try_from(notice.last).unwrap();
            assert!(
                notice.first <= notice.last && last <= before,
                "{kind}: {notice:?}"
            );
        }
    }
}

/// Plays schedules; with both sides going back a lost position may be filled anew, and then it is named.
async fn play(kind: &str, agents: usize, faults: &[Fault], branches_allowed: bool) {
    for seed in 0..SCHEDULES {
        let mut world = World::new(seed, agents);
        let steps = world.rng.u32(20..120);
        for _ in 0..steps {
            world.step(faults).await;
        }
        world.drain().await;
        let kind = format!("{kind}, {agents} agents, seed {seed}");
        world.check(&kind).await;
        assert!(world.branches == 0 || branches_allowed, "{kind}: moved");
    }
}

const SCHEDULES: u64 = 24;

#[tokio::test]
async fn cut_links_lose_double_and_move_nothing() {
    play("cut", 1, &[Fault::Cut], false).await;
    play("cut", 2, &[Fault::Cut], false).await;
}

#[tokio::test]
async fn an_office_restored_from_an_old_copy_cannot_fork_its_log() {
    play("office back", 1, &OFFICE_FAULTS, false).await;
    play("office back", 2, &OFFICE_FAULTS, false).await;
}

#[tokio::test]
async fn a_broker_that_went_back_gets_the_same_events_again() {
    play("broker back", 1, &BROKER_FAULTS, false).await;
    play("broker back", 2, &BROKER_FAULTS, true).await;
}

#[tokio::test]
async fn office_and_broker_that_both_went_back_agree_again() {
    let all: Vec<Fault> = OFFICE_FAULTS.into_iter().chain(BROKER_FAULTS).collect();
    play("both back", 1, &all, true).await;
    play("both back", 2, &all, true).await;
}
