//! The bus: an authority, one to three centres with a nats-server and its gateways each, all in namespaces of their own.
//! In: how many of each. Out: parts that can be killed, and the broker as the authority sees it. Never: a key made by the suite.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tests::broker::Broker;
use tests::deadline::eventually;
use tests::gateway::Authority;
use tests::nats;
use tests::programs::{self, GATEWAY};
use tokio::net::TcpStream;

use super::limits::small_disk;
use super::net::Net;
use super::part::{Part, Shared};
use crate::scenario::{CENTRE_NODE, Cast};

const NATS_PORT: u16 = 4222;
const GATEWAY_PORT: u16 = 4443;

/// What a part's folder stands on.
#[derive(Clone, Copy)]
enum Disk {
    Usual,
    Small,
}

impl Disk {
    fn make(self, folder: &Path) -> Result<()> {
        match self {
            Disk::Usual => Ok(std::fs::create_dir(folder)?),
            Disk::Small => small_disk(folder),
        }
    }
}

pub struct Bus {
    pub authority: Authority,
    pub brokers: Vec<Shared>,
    pub gateways: Vec<Shared>,
    /// Where each gateway listens.
    pub doors: Vec<SocketAddr>,
    servers: Vec<SocketAddr>,
    stores: Vec<PathBuf>,
}

impl Bus {
    /// Everything is laid out and nothing runs.
    pub fn lay(net: &Net, folder: &Path, cast: &Cast) -> Result<Bus> {
        let place = |centre: usize| [10, 99, 0, 11 + centre as u8];
        let servers: Vec<SocketAddr> = (0..cast.centres)
            .map(|centre| SocketAddr::from((place(centre), NATS_PORT)))
            .collect();
        let first_door = SocketAddr::from((place(0), GATEWAY_PORT));
        let home = folder.join("authority");
        let authority = Authority::init_cluster(&home, first_door, &servers);
        let mut bus = Bus {
            authority,
            brokers: Vec::new(),
            gateways: Vec::new(),
            doors: Vec::new(),
            servers,
            stores: Vec::new(),
        };
        let disk = match cast.small_disks {
            true => Disk::Small,
            false => Disk::Usual,
        };
        for centre in 0..cast.centres {
            let tag = format!("c{}", centre + 1);
            let [a, b, c, d] = place(centre);
            net.connect(&tag, CENTRE_NODE, &format!("{a}.{b}.{c}.{d}"))?;
            bus.lay_broker(&tag, centre, folder, disk)?;
            for gateway in 0..cast.gateways {
                let door = SocketAddr::from((place(centre), GATEWAY_PORT + gateway as u16));
                bus.lay_gateway(&tag, door, folder, disk)?;
            }
        }
        Ok(bus)
    }

    /// Each nats-server gets a store of its own, and a lame duck's time short enough to be waited for.
    fn lay_broker(&mut self, tag: &str, centre: usize, folder: &Path, disk: Disk) -> Result<()> {
        let home = folder.join("authority/nats");
        let file = match self.servers.len() {
            1 => home.join("nats-server.conf"),
            _ => home.join(format!("nats-server-{}.conf", centre + 1)),
        };
        let text = std::fs::read_to_string(&file).context("a nats-server has a configuration")?;
        let store = folder.join(format!("store-{tag}"));
        disk.make(&store)?;
        let lines = text
            .lines()
            .map(|line| match line.trim().starts_with("store_dir:") {
                true => format!("  store_dir: {:?}\n", store.to_string_lossy()),
                false => format!("{line}\n"),
            });
        let lame_duck = "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"2s\"\n";
        std::fs::write(
            &file,
            lines.chain([lame_duck.to_owned()]).collect::<String>(),
        )?;
        let part = Part::new(
            &format!("nats-server {tag}"),
            tag,
            &nats::binary(),
            &["--config", &file.to_string_lossy()],
            &folder.join(format!("nats-{tag}.log")),
        );
        self.brokers.push(part.shared());
        self.stores.push(store);
        Ok(())
    }

    /// A gateway of its own folder, which stands on the authority's files.
    fn lay_gateway(
        &mut self,
        tag: &str,
        door: SocketAddr,
        folder: &Path,
        disk: Disk,
    ) -> Result<()> {
        let number = self.gateways.len() + 1;
        let home = folder.join(format!("gateway-{number}"));
        disk.make(&home)?;
        let authority = self.authority.folder();
        let text = std::fs::read_to_string(authority.join("gateway.toml"))?;
        let base = authority.to_string_lossy();
        let lines =
            text.lines().map(
                |line| match line.split_once('=').map(|(key, _)| key.trim()) {
                    Some("listen") => format!("listen = \"{door}\"\n"),
                    Some("registry") => format!("registry = \"{base}/registry.ndjson\"\n"),
                    _ => format!(
                        "{}\n",
                        line.replace("\"gateway/", &format!("\"{base}/gateway/"))
                    ),
                },
            );
        std::fs::write(home.join("gateway.toml"), lines.collect::<String>())?;
        let part = Part::new(
            &format!("gateway {number}"),
            tag,
            &programs::path(GATEWAY),
            &["serve", &home.to_string_lossy()],
            &folder.join(format!("gateway-{number}.log")),
        );
        self.gateways.push(part.shared());
        self.doors.push(door);
        Ok(())
    }

    /// Starts everything and makes the streams, with as many copies as there are servers.
    pub async fn start(&self) -> Result<()> {
        for broker in 0..self.brokers.len() {
            self.brokers[broker].lock().await.launch();
            self.broker_listens(broker).await;
        }
        self.create_streams().await;
        for gateway in 0..self.gateways.len() {
            self.gateways[gateway].lock().await.launch();
            self.gateway_listens(gateway).await;
        }
        Ok(())
    }

    /// A cluster takes a while until it has a leader.
    pub async fn create_streams(&self) {
        let (arg, replicas) = (self.authority.arg(), self.brokers.len().to_string());
        eventually("the streams", || async {
            let made = programs::output(GATEWAY, &["streams", &arg, "--replicas", &replicas]);
            made.status.success().then_some(())
        })
        .await;
    }

    pub async fn broker_listens(&self, broker: usize) {
        listens("nats-server", self.servers[broker]).await;
    }

    pub async fn gateway_listens(&self, gateway: usize) {
        listens("a gateway", self.doors[gateway]).await;
    }

    /// Where a nats-server keeps its streams.
    pub fn broker_store(&self, broker: usize) -> &Path {
        &self.stores[broker]
    }

    /// What a nats-server calls itself.
    pub fn server_name(&self, broker: usize) -> String {
        self.servers[broker].to_string().replace(':', "-")
    }

    /// What the brokers hold, asked straight: the first server that answers.
    pub async fn watch(&self) -> Result<Broker> {
        let mut why = None;
        for server in &self.servers {
            match Broker::connect_to(&self.authority, *server).await {
                Ok(broker) => return Ok(broker),
                Err(error) => why = Some(error),
            }
        }
        Err(why.context("there is a server")?)
    }
}

async fn listens(what: &str, address: SocketAddr) {
    eventually(
        what,
        || async move { TcpStream::connect(address).await.ok() },
    )
    .await;
}
