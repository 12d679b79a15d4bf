//! A hostile client at full speed, in a thread that takes only the processor time that is left over: an attacker has a machine of
//! his own. In: scripts, one a session, and an end. Out: what was sent, and what was heard by code. Never: a session beyond the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::future::join_all;
use tests::raw::{Credentials, Ear, Handshake, Mouth, RawClient, ServerOp};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What a client says first.
pub const CONNECT: &[u8] =
    b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";
/// Operations that leave in one write: several fill a TLS record.
const WRITE_BYTES: usize = 16 * 1024;
/// An attacker that is turned away comes again.
const COME_AGAIN: Duration = Duration::from_millis(20);

/// What one session says.
pub struct Script {
    /// Once, after CONNECT.
    pub first: Vec<u8>,
    pub then: Vec<Bytes>,
    pub order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the beginning, again and again.
    Around,
    Random,
    /// Through, and then only listening.
    Once,
    /// Around, each byte in a record of TLS of its own.
    Crumbs,
    /// Connects, says it all, and leaves; again and again.
    Reconnecting,
}

/// What came of it.
#[derive(Default)]
pub struct Told {
    /// Answers by their code, `answered` where there was none.
    pub answers: BTreeMap<String, u64>,
    pub operations: u64,
    pub sent_bytes: u64,
    pub heard_bytes: u64,
}

pub struct Storm {
    pub gateway: SocketAddr,
    pub credentials: Credentials,
    pub scripts: Vec<Script>,
    pub time: Duration,
}

impl Storm {
    /// Begins at once; the receiver has what was told when it is over.
    pub fn rage(self) -> Result<oneshot::Receiver<Told>> {
        apart(move || self.all())
    }

    async fn all(self) -> Told {
        let told = RefCell::new(Told::default());
        let end = Instant::now() + self.time;
        let sessions = self.scripts.iter().map(|script| {
            let session = Session {
                storm: &self,
                script,
                at: Cell::new(0),
                told: &told,
            };
            async move {
                let _ = tokio::time::timeout_at(end, session.again_and_again()).await;
            }
        });
        join_all(sessions).await;
        told.into_inner()
    }
}

/// In a thread of its own, which takes only the processor time that others leave.
pub fn apart<Work, T>(work: impl FnOnce() -> Work + Send + 'static) -> Result<oneshot::Receiver<T>>
where
    Work: Future<Output = T>,
    T: Send + 'static,
{
    let (done, told) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    std::thread::spawn(move || {
        be_nice();
        // Who waited may be gone.
        let _ = done.send(runtime.block_on(work()));
    });
    Ok(told)
}

/// This thread, and no other of the process.
fn be_nice() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let Some(thread) = thread.file_name() else {
        return;
    };
    // Without it the figures are worse than they need be, not better.
    let _ = Command::new("renice")
        .args(["-n", "19", "-p"])
        .arg(thread)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

struct Session<'s> {
    storm: &'s Storm,
    script: &'s Script,
    /// Where the script goes on.
    at: Cell<usize>,
    told: &'s RefCell<Told>,
}

