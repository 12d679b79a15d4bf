//! Metrics: what the rooms have counted comes in through the `metrics` facade, Prometheus text goes out.
//! Gauges of the stores are read when they are asked for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use metrics::{gauge, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::state::Beside;
use super::{App, read};
use crate::deliver::{Target, TargetState};
use crate::status::LinkState;
use crate::store::alarms::now_ms;
use crate::submit::problem::Problem;

/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The recorder behind `/metrics`.
pub struct Metrics {
    handle: PrometheusHandle,
    gauges: PrometheusRecorder,
    read: PrometheusHandle,
}

impl Metrics {
    /// Becomes the process's recorder; a second one in the same process counts nothing.
    pub fn install() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("metrics are recorded elsewhere");
        }
        let gauges = PrometheusBuilder::new().build_recorder();
        Metrics {
            handle,
            read: gauges.handle(),
            gauges,
        }
    }
}

/// `GET /metrics`
pub async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let outbox = read(&app, |app| app.outbox_status()).await?;
    let beside = read(&app, |app| Ok(Beside::of(&app.settings))).await?;
    let targets = read(&app, |app| app.targets.list()).await?;
    let connected = matches!(*app.link.borrow(), LinkState::Connected { .. });
    with_local_recorder(&app.metrics.gauges, || {
        let figure = |value: u64| value as f64;
        gauge!("spean_agent_link_connected").set(figure(connected.into()));
        gauge!("spean_agent_registry_position").set(figure(app.registry().position()));
        gauge!("spean_agent_disk_bytes").set(figure(outbox.disk_bytes));
        gauge!("spean_agent_disk_budget_bytes").set(figure(outbox.disk_budget_bytes));
        gauge!("spean_agent_inbox_disk_bytes").set(figure(beside.inbox_disk_bytes));
        let alarms = outbox.alarms_raised + app.inbox.alarms().raised();
        gauge!("spean_agent_alarms_raised").set(figure(alarms));
        if let Some(certificate) = &beside.certificate {
            let ends = certificate.ends.unix_seconds();
            gauge!("spean_agent_certificate_ends_timestamp_seconds").set(ends as f64);
        }
        deliveries(targets);
        let gaps = app.gaps.list(now_ms());
        gauge!("spean_agent_gaps_open").set(figure(gaps.len() as u64));
        for gap in gaps {
            let labels = [("feed", gap.feed), ("office", gap.office)];
            let missing = figure(gap.missing.count());
            gauge!("spean_agent_gap_positions_missing", &labels).set(missing);
            let since = figure(gap.since_ms / 1_000);
            gauge!("spean_agent_gap_since_timestamp_seconds", &labels).set(since);
        }
        for feed in &outbox.feeds {
            let name = feed.feed.to_string();
            gauge!("spean_agent_outbox_waiting", "feed" => name.clone()).set(figure(feed.waiting));
            gauge!("spean_agent_outbox_refused", "feed" => name.clone()).set(figure(feed.refused));
            gauge!("spean_agent_outbox_durable", "feed" => name.clone()).set(figure(feed.settled));
            let held = figure(feed.held.is_some().into());
            gauge!("spean_agent_outbox_held", "feed" => name.clone()).set(held);
            for reader in &feed.readers {
                let (feed, office) = (name.clone(), reader.office.to_string());
                gauge!("spean_agent_outbox_confirmed", "feed" => feed, "reader" => office)
                    .set(figure(reader.complete));
            }
        }
    });
    let text = format!(
        "{}{}",
        app.metrics.handle.render(),
        app.metrics.read.render()
    );
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}

/// How it goes with each application.
fn deliveries(targets: Vec<Target>) {
    for target in targets {
        let labels = [
            ("name", target.name),
            ("feed", target.feed.to_string()),
            ("to", target.to),
        ];
        let is = |state| f64::from(u8::from(target.state == state));
        gauge!("spean_agent_delivered_arrival", &labels).set(target.delivered as f64);
        gauge!("spean_agent_delivery_events_waiting", &labels).set(target.waiting as f64);
        gauge!("spean_agent_delivery_logs_stuck", &labels).set(target.stuck_logs as f64);
        gauge!("spean_agent_delivery_waiting", &labels).set(is(TargetState::Waiting));
        gauge!("spean_agent_delivery_retired", &labels).set(is(TargetState::Retired));
        let since = target.since_ms / 1_000;
        gauge!("spean_agent_delivery_since_timestamp_seconds", &labels).set(since as f64);
    }
}
