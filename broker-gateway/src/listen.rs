//! Sockets come in, sessions of known offices go out. TLS-first and INFO-first clients share one port. A peer that has shown no
//! identity gets few bytes, little time and no place among the sessions; what becomes of it is written down in sum.

mod acquainted;
mod failure;
mod guarded;
mod network;
mod pace;
pub mod shown;
mod strangers;
mod turned_away;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use schemas::packed::{ALPN, Kind, frame};
use schemas::refusal::Hold;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::account::{Full, Seat};
use crate::acl;
use crate::audit::Record;
use crate::gateway::{Client, Gateway};
use crate::limits::{
    FAREWELL_WAIT, FIRST_FLIGHT_WAIT, ROUND_TRIP_MOST, TLS_FIRST_WAIT, TURNED_AWAY_TIME,
    UNKNOWN_PEER_WAIT,
};
use crate::peer::{Peer, PeerFault};
use crate::seldom::seldom;
use crate::session;
use crate::socket;
use crate::wire::{Frame, Tongue};

use acquainted::Acquainted;
pub use failure::Cause;
use failure::Failure;
use guarded::Guarded;
use pace::Pace;
use strangers::{Place, Strangers};
use turned_away::Told;

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
enum NotLetIn {
    #[error("{0} ({code})", code = .0.code())]
    Peer(#[from] PeerFault),
    #[error("{} ({})", .1.code().en, .1.code().name)]
    ShutOut(Peer, Hold),
    #[error("maximum connections exceeded (too-many-sessions)")]
    Full(Peer),
}

impl NotLetIn {
    fn code(&self) -> &'static str {
        match self {
            NotLetIn::Peer(fault) => fault.code(),
            NotLetIn::ShutOut(_, why) => why.code().name,
            NotLetIn::Full(_) => "too-many-sessions",
        }
    }

    fn peer(&self) -> Option<&Peer> {
        match self {
            NotLetIn::Peer(_) => None,
            NotLetIn::ShutOut(peer, _) | NotLetIn::Full(peer) => Some(peer),
        }
    }
}

