//! One session's own connection to nats-server, opened when it first needs one: mutual TLS under the broker's CA, and the
//! gateways' nkey over the server's nonce. Frames go both ways as they are; what they say was judged before.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::version;
use crate::limits::UPSTREAM_CONNECT_WAIT;
use crate::settings::{NatsSettings, ServerAddress};
use crate::socket;
use crate::tls::{self, TlsFault};
use crate::wire::{Frame, ServerFrame, ServerParser, UpstreamInfo, WireFault};

/// How nats-server is reached.
pub struct Broker {
    servers: Vec<ServerAddress>,
    tls: TlsConnector,
    nkey: KeyPair,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// An open connection, past CONNECT.
pub struct Connection {
    pub stream: TlsStream<TcpStream>,
    pub parser: ServerParser,
    pub info: UpstreamInfo,
}

/// Why no server lets the gateway in now.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    #[error("cannot reach nats-server: {0}")]
    Io(#[from] io::Error),
    #[error("nats-server did not answer in time")]
    Silent,
    #[error("nats-server does not keep to the protocol: {0}")]
    Wire(#[from] WireFault),
    #[error("nats-server said {0:?}")]
    Said(String),
    #[error(
        "nats-server does not let gateways subscribe: {0}; its configuration must allow it as `spean-gateway init` writes it"
    )]
    NotSubscribed(String),
    #[error("nats-server has no nonce to sign, headers or JetStream")]
    Incapable,
    #[error("nats-server is {0}; it must be at least 2.14.3")]
    TooOld(String),
}

#[derive(Serialize)]
struct Connect<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    name: &'a str,
    lang: &'a str,
    version: &'a str,
    protocol: u8,
    headers: bool,
    no_responders: bool,
    nkey: String,
    sig: String,
}

impl Broker {
    /// # Errors
    /// `TlsFault`, for files that are not what they must be.
    pub fn new(settings: &NatsSettings) -> Result<Broker, TlsFault> {
        let config: ClientConfig = tls::client_config(settings)?;
        Ok(Broker {
            servers: settings.servers.clone(),
            tls: TlsConnector::from(Arc::new(config)),
            nkey: tls::nkey(&settings.nkey)?,
        })
    }

    /// Connects to one server or the next, under a name that an operator finds in the server's own lists.
    ///
    /// # Errors
    /// What the last server tried gave.
    pub async fn open(&self, name: &str, no_responders: bool) -> Result<Connection, Outage> {
        let mut outage = Outage::Silent;
        let first = fastrand::usize(..self.servers.len().max(1));
        let turn = self.servers.iter().cycle().skip(first);
        for server in turn.take(self.servers.len()) {
            let opening = self.open_at(server, name, no_responders);
            match tokio::time::timeout(UPSTREAM_CONNECT_WAIT, opening).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(why)) => outage = why,
                Err(_) => outage = Outage::Silent,
            }
        }
        Err(outage)
    }

    async fn open_at(
        &self,
        server: &ServerAddress,
        name: &str,
        no_responders: bool,
    ) -> Result<Connection, Outage> {
        let mut socket = TcpStream::connect((server.host.as_str(), server.port)).await?;
        socket::prepare(&socket)?;
        let info = read_info(&mut socket).await?;
        if !version::is_enough(&info.version) {
            return Err(Outage::TooOld(info.version));
        }
        // Settings were checked for names that TLS can verify.
        let host = ServerName::try_from(server.host.clone()).map_err(io::Error::other)?;
        let mut stream = self.tls.connect(host, socket).await?;
        let connect = self.connect(&info, name, no_responders)?;
        let greeting = Frame::new().connect(&connect).ping().finish();
        stream.write_all(&greeting).await?;
        stream.flush().await?;
        let mut parser = ServerParser::new();
        loop {
            match next(&mut stream, &mut parser).await? {
                ServerFrame::Pong => {
                    return Ok(Connection {
                        stream,
                        parser,
                        info,
                    });
                }
                ServerFrame::Error(text) => return Err(Outage::Said(text)),
                ServerFrame::Info(_) | ServerFrame::Ok | ServerFrame::Ping => {}
                ServerFrame::Message(_) => return Err(WireFault::UnknownOperation.into()),
            }
        }
    }

    fn connect<'a>(
        &self,
        info: &UpstreamInfo,
        name: &'a str,
        no_responders: bool,
    ) -> Result<Connect<'a>, Outage> {
        let nonce = info
            .nonce
            .as_deref()
            .filter(|_| info.headers && info.jetstream);
        let nonce = nonce.ok_or(Outage::Incapable)?;
        let signature = self
            .nkey
            .sign(nonce.as_bytes())
            .map_err(|_| Outage::Incapable)?;
        Ok(Connect {
            verbose: false,
            pedantic: false,
            tls_required: true,
            name,
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            protocol: 1,
            headers: true,
            no_responders,
            nkey: self.nkey.public_key(),
            sig: URL_SAFE_NO_PAD.encode(signature),
        })
    }
}

/// INFO comes in the clear. It is read byte by byte: what follows it belongs to TLS.
async fn read_info(socket: &mut TcpStream) -> Result<UpstreamInfo, Outage> {
    let mut parser = ServerParser::new();
    loop {
        let read = socket
            .read_buf(&mut bytes::BufMut::limit(parser.room(), 1))
            .await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match parser.next_frame()? {
            Some(ServerFrame::Info(info)) => return Ok(info),
            Some(ServerFrame::Error(text)) => return Err(Outage::Said(text)),
            Some(_) => return Err(WireFault::UnknownOperation.into()),
            None => {}
        }
    }
}

/// The next frame of the server.
pub async fn next(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    parser: &mut ServerParser,
) -> Result<ServerFrame, Outage> {
    loop {
        if let Some(frame) = parser.next_frame()? {
            return Ok(frame);
        }
        let read = stream.read_buf(&mut parser.room()).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        parser.pace(read);
    }
}
