//! A client that says anything: raw NATS over TLS, for what no client library would send.
//! In: a certificate, bytes to send. Out: the server's operations, one by one. Never: a repair of what was asked to be sent.

mod halves;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::deadline::{PATIENCE, within, within_at_most};

pub use halves::{Ear, Mouth};

/// What a client shows of itself, and whom it believes.
#[derive(Clone)]
pub struct Credentials {
    pub trusted: Vec<CertificateDer<'static>>,
    /// None: a client that shows no certificate.
    pub shown: Option<Shown>,
}

#[derive(Clone)]
pub struct Shown {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Arc<PrivateKeyDer<'static>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Handshake {
    TlsFirst,
    InfoFirst,
}

/// One operation of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOp {
    Info(String),
    Message(Message),
    Error(String),
    Ping,
    Pong,
    Ok,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    pub reply: Option<String>,
    /// The block as it came, `NATS/1.0` line included; empty for a MSG.
    pub headers: String,
    pub payload: Vec<u8>,
}

impl Message {
    pub fn json(&self) -> Value {
        let text = || String::from_utf8_lossy(&self.payload).into_owned();
        serde_json::from_slice(&self.payload)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", text()))
    }
}

impl Credentials {
    /// From an office's folder as `spean-gateway enrol` wrote it.
    pub fn of_bundle(bundle: &Path) -> Credentials {
        let trusted = certificates(&bundle.join("ca.pem"));
        Credentials::of_files(
            &bundle.join("office.pem"),
            &bundle.join("office.key"),
            trusted,
        )
    }

    pub fn of_files(
        chain: &Path,
        key: &Path,
        trusted: Vec<CertificateDer<'static>>,
    ) -> Credentials {
        let key = PrivateKeyDer::from_pem_file(key).expect("a key is PEM");
        Credentials {
            trusted,
            shown: Some(Shown {
                chain: certificates(chain),
                key: Arc::new(key),
            }),
        }
    }

    /// The first bytes that a client says to a server, ClientHello and all, and nothing after them.
    pub fn first_flight(&self) -> Vec<u8> {
        let name = ServerName::try_from("localhost").expect("localhost is a name");
        let mut connection = rustls::ClientConnection::new(Arc::new(self.client_config()), name)
            .expect("a client can begin");
        let mut flight = Vec::new();
        connection
            .write_tls(&mut flight)
            .expect("a Vec takes everything");
        flight
    }

    /// How a client with them speaks TLS.
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        let added = roots.add_parsable_certificates(self.trusted.iter().cloned());
        assert_ne!(added, (0, 0), "a client trusts somebody");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder
            .expect("ring speaks TLS 1.3")
            .with_root_certificates(roots);
        match &self.shown {
            None => builder.with_no_client_auth(),
            Some(Shown { chain, key }) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .expect("the key fits the certificate"),
        }
    }
}

pub fn certificates(file: &Path) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    all.unwrap_or_else(|error| panic!("cannot read certificates from {}: {error}", file.display()))
}

pub struct RawClient {
    stream: TlsStream<TcpStream>,
    seen: Vec<u8>,
    pub info: Value,
}

impl RawClient {
    /// TLS and INFO, no CONNECT yet. An error is the server's refusal to go on.
    pub async fn open(
        gateway: SocketAddr,
        credentials: &Credentials,
        handshake: Handshake,
    ) -> io::Result<RawClient> {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        RawClient::open_from(here, gateway, credentials, handshake).await
    }

