//! Using a consumer: asking about it, deleting it, pulling from it. Its name says whose it is.

use std::time::Duration;

use bytes::Bytes;
use schemas::subject::FeedName;
use serde::{Deserialize, Serialize};

use super::name::OwnName;
use super::{
    Asker, Request, bounded, closed, feed, forbidden, forward_bytes, forward_named, malformed,
    object, stream, typed, written, written_subject,
};
use crate::acl;
use crate::limits::{HEARTBEAT_MIN, PULL_MESSAGES_MAX, PULL_WAIT_MAX, READ_BYTES_MAX};
use crate::refuse::No;
use crate::wire::Subject;

/// The subject of a pull, before its feed.
const NEXT: &str = "$JS.API.CONSUMER.MSG.NEXT.";

pub fn info(asker: Asker<'_>, stream: &str, name: &str, body: &[u8]) -> Result<Request, No> {
    let (feed, name) = own(asker, stream, name)?;
    empty(body)?;
    let subject = format!("CONSUMER.INFO.{feed}.{}", name.as_str());
    Ok(forward_named(&subject, &name, Vec::new()))
}

pub fn delete(asker: Asker<'_>, stream: &str, name: &str, body: &[u8]) -> Result<Request, No> {
    let (feed, name) = own(asker, stream, name)?;
    empty(body)?;
    let subject = format!("CONSUMER.DELETE.{feed}.{}", name.as_str());
    Ok(forward_bytes(&subject, Vec::new()))
}

/// A pull that may be made, as it is written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    subject: Subject,
    body: NextBody,
}

impl Pull {
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// As deliveries name it: `<feed>.<consumer>`.
    pub fn consumer(&self) -> &str {
        let subject = self.subject.as_str();
        subject.strip_prefix(NEXT).unwrap_or(subject)
    }

    /// How many messages are wanted.
    pub fn batch(&self) -> u64 {
        self.body.batch
    }

    /// How many bytes its client wants at most; None where it does not say.
    pub fn bytes(&self) -> Option<u64> {
        self.body.max_bytes
    }

    /// Whether it waits for what is not there yet.
    pub fn waits(&self) -> bool {
        !self.body.no_wait.unwrap_or(false)
    }

    /// When it ends; None where its client does not say.
    pub fn lasts(&self) -> Option<Duration> {
        let expires = self.body.expires.filter(|expires| *expires > 0);
        expires.map(Duration::from_nanos)
    }

    /// How often its client wants a heartbeat.
    pub fn heartbeat(&self) -> Option<Duration> {
        let every = self.body.idle_heartbeat.filter(|every| *every > 0);
        every.map(Duration::from_nanos)
    }

    /// The body by which nats-server is asked for a piece of it.
    pub fn piece(&self, piece: Piece) -> Bytes {
        written(&NextBody {
            batch: piece.batch,
            expires: piece.lasts.map(nanos),
            max_bytes: Some(piece.bytes),
            no_wait: self.body.no_wait,
            idle_heartbeat: piece.heartbeat.map(nanos),
        })
    }
}

/// What of a pull is asked for at once. Never without a bound on its bytes: what a client does not read waits at nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Messages, at most.
    pub batch: u64,
    /// And their bytes.
    pub bytes: u64,
    pub lasts: Option<Duration>,
    pub heartbeat: Option<Duration>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NextBody {
    #[serde(default)]
    batch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    no_wait: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_heartbeat: Option<u64>,
}

/// What a pull may say of groups of readers, which offices do not have.
const CLOSED: [&str; 5] = ["min_pending", "min_ack_pending", "group", "id", "priority"];

pub fn next(asker: Asker<'_>, stream: &str, name: &str, bytes: &[u8]) -> Result<Request, No> {
    let (feed, name) = own(asker, stream, name)?;
    let mut pull = match bytes.trim_ascii() {
        [] => count(1),
        [b'0'..=b'9', ..] => count(typed(object(bytes)?)?),
        bytes => {
            let mut said = object(bytes)?;
            closed::take_out(Some(&mut said), &CLOSED)?;
            typed(said)?
        }
    };
    pull.batch = bounded("batch", pull.batch, PULL_MESSAGES_MAX)?.max(1);
    pull.max_bytes = pull.max_bytes.filter(|bytes| *bytes > 0);
    bounded("max_bytes", pull.max_bytes.unwrap_or(0), READ_BYTES_MAX)?;
    let wait_max = nanos(PULL_WAIT_MAX);
    bounded("expires", pull.expires.unwrap_or(0), wait_max)?;
    let heartbeat = pull.idle_heartbeat.unwrap_or(0);
    bounded("idle_heartbeat", heartbeat, wait_max)?;
    if heartbeat > 0 && heartbeat < nanos(HEARTBEAT_MIN) {
        return Err(forbidden(
            "idle_heartbeat",
            format!("must be at least {} ms", HEARTBEAT_MIN.as_millis()),
            format!("ត្រូវយ៉ាងតិច {} ms", HEARTBEAT_MIN.as_millis()),
        ));
    }
    let subject = format!("{NEXT}{feed}.{}", name.as_str());
    Ok(Request::Pull(Pull {
        subject: written_subject(&subject),
        body: pull,
    }))
}

/// The old form of a pull: a bare number, or nothing for one.
fn count(batch: u64) -> NextBody {
    NextBody {
        batch,
        ..NextBody::default()
    }
}

/// A consumer of the office's own, on a feed of which it may still read something. Whether it may read what the consumer
/// delivers is asked again of each message: rights may have ended since it was made.
pub(super) fn own(asker: Asker<'_>, stream: &str, name: &str) -> Result<(FeedName, OwnName), No> {
    Ok((readable(asker, stream)?, OwnName::parse(asker, name)?))
}

/// The same for a subject that goes on as it came.
pub(super) fn own_whole(asker: Asker<'_>, stream: &str, name: &str) -> Result<(), No> {
    readable(asker, stream)?;
    OwnName::parse_whole(asker, name).map(|_own| ())
}

fn readable(asker: Asker<'_>, stream: &str) -> Result<FeedName, No> {
    let feed = feed(stream)?;
    acl::read(asker.registry, asker.peer, &stream::own(asker, &feed))?;
    Ok(feed)
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Some clients send an empty object where others send nothing.
fn empty(body: &[u8]) -> Result<(), No> {
    match body.trim_ascii() {
        b"" | b"{}" | b"null" => Ok(()),
        _ => Err(malformed("", "this request has no body", "សំណើនេះគ្មានតួទេ")),
    }
}
