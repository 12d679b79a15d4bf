//! An application behind a webhook: a real HTTP server that answers as a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::mpsc;

/// What the application says to an id that it has seen so many times before.
type Answers = fn((&str, u32)) -> u16;

pub struct Posted {
    pub headers: HeaderMap,
    pub body: String,
    pub status: u16,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }
}

pub struct Application {
    address: SocketAddr,
    posted: mpsc::UnboundedReceiver<Posted>,
}

#[derive(Clone)]
struct Desk {
    answers: Answers,
    seen: Arc<Mutex<BTreeMap<String, u32>>>,
    told: mpsc::UnboundedSender<Posted>,
}

impl Application {
    pub async fn start(answers: Answers) -> Application {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (told, posted) = mpsc::unbounded_channel();
        let desk = Desk {
            answers,
            seen: Arc::default(),
            told,
        };
        let router = Router::new().route("/events", post(take)).with_state(desk);
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

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: String) -> StatusCode {
    let id = headers.get("ce-id").and_then(|id| id.to_str().ok());
    let id = id.unwrap_or_default().to_owned();
    let before = {
        let mut seen = desk.seen.lock().expect("no panic");
        let count = seen.entry(id.clone()).or_insert(0);
        *count += 1;
        *count - 1
    };
    let status = (desk.answers)((&id, before));
    let posted = Posted {
        headers,
        body,
        status,
    };
    let _nobody_listens = desk.told.send(posted);
    StatusCode::from_u16(status).expect("a status")
}
