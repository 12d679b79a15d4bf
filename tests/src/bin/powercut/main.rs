//! Power cuts, replayed: is everything there that was promised before?
//! In: nothing; a bus of its own is started. Out: counts and a verdict; exit status 0 only if nothing was lost.
//! Never: a verdict over a run in which nothing was accepted or nothing was dropped.

mod trace;
mod ledger;
mod load;
mod stage;
mod whose;
mod promises;
mod outbox;
mod reading;
mod replay;
mod tally;
mod ground;
mod work;
mod calls;
mod live;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tests::volume;

/// Cuts the power of a real agent at every moment, and looks what is left.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// A part of it, in about a minute.
    #[arg(long, global = true)]
    quick: bool,
    /// About so many states or runs, spread over all of them; without it, every one.
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
    /// Lets every storage call of a short run fail once, each in another way.
    Calls {
        /// This one alone, as a failure names it: "write 622 EIO"; as often as `--states` says.
        #[arg(long)]
        only: Option<volume::Fault>,
    },
    /// Cuts the power of an agent under load at random moments.
    Live,
    /// An office's stores at work, for `calls`.
    #[command(hide = true)]
    Work(work::Places),
}

#[tokio::main]
async fn main() -> ExitCode {
    // Both programs choose ring; what came first stays.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("powercut: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Success where everything that was promised was kept.
async fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments {
        what,
        quick,
        states,
        seed,
        keep,
    } = arguments;
    let kept = match what {
        What::Replay => replay::run(quick, states, seed, &keep).await?,
        What::Calls { only } => {
            volume::own_mounts()?;
            let most = states.map(|states| states as u64);
            let most = most.or(quick.then_some(calls::QUICK_RUNS));
            calls::run(most, only, &keep).await?
        }
        What::Live => {
            volume::own_mounts()?;
            live::run(quick, seed, &keep).await?
        }
        What::Work(places) => return Ok(work::run(places).await),
    };
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
