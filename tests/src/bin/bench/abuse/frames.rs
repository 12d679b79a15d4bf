//! Operations as bytes, written before any clock runs.
//! In: subjects, events, bodies. Out: what goes over the wire. Never: a byte that was not asked for.

use bytes::Bytes;
use schemas::envelope::nats;
use schemas::signing::SignedEvent;
use tests::letter::Letter;

pub fn request(subject: &str, reply: &str, body: &str) -> Bytes {
    let bytes = body.len();
    format!("PUB {subject} {reply} {bytes}\r\n{body}\r\n").into()
}

pub fn subscribe(subject: &str, sid: &str) -> Bytes {
    format!("SUB {subject} {sid}\r\n").into()
}

/// An event on its log.
pub fn event(event: &SignedEvent, reply: &str) -> Bytes {
    event_at(&event.event().log().subject(), event, reply)
}

/// An event on any subject.
pub fn event_at(subject: &str, event: &SignedEvent, reply: &str) -> Bytes {
    publish(subject, reply, &nats::encode(event), event.event().data())
}

pub fn letter(subject: &str, letter: &Letter, reply: &str) -> Bytes {
    publish(subject, reply, letter.headers().as_bytes(), &letter.data)
}

fn publish(subject: &str, reply: &str, headers: &[u8], data: &[u8]) -> Bytes {
    let (block, total) = (headers.len(), headers.len() + data.len());
    let line = format!("HPUB {subject} {reply} {block} {total}\r\n");
    [line.as_bytes(), headers, data, b"\r\n"].concat().into()
}
