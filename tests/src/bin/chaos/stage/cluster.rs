//! What a scenario asks of a cluster: who leads, and whether every copy is whole.
//! In: a feed. Out: an answer of nats-server's own. Never: a guess after a time.

use std::time::Duration;

use tests::deadline::eventually_within;

use super::Stage;

/// A new server copies what it has missed, after an election.
const COPY_WAIT: Duration = Duration::from_secs(120);
/// Elections take seconds; questions that fall between two leaders take theirs to time out.
const LEADER_WAIT: Duration = Duration::from_secs(60);

impl Stage {
    /// The centre whose nats-server leads the feed's stream; a cluster that lost its leader takes a while to have one.
    pub async fn leader(&self, feed: &str) -> usize {
        eventually_within(LEADER_WAIT, "a stream has a leader", || async {
            let jetstream = self.broker().await.ok()?.jetstream();
            let mut stream = jetstream.get_stream(feed).await.ok()?;
            let leader = stream.info().await.ok()?.cluster.clone()?.leader?;
            let centres = 0..self.bus.brokers.len();
            centres
                .into_iter()
                .find(|centre| self.bus.server_name(*centre) == leader)
        })
        .await
    }

    /// Waits until every server has every message of the feed.
    pub async fn copies_are_whole(&self, feed: &str) {
        eventually_within(COPY_WAIT, "every copy of a stream is whole", || async {
            let mut stream = self
                .broker()
                .await
                .ok()?
                .jetstream()
                .get_stream(feed)
                .await
                .ok()?;
            let cluster = stream.info().await.ok()?.cluster.clone()?;
            let others = self.bus.brokers.len() - 1;
            let whole = cluster
                .replicas
                .iter()
                .filter(|copy| copy.current && !copy.offline);
            (whole.count() == others).then_some(())
        })
        .await;
        self.act("every copy is whole");
    }
}
