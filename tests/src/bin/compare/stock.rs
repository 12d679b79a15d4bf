//! Stock NATS as its documentation puts it together: a leaf node with JetStream at the office, whose stream a stream at the hub
//! sources; the office's program publishes with an id and waits for the ack, the application reads through a durable consumer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, External, Source};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::deadline::eventually;
use tests::nats;
use tests::ports;
use tests::programs::Process;
use tests::proxy::FaultProxy;
use tokio_util::task::AbortOnDropHandle;

use crate::system::{self, System};

/// How both servers sync what they acknowledge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// As it comes: every two minutes.
    Default,
    Always,
}

const SUBJECT: &str = "prices.siem-reap";
/// The office's stream, and the hub's.
const HERE: &str = "OFFICE";
const THERE: &str = "CENTRE";
const READER: &str = "application";
const AGAIN_AFTER: Duration = Duration::from_millis(100);

pub struct Stock {
    // Processes stand before the folder that they write into: fields drop in order.
    reading: Option<AbortOnDropHandle<()>>,
    leaf: Server,
    hub: Server,
    line: FaultProxy,
    delivered: Arc<Mutex<Vec<String>>>,
    sync: Sync,
    folder: TempDir,
}

/// One nats-server and a client of it.
struct Server {
    configuration: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
    client: Client,
}

impl Stock {
    pub async fn start(sync: Sync) -> Result<Stock> {
        let folder = TempDir::with_prefix("spean-compare-")?;
        let leaves = ports::free();
        let syncs = match sync {
            Sync::Default => "",
            Sync::Always => "sync_interval: always",
        };
        // Otherwise the leaf node learns of this address and goes around its line.
        let hub = format!("leafnodes {{ listen: \"{leaves}\", no_advertise: true }}\n");
        let hub = Server::start(folder.path(), "hub", &hub, syncs).await?;
        let line = FaultProxy::start(leaves).await;
        let to_hub = format!(
            "leafnodes {{ reconnect: \"1s\", remotes: [{{ url: \"nats://{}\" }}] }}\n",
            line.address()
        );
        let leaf = Server::start(folder.path(), "leaf", &to_hub, syncs).await?;
        let mut stock = Stock {
            reading: None,
            leaf,
            hub,
            line,
            delivered: Arc::default(),
            sync,
            folder,
        };
        stock.make_streams().await?;
        stock.start_reader().await?;
        Ok(stock)
    }

    /// The operator's script: what is there stays.
    async fn make_streams(&self) -> Result<()> {
        let office = Config {
            name: HERE.to_owned(),
            subjects: vec![SUBJECT.to_owned()],
            ..Config::default()
        };
        let api_prefix = "$JS.leaf.API".to_owned();
        let from = Source {
            name: HERE.to_owned(),
            external: Some(External {
                api_prefix,
                delivery_prefix: None,
            }),
            ..Source::default()
        };
        let centre = Config {
            name: THERE.to_owned(),
            sources: Some(vec![from]),
            ..Config::default()
        };
        for (server, config) in [(&self.leaf, office), (&self.hub, centre)] {
            eventually("a stream", async || {
                server
                    .jetstream()
                    .get_or_create_stream(config.clone())
                    .await
                    .ok()
            })
            .await;
        }
        Ok(())
    }

    /// The hub's account of its stream.
    async fn account(&self) -> Result<Value> {
        let question = format!("$JS.API.STREAM.INFO.{THERE}");
        let answer = self
            .hub
            .client
            .request(question, json!({}).to_string().into())
            .await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    }
}

impl Server {
    async fn start(folder: &Path, name: &str, more: &str, jetstream: &str) -> Result<Server> {
        let (configuration, address) = (folder.join(format!("{name}.conf")), ports::free());
        let store = folder.join(name);
        let text = format!(
            "server_name: {name}\nlisten: \"{address}\"\n\
             jetstream {{\n store_dir: {store:?}\n domain: {name}\n {jetstream}\n}}\n{more}"
        );
        std::fs::write(&configuration, text)?;
        let process = Server::run(&configuration, address).await;
        let client = async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .connect(address.to_string())
            .await?;
        Ok(Server {
            configuration,
            address,
            process: Some(process),
            client,
        })
    }

    async fn run(configuration: &Path, address: SocketAddr) -> Process {
        let log = configuration.with_extension("log");
        let arguments = ["--config", &*configuration.to_string_lossy()];
        Process::serving(&nats::binary(), &arguments, &log, address).await
    }

