//! Runs scenarios, each in a process and namespaces of its own, and keeps what they found.
//! In: which ones, a seed. Out: rows, as they end. Never: a scenario's process that outlives it, or a failure without its words.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStderr, Command};

use crate::scenario::Scenario;
use crate::stage::{Plan, UNSHARE};
use crate::verdict::Row;

/// No scenario takes longer, a soak no longer than this beside its own time; one that hangs is a failure, not a night lost.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Rows of this seed's earlier run, one JSON object a line.
pub struct Kept(PathBuf);

impl Kept {
    pub fn of_seed(folder: &Path, seed: u64, quick: bool) -> Result<Kept> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let kind = if quick { "quick" } else { "full" };
        Ok(Kept(folder.join(format!("seed-{seed}-{kind}.ndjson"))))
    }

    /// Of each scenario's last row, those that passed.
    pub fn passed(&self) -> Vec<Row> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let rows = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Row>(line).ok());
        let last: BTreeMap<String, Row> = rows.map(|row| (row.scenario.clone(), row)).collect();
        last.into_values().filter(Row::passed).collect()
    }

    pub fn add(&self, row: &Row) -> Result<()> {
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.0)?;
        Ok(writeln!(file, "{}", serde_json::to_string(row)?)?)
    }
}

/// A line that moves on a terminal, and nothing anywhere else.
pub fn progress(scenarios: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} [{pos}/{len}] {elapsed} {wide_msg}");
    let bar = ProgressBar::new(scenarios as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// One scenario in namespaces and a folder of its own; the folder of one that failed stays to be looked at.
pub async fn one(scenario: &Scenario, seed: u64, plan: Plan, bar: &ProgressBar) -> Row {
    let quick = plan.quick;
    let folder = tempfile::Builder::new()
        .prefix(&format!("spean-chaos-{}-", scenario.name))
        .tempdir();
    let mut folder = match folder {
        Ok(folder) => folder,
        Err(why) => return Row::broken(scenario.name, seed, quick, why.to_string()),
    };
    let attempt = attempt(scenario, seed, plan, folder.path(), bar).await;
    let row =
        attempt.unwrap_or_else(|why| Row::broken(scenario.name, seed, quick, format!("{why:#}")));
    if !row.passed() {
        folder.disable_cleanup(true);
        bar.suspend(|| {
            eprintln!(
                "what {} left is in {}",
                scenario.name,
                folder.path().display()
            )
        });
    }
    row
}

async fn attempt(
    scenario: &Scenario,
    seed: u64,
    plan: Plan,
    folder: &Path,
    bar: &ProgressBar,
) -> Result<Row> {
    let mut command = Command::new("unshare");
    command
        .args(UNSHARE)
        .arg(std::env::current_exe()?)
        .args(["--inside", scenario.name, "--seed", &seed.to_string()])
        .arg("--folder")
        .arg(folder)
        .env("RUST_BACKTRACE", "0");
    let lasts = plan.lasts.as_secs().to_string();
    command.args(["--lasts-s", &lasts]);
    if plan.quick {
        command.arg("--quick");
    }
    if plan.folders {
        command.arg("--folders");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let told = child.stderr.take().context("stderr was asked for")?;
    let words = listen(told, scenario.name, bar);
    let both = async { tokio::join!(words, child.wait_with_output()) };
    let (words, output) = tokio::time::timeout(LONGEST + plan.lasts, both)
        .await
        .with_context(|| format!("not at its end within {LONGEST:?}"))?;
    std::fs::write(folder.join("acts.log"), words.join("\n"))?;
    let output = output?;
    ensure!(output.status.success(), "broke off: {}", reason(&words));
    serde_json::from_slice(&output.stdout).context("a scenario ends in a row")
}

/// Every line that the scenario says; its acts move the bar.
async fn listen(told: ChildStderr, name: &str, bar: &ProgressBar) -> Vec<String> {
    let mut lines = BufReader::new(told).lines();
    let mut words: Vec<String> = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(act) = line.strip_prefix("act ") {
            bar.set_message(format!("{name}: {}", act.trim()));
        }
        words.push(line);
    }
    words
}

/// Why it broke off: what stands behind a panic's place, or the last word.
fn reason(words: &[String]) -> &str {
    let panic = words.iter().position(|line| line.contains("panicked at"));
    let reason = match panic {
        Some(place) => words.get(place + 1),
        None => words.last(),
    };
    reason.map_or("without a word", String::as_str)
}
