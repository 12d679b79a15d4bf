//! What arrives: a feed and a place in it come in, events go out as they were signed, page by page or as a stream, and how
//! complete each log is. An event's JSON is written from its signed bytes; no number in it is read and written again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use schemas::envelope::{nats, structured};
use schemas::subject::{FeedName, OfficeId};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::limits::{PAGE_EVENTS, PAGE_EVENTS_MAX};
use super::query::{Parameters, Segments};
use super::{App, read};
use crate::inbox::{Arrived, FeedStatus, LogStatus};
use crate::store::Outage;
use crate::submit::problem::{Problem, QueryMust};

/// `GET /feeds`: every feed, and what this office may do there.
pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let registry = app.registry();
    let office = &app.settings.office;
    let readable = registry.readable_feeds(office);
    let feeds: Vec<Value> = registry
        .feeds()
        .map(|feed| {
            json!({
                "feed": feed.name,
                "owner": feed.owner,
                "title": feed.title_en,
                "title_km": feed.title_km,
                "classification": feed.classification,
                "may_publish": registry.may_publish(office, &feed.name).is_ok(),
                "may_read": readable.iter().any(|known| known.name == feed.name),
                "types": feed.types,
            })
        })
        .collect();
    Json(json!({ "feeds": feeds }))
}

/// `GET /feeds/{feed}/events`: a page behind the arrival number `after`, or, where the client asks for it, a stream from there on.
pub async fn events(
    State(app): State<Arc<App>>,
    Segments(feed): Segments<String>,
    query: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let feed = feed_to_read(&app, feed).await?;
    let after = query.number("after")?.unwrap_or(0);
    let is_stream = wants_stream(&headers);
    let after = match is_stream {
        true => last_event_id(&headers)?.unwrap_or(after),
        false => after,
    };
    let limit = limit(&query)?;
    if !app.inbox.has_numbered(&feed, after) {
        return Err(Problem::NumberingAnew);
    }
    if is_stream {
        let events = arrivals(app, feed, after).map(Ok::<_, Infallible>);
        let live = Sse::new(events).keep_alive(KeepAlive::default());
        return Ok(live.into_response());
    }
    let (events, next) = page(&app, &feed, after, limit).await?;
    Ok(raw_json(format!(
        r#"{{"feed":"{feed}","events":[{}],"next":{next}}}"#,
        events.join(",")
    )))
}

/// Events of a feed in the order of their arrival, and the number of the last one looked at. Empty only at the end.
async fn page(
    app: &App,
    feed: &FeedName,
    mut after: u64,
    limit: usize,
) -> Result<(Vec<String>, u64), Problem> {
    let mut events = Vec::new();
    while events.is_empty() {
        let arrived = app.inbox.page(feed, after, limit).await?;
        let Some(last) = arrived.last() else { break };
        after = last.arrival;
        // An id that came again is not the application's a second time, a notice never.
        let theirs = arrived.iter().filter(|arrived| arrived.for_applications);
        for arrived in theirs {
            events.push(as_signed(&arrived.bytes)?);
        }
    }
    Ok((events, after))
}

pub(super) fn as_signed(stored: &Bytes) -> Result<String, Outage> {
    let event = nats::read_stored(stored).map_err(|refusal| Outage::Index {
        doing: "read an event of",
        reason: refusal.to_string(),
    })?;
    Ok(structured::encode(&event))
}

struct Tail {
    app: Arc<App>,
    feed: FeedName,
    after: u64,
    news: watch::Receiver<u64>,
    ready: VecDeque<Arrived>,
}

/// What has arrived and what will, each with its arrival number as id, until the agent stops or the store fails.
fn arrivals(app: Arc<App>, feed: FeedName, after: u64) -> impl Stream<Item = Event> {
    let shutdown = app.shutdown.clone();
    let tail = Tail {
        news: app.inbox.news(),
        app,
        feed,
        after,
        ready: VecDeque::new(),
    };
    stream::unfold(tail, |mut tail| async {
        let event = tail.next().await?;
        Some((event, tail))
    })
    .take_until(shutdown.cancelled_owned())
}

