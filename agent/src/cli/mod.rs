//! The command line: arguments come in, one command runs, words for people (or JSON for programs) and an exit status go out.
//! All but `run`, `init`, `verify`, `explain`, `open` and `people` speak to the running agent over its HTTP interface; none of them opens its stores.

mod advice;
mod client;
mod deliver;
mod desk;
pub mod explain;
mod export;
mod form;
mod init;
mod proof;
mod status;
mod submit;
mod tail;
mod terminal;
mod tray;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use schemas::signing::Fingerprint;
use schemas::subject::{FeedName, LogName, OfficeId};
use schemas::text::Language;

use self::client::Agent;
use crate::desk::door::people::Role;
use crate::settings::{Folder, Settings};

/// An office's end of the bus: it keeps what the office submits, sends it signed and in order, and receives what it may read.
#[derive(Debug, Parser)]
#[command(name = "spean-agent", version, max_term_width = 100)]
pub struct Cli {
    /// The agent's folder
    #[arg(
        long,
        global = true,
        env = "SPEAN_DIR",
        default_value = ".",
        value_name = "DIR"
    )]
    pub dir: PathBuf,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an agent's folder from the bundle that the authority gave the office
    #[command(after_help = "Example:\n  \
        spean-agent init bundles/moh-siem-reap --dir agent --authority 3f2a-91bc-07d1-...\n  \
        spean-agent run --dir agent\n\n\
        Whoever gives an office a bundle can give it another authority, too. So the authority tells the office its fingerprint by\n\
        another way, by telephone or on paper; `spean-gateway enrol` shows it.")]
    Init {
        /// The bundle's folder, as `spean-gateway enrol` makes it
        bundle: PathBuf,
        /// The authority's fingerprint, as it told the office by another way than the bundle; asked for on a terminal
        #[arg(long, env = "SPEAN_AUTHORITY", value_name = "FINGERPRINT")]
        authority: Option<Fingerprint>,
    },
    /// Run the agent
    #[command(
        after_help = "Example:\n  spean-agent run --dir agent\n\nSIGTERM or Ctrl-C stops it; nothing that was accepted is lost."
    )]
    Run,
    /// Open the desk in a browser, or print an address for it that is good once, for 10 minutes
    #[command(after_help = "Examples:\n  spean-agent open\n  spean-agent open --print")]
    Open {
        /// Print the address, and open nothing
        #[arg(long)]
        print: bool,
    },
    /// Name the people of the office: who signs in at the desk, and what each may do
    #[command(after_help = "Examples:\n  \
        spean-agent people add \"Sok Dara\" --role clerk\n  \
        spean-agent people list\n\n\
        The PIN is asked for, or read from standard input. Adding somebody again gives a new role and PIN. Where nobody is named,\n\
        whoever opened the desk may do everything there.")]
    People {
        #[command(subcommand)]
        action: PeopleAction,
    },
    /// Submit a file: a spreadsheet (CSV, XLSX, XLS, ODS), JSON data, a CloudEvent or a batch of them
    #[command(after_help = "Examples:\n  \
        spean-agent submit prices.csv --feed market-prices\n  \
        spean-agent submit quarter.csv --feed health-quarterly --data-set DENGUE_Q\n  \
        spean-agent submit bulletin.json --feed price-bulletin\n  \
        cat event.json | spean-agent submit -\n\n\
        Every bad row is named with its place and its reason, and nothing is submitted unless all is good; with --skip-bad the\n\
        good rows are submitted and the bad ones written to <FILE>.bad.csv, and the exit status is 3. The same file may be\n\
        submitted again: what was accepted is recognised. A sheet that says something else of what was submitted before is\n\
        handed in with --correction, or with --corrects and the event's id.")]
    Submit(SubmitArgs),
    /// Write the empty sheet of a feed's form, to be filled in and submitted
    #[command(after_help = "Example:\n  spean-agent form market-prices --xlsx")]
    Form(FormArgs),
    /// Tell how the agent is: link, feeds, what waits, is refused or held, disk
    #[command(after_help = "Examples:\n  \
        spean-agent status --lang km\n  \
        spean-agent status --json | jq .link.state\n  \
        spean-agent status --json | jq -r '.alarms[] | select(.severity == \"critical\").text'\n\n\
        Beside each hold and alarm stands what to do; `spean-agent explain CODE` tells more.")]
    Status {
        #[command(flatten)]
        lang: Lang,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Follow a feed: what has arrived, and what will; a line of JSON for each event, as its office signed it
    #[command(
        after_help = "Example:\n  spean-agent tail market-prices --after 1200 | jq -r .data.price"
    )]
    Tail {
        feed: FeedName,
        /// Begin behind this arrival number
        #[arg(long, default_value_t = 0, value_name = "N")]
        after: u64,
    },
    /// Write a log to standard output: a line for each event, with its signature
    #[command(after_help = "Examples:\n  \
        spean-agent export urn:spean:moh:siem-reap:health-quarterly > log.ndjson\n  \
        spean-agent export --feed market-prices --office maff/battambang > log.ndjson\n  \
        spean-agent export urn:spean:moh:siem-reap:health-quarterly --branches")]
    Export(ExportArgs),
    /// Write a file that proves when an event was durable, for anybody who has the authority's public key
    #[command(after_help = "Examples:\n  \
        spean-agent receipt 0190a0c4-0000-7000-8000-000000000001 > receipt.ndjson\n  \
        spean-agent receipt report-7 --feed health-quarterly --withhold > receipt.ndjson")]
    Receipt(ReceiptArgs),
    /// Check offline: an exported log (the chain, and every signature against the registry), or a receipt's file
    #[command(after_help = "Examples:\n  \
        spean-agent verify receipt.ndjson --authority authority.pub\n  \
        spean-agent verify log.ndjson\n  \
        spean-agent verify log.ndjson --registry registry.ndjson --authority authority.pub")]
    Verify {
        /// The log, as `export` writes it, or the file that `receipt` writes; - for standard input
        file: PathBuf,
        /// The registry's log, for an exported log [default: the one in the agent's folder]
        #[arg(long, value_name = "FILE")]
        registry: Option<PathBuf>,
        /// The authority's public key [default: the one in the agent's folder]
        #[arg(long, value_name = "FILE")]
        authority: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what was refused, put it back in line, or drop it
    #[command(after_help = "Examples:\n  \
        spean-agent tray\n  spean-agent tray release health-quarterly 17\n  spean-agent tray drop health-quarterly 17")]
    Tray {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        action: Option<TrayAction>,
    },
    /// Show how it goes with each application that is delivered to; skip an event that it does not take, or deliver again
    #[command(after_help = "Examples:\n  \
        spean-agent deliver\n  \
        spean-agent deliver skip 0190a0c4-0000-7000-8000-000000000001 --why \"the desk cannot read a price of 0\"\n  \
        spean-agent deliver again 0190a0c4-0000-7000-8000-000000000001 --to prices-desk --why \"the desk was restored\"\n  \
        spean-agent deliver again arrival:1 --to prices-desk --why \"a new database\"\n\n\
        Only the event before which its log stands can be skipped. What was said is kept, with who and why.")]
    Deliver {
        /// As JSON
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        action: Option<DeliverAction>,
    },
    /// Tell what a code means, what to do and whom to call; without a code, list them all
    #[command(after_help = "Examples:\n  \
        spean-agent explain own-events-lost\n  \
        spean-agent explain journal-cut --lang km\n  \
        spean-agent explain --json | jq -r '.[] | select(.severity == \"critical\").code'")]
    Explain {
        /// The code, as status and answers show it, or its number on the wire
        code: Option<String>,
        #[command(flatten)]
        lang: Lang,
        /// As JSON: the pages of the code, or of all
        #[arg(long)]
        json: bool,
    },
    /// Print the completions of a shell
    Completions { shell: clap_complete::Shell },
    /// Write the manual's pages into a folder
    Man { folder: PathBuf },
}

