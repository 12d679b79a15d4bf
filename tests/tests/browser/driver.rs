//! A browser: Debian's chromium, driven over WebDriver (W3C) by its own chromedriver. In: addresses, selectors, scripts. Out: what the page
//! is. Never: a browser that outlives its handle, or a request to anywhere but this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::deadline::{eventually, until, within};
use tests::programs::Process;

const DRIVER: &str = "chromedriver";
/// The screen for which the desk is made.
const SCREEN: &str = "--window-size=1024,768";
/// Of a browser that ends with its test.
const END_TIME: Duration = Duration::from_secs(10);
/// An element's key in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

pub struct Browser {
    driver: SocketAddr,
    session: String,
    http: reqwest::Client,
    // Processes stand before the folder that they write into: fields drop in order.
    _process: Process,
    _folder: TempDir,
}

/// Where a program is, if it is on the path.
fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// None where this machine has no browser, which is said; unless one is asked for (`BROWSER=required`): then it is a failure.
pub fn is_here() -> bool {
    let missing: Vec<&str> = ["chromium", DRIVER]
        .into_iter()
        .filter(|program| on_path(program).is_none())
        .collect();
    let wanted = std::env::var("BROWSER").is_ok_and(|wanted| wanted == "required");
    assert!(
        missing.is_empty() || !wanted,
        "BROWSER=required, and {missing:?} is not on the path"
    );
    if !missing.is_empty() {
        eprintln!(
            "left out: the pages were not tried, {missing:?} is not on the path (apt-get install chromium chromium-driver)"
        );
    }
    missing.is_empty()
}