    /// The same from another address of this machine.
    pub async fn open_from(
        here: IpAddr,
        gateway: SocketAddr,
        credentials: &Credentials,
        handshake: Handshake,
    ) -> io::Result<RawClient> {
        let opening = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((here, 0).into())?;
            let socket = socket.connect(gateway).await?;
            RawClient::try_open(socket, credentials, handshake).await
        };
        within("a TLS handshake", opening).await
    }

    /// As a well-behaved client: after CONNECT, PING and PONG.
    pub async fn connect(gateway: SocketAddr, credentials: &Credentials) -> RawClient {
        let mut client = RawClient::open(gateway, credentials, Handshake::TlsFirst)
            .await
            .expect("the gateway lets an office in");
        client
            .send(
                b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n",
            )
            .await;
        assert_eq!(client.next().await, Some(ServerOp::Pong));
        client
    }

    async fn try_open(
        mut socket: TcpStream,
        credentials: &Credentials,
        handshake: Handshake,
    ) -> io::Result<RawClient> {
        socket.set_nodelay(true)?;
        if let Handshake::InfoFirst = handshake {
            plain_info(&mut socket).await?;
        }
        let connector = TlsConnector::from(Arc::new(credentials.client_config()));
        let name = ServerName::try_from("localhost").expect("localhost is a name");
        let stream = connector.connect(name, socket).await?;
        let mut client = RawClient {
            stream,
            seen: Vec::new(),
            info: Value::Null,
        };
        // Under TLS 1.3 a refused client certificate shows only at the first read.
        if let Handshake::TlsFirst = handshake {
            let Some(ServerOp::Info(info)) = client.try_next().await? else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no INFO"));
            };
            client.info = serde_json::from_str(&info).expect("INFO carries JSON");
        }
        Ok(client)
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes)
            .await
            .expect("the server still listens");
    }

    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let sending = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        within("room to send", sending).await
    }

    /// The next operation; None at the end of the connection.
    pub async fn next(&mut self) -> Option<ServerOp> {
        within("an operation of the server's", self.try_next())
            .await
            .unwrap_or(None)
    }

    /// The next message, whatever pings come before it.
    pub async fn message(&mut self) -> Message {
        self.message_within(PATIENCE).await
    }

    /// Like `message`, where the server may take its time.
    pub async fn message_within(&mut self, patience: Duration) -> Message {
        loop {
            let next = within_at_most(patience, "an operation of the server's", self.try_next());
            match next.await.unwrap_or(None) {
                Some(ServerOp::Message(message)) => return message,
                Some(ServerOp::Ping) => self.send("PONG\r\n").await,
                Some(ServerOp::Pong | ServerOp::Ok | ServerOp::Info(_)) => {}
                Some(ServerOp::Error(error)) => panic!("an error instead of a message: {error}"),
                None => panic!("the end instead of a message"),
            }
        }
    }

    /// The text of the error that ends the connection, and that it does end.
    pub async fn parting_error(self) -> String {
        self.parting_error_within(PATIENCE).await
    }

    /// Like `parting_error`, where the server may take its time.
    pub async fn parting_error_within(mut self, patience: Duration) -> String {
        let mut error = None;
        while let Some(op) = within_at_most(patience, "the end of the connection", self.try_next())
            .await
            .unwrap_or(None)
        {
            match op {
                ServerOp::Error(text) => error = Some(text),
                ServerOp::Message(message) => panic!("a message instead of the end: {message:?}"),
                ServerOp::Ping | ServerOp::Pong | ServerOp::Ok | ServerOp::Info(_) => {}
            }
        }
        error.expect("the server says why it ends the connection")
    }

    async fn try_next(&mut self) -> io::Result<Option<ServerOp>> {
        loop {
            if let Some((op, used)) = read_op(&self.seen) {
                self.seen.drain(..used);
                return Ok(Some(op));
            }
            if self.stream.read_buf(&mut self.seen).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// INFO in the clear, byte by byte: what follows belongs to TLS.
async fn plain_info(socket: &mut TcpStream) -> io::Result<()> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(socket.read_u8().await?);
    }
    assert!(
        line.starts_with(b"INFO {"),
        "{}",
        String::from_utf8_lossy(&line)
    );
    Ok(())
}

/// The first whole operation in the buffer and its length.
fn read_op(seen: &[u8]) -> Option<(ServerOp, usize)> {
    let end = seen.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&seen[..end]).expect("the server writes UTF-8");
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let op = match verb {
        "INFO" => ServerOp::Info(rest.to_owned()),
        "-ERR" => ServerOp::Error(rest.trim_matches('\'').to_owned()),
        "PING" => ServerOp::Ping,
        "PONG" => ServerOp::Pong,
        "+OK" => ServerOp::Ok,
        "MSG" | "HMSG" => return read_message(verb == "HMSG", rest, &seen[end + 2..], end + 2),
        _ => panic!("the server said {line:?}"),
    };
    Some((op, end + 2))
}

fn read_message(
    has_headers: bool,
    rest: &str,
    body: &[u8],
    line_bytes: usize,
) -> Option<(ServerOp, usize)> {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let mut length = || {
        words
            .pop()
            .expect("a length")
            .parse::<usize>()
            .expect("a length is a number")
    };
    let total = length();
    let headers_end = if has_headers { length() } else { 0 };
    let block = body.get(..total + 2)?;
    assert!(
        block.ends_with(b"\r\n"),
        "the length does not fit the payload"
    );
    let message = Message {
        subject: words[0].to_owned(),
        reply: words.get(2).map(|reply| (*reply).to_owned()),
        headers: String::from_utf8_lossy(&block[..headers_end]).into_owned(),
        payload: block[headers_end..total].to_vec(),
    };
    Some((ServerOp::Message(message), line_bytes + total + 2))
}
