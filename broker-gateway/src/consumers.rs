//! Before a consumer is made: whose, on which feed and under which name come in; leave goes out while the office has room there.
//! nats-server counts, so that every gateway comes to the same number, and nothing is remembered here. Never: a consumer made
//! where nobody could count.

use std::sync::{Mutex, PoisonError};

use schemas::refusal::{Detail, Hold, Refusal};
use schemas::subject::FeedName;
use serde::Deserialize;
use serde_json::json;
use tracing::warn;

use crate::authority::streams::STREAM_NOT_FOUND;
use crate::limits::CONSUMERS_MAX;
use crate::peer::Peer;
use crate::refuse::No;
use crate::upstream::jetstream::{JetStream, Outage};
use crate::upstream::raw::Broker;

/// The way to ask; one connection for all sessions.
#[derive(Debug, Default)]
pub struct Consumers(Mutex<Option<JetStream>>);

/// A page of a stream's consumers.
#[derive(Deserialize)]
struct Names {
    total: usize,
    #[serde(default)]
    consumers: Option<Vec<String>>,
}

impl Consumers {
    /// Lets an office make a consumer, or change one that it has. Two that are made at the same moment may both find the last room.
    ///
    /// # Errors
    /// The office has all that it may have, or nats-server does not say.
    pub async fn room(
        &self,
        broker: &Broker,
        peer: &Peer,
        feed: &FeedName,
        name: &str,
    ) -> Result<(), No> {
        let own = self.of(broker, &peer.consumer_prefix(), feed).await;
        let own = own.map_err(|why| {
            warn!(%peer, %feed, why, "an office's consumers cannot be counted");
            No::Held(Hold::BusUnavailable)
        })?;
        if own.len() < CONSUMERS_MAX || own.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(No::Refused(Refusal::RequestForbidden(Detail::new(
            "name",
            format!(
                "{peer} has {CONSUMERS_MAX} consumers on {feed} already; delete those that are not used"
            ),
            format!("{peer} មាន consumer {CONSUMERS_MAX} លើ {feed} រួចហើយ សូមលុបអ្វីដែលមិនប្រើ"),
        ))))
    }

    /// The names of an office's consumers on a feed, by what they begin with.
    ///
    /// # Errors
    /// Why nats-server does not say.
    pub async fn of(
        &self,
        broker: &Broker,
        prefix: &str,
        feed: &FeedName,
    ) -> Result<Vec<String>, String> {
        let jetstream = self
            .connected(broker)
            .await
            .map_err(|why| why.to_string())?;
        let subject = format!("$JS.API.CONSUMER.NAMES.{feed}");
        let (mut seen, mut own) = (0, Vec::new());
        loop {
            let page = jetstream
                .ask::<Names>(&subject, &json!({ "offset": seen }))
                .await;
            let Names { total, consumers } = match page.map_err(|why| why.to_string())? {
                Ok(names) => names,
                // Nothing is made there either; the server's own words say why.
                Err(error) if error.err_code == STREAM_NOT_FOUND => return Ok(own),
                Err(error) => return Err(error.to_string()),
            };
            let consumers = consumers.unwrap_or_default();
            seen += consumers.len();
            // A page that ends early must not be asked for again and again.
            let last = consumers.is_empty() || seen >= total;
            own.extend(
                consumers
                    .into_iter()
                    .filter(|name| name.starts_with(prefix)),
            );
            if last {
                return Ok(own);
            }
        }
    }

    /// # Errors
    /// No server lets one in.
    pub async fn connected(&self, broker: &Broker) -> Result<JetStream, Outage> {
        let open = self.lock().clone().filter(|open| !open.is_closed());
        match open {
            Some(open) => Ok(open),
            None => {
                let opened = JetStream::connect(broker).await?;
                *self.lock() = Some(opened.clone());
                Ok(opened)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<JetStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
