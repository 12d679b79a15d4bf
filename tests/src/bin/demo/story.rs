//! The story in its acts: reports, a cut line, a restarted gateway, a bulletin, three mistakes.
//! In: the stage and the figures. Out: the account of all that happened. Never: an act that is skipped because it went badly.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::deadline::eventually;
use tests::office::Office;
use tests::proxy::Weather;

use crate::account::{Account, Arrival, LogAccount, LogKey, Received};
use crate::arrivals::{self, Arrivals, Ledger};
use crate::bulletin;
use crate::figures::{BULLETIN, Figures, HEALTH, LABOUR, PRICES};
use crate::refusals;
use crate::stage::Stage;
use crate::view::View;

/// The office whose line is cut.
const CUT: &str = "maff/siem-reap";
/// Enough for all figures of a large folder on a slow machine.
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub struct Story<'a> {
    stage: &'a mut Stage,
    figures: &'a Figures,
    scratch: &'a Path,
    view: &'a View,
    ledger: Ledger,
}

impl<'a> Story<'a> {
    pub fn new(
        stage: &'a mut Stage,
        figures: &'a Figures,
        scratch: &'a Path,
        view: &'a View,
    ) -> Story<'a> {
        Story {
            stage,
            figures,
            scratch,
            view,
            ledger: Ledger::new(),
        }
    }

    pub async fn play(mut self) -> Result<Account> {
        let began = Instant::now();
        let (first, second) = halves(&self.figures.of(PRICES, "siem-reap"), self.scratch)?;
        self.submit(CUT, PRICES, &first)?;
        self.line_is_cut(&second).await?;
        self.everyone_reports()?;
        let waited = self.waiting_behind_the_cut().await?;
        self.stage.bus.gateway.restart().await;
        self.view.act("the gateway was restarted");
        self.stage.office(CUT).line.set(Weather::Clear);
        self.view.act(&format!(
            "the line of {CUT} is back; {waited} events waited behind it"
        ));
        self.everything_arrives().await;
        self.bulletin_is_released().await?;
        self.everything_arrives().await;
        let refusals = refusals::provoke(self.stage).await;
        self.view.act("three deliberate mistakes were refused");
        let mut account = self.account().await?;
        account.refusals = refusals;
        account.waited_behind_the_cut = waited;
        account.seconds = began.elapsed().as_secs_f64();
        Ok(account)
    }

    /// The line goes while events are on their way; the office works on.
    async fn line_is_cut(&mut self, rest: &Path) -> Result<()> {
        let hq = self.stage.office("maff/hq");
        eventually("a first price at MAFF HQ", || async {
            (!hq.received(PRICES).await.is_empty()).then_some(())
        })
        .await;
        self.stage.office(CUT).line.set(Weather::Cut);
        self.view.act(&format!(
            "the line of {CUT} is cut with events on their way"
        ));
        self.submit(CUT, PRICES, rest)
    }

    fn everyone_reports(&mut self) -> Result<()> {
        let reports = [
            ("moh/siem-reap", HEALTH, "siem-reap"),
            ("moh/battambang", HEALTH, "battambang"),
            ("maff/battambang", PRICES, "battambang"),
            ("mlvt/siem-reap", LABOUR, "siem-reap"),
            ("mlvt/hq", LABOUR, "hq"),
        ];
        for (office, feed, place) in reports {
            self.submit(office, feed, &self.figures.of(feed, place))?;
        }
        Ok(())
    }

    /// Submits a file as a clerk would, and writes down the ids that were accepted.
    fn submit(&mut self, office: &str, feed: &str, file: &Path) -> Result<()> {
        let path = file.to_string_lossy();
        let done = self
            .stage
            .office(office)
            .command(&["submit", "--feed", feed, "--json", &path]);
        let said = String::from_utf8_lossy(&done.stdout);
        ensure!(
            done.status.success(),
            "{office} cannot submit {path}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let answer: Value = serde_json::from_str(&said)
            .with_context(|| format!("spean-agent submit answered {said}"))?;
        let accepted = answer["accepted"]
            .as_array()
            .context("spean-agent submit names what it accepted")?;
        let ids = accepted
            .iter()
            .filter_map(|event| event["id"].as_str())
            .map(str::to_owned);
        self.ledger
            .entry(LogKey::new(feed, office))
            .or_default()
            .extend(ids);
        self.view.act(&format!(
            "{office} submitted {} events to {feed}",
            accepted.len()
        ));
        Ok(())
    }

    /// Accepted by the office and not yet on the bus.
    async fn waiting_behind_the_cut(&self) -> Result<u64> {
        let log = LogKey::new(PRICES, CUT);
        let stored = self
            .stage
            .durable()
            .await?
            .get(&log)
            .copied()
            .unwrap_or_default();
        Ok((self.ledger[&log].len() as u64).saturating_sub(stored))
    }

    async fn bulletin_is_released(&mut self) -> Result<()> {
        let hq = self.stage.office("maff/hq");
        let now = time::OffsetDateTime::now_utc().date().to_string();
        let data = bulletin::compile(&hq.received(PRICES).await, &now);
        let event = json!({
            "specversion": "1.0",
            "type": "kh.gov.maff.price-bulletin.submitted.v1",
            "subject": data["period"],
            "data": data,
        });
        let id = hq.submit(&event).await;
        self.ledger
            .entry(LogKey::new(BULLETIN, "maff/hq"))
            .or_default()
            .insert(id);
        self.view
            .act("maff/hq released a price bulletin made from what it received");
        Ok(())
    }

    /// Waits until every subscriber has what was accepted; what does not come is the account's to say.
    async fn everything_arrives(&self) {
        let expected = arrivals::expected(&self.ledger);
        let bar = self.view.bar(expected as u64);
        let mut arrivals = Arrivals::default();
        let began = Instant::now();
        loop {
            let arrived = arrivals.look(self.stage, &self.ledger).await;
            bar.set_position(arrived as u64);
            if arrived == expected || began.elapsed() > ARRIVAL_PATIENCE {
                bar.finish_and_clear();
                return self
                    .view
                    .act(&format!("{arrived} of {expected} deliveries are made"));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn account(&self) -> Result<Account> {
        let durable = self.stage.durable().await?;
        let mut account = Account {
            lines: self.stage.lines(),
            ..Account::default()
        };
        for (log, ids) in &self.ledger {
            let mut own = LogAccount {
                submitted: ids.len(),
                durable: durable[log],
                ..LogAccount::default()
            };
            for subscriber in Stage::subscribers(&log.feed, &log.office) {
                let events = received(self.stage.office(subscriber), log).await;
                own.subscribers
                    .insert(subscriber.to_owned(), Arrival::judge(ids, &events));
            }
            account.logs.insert(log.clone(), own);
        }
        Ok(account)
    }
}

/// One log as the subscriber has it, in the order in which it has it.
async fn received(subscriber: &Office, log: &LogKey) -> Vec<Received> {
    let events = subscriber.received(&log.feed).await;
    let source = log.source();
    let own = events.iter().filter(|event| event["source"] == *source);
    let read = own.map(|event| Received {
        source: source.clone(),
        id: event["id"].as_str().unwrap_or_default().to_owned(),
        sequence: event["sequence"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default(),
    });
    read.collect()
}

/// A table cut in two, each half with the headings.
fn halves(file: &Path, scratch: &Path) -> Result<(PathBuf, PathBuf)> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (headings, rows) = text.split_once('\n').context("a table has headings")?;
    let rows: Vec<&str> = rows.lines().collect();
    let (first, second) = rows.split_at(rows.len() / 2);
    let write = |name: &str, rows: &[&str]| {
        let path = scratch.join(name);
        std::fs::write(&path, format!("{headings}\n{}\n", rows.join("\n"))).map(|()| path)
    };
    Ok((
        write("first-half.csv", first)?,
        write("second-half.csv", second)?,
    ))
}
