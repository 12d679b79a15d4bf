//! `GET /events/{id}/receipt`: an id comes in, one file that proves when the event was durable goes out. It is checked here as anybody
//! would check it: nothing is handed out that does not prove what it should.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemas::envelope::nats;
use schemas::event::Position;
use schemas::proof::{self, Data, EVENT_LINE, ProofBreak, ProofFault};
use schemas::refusal::Refusal;
use schemas::signing::SignedEvent;
use schemas::subject::FeedName;

use super::events::{feed_name, found};
use super::query::{Parameters, Segments};
use super::{App, read};
use crate::outbox::Stage;
use crate::store::Outage;
use crate::submit::problem::{Problem, QueryMust};

/// JSON lines.
const TYPE: &str = "application/x-ndjson";

/// `?data=withheld` puts the data's digest in its place.
pub async fn show(
    State(app): State<Arc<App>>,
    Segments(id): Segments<String>,
    query: Parameters,
) -> Result<Response, Problem> {
    let feed = query.text("feed")?.map(feed_name).transpose()?;
    let data = match query.text("data")?.as_deref() {
        None => Data::Shown,
        Some("withheld") => Data::Withheld,
        Some(_) => {
            return Err(Problem::QueryMalformed {
                parameter: "data",
                must: QueryMust::BeWithheld,
            });
        }
    };
    let known = read(&app, move |app| found(app, feed, &id)).await?;
    let (feed, known) = known.ok_or(Problem::EventNotFound)?;
    let Stage::Settled { position } = known.stage else {
        return Err(Problem::ReceiptNotYet);
    };
    let of = feed.clone();
    let proof = read(&app, move |app| made(app, &of, position, data)).await?;
    match proof {
        Some(Ok(proof)) => Ok(([(CONTENT_TYPE, TYPE)], proof).into_response()),
        Some(Err(refusal)) => Err(refusal.into()),
        None if read(&app, move |app| is_pruned(app, &feed, position)).await? => {
            Err(Problem::EventPruned)
        }
        None => Err(Problem::ReceiptNotYet),
    }
}

fn is_pruned(app: &App, feed: &FeedName, position: Position) -> Result<bool, Outage> {
    let pruned = app.outbox.pruned(feed)?;
    let behind = pruned.is_some_and(|pruned| position <= pruned.position);
    Ok(behind && app.outbox.own(feed, position)?.is_none())
}

/// None where no receipt covers the event, or something between the two is not here. What is not authentic has no proof, and never will.
fn made(
    app: &App,
    feed: &FeedName,
    position: Position,
    data: Data,
) -> Result<Option<Result<String, Refusal>>, Outage> {
    let Some(receipt) = app.outbox.receipt_for(feed, position)? else {
        return Ok(None);
    };
    let mut run = Vec::new();
    for number in position.number()..=receipt.facts().position.number() {
        match own(app, feed, number)? {
            Some(event) => run.push(event),
            None => return Ok(None),
        }
    }
    let folder = &app.settings.folder;
    let path = folder.registry();
    let registry =
        std::fs::read_to_string(&path).map_err(|error| Outage::disk("read", &path, &error))?;
    let Some((event, behind)) = run.split_first() else {
        return Ok(None);
    };
    let proof = proof::write(event, data, behind, &receipt, &registry);
    let checked = folder
        .authority()
        .map_err(|mistake| mistake.to_string())
        .map(|key| proof::verify(&proof, &key));
    match checked {
        Ok(Ok(_)) => Ok(Some(Ok(proof))),
        Ok(Err(ProofFault {
            what: ProofBreak::Signature,
            line: EVENT_LINE,
        })) => Ok(Some(Err(Refusal::SignatureInvalid))),
        Ok(Err(fault)) => {
            tracing::error!(%feed, %position, %fault, "no proof can be made of this event");
            Ok(None)
        }
        Err(why) => {
            tracing::error!(%feed, %position, why, "no proof can be made of this event");
            Ok(None)
        }
    }
}

fn own(app: &App, feed: &FeedName, number: u64) -> Result<Option<SignedEvent>, Outage> {
    let Some(position) = Position::new(number) else {
        return Ok(None);
    };
    let stored = app.outbox.own(feed, position)?;
    Ok(stored.and_then(|bytes| nats::read_stored(&bytes).ok()))
}
