//! What a session speaks over: messages go out, deliveries come in, in their order, until it is gone. The network's is async-nats'; the
//! model of the protocol has one in memory. What is handed over may have been sent or not when the wire is gone.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use std::sync::atomic::Ordering;

use async_nats::Client;
use schemas::envelope::nats;
use schemas::signing::SignedEvent;

use super::limits::WINDOW_EVENTS_MAX;
use super::message::{Delivery, header_map};
use super::session::Outage;

/// What is published.
#[derive(Debug, Clone)]
pub struct Message {
    pub subject: String,
    pub reply: Option<String>,
    /// The header block with its version line; empty where there are no headers.
    pub headers: Bytes,
    pub payload: Bytes,
}

impl Message {
    /// One without headers.
    pub fn plain(subject: String, reply: Option<String>, payload: Bytes) -> Message {
        Message {
            subject,
            reply,
            headers: Bytes::new(),
            payload,
        }
    }
}

/// What arrives on one subscription; it ends with the wire.
pub type Deliveries = BoxStream<'static, Delivery>;

/// One connection to one gateway.
pub trait Wire: Send + Sync {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>>;
    fn subscribe(&self, subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>>;
    /// Sends an event to its log; the answer comes on the reply subject.
    fn offer(&self, event: &SignedEvent, reply: String) -> BoxFuture<'_, Result<(), Outage>> {
        self.publish(Message {
            subject: event.event().log().subject(),
            reply: Some(reply),
            headers: nats::encode(event).into(),
            payload: event.event().data().clone(),
        })
    }
    /// Bytes that have arrived so far: a sign of life.
    fn bytes_in(&self) -> u64;
    /// Events that may wait for their answers.
    fn events_max(&self) -> usize {
        WINDOW_EVENTS_MAX
    }
}

impl Wire for Client {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Outage>> {
        let Message {
            subject,
            reply,
            headers,
            payload,
        } = message;
        Box::pin(async move {
            let sent = match (reply, headers.is_empty()) {
                (None, _) => Client::publish(self, subject, payload).await,
                (Some(reply), true) => self.publish_with_reply(subject, reply, payload).await,
                (Some(reply), false) => {
                    let headers = header_map(&headers);
                    self.publish_with_reply_and_headers(subject, reply, headers, payload)
                        .await
                }
            };
            sent.map_err(|_gone| Outage::Ended)
        })
    }

    fn subscribe(&self, subject: String) -> BoxFuture<'_, Result<Deliveries, Outage>> {
        Box::pin(async move {
            let subscriber = Client::subscribe(self, subject).await;
            let subscriber = subscriber.map_err(|_gone| Outage::Ended)?;
            Ok(subscriber.map(Delivery::from).boxed())
        })
    }

    fn bytes_in(&self) -> u64 {
        self.statistics().in_bytes.load(Ordering::Relaxed)
    }
}
