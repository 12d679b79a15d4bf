//! The one async-nats program that is measured on both sides: through the gateway, and straight to nats-server.
//! In: signed messages, a number in flight. Out: how long it took. Never: another way of publishing on one of the sides.

use std::future::IntoFuture as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_nats::ConnectOptions;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tests::gateway::Authority;

use crate::events::{FEED, Message};

/// A full disk queue may hold an answer back for this long; a longer wait is a failure of the round.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

pub struct Sender {
    context: Context,
}

impl Sender {
    /// Straight to nats-server, over mutual TLS with a gateway's certificate and nkey: the only ones that it takes.
    pub async fn straight(authority: &Authority) -> Result<Sender> {
        let file = |name: &str| authority.folder().join("gateway").join(name);
        let seed = std::fs::read_to_string(file("gateway.nk")).context("a gateway has an nkey")?;
        let options = ConnectOptions::with_nkey(seed.trim().to_owned())
            .require_tls(true)
            .add_root_certificates(file("nats-ca.pem"))
            .add_client_certificate(file("nats-client.pem"), file("nats-client.key"));
        let client = options.connect(authority.nats.to_string()).await;
        Ok(Sender::of(client.context("cannot reach nats-server")?))
    }

    /// Through the gateway, over mutual TLS with the office's certificate.
    pub async fn through_gateway(
        authority: &Authority,
        office: &str,
        bundle: &Path,
    ) -> Result<Sender> {
        let options = ConnectOptions::new()
            .require_tls(true)
            .tls_first()
            .custom_inbox_prefix(format!("_INBOX.{}", office.replace('/', ".")))
            .add_root_certificates(bundle.join("ca.pem"))
            .add_client_certificate(bundle.join("office.pem"), bundle.join("office.key"));
        let client = options.connect(authority.gateway.to_string()).await;
        Ok(Sender::of(client.context("cannot reach the gateway")?))
    }

    fn of(client: async_nats::Client) -> Sender {
        let context = ContextBuilder::new()
            .timeout(ANSWER_WAIT)
            .ack_timeout(ANSWER_WAIT)
            .build(client);
        Sender { context }
    }

    /// What an agent asks at each connect: the registry's news, and its log's head from nats-server.
    pub async fn greet(&self, subject: &str) -> Result<()> {
        let client = self.context.client();
        let registry = client.request("spean.registry", r#"{"after":0}"#.into());
        registry.await.context("no registry")?;
        let head = format!(r#"{{"last_by_subj":"{subject}"}}"#);
        let head = client.request(format!("$JS.API.STREAM.MSG.GET.{FEED}"), head.into());
        head.await.context("no head")?;
        Ok(())
    }

    /// Publishes in a pipeline, in order; returns when every message is answered as stored.
    pub async fn send(&self, messages: Vec<Message>, in_flight: usize) -> Result<()> {
        let mut waiting = FuturesUnordered::new();
        for message in messages {
            if waiting.len() == in_flight {
                stored(waiting.next().await)?;
            }
            // Sent here and not inside of the set, which would send them in any order.
            waiting.push(self.publish(message).await?.into_future());
        }
        while !waiting.is_empty() {
            stored(waiting.next().await)?;
        }
        Ok(())
    }

    /// One after the other; how long each took.
    pub async fn send_singly(&self, messages: Vec<Message>) -> Result<Vec<Duration>> {
        let mut waits = Vec::with_capacity(messages.len());
        for message in messages {
            let began = Instant::now();
            stored(Some(self.publish(message).await?.await))?;
            waits.push(began.elapsed());
        }
        Ok(waits)
    }

    async fn publish(&self, message: Message) -> Result<PublishAckFuture> {
        let Message {
            subject,
            headers,
            data,
        } = message;
        let publish = PublishMessage::build().headers(headers).payload(data);
        Ok(self.context.send_publish(subject, publish).await?)
    }
}

fn stored(answer: Option<Result<PublishAck, PublishError>>) -> Result<()> {
    let answer = answer.context("somebody waits for an answer")?;
    answer.context("an event was not stored")?;
    Ok(())
}

/// All senders at once, each with its own messages; events a second over all of them.
pub async fn together(
    senders: &[Sender],
    messages: Vec<Vec<Message>>,
    in_flight: usize,
) -> Result<f64> {
    let events: usize = messages.iter().map(Vec::len).sum();
    let sending = senders
        .iter()
        .zip(messages)
        .map(|(sender, messages)| sender.send(messages, in_flight));
    let began = Instant::now();
    futures_util::future::try_join_all(sending).await?;
    Ok(events as f64 / began.elapsed().as_secs_f64())
}
