//! What there is to read: names from policy, counts from the server.

use schemas::refusal::Hold;
use schemas::subject::{CONFIRMATIONS, FeedName, LogName};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::filter::LogFilter;
use super::{Asker, Request, feed, forward, optional_body, written};
use crate::acl::{self, Scope};
use crate::limits::{ACKS_PENDING_MAX, CONSUMERS_MAX};
use crate::refuse::No;
use crate::wire::Subject;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamesBody {
    #[serde(default)]
    offset: u64,
    /// Which streams hold this subject; clients look the stream of a filter up by it.
    #[serde(default)]
    subject: Option<String>,
}

#[derive(Serialize)]
struct Names<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    total: usize,
    offset: u64,
    limit: usize,
    streams: Vec<&'a str>,
}

/// The server would name every stream; policy names those that the office may see. Feeds are few, so a page holds them all.
pub fn names(asker: Asker<'_>, body: &[u8]) -> Result<Request, No> {
    let NamesBody { offset, subject } = optional_body(body)?;
    let all = named(asker, subject.as_deref());
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let names = Names {
        kind: "io.nats.jetstream.api.v1.stream_names_response",
        total: all.len(),
        offset,
        limit: 1024,
        streams: all
            .into_iter()
            .skip(skipped)
            .map(FeedName::as_str)
            .collect(),
    };
    Ok(Request::Answer(written(&names)))
}

/// The streams that there are for the office, or those of them that hold a subject.
fn named<'a>(asker: Asker<'a>, subject: Option<&str>) -> Vec<&'a FeedName> {
    let mut feeds = acl::feeds_seen(asker.registry, asker.peer);
    feeds.retain(|feed| subject.is_none_or(|subject| holds(feed.as_str(), subject)));
    feeds
}

/// Whether a feed's stream has messages on a subject, which may hold wildcards itself.
fn holds(feed: &str, subject: &str) -> bool {
    let Ok(subject) = Subject::parse(subject.as_bytes()) else {
        return false;
    };
    let mut tokens = subject.as_str().split('.');
    for own in ["spean", "log", feed] {
        match tokens.next() {
            Some(">") => return true,
            Some(token) if token == "*" || token == own => {}
            Some(_) | None => return false,
        }
    }
    tokens.next().is_some()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InfoBody {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    subjects_filter: Option<String>,
    #[serde(default)]
    deleted_details: Option<bool>,
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects_filter: Option<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted_details: bool,
}

/// What an office is told of what there is, by the gateway's own questions to nats-server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    Stream(Sight),
    Streams { sights: Vec<Sight>, offset: usize },
    ConsumerNames(OwnConsumers),
    Consumers(OwnConsumers),
}

/// As much of a stream as an office sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    Whole(FeedName),
    /// What its own logs count, and the sequences, which each of its answers tells, too.
    Own {
        stream: FeedName,
        filter: Option<String>,
        /// Whether it has asked for the counts of each subject.
        by_subject: bool,
    },
}

/// A page of an office's consumers on a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnConsumers {
    pub stream: FeedName,
    pub prefix: String,
    pub offset: usize,
}

/// Without a filter the answer counts the stream as a whole, or the own log: clients need it to begin.
pub fn info(asker: Asker<'_>, stream: &str, body: &[u8]) -> Result<Request, No> {
    let feed = seen(asker, feed(stream)?)?;
    let InfoBody {
        offset,
        subjects_filter,
        deleted_details,
    } = optional_body(body)?;
    let filter = match subjects_filter.as_deref() {
        None | Some("") => None,
        Some(text) => Some(LogFilter::parse(&feed, text)?),
    };
    if let Some(filter) = &filter {
        filter.allow(asker)?;
    }
    if let Sight::Own { filter: own, .. } = sight(asker, &feed) {
        return Ok(Request::Look(Look::Stream(Sight::Own {
            stream: feed,
            by_subject: filter.is_some(),
            filter: filter.map(|filter| filter.text().to_owned()).or(own),
        })));
    }
    let body = Info {
        subjects_filter: filter.as_ref().map(LogFilter::text),
        offset,
        deleted_details: deleted_details.unwrap_or(false),
    };
    Ok(forward(&format!("STREAM.INFO.{feed}"), &body))
}

