//! One scenario from its first process to its verdict, inside namespaces that were made for it.
//! In: a scenario, a seed. Out: its row. Never: a verdict before the load has ended and everybody had time to catch up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use tests::tally::{Accepted, Application, Tally, everywhere};

use crate::arrivals::Arrivals;
use crate::load::{self, Load, Worker};
use crate::scenario::{Cast, HEALTH, PRICES, Scenario};
use crate::stage::Program::Agent;
use crate::stage::memory::Looking;
use crate::stage::office::Office;
use crate::stage::{Plan, Stage};
use crate::verdict::{self, Row};

/// So often a soak looks at everybody's memory: once a minute, if it lasts an hour.
const LOOKS: u32 = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long the offices work before the first fault, at least: something of everybody has arrived everywhere by then.
const WARM_UP: Duration = Duration::from_secs(60);
/// How long they work on after everything was mended.
const AFTERWARDS: Duration = Duration::from_millis(1_500);
/// Once everything is there, nothing may come for so long; whoever has an event to deliver again has had time for it.
const QUIET: Duration = Duration::from_secs(3);
/// And while things still come, no longer than this.
const QUIET_WITHIN: Duration = Duration::from_secs(60);

pub async fn play(scenario: &Scenario, seed: u64, plan: Plan, folder: &Path) -> Result<Row> {
    let began = Instant::now();
    let cast = (scenario.cast)();
    let seed = own_seed(scenario.name, seed);
    let mut stage = Stage::build(&cast, folder, seed, plan).await?;
    let parts = stage.all_parts();
    let looking = (!plan.lasts.is_zero()).then(|| Looking::begin(parts, plan.lasts / LOOKS));
    let load = begin_load(&stage, &cast, seed);
    let mut arrivals = stage.arrivals();
    warm_up(&stage, &mut arrivals).await?;
    (scenario.harm)(&mut stage).await?;
    let (mended, by_then) = stage.mended();
    let harm_ended = Instant::now();
    let mut caught_up = catch_up(&mut arrivals, &by_then, mended, harm_ended + AFTERWARDS).await?;
    tokio::time::sleep_until((harm_ended + AFTERWARDS).into()).await;
    load.end().await?;
    let deadline = Instant::now() + cast.patience;
    if caught_up.is_none() {
        caught_up = catch_up(&mut arrivals, &by_then, mended, deadline).await?;
    }
    let last = stage.ledger.read();
    let everything = catch_up(&mut arrivals, &last, mended, deadline).await?;
    if everything.is_some() {
        probe(&mut stage, &mut arrivals, deadline).await?;
    }
    let mut row = judge(&stage, &arrivals).await?;
    if let Some(looking) = looking {
        row.memory = looking.curves();
        let risen = row.memory.iter().filter(|curve| !curve.is_flat());
        let risen: Vec<String> = risen
            .map(|curve| format!("the memory of {} is not flat", curve.program))
            .collect();
        row.failures.extend(risen);
    }
    row.scenario = scenario.name.to_owned();
    row.catch_up_s = caught_up;
    row.seconds = began.elapsed().as_secs_f64();
    Ok(row)
}

