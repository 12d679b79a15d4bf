//! The local HTTP interface: requests of the office's own programs come in, answers go out. It is the office's door to its agent.
//! Nothing is kept here, and no request passes without the office's token, but for those that tell nothing of it, and for the desk's,
//! which has a door of its own.

mod advice;
mod answer;
mod bare;
mod body;
mod deliveries;
mod events;
mod feeds;
mod gaps;
mod guard;
mod limits;
mod listen;
mod logs;
mod metrics;
mod openapi;
mod places;
mod proof;
mod query;
mod stage;
mod state;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use schemas::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::guard::Hosts;
pub use self::listen::{Outage, serve};
pub use self::metrics::Metrics;
use crate::deliver::Targets;
use crate::desk::{self, Reception};
use crate::heal::gaps::Gaps;
use crate::inbox::Inbox;
use crate::outbox::{Outbox, Status};
use crate::receive::Holds;
use crate::settings::{Settings, Token};
use crate::status::LinkState;
use crate::store;
use crate::submit::problem::Problem;

/// What the handlers work with.
pub struct App {
    pub settings: Settings,
    pub token: Token,
    pub registry: watch::Receiver<Arc<Registry>>,
    pub outbox: Outbox,
    pub inbox: Inbox,
    pub link: watch::Receiver<LinkState>,
    /// What holds readers up.
    pub holds: Holds,
    /// What readers miss.
    pub gaps: Gaps,
    /// How it goes with each application.
    pub targets: Targets,
    pub metrics: Metrics,
    /// Who is at the desk, and what people did there.
    pub reception: Reception,
    pub shutdown: CancellationToken,
}

impl App {
    /// The registry of this moment.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.borrow())
    }

    /// What waits in the outbox, and what holds it up: a feed's own hold, or that the gateways turn the office away.
    pub(crate) fn outbox_status(&self) -> Result<Status, store::Outage> {
        let mut status = self.outbox.status()?;
        let turned_away = self.link.borrow().held();
        let waiting = status.feeds.iter_mut().filter(|feed| feed.waiting > 0);
        waiting.for_each(|feed| feed.held = turned_away.clone().or_else(|| feed.held.take()));
        Ok(status)
    }
}

/// Reads from the stores where reading may take its time.
async fn read<T: Send + 'static>(
    app: &Arc<App>,
    read: impl FnOnce(&App) -> Result<T, store::Outage> + Send + 'static,
) -> Result<T, Problem> {
    let app = Arc::clone(app);
    let read = tokio::task::spawn_blocking(move || read(&app)).await;
    read.unwrap_or(Err(store::Outage::Stopped))
        .map_err(Problem::from)
}

/// Every path of the interface and of the desk, guarded. `hosts` are the names that it answers to.
fn router(app: Arc<App>, hosts: Hosts) -> Router {
    Router::new()
        .route("/events", post(events::submit))
        .route("/events/{id}", get(events::one))
        .route("/events/{id}/receipt", get(proof::show))
        .route("/feeds", get(feeds::list))
        .route(
            "/feeds/{feed}/events",
            get(feeds::events).post(events::submit_to_feed),
        )
        .route("/feeds/{feed}/completeness", get(feeds::completeness))
        .route("/logs/{feed}/{ministry}/{place}", get(logs::held))
        .route(
            "/logs/{feed}/{ministry}/{place}/branches",
            get(logs::branches),
        )
        .route("/status", get(state::status))
        .route("/gaps", get(gaps::list))
        .route("/tray", get(state::tray))
        .route(
            "/tray/{feed}/{number}",
            post(state::release).delete(state::drop_from_tray),
        )
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{name}/skip", post(deliveries::skip))
        .route("/deliveries/{name}/again", post(deliveries::again))
        .route("/healthz", get(state::health))
        .route("/readyz", get(state::ready))
        .route("/metrics", get(metrics::show))
        .route("/openapi.json", get(openapi::show))
        .merge(desk::router(Arc::clone(&app)))
        .fallback(async || Problem::PathNotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(from_fn_with_state(
            (Arc::clone(&app), Arc::new(hosts)),
            guard::guard,
        ))
        .with_state(app)
}

#[cfg(test)]
pub(crate) mod tests;
