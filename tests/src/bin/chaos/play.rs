//! One scenario from its first process to its verdict, inside namespaces that were made for it.
//! In: a scenario, a seed. Out: its row. Never: a verdict before the load has ended and everybody had time to catch up.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::arrivals::Arrivals;
use crate::ledger::Accepted;
use crate::load::{Load, Worker};
use crate::scenario::{Cast, HEALTH, PRICES, Scenario};
use crate::stage::Stage;
use crate::stage::office::Office;
use crate::verdict::{self, Row, Subscriber, Tally};

const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long the offices work before the first fault, at least: something of everybody has arrived everywhere by then.
const WARM_UP: Duration = Duration::from_secs(60);
/// How long they work on after everything was mended.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

pub async fn play(scenario: &Scenario, seed: u64, quick: bool, folder: &Path) -> Result<Row> {
    let began = Instant::now();
    let cast = (scenario.cast)();
    let seed = own_seed(scenario.name, seed);
    let mut stage = Stage::build(&cast, folder, seed, quick).await?;
    let load = begin_load(&stage, &cast, seed);
    let mut arrivals: Vec<Arrivals> = stage
        .subscribers()
        .into_iter()
        .map(|index| Arrivals::of(&stage.offices[index].delivered()))
        .collect();
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
    catch_up(&mut arrivals, &last, mended, deadline).await?;
    let mut row = judge(&stage, &last, &arrivals).await?;
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
        arrivals.iter_mut().try_for_each(Arrivals::look)?;
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

/// Seconds since the mending until all of this was everywhere; None if it was not by the deadline.
async fn catch_up(
    arrivals: &mut [Arrivals],
    wanted: &Accepted,
    mended: Instant,
    deadline: Instant,
) -> Result<Option<f64>> {
    while Instant::now() < deadline {
        arrivals.iter_mut().try_for_each(Arrivals::look)?;
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

async fn judge(stage: &Stage, accepted: &Accepted, arrivals: &[Arrivals]) -> Result<Row> {
    let asked = stage.ledger.every_asked();
    let mut statuses = Vec::new();
    for office in &stage.offices {
        statuses.push((office.as_ref(), office.status().await.unwrap_or_default()));
    }
    let subscribers = stage.subscribers().into_iter().zip(arrivals);
    let subscribers: Vec<Subscriber<'_>> = subscribers
        .map(|(index, arrivals)| Subscriber {
            logs: &arrivals.logs,
            named: named(&statuses, index),
        })
        .collect();
    let tally = Tally::of(accepted, &asked, &subscribers);
    let parts = stage.parts().await;
    let mut row = Row {
        sent: asked.values().map(BTreeSet::len).sum(),
        accepted: accepted.values().map(Vec::len).sum(),
        durable: durable(stage, accepted).await?,
        received: tally.received,
        lost: tally.lost,
        doubled: tally.doubled,
        reordered: tally.reordered,
        undetected: tally.undetected,
        bytes: stage.bytes()?,
        faults_tried: stage.faults.tried,
        faults_fired: stage.faults.fired,
        restarts: parts.iter().map(|(_, _, ended)| ended).sum(),
        ..Row::default()
    };
    row.failures = verdict::failures(&row, tally.foreign);
    // A panic is a fault of ours even where nothing came of it.
    let panicked = parts
        .iter()
        .filter(|(_, words, _)| words.contains("panicked at"));
    row.failures
        .extend(panicked.map(|(name, _, _)| format!("{name} panicked")));
    if tally.lost > 0 {
        std::fs::write(
            stage.folder.join("statuses.json"),
            format!("{:#?}", statuses_of(&statuses)),
        )?;
    }
    Ok(row)
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
