//! Questions to JetStream come in, its answers go out, over one connection for one life. When the connection breaks, every
//! question that waits gets an `Outage`, and nothing is sent again: an append whose outcome is unknown is judged anew, on a new
//! connection, by what the stream then holds. (A client that resends after a reconnect would send it behind everybody's back.)

mod line;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::line::Line;
use super::raw::{self, Broker, Connection};
use crate::limits::{UPSTREAM_ANSWER_WAIT, UPSTREAM_CONNECT_WAIT, UPSTREAM_QUESTIONS_MAX};
use crate::wire::{ServerParser, UpstreamInfo};

/// Why a question has no answer. What became of an append is then not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    #[error("{0}")]
    Unreachable(String),
    #[error("the connection to nats-server broke")]
    Broken,
    #[error("nats-server did not answer in time")]
    Silent,
    #[error("nobody answers on {0}: JetStream is not ready, or has no such stream")]
    NoResponder(String),
    #[error("nats-server's answer cannot be read: {0}")]
    Answer(String),
    /// It answers, and the bus cannot stand on it; somebody has to mend that.
    #[error("{0}")]
    Unfit(String),
}

/// A connection on which questions are asked. Dropping the last handle closes it.
#[derive(Debug, Clone)]
pub struct JetStream {
    info: Arc<UpstreamInfo>,
    inbox: Arc<str>,
    numbers: Arc<AtomicU64>,
    questions: mpsc::Sender<Question>,
    closed: CancellationToken,
    _open: Arc<DropGuard>,
}

/// Takes a subject, and what was said on it.
pub type Hear = dyn Fn(&[u8], &[u8]) + Send + Sync;

/// What is listened to besides answers, and who takes it: subject and payload. It is called where answers are read, and must not wait.
pub struct Ear {
    pub subject: String,
    pub hear: Box<Hear>,
}

/// Bytes to send, and who waits for what comes back under this number.
#[derive(Debug)]
struct Question {
    number: u64,
    words: Bytes,
    answer: oneshot::Sender<Bytes>,
}

/// An answer that will come, or an outage.
#[derive(Debug)]
pub struct Pending {
    subject: String,
    answer: oneshot::Receiver<Bytes>,
    closed: CancellationToken,
}

/// Where a JetStream is found: nats-server behind its TLS, or in the model of the protocol one in memory.
pub trait Source: std::fmt::Debug + Send + Sync {
    /// A new connection, on which nothing is under way.
    fn open(&self, ear: Option<Ear>) -> BoxFuture<'_, Result<JetStream, Outage>>;
}

impl Source for Broker {
    fn open(&self, ear: Option<Ear>) -> BoxFuture<'_, Result<JetStream, Outage>> {
        Box::pin(async move {
            let opened = Broker::open(self, "spean-gateway commit", true).await;
            let Connection {
                stream,
                parser,
                info,
            } = opened.map_err(unreachable)?;
            JetStream::over(stream, parser, info, ear).await
        })
    }
}

fn unreachable(why: raw::Outage) -> Outage {
    let words = why.to_string();
    match why {
        raw::Outage::TooOld(_) => Outage::Unfit(words),
        raw::Outage::Io(_)
        | raw::Outage::Silent
        | raw::Outage::Wire(_)
        | raw::Outage::Said(_)
        | raw::Outage::NotSubscribed(_)
        | raw::Outage::Incapable => Outage::Unreachable(words),
    }
}

impl JetStream {
    /// # Errors
    /// No server lets one in.
    pub async fn connect(broker: &Broker) -> Result<JetStream, Outage> {
        Source::open(broker, None).await
    }

    /// Over a connection on which CONNECT was answered; what was read behind that answer is in the parser.
    ///
    /// # Errors
    /// The server does not let one listen.
    pub async fn over(
        mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        parser: ServerParser,
        info: UpstreamInfo,
        ear: Option<Ear>,
    ) -> Result<JetStream, Outage> {
        // No office's inbox can begin so: names of ministries have no capitals.
        let inbox: Arc<str> = format!("_INBOX.GATEWAY.{:016x}", fastrand::u64(..)).into();
        let (questions, waiting) = mpsc::channel(UPSTREAM_QUESTIONS_MAX);
        let closed = CancellationToken::new();
        let mut line = Line {
            inbox: format!("{inbox}."),
            waiting,
            asked: HashMap::new(),
            parser,
            ear,
        };
        timeout(UPSTREAM_CONNECT_WAIT, line.subscribe(&mut stream))
            .await
            .unwrap_or(Err(raw::Outage::Silent))
            .map_err(unreachable)?;
        tokio::spawn(line.run(stream, closed.clone()));
        Ok(JetStream {
            info: info.into(),
            inbox,
            numbers: Arc::default(),
            questions,
            _open: Arc::new(closed.clone().drop_guard()),
            closed,
        })
    }

    pub fn info(&self) -> &UpstreamInfo {
        &self.info
    }

    /// Whether it is over with this connection.
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Ends it for everybody who has it: what is under way on it stays unknown.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Waits until it is over with this connection.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Says something to which no answer is wanted.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn tell(&self, subject: &str, payload: &[u8]) -> Result<(), Outage> {
        let mut messages = Messages::of(self, room_for(payload, subject));
        messages.tell(subject, payload);
        messages.send().await.map(drop)
    }

    /// Asks on a subject of JetStream's API; an error that JetStream names is an answer, too.
    ///
    /// # Errors
    /// No answer came, or one that is no JSON of this form.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        subject: &str,
        question: &impl Serialize,
    ) -> Result<Result<A, ApiError>, Outage> {
        let payload = schemas::json::text(question);
        let mut messages = Messages::of(self, room_for(payload.as_bytes(), subject));
        messages.ask(subject, payload.as_bytes());
        let answer = messages.send().await?.answer().await?;
        read(&answer)
    }
}

