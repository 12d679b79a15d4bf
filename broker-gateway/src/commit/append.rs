//! Events come in, the messages that store them go out, and what JetStream answers is read. Only the first message of a log in an
//! append carries the expectation: it guards against others who write at the same time. What may be stored is guarded by the chain.

use schemas::receipt::Stamp;
use schemas::refusal::Hold;
use serde::Deserialize;

use super::share::used_header;
use crate::upstream::jetstream::{self, ApiError, JetStream, Messages, Outage};

/// What a message carries besides the event's headers and data: subject, stamp, and what JetStream must know.
pub(super) const OWN_BYTES_USUAL: usize = 400;

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Stored and synced; the stream sequence of its last message.
    Stored(u64),
    /// An expectation did not hold: nothing was stored. The log's true last sequence, where the server tells it.
    Stale(Option<u64>),
    /// The stream has no room.
    Full,
    /// Nothing was stored, for a reason that is not the events'.
    Refused(String),
    /// Nobody knows.
    Unknown(Outage),
    /// It was acknowledged, and was looked for in vain.
    NotReadBack(Hold),
}

/// An event to be stored, and the expectation, if it is its log's first in this append.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// The event's own header block.
    pub headers: &'a [u8],
    pub data: &'a [u8],
    pub subject: &'a str,
    pub expected: Option<u64>,
    /// Bytes of its log up to it, beside the last of each log in an append.
    pub used: Option<u64>,
}

impl Message<'_> {
    pub fn bytes(&self) -> usize {
        let said = self.headers.len().saturating_add(self.data.len());
        said.saturating_add(OWN_BYTES_USUAL)
    }
}

/// One event by itself: one fsync.
pub(super) fn single<'j>(
    jetstream: &'j JetStream,
    message: &Message<'_>,
    stamp: &Stamp,
) -> Messages<'j> {
    let mut messages = Messages::of(jetstream, message.bytes());
    let own = own_headers(message, stamp, "");
    messages.post_last(message.subject, whole(message, &own), message.data);
    messages
}

/// Many events, all or nothing: about four fsyncs (ADR-50). Its id is used once.
pub(super) fn batch<'j>(
    jetstream: &'j JetStream,
    all: &[Message<'_>],
    stamp: &Stamp,
) -> Messages<'j> {
    let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut messages = Messages::of(jetstream, all.iter().map(Message::bytes).sum());
    for (number, message) in (1..).zip(all) {
        let place = format!("Nats-Batch-Id: {id}\r\nNats-Batch-Sequence: {number}\r\n");
        if number < all.len() {
            let own = own_headers(message, stamp, &place);
            messages.post(message.subject, whole(message, &own), message.data);
        } else {
            let own = own_headers(message, stamp, &format!("{place}Nats-Batch-Commit: 1\r\n"));
            messages.post_last(message.subject, whole(message, &own), message.data);
        }
    }
    messages
}

/// The event's own headers without the empty line that ends them, and behind them the gateway's.
fn whole<'m>(message: &Message<'m>, own: &'m str) -> [&'m [u8]; 2] {
    let lines = message.headers.strip_suffix(b"\r\n");
    [lines.unwrap_or(message.headers), own.as_bytes()]
}

/// The gateway's stamp, and what JetStream must know.
fn own_headers(message: &Message<'_>, stamp: &Stamp, batch: &str) -> String {
    let mut own = stamp.headers() + batch;
    own += &message.used.map(used_header).unwrap_or_default();
    if let Some(expected) = message.expected {
        own += &format!("Nats-Expected-Last-Subject-Sequence: {expected}\r\n");
    }
    own.push_str("\r\n");
    own
}

/// Waits for JetStream's word on an append.
pub(super) async fn outcome(sent: Result<jetstream::Pending, Outage>) -> Outcome {
    #[derive(Deserialize)]
    struct PubAck {
        seq: u64,
    }
    let answer = match sent {
        Ok(pending) => pending.answer().await,
        Err(outage) => Err(outage),
    };
    match answer.and_then(|body| jetstream::read::<PubAck>(&body)) {
        Ok(Ok(ack)) => Outcome::Stored(ack.seq),
        Ok(Err(error)) => refused(&error),
        // Where nobody listened, nothing was stored.
        Err(nobody @ Outage::NoResponder(_)) => Outcome::Refused(nobody.to_string()),
        Err(outage) => Outcome::Unknown(outage),
    }
}

/// By JetStream's error codes: the sentences change from version to version.
fn refused(error: &ApiError) -> Outcome {
    match error.err_code {
        // Wrong last sequence, with and without its number; a batch with a message missing.
        10071 | 10164 | 10176 => {
            let number = error.description.rsplit(' ').next();
            Outcome::Stale(number.and_then(|number| number.parse().ok()))
        }
        // No room: in the stream, in the account, on the server.
        10077 | 10023 | 10047 | 10002 | 10028 => Outcome::Full,
        _ => Outcome::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(err_code: u32, description: &str) -> ApiError {
        ApiError {
            code: 400,
            err_code,
            description: description.to_owned(),
        }
    }

    #[test]
    fn jetstreams_refusals_are_told_apart_by_their_codes() {
        let stale = refused(&error(10071, "wrong last sequence: 41"));
        assert_eq!(stale, Outcome::Stale(Some(41)));
        assert_eq!(
            refused(&error(10164, "wrong last sequence")),
            Outcome::Stale(None)
        );
        assert_eq!(
            refused(&error(10077, "maximum bytes exceeded")),
            Outcome::Full
        );
        assert!(matches!(
            refused(&error(10008, "not available")),
            Outcome::Refused(_)
        ));
    }
}
