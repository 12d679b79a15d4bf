//! Listening: addresses and a router come in, connections are served until shutdown. The address is written down where the
//! command line finds it. Nothing waits for a client without a deadline.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bare::Worded;
use super::guard::{Hosts, Peer};
use super::limits::{ACCEPT_PAUSE, HANDSHAKE_TIME, HEADERS_TIME, SHUTDOWN_TIME};
use super::places::{Place, Places};
use super::visit::serve_at;
use super::{App, router};

/// The interface cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    #[error("cannot listen on {address}: {error}")]
    Listen {
        address: String,
        error: std::io::Error,
    },
    #[error("cannot use {} for TLS: {why}", path.display())]
    Tls { path: PathBuf, why: String },
    #[error("cannot write {}: {error}", path.display())]
    Address {
        path: PathBuf,
        error: std::io::Error,
    },
}

/// Serves until the app's shutdown; requests in flight then get [`SHUTDOWN_TIME`].
///
/// # Errors
/// An address cannot be listened on, or the certificate cannot be used.
pub async fn serve(app: Arc<App>) -> Result<(), Outage> {
    let http = &app.settings.http;
    let mut listeners = Vec::new();
    if let Some(address) = http.listen {
        let tls = http.tls.as_ref();
        let tls = tls.map(|(cert, key)| acceptor(cert, key)).transpose()?;
        let listener = bind(address).await?;
        let bound = listener.local_addr().unwrap_or(address);
        write_address(&app.settings.folder.http_address(), bound)?;
        tracing::info!(address = %bound, tls = tls.is_some(), "listening");
        listeners.push((Listener::Tcp(listener, tls), Some(bound.ip())));
    }
    #[cfg(unix)]
    if let Some(path) = &http.socket {
        listeners.push((Listener::Unix(bind_unix(path)?), None));
        tracing::info!(path = %path.display(), "listening");
    }
    let tasks = TaskTracker::new();
    for (listener, bound) in listeners {
        let names = http.names.clone();
        let door = Door {
            router: router(Arc::clone(&app), Hosts { bound, names }),
            tasks: tasks.clone(),
            places: Places::default(),
            shutdown: app.shutdown.clone(),
        };
        tasks.spawn(door.accept(listener));
    }
    app.shutdown.cancelled().await;
    tasks.close();
    tasks.wait().await;
    Ok(())
}

enum Listener {
    Tcp(TcpListener, Option<TlsAcceptor>),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

enum Accepted {
    Tcp(TcpStream, Option<TlsAcceptor>),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl Listener {
    async fn accept(&self) -> std::io::Result<(Accepted, Peer)> {
        match self {
            Listener::Tcp(listener, tls) => {
                let (stream, address) = listener.accept().await?;
                // An answer is one small packet that must not wait for the next.
                stream.set_nodelay(true)?;
                Ok((Accepted::Tcp(stream, tls.clone()), Peer::Tcp(address)))
            }
            #[cfg(unix)]
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// What a listener's connections share.
#[derive(Clone)]
struct Door {
    router: Router,
    tasks: TaskTracker,
    places: Places,
    shutdown: CancellationToken,
}

impl Door {
    /// Both arms may be dropped half-way: an unfinished accept takes nothing.
    async fn accept(self, listener: Listener) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Whoever finds no place is let go at once: waiting would not bring it one sooner.
    fn admit(&self, stream: Accepted, peer: Peer) {
        let Some(place) = self.places.take(peer, Instant::now()) else {
            counter!("spean_agent_turned_away_total").increment(1);
            tracing::debug!(?peer, "every place at the door is taken, and in use");
            return;
        };
        let (door, end) = (self.clone(), place.end.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = door.serve(stream, peer, place) => {}
                () = end.cancelled() => tracing::debug!(?peer, "another got its place"),
            }
        });
    }

    async fn serve(self, stream: Accepted, peer: Peer, place: Place) {
        match stream {
            Accepted::Tcp(stream, None) => self.talk(stream, peer, place).await,
            Accepted::Tcp(stream, Some(tls)) => {
                if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                    self.talk(stream, peer, place).await;
                }
            }
            #[cfg(unix)]
            Accepted::Unix(stream) => self.talk(stream, peer, place).await,
        }
    }

    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: Peer, place: Place) {
        let (router, place) = (self.router, Arc::new(place));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            serve_at(place.clone(), router.clone(), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_TIME)
            .serve_connection(TokioIo::new(Worded::new(stream)), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                timeout(SHUTDOWN_TIME, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, ?peer, "a connection ended early");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Outage> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Outage::Listen {
            address: address.to_string(),
            error,
        })
}

/// A socket file that is left of an earlier run is replaced; only the office's account may open the new one.
#[cfg(unix)]
fn bind_unix(path: &Path) -> Result<tokio::net::UnixListener, Outage> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error| Outage::Listen {
        address: path.display().to_string(),
        error,
    };
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = tokio::net::UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Written beside and renamed: whoever reads it reads a whole address.
fn write_address(path: &Path, address: SocketAddr) -> Result<(), Outage> {
    let new = path.with_extension("new");
    let written = fs::write(&new, format!("{address}\n")).and_then(|()| fs::rename(&new, path));
    written.map_err(|error| Outage::Address {
        path: path.into(),
        error,
    })
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, Outage> {
    let failed = |path: &Path, why: &dyn std::fmt::Display| Outage::Tls {
        path: path.into(),
        why: why.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(cert).map_err(|why| failed(cert, &why))?;
    let chain: Result<Vec<_>, _> = chain.collect();
    let chain = chain.map_err(|why| failed(cert, &why))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| failed(key, &why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, private));
    let config = config.map_err(|why| failed(cert, &why))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
