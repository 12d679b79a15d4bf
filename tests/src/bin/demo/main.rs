//! The main job in one command, on real figures, with an account at the end.
//! In: nothing, or a folder of larger tables. Out: the account; exit status 0 only if it is right. Never: a part that is not the real one.

mod figures;
mod stage;
mod story;
mod bulletin;
mod refusals;
mod arrivals;
mod account;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::figures::Figures;
use crate::stage::Stage;
use crate::story::Story;
use crate::view::View;

const SHOWN_NEXT: &str = "\nKEEP=1 make demo leaves all of it running, with the address of each office's desk for a browser.";

/// Offices of three ministries report over real lines to a real bus; an account says what arrived where.
#[derive(Parser)]
struct Arguments {
    /// A folder of real tables, laid out as tests/data/README.md says; else the project's own small ones.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Leave everything running and say how to talk to it.
    #[arg(long)]
    keep: bool,
    /// The account as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the account is right.
async fn run(arguments: Arguments) -> Result<bool> {
    let view = View::new();
    let scratch =
        tempfile::TempDir::with_prefix("spean-demo-").context("cannot make a temporary folder")?;
    let figures = Figures::prepare(arguments.data.as_deref(), scratch.path())?;
    let mut stage = Stage::build(&view).await;
    let account = Story::new(&mut stage, &figures, scratch.path(), &view)
        .play()
        .await?;
    let words = if arguments.json {
        serde_json::to_string_pretty(&account)?
    } else {
        account.text()
    };
    println!("{words}");
    match (arguments.keep, arguments.json) {
        (true, _) => keep(&stage).await?,
        (false, false) => println!("{SHOWN_NEXT}"),
        (false, true) => {}
    }
    Ok(account.is_right())
}

async fn keep(stage: &Stage) -> Result<()> {
    println!("\nAll of it keeps running until Ctrl-C. Talk to an office:");
    for (name, office) in &stage.offices {
        println!(
            "  {name:16} curl -H 'Authorization: Bearer {}' {}/status",
            office.token(),
            office.url()
        );
    }
    println!("\nAn office's desk, in a browser; each address is good once:");
    for (name, office) in &stage.offices {
        println!("  {name:16} {}", office.desk_address());
    }
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
