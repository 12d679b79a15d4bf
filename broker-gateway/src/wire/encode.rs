//! What is to be said comes in, the bytes of one frame go out. Each frame is whole: half a frame is never handed to a socket's queue.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use schemas::json;
use schemas::registry::RegistryHead;
use serde::Serialize;

use super::line::LINE_END;
use super::subject::{Sid, Subject};

/// The gateway's own INFO: it names nobody else's address, and asks for no signature of a nonce.
#[derive(Debug, Clone, Serialize)]
pub struct ServerInfo<'a> {
    pub server_id: &'a str,
    pub server_name: &'a str,
    /// Clients decide by it what they may use.
    pub version: &'a str,
    pub proto: u8,
    pub host: &'a str,
    pub port: u16,
    pub headers: bool,
    pub max_payload: usize,
    pub jetstream: bool,
    pub auth_required: bool,
    pub tls_required: bool,
    pub tls_verify: bool,
    pub client_id: u64,
    /// As the gateway sees it; behind one address may stand many offices.
    pub client_ip: IpAddr,
    /// Lame duck mode: the client is asked to go elsewhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ldm: bool,
    /// Stock clients leave it aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spean_registry: Option<RegistryHead>,
}

/// Whole frames, one behind the other, ready for a socket.
#[derive(Debug, Default)]
pub struct Frame(BytesMut);

impl Frame {
    pub fn new() -> Frame {
        Frame::default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }

    pub fn info(mut self, info: &ServerInfo<'_>) -> Frame {
        self.text("INFO ");
        self.json(info);
        self.text("\r\n");
        self
    }

    pub fn connect(mut self, connect: &impl Serialize) -> Frame {
        self.text("CONNECT ");
        self.json(connect);
        self.text("\r\n");
        self
    }

    pub fn ok(mut self) -> Frame {
        self.text("+OK\r\n");
        self
    }

    pub fn ping(mut self) -> Frame {
        self.text("PING\r\n");
        self
    }

    pub fn pong(mut self) -> Frame {
        self.text("PONG\r\n");
        self
    }

    /// Clients find the words between single quotes on one line, so neither may be within.
    pub fn error(mut self, text: &str) -> Frame {
        self.text("-ERR '");
        let safe = text.chars().map(|c| match c {
            '\'' => '`',
            c if c.is_control() => ' ',
            c => c,
        });
        self.0.extend(safe.flat_map(|c| {
            let mut utf8 = [0; 4];
            c.encode_utf8(&mut utf8).as_bytes().to_vec()
        }));
        self.text("'\r\n");
        self
    }

    pub fn message(mut self, subject: &Subject, sid: &Sid, payload: &[u8]) -> Frame {
        self.line(format_args!("MSG {subject} {sid} {}\r\n", payload.len()));
        self.payload(None, payload)
    }

    pub fn message_with_headers(
        mut self,
        subject: &Subject,
        sid: &Sid,
        headers: &[u8],
        payload: &[u8],
    ) -> Frame {
        let first = headers.len();
        let total = first.saturating_add(payload.len());
        self.line(format_args!("HMSG {subject} {sid} {first} {total}\r\n"));
        self.payload(Some(headers), payload)
    }

    pub fn publish(mut self, subject: &Subject, reply: Option<&Subject>, payload: &[u8]) -> Frame {
        let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
        self.line(format_args!("PUB {subject} {reply}{}\r\n", payload.len()));
        self.payload(None, payload)
    }

    pub fn publish_with_headers(
        mut self,
        subject: &Subject,
        reply: Option<&Subject>,
        headers: &[u8],
        payload: &[u8],
    ) -> Frame {
        let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
        let first = headers.len();
        let total = first.saturating_add(payload.len());
        self.line(format_args!("HPUB {subject} {reply}{first} {total}\r\n"));
        self.payload(Some(headers), payload)
    }

    pub fn subscribe(mut self, subject: &Subject, sid: &Sid) -> Frame {
        self.line(format_args!("SUB {subject} {sid}\r\n"));
        self
    }

    pub fn unsubscribe(mut self, sid: &Sid, after: Option<usize>) -> Frame {
        match after {
            Some(after) => self.line(format_args!("UNSUB {sid} {after}\r\n")),
            None => self.line(format_args!("UNSUB {sid}\r\n")),
        }
        self
    }

    fn payload(mut self, headers: Option<&[u8]>, payload: &[u8]) -> Frame {
        let headers = headers.unwrap_or_default();
        let whole = headers.len().saturating_add(payload.len());
        self.0.reserve(whole.saturating_add(LINE_END.len()));
        self.0.put_slice(headers);
        self.0.put_slice(payload);
        self.text("\r\n");
        self
    }

    #[expect(clippy::expect_used, reason = "a BytesMut grows")]
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.0.write_fmt(line).expect("written");
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn json(&mut self, value: &impl Serialize) {
        self.text(&json::text(value));
    }
}
