//! The same faults and the same load on a stock leaf node and on Spean: what is lost, doubled, unseen, what it costs.
//! In: nothing; every system is started here, from nothing, for each fault. Out: one table. Never: a system that is helped.

mod system;
mod stock;
mod spean;
mod forgetful;
mod fault;
mod row;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tests::volume;

use crate::fault::Fault;
use crate::row::Row;
use crate::spean::Spean;
use crate::stock::{Stock, Sync};
use crate::system::System;

/// Compares what a stock NATS leaf node and Spean lose under the same faults.
#[derive(Parser)]
struct Arguments {
    /// Faults whose names begin so, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rows as JSON, one a line.
    #[arg(long)]
    json: bool,
    /// The table for a document, too, in this file.
    #[arg(long)]
    markdown: Option<std::path::PathBuf>,
}

/// What is compared, in this order.
enum Kind {
    Leaf(Sync),
    Spean,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Both programs choose ring; what came first stays.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match compare(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Fails where Spean loses, doubles or hides anything: what the others do is their own.
async fn compare(arguments: &Arguments) -> Result<()> {
    let asked = |fault: &Fault| {
        let name = fault.name();
        arguments.only.is_empty() || arguments.only.iter().any(|only| name.starts_with(only))
    };
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(asked).collect();
    ensure!(
        !faults.is_empty(),
        "no fault has such a name; leave out --only to play all"
    );
    if faults.iter().any(|fault| fault.cuts_power()) {
        volume::own_mounts()?;
    }
    let mut rows = Vec::new();
    if !arguments.json {
        println!("{}", row::headings());
    }
    // Shown on a terminal alone.
    let bar = ProgressBar::new(3 * faults.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:24} {pos}/{len} {msg}, {elapsed} so far; a stock source waits up to 40 s before it tries again",
    )?);
    for fault in faults {
        for kind in [
            Kind::Leaf(Sync::Default),
            Kind::Leaf(Sync::Always),
            Kind::Spean,
        ] {
            bar.set_message(fault.name());
            let row = match kind {
                Kind::Leaf(sync) => play(fault, Stock::start(sync).await?).await?,
                Kind::Spean => play(fault, Spean::start().await?).await?,
            };
            let text = match arguments.json {
                true => serde_json::to_string(&row)?,
                false => row::line(&row),
            };
            bar.suspend(|| println!("{text}"));
            bar.inc(1);
            rows.push(row);
        }
    }
    bar.finish_and_clear();
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, row::markdown(&rows))?;
    }
    let ours = rows.iter().filter(|row| row.system == spean::NAME);
    let harmed: Vec<&str> = ours
        .filter(|row| row.harm() > 0)
        .map(|row| row.fault)
        .collect();
    ensure!(
        harmed.is_empty(),
        "Spean lost, doubled or hid events in {}",
        harmed.join(", ")
    );
    Ok(())
}

async fn play<S: System>(fault: Fault, mut system: S) -> Result<Row> {
    let (accepted, mended) = fault.play(&mut system).await?;
    row::settle(fault.name(), &mut system, accepted, mended).await
}