impl Session<'_> {
    async fn again_and_again(&self) {
        loop {
            match self.connect().await {
                Ok(client) => self.live(client).await,
                Err(_) => self.told.borrow_mut().count("not let in"),
            }
            tokio::time::sleep(COME_AGAIN).await;
        }
    }

    async fn connect(&self) -> std::io::Result<RawClient> {
        let (gateway, credentials) = (self.storm.gateway, &self.storm.credentials);
        RawClient::open(gateway, credentials, Handshake::TlsFirst).await
    }

    async fn live(&self, client: RawClient) {
        let (mouth, mut ear) = client.apart();
        if self.script.order == Order::Reconnecting {
            let _ = self.visit(mouth, &mut ear).await;
            return;
        }
        tokio::select! {
            // Only a broken connection ends the speaking.
            _ = self.speak(mouth) => {}
            () = self.hear(&mut ear) => {}
        }
        self.told.borrow_mut().count("session ended");
    }

    /// All of it once, until the answer to a last PING.
    async fn visit(&self, mut mouth: Mouth, ear: &mut Ear) -> std::io::Result<()> {
        mouth
            .say(&[CONNECT, &self.script.first, b"PING\r\n"].concat())
            .await?;
        self.told.borrow_mut().operations += 1;
        while let Some(op) = ear.next().await? {
            if op == ServerOp::Pong {
                self.told.borrow_mut().count("let in");
                return Ok(());
            }
            self.told.borrow_mut().hear(&op);
        }
        Ok(())
    }

    async fn speak(&self, mut mouth: Mouth) -> std::io::Result<()> {
        mouth.say(&[CONNECT, &self.script.first].concat()).await?;
        loop {
            let (operations, bytes) = self.next_write();
            if operations == 0 {
                return std::future::pending().await;
            }
            match self.script.order {
                Order::Crumbs => {
                    for byte in bytes.chunks(1) {
                        mouth.say(byte).await?;
                    }
                }
                Order::Around | Order::Random | Order::Once | Order::Reconnecting => {
                    mouth.say(&bytes).await?;
                }
            }
            let mut told = self.told.borrow_mut();
            told.operations += operations;
            told.sent_bytes += bytes.len() as u64;
        }
    }

    fn next_write(&self) -> (u64, Vec<u8>) {
        let (mut operations, mut bytes) = (0, Vec::new());
        while bytes.len() < WRITE_BYTES
            && let Some(operation) = self.next_operation()
        {
            bytes.extend_from_slice(operation);
            operations += 1;
        }
        (operations, bytes)
    }

    fn next_operation(&self) -> Option<&Bytes> {
        let (all, at) = (&self.script.then, self.at.get());
        let place = match self.script.order {
            Order::Around | Order::Crumbs => at % all.len().max(1),
            Order::Random => fastrand::usize(..all.len().max(1)),
            Order::Once | Order::Reconnecting => at,
        };
        self.at.set(at + 1);
        all.get(place)
    }

    async fn hear(&self, ear: &mut Ear) {
        let mut counted = 0;
        while let Ok(Some(op)) = ear.next().await {
            let mut told = self.told.borrow_mut();
            told.heard_bytes += ear.bytes - counted;
            counted = ear.bytes;
            told.hear(&op);
        }
    }
}

impl Told {
    fn hear(&mut self, op: &ServerOp) {
        match op {
            ServerOp::Message(message) => {
                let code = code(&message.payload).or_else(|| status(&message.headers));
                self.count(code.unwrap_or("answered"));
            }
            ServerOp::Error(text) => {
                let code = text
                    .rsplit_once('(')
                    .map_or(text.as_str(), |(_, code)| code);
                self.count(code.trim_end_matches(')'));
            }
            ServerOp::Info(_) | ServerOp::Ping | ServerOp::Pong | ServerOp::Ok => {}
        }
    }

    fn count(&mut self, code: &str) {
        match self.answers.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(self.answers.insert(code.to_owned(), 1)),
        }
    }

    pub fn add(&mut self, other: &Told) {
        for (code, count) in &other.answers {
            *self.answers.entry(code.clone()).or_default() += count;
        }
        self.operations += other.operations;
        self.sent_bytes += other.sent_bytes;
        self.heard_bytes += other.heard_bytes;
    }

    /// The most frequent answers first.
    pub fn words(&self) -> String {
        let mut all: Vec<_> = self.answers.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words = all.iter().map(|(code, count)| format!("{count} {code}"));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The project's own code in an answer, or the number of JetStream's.
fn code<'p>(payload: &'p [u8]) -> Option<&'p str> {
    let text = std::str::from_utf8(payload).ok()?;
    let after = |text: &'p str, mark| text.split_once(mark).map(|(_, rest)| rest);
    let own = after(text, r#""spean":{"#).and_then(|told| after(told, r#""code":""#));
    let jetstream = || after(text, r#""err_code":"#);
    let code = own.or_else(jetstream)?.split(['"', ',', '}']).next()?;
    Some(code)
}

fn status(headers: &str) -> Option<&str> {
    let line = headers.lines().next()?.strip_prefix("NATS/1.0 ")?;
    Some(line).filter(|line| !line.is_empty())
}
