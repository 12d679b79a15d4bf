//! An office: spean-agent as a real process behind a line that can fail, spoken to through its documented HTTP API.
//! In: a bundle and a gateway's address. Out: what an office's own programs would see. Never: a look into the agent's stores.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemas::signing::PublicKey;
use serde_json::Value;

use crate::deadline::{eventually, until, within};
use crate::programs::{self, AGENT, Process};
use crate::proxy::FaultProxy;

pub struct Office {
    pub name: String,
    folder: PathBuf,
    pub line: FaultProxy,
    process: Option<Process>,
    http: reqwest::Client,
    address: SocketAddr,
    token: String,
}

/// Makes the agent's folder from a bundle; the office was told its authority's fingerprint.
pub fn settle(bundle: &Path, folder: &Path) {
    let key = std::fs::read_to_string(bundle.join("authority.pub")).expect("a bundle has its key");
    let key = PublicKey::try_from(key.trim().to_owned()).expect("the key is one");
    let told = key.fingerprint().to_string();
    let (folder, bundle) = (folder.to_string_lossy(), bundle.to_string_lossy());
    programs::run(
        AGENT,
        &["--dir", &folder, "init", &bundle, "--authority", &told],
    );
}

/// A running agent, and how it is reached.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
    pub token: String,
}

impl Running {
    /// Starts the agent of a folder that `init` made, and waits for its door.
    pub async fn start(folder: &Path) -> Running {
        Running::start_under(&[], folder).await
    }

    /// The same as the last words of another command, which has to become the agent.
    async fn start_under(command: &[&str], folder: &Path) -> Running {
        let door = folder.join("http.addr");
        std::fs::remove_file(&door).ok();
        let (agent, log) = (programs::path(AGENT), folder.join("agent.log"));
        let (agent, folder_name) = (agent.to_string_lossy(), folder.to_string_lossy());
        let mut words: VecDeque<&str> = command.iter().copied().collect();
        words.extend([&*agent, "--dir", &folder_name, "run"]);
        let program = words.pop_front().expect("the agent's own words at least");
        let arguments: Vec<&str> = words.into();
        let mut process = Process::start(Path::new(program), &arguments, &log);
        let address = process
            .tells(|| {
                let written = std::fs::read_to_string(&door);
                async move { written.ok()?.trim().parse().ok() }
            })
            .await;
        let token = std::fs::read_to_string(folder.join("http.token"));
        let token = token.expect("the agent wrote its token").trim().to_owned();
        Running {
            process,
            address,
            token,
        }
    }
}