impl Browser {
    pub async fn start(scripts: Scripts) -> Browser {
        agent::link::install_provider();
        let folder = TempDir::with_prefix("spean-browser-").expect("a folder");
        let (process, driver) = driver(folder.path()).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client without TLS needs nothing");
        let asked = capabilities(scripts, folder.path());
        let made = send(&http, driver, "POST", "/session", &asked).await;
        let session = made["sessionId"].as_str().expect("a session").to_owned();
        Browser {
            driver,
            session,
            http,
            _process: process,
            _folder: folder,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        send(&self.http, self.driver, method, &path, body).await
    }

    pub async fn goto(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url })).await;
    }

    pub async fn url(&self) -> String {
        let url = self.ask("GET", "/url", &Value::Null).await;
        url.as_str().expect("an address").to_owned()
    }

    /// What a function's body returns on the page.
    pub async fn execute(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.ask("POST", "/execute/sync", &body).await
    }

    /// The same, where the body calls its last argument with the answer.
    pub async fn execute_async(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.ask("POST", "/execute/async", &body).await
    }

    async fn find(&self, selector: &str) -> String {
        let body = json!({"using": "css selector", "value": selector});
        let found = self.ask("POST", "/element", &body).await;
        found[ELEMENT]
            .as_str()
            .unwrap_or_else(|| panic!("no {selector}: {found}"))
            .to_owned()
    }

    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/click"), &json!({}))
            .await;
    }

    /// Clicks, and is on the page that follows.
    pub async fn follow(&self, selector: &str) {
        self.leaves(self.click(selector)).await;
    }

    /// Does what leads to another page, and is on it when it returns: a click returns before the browser has left.
    pub async fn leaves(&self, act: impl Future<Output = ()>) {
        let before = self.find("html").await;
        act.await;
        until("the next page", || self.is_gone(&before), |gone| *gone).await;
    }

    /// Whether an element is of a page that was left.
    async fn is_gone(&self, element: &str) -> bool {
        let path = format!("/session/{}/element/{element}/name", self.session);
        let asked = self.http.get(format!("http://{}{path}", self.driver));
        let answer = within(&path, asked.send()).await;
        !answer.expect("the driver answers").status().is_success()
    }

    pub async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        let text = self
            .ask("GET", &format!("/element/{element}/text"), &Value::Null)
            .await;
        text.as_str().expect("text").to_owned()
    }

    pub async fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        let body = json!({ "text": text });
        self.ask("POST", &format!("/element/{element}/value"), &body)
            .await;
    }

    /// In place of what stands there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/clear"), &json!({}))
            .await;
        self.type_into(selector, text).await;
    }

    /// An attribute of an element as the page has it.
    pub async fn attribute(&self, selector: &str, name: &str) -> String {
        let element = self.find(selector).await;
        let path = format!("/element/{element}/attribute/{name}");
        let value = self.ask("GET", &path, &Value::Null).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let is = |kind: &str| json!({"type": kind, "value": key.to_string()});
                [is("keyDown"), is("keyUp")]
            })
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]});
        self.ask("POST", "/actions", &body).await;
    }

    /// What the console says: errors of scripts, and what the policy has kept out.
    pub async fn console(&self) -> Vec<String> {
        let said = self
            .ask("POST", "/se/log", &json!({"type": "browser"}))
            .await;
        let lines = said.as_array().map_or(&[][..], Vec::as_slice);
        let lines = lines.iter().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].to_string()).collect()
    }

    pub async fn picture(&self, path: &Path) {
        let picture = self.ask("GET", "/screenshot", &Value::Null).await;
        let bytes = STANDARD.decode(picture.as_str().expect("a picture"));
        std::fs::write(path, bytes.expect("base64")).expect("a picture can be written");
    }

    /// As tall as the page is, for pictures of all of it.
    pub async fn whole_page(&self) {
        let height = self
            .execute("return document.documentElement.scrollHeight")
            .await;
        let height = height.as_u64().unwrap_or(768).clamp(768, 2_400);
        self.size(1_024, height).await;
    }

    pub async fn size(&self, width: u64, height: u64) {
        let body = json!({"cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}});
        self.ask("POST", "/goog/cdp/execute", &body).await;
    }
}

/// A driver and where it listens. It takes a free port of one kind of address and then wants the same of the other kind, which another program may
/// have: then it says so and ends, and the next one finds another.
async fn driver(folder: &Path) -> (Process, SocketAddr) {
    const STARTS: usize = 5;
    let path = on_path(DRIVER).expect("it was looked for before");
    for start in 0..STARTS {
        let log = folder.join(format!("chromedriver-{start}.log"));
        let process = Process::start(&path, &["--port=0"], &log);
        let port = eventually("the driver to say its port", || async {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            port_of(&said)
        });
        if let Some(port) = port.await {
            return (process, SocketAddr::from(([127, 0, 0, 1], port)));
        }
    }
    panic!("of {STARTS} drivers none found a port");
}

/// None while it has said nothing; nothing in it where the port was taken.
fn port_of(said: &str) -> Option<Option<u16>> {
    let port = said
        .split("started successfully on port ")
        .nth(1)
        .and_then(|rest| rest.split('.').next()?.trim().parse().ok());
    let taken = said.contains("port not available");
    port.map(Some).or(taken.then_some(None))
}

fn capabilities(scripts: Scripts, folder: &Path) -> Value {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let words = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        SCREEN,
        &profile,
    ];
    let mut options = json!({ "args": words });
    if scripts == Scripts::Off {
        options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
    }
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}

async fn send(
    http: &reqwest::Client,
    driver: SocketAddr,
    method: &str,
    path: &str,
    body: &Value,
) -> Value {
    let url = format!("http://{driver}{path}");
    let request = match method {
        "GET" => http.get(url),
        _ => http.post(url).body(body.to_string()),
    };
    let answer = within(path, request.send())
        .await
        .expect("the driver answers");
    let status = answer.status();
    let text = answer.text().await.expect("an answer has text");
    let mut told: Value = serde_json::from_str(&text).expect("WebDriver is JSON");
    assert!(status.is_success(), "{path}: {told}");
    told["value"].take()
}

/// Ends the browser, also where a test has failed: the driver's own end would leave it running.
impl Drop for Browser {
    fn drop(&mut self) {
        let Ok(mut driver) = TcpStream::connect(self.driver) else {
            return;
        };
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.session, self.driver
        );
        let mut answer = Vec::new();
        let _ended = driver
            .set_read_timeout(Some(END_TIME))
            .and_then(|()| driver.write_all(request.as_bytes()))
            .and_then(|()| driver.read_to_end(&mut answer).map(|_| ()));
    }
}
