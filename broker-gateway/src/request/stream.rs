//! What there is to read: names from policy, counts from the server.

use bytes::Bytes;
use schemas::subject::{CONFIRMATIONS, FeedName, LogName};
use serde::{Deserialize, Serialize};

use super::filter::LogFilter;
use super::{Asker, Request, feed, forward, optional_body};
use crate::acl::{self, Scope};
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
    offset: usize,
    limit: usize,
    streams: Vec<&'a str>,
}

/// The server would name every stream; policy names those that the office may see. Feeds are few, so a page holds them all.
pub fn names(asker: Asker<'_>, body: &[u8]) -> Result<Request, No> {
    let NamesBody { offset, subject } = optional_body(body)?;
    let all: Vec<&str> = acl::feeds_seen(asker.registry, asker.peer)
        .into_iter()
        .map(|feed| feed.as_str())
        .filter(|feed| {
            subject
                .as_deref()
                .is_none_or(|subject| holds(feed, subject))
        })
        .collect();
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
    let names = Names {
        kind: "io.nats.jetstream.api.v1.stream_names_response",
        total: all.len(),
        offset,
        limit: 1024,
        streams: all[offset..].to_vec(),
    };
    let body = serde_json::to_vec(&names).expect("a struct of plain fields is JSON");
    Ok(Request::Answer(Bytes::from(body)))
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

/// Without a filter the answer counts the stream as a whole and names no log: clients need it to begin.
pub fn info(asker: Asker<'_>, stream: &str, body: &[u8]) -> Result<Request, No> {
    let feed = feed(stream)?;
    let InfoBody {
        offset,
        subjects_filter,
        deleted_details,
    } = optional_body(body)?;
    let filter = match subjects_filter.as_deref() {
        None | Some("") => None,
        Some(text) => Some(LogFilter::parse(&feed, text)?),
    };
    match &filter {
        Some(filter) => filter.allow(asker)?,
        None => acl::read(asker.registry, asker.peer, &own(asker, &feed))?,
    };
    let body = Info {
        subjects_filter: filter.as_ref().map(LogFilter::text),
        offset,
        deleted_details: deleted_details.unwrap_or(false),
    };
    Ok(forward(&format!("STREAM.INFO.{feed}"), &body))
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
