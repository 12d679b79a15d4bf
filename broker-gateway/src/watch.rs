//! The gateway's own look at the streams: each is read whole after a restart of the broker and once a day, and every ten minutes
//! heads are compared with counts; what is missing is asked for. It stands beside nats-server, so that no office's line pays.
//! Nothing is remembered that a new look would not find again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use schemas::event::Position;
use schemas::heal::{FeedCounts, HealRequest, LogCount, Ranges};
use schemas::subject::{FeedName, LogName};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::counts::{self, Surplus, Uncounted};
use crate::limits::{SCRUB_AT_ONCE, WATCH_CONNECT_WAIT};
use crate::policy::Policy;
use crate::scrub::read;
use crate::scrub::{FeedReport, LogReport};
use crate::settings::HealSettings;
use crate::upstream::jetstream::{JetStream, Source};

pub struct Watch {
    pub broker: Arc<dyn Source>,
    pub policies: watch::Receiver<Arc<Policy>>,
    pub settings: HealSettings,
    /// What each log holds beyond one message for each position, for whoever tells counts.
    pub surplus: Surplus,
}

/// What the last looks found.
#[derive(Default)]
struct Found {
    /// The server's own name for its life: another one after each restart.
    server_id: String,
    read_whole: Option<Instant>,
    missing: BTreeMap<LogName, Missing>,
}

/// What a log lacks below its head.
struct Missing {
    all: Ranges,
    /// What its office has not declared lost. Who has what was declared finds it by its own counts, and is not asked again and again.
    wanted: Ranges,
}

