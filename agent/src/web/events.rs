//! `POST /events` and its kin: drafts come in, and are answered when they are on disk; an id comes in, its stage goes out.
//! 202 is never said before the outbox has synced; a batch is valid as a whole, or nothing of it is accepted.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::counter;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::event::{Draft, Hash};
use schemas::refusal::{Hold, Refusal};
use schemas::subject::FeedName;
use serde::Serialize;
use serde_json::{Value, json};

use super::body::{self, Posted};
use super::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use super::query::{Parameters, Segments};
use super::stage::stage;
use super::{App, read};
use crate::outbox::{Accepted, Known, Submission};
use crate::store::Outage;
use crate::submit::problem::{Problem, QueryMust};
use crate::submit::{Desk, now};

/// What a submitter is told of an accepted event; the same whenever it asks again, but for the word that it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Told {
    id: String,
    state: &'static str,
    feed: FeedName,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

/// `POST /events`
pub async fn submit(
    State(app): State<Arc<App>>,
    query: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let feed = query.text("feed")?.map(feed_name).transpose()?;
    accept(&app, feed, wish(&query)?, &headers, body).await
}

/// `POST /feeds/{feed}/events`
pub async fn submit_to_feed(
    State(app): State<Arc<App>>,
    Segments(feed): Segments<String>,
    query: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let feed = feed_name(feed)?;
    accept(&app, Some(feed), wish(&query)?, &headers, body).await
}

/// What a submitter wants of what it posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Accept,
    /// To be told what would become of it; nothing is accepted.
    Check,
}

fn wish(query: &Parameters) -> Result<Wish, Problem> {
    match query.text("check")?.as_deref() {
        None => Ok(Wish::Accept),
        Some("only") => Ok(Wish::Check),
        Some(_) => Err(Problem::QueryMalformed {
            parameter: "check",
            must: QueryMust::BeOnly,
        }),
    }
}

/// What is no name is the name of no feed.
pub fn feed_name(name: String) -> Result<FeedName, Problem> {
    FeedName::try_from(name).map_err(|_| Hold::FeedUnknown.into())
}

async fn accept(
    app: &Arc<App>,
    feed: Option<FeedName>,
    wish: Wish,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let key = idempotency_key(headers)?;
    let body = body::read(headers, body).await?;
    match body::parse(headers, body, feed.is_some())? {
        Posted::One(draft) if wish == Wish::Check => {
            let submission = valid(app, *draft, feed.as_ref(), key.as_deref())?;
            foretell(app, vec![submission]).await
        }
        Posted::One(draft) => {
            let submission = valid(app, *draft, feed.as_ref(), key.as_deref())?;
            let told = tell(
                &submission.feed.clone(),
                app.outbox.accept(submission).await?,
            );
            let location = utf8_percent_encode(&told.id, NON_ALPHANUMERIC).to_string();
            let location = [(LOCATION, format!("/events/{location}"))];
            Ok((StatusCode::ACCEPTED, location, Json(told)).into_response())
        }
        Posted::Batch(drafts) => {
            let submissions = valid_batch(app, drafts, feed.as_ref(), key.as_deref())?;
            match wish {
                Wish::Check => foretell(app, submissions).await,
                Wish::Accept => accept_batch(app, submissions).await,
            }
        }
    }
}

/// What would become of each, if it were submitted now: `new`, or accepted `again`, or its id is `taken` by other content.
async fn foretell(app: &Arc<App>, submissions: Vec<Submission>) -> Result<Response, Problem> {
    let checked = read(app, move |app| {
        let foretold = submissions.iter().map(|submission| {
            let known = app.outbox.known(&submission.feed, &submission.id)?;
            let state = match known.map(|known| known.content) {
                None => "new",
                Some(Some(before)) if before != submission.content => "taken",
                Some(_) => "again",
            };
            Ok(json!({"id": submission.id, "feed": submission.feed, "state": state}))
        });
        foretold.collect::<Result<Vec<Value>, Outage>>()
    })
    .await?;
    Ok(Json(json!({ "checked": checked })).into_response())
}

/// Valid as a whole or not at all.
fn valid_batch(
    app: &App,
    drafts: Vec<Result<Draft, Refusal>>,
    feed: Option<&FeedName>,
    key: Option<&str>,
) -> Result<Vec<Submission>, Problem> {
    let mut submissions = Vec::with_capacity(drafts.len());
    let mut faults = Vec::new();
    for (index, draft) in drafts.into_iter().enumerate() {
        let key = key.map(|key| format!("{key}\n{index}"));
        let draft = draft.map_err(Problem::from);
        match draft.and_then(|draft| valid(app, draft, feed, key.as_deref())) {
            Ok(submission) => submissions.push(submission),
            Err(problem) => faults.push((index, problem)),
        }
    }
    match faults.is_empty() {
        true => Ok(submissions),
        false => Err(Problem::BatchRefused(faults)),
    }
}

