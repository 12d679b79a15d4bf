//! What nats-server itself holds, asked and harmed with the authority's own credentials: the truth that no agent can colour.
//! In: an authority's folder. Out: counts, messages, holes. Never: an event that no office signed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::consumer::pull;
use async_nats::{Client, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::gateway::Authority;
use crate::letter::Letter;

/// Who asks: a gateway appends and reads, the operator makes and mends streams.
#[derive(Clone, Copy)]
enum User {
    Gateway,
    Operator,
}

pub struct Broker {
    gateway: Client,
    operator: Client,
}

/// An event as nats-server holds it.
pub struct Stored {
    pub subject: String,
    pub sequence: u64,
    /// The header block, `NATS/1.0` line included.
    pub headers: String,
    pub data: Vec<u8>,
}

impl Broker {
    /// As a gateway.
    pub async fn connect(authority: &Authority) -> Result<Broker> {
        Broker::connect_to(authority, authority.nats).await
    }

    /// One of several servers.
    pub async fn connect_to(authority: &Authority, server: SocketAddr) -> Result<Broker> {
        let (gateway, operator) = (
            connect(authority, server, User::Gateway).await?,
            connect(authority, server, User::Operator).await?,
        );
        Ok(Broker { gateway, operator })
    }

    /// JetStream, as the operator may use it.
    pub fn jetstream(&self) -> async_nats::jetstream::Context {
        async_nats::jetstream::new(self.operator.clone())
    }

    /// How many events each subject of the feed holds.
    pub async fn counts(&self, feed: &str) -> Result<BTreeMap<String, u64>> {
        let body = json!({ "subjects_filter": ">" });
        let answer = ask(&self.gateway, &format!("STREAM.INFO.{feed}"), &body).await?;
        let subjects = answer["state"]["subjects"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        Ok(subjects
            .into_iter()
            .filter_map(|(subject, count)| Some((subject, count.as_u64()?)))
            .collect())
    }

    /// The message at a sequence of the feed's stream.
    pub async fn message(&self, feed: &str, sequence: u64) -> Result<Stored> {
        let answer = ask(
            &self.gateway,
            &format!("STREAM.MSG.GET.{feed}"),
            &json!({ "seq": sequence }),
        )
        .await?;
        let message = &answer["message"];
        let bytes = |field: &str| STANDARD.decode(message[field].as_str().unwrap_or_default());
        Ok(Stored {
            subject: message["subject"].as_str().unwrap_or_default().to_owned(),
            sequence,
            headers: String::from_utf8(bytes("hdrs")?)?,
            data: bytes("data")?,
        })
    }

    /// The ids of all events of the feed, as often as they are stored.
    pub async fn ids(&self, feed: &str) -> Result<Vec<String>> {
        let mut stream = self.jetstream().get_stream(feed).await?;
        let mut left = stream.info().await?.state.messages;
        let everything = pull::OrderedConfig {
            headers_only: true,
            ..pull::OrderedConfig::default()
        };
        let mut messages = stream.create_consumer(everything).await?.messages().await?;
        let mut ids = Vec::new();
        while left > 0 {
            let message = messages.next().await.context("the stream ended early")??;
            let headers = message.headers.as_ref();
            let id = headers.and_then(|headers| headers.get("ce-id"));
            ids.extend(id.map(|id| id.as_str().to_owned()));
            left = message.info().map_err(anyhow::Error::from_boxed)?.pending;
        }
        Ok(ids)
    }

    /// Destroys a message, as a damaged disk would.
    pub async fn lose(&self, feed: &str, sequence: u64) -> Result<()> {
        let body = json!({ "seq": sequence, "no_erase": true });
        ask(&self.operator, &format!("STREAM.MSG.DELETE.{feed}"), &body)
            .await
            .map(drop)
    }

    /// What the feed's stream may hold from now on, in bytes; what it holds counts.
    pub async fn give_room(&self, feed: &str, bytes: i64) -> Result<()> {
        let jetstream = self.jetstream();
        let mut stream = jetstream.get_stream(feed).await?;
        let mut config = stream.info().await?.config.clone();
        config.max_bytes = bytes;
        jetstream.update_stream(config).await?;
        Ok(())
    }

    /// How many bytes the feed's stream holds.
    pub async fn bytes(&self, feed: &str) -> Result<i64> {
        let mut stream = self.jetstream().get_stream(feed).await?;
        Ok(stream.info().await?.state.bytes.try_into()?)
    }

    /// Leaves what is no event on a subject, as a broken program with a gateway's credentials would; says its sequence.
    pub async fn scribble(&self, subject: &str) -> Result<u64> {
        let answer = self.gateway.request(subject.to_owned(), "?".into()).await?;
        let answer: Value = serde_json::from_slice(&answer.payload)?;
        answer["seq"]
            .as_u64()
            .with_context(|| format!("nats-server does not take it: {answer}"))
    }

    /// Puts a lost event back at its position's own subject.
    pub async fn refill(&self, lost: &Stored, position: u64) -> Result<()> {
        let mut headers = attributes(&lost.headers)?;
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        let subject = format!("{}.{position}", lost.subject);
        self.put(subject, headers, lost.data.clone()).await
    }

    /// Stores an event past every gateway, as one did that did not verify it.
    pub async fn append(&self, subject: &str, letter: &Letter) -> Result<()> {
        let headers = attributes(&letter.headers())?;
        self.put(subject.to_owned(), headers, letter.data.clone())
            .await
    }

    async fn put(&self, subject: String, headers: HeaderMap, data: Vec<u8>) -> Result<()> {
        let sent = self
            .gateway
            .request_with_headers(subject, headers, data.into())
            .await?;
        let answer: Value = serde_json::from_slice(&sent.payload)?;
        ensure!(
            answer["error"].is_null(),
            "nats-server does not take it: {answer}"
        );
        Ok(())
    }
}

/// The event's own headers of a block.
fn attributes(block: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in block.lines().filter(|line| line.starts_with("ce-")) {
        let (name, value) = line.split_once(": ").context("a header has a value")?;
        headers.insert(name, value);
    }
    Ok(headers)
}

async fn connect(authority: &Authority, server: SocketAddr, user: User) -> Result<Client> {
    let file = |name: &str| authority.folder().join(name);
    let seed = file(match user {
        User::Gateway => "gateway/gateway.nk",
        User::Operator => "authority/operator.nk",
    });
    let seed = std::fs::read_to_string(&seed)
        .with_context(|| format!("cannot read {}", seed.display()))?;
    let options = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned())
        .require_tls(true)
        .add_root_certificates(file("gateway/nats-ca.pem"))
        .add_client_certificate(
            file("gateway/nats-client.pem"),
            file("gateway/nats-client.key"),
        );
    options
        .connect(server.to_string())
        .await
        .context("cannot reach nats-server")
}

async fn ask(client: &Client, call: &str, body: &Value) -> Result<Value> {
    let answer = client
        .request(format!("$JS.API.{call}"), body.to_string().into())
        .await;
    let answer: Value = serde_json::from_slice(
        &answer
            .with_context(|| format!("no answer to {call}"))?
            .payload,
    )?;
    ensure!(
        answer["error"].is_null(),
        "nats-server refuses {call}: {answer}"
    );
    Ok(answer)
}
