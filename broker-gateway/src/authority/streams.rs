//! `streams`: the registry's feeds come in; for each, and for confirmations, a stream that exists as it must be goes out, or what
//! is different about it.
//! Only what is missing is created. A stream that stands is never changed here: a wrong update destroys events.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use schemas::registry::Registry;
use schemas::subject::FeedName;
use serde_json::{Map, Value, json};

use super::folder::Folder;
use super::table::Table;
use crate::limits::{SERVER_LOOK_INTERVAL, SERVER_START_WAIT};
use crate::settings::{NatsSettings, Settings};
use crate::streams::{BrokerFault, Difference, StreamReport, StreamState, compare, fixed};
use crate::upstream::jetstream::{JetStream, Outage};
use crate::upstream::raw::Broker;

const GIB: u64 = 1 << 30;

/// What new streams are given.
#[derive(Debug, Clone, Copy)]
pub struct NewStreams {
    pub replicas: u8,
    pub room_gib: u32,
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
