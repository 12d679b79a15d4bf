//! An office: its agent's folder, and the local HTTP interface as the office's own programs use it, over a Unix socket: whatever
//! happens to the line, the office can talk to its own agent.
//! In: a bundle, a seat. Out: submissions, status, the file of what was delivered. Never: a look into the agent's stores.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::office::settle;
use tokio::sync::Mutex;

use crate::scenario::{HEALTH, PRICES, Role, Seat};

/// The file that is read where it stands.
pub const DELIVERED: &str = "delivered.ndjson";
/// Until a file that is being written into is in its place again, on a busy machine.
const WRITTEN_TIME: Duration = Duration::from_secs(10);
const OPENED_AGAIN: Duration = Duration::from_millis(10);
/// A frozen agent does not answer; the office's program tries again.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

pub struct Office {
    pub name: String,
    /// Its namespace, its end of the line, and what its ids begin with.
    pub tag: String,
    pub folder: PathBuf,
    pub role: Role,
    http: reqwest::Client,
    token: String,
    next: AtomicU64,
    /// Submissions that it did not take.
    turned_away: AtomicU64,
    /// Held while something is submitted.
    pub desk: Arc<Mutex<()>>,
}

/// What a publisher publishes.
#[derive(Clone, Copy)]
pub struct Publishes {
    pub feed: &'static str,
    pub pcode: &'static str,
}

impl Office {
    /// Makes the agent's folder from a bundle; nothing runs yet.
    pub fn settle(
        seat: &Seat,
        tag: &str,
        bundle: &Path,
        folder: &Path,
        gateways: &[String],
        targets: &[Target],
    ) -> Result<Office> {
        settle(bundle, folder);
        write_settings(&folder.join("agent.toml"), gateways, targets)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .unix_socket(folder.join("http.sock"))
            .timeout(ANSWER_WAIT)
            .build()?;
        let token = std::fs::read_to_string(folder.join("http.token"));
        Ok(Office {
            name: seat.office.clone(),
            tag: tag.to_owned(),
            folder: folder.to_owned(),
            role: seat.role,
            http,
            token: token.context("an agent has a token")?.trim().to_owned(),
            next: AtomicU64::new(1),
            turned_away: AtomicU64::new(0),
            desk: Arc::default(),
        })
    }

    pub fn is_subscriber(&self) -> bool {
        self.role == Role::Reads
    }

    pub fn publishes(&self) -> Publishes {
        match self.role {
            Role::Publishes { feed, pcode } => Publishes { feed, pcode },
            Role::Reads => unreachable!("only publishers submit"),
        }
    }

    /// The name of its log.
    pub fn source(&self) -> String {
        let feed = self.publishes().feed;
        format!("urn:spean:{}:{feed}", self.name.replace('/', ":"))
    }

    /// Numbers for so many further events; the first of them.
    pub fn take_numbers(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    pub fn delivered(&self) -> PathBuf {
        self.folder.join(DELIVERED)
    }

    /// What the delivered file holds, read as docs/receiving.md says: where there is none for a moment, it is opened again.
    pub async fn read_delivered(&self) -> Result<String> {
        let path = self.delivered();
        let read = async {
            loop {
                match tokio::fs::read_to_string(&path).await {
                    Err(why) if why.kind() == ErrorKind::NotFound => {
                        tokio::time::sleep(OPENED_AGAIN).await;
                    }
                    read => return read,
                }
            }
        };
        let text = tokio::time::timeout(WRITTEN_TIME, read).await;
        let told = || format!("{} is not there for {WRITTEN_TIME:?}", path.display());
        text.with_context(told)?
            .with_context(|| path.display().to_string())
    }

    pub fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// How often it has said that it cannot take what was submitted.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Submits a batch; the status and the answer's text. None: no answer.
    pub async fn submit(&self, batch: &str) -> Option<(u16, String)> {
        let request = self.http.post("http://agent/events");
        let request = request
            .header("content-type", "application/cloudevents-batch+json")
            .body(batch.to_owned());
        let answer = self.answer(request).await;
        if answer.as_ref().is_some_and(|(status, _)| *status >= 500) {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    pub async fn status(&self) -> Option<Value> {
        let (status, text) = self.answer(self.http.get("http://agent/status")).await?;
        (status == 200).then(|| serde_json::from_str(&text).ok())?
    }

    /// Events that it accepted and that are not on the bus yet.
    pub async fn waiting(&self) -> Option<u64> {
        let status = self.status().await?;
        let feeds = status["outbox"]["feeds"].as_array()?;
        Some(
            feeds
                .iter()
                .filter_map(|feed| feed["waiting"].as_u64())
                .sum(),
        )
    }

    pub async fn is_connected(&self) -> bool {
        let status = self.status().await;
        status.is_some_and(|status| status["link"]["state"] == "connected")
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Option<(u16, String)> {
        let response = request.bearer_auth(&self.token).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.text().await.ok()?))
    }
}

/// Where a reader's agent delivers what arrives, of both feeds.
pub enum Target {
    /// In the agent's folder.
    File(&'static str),
    Webhook(String),
}

/// The gateways in their order, a socket instead of a port, and the applications.
fn write_settings(path: &Path, gateways: &[String], targets: &[Target]) -> Result<()> {
    let text = std::fs::read_to_string(path).context("an agent has settings")?;
    let lines = text
        .lines()
        .map(|old| match old.split_once('=').map(|(key, _)| key.trim()) {
            Some("gateways") => format!("gateways = {gateways:?}\n"),
            Some("listen") => "socket = \"http.sock\"\n".to_owned(),
            _ => format!("{old}\n"),
        });
    let mut settings: String = lines.collect();
    for target in targets {
        let (name, to) = match target {
            Target::File(file) => (
                file.trim_end_matches(".ndjson"),
                format!("file = \"{file}\""),
            ),
            Target::Webhook(url) => ("desk", format!("webhook = \"{url}\"")),
        };
        for feed in [HEALTH, PRICES] {
            settings.push_str(&format!(
                "\n[[deliver]]\nname = \"{name}-{feed}\"\nfeed = \"{feed}\"\n{to}\n"
            ));
        }
    }
    std::fs::write(path, settings).context("an agent's settings can be changed")
}
