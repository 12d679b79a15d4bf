//! Questions for what feeds' streams count come in, counts go out, of the logs that the asker may read. nats-server's own answer is
//! long, for slow lines too long to be asked for every ten minutes; this one says "as before" in a hundred bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use schemas::heal::{CountsQuestion, FeedCounts};
use schemas::subject::{FeedName, LogName, OfficeId};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::acl::CountRight;
use crate::limits::{COUNTS_FRESH, COUNTS_LINE_MAX, COUNTS_PAGES_MAX};
use crate::seldom::seldom;
use crate::upstream::jetstream::{ApiError, JetStream, Outage};
use crate::upstream::raw::Broker;

/// How many messages a stream holds on each subject.
#[derive(Debug, Clone, Default)]
pub struct Subjects {
    pub counts: BTreeMap<String, u64>,
    pub last: u64,
}

/// Why a stream cannot be counted now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncounted {
    #[error(transparent)]
    Outage(#[from] Outage),
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Counts every subject of a stream.
///
/// # Errors
/// The server does not answer, or has no such stream.
pub async fn subjects(jetstream: &JetStream, feed: &FeedName) -> Result<Subjects, Uncounted> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        total: u64,
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        last_seq: u64,
        #[serde(default)]
        subjects: Option<BTreeMap<String, u64>>,
    }
    let asked = format!("$JS.API.STREAM.INFO.{feed}");
    let mut all = Subjects::default();
    for _ in 0..COUNTS_PAGES_MAX {
        let offset = all.counts.len();
        let question = json!({ "subjects_filter": ">", "offset": offset });
        let Info { total, state } = jetstream.ask::<Info>(&asked, &question).await??;
        all.last = state.last_seq;
        all.counts.extend(state.subjects.unwrap_or_default());
        let more = all.counts.len() > offset && (all.counts.len() as u64) < total;
        if !more {
            break;
        }
    }
    Ok(all)
}

/// Of each log, how many messages a stream holds beyond one for each position, as the last whole reading has shown. What is told to offices
/// is without them: each holds a position once, and compares.
#[derive(Debug, Clone, Default)]
pub struct Surplus(Arc<Mutex<BTreeMap<LogName, u64>>>);

impl Surplus {
    /// What was found in one feed, in the place of what was found before.
    pub fn found(&self, feed: &FeedName, logs: impl IntoIterator<Item = (LogName, u64)>) {
        let mut all = self.lock();
        all.retain(|log, _| log.feed != *feed);
        all.extend(logs.into_iter().filter(|(_, surplus)| *surplus > 0));
    }

    pub fn of(&self, log: &LogName) -> u64 {
        self.lock().get(log).copied().unwrap_or(0)
    }

    fn take_off(&self, feed: &FeedName, counts: &mut BTreeMap<String, u64>) {
        for (log, surplus) in self.lock().iter().filter(|(log, _)| log.feed == *feed) {
            if let Some(count) = counts.get_mut(&log.subject()) {
                *count = count.saturating_sub(*surplus);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<LogName, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last sequence of a stream: one short question.
///
/// # Errors
/// The server does not answer, or has no such stream.
pub async fn last(jetstream: &JetStream, feed: &FeedName) -> Result<u64, Uncounted> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        last_seq: u64,
    }
    let asked = format!("$JS.API.STREAM.INFO.{feed}");
    let Info { state } = jetstream.ask::<Info>(&asked, &json!({})).await??;
    Ok(state.last_seq)
}

type Asked = (FeedName, oneshot::Sender<Arc<Subjects>>);

/// Where counts are asked for. What was counted a moment ago is told to everybody who asks.
#[derive(Debug)]
pub struct Counts {
    line: mpsc::Sender<Asked>,
}

/// Who counts.
pub struct Counter {
    broker: Broker,
    line: mpsc::Receiver<Asked>,
    connection: Option<JetStream>,
    surplus: Surplus,
    known: HashMap<FeedName, (Instant, Arc<Subjects>)>,
}

impl Counts {
    pub fn new(broker: Broker, surplus: Surplus) -> (Counts, Counter) {
        let (sender, line) = mpsc::channel(COUNTS_LINE_MAX);
        let counter = Counter {
            broker,
            line,
            connection: None,
            surplus,
            known: HashMap::new(),
        };
        (Counts { line: sender }, counter)
    }

    /// Puts a question in line; waits while the line is full. A closed channel means that the bus does not answer.
    pub async fn ask(&self, feed: &FeedName) -> oneshot::Receiver<Arc<Subjects>> {
        let (answer, waits) = oneshot::channel();
        self.line.send((feed.clone(), answer)).await.ok();
        waits
    }
}

impl Counter {
    /// Counts until nobody can ask any more.
    pub async fn run(mut self) {
        while let Some((feed, answer)) = self.line.recv().await {
            match self.count(&feed).await {
                // Who asked may be gone.
                Ok(subjects) => drop(answer.send(subjects)),
                Err(why) => {
                    seldom!(warn, feed, "uncounted", %feed, %why, "the stream cannot be counted")
                }
            }
        }
    }

    async fn count(&mut self, feed: &FeedName) -> Result<Arc<Subjects>, Uncounted> {
        if let Some((at, subjects)) = self.known.get(feed)
            && at.elapsed() < COUNTS_FRESH
        {
            return Ok(subjects.clone());
        }
        let jetstream = match self.connection.take_if(|open| !open.is_closed()) {
            Some(open) => open,
            None => JetStream::connect(&self.broker).await?,
        };
        let mut counted = subjects(self.connection.insert(jetstream), feed).await?;
        self.surplus.take_off(feed, &mut counted.counts);
        let counted = Arc::new(counted);
        let fresh = (Instant::now(), counted.clone());
        self.known.insert(feed.clone(), fresh);
        Ok(counted)
    }
}

/// The answer to a question, of what the asker may read.
pub fn answer(subjects: &Subjects, right: &CountRight, question: &CountsQuestion) -> Bytes {
    let passes = |office: &OfficeId| right.covers(office);
    let counts = subjects.counts.iter();
    let counts = counts.map(|(subject, count)| (subject.as_str(), *count));
    let counts = FeedCounts::of(right.feed(), subjects.last, counts, passes);
    Bytes::from(schemas::json::text(&counts.answer(question)))
}
