//! `make chaos`: real programs in network namespaces, broken in every way that is known to lose messages, with a verdict.
//! In: a seed, perhaps the names of scenarios. Out: one line each, and whether all passed. Never: a partial run that calls itself whole.

mod scenario;
mod arrivals;
mod stage;
mod load;
mod verdict;
mod play;
mod scenarios;
mod run;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use futures_util::{StreamExt as _, stream};
use tests::netns;

use crate::run::Kept;
use crate::scenario::Scenario;
use crate::stage::Plan;
use crate::verdict::Row;

/// Breaks the bus in every way that is known to lose messages, under load, and says whether anything was lost, doubled, reordered,
/// or gone without a word.
#[derive(Parser)]
struct Arguments {
    /// What chance is drawn from: the same seed gives the same schedule of faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Scenarios or the beginnings of their names, with commas between.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Scenarios that are left out on purpose, as what they need is not to be had here.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// The quick set, with shorter faults: about five minutes.
    #[arg(long)]
    quick: bool,
    /// Plays a day in fast motion within so many seconds, and nothing else.
    #[arg(long, default_value_t = 0)]
    lasts_s: u64,
    /// In which offices' folders are lost, too.
    #[arg(long)]
    folders: bool,
    /// Goes on where an earlier run with this seed ended: what passed is not run again.
    #[arg(long)]
    resume: bool,
    /// So many scenarios at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// What each scenario breaks, and nothing else.
    #[arg(long)]
    list: bool,
    /// The rows as JSON.
    #[arg(long)]
    json: bool,
    /// Writes the rows as a table into this file, behind its line `<!-- measured -->`.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Plays this scenario here, in namespaces that were made for it.
    #[arg(long, hide = true)]
    inside: Option<String>,
    /// Where it may put what it makes.
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

impl Arguments {
    fn plan(&self) -> Plan {
        Plan {
            quick: self.quick,
            lasts: Duration::from_secs(self.lasts_s),
            folders: self.folders,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    match run(Arguments::parse()).await {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::NotWhole) => ExitCode::from(NOT_WHOLE),
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The exit code of a run in which everything passed that could be played, and not everything could.
const NOT_WHOLE: u8 = 2;

enum Outcome {
    Passed,
    Failed,
    NotWhole,
}

async fn run(arguments: Arguments) -> Result<Outcome> {
    if let Some(name) = &arguments.inside {
        let mut all = scenarios::all();
        all.push(scenarios::soak());
        let scenario = all.iter().find(|known| known.name == name);
        return inside(scenario.context("there is no such scenario")?, &arguments).await;
    }
    if arguments.list {
        for scenario in scenarios::all().into_iter().chain([scenarios::soak()]) {
            let set = if scenario.quick { "quick" } else { "full" };
            println!("{:<30}{set:<7}{}", scenario.name, scenario.tells);
        }
        return Ok(Outcome::Passed);
    }
    outside(&arguments).await
}

/// The namespaces are this process's own: everything that it starts ends with it.
async fn inside(scenario: &Scenario, arguments: &Arguments) -> Result<Outcome> {
    let folder = arguments
        .folder
        .as_ref()
        .context("a scenario needs a folder")?;
    let mut row = play::play(scenario, arguments.seed, arguments.plan(), folder).await?;
    row.seed = arguments.seed;
    row.quick = arguments.quick;
    println!("{}", serde_json::to_string(&row)?);
    Ok(Outcome::Passed)
}

async fn outside(arguments: &Arguments) -> Result<Outcome> {
    let (wanted, mut left_out) = wanted(arguments)?;
    let permitted = netns::permitted(&stage::UNSHARE, stage::TRIAL);
    let mut rows: Vec<Row> = Vec::new();
    match permitted {
        Ok(()) => rows = play_all(wanted, arguments).await?,
        Err(why) => {
            let why = format!("network namespaces are not permitted here: {why}");
            left_out.extend(wanted.iter().map(|one| (one.name.to_owned(), why.clone())));
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!(
            "\n{}{}",
            report::soaks(&rows),
            report::verdict(
                &rows,
                &left_out,
                arguments.only.is_empty() && arguments.without.is_empty() && !arguments.quick
            )
        );
    }
    if let Some(file) = &arguments.markdown {
        write_markdown(file, &rows)?;
    }
    // Where nothing could be played, nothing was shown.
    Ok(match !rows.is_empty() && rows.iter().all(Row::passed) {
        false => Outcome::Failed,
        true if !left_out.is_empty() => Outcome::NotWhole,
        true => Outcome::Passed,
    })
}

/// The names of scenarios that cannot be run here, each with the reason.
type LeftOut = Vec<(String, String)>;

/// What is to be run, and what of it cannot be here.
fn wanted(arguments: &Arguments) -> Result<(Vec<Scenario>, LeftOut)> {
    let begins = |names: &[String], scenario: &Scenario| {
        let mut names = names.iter();
        names.any(|name| scenario.name.starts_with(name.as_str()))
    };
    let is_named = |scenario: &Scenario| begins(&arguments.only, scenario);
    let all = scenarios::all().into_iter();
    let all = all.filter(|scenario| !begins(&arguments.without, scenario));
    let wanted: Vec<Scenario> = match arguments.only.is_empty() {
        true if arguments.lasts_s > 0 => vec![scenarios::soak()],
        true => all
            .filter(|scenario| scenario.quick || !arguments.quick)
            .collect(),
        false => all.filter(is_named).collect(),
    };
    if wanted.is_empty() {
        bail!("there is no such scenario; --list names them");
    }
    let (possible, not): (Vec<Scenario>, Vec<Scenario>) = wanted
        .into_iter()
        .partition(|scenario| scenario.needs.is_there());
    let not = not.iter().map(|scenario| {
        let how = scenario.needs.how_to_get();
        let why = format!(
            "{how}, or ask for a run without it: WITHOUT={}",
            scenario.name
        );
        (scenario.name.to_owned(), why)
    });
    Ok((possible, not.collect()))
}

async fn play_all(wanted: Vec<Scenario>, arguments: &Arguments) -> Result<Vec<Row>> {
    let kept = Kept::of_seed(&state_folder()?, arguments.seed, arguments.quick)?;
    let before = match arguments.resume {
        true => kept.passed(),
        false => Vec::new(),
    };
    let bar = run::progress(wanted.len());
    if !arguments.json {
        bar.suspend(|| println!("{}", report::headings()));
    }
    let playing = wanted.iter().map(|scenario| {
        let (before, bar) = (&before, &bar);
        async move {
            match before.iter().rfind(|row| row.scenario == scenario.name) {
                Some(row) => (row.clone(), true),
                None => (
                    run::one(scenario, arguments.seed, arguments.plan(), bar).await,
                    false,
                ),
            }
        }
    });
    let mut playing = stream::iter(playing).buffered(arguments.jobs.max(1));
    let mut rows = Vec::new();
    while let Some((row, was_kept)) = playing.next().await {
        if !arguments.json {
            bar.suspend(|| println!("{}", report::row(&row)));
        }
        if !was_kept {
            kept.add(&row)?;
        }
        bar.inc(1);
        rows.push(row);
    }
    bar.finish_and_clear();
    Ok(rows)
}

/// Beside the programs: what was built and what was found go together.
fn state_folder() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().context("a program lies in a folder")?;
    Ok(folder.join("chaos-runs"))
}

fn write_markdown(file: &std::path::Path, rows: &[Row]) -> Result<()> {
    const MARK: &str = "<!-- measured -->";
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (before, _) = text
        .split_once(MARK)
        .with_context(|| format!("{} has no line {MARK}", file.display()))?;
    std::fs::write(
        file,
        format!("{before}{MARK}\n\n{}", report::markdown(rows)),
    )?;
    Ok(())
}
