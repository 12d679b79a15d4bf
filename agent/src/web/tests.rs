//! The interface over a real outbox, asked request by request. No socket is opened here.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::guard::Peer;
use super::*;
use crate::settings::Folder;
use crate::submit::tests::{REPORT, registry};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

mod doors;
mod feeds;
mod foreign;
mod state;
mod submissions;

/// The interface of moh/siem-reap over a real outbox.
pub(crate) struct Door {
    pub app: Arc<App>,
    router: Router,
    peer: Peer,
    _folder: TempDir,
}

impl Door {
    pub fn open() -> Door {
        Door::of_office("moh/siem-reap")
    }

    pub fn of_office(office: &str) -> Door {
        Door::under(office, registry())
    }

    pub fn under(office: &str, registry: Registry) -> Door {
        Door::make(office, registry, 64 * 1024 * 1024, "")
    }

    fn with_budget(budget: u64) -> Door {
        Door::make("moh/siem-reap", registry(), budget, "")
    }

    /// One whose settings make it listen where it can be found.
    fn listening() -> Door {
        let http = "[http]\nlisten = \"127.0.0.1:0\"\nsocket = \"agent.sock\"\n";
        Door::make("moh/siem-reap", registry(), 64 * 1024 * 1024, http)
    }

    fn make(office: &str, registry: Registry, budget: u64, http: &str) -> Door {
        let folder = TempDir::new().expect("a directory");
        let token = folder.path().join("http.token");
        std::fs::write(&token, SECRET).expect("written");
        let text = format!(
            "office = \"{office}\"\ngateways = [\"127.0.0.1:1\"]\ngateway_name = \"localhost\"\n"
        );
        let settings = Settings::parse(&format!("{text}{http}"), Folder::new(folder.path()))
            .expect("good settings");
        let store = settings.store.dir.clone();
        std::fs::create_dir(&store).expect("made");
        let (outbox, _) =
            Outbox::open(&store, &crate::outbox::tests::WHO, budget).expect("an outbox");
        let (inbox, _) = Inbox::open(&store, &crate::inbox::tests::WHO).expect("an inbox");
        let token = private_token(&token);
        let (_, registry) = watch::channel(Arc::new(registry));
        let (_, link) = watch::channel(LinkState::Connecting);
        let app = Arc::new(App {
            settings,
            token,
            registry,
            outbox,
            inbox,
            link,
            holds: Holds::default(),
            gaps: Gaps::default(),
            targets: Targets::default(),
            metrics: Metrics::install(),
            reception: Reception::new(folder.path(), &office.parse().expect("an office")),
            shutdown: CancellationToken::new(),
        });
        let hosts = Hosts {
            bound: Some([127, 0, 0, 1].into()),
            names: vec!["agent.moh.example".into()],
        };
        Door {
            router: router(Arc::clone(&app), hosts),
            app,
            peer: Peer::Tcp(([127, 0, 0, 1], 50_000).into()),
            _folder: folder,
        }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(self.peer);
        let response = self.router.clone().oneshot(request).await;
        Answer::read(response.expect("a router never fails")).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(asked("GET", path).body(Body::empty()).expect("a request"))
            .await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let request = headers
            .iter()
            .fold(asked("POST", path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    pub async fn structured(&self, event: &Value) -> Answer {
        let headers = [("content-type", "application/cloudevents+json")];
        self.post("/events", &headers, event.to_string()).await
    }
}

#[cfg(unix)]
fn private_token(path: &std::path::Path) -> Token {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("own file");
    Token::read(path).expect("a token")
}

pub(crate) fn asked(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:7070")
        .header("authorization", format!("Bearer {SECRET}"))
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    media: String,
    body: Value,
    pub text: String,
}

impl Answer {
    async fn read(response: Response) -> Answer {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let media = headers.get("content-type").map(|media| media.to_str());
        let media = media
            .transpose()
            .expect("plain")
            .unwrap_or_default()
            .to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let text = String::from_utf8(bytes.expect("a body").to_vec()).expect("text");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            media,
            body,
            text,
        }
    }

    /// The code of a problem, with its status.
    fn problem(&self) -> (u16, &str) {
        assert_eq!(self.media, "application/problem+json", "{}", self.text);
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    pub fn id(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.text);
        self.body["id"].as_str().expect("an id").to_owned()
    }
}

pub(crate) fn event(id: &str, cases: u32) -> Value {
    let data: Value =
        serde_json::from_str(&REPORT.replace("39", &cases.to_string())).expect("JSON");
    json!({"specversion": "1.0", "id": id, "type": "kh.gov.moh.quarterly-report.submitted.v1", "data": data})
}
