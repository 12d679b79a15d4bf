//! An application behind a webhook: a real HTTP server that answers as a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::routing::options;
use tokio::sync::mpsc;

/// What the application says to an id that it has seen so many times before.
type Answers = fn((&str, u32)) -> u16;
/// The headers with which the application answers when it is asked for leave, having been asked so many times before.
type Leaves = fn(u32) -> &'static [(&'static str, &'static str)];

/// How long an application asks to be left alone when it says 429.
pub const LEFT_ALONE: Duration = Duration::from_secs(2);

/// A request as it came, and what was answered.
pub struct Posted {
    pub method: Method,
    pub at: Instant,
    pub headers: HeaderMap,
    pub body: String,
    pub status: u16,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }

    pub fn id(&self) -> &str {
        self.header("ce-id")
    }
}

pub struct Application {
    address: SocketAddr,
    posted: mpsc::UnboundedReceiver<Posted>,
}

#[derive(Clone)]
struct Desk {
    answers: Answers,
    leaves: Leaves,
    /// By id; requests for leave under none.
    seen: Arc<Mutex<BTreeMap<String, u32>>>,
    told: mpsc::UnboundedSender<Posted>,
}

impl Application {
    pub async fn start(answers: Answers) -> Application {
        Application::giving_leave(answers, |_| &[]).await
    }

    pub async fn giving_leave(answers: Answers, leaves: Leaves) -> Application {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (told, posted) = mpsc::unbounded_channel();
        let desk = Desk {
            answers,
            leaves,
            seen: Arc::default(),
            told,
        };
        let door = options(give_leave).post(take);
        let router = Router::new().route("/events", door).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Application { address, posted }
    }

    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    pub async fn next(&mut self) -> Posted {
        let next = tokio::time::timeout(Duration::from_secs(20), self.posted.recv()).await;
        next.expect("something is posted")
            .expect("it still listens")
    }

    pub fn is_quiet(&mut self) -> bool {
        self.posted.try_recv().is_err()
    }
}

impl Desk {
    /// How often it was seen before.
    fn before(&self, id: &str) -> u32 {
        let mut seen = self.seen.lock().expect("no panic");
        let count = seen.entry(id.to_owned()).or_insert(0);
        *count += 1;
        *count - 1
    }

    fn tell(&self, method: Method, headers: HeaderMap, body: String, status: StatusCode) {
        let _nobody_listens = self.told.send(Posted {
            method,
            at: Instant::now(),
            headers,
            body,
            status: status.as_u16(),
        });
    }
}

async fn take(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, HeaderMap) {
    let id = headers.get("ce-id").and_then(|id| id.to_str().ok());
    let id = id.unwrap_or_default().to_owned();
    let status = (desk.answers)((&id, desk.before(&id)));
    let status = StatusCode::from_u16(status).expect("a status");
    desk.tell(Method::POST, headers, body, status);
    let mut answer = HeaderMap::new();
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer.insert("retry-after", LEFT_ALONE.as_secs().into());
    }
    (status, answer)
}

async fn give_leave(State(desk): State<Desk>, headers: HeaderMap) -> HeaderMap {
    let leave = (desk.leaves)(desk.before("")).iter();
    desk.tell(Method::OPTIONS, headers, String::new(), StatusCode::OK);
    let pairs = leave.map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    pairs.collect()
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date_against_the_answers_own() {
    let wait = |pairs: &[(&'static str, &'static str)]| {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        super::retry_after(&pairs.collect()).map(|wait| wait.as_secs())
    };
    const DATE: (&str, &str) = ("date", "Mon, 30 Nov 2026 18:00:00 GMT");
    assert_eq!(wait(&[("retry-after", "30")]), Some(30));
    assert_eq!(
        wait(&[DATE, ("retry-after", "Mon, 30 Nov 2026 18:00:30 GMT")]),
        Some(30)
    );
    assert_eq!(
        wait(&[DATE, ("retry-after", "Tue, 01 Dec 2026 18:00:00 GMT")]),
        Some(3600),
        "an hour at most"
    );
    for none in ["0", "soon", "Mon, 30 Nov 2026 17:00:00 GMT", "-1"] {
        assert_eq!(wait(&[DATE, ("retry-after", none)]), None, "{none}");
    }
}
