//! The running agent, as the command line sees it: requests go to its HTTP interface, answers come back as text, problems as words.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, Url};
use serde_json::Value;

use super::terminal::NAMED_MAX;
use crate::settings::{Folder, Settings, Token};

/// Within an office, an agent that does not answer in this time is not running.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// From one piece of an answer to the next; an idle stream sends a comment each 15 s.
const READ_TIME: Duration = Duration::from_secs(60);

pub struct Agent {
    pub settings: Settings,
    client: Client,
    base: String,
    token: Token,
}

impl Agent {
    /// Finds the agent of a folder: by its socket, or by the address that it has written down.
    ///
    /// # Errors
    /// The settings, the token or the certificate cannot be read.
    pub fn of(folder: Folder) -> anyhow::Result<Agent> {
        let settings = super::settings(folder)?;
        let token = settings.folder.http_token();
        let token = Token::read(&token).map_err(|mistake| {
            anyhow!("{mistake}; the agent makes the file when it first runs: spean-agent run")
        })?;
        crate::link::install_provider();
        let builder = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .read_timeout(READ_TIME);
        let (builder, base) = reach(builder, &settings)?;
        Ok(Agent {
            client: builder.build().context("cannot make a client")?,
            settings,
            base,
            token,
        })
    }

    /// # Errors
    /// The agent cannot be reached, or answers with a problem.
    pub async fn get(&self, path: &str) -> anyhow::Result<String> {
        let response = self.open(self.client.get(self.url(path)?)).await?;
        response
            .text()
            .await
            .context("the agent's answer ended early")
    }

    /// # Errors
    /// As [`Agent::get`].
    pub async fn delete(&self, path: &str) -> anyhow::Result<String> {
        let response = self.open(self.client.delete(self.url(path)?)).await?;
        response
            .text()
            .await
            .context("the agent's answer ended early")
    }

    /// # Errors
    /// As [`Agent::get`].
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<String> {
        let request = self.client.post(self.url(path)?).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let response = self.open(request).await?;
        response
            .text()
            .await
            .context("the agent's answer ended early")
    }

    /// Opens a stream of server-sent events behind an arrival number.
    ///
    /// # Errors
    /// As [`Agent::get`].
    pub async fn stream(&self, path: &str, after: u64) -> anyhow::Result<Response> {
        let request = self.client.get(self.url(path)?);
        let request = request.header("accept", "text/event-stream");
        self.open(request.header("last-event-id", after)).await
    }

    fn url(&self, path: &str) -> anyhow::Result<Url> {
        let url = format!("{}{path}", self.base);
        url.parse().with_context(|| format!("{url} is no address"))
    }

    async fn open(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let request = request.header("authorization", self.token.bearer());
        let response = request.send().await.map_err(|error| {
            let error = anyhow::Error::from(error.without_url());
            error.context(format!(
                "cannot reach the agent at {}; is it running? (spean-agent run)",
                self.base
            ))
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        match serde_json::from_str(&body) {
            Ok(problem) => Err(Told(problem).into()),
            Err(_) => Err(anyhow!("the agent answers {status}: {body}")),
        }
    }
}

fn reach(builder: ClientBuilder, settings: &Settings) -> anyhow::Result<(ClientBuilder, String)> {
    #[cfg(unix)]
    if let Some(socket) = &settings.http.socket {
        return Ok((
            builder.unix_socket(socket.clone()),
            "http://localhost".into(),
        ));
    }
    let path = settings.folder.http_address();
    let address = std::fs::read_to_string(&path);
    let address = address.with_context(|| {
        let path = path.display();
        format!(
            "cannot read {path}, which the running agent writes; is it running? (spean-agent run)"
        )
    })?;
    let address = address.trim();
    let Some((certificate, _)) = &settings.http.tls else {
        return Ok((builder, format!("http://{address}")));
    };
    let pem = std::fs::read(certificate)
        .with_context(|| format!("cannot read {}", certificate.display()))?;
    let builder = builder.tls_certs_only(Certificate::from_pem_bundle(&pem)?);
    let bound = address
        .parse()
        .with_context(|| format!("{address} is no address"))?;
    // The certificate carries the name by which the office's PCs know the agent.
    let name = settings
        .http
        .names
        .first()
        .map_or("localhost", String::as_str);
    let port = std::net::SocketAddr::port(&bound);
    Ok((
        builder.resolve(name, bound),
        format!("https://{name}:{port}"),
    ))
}

/// A problem that the agent answered with, in words.
#[derive(Debug)]
pub struct Told(pub Value);

impl Told {
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }
}

impl std::error::Error for Told {}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        write!(f, "{}: {}", self.code(), text(&self.0, "title"))?;
        write!(f, "\n  {}", text(&self.0, "title_km"))?;
        for wrong in self.0["errors"].as_array().into_iter().flatten() {
            let at = format!("{}{}", text(wrong, "pointer"), text(wrong, "attribute"));
            write!(
                f,
                "\n  {at}: {}\n    {}",
                text(wrong, "en"),
                text(wrong, "km")
            )?;
        }
        let events = self.0["events"].as_array().into_iter().flatten();
        let (mut told, mut more) = (0, 0);
        for event in events.filter(|event| event["code"].is_string()) {
            if event["title"].is_string() && told < NAMED_MAX {
                told += 1;
                write!(f, "\n  event {}: {}", event["event"], Told(event.clone()))?;
            } else {
                more += 1;
            }
        }
        match more {
            0 => Ok(()),
            _ => write!(
                f,
                "\n  {more} events were not accepted\n  ព្រឹត្តិការណ៍ {more} មិនត្រូវបានទទួលទេ"
            ),
        }
    }
}
