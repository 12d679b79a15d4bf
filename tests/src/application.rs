//! An office's application behind a webhook: a real HTTP server that takes what it is posted, answers as a test tells it to, and remembers.
//! In: an answer for each event. Out: what was posted, in its order. Never: an event forgotten because nobody waited for the answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use crate::deadline::{PATIENCE, eventually_within};
use crate::webhook;

/// An event as the application got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub source: String,
    pub id: String,
    pub position: u64,
    pub data: String,
    pub at: Instant,
    /// How often it had come before.
    pub before: usize,
}

/// What is answered, and after how long.
pub type Answer = (u16, Duration);
type Rule = Arc<dyn Fn(&Posted) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct Application {
    pub address: SocketAddr,
    rule: Arc<Mutex<Rule>>,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Application {
    /// One that takes everything.
    pub async fn start() -> Application {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let application = Application {
            address: listener.local_addr().expect("it is bound"),
            rule: Arc::new(Mutex::new(Arc::new(|_| (200, Duration::ZERO)))),
            posted: Arc::default(),
        };
        let serving = application.clone();
        let decide = move |delivery: webhook::Posted| {
            let (status, after) = serving.takes(&delivery);
            async move {
                tokio::time::sleep(after).await;
                Ok(webhook::Answer::Status(status))
            }
        };
        // As long as the test lasts.
        webhook::serve(listener, decide).detach();
        application
    }

    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// From now on it answers so.
    pub fn answers(&self, rule: impl Fn(&Posted) -> Answer + Send + Sync + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
    }

    /// All that it was posted, whatever it answered.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often each id was posted.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for posted in self.posted() {
            *counts.entry(posted.id).or_default() += 1;
        }
        counts
    }

    /// The ids as they came, the first time of each.
    pub fn ids(&self) -> Vec<String> {
        let posted = self.posted().into_iter();
        posted
            .filter(|posted| posted.before == 0)
            .map(|posted| posted.id)
            .collect()
    }

    /// Waits until so many different events have come.
    pub async fn has(&self, count: usize) {
        self.has_within(PATIENCE, count).await;
    }

    pub async fn has_within(&self, patience: Duration, count: usize) {
        let what = format!("{count} events at the application");
        eventually_within(patience, &what, || async {
            (self.counts().len() >= count).then_some(())
        })
        .await;
    }

    fn takes(&self, delivery: &webhook::Posted) -> Answer {
        let header = |name: &str| delivery.headers.get(name).cloned().unwrap_or_default();
        let (source, id) = (header("ce-source"), header("ce-id"));
        let mut all = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        let posted = Posted {
            before: all
                .iter()
                .filter(|one| one.id == id && one.source == source)
                .count(),
            position: header("ce-sequence").parse().unwrap_or(0),
            data: String::from_utf8_lossy(&delivery.body).into_owned(),
            at: Instant::now(),
            source,
            id,
        };
        all.push(posted.clone());
        drop(all);
        let rule = self
            .rule
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        rule(&posted)
    }
}
