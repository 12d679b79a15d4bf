//! An office's application behind a webhook: a real HTTP server that takes what it is posted, answers as a test tells it to, and remembers.
//! In: an answer for each event. Out: what was posted, in its order. Never: an event forgotten because nobody waited for the answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::deadline::{PATIENCE, eventually_within};

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
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.connection(stream).await });
            }
        });
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

    async fn connection(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let posted = self.request(&mut stream).await?;
            let rule = self
                .rule
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let (status, after) = rule(&posted);
            self.posted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(posted);
            tokio::time::sleep(after).await;
            let answer = format!("HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
        }
    }

    async fn request(&self, stream: &mut BufReader<TcpStream>) -> Option<Posted> {
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) => {
                    headers.insert(name.to_ascii_lowercase(), value.to_owned());
                }
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let length = headers
            .get("content-length")
            .and_then(|length| length.parse().ok());
        let mut data = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut data).await.ok()?;
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let (source, id) = (header("ce-source"), header("ce-id"));
        let all = self.posted();
        Some(Posted {
            before: all
                .iter()
                .filter(|one| one.id == id && one.source == source)
                .count(),
            position: header("ce-sequence").parse().unwrap_or(0),
            data: String::from_utf8_lossy(&data).into_owned(),
            at: Instant::now(),
            source,
            id,
        })
    }
}
