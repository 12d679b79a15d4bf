//! nats-server's bytes come in, its frames go out. A message keeps its bytes as they came, so that it can be passed on without
//! being written anew; only its subscription is read.

use bytes::Bytes;
use bytes::buf::Limit;
use serde::Deserialize;

use schemas::limits::MESSAGE_BYTES_MAX;

use super::WireFault;
use super::buffer::ReadBuffer;
use super::line::{self, Arguments, LINE_END, Lengths};
use super::subject::Sid;

/// A server's INFO names its cluster's addresses; a few KiB are usual, clients' control lines are shorter.
const SERVER_LINE_BYTES_MAX: usize = 32 * 1024;
/// `STREAM.MSG.GET` answers with a message in base64 within JSON, which is a third longer than the largest message.
const DELIVERY_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// Everything that a server can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFrame {
    Info(UpstreamInfo),
    Message(Delivery),
    Ok,
    Error(String),
    Ping,
    Pong,
}

/// What of a server's INFO has a meaning here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UpstreamInfo {
    #[serde(default)]
    pub server_name: String,
    /// Another one after each start of the server.
    #[serde(default)]
    pub server_id: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub nonce: Option<String>,
    #[serde(default)]
    pub headers: bool,
    #[serde(default)]
    pub jetstream: bool,
    /// Lame duck mode: the server asks its clients to go elsewhere.
    #[serde(default)]
    pub ldm: bool,
}

/// One message for one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub sid: Sid,
    /// The frame from its verb to the last CR LF.
    pub frame: Bytes,
    payload_at: usize,
}

impl Delivery {
    /// The subject that the message was published on, as the frame holds it.
    pub fn subject(&self) -> &[u8] {
        let (line, _) = self.parts();
        line.split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|part| !part.is_empty())
            .nth(1)
            .unwrap_or_default()
    }

    /// Where an answer goes; a consumer's deliveries name it there.
    pub fn reply(&self) -> Option<&[u8]> {
        let (line, _) = self.parts();
        let mut parts = line
            .strip_suffix(LINE_END)?
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|part| !part.is_empty());
        let lengths = match parts.next() {
            Some(verb) if verb.eq_ignore_ascii_case(b"HMSG") => 2,
            Some(_) | None => 1,
        };
        // Subject and subscription come before it.
        let reply = parts.nth(2)?;
        (parts.count() == lengths).then_some(reply)
    }

    /// The status of a message that is nothing else, such as a heartbeat or the end of a pull.
    pub fn status(&self) -> Option<u16> {
        let (_, body) = self.parts();
        let rest = body.strip_prefix(b"NATS/1.0 ")?;
        std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
    }

    /// The headers and payload, as the frame holds them.
    pub fn body(&self) -> Bytes {
        let end = self.frame.len().saturating_sub(LINE_END.len());
        self.frame.slice(self.payload_at..end)
    }

    /// The control line and what is behind it, each with its end.
    fn parts(&self) -> (&[u8], &[u8]) {
        let parts = self.frame.split_at_checked(self.payload_at);
        parts.unwrap_or((&self.frame, &[]))
    }
}

#[derive(Debug, Default)]
pub struct ServerParser {
    buffer: ReadBuffer,
    announced: Option<Announced>,
}

/// A message whose control line, still in the buffer, was read and whose payload is awaited.
#[derive(Debug)]
struct Announced {
    sid: Sid,
    payload_at: usize,
    frame_bytes: usize,
}

impl ServerParser {
    pub fn new() -> ServerParser {
        ServerParser::default()
    }

    /// Where the next bytes from the socket go.
    pub fn room(&mut self) -> Limit<&mut bytes::BytesMut> {
        let wants = match &self.announced {
            Some(announced) => announced.frame_bytes.saturating_sub(self.buffer.len()),
            None => 0,
        };
        self.buffer.room(wants)
    }

    /// Tells how many bytes the last read brought.
    pub fn pace(&mut self, read: usize) {
        self.buffer.pace(read);
    }

    /// The next whole frame, if it has arrived.
    ///
    /// # Errors
    /// The first breach of the protocol. Nothing can be read after it.
    pub fn next_frame(&mut self) -> Result<Option<ServerFrame>, WireFault> {
        if self.announced.is_none() {
            let Some(line) = self.buffer.line(SERVER_LINE_BYTES_MAX)? else {
                return Ok(None);
            };
            let payload_at = line.len().saturating_add(LINE_END.len());
            match read_line(line)? {
                Said::Frame(frame) => {
                    self.buffer.skip_line();
                    return Ok(Some(frame));
                }
                Said::Message(sid, lengths) => {
                    self.announced = Some(Announced {
                        sid,
                        payload_at,
                        frame_bytes: payload_at.saturating_add(lengths.whole()),
                    });
                }
            }
        }
        self.message()
    }

    fn message(&mut self) -> Result<Option<ServerFrame>, WireFault> {
        let whole = |announced: &Announced| self.buffer.len() >= announced.frame_bytes;
        let Some(announced) = self.announced.take_if(|announced| whole(announced)) else {
            return Ok(None);
        };
        let frame = self.buffer.take(announced.frame_bytes);
        if !frame.ends_with(b"\r\n") {
            return Err(WireFault::PayloadEnd);
        }
        Ok(Some(ServerFrame::Message(Delivery {
            sid: announced.sid,
            frame,
            payload_at: announced.payload_at,
        })))
    }

    #[cfg(test)]
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.feed(bytes);
    }
}

enum Said {
    Frame(ServerFrame),
    Message(Sid, Lengths),
}

fn read_line(line: &[u8]) -> Result<Said, WireFault> {
    let (verb, rest) = line::verb(line);
    let frame = match verb.to_ascii_uppercase().as_slice() {
        b"MSG" => return message(Arguments::of(rest)?.as_slice()),
        b"HMSG" => return message_with_headers(Arguments::of(rest)?.as_slice()),
        b"INFO" => ServerFrame::Info(serde_json::from_slice(rest).map_err(|_| WireFault::Info)?),
        b"-ERR" => ServerFrame::Error(error_text(rest)),
        b"+OK" => ServerFrame::Ok,
        b"PING" => ServerFrame::Ping,
        b"PONG" => ServerFrame::Pong,
        _ => return Err(WireFault::UnknownOperation),
    };
    Ok(Said::Frame(frame))
}

fn message(arguments: &[&[u8]]) -> Result<Said, WireFault> {
    let ([_, sid, total] | [_, sid, _, total]) = arguments else {
        return Err(WireFault::Arguments);
    };
    let lengths = Lengths::plain(total, DELIVERY_BYTES_MAX)?;
    Ok(Said::Message(Sid::parse(sid)?, lengths))
}

fn message_with_headers(arguments: &[&[u8]]) -> Result<Said, WireFault> {
    let ([_, sid, headers, total] | [_, sid, _, headers, total]) = arguments else {
        return Err(WireFault::Arguments);
    };
    let lengths = Lengths::with_headers(headers, total, DELIVERY_BYTES_MAX)?;
    Ok(Said::Message(Sid::parse(sid)?, lengths))
}

fn error_text(rest: &[u8]) -> String {
    let text = String::from_utf8_lossy(rest);
    text.trim().trim_matches('\'').to_owned()
}
