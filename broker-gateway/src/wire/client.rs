//! A client's bytes come in, its operations go out, one at a time and whole. Verbs are read in any case, as nats-server does;
//! lengths, subjects and line ends are read strictly.

use bytes::Bytes;
use bytes::buf::Limit;
use serde::Deserialize;

use schemas::limits::{CONTROL_LINE_BYTES_MAX, MESSAGE_BYTES_MAX};

use crate::limits::ANNOUNCED_BYTES_FREE;

use super::WireFault;
use super::buffer::ReadBuffer;
use super::line::{self, Arguments, LINE_END, Lengths};
use super::subject::{Sid, Subject};

/// Everything that a client can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOp {
    Connect(Connect),
    Ping,
    Pong,
    Subscribe(Subscribe),
    Unsubscribe { sid: Sid, after: Option<usize> },
    Publish(Publish),
}

/// What of a CONNECT has a meaning here. Names and credentials that it claims have none: the certificate speaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Connect {
    #[serde(default)]
    pub verbose: bool,
    #[serde(default)]
    pub headers: bool,
    #[serde(default)]
    pub no_responders: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    pub subject: Subject,
    pub queue: Option<Subject>,
    pub sid: Sid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub subject: Subject,
    pub reply: Option<Subject>,
    /// The header block as sent, its version line included.
    pub headers: Option<Bytes>,
    pub payload: Bytes,
}

#[derive(Debug, Default)]
pub struct ClientParser {
    buffer: ReadBuffer,
    announced: Option<Announced>,
}

/// A publish whose control line was read and whose payload is awaited.
#[derive(Debug)]
struct Announced {
    subject: Subject,
    reply: Option<Subject>,
    lengths: Lengths,
}

impl ClientOp {
    /// What it brought besides its line.
    pub fn bytes(&self) -> usize {
        match self {
            ClientOp::Publish(Publish {
                headers, payload, ..
            }) => {
                let block = headers.as_ref().map_or(0, Bytes::len);
                block.saturating_add(payload.len())
            }
            ClientOp::Connect(_)
            | ClientOp::Ping
            | ClientOp::Pong
            | ClientOp::Subscribe(_)
            | ClientOp::Unsubscribe { .. } => 0,
        }
    }
}

impl ClientParser {
    pub fn new() -> ClientParser {
        ClientParser::default()
    }

    /// Where the next bytes from the socket go.
    pub fn room(&mut self) -> Limit<&mut bytes::BytesMut> {
        let wants = match &self.announced {
            Some(announced) => announced.lengths.whole().saturating_sub(self.buffer.len()),
            None => 0,
        };
        self.buffer.room(wants)
    }

    /// Tells how many bytes the last read brought.
    pub fn pace(&mut self, read: usize) {
        self.buffer.pace(read);
    }

    /// Part of an operation has come and the rest has not.
    pub fn is_half_way(&self) -> bool {
        self.announced.is_some() || !self.buffer.is_empty()
    }

    /// The bytes of a large payload whose control line has come and which itself has not; 0 for anything smaller.
    pub fn announced(&self) -> usize {
        let total = self
            .announced
            .as_ref()
            .map_or(0, |known| known.lengths.total);
        if total > ANNOUNCED_BYTES_FREE {
            total
        } else {
            0
        }
    }

    /// The next whole operation, if it has arrived.
    ///
    /// # Errors
    /// The first breach of the protocol. Nothing can be read after it.
    pub fn next_op(&mut self) -> Result<Option<ClientOp>, WireFault> {
        if self.announced.is_none() {
            let Some(line) = self.buffer.line(CONTROL_LINE_BYTES_MAX)? else {
                return Ok(None);
            };
            let said = read_line(line)?;
            self.buffer.skip_line();
            match said {
                Said::Op(op) => return Ok(Some(op)),
                Said::Announced(announced) => self.announced = Some(announced),
            }
        }
        self.payload()
    }

