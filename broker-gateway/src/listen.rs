//! Sockets come in, sessions of known offices go out. TLS-first and INFO-first clients share one port. A peer that has shown no
//! identity gets few bytes, little time and no place among the sessions; nothing that it says is written down.

mod guarded;
mod strangers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use schemas::refusal::Hold;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::audit::Record;
use crate::gateway::Gateway;
use crate::limits::{FAREWELL_WAIT, TLS_FIRST_WAIT, UNKNOWN_PEER_WAIT};
use crate::peer::{Peer, PeerFault};
use crate::session;
use crate::socket;
use crate::wire::Frame;

use guarded::Guarded;
use strangers::{Place, Strangers};

/// The first byte of a TLS record that carries a handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// How long to wait before accepting again after the system had no socket left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The door: a bound socket, and what a peer must show.
pub struct Listener {
    pub socket: TcpListener,
    /// Taken anew for each connection, so that new certificates need no restart.
    pub tls: watch::Receiver<Arc<ServerConfig>>,
}

/// Why a peer with a good certificate is turned away.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
    #[error("{0} ({code})", code = .0.code())]
    Peer(#[from] PeerFault),
    #[error("{} ({})", Hold::OfficeUnknown.code().en, Hold::OfficeUnknown.code().name)]
    OfficeUnknown(Peer),
    #[error("maximum connections exceeded (too-many-sessions)")]
    Full(Peer),
}

impl TurnedAway {
    fn code(&self) -> &'static str {
        match self {
            TurnedAway::Peer(fault) => fault.code(),
            TurnedAway::OfficeUnknown(_) => Hold::OfficeUnknown.code().name,
            TurnedAway::Full(_) => "too-many-sessions",
        }
    }

    fn peer(&self) -> Option<&Peer> {
        match self {
            TurnedAway::Peer(_) => None,
            TurnedAway::OfficeUnknown(peer) | TurnedAway::Full(peer) => Some(peer),
        }
    }
}

impl Listener {
    /// Accepts until shutdown, and ends when the last session has ended.
    pub async fn run(self, gateway: Arc<Gateway>, shutdown: CancellationToken) {
        let strangers = Strangers::default();
        let sessions = Arc::new(Semaphore::new(gateway.settings.sessions_max));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((socket, address)) => {
                    // A flood of strangers is met by closing, which costs least.
                    let Some(place) = strangers.enter(address.ip()) else {
                        debug!(%address, "too many peers without identity");
                        continue;
                    };
                    let door = Door {
                        gateway: gateway.clone(),
                        sessions: sessions.clone(),
                        tls: TlsAcceptor::from(self.tls.borrow().clone()),
                        client_id: gateway.next_client(),
                        shutdown: shutdown.clone(),
                    };
                    connections.spawn(door.meet(socket, address, place));
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections.close();
        connections.wait().await;
    }
}

/// One connection before it is a session.
struct Door {
    gateway: Arc<Gateway>,
    sessions: Arc<Semaphore>,
    tls: TlsAcceptor,
    client_id: u64,
    shutdown: CancellationToken,
}

impl Door {
    async fn meet(self, socket: TcpStream, address: SocketAddr, stranger: Place) {
        // The handshake's state is large and short-lived; boxed, it does not stay in the session's task.
        let met = tokio::time::timeout(UNKNOWN_PEER_WAIT, Box::pin(self.shake_hands(socket)));
        let stream = tokio::select! {
            met = met => met,
            () = self.shutdown.cancelled() => return,
        };
        let stream = match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return debug!(%address, %error, "no handshake"),
            Err(_) => return debug!(%address, "no handshake in time"),
        };
        drop(stranger);
        match self.identify(&stream) {
            Ok((peer, place)) => {
                let client_id = self.client_id;
                info!(%peer, %address, client_id, "connected");
                let stream = tokio::io::split(stream);
                session::run(self.gateway, peer, stream, client_id, self.shutdown).await;
                drop(place);
            }
            Err(why) => self.turn_away(stream, address, &why).await,
        }
    }

    /// TLS, with INFO before it in the clear for clients that wait for it, and within it for those that do not.
    async fn shake_hands(&self, socket: TcpStream) -> io::Result<TlsStream<Guarded>> {
        socket::prepare(&socket)?;
        let info = self.gateway.info(self.client_id);
        let mut first = [0];
        let heard = tokio::time::timeout(TLS_FIRST_WAIT, socket.peek(&mut first)).await;
        let tls_first = match heard {
            Ok(heard) => heard? == 1 && first[0] == TLS_HANDSHAKE,
            Err(_) => false,
        };
        let mut guarded = Guarded::new(socket);
        if tls_first {
            let mut stream = self.tls.accept(guarded).await?;
            stream.get_mut().0.trust();
            stream.write_all(&info).await?;
            stream.flush().await?;
            return Ok(stream);
        }
        guarded.write_all(&info).await?;
        let mut stream = self.tls.accept(guarded).await?;
        stream.get_mut().0.trust();
        Ok(stream)
    }

    fn identify(
        &self,
        stream: &TlsStream<Guarded>,
    ) -> Result<(Peer, OwnedSemaphorePermit), TurnedAway> {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = chain.first().ok_or(PeerFault::Certificate)?;
        let peer = Peer::from_certificate(certificate)?;
        let policy = self.gateway.policy.borrow().clone();
        if policy.registry.office(peer.office()).is_none() {
            return Err(TurnedAway::OfficeUnknown(peer));
        }
        match self.sessions.clone().try_acquire_owned() {
            Ok(place) => Ok((peer, place)),
            Err(_) => Err(TurnedAway::Full(peer)),
        }
    }

    async fn turn_away(&self, mut stream: TlsStream<Guarded>, from: SocketAddr, why: &TurnedAway) {
        info!(address = %from, %why, "turned away");
        let record = Record {
            op: "connect",
            subject: None,
            answer: "refused",
            code: Some(why.code()),
            registry: self.gateway.policy.borrow().position(),
            id: None,
            position: None,
        };
        self.gateway.audit.record(why.peer(), [record]).await;
        let farewell = async {
            let words = Frame::new().error(&why.to_string()).finish();
            stream.write_all(&words).await?;
            stream.shutdown().await
        };
        // The peer may be gone already; there is nothing to do about it.
        let _ = tokio::time::timeout(FAREWELL_WAIT, farewell).await;
    }
}
