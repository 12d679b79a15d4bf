//! nats-server with JetStream, in memory: what clients say comes in, what subscriptions get goes out. As much of it as gateways and
//! agents use, and what can happen to it. Nothing is judged here: what may be stored is the real gateway's to say.

mod api;
mod consumer;
mod stream;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent::link::Delivery;
use broker_gateway::upstream::jetstream::{Ear, JetStream, Outage, Source};
use broker_gateway::wire::{ClientOp, ClientParser, Publish, ServerParser, Subject, UpstreamInfo};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::subject::{CONFIRMATIONS, FeedName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::consumer::Consumer;
pub use self::stream::{Stored, Stream};

const PIPE_BYTES: usize = 256 * 1024;
/// What one run may say: many times what the longest one does that comes to rest. One that goes round in circles ends here.
pub const MESSAGES_MAX: u64 = 400_000;

/// What is published, and what arrives.
#[derive(Debug, Clone)]
pub struct Said {
    pub subject: String,
    pub reply: Option<String>,
    /// With the version line; empty where there are none.
    pub headers: Bytes,
    pub payload: Bytes,
}

impl From<Publish> for Said {
    fn from(publish: Publish) -> Said {
        Said {
            subject: publish.subject.as_str().to_owned(),
            reply: publish.reply.map(|reply| reply.as_str().to_owned()),
            headers: publish.headers.unwrap_or_default(),
            payload: publish.payload,
        }
    }
}

impl From<Said> for Delivery {
    fn from(said: Said) -> Delivery {
        let line = said.headers.split(|byte| *byte == b'\r').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let status = line.strip_prefix("NATS/1.0 ");
        let (code, description) = status
            .map(|status| status.split_once(' ').unwrap_or((status, "")))
            .unzip();
        Delivery {
            subject: said.subject,
            reply: said.reply,
            headers: said.headers,
            payload: said.payload,
            status: code.and_then(|code| code.parse().ok()),
            description: description.unwrap_or_default().to_owned(),
        }
    }
}

/// Who gets what is said on a subject.
struct Listener {
    connection: u64,
    subject: Subject,
    sid: String,
    to: mpsc::UnboundedSender<(String, Said)>,
}

#[derive(Default)]
struct Server {
    streams: BTreeMap<String, Stream>,
    consumers: BTreeMap<String, Consumer>,
    listeners: Vec<Listener>,
    /// Batches that are not committed yet, by their id.
    staged: BTreeMap<String, Vec<Said>>,
    connections: u64,
    /// Cancelled when the server goes down.
    life: CancellationToken,
    starts: u64,
    messages: u64,
    /// Its disk hangs: it stores nothing and says nothing of it, until it goes down.
    is_deaf: bool,
}

/// The server. Its clones are the same one.
#[derive(Clone)]
pub struct Nats(Arc<Mutex<Server>>);

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nats")
    }
}

impl Nats {
    pub fn new<'f>(feeds: impl IntoIterator<Item = &'f FeedName>) -> Nats {
        let feeds = feeds.into_iter().map(|feed| {
            let subjects = format!("spean.log.{feed}.>");
            (feed.to_string(), Stream::new(&subjects, None))
        });
        let confirmations = Stream::new("spean.confirm.>", Some(1));
        let server = Server {
            streams: feeds
                .chain([(CONFIRMATIONS.to_owned(), confirmations)])
                .collect(),
            ..Server::default()
        };
        Nats(Arc::new(Mutex::new(server)))
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new client: its number, and what ends with the server's life.
    pub fn connect(&self) -> (u64, CancellationToken) {
        let mut server = self.server();
        server.connections += 1;
        (server.connections, server.life.clone())
    }

    pub fn listen(
        &self,
        connection: u64,
        subject: Subject,
        sid: &str,
        to: mpsc::UnboundedSender<(String, Said)>,
    ) {
        self.server().listeners.push(Listener {
            connection,
            subject,
            sid: sid.to_owned(),
            to,
        });
    }

    pub fn leave(&self, connection: u64) {
        let mut server = self.server();
        server.listeners.retain(|ear| ear.connection != connection);
    }

    /// Somebody says something.
    pub fn say(&self, said: Said) {
        self.server().say(said);
    }

    /// Only this client hears it.
    pub fn tell(&self, connection: u64, said: &Said) {
        let server = self.server();
        let ears = server.listeners.iter();
        ears.filter(|ear| ear.connection == connection && ear.subject.matches(&said.subject))
            .for_each(|ear| ear.hear(said.clone()));
    }

    pub fn stream(&self, name: &str) -> Stream {
        self.server().streams[name].clone()
    }

    pub fn streams(&self) -> BTreeMap<String, Stream> {
        self.server().streams.clone()
    }

    /// Its disk hangs, until it goes down.
    pub fn deafen(&self) {
        self.server().is_deaf = true;
    }

    pub fn is_deaf(&self) -> bool {
        self.server().is_deaf
    }

    /// More was said than a run may say: nobody is heard any more.
    pub fn is_spent(&self) -> bool {
        self.server().messages > MESSAGES_MAX
    }

    /// The server goes down, something happens to what it has stored, and it comes up again. Connections and consumers are gone.
    pub fn restart(&self, harm: impl FnOnce(&mut BTreeMap<String, Stream>)) {
        let mut server = self.server();
        server.life.cancel();
        server.life = CancellationToken::new();
        server.starts += 1;
        server.listeners.clear();
        server.consumers.clear();
        server.staged.clear();
        server.is_deaf = false;
        harm(&mut server.streams);
    }
}

