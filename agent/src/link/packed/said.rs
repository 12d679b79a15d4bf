//! What a gateway says in NATS within a packed session: bytes come in, whole messages go out. What it says of itself is passed over.

use bytes::{Buf as _, Bytes, BytesMut};
use schemas::limits::{CONTROL_LINE_BYTES_MAX, MESSAGE_BYTES_MAX};

use super::super::message::Delivery;

#[derive(Debug)]
pub enum Said {
    /// For the subscription of this number.
    Message(u64, Delivery),
    Ping,
    Error(String),
}

/// It is not NATS, or longer than anything may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway says what cannot be read")]
pub struct Unreadable;

#[derive(Debug, Default)]
pub struct Hearing(BytesMut);

/// A message whose line was read.
struct Announced {
    subject: String,
    sid: u64,
    reply: Option<String>,
    headers: usize,
    whole: usize,
}

impl Hearing {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// # Errors
    /// `Unreadable`. Nothing can be read after it.
    pub fn next(&mut self) -> Result<Option<Said>, Unreadable> {
        loop {
            let Some(end) = self.0.iter().position(|byte| *byte == b'\n') else {
                let short = self.0.len() <= CONTROL_LINE_BYTES_MAX;
                return short.then_some(None).ok_or(Unreadable);
            };
            let line = self.0.get(..end).and_then(|line| line.strip_suffix(b"\r"));
            let line = std::str::from_utf8(line.ok_or(Unreadable)?).map_err(|_| Unreadable)?;
            let behind = end.saturating_add(1);
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let said = match verb {
                "PING" => Some(Said::Ping),
                "-ERR" => Some(Said::Error(rest.trim_matches('\'').to_owned())),
                "+OK" | "PONG" | "INFO" => None,
                "MSG" | "HMSG" => {
                    let announced = announced(verb == "HMSG", rest).ok_or(Unreadable)?;
                    return self.message(announced, behind);
                }
                _ => return Err(Unreadable),
            };
            self.0.advance(behind);
            if said.is_some() {
                return Ok(said);
            }
        }
    }

    fn message(&mut self, line: Announced, before: usize) -> Result<Option<Said>, Unreadable> {
        const END: usize = 2;
        let all = before.saturating_add(line.whole).saturating_add(END);
        if self.0.len() < all {
            return Ok(None);
        }
        self.0.advance(before);
        let mut body = self.0.split_to(line.whole.saturating_add(END)).freeze();
        body.truncate(line.whole);
        let payload = body.split_off(line.headers);
        let (headers, status, description) = block(body).ok_or(Unreadable)?;
        let delivery = Delivery {
            subject: line.subject,
            reply: line.reply,
            headers,
            payload,
            status,
            description,
        };
        Ok(Some(Said::Message(line.sid, delivery)))
    }
}

/// The arguments of `MSG subject sid [reply] bytes` and `HMSG subject sid [reply] header-bytes bytes`.
fn announced(has_headers: bool, arguments: &str) -> Option<Announced> {
    let words: Vec<&str> = arguments.split_ascii_whitespace().collect();
    let (subject, sid, reply, headers, whole) = match (has_headers, words.as_slice()) {
        (false, [subject, sid, whole]) => (subject, sid, None, "0", whole),
        (false, [subject, sid, reply, whole]) => (subject, sid, Some(reply), "0", whole),
        (true, [subject, sid, headers, whole]) => (subject, sid, None, *headers, whole),
        (true, [subject, sid, reply, headers, whole]) => {
            (subject, sid, Some(reply), *headers, whole)
        }
        _ => return None,
    };
    let (headers, whole): (usize, usize) = (headers.parse().ok()?, whole.parse().ok()?);
    let fits = headers <= whole && whole <= MESSAGE_BYTES_MAX;
    fits.then_some(Announced {
        subject: (*subject).to_owned(),
        sid: sid.parse().ok()?,
        reply: reply.map(|reply| (*reply).to_owned()),
        headers,
        whole,
    })
}

/// A header block without the status that its first line may have, and that status with its words.
fn block(headers: Bytes) -> Option<(Bytes, Option<u16>, String)> {
    const VERSION: &str = "NATS/1.0";
    if headers.is_empty() {
        return Some((headers, None, String::new()));
    }
    let text = std::str::from_utf8(&headers).ok()?;
    let (first, lines) = text.strip_prefix(VERSION)?.split_once("\r\n")?;
    if first.is_empty() {
        return Some((headers, None, String::new()));
    }
    let (status, words) = first.trim().split_once(' ').unwrap_or((first.trim(), ""));
    let status = status.parse().ok()?;
    let words = words.to_owned();
    let plain = format!("{VERSION}\r\n{lines}");
    Some((plain.into(), Some(status), words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(bytes: &[u8], at_once: usize) -> Result<Vec<Said>, Unreadable> {
        let (mut hearing, mut said) = (Hearing::default(), Vec::new());
        for piece in bytes.chunks(at_once) {
            hearing.feed(piece);
            while let Some(one) = hearing.next()? {
                said.push(one);
            }
        }
        Ok(said)
    }

    #[test]
    fn messages_are_heard_whole_from_pieces_of_any_size() {
        let said = b"INFO {\"x\":1}\r\n+OK\r\nMSG _INBOX.a.1 7 2\r\nhi\r\nPING\r\n-ERR 'no (x)'\r\nHMSG a 8 r.1 18 20\r\nNATS/1.0\r\na: b\r\n\r\nhi\r\nHMSG a 8 24 24\r\nNATS/1.0 404 No Such\r\n\r\n\r\n";
        for at_once in [1, 3, said.len()] {
            let all = heard(said, at_once).expect("heard");
            let [
                Said::Message(7, plain),
                Said::Ping,
                Said::Error(error),
                Said::Message(8, with),
                Said::Message(8, status),
            ] = &all[..]
            else {
                panic!("{all:?}");
            };
            assert_eq!((&plain.payload[..], plain.status), (&b"hi"[..], None));
            assert_eq!(error, "no (x)");
            assert_eq!(
                (with.header("a"), with.reply.as_deref()),
                (Some("b"), Some("r.1"))
            );
            assert_eq!(
                (status.status, &status.description[..]),
                (Some(404), "No Such")
            );
        }
    }

    #[test]
    fn what_is_no_message_is_named() {
        let long = [b'x'; CONTROL_LINE_BYTES_MAX + 1];
        for said in [
            &b"HELLO\r\n"[..],
            b"PING\n",
            b"MSG a 1\r\n",
            b"MSG a x 1\r\n",
            b"MSG a 1 1048577\r\n",
            b"HMSG a 1 3 2\r\n",
            b"HMSG a 1 2 2\r\nxx\r\n",
            &long,
        ] {
            assert_eq!(heard(said, 1).err(), Some(Unreadable), "{said:?}");
        }
    }
}
