//! The bus: a broker in memory, and two gateways before it, each with what it has seen of heads. Agents' lines come in at one or the other,
//! and a gateway reads the streams whole behind each start of the broker, as it does.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker_gateway::counts::Surplus;
use broker_gateway::peer::Peer;
use broker_gateway::policy::Policy;
use broker_gateway::settings::HealSettings;
use broker_gateway::watch::Watch;
use schemas::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;
use crate::ground::ground;
use crate::nats::{Nats, Stream};
use crate::wire::Line;

pub struct Bus {
    pub nats: Nats,
    gateways: [Arc<Gateway>; 2],
    registry: watch::Sender<Arc<Registry>>,
    policies: watch::Sender<Arc<Policy>>,
    /// The broker has started since the streams were read.
    unread: Cell<bool>,
    watched: bool,
}

impl Bus {
    /// In a registry that gives the first office so many agents.
    pub fn new(agents: usize, watched: bool) -> Bus {
        let policy = ground().policy(agents);
        let nats = Nats::new(policy.registry.feeds().map(|feed| &feed.name));
        let (registry, _) = watch::channel(policy.registry.clone());
        let gateway = || Gateway::new(nats.clone(), policy.clone(), ground().notary());
        Bus {
            gateways: [gateway(), gateway()],
            nats,
            registry,
            policies: watch::channel(policy).0,
            unread: Cell::new(watched),
            watched,
        }
    }

    /// The broker goes down, and comes up with what is left.
    pub fn restart(&self, harm: impl FnOnce(&mut BTreeMap<String, Stream>)) {
        self.nats.restart(harm);
        self.unread.set(self.watched);
    }

    /// The gateway's own look, where one is due, until it is dropped.
    pub fn watch(&self) -> impl Future<Output = ()> + use<> {
        let watch = self.unread.take().then(|| Watch {
            broker: Arc::new(self.nats.clone()),
            policies: self.policies.subscribe(),
            settings: HealSettings {
                check_interval: Duration::from_secs(600),
                full_read_interval: Duration::from_secs(24 * 60 * 60),
            },
            surplus: Surplus::default(),
        });
        async move {
            if let Some(watch) = watch {
                watch.run(CancellationToken::new()).await;
            }
        }
    }

    pub fn registry(&self) -> watch::Receiver<Arc<Registry>> {
        self.registry.subscribe()
    }

    /// Takes a line in at a gateway; it ends with the broker's life at the latest.
    pub fn accept(&self, peer: &Peer, turn: usize) -> Arc<Line> {
        let (connection, life) = self.nats.connect();
        let ended: CancellationToken = life.child_token();
        let line = Line::new(peer.clone(), connection, ended);
        let gateway = &self.gateways[turn % self.gateways.len()];
        tokio::spawn(gateway.clone().serve(line.clone()));
        line
    }
}
