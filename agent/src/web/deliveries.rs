//! What is delivered to the office's applications: how it goes with each goes out, and a person's orders come in: an event is skipped, or what was
//! delivered is delivered again. Each says by whom and why, and is done and remembered before it is answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::query::{Parameters, Segments};
use super::{App, read};
use crate::deliver::{Done, Refused, What};
use crate::submit::problem::{Problem, QueryMust};

/// Characters of an event's id, or of an arrival, in an order.
const ID_CHARS: usize = 1_024;
/// Characters of a name or of a reason.
const SAID_CHARS: usize = 400;

/// `GET /deliveries`
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let all = read(&app, |app| app.targets.list()).await?;
    Ok(Json(json!({ "deliveries": all })))
}

/// `POST /deliveries/{name}/skip`: the event before which its log stands is not delivered.
pub async fn skip(
    State(app): State<Arc<App>>,
    Segments(name): Segments<String>,
    query: Parameters,
) -> Result<Json<Value>, Problem> {
    let event = said(&query, "event", ID_CHARS)?;
    order(&app, name, What::Skip { event }, &query).await
}

/// `POST /deliveries/{name}/again`: what was delivered is delivered again, from an event on or from an arrival on.
pub async fn again(
    State(app): State<Arc<App>>,
    Segments(name): Segments<String>,
    query: Parameters,
) -> Result<Json<Value>, Problem> {
    let from = said(&query, "from", ID_CHARS)?;
    order(&app, name, What::Again { from }, &query).await
}

async fn order(
    app: &App,
    name: String,
    what: What,
    query: &Parameters,
) -> Result<Json<Value>, Problem> {
    let by = said(query, "by", SAID_CHARS)?;
    let why = said(query, "why", SAID_CHARS)?;
    let Done(logs) = app.targets.order(&name, what, by, why).await?;
    let logs: Vec<Value> = logs
        .into_iter()
        .map(|(log, next)| json!({"source": log.source(), "next": next}))
        .collect();
    Ok(Json(json!({"name": name, "logs": logs})))
}

fn said(query: &Parameters, name: &'static str, chars: usize) -> Result<String, Problem> {
    let text = query.text(name)?.unwrap_or_default();
    match (1..=chars).contains(&text.trim().chars().count()) {
        true => Ok(text),
        false => Err(Problem::QueryMalformed {
            parameter: name,
            must: QueryMust::BeSaid,
        }),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::NoTarget => Problem::DeliveryNotFound,
            Refused::NotDue => Problem::DeliveryNotDue,
            Refused::NothingThere => Problem::DeliveryNothingThere,
            Refused::Unsaid => Problem::QueryMalformed {
                parameter: "why",
                must: QueryMust::BeSaid,
            },
            Refused::Late => Problem::DeliveryBusy,
            Refused::Outage(outage) => outage.into(),
        }
    }
}
