//! `scrub`: a gateway's folder comes in; every log of every stream is read, and a report goes out for people or programs. What is
//! missing is asked for on the bus.

use std::path::Path;

use anyhow::Context as _;
use schemas::subject::FeedName;
use serde::Serialize;

use super::read;
use super::{FeedReport, LogReport};
use crate::authority;
use crate::settings::Settings;
use crate::upstream::jetstream::JetStream;
use crate::upstream::raw::Broker;

/// What a scrub of all feeds found.
#[derive(Debug, Serialize)]
pub struct Reports {
    pub whole: bool,
    /// Logs for which a request to heal went out.
    pub asked: usize,
    pub feeds: Vec<FeedReport>,
}

/// Reads the streams of all feeds, or of one.
///
/// # Errors
/// The folder or the server cannot be used.
pub async fn run(folder: &Path, only: Option<&FeedName>) -> anyhow::Result<Reports> {
    let settings = Settings::read(folder)?;
    let log = authority::registry(folder)?;
    let registry = log.registry();
    let broker = Broker::new(&settings.nats)?;
    let jetstream = JetStream::connect(&broker).await?;
    let named = |name: &&FeedName| only.is_none_or(|only| only == *name);
    let (mut feeds, mut asked) = (Vec::new(), 0);
    for feed in registry.feeds().map(|feed| &feed.name).filter(named) {
        let report = read::feed(&jetstream, registry, feed).await;
        let report = report.with_context(|| format!("cannot read the stream {feed}"))?;
        asked = read::ask_to_heal(&jetstream, &report)
            .await?
            .saturating_add(asked);
        feeds.push(report);
    }
    anyhow::ensure!(!feeds.is_empty(), "the registry knows no such feed");
    Ok(Reports {
        whole: feeds.iter().all(FeedReport::is_whole),
        asked,
        feeds,
    })
}

impl Reports {
    /// For a person to read.
    pub fn table(&self) -> String {
        let heading = ["feed", "office", "head", "refilled", "missing", "what else"];
        let mut table = authority::Table::new(&heading);
        for report in &self.feeds {
            for log in &report.logs {
                table.row([
                    report.feed.as_str(),
                    &log.office.to_string(),
                    &log.head.to_string(),
                    &log.refilled.to_string(),
                    &log.missing.to_string(),
                    &what_else(log),
                ]);
            }
            for damaged in &report.damaged {
                let what = format!("{}: {}", damaged.subject, damaged.why);
                let at = format!("sequence {}", damaged.sequence);
                table.row([report.feed.as_str(), "damaged", &at, "", "", &what]);
            }
        }
        let end = match (self.whole, self.asked) {
            (true, 0) => "every log is whole".to_owned(),
            (false, 0) => {
                "not every log is as it must be, and nothing of it can be asked for".to_owned()
            }
            (_, asked) => format!("{asked} logs lack positions; whoever has them was asked"),
        };
        format!("{table}\n{end}")
    }
}

fn what_else(log: &LogReport) -> String {
    let mut all = Vec::new();
    if !log.declared.is_empty() {
        all.push(format!("declared lost: {}", log.declared));
    }
    if !log.twice.is_empty() {
        all.push(format!("stands twice: {}", log.twice));
    }
    if !log.unlinked.is_empty() {
        all.push(format!("does not link: {}", log.unlinked));
    }
    if !log.unsigned.is_empty() {
        all.push(format!("not signed by its office: {}", log.unsigned));
    }
    all.join("; ")
}
