//! Before a consumer is made: whose, on which feed and under which name come in; leave goes out while the office has room there.
//! nats-server counts, so that every gateway comes to the same number, and nothing is remembered here. Where there is no room, what killed
//! programs have left behind is given back. Never: a consumer made where nobody could count, or one deleted that somebody may come
//! back to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::time::Instant;

use schemas::refusal::{Detail, Hold};
use schemas::subject::{FeedName, OfficeId};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::{CONSUMER_LEFT_BEHIND, CONSUMERS_LOOK_INTERVAL, CONSUMERS_MAX};
use crate::peer::Peer;
use crate::refuse::No;
use crate::seldom::seldom;
use crate::streams::STREAM_NOT_FOUND;
use crate::upstream::jetstream::{JetStream, Outage};
use crate::upstream::raw::Broker;

/// The way to ask; one connection for all sessions.
#[derive(Debug, Default)]
pub struct Consumers {
    connection: Mutex<Option<JetStream>>,
    /// When it was last looked what an office has left behind on a feed: nats-server tells of all consumers for that.
    looked: Mutex<HashMap<(OfficeId, FeedName), Instant>>,
}

/// A page of a stream's consumers.
#[derive(Deserialize)]
struct Names {
    total: usize,
    #[serde(default)]
    consumers: Option<Vec<String>>,
}

/// The same with what nats-server says of each.
#[derive(Deserialize)]
struct Infos {
    total: usize,
    #[serde(default)]
    consumers: Option<Vec<Consumer>>,
}

