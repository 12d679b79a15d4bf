//! What readers miss: nothing comes in, the open gaps go out, as a list or as a stream that says each change.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;

use super::App;
use super::feeds::wants_stream;
use crate::store::alarms::now_ms;

/// `GET /gaps`: the gaps that are open, each with the sentence for people; as a stream, again at every change.
pub async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if wants_stream(&headers) {
        let told = changes(app).map(Ok::<_, Infallible>);
        let live = Sse::new(told).keep_alive(KeepAlive::default());
        return live.into_response();
    }
    Json(json!({ "gaps": app.gaps.list(now_ms()) })).into_response()
}

/// The open gaps now, and at every change until the agent stops.
fn changes(app: Arc<App>) -> impl Stream<Item = Event> {
    let shutdown = app.shutdown.clone();
    let news = app.gaps.news();
    stream::unfold((app, news, true), |(app, mut news, first)| async move {
        if !first {
            news.changed().await.ok()?;
        }
        news.mark_unchanged();
        let gaps = json!({ "gaps": app.gaps.list(now_ms()) });
        let event = Event::default().event("gaps").data(gaps.to_string());
        Some((event, (app, news, false)))
    })
    .take_until(shutdown.cancelled_owned())
}
