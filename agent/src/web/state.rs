//! How the agent is: nothing comes in, its link, feeds, disk and tray go out, and whether it is fit to be asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::events::said;
use super::{App, read};
use crate::submit::problem::Problem;

/// `GET /status`
pub async fn status(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let outbox = read(&app, |app| app.outbox.status()).await?;
    let alarms = read(&app, |app| Ok(app.outbox.alarms().list())).await?;
    let registry = app.registry();
    Ok(Json(json!({
        "office": app.settings.office,
        "version": env!("CARGO_PKG_VERSION"),
        "link": app.link.borrow().report(),
        "registry": registry.position(),
        "outbox": outbox,
        "alarms": alarms,
    })))
}

/// `GET /tray`: what was refused, until it is corrected.
pub async fn tray(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let entries = read(&app, |app| app.outbox.tray()).await?;
    let told: Vec<Value> = entries
        .into_iter()
        .map(|entry| {
            json!({
                "feed": entry.feed,
                "number": entry.number,
                "id": entry.entry.id,
                "at_ms": entry.entry.at_ms,
                "refusal": said(&entry.entry.refusal),
            })
        })
        .collect();
    Ok(Json(json!({ "refused": told })))
}

/// `GET /healthz`: the process answers.
pub async fn health() -> Json<Value> {
    Json(json!({"state": "alive"}))
}

/// `GET /readyz`: submissions are accepted. The link may be down: that is what the outbox is for.
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let outbox = read(&app, |app| app.outbox.status()).await?;
    match outbox.stopped {
        false => Ok(Json(json!({"state": "ready"}))),
        true => Err(Problem::StoreUnavailable),
    }
}
