//! An office's agent as a process of its own, reached over its local HTTP interface, with no line in between that would take
//! the bytes apart. In: a bundle. Out: submissions, its status, what it has received. Never: a look into its stores.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::gateway::Authority;
use tests::office::{Running, settle};
use tests::ports;

use crate::events::{Kind, LABOUR, SIEM_REAP};

/// A sync may wait behind many others on a busy disk.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

pub struct Agent {
    running: Running,
    http: reqwest::Client,
    kind: Kind,
}

impl Agent {
    /// An agent whose gateway does not exist: it accepts, and cannot send.
    pub async fn alone(folder: &Path) -> Result<Agent> {
        let authority = Authority::init(&folder.join("authority"), ports::free(), ports::free());
        let bundle = authority.enrol("mlvt/siem-reap", folder);
        Agent::start(&bundle, &folder.join("agent"), LABOUR).await
    }

    /// Makes the agent's folder from a bundle and starts it.
    pub async fn start(bundle: &Path, folder: &Path, kind: Kind) -> Result<Agent> {
        settle(bundle, folder);
        let settings = folder.join("agent.toml");
        let text = std::fs::read_to_string(&settings).context("an agent has settings")?;
        let any_port = text.replace("127.0.0.1:7070", "127.0.0.1:0");
        std::fs::write(&settings, any_port)?;
        let running = Running::start(folder).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_WAIT)
            .build()?;
        Ok(Agent {
            running,
            http,
            kind,
        })
    }

    /// Starts it anew, speaking frames from now on.
    pub async fn speak_frames(&mut self, folder: &Path) -> Result<()> {
        let settings = folder.join("agent.toml");
        let text = std::fs::read_to_string(&settings).context("an agent has settings")?;
        std::fs::write(&settings, text + "\n[link]\npacked = \"on\"\n")?;
        self.running.process.signal("TERM");
        self.running.process.ends().await;
        self.running = Running::start(folder).await;
        Ok(())
    }

    pub fn id(&self) -> u32 {
        self.running.process.id()
    }

    /// Submits one event that must be accepted.
    pub async fn submit(&self, name: &str) -> Result<()> {
        self.post(
            "application/cloudevents+json",
            self.event(name, 0).to_string(),
        )
        .await
    }

    /// Submits events as one batch that must be accepted whole.
    pub async fn submit_batch(&self, name: &str, count: usize) -> Result<()> {
        let events: Vec<Value> = (0..count).map(|number| self.event(name, number)).collect();
        self.post(
            "application/cloudevents-batch+json",
            serde_json::to_string(&events)?,
        )
        .await
    }

    fn event(&self, name: &str, number: usize) -> Value {
        json!({
            "specversion": "1.0",
            "id": format!("bench-{name}-{number}"),
            "type": self.kind.event_type,
            "subject": format!("{}/2026Q3", SIEM_REAP),
            "datacontenttype": "application/json",
            "data": (self.kind.data)(SIEM_REAP, number as u64),
        })
    }

    async fn post(&self, content_type: &str, body: String) -> Result<()> {
        let request = self
            .http
            .post(format!("http://{}/events", self.running.address));
        let request = request
            .bearer_auth(&self.running.token)
            .header("content-type", content_type)
            .body(body);
        let answer = request.send().await.context("the agent does not answer")?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        ensure!(
            status.as_u16() == 202,
            "the agent answered {status}: {text}"
        );
        Ok(())
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self
            .http
            .get(format!("http://{}{path}", self.running.address))
            .bearer_auth(&self.running.token);
        let answer = request.send().await.context("the agent does not answer")?;
        let text = answer.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text)?)
    }
}
