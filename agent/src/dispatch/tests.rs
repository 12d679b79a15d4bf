//! The model of "accept early, number late", played with the real line, the real outbox and real signatures against a bus and
//! gateways in memory: agents that crash or are restored from copies, half-open sessions, brokers that went back. After each
//! schedule everything drains, and nothing is lost, doubled or moved. A failure names its seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fastrand::Rng;
use schemas::chain::Head;
use schemas::envelope::nats;
use schemas::event::{Classification, Core, Event, Hash, Position, Timestamp};
use schemas::registry::Registry;
use schemas::signing::{SignedEvent, SigningKey};
use schemas::subject::{FeedName, LogName};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Trouble;
use super::own_log::{BusHead, BusLog, OnBus};
use super::reconcile::Own;
use super::sending::{Lane, Sending};
use crate::link::{Answer, Pending};
use crate::outbox::{Outbox, Submission};

const BUDGET: u64 = 64 * 1024 * 1024;
/// The model's window.
const WINDOW: usize = 3;

/// One log on the bus.
#[derive(Default, Clone)]
struct Log {
    events: Vec<OnBus>,
    next: u64,
}

#[derive(Clone)]
struct Bus(Arc<Mutex<Log>>);

impl Bus {
    fn events(&self) -> Vec<OnBus> {
        self.0.lock().unwrap().events.clone()
    }

    fn head(&self) -> (Head, u64) {
        let events = self.events();
        let last = events.last();
        (
            last.map_or(Head::empty(genesis()), |last| Head::of(&last.event)),
            last.map_or(0, |last| last.sequence),
        )
    }

    fn append(&self, event: &SignedEvent, expected: u64) -> bool {
        let mut log = self.0.lock().unwrap();
        if log.events.last().map_or(0, |last| last.sequence) != expected {
            return false;
        }
        log.next += 7;
        let sequence = log.next;
        let event = event.clone();
        log.events.push(OnBus { sequence, event });
        true
    }

    fn at(&self, position: Position) -> Option<SignedEvent> {
        let mut events = self.events().into_iter().map(|on_bus| on_bus.event);
        events.find(|event| event.link().position == position)
    }

    fn ids(&self) -> BTreeSet<String> {
        let events = self.events();
        events.iter().map(|on| on.event.id().to_owned()).collect()
    }
}

impl BusLog for Bus {
    async fn head(&self) -> Result<BusHead, Trouble> {
        Ok(BusHead {
            head: self.head().0,
            last: self.events().pop(),
        })
    }

    async fn from(&self, sequence: u64) -> Result<Option<OnBus>, Trouble> {
        let mut events = self.events().into_iter();
        Ok(events.find(|on_bus| on_bus.sequence >= sequence))
    }

    async fn page(&self, sequence: u64) -> Result<Vec<OnBus>, Trouble> {
        let events = self.events().into_iter();
        let page = events.filter(|on_bus| on_bus.sequence >= sequence).take(2);
        Ok(page.collect())
    }
}

/// A gateway with the head that it has seen.
#[derive(Default)]
struct Gateway(Option<(Head, u64)>);

impl Gateway {
    fn judge(&mut self, bus: &Bus, event: &SignedEvent) -> Answer {
        let (number, stored) = (event.link().position.number(), |duplicate| Answer::Stored {
            sequence: 1,
            duplicate,
        });
        let held = |code: &str, head: &Head| Answer::Held {
            code: code.into(),
            head: Some(head.number()),
            text: String::new(),
        };
        for _ in 0..3 {
            let (head, sequence) = *self.0.get_or_insert_with(|| bus.head());
            if number <= head.number() {
                match bus.at(event.link().position) {
                    None => self.0 = None,
                    Some(there) if there.hash() == event.hash() => return stored(true),
                    Some(_) => return held("position-taken", &head),
                }
                continue;
            }
            if number > head.number() + 1 {
                self.0 = Some(bus.head());
                if number > bus.head().0.number() + 1 {
                    return held("position-ahead", &head);
                }
                continue;
            }
            if event.link().prev != head.hash {
                if bus.head() == (head, sequence) {
                    return held("chain-mismatch", &head);
                }
                self.0 = Some(bus.head());
                continue;
            }
            let appended = bus.append(event, sequence);
            self.0 = appended.then(|| bus.head());
            if appended {
                return stored(false);
            }
        }
        Answer::Held {
            code: "bus-unavailable".into(),
            head: None,
            text: String::new(),
        }
    }
}