impl Listener {
    /// Accepts until shutdown, and ends when the last session has ended.
    pub async fn run(self, gateway: Arc<Gateway>, shutdown: CancellationToken) {
        let Listener { socket, tls } = self;
        let entrance = Arc::new(Entrance::default());
        let first_hour = Instant::now() + TURNED_AWAY_TIME;
        let mut hours = tokio::time::interval_at(first_hour, TURNED_AWAY_TIME);
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = hours.tick() => {
                    let told = entrance.turned_away.close();
                    connections.spawn(tell(gateway.clone(), told));
                    continue;
                }
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let standing = entrance.acquainted.standing(address.ip());
                    let place = entrance.strangers.enter(address.ip(), standing);
                    let door = Door {
                        gateway: gateway.clone(),
                        entrance: entrance.clone(),
                        tls: tls.borrow().clone(),
                        client: Client::new(address.ip().to_canonical()),
                        shutdown: shutdown.clone(),
                    };
                    connections.spawn(door.meet(stream, address, place));
                }
                Err(error) => {
                    seldom!(warn, "the door", "accept-failed", %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Who comes now is refused at once, and goes to another gateway.
        drop(socket);
        connections.close();
        connections.wait().await;
        tell(gateway, entrance.turned_away.close()).await;
    }
}

/// What the door knows of those who came.
#[derive(Debug, Default)]
struct Entrance {
    strangers: Strangers,
    acquainted: Acquainted,
    pace: Pace,
    turned_away: turned_away::TurnedAway,
}

/// Writes down what became of strangers.
async fn tell(gateway: Arc<Gateway>, told: Vec<Told>) {
    let registry = gateway.policy.borrow().position();
    let records = told.iter().map(|told| Record {
        op: "strangers",
        subject: Some(&told.words),
        answer: "turned away",
        code: Some(told.cause.code()),
        registry,
        id: None,
        position: None,
    });
    gateway.audit.record(None, records).await;
}

/// The first that a stranger said whole.
struct FirstFlight {
    hello: StartHandshake<Guarded>,
    tls_first: bool,
}

/// One connection before it is a session.
struct Door {
    gateway: Arc<Gateway>,
    entrance: Arc<Entrance>,
    tls: Arc<ServerConfig>,
    client: Client,
    shutdown: CancellationToken,
}

impl Door {
    async fn meet(self, socket: TcpStream, address: SocketAddr, place: Place) {
        let met = shown::noting(self.greet(socket, address, place));
        let (met, serial) = tokio::select! {
            met = met => met,
            () = self.shutdown.cancelled() => return,
        };
        let stream = match met {
            Ok(stream) => stream,
            Err(failure) => {
                debug!(%address, %failure, serial, "no handshake");
                let turned_away = &self.entrance.turned_away;
                let told = turned_away.count(failure.cause(), address.ip(), serial);
                return tell(self.gateway, told.into_iter().collect()).await;
            }
        };
        match self.identify(&stream) {
            Ok((peer, seat)) => {
                let (client, entrance) = (self.client, self.entrance);
                entrance.acquainted.remember(address.ip());
                let client_id = client.id;
                let (tongue, wire) = (tongue(&stream), stream.get_ref().0.wire());
                seldom!(info, peer.office(), "connected", %peer, %address, client_id, ?tongue, "connected");
                // Boxed, so that a stranger's task is no larger than a stranger.
                let (reader, writer) = tokio::io::split(stream);
                let stream = (reader, writer, tongue, wire);
                let serving = session::run(self.gateway, peer, seat, stream, client, self.shutdown);
                Box::pin(serving).await;
                entrance.acquainted.remember(address.ip());
            }
            Err(why) => {
                let chain = stream.get_ref().1.peer_certificates();
                let serial = chain.and_then(|chain| shown::serial(chain.first()?));
                let from = (address, serial.unwrap_or_default());
                let tongue = tongue(&stream);
                self.turn_away((stream, tongue), from, &why).await;
            }
        }
    }

    /// From a socket to a peer with a certificate, as long as nobody else needs the place. Each step's state is large and
    /// short-lived; boxed, it is there only in its time, and not in the session's task.
    async fn greet(
        &self,
        socket: TcpStream,
        address: SocketAddr,
        mut place: Place,
    ) -> Result<TlsStream<Guarded>, Failure> {
        let flight = tokio::select! {
            flight = Box::pin(self.first_flight(socket)) => flight?,
            () = place.needed() => return Err(Failure::PlaceNeeded),
        };
        place.has_said_hello();
        let shaking = async {
            self.entrance.pace.turn(address.ip()).await;
            self.shake_hands(flight).await
        };
        tokio::select! {
            shaken = Box::pin(shaking) => shaken,
            () = place.needed() => Err(Failure::PlaceNeeded),
        }
    }

    /// A whole ClientHello, with INFO before it in the clear for clients that wait for it.
    async fn first_flight(&self, socket: TcpStream) -> Result<FirstFlight, Failure> {
        socket::prepare(&socket)?;
        let mut first = [0];
        let heard = tokio::time::timeout(TLS_FIRST_WAIT, socket.peek(&mut first)).await;
        let tls_first = match heard {
            Ok(heard) => heard? == 1 && first == [TLS_HANDSHAKE],
            Err(_) => false,
        };
        let mut guarded = Guarded::new(socket);
        let wait = match tls_first {
            true => FIRST_FLIGHT_WAIT,
            // It answers INFO, and that has to reach it first.
            false => FIRST_FLIGHT_WAIT + ROUND_TRIP_MOST,
        };
        let hello = async {
            if !tls_first {
                let info = self.gateway.info(self.client);
                guarded.write_all(&info).await?;
                // Who says nothing needs no state of TLS.
                guarded.hear().await?;
            }
            LazyConfigAcceptor::new(Acceptor::default(), guarded).await
        };
        let hello = tokio::time::timeout(wait, hello).await;
        Ok(FirstFlight {
            hello: hello.map_err(|_| Failure::NoFirstFlight(wait))??,
            tls_first,
        })
    }