/// The same schedule for the same seed, another one for each scenario.
fn own_seed(name: &str, seed: u64) -> u64 {
    name.bytes().fold(seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn begin_load(stage: &Stage, cast: &Cast, seed: u64) -> Load {
    let worker = |index: usize| Worker {
        office: Arc::clone(&stage.offices[index]),
        ledger: stage.ledger.clone(),
        random: fastrand::Rng::with_seed(seed.wrapping_add(index as u64)),
        pace: cast.pace,
    };
    Load::begin(stage.publishers().into_iter().map(worker).collect())
}

/// Something of every publisher is at every subscriber.
async fn warm_up(stage: &Stage, arrivals: &mut [Arrivals]) -> Result<()> {
    let began = Instant::now();
    let publishers = stage.publishers().len();
    loop {
        look(arrivals)?;
        if arrivals.iter().all(|at| at.logs.len() == publishers) {
            stage.act("everybody works");
            return Ok(());
        }
        ensure!(
            began.elapsed() < WARM_UP,
            "the load does not get through before anything is broken"
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Whatever somebody means to deliver once more comes before the verdict: the readers' agents are started again, one more event of each
/// office goes all the way, behind everything that was sent again, and then nothing comes for a while.
async fn probe(stage: &mut Stage, arrivals: &mut [Arrivals], deadline: Instant) -> Result<()> {
    for reader in stage.subscribers() {
        stage.stop(Agent(reader)).await?;
        stage.start(Agent(reader)).await;
    }
    for office in stage.publishers() {
        load::backlog(&stage.offices[office], &stage.ledger, 1).await?;
    }
    let all = stage.ledger.read();
    catch_up(
        arrivals,
        &all,
        Instant::now(),
        deadline.max(Instant::now() + QUIET_WITHIN),
    )
    .await?;
    let (began, mut newest) = (Instant::now(), Instant::now());
    while newest.elapsed() < QUIET && began.elapsed() < QUIET_WITHIN {
        tokio::time::sleep(LOOK_AGAIN).await;
        if look(arrivals)? > 0 {
            newest = Instant::now();
        }
    }
    stage.act("nothing more comes");
    Ok(())
}

/// How much has come since the last look.
fn look(arrivals: &mut [Arrivals]) -> Result<usize> {
    arrivals.iter_mut().map(Arrivals::look).sum()
}

/// Seconds since the mending until all of this was everywhere; None if it was not by the deadline.
async fn catch_up(
    arrivals: &mut [Arrivals],
    wanted: &Accepted,
    mended: Instant,
    deadline: Instant,
) -> Result<Option<f64>> {
    while Instant::now() < deadline {
        look(arrivals)?;
        if arrivals.iter().all(|at| has_all(at, wanted)) {
            return Ok(Some(mended.elapsed().as_secs_f64()));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(None)
}

fn has_all(at: &Arrivals, wanted: &Accepted) -> bool {
    wanted.iter().all(|(source, ids)| {
        let Some(log) = at.logs.get(source).filter(|log| log.len() >= ids.len()) else {
            return ids.is_empty();
        };
        let there: BTreeSet<&str> = log.iter().map(|event| event.id.as_str()).collect();
        ids.iter().all(|id| there.contains(id.as_str()))
    })
}

async fn judge(stage: &Stage, arrivals: &[Arrivals]) -> Result<Row> {
    let (accepted, asked) = (stage.ledger.read(), stage.ledger.every_asked());
    let mut statuses = Vec::new();
    for office in &stage.offices {
        statuses.push((office.as_ref(), office.status().await.unwrap_or_default()));
    }
    let applications = arrivals.iter().map(|arrivals| Application {
        name: &arrivals.name,
        logs: &arrivals.logs,
        named: named(&statuses, arrivals.office),
    });
    let applications: Vec<Application<'_>> = applications.collect();
    let tallies = applications.iter();
    let tallies: Vec<Tally> = tallies.map(|at| Tally::of(&accepted, &asked, at)).collect();
    let parts = stage.parts().await;
    let faults = stage.count_faults().await;
    let mut row = Row {
        sent: asked.values().map(BTreeMap::len).sum(),
        accepted: accepted.values().map(Vec::len).sum(),
        durable: durable(stage, &accepted).await?,
        received: everywhere(&accepted, &applications),
        applications: tallies,
        again: arrivals.iter().map(Arrivals::again).sum(),
        bytes: stage.bytes()?,
        restarts: parts.iter().map(|(_, _, ended)| ended).sum(),
        ..Row::default()
    };
    row.count_faults(&faults);
    row.failures = verdict::failures(&row, &faults);
    let panicked = parts.iter().filter(|(_, words, _)| panicked(words));
    row.failures
        .extend(panicked.map(|(name, _, _)| format!("{name} panicked")));
    if row.sum(|tally| tally.lost) > 0 {
        std::fs::write(
            stage.folder.join("statuses.json"),
            format!("{:#?}", statuses_of(&statuses)),
        )?;
    }
    Ok(row)
}

/// A panic is a fault of ours even where nothing came of it. A thread that gets no memory for its signals is ended by the standard library
/// in the words of one, and its process with it.
fn panicked(words: &str) -> bool {
    let mut panics = words.lines().filter(|line| line.contains("panicked at"));
    panics.any(|line| !line.contains("std/src/sys/pal/unix/stack_overflow.rs"))
}

fn statuses_of<'a>(statuses: &'a [(&Office, Value)]) -> Vec<(&'a str, &'a Value)> {
    statuses
        .iter()
        .map(|(office, status)| (office.name.as_str(), status))
        .collect()
}

/// Accepted events that the brokers hold.
async fn durable(stage: &Stage, accepted: &Accepted) -> Result<usize> {
    let broker = stage.broker().await?;
    let mut stored = BTreeSet::new();
    for feed in [HEALTH, PRICES] {
        stored.extend(broker.ids(feed).await?);
    }
    let accepted = accepted.values().flatten();
    Ok(accepted.filter(|id| stored.contains(*id)).count())
}

/// The logs of which the subscriber, or the office that writes them, says that something is missing or waits.
fn named(statuses: &[(&Office, Value)], subscriber: usize) -> BTreeSet<String> {
    let (_, at) = &statuses[subscriber];
    let publishers = statuses
        .iter()
        .filter(|(office, _)| !office.is_subscriber());
    let named = publishers.filter(|(office, status)| {
        let feed = office.publishes().feed;
        reader_misses(at, feed, &office.name) || writer_says(status, feed)
    });
    named.map(|(office, _)| office.source()).collect()
}

fn reader_misses(status: &Value, feed: &str, office: &str) -> bool {
    let feeds = status["inbox"].as_array().into_iter().flatten();
    let logs = feeds.filter(|known| known["feed"] == feed);
    let logs = logs.flat_map(|known| known["logs"].as_array().into_iter().flatten());
    let own = logs.filter(|log| log["office"] == office);
    let mut gaps = own.filter(|log| {
        log["missing"]
            .as_array()
            .is_some_and(|missing| !missing.is_empty())
    });
    gaps.next().is_some() || alarm_names(status, &[feed, office])
}

fn writer_says(status: &Value, feed: &str) -> bool {
    let feeds = status["outbox"]["feeds"].as_array().into_iter().flatten();
    let mut own = feeds.filter(|known| known["feed"] == feed);
    let waits = own.any(|known| known["waiting"].as_u64() > Some(0) || !known["held"].is_null());
    waits || alarm_names(status, &["lost"])
}

fn alarm_names(status: &Value, words: &[&str]) -> bool {
    let alarms = status["alarms"].as_array().into_iter().flatten();
    let texts = alarms.filter_map(|alarm| alarm["text"].as_str());
    let mut naming = texts.filter(|text| words.iter().all(|word| text.contains(word)));
    naming.next().is_some()
}