/// The language of what a person reads.
#[derive(Debug, Args)]
pub struct Lang {
    /// The language: en or km [default: as LC_ALL, LC_MESSAGES or LANG say, else both]
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Option<Language>,
}

impl Lang {
    fn chosen(&self) -> Option<Language> {
        Language::chosen(self.lang, |name| std::env::var(name).ok())
    }
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The file; - for standard input
    pub file: PathBuf,
    /// The feed; a CloudEvent may tell it by its type
    #[arg(long)]
    pub feed: Option<FeedName>,
    /// Submit the good rows of a spreadsheet and write the bad ones, each with its reason, to <FILE>.bad.csv
    #[arg(long)]
    pub skip_bad: bool,
    /// The DHIS2 data set of a spreadsheet that does not name it
    #[arg(long, value_name = "CODE")]
    pub data_set: Option<String>,
    /// What a spreadsheet says otherwise than it was submitted before is a correction of that; the rest is submitted as it is
    #[arg(long)]
    pub correction: bool,
    /// The spreadsheet, which makes one event, corrects the event of this id
    #[arg(long, value_name = "ID", conflicts_with = "correction")]
    pub corrects: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct FormArgs {
    pub feed: FeedName,
    /// A workbook, with lists of codes and headings that cannot be changed
    #[arg(long, conflicts_with = "csv")]
    pub xlsx: bool,
    /// CSV [default]
    #[arg(long)]
    pub csv: bool,
    /// Where it is written; nothing is written over [default: <FEED>.xlsx or <FEED>.csv]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ReceiptArgs {
    /// The event's id
    pub id: String,
    /// The event's feed, where two feeds have the id
    #[arg(long)]
    pub feed: Option<FeedName>,
    /// Put the data's digest in its place
    #[arg(long)]
    pub withhold: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The log's source, such as urn:spean:moh:siem-reap:health-quarterly
    #[arg(value_parser = |text: &str| LogName::from_source(text), required_unless_present = "feed")]
    pub log: Option<LogName>,
    /// The log's feed
    #[arg(long, requires = "office", conflicts_with = "log")]
    pub feed: Option<FeedName>,
    /// The log's office
    #[arg(long, requires = "feed")]
    pub office: Option<OfficeId>,
    /// What is kept beside the log: signed events that stood at its positions before, or claim to
    #[arg(long)]
    pub branches: bool,
}

#[derive(Debug, Subcommand)]
pub enum PeopleAction {
    /// Add a person, or give one a new role and PIN
    Add {
        name: String,
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Show who there is
    List,
    /// Remove a person, who is out with the next page
    Remove { name: String },
}

#[derive(Debug, Subcommand)]
pub enum TrayAction {
    /// Put a refused event back in line, as it is
    Release { feed: FeedName, number: u64 },
    /// Drop a refused event for good
    Drop { feed: FeedName, number: u64 },
}

#[derive(Debug, Subcommand)]
pub enum DeliverAction {
    /// Show each target: up to where it has everything, what waits, what it answers, what people have said of it
    List,
    /// Do not deliver the event before which its log stands
    Skip {
        /// Its id
        event: String,
        #[command(flatten)]
        said: Said,
    },
    /// Deliver again what was delivered
    Again {
        /// An event's id: it, and what stands behind it in its log; or arrival:N: all that arrived from this number on
        from: String,
        #[command(flatten)]
        said: Said,
    },
}

/// Of what is ordered: where, by whom and why.
#[derive(Debug, Args)]
pub struct Said {
    /// The target's name; where it is left out, the only one that can be meant
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    /// The reason; it is kept
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// Who orders it [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Runs a command to its end.
///
/// # Errors
/// Whatever kept it from its work, in words for the person who asked.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let folder = Folder::new(cli.dir);
    match cli.command {
        Command::Init { bundle, authority } => init::run(&bundle, folder, authority),
        Command::Run => serve(folder).await,
        Command::Open { print } => desk::open(folder, print),
        Command::People { action } => desk::people(folder, action),
        Command::Submit(args) => submit::run(args, folder).await,
        Command::Status { lang, json } => {
            status::run(&Agent::of(folder)?, lang.chosen(), json).await
        }
        Command::Form(args) => form::run(args, &folder),
        Command::Tail { feed, after } => tail::run(&Agent::of(folder)?, &feed, after).await,
        Command::Receipt(args) => proof::receipt(&Agent::of(folder)?, args).await,
        Command::Export(args) => export::run(&Agent::of(folder)?, args).await,
        Command::Verify {
            file,
            registry,
            authority,
            json,
        } => {
            let by = verify::By {
                folder: &folder,
                registry,
                authority,
            };
            verify::run(&file, &by, json)
        }
        Command::Explain { code, lang, json } => explain::run(code.as_deref(), lang.chosen(), json),
        Command::Deliver { json, action } => deliver::run(&Agent::of(folder)?, action, json).await,
        Command::Tray { json, action } => tray::run(&Agent::of(folder)?, action, json).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "spean-agent", &mut script);
            terminal::say(&String::from_utf8_lossy(&script))
        }
        Command::Man { folder } => {
            std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), &folder))
                .with_context(|| format!("cannot write to {}", folder.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The settings of a folder that `init` has made.
fn settings(folder: Folder) -> anyhow::Result<Settings> {
    let dir = folder.path().display().to_string();
    ensure!(
        folder.settings().exists(),
        "{dir} is no agent's folder: it has no agent.toml; name the folder with --dir, or make it with spean-agent init"
    );
    Ok(Settings::load(folder)?)
}

async fn serve(folder: Folder) -> anyhow::Result<ExitCode> {
    let settings = settings(folder)?;
    crate::run::run(settings, terminal::stop_signal()?).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
