//! The offices' work: each publisher submits batch after batch, and one that was not answered 202 again until it is.
//! In: offices, a seed. Out: the ledger's entries. Never: a batch that is given up, or sent beside another of its office.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tests::figure::{PRICE_TYPE, price};
use tests::ledger::Ledger;
use tests::tally::Content;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::scenario::{HEALTH, Pace};
use crate::stage::office::Office;

/// How soon a batch goes again that was not answered 202.
const AGAIN_AFTER: Duration = Duration::from_millis(150);
/// How long a batch under way may still take once the load was told to stop.
const LAST_BATCH: Duration = Duration::from_secs(90);
/// Events of one submission of a backlog.
const BACKLOG_BATCH: usize = 100;

pub struct Load {
    stop: CancellationToken,
    workers: JoinSet<Result<()>>,
}

/// One office at work.
pub struct Worker {
    pub office: Arc<Office>,
    pub ledger: Ledger,
    pub random: fastrand::Rng,
    pub pace: Pace,
}

impl Load {
    pub fn begin(workers: Vec<Worker>) -> Load {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        for worker in workers {
            running.spawn(worker.work(stop.clone()));
        }
        Load {
            stop,
            workers: running,
        }
    }

    /// Ends it; every batch under way is answered first.
    pub async fn end(mut self) -> Result<()> {
        self.stop.cancel();
        let ended = async {
            while let Some(worker) = self.workers.join_next().await {
                worker??;
            }
            Ok(())
        };
        match tokio::time::timeout(LAST_BATCH, ended).await {
            Ok(ended) => ended,
            Err(_) => bail!("an office does not accept what it is given, {LAST_BATCH:?} long"),
        }
    }
}

impl Worker {
    async fn work(mut self, stop: CancellationToken) -> Result<()> {
        loop {
            let pause = Duration::from_millis(self.random.u64(0..=self.pace.pause_ms_max));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return Ok(()),
            }
            let count = self.random.usize(1..=self.pace.batch_max);
            submit(&self.office, &self.ledger, count).await?;
        }
    }
}

/// Submits so many events at once, as an office does whose line was down for long.
pub async fn backlog(office: &Office, ledger: &Ledger, count: usize) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let now = left.min(BACKLOG_BATCH);
        submit(office, ledger, now).await?;
        left -= now;
    }
    Ok(())
}

/// One batch, again and again until it is accepted: the same ids, so that nothing is accepted twice.
async fn submit(office: &Office, ledger: &Ledger, count: usize) -> Result<()> {
    let _desk = office.desk.lock().await;
    let first = office.take_numbers(count as u64);
    let ids: Vec<String> = (0..count as u64)
        .map(|more| format!("{}-{:06}", office.tag, first + more))
        .collect();
    let events: Vec<Drafted> = ids.iter().map(|id| event(office, id)).collect();
    let texts: Vec<String> = events.iter().map(Drafted::json).collect();
    let body = format!("[{}]", texts.join(","));
    let contents = events.iter().map(Drafted::content);
    ledger.asked(&office.source(), ids.iter().cloned().zip(contents));
    loop {
        match office.submit(&body).await {
            // Not there, or not answering: nobody knows what became of it.
            None | Some((500.. | 429, _)) => tokio::time::sleep(AGAIN_AFTER).await,
            Some((202, _)) => return ledger.accepted(&office.source(), ids).await,
            Some((status, answer)) => bail!("{} answers {status}: {answer}", office.name),
        }
    }
}

/// An event before it is submitted.
struct Drafted {
    id: String,
    event_type: &'static str,
    subject: String,
    /// As its program wrote it.
    data: String,
}

const MEDIA_TYPE: &str = "application/json";

impl Drafted {
    fn content(&self) -> Content {
        let data = self.data.as_bytes();
        Content::of(self.event_type, &self.subject, MEDIA_TYPE, data)
    }

    /// Its data's bytes stand in it as they are.
    fn json(&self) -> String {
        let head = json!({
            "specversion": "1.0",
            "id": self.id,
            "type": self.event_type,
            "subject": self.subject,
            "datacontenttype": MEDIA_TYPE,
        });
        let head = head.to_string();
        let head = head.strip_suffix('}').unwrap_or(&head);
        format!("{head},\"data\":{}}}", self.data)
    }
}

fn event(office: &Office, id: &str) -> Drafted {
    let publishes = office.publishes();
    let (event_type, data) = match publishes.feed {
        HEALTH => (
            "kh.gov.moh.quarterly-report.submitted.v1",
            health(publishes.pcode, id),
        ),
        _ => (PRICE_TYPE, price(publishes.pcode, id)),
    };
    Drafted {
        id: id.to_owned(),
        event_type,
        subject: format!("{}/2026Q3", publishes.pcode),
        data: written(&data, id),
    }
}

/// As different programs write it: in one line, in several, with a letter that they need not escape.
fn written(data: &Value, id: &str) -> String {
    match id.bytes().last() {
        Some(b'0'..=b'2') => format!("{data:#}"),
        Some(b'3'..=b'5') => data.to_string().replacen(id, &format!("\\u0020{id}"), 1),
        _ => data.to_string(),
    }
}

fn health(pcode: &str, id: &str) -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": pcode,
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "41", "comment": format!("របាយការណ៍ {id}") }],
    })
}
