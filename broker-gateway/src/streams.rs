//! A stream as nats-server has it comes in, whether it is as it must be goes out. Nothing is changed here, and nothing is stored in a
//! stream that could lose it.

use schemas::registry::Registry;
use schemas::subject::{CONFIRMATIONS, FeedName, confirmations};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::upstream::jetstream::{JetStream, Outage};

/// JetStream's "stream not found".
pub const STREAM_NOT_FOUND: u32 = 10059;

/// One stream, as it was found: a feed's, which has its name, or the one of confirmations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamReport {
    pub stream: FeedName,
    #[serde(flatten)]
    pub state: StreamState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StreamState {
    Right,
    Created,
    Missing,
    Different { differences: Vec<Difference> },
}

/// A setting of a stream that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub setting: String,
    pub is: Value,
    pub must: String,
}

/// Why nothing is done on this server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerFault {
    #[error(transparent)]
    Outage(#[from] Outage),
    #[error("cannot {what}: {why}")]
    Api { what: String, why: String },
}

/// Looks at the stream of every feed and at that of confirmations, and changes nothing.
///
/// # Errors
/// The server does not answer.
pub async fn compare(
    jetstream: &JetStream,
    registry: &Registry,
) -> Result<Vec<StreamReport>, BrokerFault> {
    let mut reports = Vec::new();
    let feeds = registry.feeds().map(|feed| feed.name.clone());
    for stream in feeds.chain([confirmations()]) {
        let state = state(jetstream, &stream).await?;
        reports.push(StreamReport { stream, state });
    }
    Ok(reports)
}

/// Asked by whoever is about to store, on each new connection: nothing is stored in a stream that could lose it. The bytes that it
/// may hold are told.
///
/// # Errors
/// It is missing, or not as it must be; or the server does not say.
pub async fn fit(jetstream: &JetStream, stream: &FeedName) -> Result<u64, Outage> {
    match look(jetstream, stream).await {
        Ok((StreamState::Right | StreamState::Created, bytes)) => Ok(bytes),
        Ok((state, _)) => Err(Outage::Unfit(faults(stream, &state).join("; "))),
        Err(BrokerFault::Outage(outage)) => Err(outage),
        Err(fault @ BrokerFault::Api { .. }) => Err(Outage::Unreachable(fault.to_string())),
    }
}

async fn state(jetstream: &JetStream, stream: &FeedName) -> Result<StreamState, BrokerFault> {
    Ok(look(jetstream, stream).await?.0)
}

/// The stream's state, and the bytes that it may hold.
async fn look(jetstream: &JetStream, stream: &FeedName) -> Result<(StreamState, u64), BrokerFault> {
    #[derive(Deserialize)]
    struct StreamInfo {
        config: Map<String, Value>,
    }
    let subject = format!("$JS.API.STREAM.INFO.{stream}");
    match jetstream.ask::<StreamInfo>(&subject, &json!({})).await? {
        Ok(found) => {
            let bytes = found.config.get("max_bytes").and_then(Value::as_u64);
            let state = match differences(stream, &found.config) {
                none if none.is_empty() => StreamState::Right,
                differences => StreamState::Different { differences },
            };
            Ok((state, bytes.unwrap_or(0)))
        }
        Err(error) if error.err_code == STREAM_NOT_FOUND => Ok((StreamState::Missing, 0)),
        Err(error) => Err(BrokerFault::Api {
            what: format!("look at the stream {stream}"),
            why: error.to_string(),
        }),
    }
}

/// What is wrong with a stream, one sentence each.
pub fn faults(stream: &FeedName, state: &StreamState) -> Vec<String> {
    match state {
        StreamState::Right | StreamState::Created => Vec::new(),
        StreamState::Missing => vec![format!(
            "the stream {stream} is missing; run spean-gateway streams"
        )],
        StreamState::Different { differences } => differences
            .iter()
            .map(|Difference { setting, is, must }| {
                format!("the stream {stream}: {setting} is {is} and must be {must}")
            })
            .collect(),
    }
}

