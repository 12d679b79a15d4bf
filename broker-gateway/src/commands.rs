//! A command comes in, the library does it, words for people (or JSON for programs) and an exit status go out.

mod explain;
mod say;

use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use broker_gateway::authority::streams::{self, NewStreams};
use broker_gateway::authority::{
    self, Enrol, Folder, Init, Issued, Words, certificates, certificates_table,
};
use broker_gateway::scrub;
use broker_gateway::serve;
use broker_gateway::settings::Settings;
use broker_gateway::streams::StreamState;
use clap::CommandFactory as _;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{CertificateCommand, Cli, Command, RegistryCommand, StreamsArgs};

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(args) => {
            let init = Init::from(args);
            let fingerprint = init.run()?;
            say(&init.next_steps(fingerprint))
        }
        Command::Streams(args) => wait_for(create_streams(args)),
        Command::Enrol(args) => {
            let enrol = Enrol::from(args);
            let said = enrol.run()?;
            say(&enrol.outcome(&said))
        }
        Command::Office(command) => say::signed(command.words()),
        Command::Key(command) => say::signed(command.words()),
        Command::Certificate(command) => certificate(command),
        Command::Fingerprint { dir } => {
            let log = authority::registry(&dir)?;
            say(&log.authority().fingerprint().to_string())
        }
        Command::Feed(command) => say::signed(command.words()?),
        Command::Grant(args) => say::signed(args.words()?),
        Command::Withdraw(args) => say::signed((Words::Withdraw(args.rule), args.sign)),
        Command::Registry(RegistryCommand::Append { file, say }) => say::carried(&file, &say),
        Command::Serve { dir, config } => serve_folder(&config.unwrap_or(dir)),
        Command::Check { dir, json } => {
            let findings = wait_for(async { Ok(authority::check(&dir).await) })?;
            let mistaken = findings.any_mistake();
            match json {
                true => say(&as_json(&findings)?)?,
                false => say(&findings.table())?,
            };
            Ok(status(!mistaken))
        }
        Command::Scrub { dir, feed, json } => {
            let found = wait_for(scrub::command::run(&dir, feed.as_ref()))?;
            match json {
                true => say(&as_json(&found)?)?,
                false => say(&found.table())?,
            };
            Ok(status(found.whole))
        }
        Command::Rights {
            office,
            feed,
            dir,
            json,
        } => {
            let log = authority::registry(&dir)?;
            let issued = Issued::all(&Folder::new(&dir))?;
            let rights = authority::rights(log.registry(), issued, &office, &feed)?;
            match json {
                true => say(&as_json(&rights)?),
                false => say(&rights.table()),
            }
        }
        Command::Explain { code, lang, json } => explain::run(code.as_deref(), lang, json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "spean-gateway", &mut script);
            say(&String::from_utf8_lossy(&script))
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            say(&String::from_utf8_lossy(&page))
        }
    }
}

fn certificate(command: CertificateCommand) -> anyhow::Result<ExitCode> {
    match command {
        CertificateCommand::Revoke { certificate, sign } => {
            say::signed((certificate.words(), sign))
        }
        CertificateCommand::List { office, dir, json } => {
            let log = authority::registry(&dir)?;
            let issued = Issued::all(&Folder::new(&dir))?;
            let lines = certificates(issued, log.registry(), office.as_ref());
            match json {
                true => say(&as_json(&lines)?),
                false => say(&certificates_table(&lines)),
            }
        }
    }
}

/// Serves until SIGTERM, SIGINT, or SIGUSR2, by which nats-server is asked to leave, too. All cores are used: verifying signatures is
/// what a gateway does.
fn serve_folder(named: &Path) -> anyhow::Result<ExitCode> {
    let folder = match named.is_dir() {
        true => named,
        false => named.parent().unwrap_or(Path::new(".")),
    };
    let settings = Settings::read(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
        let mut lame_duck =
            signal(SignalKind::user_defined2()).context("cannot wait for signals")?;
        let stop = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = lame_duck.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stop.cancel();
        });
        serve::run(settings, shutdown).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn create_streams(args: StreamsArgs) -> anyhow::Result<ExitCode> {
    let new = NewStreams {
        replicas: args.replicas,
        room_gib: args.room_gib,
    };
    let reports = streams::create(&args.dir, new).await?;
    let different = |state: &StreamState| matches!(state, StreamState::Different { .. });
    let right = !reports.iter().any(|report| different(&report.state));
    say(&streams::table(&reports))?;
    if !right {
        say("what is different was left as it is: see to it by hand")?;
    }
    Ok(status(right))
}

fn status(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn wait_for<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(work)
}

fn as_json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)?)
}

/// Prints to stdout; that the reader has gone is no failure of the command.
fn say(words: &str) -> anyhow::Result<ExitCode> {
    match writeln!(stdout(), "{}", words.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}