/// The same of every stream that there is for the office.
pub fn list(asker: Asker<'_>, body: &[u8]) -> Result<Request, No> {
    let NamesBody { offset, subject } = optional_body(body)?;
    let sights = named(asker, subject.as_deref());
    let sights = sights.into_iter().map(|feed| sight(asker, feed));
    Ok(Request::Look(Look::Streams {
        sights: sights.collect(),
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
    }))
}

pub fn consumer_names(asker: Asker<'_>, stream: &str, body: &[u8]) -> Result<Request, No> {
    own_consumers(asker, stream, body).map(|page| Request::Look(Look::ConsumerNames(page)))
}

pub fn consumers(asker: Asker<'_>, stream: &str, body: &[u8]) -> Result<Request, No> {
    own_consumers(asker, stream, body).map(|page| Request::Look(Look::Consumers(page)))
}

fn own_consumers(asker: Asker<'_>, stream: &str, body: &[u8]) -> Result<OwnConsumers, No> {
    let PageBody { offset } = optional_body(body)?;
    Ok(OwnConsumers {
        stream: seen(asker, feed(stream)?)?,
        prefix: asker.peer.consumer_prefix(),
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageBody {
    #[serde(default)]
    offset: u64,
}

/// What clients ask for when they begin. Nothing of it is a secret or a promise: an office makes no streams.
pub fn account(asker: Asker<'_>) -> Result<Request, No> {
    let streams = acl::feeds_seen(asker.registry, asker.peer).len();
    let account = json!({
        "type": "io.nats.jetstream.api.v1.account_info_response",
        "memory": 0, "storage": 0, "reserved_memory": 0, "reserved_storage": 0,
        "streams": streams, "consumers": 0,
        "limits": {
            "max_memory": 0, "max_storage": 0, "max_streams": streams, "max_consumers": CONSUMERS_MAX,
            "max_ack_pending": ACKS_PENDING_MAX,
            "memory_max_stream_bytes": 0, "storage_max_stream_bytes": 0, "max_bytes_required": false,
        },
        "api": { "level": 0, "total": 0, "errors": 0 },
    });
    Ok(Request::Answer(written(&account)))
}

/// Streams of which there is something for the office; of others it does not learn how much they hold.
fn seen(asker: Asker<'_>, stream: FeedName) -> Result<FeedName, No> {
    acl::read(asker.registry, asker.peer, &own(asker, &stream))?;
    let feeds = acl::feeds_seen(asker.registry, asker.peer);
    match stream.as_str() == CONFIRMATIONS || feeds.contains(&&stream) {
        true => Ok(stream),
        false => Err(Hold::GrantUnknown.into()),
    }
}

fn sight(asker: Asker<'_>, stream: &FeedName) -> Sight {
    let feed = Scope::Feed(stream.clone());
    if acl::read(asker.registry, asker.peer, &feed).is_ok() {
        return Sight::Whole(stream.clone());
    }
    let filter = match own(asker, stream) {
        Scope::Log(log) => Some(log.subject()),
        Scope::Feed(_) | Scope::Confirmations { .. } => None,
    };
    Sight::Own {
        stream: stream.clone(),
        filter,
        by_subject: false,
    }
}

/// The least that an office may read of a feed.
pub(super) fn own(asker: Asker<'_>, stream: &FeedName) -> Scope {
    if stream.as_str() == CONFIRMATIONS {
        return Scope::Confirmations {
            stream: stream.clone(),
            of: None,
        };
    }
    Scope::Log(LogName {
        feed: stream.clone(),
        office: asker.peer.office().clone(),
    })
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
