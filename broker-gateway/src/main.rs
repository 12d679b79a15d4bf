//! spean-gateway: arguments come in, one command runs, an exit status goes out.

mod cli;
mod commands;
mod own;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

/// An event is some forty pieces of memory that one thread asks for and another gives back: glibc's allocator took an eighth of the
/// gateway's CPU.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    own::keep_to_oneself();
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing chose another provider before main");
    let cli = cli::Cli::parse();
    log_to_stderr();
    commands::run(cli.command).unwrap_or_else(|error| {
        eprintln!("spean-gateway: {error:#}");
        ExitCode::FAILURE
    })
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
