//! What all sessions share.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::account::{Accounts, Seats};
use crate::admit::Admission;
use crate::audit::Audit;
use crate::commit::Commits;
use crate::consumers::Consumers;
use crate::counts::Counts;
use crate::limits::{
    ALL_ANNOUNCED_BYTES_MAX, ALL_PUBLISH_BYTES_MAX, LAME_DUCK_GRACE, LAME_DUCK_TIME,
};
use crate::overview::Overview;
use crate::policy::{Behind, Policy};
use crate::settings::Settings;
use crate::upstream::raw::Broker;
use crate::wire::{Frame, ServerInfo};

/// The version of nats-server whose client protocol is spoken here; clients decide by it what they may use.
const SPOKEN_VERSION: &str = "2.15.1";

#[derive(Debug)]
pub struct Gateway {
    pub settings: Settings,
    pub policy: watch::Receiver<Arc<Policy>>,
    pub admission: Admission,
    pub commits: Commits,
    pub broker: Broker,
    /// What other gateways know more of.
    pub behind: Behind,
    pub consumers: Consumers,
    pub overview: Overview,
    pub counts: Counts,
    pub audit: Audit,
    pub accounts: Accounts,
    pub seats: Arc<Seats>,
    /// Bytes of publishes, of all sessions, that wait for their answers.
    pub publishing: Arc<Semaphore>,
    /// Bytes of publishes, of all sessions, that were announced and have not come whole.
    pub announcing: Arc<Semaphore>,
    /// Sessions that were told to go elsewhere.
    leaving: AtomicU32,
}

/// What a client is told of its own connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Logs show it, too.
    pub id: u64,
    pub ip: IpAddr,
}

impl Client {
    /// Numbers in a row would tell every client how many others there are. They stay exact in JavaScript.
    pub fn new(ip: IpAddr) -> Client {
        Client {
            id: fastrand::u64(1..1 << 48),
            ip,
        }
    }
}

impl Gateway {
    pub fn new(
        settings: Settings,
        policy: watch::Receiver<Arc<Policy>>,
        admission: Admission,
        commits: Commits,
        (broker, counts): (Broker, Counts),
        audit: Audit,
    ) -> Gateway {
        Gateway {
            seats: Seats::new(settings.sessions_max),
            settings,
            policy,
            admission,
            commits,
            broker,
            behind: Behind::default(),
            consumers: Consumers::default(),
            overview: Overview::default(),
            counts,
            audit,
            accounts: Accounts::default(),
            announcing: Arc::new(Semaphore::new(ALL_ANNOUNCED_BYTES_MAX)),
            publishing: Arc::new(Semaphore::new(ALL_PUBLISH_BYTES_MAX)),
            leaving: AtomicU32::new(0),
        }
    }

    /// INFO as a client sees it first.
    pub fn info(&self, client: Client) -> bytes::Bytes {
        Frame::new().info(&self.server_info(client)).finish()
    }

    /// INFO as a client sees it last: it asks to go elsewhere.
    pub fn info_of_lame_duck(&self, client: Client) -> bytes::Bytes {
        let info = ServerInfo {
            ldm: true,
            ..self.server_info(client)
        };
        Frame::new().info(&info).finish()
    }

    /// How long the next session that leaves stays yet. They leave one after the other, so that not all of them stand at the next
    /// gateway's door at once.
    pub fn time_to_leave(&self) -> Duration {
        let turn = self.leaving.fetch_add(1, Ordering::Relaxed);
        let all = u32::try_from(self.settings.sessions_max.max(1)).unwrap_or(u32::MAX);
        let each = LAME_DUCK_TIME.checked_div(all).unwrap_or_default();
        LAME_DUCK_GRACE + each.saturating_mul(turn).min(LAME_DUCK_TIME)
    }

    fn server_info(&self, client: Client) -> ServerInfo<'_> {
        ServerInfo {
            server_id: &self.settings.name,
            server_name: &self.settings.name,
            version: SPOKEN_VERSION,
            proto: 1,
            host: "0.0.0.0",
            port: self.settings.listen.port(),
            headers: true,
            max_payload: schemas::limits::MESSAGE_BYTES_MAX,
            jetstream: true,
            auth_required: false,
            tls_required: true,
            tls_verify: true,
            client_id: client.id,
            client_ip: client.ip,
            ldm: false,
            spean_registry: self.policy.borrow().registry.head(),
        }
    }
}
