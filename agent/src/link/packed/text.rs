//! What is said in NATS within a packed session: operations come in, their bytes go out.

use schemas::envelope::nats;
use schemas::signing::SignedEvent;

use super::super::wire::Message;

/// The first operation. Names and credentials have no meaning to a gateway: the certificate speaks.
pub const CONNECT: &[u8] =
    b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n";
pub const PONG: &[u8] = b"PONG\r\n";

pub fn subscribe(subject: &str, sid: u64) -> Vec<u8> {
    format!("SUB {subject} {sid}\r\n").into_bytes()
}

pub fn unsubscribe(sid: u64) -> Vec<u8> {
    format!("UNSUB {sid}\r\n").into_bytes()
}

pub fn publish(message: &Message) -> Vec<u8> {
    let Message {
        subject,
        reply,
        headers,
        payload,
    } = message;
    operation(subject, reply.as_deref(), headers, payload)
}

/// An event on its log.
pub fn publish_event(event: &SignedEvent, reply: &str) -> Vec<u8> {
    let subject = event.event().log().subject();
    operation(
        &subject,
        Some(reply),
        &nats::encode(event),
        event.event().data(),
    )
}

fn operation(subject: &str, reply: Option<&str>, headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
    let whole = headers.len().saturating_add(payload.len());
    let line = match headers.len() {
        0 => format!("PUB {subject} {reply}{whole}\r\n"),
        block => format!("HPUB {subject} {reply}{block} {whole}\r\n"),
    };
    [line.as_bytes(), headers, payload, b"\r\n"].concat()
}
