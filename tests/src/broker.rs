//! What nats-server itself holds, asked with the gateway's own credentials: the truth that no agent can colour.
//! In: an authority's folder. Out: counts of each log. Never: a write.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::gateway::Authority;

pub struct Broker {
    client: async_nats::Client,
}

impl Broker {
    pub async fn connect(authority: &Authority) -> Result<Broker> {
        let file = |name: &str| authority.folder().join("gateway").join(name);
        let seed = std::fs::read_to_string(file("gateway.nk"))
            .context("cannot read the gateway's nkey")?;
        let options = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned())
            .require_tls(true)
            .add_root_certificates(file("nats-ca.pem"))
            .add_client_certificate(file("nats-client.pem"), file("nats-client.key"));
        let client = options
            .connect(authority.nats.to_string())
            .await
            .context("cannot reach nats-server")?;
        Ok(Broker { client })
    }

    /// How many events each subject of the feed holds.
    pub async fn counts(&self, feed: &str) -> Result<BTreeMap<String, u64>> {
        let body = json!({ "subjects_filter": ">" }).to_string();
        let answer = self
            .client
            .request(format!("$JS.API.STREAM.INFO.{feed}"), body.into())
            .await;
        let answer: Value = serde_json::from_slice(
            &answer
                .context("nats-server does not tell its counts")?
                .payload,
        )?;
        anyhow::ensure!(
            answer["error"].is_null(),
            "nats-server does not tell its counts: {answer}"
        );
        let subjects = answer["state"]["subjects"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        Ok(subjects
            .into_iter()
            .filter_map(|(subject, count)| Some((subject, count.as_u64()?)))
            .collect())
    }
}