    fn payload(&mut self) -> Result<Option<ClientOp>, WireFault> {
        let Some(announced) = self.announced.take() else {
            return Ok(None);
        };
        let lengths = announced.lengths;
        if self.buffer.len() < lengths.whole() {
            self.announced = Some(announced);
            return Ok(None);
        }
        if !self.buffer.front(lengths.whole()).ends_with(LINE_END) {
            return Err(WireFault::PayloadEnd);
        }
        let headers = lengths.headers.map(|bytes| self.buffer.take(bytes));
        let payload = self.buffer.take(lengths.payload());
        self.buffer.skip(LINE_END.len());
        Ok(Some(ClientOp::Publish(Publish {
            subject: announced.subject,
            reply: announced.reply,
            headers,
            payload,
        })))
    }

    /// Takes bytes that came within frames.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.feed(bytes);
    }

    /// What has come and is not a whole operation.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }
}

enum Said {
    Op(ClientOp),
    Announced(Announced),
}

fn read_line(line: &[u8]) -> Result<Said, WireFault> {
    let (verb, rest) = line::verb(line);
    if verb.eq_ignore_ascii_case(b"CONNECT") {
        return connect(rest).map(Said::Op);
    }
    let arguments = Arguments::of(rest);
    match verb.to_ascii_uppercase().as_slice() {
        b"PUB" => publish(arguments?.as_slice()).map(Said::Announced),
        b"HPUB" => publish_with_headers(arguments?.as_slice()).map(Said::Announced),
        b"SUB" => subscribe(arguments?.as_slice()).map(Said::Op),
        b"UNSUB" => unsubscribe(arguments?.as_slice()).map(Said::Op),
        b"PING" => arguments?.none().map(|()| Said::Op(ClientOp::Ping)),
        b"PONG" => arguments?.none().map(|()| Said::Op(ClientOp::Pong)),
        _ => Err(WireFault::UnknownOperation),
    }
}

fn connect(rest: &[u8]) -> Result<ClientOp, WireFault> {
    // Serde reads an array as a struct, too; nats-server does not.
    if !rest.trim_ascii_start().starts_with(b"{") {
        return Err(WireFault::Connect);
    }
    let connect = serde_json::from_slice(rest).map_err(|_| WireFault::Connect)?;
    Ok(ClientOp::Connect(connect))
}

fn publish(arguments: &[&[u8]]) -> Result<Announced, WireFault> {
    let (subject, reply, total) = match arguments {
        [subject, total] => (subject, None, total),
        [subject, reply, total] => (subject, Some(reply), total),
        _ => return Err(WireFault::Arguments),
    };
    Ok(Announced {
        subject: Subject::parse(subject)?,
        reply: reply.map(|reply| Subject::parse(reply)).transpose()?,
        lengths: Lengths::plain(total, MESSAGE_BYTES_MAX)?,
    })
}

fn publish_with_headers(arguments: &[&[u8]]) -> Result<Announced, WireFault> {
    let (subject, reply, headers, total) = match arguments {
        [subject, headers, total] => (subject, None, headers, total),
        [subject, reply, headers, total] => (subject, Some(reply), headers, total),
        _ => return Err(WireFault::Arguments),
    };
    Ok(Announced {
        subject: Subject::parse(subject)?,
        reply: reply.map(|reply| Subject::parse(reply)).transpose()?,
        lengths: Lengths::with_headers(headers, total, MESSAGE_BYTES_MAX)?,
    })
}

fn subscribe(arguments: &[&[u8]]) -> Result<ClientOp, WireFault> {
    let (subject, queue, sid) = match arguments {
        [subject, sid] => (subject, None, sid),
        [subject, queue, sid] => (subject, Some(queue), sid),
        _ => return Err(WireFault::Arguments),
    };
    Ok(ClientOp::Subscribe(Subscribe {
        subject: Subject::parse(subject)?,
        queue: queue.map(|queue| Subject::parse(queue)).transpose()?,
        sid: Sid::parse(sid)?,
    }))
}

fn unsubscribe(arguments: &[&[u8]]) -> Result<ClientOp, WireFault> {
    let (sid, after) = match arguments {
        [sid] => (sid, None),
        [sid, after] => (sid, Some(line::length(after)?)),
        _ => return Err(WireFault::Arguments),
    };
    Ok(ClientOp::Unsubscribe {
        sid: Sid::parse(sid)?,
        after: after.filter(|after| *after > 0),
    })
}