/// The agent's answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Office {
    /// Makes the agent's folder from a bundle and starts it; the gateway is reached through the office's own line.
    pub async fn start(name: &str, bundle: &Path, folder: &Path, gateway: SocketAddr) -> Office {
        Office::start_with(name, bundle, folder, gateway, "").await
    }

    /// The same, with further lines at the end of its settings.
    pub async fn start_with(
        name: &str,
        bundle: &Path,
        folder: &Path,
        gateway: SocketAddr,
        settings: &str,
    ) -> Office {
        let mut office = Office::prepare(name, bundle, folder, gateway, settings).await;
        office.resume().await;
        office
    }

    /// Makes the agent's folder from a bundle; nothing runs yet.
    pub async fn prepare(
        name: &str,
        bundle: &Path,
        folder: &Path,
        gateway: SocketAddr,
        settings: &str,
    ) -> Office {
        let line = FaultProxy::start(gateway).await;
        settle(bundle, folder);
        point_at(&folder.join("agent.toml"), line.address(), settings);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (name, folder) = (name.to_owned(), folder.to_owned());
        agent::link::install_provider();
        // A connection each: one that the agent closes for its silence is not met by a request.
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client without TLS needs nothing");
        Office {
            name,
            folder,
            line,
            process: None,
            http,
            address: nowhere,
            token: String::new(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the agent runs").id()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn resume(&mut self) {
        self.resume_under(&[]).await;
    }

    /// Starts the agent as the last words of another command, which has to become the agent: it keeps the process's number.
    pub async fn resume_under(&mut self, command: &[&str]) {
        let Running {
            process,
            address,
            token,
        } = Running::start_under(command, &self.folder).await;
        (self.address, self.token) = (address, token);
        self.process = Some(process);
    }

    /// Any signal, by its name; nothing where no agent runs.
    pub fn signal(&self, name: &str) {
        if let Some(process) = &self.process {
            process.signal(name);
        }
    }

    pub async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self
            .http
            .get(format!("{}{path}", self.url()))
            .bearer_auth(&self.token);
        within(path, answer(request)).await
    }

    pub async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self
            .http
            .post(format!("{}{path}", self.url()))
            .bearer_auth(&self.token);
        within(
            path,
            answer(request.header("content-type", content_type).body(body)),
        )
        .await
    }

    /// Submits a structured CloudEvent that must be accepted; returns its id.
    pub async fn submit(&self, event: &Value) -> String {
        let Answer { status, body } = self
            .post("/events", "application/cloudevents+json", event.to_string())
            .await;
        assert_eq!(status, 202, "{}: {body}", self.name);
        body["id"].as_str().expect("a 202 names the id").to_owned()
    }

    /// Waits until the event has reached the stage, or one behind it; what is durable is stored.
    pub async fn reaches(&self, id: &str, stage: &str) -> Value {
        let what = format!("{id} of {} to be {stage}", self.name);
        until(
            &what,
            || async { self.get(&format!("/events/{id}")).await.body },
            |event| match event["stage"].as_str() {
                Some("durable" | "confirmed") if ["durable", "stored"].contains(&stage) => true,
                now => now == Some(stage),
            },
        )
        .await
    }

    pub async fn status(&self) -> Value {
        self.get("/status").await.body
    }

    /// Every event that the office has received on the feed, oldest first.
    pub async fn received(&self, feed: &str) -> Vec<Value> {
        self.received_after(feed, &mut 0).await
    }

    /// What has arrived behind an arrival number, which moves to the end.
    pub async fn received_after(&self, feed: &str, after: &mut u64) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let Answer { status, mut body } = self
                .get(&format!("/feeds/{feed}/events?after={after}&limit=1000"))
                .await;
            assert_eq!(status, 200, "{}: {body}", self.name);
            *after = body["next"]
                .as_u64()
                .expect("a page says where the next one begins");
            let Value::Array(events) = body["events"].take() else {
                panic!("{}: a page has events", self.name)
            };
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }

    /// Waits until this many events of the feed are there, and returns them.
    pub async fn receives(&self, feed: &str, count: usize) -> Vec<Value> {
        let what = format!("{count} events of {feed} at {}", self.name);
        eventually(&what, || async {
            Some(self.received(feed).await).filter(|events| events.len() >= count)
        })
        .await
    }

    /// Runs one of the agent's commands on this office's folder.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        let folder = self.folder.to_string_lossy();
        let all: Vec<&str> = ["--dir", &folder]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        programs::output(AGENT, &all)
    }

    /// The address of this office's desk that is good once, as `spean-agent open --print` says it.
    pub fn desk_address(&self) -> String {
        let said = self.command(&["open", "--print"]);
        let said = String::from_utf8(said.stdout).expect("text");
        said.lines().next().expect("an address").to_owned()
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the agent answers");
    let status = response.status().as_u16();
    let text = response
        .text()
        .await
        .expect("the agent finishes its answer");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, body }
}

/// The line stands between the agent and every gateway.
fn point_at(settings: &Path, line: SocketAddr, more: &str) {
    let text = std::fs::read_to_string(settings).expect("the agent has settings");
    let lines = text
        .lines()
        .map(|old| match old.split_once('=').map(|(key, _)| key.trim()) {
            Some("gateways") => format!("gateways = [\"{line}\"]\n"),
            Some("listen") => "listen = \"127.0.0.1:0\"\n".to_owned(),
            _ => format!("{old}\n"),
        });
    // What a test says itself of the link stands.
    let frames = std::env::var_os("TONGUE").is_some_and(|tongue| tongue == "frames");
    let link = match frames && !more.contains("[link]") {
        true => "\n[link]\npacked = \"on\"\n",
        false => "",
    };
    let text: String = lines.chain([more.to_owned(), link.to_owned()]).collect();
    std::fs::write(settings, text).expect("the agent's settings can be changed");
}
