//! Power cuts, replayed: is everything there that was promised before?
//! In: nothing; a bus of its own is started. Out: counts and a verdict; exit status 0 only if nothing was lost.
//! Never: a verdict over a run in which nothing was accepted or nothing was dropped.

mod trace;
mod disk;
mod image;
mod cut;
mod ledger;
mod load;
mod stage;
mod promises;
mod outbox;
mod reading;
mod replay;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Cuts the power of a real agent at every moment, and looks what is left.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// A part of it, in about a minute.
    #[arg(long, global = true)]
    quick: bool,
    /// About so many states, the moments spread over the recording; without it, every moment.
    #[arg(long, global = true)]
    states: Option<usize>,
    /// What is drawn is drawn from this.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Where failed states are kept.
    #[arg(long, global = true, default_value = "target/powercut")]
    keep: PathBuf,
}

#[derive(Subcommand)]
enum What {
    /// Records an agent's storage calls, and opens every disk that a cut could have left.
    Replay,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Both programs choose ring; what came first stays.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("powercut: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was promised was kept.
async fn run(arguments: Arguments) -> Result<bool> {
    let Arguments {
        what,
        quick,
        states,
        seed,
        keep,
    } = arguments;
    match what {
        What::Replay => replay::run(quick, states, seed, &keep).await,
    }
}