/// What JetStream says when it does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{description} (JetStream's error {err_code})")]
pub struct ApiError {
    /// As HTTP has it.
    #[serde(default)]
    pub code: u16,
    #[serde(default)]
    pub err_code: u32,
    #[serde(default)]
    pub description: String,
}

impl ApiError {
    /// It says nothing of what was asked for: there is no leader, or no room to work in.
    pub fn is_outage(&self) -> bool {
        self.code == 503
    }
}

/// Reads an answer of JetStream's API.
///
/// # Errors
/// It is neither an error nor of this form.
pub fn read<A: DeserializeOwned>(answer: &[u8]) -> Result<Result<A, ApiError>, Outage> {
    #[derive(Deserialize)]
    struct Failure {
        error: Option<ApiError>,
    }
    let unreadable = |why: serde_json::Error| Outage::Answer(why.to_string());
    let failure: Failure = serde_json::from_slice(answer).map_err(unreadable)?;
    match failure.error {
        Some(error) => Ok(Err(error)),
        None => serde_json::from_slice(answer).map(Ok).map_err(unreadable),
    }
}

/// About the bytes of a question, its verb and lengths included.
fn room_for(payload: &[u8], subject: &str) -> usize {
    payload
        .len()
        .saturating_add(subject.len())
        .saturating_add(80)
}

/// Messages that are sent in one go; the last one is answered.
#[derive(Debug)]
pub struct Messages<'j> {
    jetstream: &'j JetStream,
    number: u64,
    subject: String,
    words: BytesMut,
}

impl<'j> Messages<'j> {
    /// With room for about so many bytes.
    pub fn of(jetstream: &'j JetStream, bytes: usize) -> Messages<'j> {
        Messages {
            jetstream,
            number: jetstream.numbers.fetch_add(1, Ordering::Relaxed),
            subject: String::new(),
            words: BytesMut::with_capacity(bytes),
        }
    }

    /// Adds a message to which no answer is wanted. Its header block comes in two parts.
    pub fn post(&mut self, subject: &str, headers: [&[u8]; 2], payload: &[u8]) {
        self.write(subject, "", headers, payload);
    }

    /// Adds the message that is answered.
    pub fn post_last(&mut self, subject: &str, headers: [&[u8]; 2], payload: &[u8]) {
        let reply = format!("{}.{} ", self.jetstream.inbox, self.number);
        self.write(subject, &reply, headers, payload);
        self.subject = subject.to_owned();
    }

    fn write(&mut self, subject: &str, reply: &str, headers: [&[u8]; 2], payload: &[u8]) {
        let [begin, end] = headers;
        let first = begin.len().saturating_add(end.len());
        let total = first.saturating_add(payload.len());
        let line = format!("HPUB {subject} {reply}{first} {total}\r\n");
        self.words
            .reserve(line.len().saturating_add(total).saturating_add(2));
        self.words.extend_from_slice(line.as_bytes());
        self.words.extend_from_slice(begin);
        self.words.extend_from_slice(end);
        self.words.extend_from_slice(payload);
        self.words.extend_from_slice(b"\r\n");
    }

    fn tell(&mut self, subject: &str, payload: &[u8]) {
        let line = format!("PUB {subject} {}\r\n", payload.len());
        self.words.extend_from_slice(line.as_bytes());
        self.words.extend_from_slice(payload);
        self.words.extend_from_slice(b"\r\n");
    }

    fn ask(&mut self, subject: &str, payload: &[u8]) {
        let (inbox, number, bytes) = (&self.jetstream.inbox, self.number, payload.len());
        let line = format!("PUB {subject} {inbox}.{number} {bytes}\r\n");
        self.words.extend_from_slice(line.as_bytes());
        self.words.extend_from_slice(payload);
        self.words.extend_from_slice(b"\r\n");
        self.subject = subject.to_owned();
    }

    /// Puts it all in line for the socket.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send(self) -> Result<Pending, Outage> {
        let (answer, waits) = oneshot::channel();
        let question = Question {
            number: self.number,
            words: self.words.freeze(),
            answer,
        };
        let sent = self.jetstream.questions.send(question).await;
        sent.map_err(|_| Outage::Broken)?;
        Ok(Pending {
            subject: self.subject,
            answer: waits,
            closed: self.jetstream.closed.clone(),
        })
    }
}

impl Pending {
    /// Waits for the answer. Who waited in vain cannot know what became of the question, so the connection is over, too.
    ///
    /// # Errors
    /// `Outage::Silent`, `Outage::Broken`, or `Outage::NoResponder`.
    pub async fn answer(self) -> Result<Bytes, Outage> {
        match timeout(UPSTREAM_ANSWER_WAIT, self.answer).await {
            Ok(Ok(body)) if body.starts_with(b"NATS/1.0 503") => {
                Err(Outage::NoResponder(self.subject))
            }
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(Outage::Broken),
            Err(_) => {
                self.closed.cancel();
                Err(Outage::Silent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jetstream_cannot_do_now_is_no_word_about_a_message() {
        let error = |body: &str| {
            let read = read::<serde_json::Value>(body.as_bytes());
            read.expect("an answer").expect_err("an error")
        };
        let unavailable = r#"{"error":{"code":503,"err_code":10008,
            "description":"JetStream system temporarily unavailable"}}"#;
        assert!(error(unavailable).is_outage());
        let missing = r#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#;
        assert!(!error(missing).is_outage());
    }
}
