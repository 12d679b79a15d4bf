//! What all sessions share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, watch};

use crate::account::{Accounts, Seats};
use crate::admit::Admission;
use crate::audit::Audit;
use crate::commit::Commits;
use crate::consumers::Consumers;
use crate::counts::Counts;
use crate::limits::{ALL_ANNOUNCED_BYTES_MAX, ALL_PUBLISH_BYTES_MAX};
use crate::policy::Policy;
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
    pub consumers: Consumers,
    pub counts: Counts,
    pub audit: Audit,
    pub accounts: Accounts,
    pub seats: Arc<Seats>,
    /// Bytes of publishes, of all sessions, that wait for their answers.
    pub publishing: Arc<Semaphore>,
    /// Bytes of publishes, of all sessions, that were announced and have not come whole.
    pub announcing: Arc<Semaphore>,
    clients: AtomicU64,
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
            consumers: Consumers::default(),
            counts,
            audit,
            accounts: Accounts::default(),
            announcing: Arc::new(Semaphore::new(ALL_ANNOUNCED_BYTES_MAX)),
            publishing: Arc::new(Semaphore::new(ALL_PUBLISH_BYTES_MAX)),
            clients: AtomicU64::new(1),
        }
    }

    /// A number for a new connection; clients and logs show it.
    pub fn next_client(&self) -> u64 {
        self.clients.fetch_add(1, Ordering::Relaxed)
    }

    /// INFO as a client sees it first.
    pub fn info(&self, client_id: u64) -> bytes::Bytes {
        let info = ServerInfo {
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
            client_id,
            spean_registry: self.policy.borrow().registry.head(),
        };
        Frame::new().info(&info).finish()
    }
}