    /// The rest of TLS, with INFO within it for clients that have not waited for it.
    async fn shake_hands(&self, flight: FirstFlight) -> Result<TlsStream<Guarded>, Failure> {
        let FirstFlight { hello, tls_first } = flight;
        let shaking = async {
            let config = self.tls_for(&hello);
            let mut accepting = hello.into_stream(config);
            if let Some(guarded) = accepting.get_mut() {
                guarded.listen_on();
            }
            let mut stream = accepting.await?;
            stream.get_mut().0.trust();
            if tls_first && tongue(&stream) == Tongue::Nats {
                let info = self.gateway.info(self.client);
                stream.write_all(&info).await?;
                stream.flush().await?;
            }
            Ok(stream)
        };
        let shaken = tokio::time::timeout(UNKNOWN_PEER_WAIT, shaking).await;
        shaken.map_err(|_| Failure::NoHandshake(UNKNOWN_PEER_WAIT))?
    }

    /// Who offers to speak frames is taken up on it; who offers another protocol, or none, is met as before there were frames.
    fn tls_for(&self, hello: &StartHandshake<Guarded>) -> Arc<ServerConfig> {
        let offered = hello.client_hello().alpn();
        let offered = offered.is_some_and(|mut offered| offered.any(|name| name == ALPN));
        if !offered || !self.gateway.settings.frames {
            return self.tls.clone();
        }
        let mut config = ServerConfig::clone(&self.tls);
        config.alpn_protocols = vec![ALPN.to_vec()];
        Arc::new(config)
    }

    fn identify(&self, stream: &TlsStream<Guarded>) -> Result<(Peer, Seat), NotLetIn> {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = chain.first().ok_or(PeerFault::Certificate)?;
        let peer = Peer::from_certificate(certificate)?;
        let policy = self.gateway.policy.borrow().clone();
        if let Err(why) = acl::enter(&policy.registry, &peer) {
            return Err(NotLetIn::ShutOut(peer, why));
        }
        match self.gateway.seats.take(peer.office()) {
            Ok(seat) => Ok((peer, seat)),
            Err(Full) => Err(NotLetIn::Full(peer)),
        }
    }

    /// Says why, and closes; who has come is told by the serial of a certificate.
    async fn turn_away(
        &self,
        (mut stream, tongue): (impl AsyncWrite + Unpin, Tongue),
        (from, serial): (SocketAddr, String),
        why: &NotLetIn,
    ) {
        // With one certificate from anywhere it is one line; what it is turned away for is in the audit each time.
        seldom!(info, serial, "turned-away", address = %from, serial, %why, "turned away");
        let shown = format!("from {}, certificate {serial}", from.ip());
        let record = Record {
            op: "connect",
            subject: Some(&shown),
            answer: "refused",
            code: Some(why.code()),
            registry: self.gateway.policy.borrow().position(),
            id: None,
            position: None,
        };
        self.gateway.audit.record(why.peer(), [record]).await;
        if let NotLetIn::Full(peer) = why {
            // The handshake was as long as any; those of its sessions that have a seat are slowed for it.
            self.gateway
                .accounts
                .of(peer.office())
                .pay(session::CONNECTED);
        }
        let farewell = async {
            let words = Frame::new().error(&why.to_string()).finish();
            let words = match tongue {
                Tongue::Nats => words,
                Tongue::Packed => frame::write(Kind::Text, &words).concat().into(),
            };
            stream.write_all(&words).await?;
            stream.shutdown().await
        };
        // The peer may be gone already; there is nothing to do about it.
        let _ = tokio::time::timeout(FAREWELL_WAIT, farewell).await;
    }
}

/// What was agreed on.
fn tongue(stream: &TlsStream<Guarded>) -> Tongue {
    match stream.get_ref().1.alpn_protocol() {
        Some(ALPN) => Tongue::Packed,
        Some(_) | None => Tongue::Nats,
    }
}

#[cfg(test)]
mod tests;
