//! What a scenario is: a cast of offices, and the harm that is done to the bus while they work. What must be true afterwards is
//! the same for all: nothing lost, doubled, reordered, or gone without a word; see `verdict.rs`.
//! In: nothing. Out: scenarios as data. Never: a scenario with a verdict of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;

use crate::stage::{Stage, clock, steps};

pub const HEALTH: &str = "health-quarterly";
pub const PRICES: &str = "market-prices";

/// The access node of everything that has no other: where NiDA's centre stands.
pub const CENTRE_NODE: &str = "nii";

/// Breaks things and mends them again; the offices work all the while.
pub type Harm = for<'a> fn(&'a mut Stage) -> Doing<'a>;
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

pub struct Scenario {
    /// What `ONLY=` calls it.
    pub name: &'static str,
    /// What is broken, when, and how it is mended: one sentence for `--list` and the docs.
    pub tells: &'static str,
    /// Whether it runs in the quick set.
    pub quick: bool,
    pub needs: Needs,
    pub cast: fn() -> Cast,
    pub harm: Harm,
}

impl Scenario {
    /// One of the quick set, with the usual cast.
    pub fn quick(name: &'static str, tells: &'static str, harm: Harm) -> Scenario {
        let quick = true;
        Scenario {
            quick,
            ..Scenario::full(name, tells, harm)
        }
    }

    /// One of the full set alone, with the usual cast.
    pub fn full(name: &'static str, tells: &'static str, harm: Harm) -> Scenario {
        Scenario {
            name,
            tells,
            quick: false,
            needs: Needs::Nothing,
            cast: Cast::usual,
            harm,
        }
    }

    pub fn cast(self, cast: fn() -> Cast) -> Scenario {
        Scenario { cast, ..self }
    }

    pub fn needs(self, needs: Needs) -> Scenario {
        Scenario { needs, ..self }
    }
}

/// What a scenario needs besides namespaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// libfaketime, which gives a program another clock.
    AnotherClock,
    /// strace, which kills a program at a call.
    Strace,
}

impl Needs {
    pub fn is_there(self) -> bool {
        match self {
            Needs::Nothing => true,
            Needs::AnotherClock => clock::library().is_some(),
            Needs::Strace => steps::is_there(),
        }
    }

    pub fn how_to_get(self) -> &'static str {
        match self {
            Needs::Nothing => "",
            Needs::Strace => "strace is not there: install the package strace",
            Needs::AnotherClock => "libfaketime is not there: install the package faketime",
        }
    }
}

/// Who is on the stage.
pub struct Cast {
    pub offices: Vec<Seat>,
    /// nats-servers, each with a gateway of its own in the same place; three make a cluster.
    pub centres: usize,
    /// Gateways in each centre.
    pub gateways: usize,
    /// Whether agents, gateways and nats-servers have small disks of their own.
    pub small_disks: bool,
    /// Whether the clocks of agents and gateways can be set.
    pub clocks: bool,
    /// Whether the access nodes stand in a ring, as NII's do, and not in a star.
    pub ring: bool,
    /// How long the last event may take after everything was mended.
    pub patience: Duration,
    /// What a publisher submits.
    pub pace: Pace,
    pub applications: Applying,
}

/// Which applications each reader has besides a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Applying {
    All,
    /// None: for more events than can be called about one after the other.
    FilesAlone,
}

/// An office, and what it does here.
#[derive(Clone)]
pub struct Seat {
    pub office: String,
    pub role: Role,
    /// The access node behind which it sits.
    pub node: String,
    /// Where its name does not say it: the province's code.
    pub province: Option<String>,
    /// Reached over a satellite: 300 ms each way, and chunks that have to be sent again.
    pub far: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its own province's figures.
    Publishes {
        feed: &'static str,
        pcode: &'static str,
    },
    /// Reads both feeds into files.
    Reads,
}

/// How fast an office submits: batches of up to so many events, with a pause of up to so long before each.
#[derive(Clone, Copy)]
pub struct Pace {
    pub batch_max: usize,
    pub pause_ms_max: u64,
}

impl Role {
    pub fn publishes(feed: &'static str, pcode: &'static str) -> Role {
        Role::Publishes { feed, pcode }
    }
}

impl Cast {
    /// Three publishing offices on two feeds, two subscribers, one nats-server, one gateway.
    pub fn usual() -> Cast {
        Cast::of(vec![
            Seat::of("moh/siem-reap", Role::publishes(HEALTH, "KH17")),
            Seat::of("moh/battambang", Role::publishes(HEALTH, "KH02")),
            Seat::of("maff/battambang", Role::publishes(PRICES, "KH02")),
            Seat::of("moh/hq", Role::Reads),
            Seat::of("mef/hq", Role::Reads),
        ])
    }

    /// These offices, one nats-server, one gateway.
    pub fn of(offices: Vec<Seat>) -> Cast {
        Cast {
            offices,
            centres: 1,
            gateways: 1,
            small_disks: false,
            clocks: false,
            ring: false,
            patience: Duration::from_secs(120),
            pace: Pace {
                batch_max: 6,
                pause_ms_max: 600,
            },
            applications: Applying::All,
        }
    }

    pub fn applications(self, applications: Applying) -> Cast {
        Cast {
            applications,
            ..self
        }
    }

    pub fn gateways(self, gateways: usize) -> Cast {
        Cast { gateways, ..self }
    }

    pub fn centres(self, centres: usize) -> Cast {
        Cast { centres, ..self }
    }

    pub fn small_disks(self) -> Cast {
        let small_disks = true;
        Cast {
            small_disks,
            ..self
        }
    }

    pub fn clocks(self) -> Cast {
        let clocks = true;
        Cast { clocks, ..self }
    }

    pub fn patience(self, seconds: u64) -> Cast {
        let patience = Duration::from_secs(seconds);
        Cast { patience, ..self }
    }

    pub fn pace(self, pace: Pace) -> Cast {
        Cast { pace, ..self }
    }

    /// One event in half so many milliseconds: what a slow line can carry.
    pub fn slowly(self, pause_ms_max: u64) -> Cast {
        let batch_max = 1;
        self.pace(Pace {
            batch_max,
            pause_ms_max,
        })
    }
}

impl Seat {
    pub fn reads(&self) -> bool {
        self.role == Role::Reads
    }

    pub fn of(office: &str, role: Role) -> Seat {
        Seat {
            office: office.to_owned(),
            role,
            node: CENTRE_NODE.to_owned(),
            province: None,
            far: false,
        }
    }

    /// An office whose name says neither its place nor its standing, behind an access node.
    pub fn on_node(office: String, node: &str, province: &str, role: Role) -> Seat {
        Seat {
            office,
            role,
            node: node.to_owned(),
            province: Some(province.to_owned()),
            far: false,
        }
    }

    pub fn behind(self, node: &str) -> Seat {
        let node = node.to_owned();
        Seat { node, ..self }
    }

    pub fn far(self) -> Seat {
        Seat { far: true, ..self }
    }
}
