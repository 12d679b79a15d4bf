//! `streams`: the registry's feeds come in; for each, and for confirmations, a stream that exists as it must be goes out, or what
//! is different about it.
//! Only what is missing is created. A stream that stands is never changed here: a wrong update destroys events.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use schemas::registry::Registry;
use schemas::subject::{CONFIRMATIONS, FeedName, confirmations};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::folder::Folder;
use super::table::Table;
use crate::limits::{SERVER_LOOK_INTERVAL, SERVER_START_WAIT};
use crate::settings::{NatsSettings, Settings};
use crate::upstream::jetstream::{JetStream, Outage};
use crate::upstream::raw::Broker;

/// JetStream's "stream not found".
pub const STREAM_NOT_FOUND: u32 = 10059;
const GIB: u64 = 1 << 30;

/// What new streams are given.
#[derive(Debug, Clone, Copy)]
pub struct NewStreams {
    pub replicas: u8,
    pub room_gib: u32,
}

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

/// Creates what is missing, with the operator's nkey, and compares the rest.
///
/// # Errors
/// The folder or the server cannot be used.
pub async fn create(folder: &Path, new: NewStreams) -> anyhow::Result<Vec<StreamReport>> {
    let settings = Settings::read(folder)?;
    let broker = Broker::new(&NatsSettings {
        nkey: Folder::new(folder).operator_nkey(),
        ..settings.nats
    })?;
    let log = super::registry(folder)?;
    let (jetstream, mut reports) = reached(&broker, log.registry()).await?;
    for report in &mut reports {
        if report.state == StreamState::Missing {
            create_one(&jetstream, &report.stream, new)
                .await
                .with_context(|| format!("the stream {} is still missing", report.stream))?;
            report.state = StreamState::Created;
        }
    }
    Ok(reports)
}

/// A server that was started a moment ago is waited for.
async fn reached(
    broker: &Broker,
    registry: &Registry,
) -> Result<(JetStream, Vec<StreamReport>), BrokerFault> {
    let began = Instant::now();
    loop {
        let looking = async {
            let jetstream = JetStream::connect(broker).await?;
            let reports = compare(&jetstream, registry).await?;
            Ok((jetstream, reports))
        };
        match looking.await {
            Err(BrokerFault::Outage(why))
                if !matches!(why, Outage::Unfit(_)) && began.elapsed() < SERVER_START_WAIT =>
            {
                tokio::time::sleep(SERVER_LOOK_INTERVAL).await;
            }
            looked => return looked,
        }
    }
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

async fn create_one(
    jetstream: &JetStream,
    stream: &FeedName,
    new: NewStreams,
) -> Result<(), BrokerFault> {
    let config = configuration(stream, new);
    let subject = format!("$JS.API.STREAM.CREATE.{stream}");
    match jetstream.ask::<Value>(&subject, &config).await? {
        Ok(_) => Ok(()),
        Err(error) => Err(BrokerFault::Api {
            what: format!("create the stream {stream}"),
            why: error.to_string(),
        }),
    }
}

/// With what a stream is created.
pub fn configuration(stream: &FeedName, new: NewStreams) -> Map<String, Value> {
    let mut config = fixed(stream);
    config.retain(|_, value| !value.is_null());
    config.insert("name".into(), json!(stream));
    config.insert("num_replicas".into(), json!(new.replicas));
    config.insert("max_bytes".into(), json!(u64::from(new.room_gib) * GIB));
    config
}

/// What must be so on every stream: `null` is "not set". Full is an outage and never a loss, so only bytes are limited;
/// nothing expires, nothing is overwritten, nothing comes in from elsewhere. Of confirmations the newest says all, and is all
/// that is kept of what one reader says of one log.
fn fixed(stream: &FeedName) -> Map<String, Value> {
    let confirmations = stream.as_str() == CONFIRMATIONS;
    let subjects = match confirmations {
        true => "spean.confirm.>".to_owned(),
        false => format!("spean.log.{stream}.>"),
    };
    let fixed = json!({
        "subjects": [subjects],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_msgs": -1,
        "max_msgs_per_subject": if confirmations { 1 } else { -1 },
        "max_age": 0,
        "max_msg_size": -1,
        "max_consumers": -1,
        "allow_direct": true,
        "allow_atomic": true,
        "allow_rollup_hdrs": false,
        "discard_new_per_subject": false,
        "allow_msg_ttl": false,
        "allow_msg_counter": false,
        "allow_msg_schedules": false,
        "no_ack": false,
        "sealed": false,
        "persist_mode": null,
        "mirror": null,
        "sources": null,
        "republish": null,
        "subject_transform": null,
    });
    match fixed {
        Value::Object(fixed) => fixed,
        _ => unreachable!("an object stands above"),
    }
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

/// For a person to read.
pub fn table(reports: &[StreamReport]) -> String {
    let mut table = Table::new(&["stream", "state", "setting", "is", "must be"]);
    for StreamReport { stream, state } in reports {
        let stream = stream.as_str();
        match state {
            StreamState::Right => table.row([stream, "right", "", "", ""]),
            StreamState::Created => table.row([stream, "created", "", "", ""]),
            StreamState::Missing => table.row([stream, "missing", "", "", ""]),
            StreamState::Different { differences } => {
                for Difference { setting, is, must } in differences {
                    table.row([stream, "different", setting, &is.to_string(), must]);
                }
            }
        }
    }
    table.to_string()
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
        config.insert("max_bytes".into(), json!(GIB));
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