impl Watch {
    /// Looks until the shutdown; a broker that does not answer is waited for.
    pub async fn run(self, shutdown: CancellationToken) {
        let looking = async {
            let mut found = Found::default();
            loop {
                match self.broker.open(None).await {
                    Ok(jetstream) => self.watch(&jetstream, &mut found).await,
                    Err(outage) => warn!(%outage, "the streams cannot be looked at"),
                }
                tokio::time::sleep(WATCH_CONNECT_WAIT).await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Looks again and again over one connection.
    async fn watch(&self, jetstream: &JetStream, found: &mut Found) {
        while !jetstream.is_closed() {
            if let Err(why) = self.look(jetstream, found).await {
                warn!(%why, "the streams cannot be looked at");
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.check_interval) => {}
                () = jetstream.closed() => {}
            }
        }
    }

    async fn look(&self, jetstream: &JetStream, found: &mut Found) -> Result<(), Uncounted> {
        let policy = self.policies.borrow().clone();
        let due = |at: Instant| at.elapsed() >= self.settings.full_read_interval;
        let restarted = found.server_id != jetstream.info().server_id;
        let whole = restarted || found.read_whole.is_none_or(due);
        for feed in policy.registry.feeds().map(|feed| &feed.name) {
            // What is stored between two questions makes them disagree once.
            if !whole
                && (self.agrees(jetstream, feed, found).await?
                    || self.agrees(jetstream, feed, found).await?)
            {
                continue;
            }
            let began = Instant::now();
            let report = read::feed(jetstream, &policy.registry, feed).await?;
            let took = began.elapsed();
            found.remember(&report);
            self.remember_surplus(&report);
            tell(&report, took);
            read::ask_to_heal(jetstream, &report).await?;
        }
        if whole {
            found.server_id.clone_from(&jetstream.info().server_id);
            found.read_whole = Some(Instant::now());
        }
        Ok(())
    }

    /// Whether heads and counts say what is known already; what is known to be missing is then asked for again.
    async fn agrees(
        &self,
        jetstream: &JetStream,
        feed: &FeedName,
        found: &Found,
    ) -> Result<bool, Uncounted> {
        let subjects = counts::subjects(jetstream, feed).await?;
        let counted = subjects.counts.iter();
        let counted = counted.map(|(subject, count)| (subject.as_str(), *count));
        let logs = FeedCounts::of(feed, subjects.last, counted, |_| true).logs;
        let heads = logs.unwrap_or_default().into_iter().map(|(office, count)| {
            let feed = feed.clone();
            let log = LogName { feed, office };
            async move { (head(jetstream, &log).await, log, count) }
        });
        let mut heads = stream::iter(heads).buffer_unordered(SCRUB_AT_ONCE);
        let mut agrees = true;
        while let Some((head, log, count)) = heads.next().await {
            let known = found.missing.get(&log);
            let missing = known.map_or(0, |missing| missing.all.count());
            let head = head?;
            let expected = head
                .saturating_add(self.surplus.of(&log))
                .saturating_sub(missing);
            if there(head, &count) != expected {
                agrees = false;
            } else if let Some(missing) = known.filter(|missing| !missing.wanted.is_empty()) {
                let request = HealRequest::new(log, &missing.wanted);
                jetstream.tell(&request.subject(), &request.body()).await?;
            }
        }
        Ok(agrees)
    }

    fn remember_surplus(&self, report: &FeedReport) {
        let logs = report.logs.iter().map(|log| {
            let (feed, office) = (report.feed.clone(), log.office.clone());
            (LogName { feed, office }, log.surplus)
        });
        self.surplus.found(&report.feed, logs);
    }
}

/// What the stream counts up to the head: fewer than its position is a hole, more is what stands there twice or cannot be read.
pub fn there(head: u64, count: &LogCount) -> u64 {
    let refilled = count.refilled.up_to(head).count();
    count.appended.saturating_add(refilled)
}

/// The position of a log's last message, by the word of its headers; 0 where it cannot be read.
pub async fn head(jetstream: &JetStream, log: &LogName) -> Result<u64, Uncounted> {
    #[derive(Deserialize)]
    struct Got {
        message: Message,
    }
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        hdrs: String,
    }
    let subject = format!("$JS.API.STREAM.MSG.GET.{}", log.feed);
    let question = json!({ "last_by_subj": log.subject() });
    let got = match jetstream.ask::<Got>(&subject, &question).await? {
        Ok(got) => got,
        Err(outage) if outage.is_outage() => return Err(outage.into()),
        Err(_unreadable) => return Ok(0),
    };
    use base64::Engine as _;
    let headers = base64::engine::general_purpose::STANDARD.decode(got.message.hdrs);
    let headers = String::from_utf8(headers.unwrap_or_default()).unwrap_or_default();
    let sequence = headers
        .lines()
        .find_map(|line| line.strip_prefix("ce-sequence: "));
    let position = sequence.and_then(|text| Position::from_sequence(text.trim()));
    Ok(position.map_or(0, Position::number))
}

impl Found {
    fn remember(&mut self, report: &FeedReport) {
        self.missing.retain(|log, _| log.feed != report.feed);
        for log in report.logs.iter().filter(|log| !log.missing.is_empty()) {
            let name = LogName {
                feed: report.feed.clone(),
                office: log.office.clone(),
            };
            // What was declared behind the head is not counted as a hole.
            let all = log.missing.up_to(log.head);
            let wanted = log.wanted().up_to(log.head);
            self.missing.insert(name, Missing { all, wanted });
        }
    }
}

fn tell(report: &FeedReport, took: Duration) {
    let FeedReport { feed, messages, .. } = report;
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    info!(%feed, messages, milliseconds, "the stream was read whole");
    for LogReport {
        office,
        missing,
        unlinked,
        unsigned,
        twice,
        ..
    } in &report.logs
    {
        if !missing.is_empty() {
            warn!(%feed, %office, %missing, "positions are missing");
        }
        if !twice.is_empty() {
            warn!(%feed, %office, %twice, "positions-twice: these positions stand more than once; it costs room and nothing else");
        }
        if !unlinked.is_empty() {
            tracing::error!(%feed, %office, %unlinked, "the chain is broken");
        }
        if !unsigned.is_empty() {
            tracing::error!(%feed, %office, %unsigned, "events are not signed by their office");
        }
    }
    for damaged in &report.damaged {
        let (sequence, why) = (damaged.sequence, &damaged.why);
        tracing::error!(%feed, sequence, why, "a message is damaged");
    }
}
