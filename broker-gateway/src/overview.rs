//! What an office may know of streams and consumers comes in as a look that policy allows, the answer goes out in JetStream's own form.
//! nats-server is asked for it over the gateway's connection: its own answers tell of everybody. Never: another office's count or
//! consumer.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gateway::Gateway;
use crate::limits::{CONSUMERS_PAGE, OVERVIEWS_AT_ONCE};
use crate::request::{Look, OwnConsumers, Renamed, Sight};
use crate::upstream::jetstream::{ApiError, JetStream};

/// As nats-server writes that there was none yet.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// Where looks wait for their turn.
#[derive(Debug)]
pub struct Overview(Arc<Semaphore>);

/// A look may be taken.
#[derive(Debug)]
pub struct Turn(
    #[expect(dead_code, reason = "it is given back when it is dropped")]
    Option<OwnedSemaphorePermit>,
);

impl Default for Overview {
    fn default() -> Overview {
        Overview(Arc::new(Semaphore::new(OVERVIEWS_AT_ONCE)))
    }
}

impl Overview {
    pub async fn turn(&self) -> Turn {
        // It is never closed.
        Turn(self.0.clone().acquire_owned().await.ok())
    }

    /// # Errors
    /// Why nats-server does not say.
    pub async fn look(&self, gateway: &Gateway, _turn: Turn, look: &Look) -> Result<Bytes, String> {
        let connected = gateway.consumers.connected(&gateway.broker).await;
        let jetstream = connected.map_err(|why| why.to_string())?;
        let answer = match look {
            Look::Stream(sight) => tell_stream(&jetstream, sight).await?,
            Look::Streams { sights, offset } => streams(&jetstream, sights, *offset).await?,
            Look::ConsumerNames(asked) => {
                let own = own_consumers(gateway, asked).await?;
                let names: Vec<&str> = own.iter().skip(asked.offset).map(Renamed::said).collect();
                json!({
                    "type": "io.nats.jetstream.api.v1.consumer_names_response",
                    "total": own.len(), "offset": asked.offset, "limit": 1024, "consumers": names,
                })
            }
            Look::Consumers(asked) => consumers(gateway, &jetstream, asked).await?,
        };
        Ok(Bytes::from(answer.to_string()))
    }
}

/// # Errors
/// Why nats-server does not say.
pub async fn tell_stream(jetstream: &JetStream, sight: &Sight) -> Result<Value, String> {
    Ok(stream(jetstream, sight).await?.unwrap_or_else(|error| {
        let ApiError {
            code,
            err_code,
            description,
        } = error;
        json!({
            "type": "io.nats.jetstream.api.v1.stream_info_response",
            "error": { "code": code, "err_code": err_code, "description": description },
        })
    }))
}

async fn stream(jetstream: &JetStream, sight: &Sight) -> Result<Result<Value, ApiError>, String> {
    let (stream, question) = match sight {
        Sight::Whole(stream) => (stream, json!({})),
        Sight::Own {
            stream,
            filter: None,
            ..
        } => (stream, json!({})),
        Sight::Own {
            stream,
            filter: Some(filter),
            ..
        } => (stream, json!({ "subjects_filter": filter })),
    };
    let asked = format!("$JS.API.STREAM.INFO.{stream}");
    let answer = jetstream.ask::<Value>(&asked, &question).await;
    let answer = answer.map_err(|why| why.to_string())?;
    Ok(answer.map(|mut info| {
        if let Sight::Own { by_subject, .. } = sight {
            keep_own(&mut info, *by_subject);
        }
        info
    }))
}

/// Leaves of a stream's state what the office's own logs count, and the sequences.
fn keep_own(info: &mut Value, by_subject: bool) {
    let state = &info["state"];
    let subjects = state["subjects"].as_object().cloned().unwrap_or_default();
    let messages: u64 = subjects.values().filter_map(Value::as_u64).sum();
    let mut own = json!({
        "messages": messages, "bytes": 0, "first_seq": state["first_seq"], "first_ts": NO_TIME,
        "last_seq": state["last_seq"], "last_ts": NO_TIME, "num_subjects": subjects.len(), "consumer_count": 0,
    });
    if by_subject
        && !subjects.is_empty()
        && let Some(own) = own.as_object_mut()
    {
        own.insert("subjects".to_owned(), Value::Object(subjects));
    }
    if let Some(info) = info.as_object_mut() {
        info.insert("state".to_owned(), own);
    }
}

async fn streams(jetstream: &JetStream, sights: &[Sight], offset: usize) -> Result<Value, String> {
    let mut all = Vec::new();
    for sight in sights.iter().skip(offset) {
        // A feed whose stream was not made yet is none to nats-server.
        if let Ok(info) = stream(jetstream, sight).await? {
            all.push(info);
        }
    }
    Ok(json!({
        "type": "io.nats.jetstream.api.v1.stream_list_response",
        "total": sights.len(), "offset": offset, "limit": 256, "streams": all,
    }))
}

async fn consumers(
    gateway: &Gateway,
    jetstream: &JetStream,
    asked: &OwnConsumers,
) -> Result<Value, String> {
    let own = own_consumers(gateway, asked).await?;
    let mut page = Vec::new();
    for named in own.iter().skip(asked.offset).take(CONSUMERS_PAGE) {
        let question = format!("$JS.API.CONSUMER.INFO.{}.{}", asked.stream, named.whole());
        let answer = jetstream.ask::<Value>(&question, &json!({})).await;
        // One that has gone meanwhile is left out.
        if let Ok(mut info) = answer.map_err(|why| why.to_string())? {
            named.put_into(&mut info);
            page.push(info);
        }
    }
    Ok(json!({
        "type": "io.nats.jetstream.api.v1.consumer_list_response",
        "total": own.len(), "offset": asked.offset, "limit": CONSUMERS_PAGE, "consumers": page,
    }))
}

/// All of them in an order that stays.
async fn own_consumers(gateway: &Gateway, asked: &OwnConsumers) -> Result<Vec<Renamed>, String> {
    let OwnConsumers { stream, prefix, .. } = asked;
    let mut own = gateway
        .consumers
        .of(&gateway.broker, prefix, stream)
        .await?;
    own.sort();
    Ok(own
        .iter()
        .map(|whole| Renamed::in_list(prefix, whole))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stream_only_the_own_log_is_counted() {
        let stream = json!({"config": {"name": "x"}, "state": {
            "messages": 900, "bytes": 9_000_000, "first_seq": 3, "first_ts": "2026-07-01T00:00:00Z", "last_seq": 950,
            "last_ts": "2026-10-02T00:00:00Z", "num_subjects": 40, "num_deleted": 47, "consumer_count": 12,
            "subjects": {"spean.log.x.moh.kandal": 7},
        }});
        let own = json!({
            "messages": 7, "bytes": 0, "first_seq": 3, "first_ts": NO_TIME, "last_seq": 950, "last_ts": NO_TIME,
            "num_subjects": 1, "consumer_count": 0,
        });
        let mut info = stream.clone();
        keep_own(&mut info, false);
        assert_eq!(info, json!({"config": {"name": "x"}, "state": own}));
        let mut info = stream;
        keep_own(&mut info, true);
        assert_eq!(
            info["state"]["subjects"],
            json!({"spean.log.x.moh.kandal": 7})
        );
    }
}