impl Listener {
    fn hear(&self, said: Said) {
        // Who listened may be gone.
        self.to.send((self.sid.clone(), said)).ok();
    }
}

impl Server {
    fn say(&mut self, said: Said) {
        self.messages += 1;
        if self.messages > MESSAGES_MAX {
            return self.life.cancel();
        }
        if let Some(asked) = said.subject.strip_prefix("$JS.API.") {
            let asked = asked.to_owned();
            return self.ask(&asked, &said);
        }
        let on_subject = self
            .listeners
            .iter()
            .filter(|ear| ear.subject.matches(&said.subject));
        on_subject.for_each(|ear| ear.hear(said.clone()));
        let stream = self
            .streams
            .iter()
            .find(|(_, stream)| stream.takes(&said.subject));
        if let Some(name) = stream.map(|(name, _)| name.clone())
            && !self.is_deaf
        {
            self.store(&name, said);
        }
    }

    fn answer(&self, reply: Option<&String>, headers: Bytes, payload: impl Into<Bytes>) {
        let Some(reply) = reply else { return };
        self.route(
            reply,
            &Said {
                subject: reply.clone(),
                reply: None,
                headers,
                payload: payload.into(),
            },
        );
    }

    /// To whoever listens on a subject; a consumer's deliveries keep another one in the message.
    fn route(&self, to: &str, said: &Said) {
        let ears = self.listeners.iter();
        ears.filter(|ear| ear.subject.matches(to))
            .for_each(|ear| ear.hear(said.clone()));
    }
}

impl Source for Nats {
    fn open(&self, ear: Option<Ear>) -> BoxFuture<'_, Result<JetStream, Outage>> {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(serve(self.clone(), theirs));
        let info = UpstreamInfo {
            server_name: "in-memory".into(),
            server_id: self.server().starts.to_string(),
            version: String::new(),
            nonce: None,
            headers: true,
            jetstream: true,
            ldm: false,
        };
        Box::pin(JetStream::over(ours, ServerParser::new(), info, ear))
    }
}

/// One gateway's connection, in NATS's own bytes.
async fn serve(nats: Nats, pipe: DuplexStream) {
    let (connection, life) = nats.connect();
    let (mut read, mut write) = tokio::io::split(pipe);
    let (to, mut mail) = mpsc::unbounded_channel();
    let mut parser = ClientParser::new();
    loop {
        while let Some(op) = parser.next_op().expect("a gateway keeps to the protocol") {
            match op {
                ClientOp::Subscribe(subscribe) => {
                    let sid = subscribe.sid.as_str();
                    nats.listen(connection, subscribe.subject.clone(), sid, to.clone());
                }
                ClientOp::Publish(publish) => nats.say(publish.into()),
                ClientOp::Ping => {
                    if write.write_all(b"PONG\r\n").await.is_err() {
                        return nats.leave(connection);
                    }
                }
                ClientOp::Connect(_) | ClientOp::Pong | ClientOp::Unsubscribe { .. } => {}
            }
        }
        let mut room = parser.room();
        tokio::select! {
            biased;
            () = life.cancelled() => break,
            Some((sid, said)) = mail.recv() => {
                if write.write_all(&frame(&sid, &said)).await.is_err() {
                    break;
                }
            }
            got = read.read_buf(&mut room) => match got {
                Ok(bytes @ 1..) => parser.pace(bytes),
                Ok(0) | Err(_) => break,
            },
        }
    }
    nats.leave(connection);
}

fn frame(sid: &str, said: &Said) -> Vec<u8> {
    let reply = said.reply.as_ref().map(|reply| format!("{reply} "));
    let reply = reply.unwrap_or_default();
    let (subject, headers) = (&said.subject, said.headers.len());
    let total = headers + said.payload.len();
    let line = match headers {
        0 => format!("MSG {subject} {sid} {reply}{total}\r\n"),
        _ => format!("HMSG {subject} {sid} {reply}{headers} {total}\r\n"),
    };
    [
        line.as_bytes(),
        &said.headers[..],
        &said.payload[..],
        b"\r\n",
    ]
    .concat()
}
