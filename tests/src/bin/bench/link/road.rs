//! A bus on the far side of the line, an office's agent on this side, and a desk from which the bus is watched.
//! In: the line. Out: an office that publishes one feed and reads one, as most do. Never: a watcher whose bytes are counted.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use schemas::event::Hash;
use tempfile::TempDir;
use tests::broker::Broker;
use tests::deadline::{eventually, until};
use tests::gateway::Authority;
use tests::programs::{self, GATEWAY, Process};
use tests::{letter, nats};
use tokio::net::TcpStream;

use super::line::{BUS, BUS_ON_DESK, BUS_ON_LINE};
use crate::agent::Agent;
use crate::events::{BULLETIN, Chain, PRICES, Place, SIEM_REAP};
use crate::sender::Sender;

const OFFICE: &str = "maff/siem-reap";
const HEADQUARTERS: &str = "maff/hq";

pub struct Road {
    // Processes stand before the folder that they write into: fields drop in order.
    pub agent: Agent,
    _gateway: Process,
    _nats: Process,
    watch: Broker,
    bulletins: Chain,
    straight: Sender,
    folder: TempDir,
}

impl Road {
    /// Everything runs, and the office has sent and received its first event.
    pub async fn build() -> Result<Road> {
        let folder = TempDir::with_prefix("spean-bench-")?;
        let gateway = SocketAddr::from((BUS_ON_LINE, 4443));
        let broker = SocketAddr::from((BUS_ON_DESK, 4222));
        let authority = Authority::init(&folder.path().join("authority"), gateway, broker);
        let bundle = authority.enrol(OFFICE, folder.path());
        let headquarters = authority.enrol(HEADQUARTERS, folder.path());
        let configuration = authority.nats_configuration();
        let nats = beyond(
            &nats::binary(),
            &["--config", &configuration.to_string_lossy()],
            folder.path(),
            broker,
        )
        .await;
        authority.create_streams();
        let serve = ["serve", &authority.arg()];
        let gateway = beyond(&programs::path(GATEWAY), &serve, folder.path(), gateway).await;
        let genesis: Hash = letter::genesis(&authority.registry()).parse()?;
        let place = Place {
            office: HEADQUARTERS.to_owned(),
            pcode: SIEM_REAP.to_owned(),
        };
        let mut road = Road {
            agent: Agent::start(&bundle, &folder.path().join("agent"), PRICES).await?,
            _gateway: gateway,
            _nats: nats,
            watch: Broker::connect(&authority).await?,
            bulletins: Chain::begin(&place, BULLETIN, &headquarters, genesis)?,
            straight: Sender::straight(&authority).await?,
            folder,
        };
        road.settle().await?;
        Ok(road)
    }

    /// The office speaks frames from now on.
    pub async fn speak_frames(&mut self) -> Result<()> {
        let folder = self.folder.path().join("agent");
        self.agent.speak_frames(&folder).await?;
        self.settle().await
    }

    /// Waits until one more event has gone each way.
    pub async fn settle(&mut self) -> Result<()> {
        let (stored, received) = (self.stored().await?, self.received().await?);
        self.agent.submit(&format!("settle-{stored}")).await?;
        self.release_bulletin().await?;
        until(
            "an event on the bus",
            async || self.stored().await.unwrap_or(0),
            |now| *now > stored,
        )
        .await;
        until(
            "a bulletin at the office",
            async || self.received().await.unwrap_or(0),
            |now| *now > received,
        )
        .await;
        Ok(())
    }

    /// A signed bulletin of MAFF's headquarters, which stands on the bus's side.
    pub async fn release_bulletin(&mut self) -> Result<()> {
        self.straight.send(self.bulletins.messages(1)?, 1).await
    }

    /// Events of the office that the bus has.
    pub async fn stored(&self) -> Result<u64> {
        Ok(self.watch.counts(PRICES.feed).await?.values().sum())
    }

    /// Bulletins that the office has.
    pub async fn received(&self) -> Result<u64> {
        let page = self
            .agent
            .get("/feeds/price-bulletin/events?after=0")
            .await?;
        let events = page["events"].as_array().context("a page has events")?;
        Ok(events.len() as u64)
    }

    pub async fn is_connected(&self) -> Result<bool> {
        Ok(self.agent.get("/status").await?["link"]["state"] == "connected")
    }
}

/// Starts a program on the far side and waits until it listens.
async fn beyond(program: &Path, arguments: &[&str], folder: &Path, address: SocketAddr) -> Process {
    let program = program.to_string_lossy();
    let inside = ["netns", "exec", BUS, &program];
    let all: Vec<&str> = inside.iter().chain(arguments).copied().collect();
    let log = folder.join(format!("{}.log", address.port()));
    let mut process = Process::start(Path::new("ip"), &all, &log);
    eventually(&program, || {
        assert!(
            !process.has_ended(),
            "{program} ended:\n{}",
            process.words()
        );
        async move { TcpStream::connect(address).await.ok() }
    })
    .await;
    process
}
