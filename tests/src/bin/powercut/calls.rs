//! Every storage call fails once: an office's stores do a short piece of work on a volume that fails one call of it, run after run, until
//! each has failed in each way. In: nothing. Out: a table and a verdict. Never: a run that counts although its fault did not fire.

mod trial;

use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use tests::disk::{Image, Keep, Way};
use tests::volume::{Call, Effect, Fault};

use crate::ground::Ground;
use crate::replay::scratch;
use crate::work;
use trial::{Beginning, End, Lane, Outcome};

/// Rounds of work in each run.
const ROUNDS: u64 = 10;
/// Runs of the quick part, roughly.
pub const QUICK_RUNS: u64 = 120;
/// Runs without a fault that say how often each call is made: threads take turns, so it is not always as often.
const FAULTLESS: usize = 3;
/// Where the second half of all runs begins: what a kill at this call has left.
const IN_THE_MIDDLE: Fault = Fault {
    call: Some(Call::Fdatasync),
    number: 40,
    effect: Effect::Sigkill,
};
/// Runs whose syncs do nothing: are their losses seen?
const LIES: u64 = 8;

/// All of them, or only one.
pub async fn run(most: Option<u64>, only: Option<Fault>, keep: &Path) -> Result<bool> {
    let keep = keep.to_owned();
    tokio::task::spawn_blocking(move || try_all(most, only, &keep)).await?
}

