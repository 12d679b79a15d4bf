//! spean-gateway: arguments come in, one command runs, an exit status goes out.

mod cli;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use broker_gateway::authority::{self, Enrol, Init};
use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing chose another provider before main");
    log_to_stderr();
    match run(Cli::parse().command) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("spean-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(args) => {
            let init = Init::from(args);
            init.run()?;
            println!("{}", init.next_steps());
        }
        Command::Enrol(args) => {
            let enrol = Enrol::from(args);
            let said = enrol.run()?;
            println!("{}", enrol.outcome(&said));
        }
        Command::Explain {
            office,
            feed,
            dir,
            json,
        } => {
            let log = authority::registry(&dir)?;
            let explanation = authority::explain(log.registry(), &office, &feed)?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&explanation)?),
                false => print!("{}", explanation.table()),
            }
        }
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "spean-gateway",
                &mut std::io::stdout(),
            );
        }
        Command::Man => {
            let manual = clap_mangen::Man::new(Cli::command());
            manual
                .render(&mut std::io::stdout())
                .context("cannot write the manual page")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What happens is told on stderr; RUST_LOG says how much. Colour is for terminals, and only where NO_COLOR is not set.
fn log_to_stderr() {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(std::io::stderr)
        .init();
}