/// What was sent and not yet judged.
#[derive(Clone)]
struct Wire {
    gateway: usize,
    queue: Arc<Mutex<VecDeque<(SignedEvent, oneshot::Sender<Answer>)>>>,
    ended: CancellationToken,
}

impl Lane for Wire {
    async fn publish(&self, event: &SignedEvent) -> Pending {
        let (answer, pending) = Pending::new();
        let mut queue = self.queue.lock().unwrap();
        queue.push_back((event.clone(), answer));
        pending
    }

    fn is_full(&self) -> bool {
        self.queue.lock().unwrap().len() >= WINDOW
    }

    fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

struct Agent {
    folder: PathBuf,
    outbox: Option<Outbox>,
    session: Option<(Wire, Sending<Wire>)>,
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

fn genesis() -> Hash {
    Hash::of(b"genesis")
}

fn log() -> LogName {
    LogName {
        feed: feed(),
        office: "maff/siem-reap".parse().unwrap(),
    }
}

fn feed() -> FeedName {
    "market-prices".parse().unwrap()
}

fn event(id: &str) -> Event {
    let core = Core {
        id: id.into(),
        event_type: "kh.gov.maff.market-price.submitted.v1".into(),
        subject: None,
        time: Timestamp::from_unix_seconds(1_790_000_000).unwrap(),
        data_content_type: "application/json".into(),
        data_schema: "https://spean.gov.kh/contracts/market-prices/1.0".into(),
        causation_id: None,
        data_classification: Classification::Internal,
        data: Bytes::from(format!(r#"{{"price":"{id}"}}"#)),
    };
    Event::new(
        log(),
        core,
        Timestamp::from_unix_seconds(1_790_000_001).unwrap(),
    )
    .unwrap()
}

fn submission(id: &str) -> Submission {
    let event = event(id);
    Submission {
        feed: feed(),
        id: id.into(),
        key: None,
        content: Hash::of(id.as_bytes()),
        data: Hash::of(event.data()),
        bytes: nats::stored_unsigned(&event),
    }
}

impl Agent {
    fn open(folder: PathBuf) -> Agent {
        let outbox = Outbox::open(&folder, BUDGET).expect("the store opens").0;
        Agent {
            folder,
            outbox: Some(outbox),
            session: None,
        }
    }

    fn outbox(&self) -> &Outbox {
        self.outbox.as_ref().expect("the store is open")
    }

    async fn waiting(&self) -> BTreeSet<String> {
        let waiting = self.outbox().waiting(&feed(), 0, 1_000).await.unwrap();
        waiting.into_iter().map(|waiting| waiting.id).collect()
    }

    fn own(&self) -> BTreeSet<String> {
        let last = self.outbox().last_settled(&feed()).unwrap();
        let positions = 1..=last.map_or(0, |last| last.position.number());
        let own = positions.filter_map(|position| {
            let position = Position::new(position)?;
            let bytes = self.outbox().own(&feed(), position).unwrap()?;
            Some(nats::read_stored(&bytes).unwrap().id().to_owned())
        });
        own.collect()
    }

    /// Closes the store; nothing may hold it any more.
    async fn close(&mut self) {
        self.session = None;
        let outbox = self.outbox.take().expect("the store is open");
        outbox.checkpoint().await.unwrap();
        drop(outbox);
    }

    fn reopen(&mut self) {
        self.outbox = Some(Outbox::open(&self.folder, BUDGET).unwrap().0);
    }

    fn copied(&self) -> PathBuf {
        self.folder.with_extension("copy")
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).ok();
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl World {
    fn new(seed: u64, agents: usize) -> World {
        let folder = TempDir::new().unwrap();
        let open = |n: usize| Agent::open(folder.path().join(format!("agent-{n}")));
        World {
            rng: Rng::with_seed(seed),
            bus: Bus(Arc::default()),
            backup: Log::default(),
            gateways: [Gateway::default(), Gateway::default()],
            zombies: Vec::new(),
            agents: (0..agents).map(open).collect(),
            accepted: BTreeSet::new(),
            gone: BTreeSet::new(),
            seen: BTreeMap::new(),
            branches: 0,
            registry: Arc::new(Registry::empty(genesis())),
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
            Fault::Backup => self.backup = self.bus.0.lock().unwrap().clone(),
            Fault::BrokerBack => self.broker_back(self.backup.clone()).await,
            Fault::LoseTail => {
                let mut log = self.bus.0.lock().unwrap().clone();
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
        *self.bus.0.lock().unwrap() = log;
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