/// What must be so on every stream: `null` is "not set". Full is an outage and never a loss, so only bytes are limited;
/// nothing expires, nothing is overwritten, nothing comes in from elsewhere. Of confirmations the newest says all, and is all
/// that is kept of what one reader says of one log.
pub fn fixed(stream: &FeedName) -> Map<String, Value> {
    let confirmations = stream.as_str() == CONFIRMATIONS;
    let subjects = match confirmations {
        true => "spean.confirm.>".to_owned(),
        false => format!("spean.log.{stream}.>"),
    };
    let fixed = [
        ("subjects", json!([subjects])),
        ("retention", json!("limits")),
        ("storage", json!("file")),
        ("discard", json!("new")),
        ("max_msgs", json!(-1)),
        (
            "max_msgs_per_subject",
            json!(if confirmations { 1 } else { -1 }),
        ),
        ("max_age", json!(0)),
        ("max_msg_size", json!(-1)),
        ("max_consumers", json!(-1)),
        ("allow_direct", json!(true)),
        ("allow_atomic", json!(true)),
        ("allow_rollup_hdrs", json!(false)),
        ("discard_new_per_subject", json!(false)),
        ("allow_msg_ttl", json!(false)),
        ("allow_msg_counter", json!(false)),
        ("allow_msg_schedules", json!(false)),
        ("no_ack", json!(false)),
        ("sealed", json!(false)),
        ("persist_mode", json!(null)),
        ("mirror", json!(null)),
        ("sources", json!(null)),
        ("republish", json!(null)),
        ("subject_transform", json!(null)),
    ];
    fixed
        .map(|(setting, must)| (setting.to_owned(), must))
        .into_iter()
        .collect()
}

fn differences(stream: &FeedName, config: &Map<String, Value>) -> Vec<Difference> {
    let fixed = fixed(stream);
    let mut differences: Vec<Difference> = fixed
        .iter()
        .filter_map(|(setting, must)| {
            let is = config.get(setting).unwrap_or(&Value::Null);
            // The server leaves out what is false.
            let unset = is.is_null() && *must == json!(false);
            (is != must && !unset).then(|| Difference {
                setting: setting.clone(),
                is: is.clone(),
                must: must.to_string(),
            })
        })
        .collect();
    let room = config.get("max_bytes").unwrap_or(&Value::Null);
    if room.as_i64().is_none_or(|bytes| bytes <= 0) {
        differences.push(Difference {
            setting: "max_bytes".into(),
            is: room.clone(),
            must: "a number of bytes that the disk has".into(),
        });
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> FeedName {
        "market-prices".parse().expect("a feed")
    }

    fn right() -> Map<String, Value> {
        let mut config = fixed(&feed());
        config.retain(|_, value| !value.is_null() && *value != json!(false));
        config.insert("max_bytes".into(), json!(1 << 30));
        config
    }

    #[test]
    fn a_stream_as_it_was_created_is_right() {
        assert_eq!(differences(&feed(), &right()), []);
    }

    #[test]
    fn whatever_could_lose_or_change_events_is_named() {
        for (setting, wrong) in [
            ("max_age", json!(1)),
            ("max_msgs", json!(10)),
            ("max_msgs_per_subject", json!(1)),
            ("discard", json!("old")),
            ("storage", json!("memory")),
            ("retention", json!("workqueue")),
            ("persist_mode", json!("async")),
            ("allow_rollup_hdrs", json!(true)),
            ("allow_atomic", json!(false)),
            ("sources", json!([{"name": "elsewhere"}])),
            ("subjects", json!(["spean.log.>"])),
            ("max_bytes", json!(-1)),
        ] {
            let mut config = right();
            config.insert(setting.into(), wrong);
            let found = differences(&feed(), &config);
            assert_eq!(found.len(), 1, "{setting}");
            assert_eq!(found[0].setting, setting);
        }
    }
}
