//! The plan's rows about consumers.

use std::fmt::Display;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull, push};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Message};
use futures_util::{Stream as Messages, StreamExt as _, TryStreamExt as _};

use super::super::FEED;
use super::{Office, Outcome, Play, is, shown};

fn told(error: impl Display) -> String {
    error.to_string()
}

impl Play {
    fn is_ours(&self, messages: &[Message]) -> Outcome {
        let ids = messages.iter().map(|message| {
            let headers = message.headers.as_ref();
            headers
                .and_then(|all| all.get("ce-id"))
                .map(ToString::to_string)
        });
        let ids: Vec<Option<String>> = ids.collect();
        let ours = [1, 2].map(|number| self.id(number));
        is(ids == ours, ids)
    }

    /// The first two that a consumer brings are the plan's.
    async fn begins_as_ours<E: Display>(
        &self,
        messages: impl Messages<Item = Result<Message, E>>,
    ) -> Outcome {
        let two: Vec<Message> = messages.take(2).try_collect().await.map_err(told)?;
        self.is_ours(&two)
    }

    fn id(&self, letter: u32) -> Option<String> {
        let (headers, _) = self.plan.letter(letter);
        headers
            .into_iter()
            .find(|(name, _)| name == "ce-id")
            .map(|(_, value)| value)
    }

    fn pull(&self) -> pull::Config {
        pull::Config {
            filter_subject: self.plan.log.clone(),
            ack_policy: AckPolicy::Explicit,
            ..Default::default()
        }
    }

    async fn take_both(&self, consumer: PullConsumer) -> Outcome {
        let messages = consumer.fetch().max_messages(2).messages().await;
        let messages = messages.map_err(told)?;
        let messages: Vec<Message> = messages.try_collect().await.map_err(told)?;
        for message in &messages {
            message.double_ack().await.map_err(told)?;
        }
        self.is_ours(&messages)
    }

    pub(super) async fn reading(&self, reader: &Office) {
        let Ok(stream) = reader.stream().await else {
            return;
        };
        let name = self.plan.durable();
        let durable = pull::Config {
            durable_name: Some(name.clone()),
            ..self.pull()
        };
        let made = |config| async {
            let made = stream.create_consumer(config).await;
            made.map_err(|error| format!("{error:?}"))
        };
        let pulled = async {
            let made = stream.get_or_create_consumer(&name, durable).await;
            self.take_both(made.map_err(told)?).await
        };
        self.row("pull, durable of its own name", pulled).await;
        let again = async {
            let known: Result<PullConsumer, _> = stream.get_consumer(&name).await;
            let known = known.map_err(told)?;
            let info = known.cached_info();
            let durable = info.config.durable_name.as_deref();
            is(
                info.name == name && durable == Some(&name) && info.num_pending == 0,
                info,
            )
        };
        self.row("pull it again", again).await;
        let pulled = async { self.take_both(made(self.pull()).await?).await };
        self.row("pull, without a durable name", pulled).await;
        self.pushed(reader, &stream).await;
        let nothing = async {
            let new = pull::Config {
                deliver_policy: DeliverPolicy::New,
                ..self.pull()
            };
            let consumer: PullConsumer = made(new).await?;
            let waiting = consumer
                .fetch()
                .expires(Duration::from_secs(1))
                .messages()
                .await;
            let came: Vec<_> = waiting.map_err(told)?.collect().await;
            is(came.is_empty(), came.len()).map(|_| "timeout")
        };
        self.row("pull with nothing there", nothing).await;
        let redelivered = async { self.redelivered(made(self.pull()).await?).await };
        self.row("nak, in progress, term", redelivered).await;
        let message = async {
            let last = stream.get_last_raw_message_by_subject(&self.plan.log).await;
            let first = stream
                .direct_get_next_for_subject(self.plan.log.clone(), Some(1))
                .await;
            let last = last.map_err(told)?;
            let first = first.map_err(told)?;
            let id = |headers: &HeaderMap| headers.get("ce-id").map(ToString::to_string);
            let ids = [id(&first.headers), id(&last.headers)];
            is(ids == [self.id(1), self.id(2)], ids)
        };
        self.row("message by subject, by sequence", message).await;
        let missing = async { shown(stream.get_raw_message(9_999_999).await) };
        self.row("message that is not there", missing).await;
    }

    async fn pushed(&self, reader: &Office, stream: &Stream) {
        let pushed = async {
            let config = push::Config {
                deliver_subject: reader.client.new_inbox(),
                filter_subject: self.plan.log.clone(),
                ..Default::default()
            };
            let consumer = stream.create_consumer(config).await.map_err(told)?;
            self.begins_as_ours(consumer.messages().await.map_err(told)?)
                .await
        };
        self.row("push, without a durable name", pushed).await;
        let ordered = async {
            let config = pull::OrderedConfig {
                filter_subject: self.plan.log.clone(),
                ..Default::default()
            };
            let consumer = stream.create_consumer(config).await.map_err(told)?;
            self.begins_as_ours(consumer.messages().await.map_err(told)?)
                .await
        };
        self.row("ordered", ordered).await;
    }

    async fn redelivered(&self, consumer: PullConsumer) -> Outcome {
        let mut messages = consumer.messages().await.map_err(told)?;
        let mut next = async || match messages.next().await {
            Some(Ok(message)) => Ok(message),
            other => Err(format!("{other:?}")),
        };
        let first: Message = next().await?;
        for kind in [AckKind::Progress, AckKind::Nak(None)] {
            first.ack_with(kind).await.map_err(told)?;
        }
        loop {
            let again = next().await?;
            let delivered = again.info().map_err(told)?.delivered;
            if delivered == 2 {
                return shown(again.ack_with(AckKind::Term).await);
            }
        }
    }

    pub(super) async fn consumers(&self, office: &Office, reader: &Office) {
        let (Ok(stream), Ok(own)) = (reader.stream().await, office.stream().await) else {
            return;
        };
        let bounded = async {
            let config = pull::Config {
                max_ack_pending: -1,
                ack_wait: Duration::from_millis(1),
                ..self.pull()
            };
            let made = stream.create_consumer(config).await.map_err(told)?;
            let config = &made.cached_info().config;
            let right =
                config.max_ack_pending == 20_000 && config.ack_wait == Duration::from_secs(1);
            is(right, config)
        };
        self.row("consumer beyond bounds", bounded).await;
        let name = self.plan.durable();
        let listed = async {
            let all: Result<Vec<_>, _> = stream.consumers().try_collect().await;
            let all = all.map_err(told)?;
            is(all.iter().any(|info| info.name == name), all)
        };
        self.row("consumer list", listed).await;
        let unknown = async { shown(stream.consumer_info("nobody").await) };
        self.row("consumer info, unknown consumer", unknown).await;
        let until = time::OffsetDateTime::now_utc() + time::Duration::days(365);
        let paused = async { shown(stream.pause_consumer(&name, until).await) };
        self.row("consumer pause", paused).await;
        let group = push::Config {
            deliver_subject: reader.client.new_inbox(),
            deliver_group: Some("q".to_owned()),
            filter_subject: self.plan.log.clone(),
            ..Default::default()
        };
        let queued = async { shown(stream.create_consumer(group).await.map(drop)) };
        self.row("consumer of a queue group", queued).await;
        let whole = pull::Config {
            filter_subject: format!("spean.log.{FEED}.>"),
            ..self.pull()
        };
        let others = async { shown(own.create_consumer(whole).await.map(drop)) };
        self.row("consumer on logs of others", others).await;
        let deleted = async { shown(stream.delete_consumer(&name).await) };
        self.row("consumer delete", deleted).await;
    }
}
