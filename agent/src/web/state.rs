//! How the agent is: nothing comes in, its link, feeds, disk and tray go out, and whether it is fit to be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemas::subject::FeedName;
use serde_json::{Value, json};

use super::advice::Advices;
use super::events::feed_name;
use super::query::Segments;
use super::stage::said;
use super::{App, read};
use crate::certificate::Certificate;
use crate::receive::FeedHolds;
use crate::settings::Settings;
use crate::store::log::Room;
use crate::store::{self, disk};
use crate::submit::now;
use crate::submit::problem::Problem;

/// `GET /status`
pub async fn status(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let outbox = read(&app, |app| app.outbox_status()).await?;
    let alarms = read(&app, |app| {
        let mut alarms = app.outbox.alarms().list();
        alarms.extend(app.inbox.alarms().list());
        alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.at_ms));
        Ok(alarms)
    })
    .await?;
    let registry = app.registry();
    let readable = registry.readable_feeds(&app.settings.office);
    let readable: Vec<FeedName> = readable.iter().map(|feed| feed.name.clone()).collect();
    let holds = readable
        .iter()
        .map(|feed| (feed.clone(), app.holds.of(feed)));
    let holds: BTreeMap<FeedName, FeedHolds> = holds.collect();
    let inbox = read(&app, move |app| {
        let status = readable.iter().map(|feed| app.inbox.status(feed));
        status.collect::<Result<Vec<_>, _>>()
    });
    let deliveries = read(&app, |app| app.targets.list());
    let mut advices = Advices::default();
    let (mut outbox, mut alarms) = (json!(outbox), json!(alarms));
    for feed in outbox["feeds"].as_array_mut().into_iter().flatten() {
        advices.severity(&mut feed["held"]);
    }
    for alarm in alarms.as_array_mut().into_iter().flatten() {
        advices.severity(alarm);
    }
    for code in holds.values().flat_map(|holds| holds.logs.values()) {
        advices.keep(code);
    }
    let beside = read(&app, |app| Ok(Beside::of(&app.settings)));
    let Beside {
        certificate,
        inbox_disk_bytes,
    } = beside.await?;
    Ok(Json(json!({
        "office": app.settings.office,
        "version": env!("CARGO_PKG_VERSION"),
        "link": app.link.borrow().report(),
        "certificate": certificate.map(|certificate| certificate.report(now())),
        "registry": registry.position(),
        "outbox": outbox,
        "inbox": inbox.await?,
        "inbox_disk_bytes": inbox_disk_bytes,
        "deliveries": deliveries.await?,
        "reading": holds,
        "alarms": alarms,
        "codes": advices.told(),
    })))
}

/// What stands on the disk beside the outbox, looked at when it is asked for.
pub(super) struct Beside {
    /// None where it cannot be read, which the link says.
    pub certificate: Option<Certificate>,
    pub inbox_disk_bytes: u64,
}

impl Beside {
    pub fn of(settings: &Settings) -> Beside {
        Beside {
            certificate: Certificate::read(&settings.folder.certificate()).ok(),
            inbox_disk_bytes: disk::used_bytes(&store::folder(&settings.store.dir, Room::Inbox)),
        }
    }
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

/// `POST /tray/{feed}/{number}`: back into line, as it is.
pub async fn release(
    State(app): State<Arc<App>>,
    Segments((feed, number)): Segments<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (feed, number, id) = in_tray(&app, feed, number).await?;
    app.outbox.release(&feed, number).await?;
    tracing::info!(%feed, event = %id, "released from the tray");
    Ok(Json(json!({"id": id, "state": "accepted", "feed": feed})))
}

/// `DELETE /tray/{feed}/{number}`: out of the store, for good; the one way in which an accepted event ends here.
pub async fn drop_from_tray(
    State(app): State<Arc<App>>,
    Segments((feed, number)): Segments<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (feed, number, id) = in_tray(&app, feed, number).await?;
    app.outbox.drop_from_tray(&feed, number).await?;
    tracing::info!(%feed, event = %id, "dropped from the tray");
    Ok(Json(json!({"id": id, "state": "dropped", "feed": feed})))
}

/// An entry that lies in the tray: its feed, its number and its id.
async fn in_tray(
    app: &Arc<App>,
    feed: String,
    number: String,
) -> Result<(FeedName, u64, String), Problem> {
    let feed = feed_name(feed)?;
    let number: u64 = number.parse().map_err(|_| Problem::EventNotFound)?;
    let tray = read(app, |app| app.outbox.tray()).await?;
    let entry = tray
        .into_iter()
        .find(|entry| entry.feed == feed && entry.number == number);
    let entry = entry.ok_or(Problem::EventNotFound)?;
    Ok((feed, number, entry.entry.id))
}

/// `GET /healthz`: the process answers.
pub async fn health() -> Json<Value> {
    Json(json!({"state": "alive"}))
}

/// `GET /readyz`: submissions are accepted. The link may be down: that is what the outbox is for.
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let outbox = read(&app, |app| app.outbox_status()).await?;
    let stopped = outbox.stopped || app.inbox.failed().is_cancelled();
    match stopped {
        false => Ok(Json(json!({"state": "ready"}))),
        true => Err(Problem::StoreUnavailable),
    }
}