    async fn resume(&mut self) {
        self.process = Some(Server::run(&self.configuration, self.address).await);
    }

    fn jetstream(&self) -> Context {
        jetstream::new(self.client.clone())
    }
}

impl System for Stock {
    fn name(&self) -> &'static str {
        match self.sync {
            Sync::Default => "leaf node, defaults",
            Sync::Always => "leaf node, sync always",
        }
    }

    async fn submit(&mut self, id: &str) -> Result<()> {
        let body = system::event(id).to_string();
        let sent = async || {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", id);
            let jetstream = self.leaf.jetstream();
            let acked = jetstream
                .publish_with_headers(SUBJECT, headers, body.clone().into())
                .await
                .ok()?;
            acked.await.ok()
        };
        eventually("an ack", sent).await;
        Ok(())
    }

    fn line(&self) -> &FaultProxy {
        &self.line
    }

    fn office_store(&self) -> PathBuf {
        self.folder.path().join("leaf")
    }

    async fn start_office(&mut self) -> Result<()> {
        self.leaf.resume().await;
        self.make_streams().await
    }

    async fn stop_office(&mut self) -> Result<()> {
        if let Some(process) = self.leaf.process.take() {
            process.stop().await;
        }
        Ok(())
    }

    async fn kill_office(&mut self) -> Result<()> {
        if let Some(process) = self.leaf.process.take() {
            process.kill().await;
        }
        Ok(())
    }

    fn centre_store(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    async fn start_centre(&mut self) -> Result<()> {
        self.hub.resume().await;
        self.make_streams().await
    }

    async fn stop_centre(&mut self) -> Result<()> {
        if let Some(process) = self.hub.process.take() {
            process.kill().await;
        }
        Ok(())
    }

    async fn held(&self) -> Result<u64> {
        Ok(self.account().await?["state"]["messages"]
            .as_u64()
            .unwrap_or(0))
    }

    async fn stop_reader(&mut self) -> Result<()> {
        self.reading = None;
        Ok(())
    }

    async fn start_reader(&mut self) -> Result<()> {
        let (jetstream, delivered) = (self.hub.jetstream(), Arc::clone(&self.delivered));
        let reading = tokio::spawn(async move {
            loop {
                // Whatever it was, the application tries again.
                read(&jetstream, &delivered).await.ok();
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        });
        self.reading = Some(AbortOnDropHandle::new(reading));
        Ok(())
    }

    async fn lose(&mut self, sequences: std::ops::Range<u64>) -> Result<()> {
        for sequence in sequences {
            let question = format!("$JS.API.STREAM.MSG.DELETE.{THERE}");
            let body = json!({ "seq": sequence, "no_erase": true }).to_string();
            let answer = self.hub.client.request(question, body.into()).await?;
            let answer: Value = serde_json::from_slice(&answer.payload)?;
            ensure!(
                answer["success"] == true,
                "{sequence} cannot be lost: {answer}"
            );
        }
        Ok(())
    }

    async fn delivered(&mut self) -> Result<Vec<String>> {
        Ok(self
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    /// What `nats stream info` would show at the hub: a source that lags or fails, messages that are deleted.
    async fn tells(&mut self) -> Result<bool> {
        let account = self.account().await?;
        let source = &account["sources"][0];
        Ok(source["lag"].as_u64().unwrap_or(0) > 0
            || !source["error"].is_null()
            || account["state"]["num_deleted"].as_u64().unwrap_or(0) > 0)
    }
}

/// Reads on, until something fails.
async fn read(jetstream: &Context, delivered: &Mutex<Vec<String>>) -> Result<()> {
    let durable = pull::Config {
        durable_name: Some(READER.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    let stream = jetstream.get_stream(THERE).await?;
    let consumer: PullConsumer = stream.get_or_create_consumer(READER, durable).await?;
    let mut messages = consumer
        .fetch()
        .max_messages(100)
        .expires(Duration::from_secs(1))
        .messages()
        .await?;
    while let Some(message) = messages.next().await {
        let message = message.map_err(anyhow::Error::from_boxed)?;
        let event: Value = serde_json::from_slice(&message.payload)?;
        if let Some(id) = event["id"].as_str() {
            delivered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(id.to_owned());
        }
        message
            .double_ack()
            .await
            .map_err(anyhow::Error::from_boxed)?;
    }
    Ok(())
}
