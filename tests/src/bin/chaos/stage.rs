//! The stage: a country in namespaces, with real programs everywhere, and the ways in which a scenario may hurt them.
//! In: a cast and a seed. Out: handles to every part. Never: a fault that counts as fired without a trace of it.

mod net;
mod part;
mod faults;
mod desk;
mod applications;
mod mover;
pub mod memory;
pub mod office;
mod bus;
mod programs;
pub mod steps;
mod lines;
mod far;
mod stores;
mod messages;
mod limits;
pub mod clock;
mod cluster;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tests::deadline::eventually_within;
use tests::ledger::Ledger;
use tests::tally::Accepted;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use self::applications::Applications;
use self::bus::Bus;
use self::far::FarLine;
pub use self::faults::Count;
use self::faults::{Fault, Holds};
use self::net::{Line, Net};
pub use self::net::{TRIAL, UNSHARE, Way};
use self::office::{Office, Target};
use self::part::{Part, Shared};
pub use self::programs::Program;
use crate::arrivals::Arrivals;
use crate::load;
use crate::scenario::{CENTRE_NODE, Cast, Seat};

/// 132 agents on two cores take a while to be there.
const START_WAIT: Duration = Duration::from_secs(120);
/// What is submitted at once where an office is to be full, and how long that may take.
const PRESSED: usize = 200;
const PRESS_WAIT: Duration = Duration::from_secs(60);

pub struct Stage {
    _manager: AbortOnDropHandle<()>,
    pub bus: Bus,
    pub offices: Vec<Arc<Office>>,
    agents: Vec<Shared>,
    lines: Vec<Line>,
    pub ledger: Ledger,
    pub folder: PathBuf,
    pub quick: bool,
    pub plan: Plan,
    pub random: fastrand::Rng,
    faults: Vec<Fault>,
    holds: Holds,
    /// Offices whose lines are hurt, since when.
    hurt: BTreeMap<usize, Instant>,
    /// Offices at another address, since when, and how many packets had gone nowhere before.
    moved: BTreeMap<usize, (Instant, u64)>,
    /// What readers have besides the file that is read where it stands.
    applications: Vec<Applications>,
    began: Instant,
    mended: Option<(Instant, Accepted)>,
    far: Vec<FarLine>,
}

/// What a run is to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Shorter faults.
    pub quick: bool,
    /// How long a soak lasts.
    pub lasts: Duration,
    /// Whether a soak also loses offices' folders.
    pub folders: bool,
}