#[derive(Deserialize)]
struct Consumer {
    name: String,
    created: String,
    config: Config,
    #[serde(default)]
    delivered: Delivered,
    #[serde(default)]
    num_waiting: u64,
    /// nats-server's own clock when it said so.
    #[serde(default)]
    ts: Option<String>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    durable_name: Option<String>,
    #[serde(default)]
    deliver_subject: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delivered {
    #[serde(default)]
    last_active: Option<String>,
}

impl Consumer {
    fn is_left_behind(&self) -> bool {
        let time = |text: &String| OffsetDateTime::parse(text, &Rfc3339).ok();
        let now = self.ts.as_ref().and_then(time);
        let now = now.unwrap_or_else(OffsetDateTime::now_utc);
        let used = [Some(&self.created), self.delivered.last_active.as_ref()];
        let used = used.into_iter().flatten().filter_map(time).max();
        let pulled = self.config.durable_name.is_none() && self.config.deliver_subject.is_none();
        pulled
            && self.num_waiting == 0
            && used.is_some_and(|used| age(now, used) >= CONSUMER_LEFT_BEHIND)
    }
}

/// How long before now something was.
fn age(now: OffsetDateTime, then: OffsetDateTime) -> Duration {
    let seconds = now.unix_timestamp().saturating_sub(then.unix_timestamp());
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

impl Consumers {
    /// Lets an office make a consumer, or change one that it has. Two that are made at the same moment may both find the last room.
    ///
    /// # Errors
    /// The office has all that it may have and uses them, or nats-server does not say.
    pub async fn room(
        &self,
        broker: &Broker,
        peer: &Peer,
        feed: &FeedName,
        name: &str,
    ) -> Result<(), No> {
        let unsaid = |why: String| {
            seldom!(warn, peer.office(), "consumers-uncounted", %peer, %feed, why, "an office's consumers cannot be counted");
            No::Held(Hold::BusUnavailable)
        };
        let prefix = peer.consumer_prefix();
        let own = self.of(broker, &prefix, feed).await.map_err(unsaid)?;
        if own.len() < CONSUMERS_MAX || own.iter().any(|known| known == name) {
            return Ok(());
        }
        let given_back = match self.may_look(peer.office(), feed) {
            true => self.give_back(broker, &prefix, feed).await,
            false => Ok(0),
        };
        let given_back = given_back.map_err(unsaid)?;
        if given_back > 0 {
            seldom!(info, peer.office(), "consumers-given-back", %peer, %feed, given_back, "consumers that nobody reads from were given back");
        }
        if own.len() < CONSUMERS_MAX.saturating_add(given_back) {
            return Ok(());
        }
        Err(No::Held(Hold::BoundReached {
            detail: Box::new(Detail::new(
                "name",
                format!(
                    "{peer} has {CONSUMERS_MAX} consumers on {feed} already; delete those that are not used"
                ),
                format!("{peer} មាន consumer {CONSUMERS_MAX} លើ {feed} រួចហើយ សូមលុបអ្វីដែលមិនប្រើ"),
            )),
            retry_after_s: CONSUMER_LEFT_BEHIND.as_secs(),
        }))
    }

    fn may_look(&self, office: &OfficeId, feed: &FeedName) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.retain(|_, at| at.elapsed() < CONSUMERS_LOOK_INTERVAL);
        let key = (office.clone(), feed.clone());
        let first = !looked.contains_key(&key);
        if first {
            looked.insert(key, Instant::now());
        }
        first
    }

    /// Deletes of an office's consumers those that a program has left behind when it was killed: without a durable name nobody comes back to
    /// them, nobody waits at them, and nothing has come out of them for a while. Says how many.
    async fn give_back(
        &self,
        broker: &Broker,
        prefix: &str,
        feed: &FeedName,
    ) -> Result<usize, String> {
        let jetstream = self
            .connected(broker)
            .await
            .map_err(|why| why.to_string())?;
        let subject = format!("$JS.API.CONSUMER.LIST.{feed}");
        let (mut seen, mut left) = (0, Vec::new());
        loop {
            let question = json!({ "offset": seen });
            let page = jetstream.ask::<Infos>(&subject, &question).await;
            let page = page.map_err(|why| why.to_string())?;
            let Infos { total, consumers } = page.map_err(|error| error.to_string())?;
            let consumers = consumers.unwrap_or_default();
            seen = consumers.len().saturating_add(seen);
            let last = consumers.is_empty() || seen >= total;
            let of_office = consumers
                .into_iter()
                .filter(|one| one.name.starts_with(prefix));
            left.extend(
                of_office
                    .filter(Consumer::is_left_behind)
                    .map(|one| one.name),
            );
            if last {
                break;
            }
        }
        let mut given_back = 0;
        for name in left {
            let subject = format!("$JS.API.CONSUMER.DELETE.{feed}.{name}");
            let deleted = jetstream.ask::<Value>(&subject, &json!({})).await;
            let gone = usize::from(deleted.map_err(|why| why.to_string())?.is_ok());
            given_back = gone.saturating_add(given_back);
        }
        Ok(given_back)
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
            seen = consumers.len().saturating_add(seen);
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
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_comes_back_to_is_left_behind() {
        let is_left_behind = |changes: Value| {
            let mut info = json!({
                "name": "moh_hq_1", "created": "2026-11-30T10:00:00.123456789Z",
                "config": { "name": "moh_hq_1", "ack_policy": "none" },
                "delivered": { "last_active": "2026-11-30T10:10:00Z" },
                "num_waiting": 0, "ts": "2026-11-30T10:10:30Z",
            });
            let Value::Object(changes) = changes else {
                unreachable!("changes are members")
            };
            info.as_object_mut().expect("an object").extend(changes);
            let consumer: Consumer = serde_json::from_value(info).expect("nats-server's form");
            consumer.is_left_behind()
        };
        assert!(is_left_behind(json!({})));
        assert!(is_left_behind(json!({ "delivered": {} })));
        for used in [
            json!({ "num_waiting": 1 }),
            json!({ "ts": "2026-11-30T10:10:29Z" }),
            json!({ "created": "2026-11-30T10:10:20Z" }),
            json!({ "config": { "durable_name": "moh_hq_1" } }),
            json!({ "config": { "deliver_subject": "_INBOX.moh.hq.1" } }),
            json!({ "created": "a while ago", "delivered": {} }),
        ] {
            assert!(!is_left_behind(used.clone()), "{used}");
        }
    }
}
