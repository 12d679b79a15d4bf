//! A message of the client library comes in, plain parts go out: the one place where header maps become header blocks.

use async_nats::header::{HeaderName, HeaderValue};
use async_nats::{HeaderMap, Message};
use bytes::Bytes;

/// What arrived: on an inbox, or from a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub subject: String,
    /// The reply subject; a consumer puts the message's place into it.
    pub reply: Option<String>,
    /// The header block with its version line; empty where there are no headers.
    pub headers: Bytes,
    pub payload: Bytes,
    /// JetStream's status, where the message is one: 404, 408, 409, 503, ...
    pub status: Option<u16>,
    pub description: String,
}

impl From<Message> for Delivery {
    fn from(message: Message) -> Delivery {
        Delivery {
            subject: message.subject.to_string(),
            reply: message.reply.map(|reply| reply.to_string()),
            headers: message.headers.as_ref().map(block).unwrap_or_default(),
            payload: message.payload,
            status: message.status.map(|status| status.as_u16()),
            description: message.description.unwrap_or_default(),
        }
    }
}

impl Delivery {
    /// A header's value, the first one of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.headers).ok()?;
        let mut lines = text.split("\r\n").filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn block(headers: &HeaderMap) -> Bytes {
    let mut block = Vec::with_capacity(1_400);
    block.extend_from_slice(b"NATS/1.0\r\n");
    for (name, values) in headers.iter() {
        for value in values {
            block.extend_from_slice(AsRef::<str>::as_ref(name).as_bytes());
            block.extend_from_slice(b": ");
            block.extend_from_slice(value.as_str().as_bytes());
            block.extend_from_slice(b"\r\n");
        }
    }
    block.extend_from_slice(b"\r\n");
    block.into()
}

/// Takes a header block of our own making apart.
pub fn header_map(block: &[u8]) -> HeaderMap {
    let text = std::str::from_utf8(block).unwrap_or_default();
    let lines = text
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append::<HeaderName, HeaderValue>(name, value);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_block_goes_through_the_client_library_unaltered() {
        let given = "NATS/1.0\r\nce-id: 7\r\nce-subject: KH17/%E1%9E%9F\r\nce-empty: \r\n\r\n";
        let map = header_map(given.as_bytes());
        let back = block(&map);
        let lines = |block: &[u8]| {
            let text = String::from_utf8(block.to_vec()).expect("a header block is text");
            let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&back), lines(given.as_bytes()));
    }
}
