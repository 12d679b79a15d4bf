//! `export`: a log's name comes in, its events go out, a line each with its signature, from position 1 up to the first gap; or
//! those that are kept beside it.

use std::process::ExitCode;

use anyhow::Context as _;
use schemas::subject::LogName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ExportArgs;
use super::client::Agent;
use super::terminal::line;

/// A page of a log; events stay the text that was signed.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    next: u64,
    /// Up to where the log goes; nothing goes on beside it.
    #[serde(default)]
    known: u64,
}

pub async fn run(agent: &Agent, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let beside = if args.branches { "/branches" } else { "" };
    let log = name(args).context("which log? give its source, or --feed and --office")?;
    let LogName { feed, office } = &log;
    let (mut after, mut count) = (0, 0);
    loop {
        let path = format!("/logs/{feed}/{office}{beside}?after={after}&limit=1000");
        let text = agent.get(&path).await?;
        let page: Page<'_> =
            serde_json::from_str(&text).context("the agent's answer is no page")?;
        for event in &page.events {
            if !line(event.get())? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        count += page.events.len();
        match (page.events.is_empty(), page.next >= page.known) {
            (false, _) => after = page.next,
            // A script must not take nothing for a log; that nothing stands beside one is as it should be.
            (true, true) if count == 0 && beside.is_empty() => {
                eprintln!("{log}: nothing of this log is here\n  គ្មានអ្វីពីកំណត់ហេតុនេះនៅទីនេះទេ");
                return Ok(ExitCode::FAILURE);
            }
            (true, true) => {
                eprintln!("{log}: {count} events");
                return Ok(ExitCode::SUCCESS);
            }
            (true, false) => {
                let gap = after + 1;
                let known = page.known;
                eprintln!(
                    "{log}: {count} events; position {gap} is missing here, the log goes on to {known}"
                );
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}

fn name(args: ExportArgs) -> Option<LogName> {
    match args {
        ExportArgs { log: Some(log), .. } => Some(log),
        ExportArgs { feed, office, .. } => Some(LogName {
            feed: feed?,
            office: office?,
        }),
    }
}