impl Stage {
    /// Everything runs, and every agent is connected.
    pub async fn build(cast: &Cast, folder: &Path, seed: u64, plan: Plan) -> Result<Stage> {
        let quick = plan.quick;
        let net = Net::lay()?;
        let bus = Bus::lay(&net, folder, cast)?;
        lay_nodes(&net, cast)?;
        let (mut seats, mut far, mut their) = (Vec::new(), Vec::new(), Vec::new());
        for (index, seat) in cast.offices.iter().enumerate() {
            let doors = match seat.far {
                true => {
                    far.push(FarLine::lay(bus.doors[0], seed).await?);
                    vec![far[far.len() - 1].address()]
                }
                false => bus.doors.clone(),
            };
            let targets = applications::targets(cast, index);
            let settled = settle(&net, &bus, folder, (seat, index), doors, &targets)?;
            let disturbed = settled.1.lock().await.disturbed.clone();
            let chance = seed ^ index as u64;
            their.push(
                Applications::open(cast, (&settled.0, index), (chance, quick), disturbed).await?,
            );
            if cast.small_disks {
                limits::small_disk(&settled.0.store())?;
            }
            seats.push(settled);
        }
        if cast.clocks {
            give_clocks(&bus, &seats, folder).await?;
        }
        bus.start().await?;
        let (mut offices, mut agents, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (office, agent, line) in seats {
            agent.lock().await.launch();
            offices.push(office);
            agents.push(agent);
            lines.push(line);
        }
        let everything = [&bus.brokers, &bus.gateways, &agents].into_iter();
        let manager = part::supervise(everything.flatten().cloned().collect());
        let stage = Stage {
            _manager: manager,
            bus,
            offices,
            agents,
            lines,
            ledger: Ledger::begin(&folder.join("ledger"))?,
            folder: folder.to_owned(),
            quick,
            plan,
            random: fastrand::Rng::with_seed(seed),
            faults: Vec::new(),
            holds: Holds::default(),
            hurt: BTreeMap::new(),
            moved: BTreeMap::new(),
            applications: their,
            began: Instant::now(),
            mended: None,
            far,
        };
        stage.everyone_is_connected().await;
        Ok(stage)
    }

    pub async fn everyone_is_connected(&self) {
        for office in &self.offices {
            let what = format!("the agent of {} is connected", office.name);
            eventually_within(START_WAIT, &what, || async {
                office.is_connected().await.then_some(())
            })
            .await;
        }
    }

    /// From here on the line, slow as it may be, carries what waits: the time to catch up begins.
    pub fn mended_now(&mut self) {
        self.mended = Some((Instant::now(), self.ledger.read()));
    }

    /// When everything was mended, and what was accepted by then.
    pub fn mended(&mut self) -> (Instant, Accepted) {
        self.act("everything is mended");
        self.mended
            .take()
            .unwrap_or_else(|| (Instant::now(), self.ledger.read()))
    }

    /// Says what is done, for whoever watches.
    pub fn act(&self, what: &str) {
        eprintln!("act {:6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// As many in the full run, so many in the quick one.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A pause of the seed's choice, in milliseconds.
    pub async fn pause(&mut self, milliseconds: Range<u64>) {
        let pause = Duration::from_millis(self.random.u64(milliseconds));
        tokio::time::sleep(pause).await;
    }

    /// A pause of this many seconds.
    pub async fn seconds(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub fn publishers(&self) -> Vec<usize> {
        self.those(|office| !office.is_subscriber())
    }

    pub fn subscribers(&self) -> Vec<usize> {
        self.those(Office::is_subscriber)
    }

    fn those(&self, which: impl Fn(&Office) -> bool) -> Vec<usize> {
        let numbered = self.offices.iter().enumerate();
        numbered
            .filter(|(_, office)| which(office))
            .map(|(index, _)| index)
            .collect()
    }

    /// Any of these, as the seed will have it.
    pub fn any(&mut self, of: &[usize]) -> usize {
        of[self.random.usize(..of.len())]
    }

    /// Submits so many events of this office at once, besides its usual work.
    pub async fn backlog(&self, office: usize, count: usize) -> Result<()> {
        self.act(&format!(
            "{count} events wait at {}",
            self.offices[office].name
        ));
        load::backlog(&self.offices[office], &self.ledger, count).await
    }

    /// Submits more and more of this office beside its usual work, until it has turned something away and then taken it.
    pub fn press(&self, office: usize) -> JoinHandle<Result<()>> {
        let (office, ledger) = (self.offices[office].clone(), self.ledger.clone());
        let before = office.turned_away();
        tokio::spawn(async move {
            while office.turned_away() == before {
                load::backlog(&office, &ledger, PRESSED).await?;
            }
            Ok(())
        })
    }

    pub async fn has_turned_away(&self, office: usize) {
        let office = &self.offices[office];
        let what = format!("{} turns something away", office.name);
        eventually_within(PRESS_WAIT, &what, || async {
            (office.turned_away() > 0).then_some(())
        })
        .await;
    }

    pub async fn pressed(&self, pressed: JoinHandle<Result<()>>) -> Result<()> {
        pressed.await?
    }

    /// Waits until hardly anything waits at the office any more; work goes on, so that nothing at all may never come.
    pub async fn has_sent(&self, office: usize, patience_s: u64) {
        let office = &self.offices[office];
        let what = format!("{} has sent what waited", office.name);
        eventually_within(Duration::from_secs(patience_s), &what, || async {
            let status = office.status().await?;
            let feeds = status["outbox"]["feeds"].as_array()?;
            let waiting: u64 = feeds
                .iter()
                .filter_map(|feed| feed["waiting"].as_u64())
                .sum();
            (waiting < 5).then_some(())
        })
        .await;
    }

    /// Bytes on all offices' lines, both ways.
    pub fn bytes(&self) -> Result<u64> {
        self.lines.iter().map(Line::bytes).sum()
    }

    /// Every part's name, what it said, and how often it ended by itself.
    pub async fn parts(&self) -> Vec<(String, String, u32)> {
        let mut told = Vec::new();
        for part in self.all_parts() {
            let part = part.lock().await;
            told.push((part.name.clone(), part.words(), part.ended_alone));
        }
        told
    }

    pub fn all_parts(&self) -> Vec<Shared> {
        let all = [&self.bus.brokers, &self.bus.gateways, &self.agents];
        all.into_iter().flatten().cloned().collect()
    }

    /// All applications of all readers.
    pub fn arrivals(&self) -> Vec<Arrivals> {
        let of_office = self.applications.iter().enumerate();
        of_office
            .flat_map(|(index, applications)| applications.arrivals(&self.offices[index], index))
            .collect()
    }
}

/// The access nodes that the cast names.
fn lay_nodes(net: &Net, cast: &Cast) -> Result<()> {
    let mut nodes: Vec<String> = cast.offices.iter().map(|seat| seat.node.clone()).collect();
    nodes.sort();
    nodes.dedup();
    nodes.retain(|node| node != CENTRE_NODE);
    match cast.ring {
        true => net.ring(&nodes),
        false => nodes.iter().try_for_each(|node| net.access_node(node)),
    }
}

/// Agents and gateways whose clocks can be set.
async fn give_clocks(bus: &Bus, seats: &[Settled], folder: &Path) -> Result<()> {
    for (office, agent, _) in seats {
        let file = folder.join(format!("{}.clock", office.tag));
        clock::give(&mut *agent.lock().await, &file)?;
    }
    for (index, gateway) in bus.gateways.iter().enumerate() {
        let file = folder.join(format!("gateway-{}.clock", index + 1));
        clock::give(&mut *gateway.lock().await, &file)?;
    }
    Ok(())
}

/// An office, its agent, which does not run yet, and its line.
type Settled = (Arc<Office>, Shared, Line);

/// An office on its node, with its agent's folder.
fn settle(
    net: &Net,
    bus: &Bus,
    folder: &Path,
    (seat, index): (&Seat, usize),
    mut doors: Vec<SocketAddr>,
    targets: &[Target],
) -> Result<Settled> {
    let tag = format!("o{}", index + 1);
    let line = net.connect(&tag, &seat.node, &lines::address(index))?;
    if !targets.is_empty() {
        net.lan(&tag, index)?;
    }
    let said = match &seat.province {
        Some(code) => [
            "--title",
            "An office",
            "--standing",
            "provincial",
            "--province",
            code,
        ]
        .to_vec(),
        None => Vec::new(),
    };
    let bundle = bus.authority.enrol_as(&seat.office, folder, &said);
    // Each office begins with another gateway, as an operator would spread them.
    let by = index % doors.len();
    doors.rotate_left(by);
    let doors: Vec<String> = doors.iter().map(ToString::to_string).collect();
    let home = folder.join(&tag);
    let office = Office::settle(seat, &tag, &bundle, &home, &doors, targets)?;
    let agent = Part::new(
        &format!("agent of {}", seat.office),
        &tag,
        &tests::programs::path(tests::programs::AGENT),
        &["--dir", &home.to_string_lossy(), "run"],
        &folder.join(format!("{tag}.log")),
    );
    Ok((Arc::new(office), agent.shared(), line))
}
