//! The figures of docs/benchmarks.md, measured on this machine: ratios within one run, medians of alternated rounds.
//! In: the parts to measure, or none for all. Out: a table with the machine and the date. Never: a figure that was not measured just now.

mod machine;
mod usage;
mod figure;
mod report;
mod events;
mod sender;
mod stage;
mod rounds;
mod load;
mod catch_up;
mod many_offices;
mod one_office;
mod no_runs;
mod signatures;
mod agent;
mod group_commit;
mod outbox;
mod space;
mod memory;
mod link;
mod abuse;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::figure::Outcome;
use crate::report::Report;

/// Measures what the bus promises of speed, memory and bytes, each against the same without it, in the same run.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything but `abuse`, which has a page of its own, if nothing is named.
    parts: Vec<Part>,
    /// A few seconds a part: shows that it works, measures little.
    #[arg(long)]
    quick: bool,
    /// Minutes for which the idle line is watched.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Writes the table into this file, behind its line `<!-- measured -->`.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Of `abuse`, these floods and bounds alone; all, if nothing is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Runs the link's part here, in namespaces that were made for it.
    #[arg(long, hide = true)]
    inside: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    CatchUp,
    ManyOffices,
    OneOffice,
    NoRuns,
    Signatures,
    Outbox,
    Space,
    Memory,
    Link,
    Abuse,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub quick: bool,
    pub idle_minutes: f64,
}

impl Effort {
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    // Both programs choose ring; what came first stays.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A missed target is a figure, not a failure: only what could not be measured fails.
async fn run(arguments: Arguments) -> Result<()> {
    let effort = Effort {
        quick: arguments.quick,
        idle_minutes: arguments.minutes,
    };
    if arguments.inside {
        let measuring = async |outcome: &mut Outcome| link::inside(effort, outcome).await;
        let outcome = Outcome::of(measuring).await;
        println!("{}", serde_json::to_string(&outcome)?);
        return Ok(());
    }
    let mut report = Report::begin(machine::describe());
    for part in Part::value_variants() {
        let usual = arguments.parts.is_empty() && *part != Part::Abuse;
        if usual || arguments.parts.contains(part) {
            eprintln!("measuring {} ...", part.name());
            let only = &arguments.only;
            let measuring = async |outcome: &mut Outcome| part.measure(effort, only, outcome).await;
            report.add(part.name(), &Outcome::of(measuring).await);
        } else {
            report.leave_out(part.name(), "not asked for");
        }
    }
    match arguments.json {
        true => println!("{}", report.json()),
        false => println!("{}", report.text()),
    }
    match arguments.markdown {
        Some(file) => report.write_markdown(&file),
        None => Ok(()),
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::CatchUp => "catch-up",
            Part::ManyOffices => "many-offices",
            Part::OneOffice => "one-office",
            Part::NoRuns => "no-runs",
            Part::Signatures => "signatures",
            Part::Outbox => "outbox",
            Part::Space => "space",
            Part::Memory => "memory",
            Part::Link => "link",
            Part::Abuse => "abuse",
        }
    }

    async fn measure(self, effort: Effort, only: &[String], outcome: &mut Outcome) -> Result<()> {
        match self {
            Part::CatchUp => catch_up::measure(effort, outcome).await,
            Part::ManyOffices => many_offices::measure(effort, outcome).await,
            Part::OneOffice => one_office::measure(effort, outcome).await,
            Part::NoRuns => no_runs::measure(effort, outcome).await,
            Part::Signatures => signatures::measure(effort, outcome),
            Part::Outbox => outbox::measure(effort, outcome).await,
            Part::Space => space::measure(effort, outcome).await,
            Part::Memory => memory::measure(effort, outcome).await,
            Part::Link => link::measure(effort, outcome).await,
            Part::Abuse => abuse::measure(effort, only, outcome).await,
        }
    }
}
