//! spean-agent: arguments come in, one command runs, an exit status goes out.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use agent::cli::{self, Cli};
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    agent::private::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(cli::run(cli)),
        Err(error) => Err(error.into()),
    };
    ended.unwrap_or_else(|error| {
        // A stderr on a full disk takes nothing.
        let _unheard = writeln!(std::io::stderr(), "spean-agent: {error:#}");
        ExitCode::FAILURE
    })
}

/// What happens is told on stderr; RUST_LOG says how much. Colour is for terminals, and only where NO_COLOR is not set.
fn log_to_stderr() {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,async_nats=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(std::io::stderr)
        .init();
}