impl Tail {
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(arrived) = self.ready.pop_front() {
                if arrived.for_applications {
                    let event = Event::default().id(arrived.arrival.to_string());
                    return Some(event.data(as_signed(&arrived.bytes).ok()?));
                }
            }
            // News that come while the page is read are still unseen behind it.
            self.news.mark_unchanged();
            let page = self
                .app
                .inbox
                .page(&self.feed, self.after, PAGE_EVENTS)
                .await
                .ok()?;
            match page.last() {
                Some(last) => {
                    self.after = last.arrival;
                    self.ready = page.into();
                }
                None => self.news.changed().await.ok()?,
            }
        }
    }
}

pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.to_ascii_lowercase().contains("text/event-stream"))
}

/// Where a client that lost its stream goes on.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let malformed = Problem::QueryMalformed {
        parameter: "Last-Event-ID",
        must: QueryMust::BeNumber,
    };
    let id = headers
        .get("last-event-id")
        .map(|id| id.to_str().ok()?.parse().ok());
    match id {
        None => Ok(None),
        Some(id) => id.map(Some).ok_or(malformed),
    }
}

pub(super) fn limit(query: &Parameters) -> Result<usize, Problem> {
    let limit = query.number("limit")?.unwrap_or(PAGE_EVENTS as u64);
    let limit = usize::try_from(limit).ok();
    limit
        .filter(|limit| (1..=PAGE_EVENTS_MAX).contains(limit))
        .ok_or(Problem::QueryMalformed {
            parameter: "limit",
            must: QueryMust::BeLimit,
        })
}

pub(super) fn known_feed(app: &App, name: String) -> Result<FeedName, Problem> {
    let feed = FeedName::try_from(name).ok();
    let registry = app.registry();
    feed.filter(|feed| registry.feed(feed).is_some())
        .ok_or_else(|| Problem::FeedNotFound {
            readable: readable(app),
        })
}

/// What this office may read.
fn readable(app: &App) -> Vec<FeedName> {
    let registry = app.registry();
    let feeds = registry.readable_feeds(&app.settings.office);
    feeds.iter().map(|feed| feed.name.clone()).collect()
}

/// A feed of which something arrives, or has arrived while it was open to this office.
async fn feed_to_read(app: &Arc<App>, name: String) -> Result<FeedName, Problem> {
    let feed = known_feed(app, name)?;
    let readable = readable(app);
    if readable.contains(&feed) {
        return Ok(feed);
    }
    let asked = feed.clone();
    let arrived = read(app, move |app| Ok(app.inbox.status(&asked)?.last_arrival)).await?;
    match arrived {
        0 => Err(Problem::FeedNotReadable { readable }),
        _ => Ok(feed),
    }
}

pub(super) fn raw_json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// `GET /feeds/{feed}/completeness`: of each office that may publish there, up to which position its log is here without a gap.
pub async fn completeness(
    State(app): State<Arc<App>>,
    Segments(feed): Segments<String>,
) -> Result<Json<FeedStatus>, Problem> {
    let feed = known_feed(&app, feed)?;
    let asked = feed.clone();
    let mut status = read(&app, move |app| app.inbox.status(&asked)).await?;
    let registry = app.registry();
    for office in registry.offices().map(|office| &office.id) {
        let silent = status.logs.iter().all(|log| log.office != *office);
        let other = *office != app.settings.office;
        if silent && other && registry.may_publish(office, &feed).is_ok() {
            status.logs.push(nothing_yet(office.clone()));
        }
    }
    status.logs.sort_by(|a, b| a.office.cmp(&b.office));
    Ok(Json(status))
}

fn nothing_yet(office: OfficeId) -> LogStatus {
    LogStatus {
        office,
        complete: 0,
        known: 0,
        missing: Vec::new(),
        declared: Vec::new(),
        not_believed: Vec::new(),
        parked_events: 0,
        left_behind: false,
    }
}