/// None of the batch, where an id of it is taken; else each by itself, and all share the disk's sync.
async fn accept_batch(app: &Arc<App>, submissions: Vec<Submission>) -> Result<Response, Problem> {
    let names = submissions
        .iter()
        .map(|s| (s.feed.clone(), s.id.clone(), s.content));
    let names: Vec<Name> = names.collect();
    let faults = read(app, move |app| taken_ids(app, &names)).await?;
    if !faults.is_empty() {
        return Err(Problem::BatchRefused(faults));
    }
    let feeds: Vec<FeedName> = submissions.iter().map(|s| s.feed.clone()).collect();
    let accepted = app.outbox.accept_all(submissions).await;
    let answers = feeds.iter().zip(accepted).map(|(feed, accepted)| {
        accepted
            .map(|accepted| tell(feed, accepted))
            .map_err(Problem::from)
    });
    Ok(batch_answer(answers.collect()))
}

/// What the outbox knows a submission by.
type Name = (FeedName, String, Hash);

/// Ids of the batch that stand for other content, in the outbox or twice in the batch itself.
fn taken_ids(app: &App, names: &[Name]) -> Result<Vec<(usize, Problem)>, Outage> {
    let mut own: HashMap<(&FeedName, &str), Hash> = HashMap::new();
    let mut taken = Vec::new();
    for (index, (feed, id, content)) in names.iter().enumerate() {
        let known = app.outbox.known(feed, id)?;
        let before = known.and_then(|known| known.content);
        let here = *own.entry((feed, id)).or_insert(*content);
        if here != *content || before.is_some_and(|before| before != *content) {
            taken.push((index, Problem::IdTaken { id: id.clone() }));
        }
    }
    Ok(taken)
}

/// 202 where all were accepted. Where the disk failed half-way, each event's own answer, under the status of the first failure:
/// what was accepted stays accepted, and the same batch can be sent again.
fn batch_answer(answers: Vec<Result<Told, Problem>>) -> Response {
    let failure = answers.iter().find_map(|answer| answer.as_ref().err());
    let status = failure.map_or(202, Problem::status);
    let status = StatusCode::from_u16(status).expect("problems have statuses of HTTP");
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let mut body = failure.map_or_else(|| json!({}), Problem::body);
    body["accepted"] = json!(accepted);
    let event = |(index, answer): (usize, &Result<Told, Problem>)| match answer {
        Ok(told) => json!(told),
        // What is said above of all of them is not said again of each.
        Err(problem) if failure == Some(problem) => {
            json!({"event": index, "code": problem.code()})
        }
        Err(problem) => {
            let mut told = problem.body();
            told["event"] = json!(index);
            told
        }
    };
    body["events"] = answers.iter().enumerate().map(event).collect();
    (status, Json(body)).into_response()
}

/// A submission that is ready for the outbox. The key counts only for data without an id of its own.
fn valid(
    app: &App,
    draft: Draft,
    feed: Option<&FeedName>,
    key: Option<&str>,
) -> Result<Submission, Problem> {
    let key = key.filter(|_| draft.id.is_none());
    let registry = app.registry();
    let desk = Desk {
        registry: &registry,
        office: &app.settings.office,
        now: now(),
    };
    let valid = desk.submit(draft, feed)?;
    Ok(Submission::of(&valid, key))
}

fn tell(feed: &FeedName, accepted: Accepted) -> Told {
    let again = if accepted.again { "again" } else { "new" };
    counter!("spean_agent_accepted_total", "feed" => feed.to_string(), "event" => again)
        .increment(1);
    Told {
        id: accepted.id,
        state: "accepted",
        feed: feed.clone(),
        again: accepted.again,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all("idempotency-key").iter();
    let Some(key) = all.next() else {
        return Ok(None);
    };
    let key = key.to_str().map_err(|_| Problem::KeyMalformed)?;
    let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
    match fits && all.next().is_none() {
        true => Ok(Some(key.to_owned())),
        false => Err(Problem::KeyMalformed),
    }
}

/// `GET /events/{id}`: how far an event of this office has come. Where two feeds have the id, `?feed=` tells which.
pub async fn one(
    State(app): State<Arc<App>>,
    Segments(id): Segments<String>,
    query: Parameters,
) -> Result<Json<Value>, Problem> {
    let feed = query.text("feed")?.map(feed_name).transpose()?;
    read(&app, move |app| {
        let found = found(app, feed, &id)?;
        let told = found.map(|(feed, known)| stage(app, &feed, &id, &known));
        told.transpose()
    })
    .await?
    .map(Json)
    .ok_or(Problem::EventNotFound)
}

/// What is known of an id: on the feed that is named, or on the first that has it.
pub fn found(
    app: &App,
    feed: Option<FeedName>,
    id: &str,
) -> Result<Option<(FeedName, Known)>, Outage> {
    Ok(match feed {
        Some(feed) => app.outbox.known(&feed, id)?.map(|known| (feed, known)),
        None => app.outbox.find(id)?.into_iter().next(),
    })
}
