//! The offices' work: each publisher submits batch after batch, and one that was not answered 202 again until it is.
//! In: offices, a seed. Out: the ledger's entries. Never: a batch that is given up, or sent beside another of its office.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tests::figure::{PRICE_TYPE, price};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;
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
    let events: Vec<Value> = ids.iter().map(|id| event(office, id)).collect();
    let body = serde_json::to_string(&events)?;
    ledger.asked(&office.source(), &ids);
    loop {
        match office.submit(&body).await {
            // Not there, or not answering: nobody knows what became of it.
            None | Some((500.. | 429, _)) => tokio::time::sleep(AGAIN_AFTER).await,
            Some((202, _)) => return ledger.accepted(&office.source(), ids).await,
            Some((status, answer)) => bail!("{} answers {status}: {answer}", office.name),
        }
    }
}

fn event(office: &Office, id: &str) -> Value {
    let publishes = office.publishes();
    let (event_type, data) = match publishes.feed {
        HEALTH => (
            "kh.gov.moh.quarterly-report.submitted.v1",
            health(publishes.pcode, id),
        ),
        _ => (PRICE_TYPE, price(publishes.pcode, id)),
    };
    json!({
        "specversion": "1.0",
        "id": id,
        "type": event_type,
        "subject": format!("{}/2026Q3", publishes.pcode),
        "datacontenttype": "application/json",
        "data": data,
    })
}

fn health(pcode: &str, id: &str) -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": pcode,
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "41", "comment": id }],
    })
}
