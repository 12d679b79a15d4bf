//! Settings come in; a gateway serves offices until it is told to stop. What it needs to start is checked before the first
//! connection is accepted; the order of the end is the order of an event's road.

use std::sync::Arc;

use schemas::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::admit::Admission;
use crate::audit::{Audit, Bounds};
use crate::authority::streams::{self, Difference, StreamState};
use crate::commit::{Commits, Notary, NotaryFault};
use crate::counts::Counts;
use crate::gateway::Gateway;
use crate::limits::STREAMS_LOOK_INTERVAL;
use crate::listen::Listener;
use crate::policy::{self, Memory, MemoryFault, Policy, PolicyFault};
use crate::settings::Settings;
use crate::tls::{self, TlsFault};
use crate::upstream::raw::Broker;
use crate::watch::Watch;

/// Why a gateway cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    #[error(transparent)]
    Memory(#[from] MemoryFault),
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error(transparent)]
    Notary(#[from] NotaryFault),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
}

/// Serves until shutdown, and returns when every session has ended.
///
/// # Errors
/// `Fault`, before anything is served.
pub async fn run(settings: Settings, shutdown: CancellationToken) -> Result<(), Fault> {
    let policy = Policy::read(&settings.registry, settings.authority_key)?;
    // Beside the audit: that is the gateway's own, and the registry's folder is copied to and fro.
    let mut memory = Memory::read(settings.audit.with_file_name("registry.seen"))?;
    memory.take(&policy.registry)?;
    let notary = Notary::read(&settings)?;
    if !notary.is_known_to(&policy.registry) {
        let (gateway, keyid) = (&settings.name, notary.keyid());
        error!(
            gateway,
            keyid,
            "the registry does not know this gateway's signing key: no office will believe its receipts, and none will settle"
        );
    }
    let server_config = tls::server_config(&settings.tls)?;
    let broker = Broker::new(&settings.nats)?;
    let address = settings.listen;
    let socket = TcpListener::bind(address)
        .await
        .map_err(|source| Fault::Listen { address, source })?;
    let comparing = compare_streams(Broker::new(&settings.nats)?, policy.registry.clone());
    let comparing = shutdown.clone().run_until_cancelled_owned(comparing);
    let comparing = tokio::spawn(comparing);
    let (policy_sender, policies) = watch::channel(Arc::new(policy));
    let (audit, audit_writer) = Audit::new(settings.audit.clone(), Bounds::USUAL);
    let watching = policy::watch(
        settings.registry.clone(),
        memory,
        policy_sender,
        shutdown.clone(),
    );
    let watching = tokio::spawn(watching);
    let auditing = tokio::spawn(audit_writer.run());

    let commits = Commits::new(Broker::new(&settings.nats)?, notary);
    let name = settings.name.clone();
    let (counts, counter) = Counts::new(Broker::new(&settings.nats)?);
    let counting = tokio::spawn(counter.run());
    let watch = Watch {
        broker: Arc::new(Broker::new(&settings.nats)?),
        policies: policies.clone(),
        settings: settings.heal,
    };
    let looking = tokio::spawn(watch.run(shutdown.clone()));
    let parts = (broker, counts);
    let gateway = Gateway::new(settings, policies, Admission::new(), commits, parts, audit);
    let (_tls_sender, tls) = watch::channel(Arc::new(server_config));
    info!(name, %address, "serving");
    let listener = Listener { socket, tls };
    // The listener holds the gateway; when it returns, the last end of the audit's channel is gone with it.
    listener.run(Arc::new(gateway), shutdown).await;
    let _ = tokio::join!(watching, auditing, comparing, counting, looking);
    info!(name, "stopped");
    Ok(())
}

/// Says once, when nats-server answers, which streams are not as they must be. Nothing is changed, and nothing waits for it.
async fn compare_streams(broker: Broker, registry: Arc<Registry>) {
    let found = loop {
        let found = match streams::connect(&broker).await {
            Ok(jetstream) => streams::compare(&jetstream, &registry).await,
            Err(fault) => Err(fault),
        };
        match found {
            Ok(found) => break found,
            Err(fault) => warn!(%fault, "the streams cannot be looked at yet"),
        }
        tokio::time::sleep(STREAMS_LOOK_INTERVAL).await;
    };
    for report in found {
        let (stream, state) = (report.stream, report.state);
        match state {
            StreamState::Right | StreamState::Created => {}
            StreamState::Missing => {
                error!(%stream, "the stream is missing; run spean-gateway streams")
            }
            StreamState::Different { differences } => {
                for Difference { setting, is, must } in differences {
                    error!(%stream, setting, %is, must, "the stream is not as it must be");
                }
            }
        }
    }
}
