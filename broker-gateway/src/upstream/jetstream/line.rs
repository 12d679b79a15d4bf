//! The one owner of a connection's socket: questions come in and are written, several in one flush; answers come back and find whoever
//! waits under their number. When it ends, everybody who waits learns it from the channel that goes away.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::raw::{self, Outage};
use super::{Ear, Question};
use crate::limits::{UPSTREAM_ANSWER_WAIT, UPSTREAM_QUESTIONS_MAX};
use crate::wire::{Delivery, Frame, ServerFrame, ServerParser, Sid, Subject};

/// The one owner of the socket.
pub(super) struct Line {
    pub inbox: String,
    pub waiting: mpsc::Receiver<Question>,
    pub asked: HashMap<u64, oneshot::Sender<Bytes>>,
    pub parser: ServerParser,
    pub ear: Option<Ear>,
}

/// What the reading half finds.
enum Heard {
    Answer(u64, Bytes),
    Ping,
}

impl Line {
    pub async fn run<S>(mut self, stream: S, closed: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let _closes = closed.clone().drop_guard();
        let (read, mut write) = tokio::io::split(stream);
        let (heard_by, mut heard) = mpsc::channel(UPSTREAM_QUESTIONS_MAX);
        let listener = Listener {
            inbox: std::mem::take(&mut self.inbox),
            parser: std::mem::take(&mut self.parser),
            ear: self.ear.take(),
        };
        let listening = tokio::spawn(listener.run(read, heard_by));
        // Every arm only receives, so that dropping one half-way loses nothing; writing happens behind the choice.
        loop {
            tokio::select! {
                () = closed.cancelled() => break,
                question = self.waiting.recv() => match question {
                    Some(question) => if !self.send(&mut write, question).await { break },
                    None => break,
                },
                heard = heard.recv() => match heard {
                    Some(Heard::Answer(number, body)) => self.answer(number, body),
                    Some(Heard::Ping) => {
                        if write.write_all(b"PONG\r\n").await.is_err() || write.flush().await.is_err() {
                            break;
                        }
                    }
                    None => break,
                },
            }
        }
        listening.abort();
        write.shutdown().await.ok();
    }

    /// Subscribes to the answers, and to what is listened to besides, and waits until nats-server has taken both.
    pub async fn subscribe(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<(), Outage> {
        let mut hello = Frame::new();
        for (sid, subject) in (1_u32..).zip(self.subjects()) {
            let sid = Sid::parse(sid.to_string().as_bytes())?;
            hello = hello.subscribe(&Subject::parse(subject.as_bytes())?, &sid);
        }
        stream.write_all(&hello.ping().finish()).await?;
        stream.flush().await?;
        loop {
            match raw::next(stream, &mut self.parser).await? {
                ServerFrame::Pong => return Ok(()),
                ServerFrame::Error(said) => return Err(Outage::NotSubscribed(said)),
                ServerFrame::Message(delivery) => {
                    if let Some(ear) = &self.ear {
                        (ear.hear)(delivery.subject(), &delivery.body());
                    }
                }
                ServerFrame::Info(_) | ServerFrame::Ok | ServerFrame::Ping => {}
            }
        }
    }

    fn subjects(&self) -> Vec<String> {
        let ear = self.ear.iter().map(|ear| ear.subject.clone());
        std::iter::once(format!("{}*", self.inbox))
            .chain(ear)
            .collect()
    }

    /// Sends a question, and those that wait behind it, in one flush.
    async fn send(&mut self, write: &mut WriteHalf<impl AsyncWrite>, question: Question) -> bool {
        let mut next = Some(question);
        while let Some(Question {
            number,
            words,
            answer,
        }) = next
        {
            // Answers that nobody waits for any longer leave with the next question.
            if self.asked.len() >= UPSTREAM_QUESTIONS_MAX {
                self.asked.retain(|_, answer| !answer.is_closed());
            }
            self.asked.insert(number, answer);
            let sent = timeout(UPSTREAM_ANSWER_WAIT, write.write_all(&words)).await;
            if !matches!(sent, Ok(Ok(()))) {
                return false;
            }
            next = self.waiting.try_recv().ok();
        }
        write.flush().await.is_ok()
    }

    fn answer(&mut self, number: u64, body: Bytes) {
        if let Some(answer) = self.asked.remove(&number) {
            // Nobody waiting any longer is no fault.
            answer.send(body).ok();
        }
    }
}

/// The reading half, which the writing half never waits for.
struct Listener {
    inbox: String,
    parser: ServerParser,
    ear: Option<Ear>,
}

impl Listener {
    async fn run(mut self, mut read: ReadHalf<impl AsyncRead>, heard: mpsc::Sender<Heard>) {
        loop {
            match self.parser.next_frame() {
                Ok(Some(frame)) => {
                    let said = match frame {
                        ServerFrame::Message(delivery) => self.answer(&delivery),
                        ServerFrame::Ping => Some(Heard::Ping),
                        ServerFrame::Error(why) => {
                            tracing::warn!(why, "nats-server complains");
                            None
                        }
                        ServerFrame::Info(_) | ServerFrame::Ok | ServerFrame::Pong => None,
                    };
                    if let Some(said) = said
                        && heard.send(said).await.is_err()
                    {
                        return;
                    }
                }
                Ok(None) => match read.read_buf(&mut self.parser.room()).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => self.parser.pace(read),
                },
                Err(fault) => {
                    tracing::warn!(%fault, "nats-server cannot be understood");
                    return;
                }
            }
        }
    }

    /// The number is the last token of the subject that an answer came on.
    fn answer(&self, delivery: &Delivery) -> Option<Heard> {
        let Some(number) = delivery.subject().strip_prefix(self.inbox.as_bytes()) else {
            if let Some(ear) = &self.ear {
                (ear.hear)(delivery.subject(), &delivery.body());
            }
            return None;
        };
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        Some(Heard::Answer(number, delivery.body()))
    }
}
