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
use crate::commit::{Commits, Notary, NotaryFault};
use crate::counts::{Counts, Surplus};
use crate::ends::Looker;
use crate::gateway::Gateway;
use crate::limits::{STREAMS_LOOK_AGAIN, STREAMS_LOOK_INTERVAL};
use crate::listen::Listener;
use crate::policy::{self, Memory, MemoryFault, Policy, PolicyFault};
use crate::settings::Settings;
use crate::streams;
use crate::tls::{self, TlsFault};
use crate::upstream::jetstream::{JetStream, Outage};
use crate::upstream::raw::Broker;
use crate::watch::Watch;

/// Why a gateway cannot begin, or go on.
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
    #[error(
        "nats-server is not as it must be, so nothing is served:\n  {}\nmend it (spean-gateway check names all of it) and start the gateway again",
        .0.join("\n  ")
    )]
    Broker(Vec<String>),
}

/// Serves until shutdown, and returns when every session has ended.
///
/// # Errors
/// `Fault`, before anything is stored.
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
    let (policy_sender, policies) = watch::channel(Arc::new(policy));
    let (audit, audit_writer) = Audit::new(settings.audit.clone(), Bounds::USUAL);
    // Sessions that leave are judged by the registry of the moment, too.
    let left = CancellationToken::new();
    let watching = policy::watch(
        settings.registry.clone(),
        memory,
        policy_sender,
        left.clone(),
    );
    let watching = tokio::spawn(watching);
    let of_broker = Broker::new(&settings.nats)?;
    let of_broker = look_at_broker(of_broker, policies.clone(), shutdown.clone());
    let of_broker = tokio::spawn(of_broker);
    let auditing = tokio::spawn(audit_writer.run());

    let commits = Commits::new(Broker::new(&settings.nats)?, notary);
    let name = settings.name.clone();
    let surplus = Surplus::default();
    let (counts, counter) = Counts::new(Broker::new(&settings.nats)?, surplus.clone());
    let counting = tokio::spawn(counter.run());
    let watch = Watch {
        broker: Arc::new(Broker::new(&settings.nats)?),
        policies: policies.clone(),
        settings: settings.heal,
        surplus,
    };
    let looking = tokio::spawn(watch.run(shutdown.clone()));
    let looker = Looker {
        ends: commits.ends().clone(),
        broker: Arc::new(Broker::new(&settings.nats)?),
        policies: policies.clone(),
        audit: audit.clone(),
    };
    let ending = tokio::spawn(looker.run(shutdown.clone()));
    let parts = (broker, counts);
    let gateway = Gateway::new(settings, policies, Admission::new(), commits, parts, audit);
    let (_tls_sender, tls) = watch::channel(Arc::new(server_config));
    info!(name, %address, "serving");
    let listener = Listener { socket, tls };
    // The listener holds the gateway; when it returns, the last end of the audit's channel is gone with it.
    listener.run(Arc::new(gateway), shutdown).await;
    left.cancel();
    let (_, _, fit, _, _, _) =
        tokio::join!(watching, auditing, of_broker, counting, looking, ending);
    info!(name, "stopped");
    // Who looked and panicked has found nothing.
    fit.unwrap_or(Ok(()))
}

/// Looks at nats-server as soon as it answers, then after each outage of its and now and then. What it finds first ends the gateway:
/// nobody should take for served what is held. What it finds later is said again and again until it is mended; meanwhile nothing is stored,
/// for whoever stores looks for himself (`streams::fit`).
async fn look_at_broker(
    broker: Broker,
    policies: watch::Receiver<Arc<Policy>>,
    shutdown: CancellationToken,
) -> Result<(), Fault> {
    let mut served = false;
    while !shutdown.is_cancelled() {
        let registry = policies.borrow().registry.clone();
        let looked = shutdown.run_until_cancelled(look(&broker, &registry)).await;
        let fit = match looked {
            None => break,
            Some(Ok((jetstream, faults))) if faults.is_empty() => {
                if !served {
                    info!("the streams are as they must be");
                }
                served = true;
                Some(jetstream)
            }
            Some(Ok((_, faults)) | Err(Looked::Unfit(faults))) if !served => {
                shutdown.cancel();
                return Err(Fault::Broker(faults));
            }
            Some(Ok((_, faults)) | Err(Looked::Unfit(faults))) => {
                for fault in faults {
                    error!(
                        fault,
                        "nats-server is not as it must be; what it concerns is held"
                    );
                }
                None
            }
            Some(Err(Looked::Not(fault))) => {
                warn!(fault, "the streams cannot be looked at yet");
                None
            }
        };
        let again = async {
            match fit {
                Some(jetstream) => tokio::select! {
                    () = jetstream.closed() => {}
                    () = tokio::time::sleep(STREAMS_LOOK_AGAIN) => {}
                },
                None => tokio::time::sleep(STREAMS_LOOK_INTERVAL).await,
            }
        };
        shutdown.run_until_cancelled(again).await;
    }
    Ok(())
}

/// Why a look has shown no streams.
enum Looked {
    /// Nothing answers, or not now.
    Not(String),
    Unfit(Vec<String>),
}

async fn look(broker: &Broker, registry: &Registry) -> Result<(JetStream, Vec<String>), Looked> {
    let outage = |outage| match outage {
        Outage::Unfit(fault) => Looked::Unfit(vec![fault]),
        Outage::Unreachable(_)
        | Outage::Broken
        | Outage::Silent
        | Outage::NoResponder(_)
        | Outage::Answer(_) => Looked::Not(outage.to_string()),
    };
    let jetstream = JetStream::connect(broker).await.map_err(outage)?;
    let reports = streams::compare(&jetstream, registry).await;
    let reports = reports.map_err(|fault| Looked::Not(fault.to_string()))?;
    let faults = reports
        .iter()
        .flat_map(|report| streams::faults(&report.stream, &report.state));
    Ok((jetstream, faults.collect()))
}