fn try_all(most: Option<u64>, only: Option<Fault>, keep: &Path) -> Result<bool> {
    let began = Instant::now();
    let scratch = scratch()?;
    let ground = scratch.path().join("ground");
    Ground::lay(&ground, work::load(ROUNDS).1)?;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let lanes: Vec<Lane> = (0..workers)
        .map(|lane| Lane {
            folder: scratch.path().join(lane.to_string()),
            ground: ground.clone(),
            rounds: ROUNDS,
        })
        .collect();
    let begun = [Beginning::default(), lanes[0].killed(IN_THE_MIDDLE)?];
    let often = [
        how_often(&lanes[0], &begun[0])?,
        how_often(&lanes[0], &begun[1])?,
    ];
    let runs = runs(&often, most, only);
    let bar = progress(runs.len());
    let tally = Mutex::new(Tally::default());
    let todo = Mutex::new(runs.into_iter());
    std::thread::scope(|scope| {
        for lane in &lanes {
            let (todo, tally, bar, begun) = (&todo, &tally, &bar, &begun);
            scope.spawn(move || {
                let next = || locked(todo).next();
                while let Some((which, fault)) = next() {
                    let came = lane.run(&begun[which], Some(fault));
                    if came.is_err() {
                        keep_failed(lane, keep, fault);
                    }
                    locked(tally).add(fault, came);
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.print(&often, began.elapsed());
    Ok(sees_losses(&lanes[0])? && tally.passes())
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most of each call in runs without a fault.
type Often = [u64; Call::ALL.len()];

fn how_often(lane: &Lane, begun: &Beginning) -> Result<Often> {
    let mut often: Often = Often::default();
    for _ in 0..FAULTLESS {
        let came = lane.run(begun, None).context("a run without a fault")?;
        for (most, count) in often.iter_mut().zip(came.counts) {
            *most = count.max(*most);
        }
    }
    Ok(often)
}

/// Each fault, from each beginning; where there are to be fewer, each kind spread over the work, and at least the first of it. One
/// alone is repeated.
fn runs(often: &[Often; 2], most: Option<u64>, only: Option<Fault>) -> Vec<(usize, Fault)> {
    let beginnings = 0..often.len();
    if let Some(fault) = only {
        let times = 0..most.unwrap_or(1);
        return times
            .flat_map(|_| beginnings.clone().map(|which| (which, fault)))
            .collect();
    }
    let mut kinds = Vec::new();
    for which in beginnings {
        for (call, effect) in Call::ALL
            .into_iter()
            .flat_map(|call| Effect::ALL.map(|effect| (call, effect)))
        {
            // To open a file that is there changes nothing.
            if (call, effect) != (Call::Open, Effect::Nothing) {
                kinds.push((which, call, effect));
            }
        }
    }
    let count = |&(which, call, _): &(usize, Call, Effect)| often[which][call as usize];
    let all: u64 = kinds.iter().map(count).sum();
    let every = most.map_or(1, |most| all.div_ceil(most).max(1));
    let mut runs = Vec::new();
    for kind in &kinds {
        let &(which, call, effect) = kind;
        let mut number = 1;
        while number <= count(kind) {
            let call = Some(call);
            runs.push((
                which,
                Fault {
                    call,
                    number,
                    effect,
                },
            ));
            number += every;
        }
    }
    runs
}

pub fn progress(runs: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    ProgressBar::new(runs as u64).with_style(style.expect("the template is well formed"))
}

fn keep_failed(lane: &Lane, keep: &Path, fault: Fault) {
    let to = keep.join(fault.to_string().replace(' ', "-"));
    let disk = Image::read(&lane.folder, Path::new("disk")).and_then(|disk| disk.write(&to));
    let copied = std::fs::create_dir_all(&to).and_then(|()| {
        ["ledger", "bus", "log"]
            .iter()
            .try_for_each(|name| std::fs::copy(lane.folder.join(name), to.join(name)).map(|_| ()))
    });
    if copied.is_err() || disk.is_err() {
        eprintln!("powercut: cannot keep {}", to.display());
    }
}

/// Runs of one call and one effect.
#[derive(Default)]
struct Cell {
    fired: usize,
    /// Runs in which the work had to be begun anew.
    again: usize,
    set_aside: usize,
    named: usize,
    unjudged: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell {
            fired,
            again,
            set_aside,
            named,
            unjudged,
        } = self;
        write!(f, "{fired}; {again} begun anew")?;
        for (count, what) in [
            (set_aside, "index anew"),
            (named, "loss named"),
            (unjudged, "not judged"),
        ] {
            if *count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Tally {
    cells: BTreeMap<(Call, Effect), Cell>,
    /// Failed calls of which nobody took notice: how many of which file.
    unnoticed: BTreeMap<String, usize>,
    /// Ended before their call was made: threads take turns, and not every run makes as many.
    unreached: usize,
    slowest: Duration,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, fault: Fault, came: Result<Outcome>) {
        let Fault {
            call: Some(call),
            number,
            effect,
        } = fault
        else {
            return;
        };
        match came {
            Ok(Outcome {
                fired: None,
                counts,
                ..
            }) if counts[call as usize] < number => self.unreached += 1,
            Ok(Outcome { fired: None, .. }) => {
                self.failures.push(format!("{fault}: it did not fire"));
            }
            Ok(outcome) => {
                let cell = self.cells.entry((call, effect)).or_default();
                cell.fired += 1;
                cell.again += usize::from(outcome.again > 0);
                cell.named += usize::from(outcome.named);
                cell.unjudged += usize::from(outcome.unjudged);
                if let Some(what) = outcome.fired.filter(|_| outcome.again == 0) {
                    *self.unnoticed.entry(what).or_default() += 1;
                }
                cell.set_aside += usize::from(outcome.set_aside);
                self.slowest = self.slowest.max(outcome.slowest);
            }
            Err(why) => self.failures.push(format!("{fault}: {why:#}")),
        }
    }

    fn fired(&self) -> usize {
        self.cells.values().map(|cell| cell.fired).sum()
    }

    fn print(&self, often: &[Often; 2], took: Duration) {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        let effects = Effect::ALL.map(|effect| effect.to_string());
        let head = ["call".to_owned(), "in a run, behind a kill".to_owned()];
        table.set_header(head.into_iter().chain(effects));
        for call in Call::ALL {
            let cells = Effect::ALL.map(|effect| match self.cells.get(&(call, effect)) {
                None => "-".into(),
                Some(cell) => cell.to_string(),
            });
            let often = often.map(|often| often[call as usize].to_string());
            let head = [call.to_string(), often.join(", ")];
            table.add_row(head.into_iter().chain(cells));
        }
        println!("{table}");
        for (what, times) in &self.unnoticed {
            println!("  {what}: {times} times without a new beginning");
        }
        for failure in &self.failures {
            println!("  {failure}");
        }
        let fired = self.fired();
        println!(
            "{fired} faults fired, one in each run; {} runs ended before theirs; {} violated; slowest opening {} ms; \
             with 0 of N, the true rate is below 3/N = {:.5}; {} s",
            self.unreached,
            self.failures.len(),
            self.slowest.as_millis(),
            3.0 / fired.max(1) as f64,
            took.as_secs()
        );
    }

    /// Every call that is made has failed in every way, nothing came of it, and nearly every run came to its call.
    fn passes(&self) -> bool {
        let fired = |effect| self.cells.keys().any(|(_, other)| *other == effect);
        let reached = self.unreached * 8 <= self.fired();
        self.failures.is_empty() && reached && Effect::ALL.into_iter().all(fired)
    }
}

/// Whether this would see a loss at all: syncs do nothing, the process is killed in the middle, and then the power goes.
fn sees_losses(lane: &Lane) -> Result<bool> {
    let mut lost = 0;
    for number in 1..=LIES {
        lane.begin(&Beginning::default())?;
        let volume = lane.mount(&Default::default())?;
        volume.lie(".log");
        let (call, effect) = (Some(Call::Fdatasync), Effect::Sigkill);
        let number = number * 2;
        let end = lane.live(
            &volume,
            Some(Fault {
                call,
                number,
                effect,
            }),
        )?;
        ensure!(end == End::Killed, "the fault of the control did not fire");
        let (image, _) = volume.cut(&mut Keep::new(Way::Dropped, number));
        volume.unmount()?;
        lost += usize::from(lane.promises_broken(&image)?);
    }
    println!(
        "syncs of the log doing nothing, then a power cut: {lost} of {LIES} lose, as they must"
    );
    Ok(lost > 0)
}
