//! What a scenario does to what nats-server holds: messages, streams and consumers that are gone.
//! In: the operator's right. Out: a broker that has forgotten. Never: a message changed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::consumer::{FromConsumer as _, pull};
use futures_util::TryStreamExt as _;
use tests::broker::Broker;
use tests::deadline::eventually_within;

use super::Stage;
use super::programs::Program;

/// A consumer that nobody pulls from is forgotten after so long, instead of a quarter of an hour.
const CONSUMER_LIVES: Duration = Duration::from_secs(2);
/// Who lost its consumer waits a little before it makes another.
const CONSUMER_WAIT: Duration = Duration::from_secs(60);

impl Stage {
    pub async fn broker(&self) -> Result<Broker> {
        self.bus.watch().await.context("cannot ask nats-server")
    }

    /// The newest messages of the feed are gone, but for the `spared` ones behind them.
    pub async fn lose_messages(&mut self, feed: &str, count: u64, spared: u64) -> Result<()> {
        let broker = self.broker().await?;
        let mut stream = broker.jetstream().get_stream(feed).await?;
        let before = stream.info().await?.state.clone();
        let last = before.last_sequence.saturating_sub(spared);
        ensure!(
            last > count,
            "the feed has {last} messages: too few to lose {count}"
        );
        for sequence in last - count + 1..=last {
            // One that was lost before is lost already.
            broker.lose(feed, sequence).await.ok();
        }
        let after = stream.info().await?.state.messages;
        let what = format!("{count} messages of {feed} are gone, up to the {spared} last");
        self.fault(after < before.messages, &what);
        Ok(())
    }

    /// The stream is gone, and an operator makes it anew, empty.
    pub async fn delete_stream(&mut self, feed: &str) -> Result<()> {
        let jetstream = self.broker().await?.jetstream();
        let deleted = jetstream.delete_stream(feed).await?.success;
        self.fault(deleted, &format!("the stream {feed} is deleted"));
        self.pause(500..2_000).await;
        self.bus.create_streams().await;
        self.act(&format!("the stream {feed} is made anew"));
        Ok(())
    }

    /// Every consumer of the feed is deleted under whoever reads by it, as soon as somebody does.
    pub async fn delete_consumers(&mut self, feed: &str) -> Result<()> {
        let stream = self.broker().await?.jetstream().get_stream(feed).await?;
        let names = eventually_within(CONSUMER_WAIT, "a consumer of the feed", || async {
            let names: Vec<String> = stream.consumer_names().try_collect().await.ok()?;
            (!names.is_empty()).then_some(names)
        });
        let names = names.await;
        let mut deleted = 0;
        for name in &names {
            deleted += u32::from(
                stream
                    .delete_consumer(name)
                    .await
                    .is_ok_and(|gone| gone.success),
            );
        }
        self.fault(
            deleted > 0,
            &format!("{deleted} consumers of {feed} are deleted"),
        );
        Ok(())
    }

    /// A reader that is down stays so until nats-server has forgotten its consumer, as it does by itself.
    pub async fn outlive_consumers(&mut self, feed: &str, reader: Program) -> Result<()> {
        let stream = self.broker().await?.jetstream().get_stream(feed).await?;
        let before: Vec<_> = stream.consumers().try_collect().await?;
        self.kill(reader).await?;
        for consumer in &before {
            let config = pull::Config::try_from_consumer_config(consumer.config.clone());
            let mut config = config.map_err(anyhow::Error::from_boxed)?;
            config.inactive_threshold = CONSUMER_LIVES;
            stream.update_consumer(config).await?;
        }
        let patience = Duration::from_secs(60);
        let gone = eventually_within(patience, "a consumer's end", || async {
            let now: Vec<String> = stream.consumer_names().try_collect().await.ok()?;
            let gone = before.iter().filter(|old| !now.contains(&old.name)).count();
            (gone > 0).then_some(gone)
        });
        let gone = gone.await;
        self.fault(
            true,
            &format!("{gone} consumers of {feed} have ended of old age"),
        );
        Ok(())
    }
}
