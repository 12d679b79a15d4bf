//! Requests to heal: what one office's requests make others hear, and send.
//! In: a log that everybody reads, with a hole; a log that is whole, and an agent that has read it. Out: bytes at hearers over bytes sent.
//! Never: a hearer that is counted and does not listen.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use tests::broker::Broker;
use tests::raw::RawClient;

use super::frames;
use super::hostile::Hostile;
use super::office::Office;
use super::scene::{BULLETINS, HOSTILE, READER, Scene, inbox};
use super::storm::{Order, Script, Storm};
use crate::Effort;
use crate::events::{self, BULLETIN};
use crate::figure::{Figure, Outcome, plain};

const TIMES_MOST: f64 = 10.0;
/// Every office of the country reads the bulletin.
const HEARERS: f64 = 132.0;
const FEED: &str = "price-bulletin";
const SESSIONS: usize = 8;
/// As many as a request may name.
const RANGES: u64 = 128;
/// Of each session: nobody sends bytes of which nothing comes.
const REQUESTS: u64 = 120;
/// The position that the bus has lost.
const HOLE: u64 = 2;

/// Events of the log that is whole.
const EVENTS: usize = 1_000;
/// Requests of one session, for all of that log: more would be turned away.
const WHOLE_LOGS: u64 = 60;
/// A reader waits so long at most before it sends, and before it goes on.
const AGENT: &str = "[heal]\nreader_wait_s = 1\n";

pub async fn measure(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    heard(effort, outcome).await?;
    sent_up(effort, outcome).await
}

/// At everybody who hears the requests.
async fn heard(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let scene = Scene::build().await?;
    let mut bulletins = Office::connect(&scene, BULLETINS, BULLETIN).await?;
    let events = bulletins.chain.sign(3)?;
    bulletins.store(&events).await?;
    Broker::connect(&scene.bus.authority)
        .await?
        .lose(FEED, HOLE)
        .await?;
    let subject = format!("spean.heal.{FEED}.{}", BULLETINS.replace('/', "."));
    let mut hearer = scene.bus.raw(READER).await;
    hearer.send(frames::subscribe(&subject, "1")).await;
    let flood = effort.pick(Duration::from_secs(10), Duration::from_secs(2));
    let storm = Storm {
        gateway: scene.bus.gateway.address(),
        credentials: scene.bus.credentials(HOSTILE),
        scripts: (0..SESSIONS as u64)
            .map(|number| script(&subject, number))
            .collect(),
        time: flood,
    };
    let told = storm.rage()?;
    let heard = hear(hearer, flood + Duration::from_secs(2)).await;
    let told = told.await?;
    let all = heard as f64 * HEARERS;
    let figure = Figure::new(
        format!("requests to heal: bytes at {HEARERS} hearers / bytes sent"),
        all / told.sent_bytes as f64,
        "times",
    )
    .at_most(TIMES_MOST)
    .made_of(format!(
        "{SESSIONS} sessions sent {} requests, {} MB, and were told {}; each hearer got {} KB",
        plain(told.operations as f64),
        plain(told.sent_bytes as f64 / 1e6),
        told.words(),
        plain(heard as f64 / 1e3)
    ));
    outcome.show(figure);
    Ok(())
}

/// At the line of an agent that holds what is asked for, and hears of it.
async fn sent_up(effort: Effort, outcome: &mut Outcome) -> Result<()> {
    let scene = Scene::build().await?;
    let events = effort.pick(EVENTS, EVENTS / 5);
    let hostile = Hostile::prepare(&scene, events).await?;
    let reader = scene.bus.office_with(READER, AGENT).await;
    reader.receives(events::FEED, events).await;
    let time = effort.pick(Duration::from_secs(30), Duration::from_secs(8));
    let all = || {
        let traffic = reader.line.traffic();
        (traffic.up + traffic.down) as f64
    };
    let began = all();
    tokio::time::sleep(time).await;
    let calm = all();
    let subject = format!("spean.heal.{}.{}", events::FEED, HOSTILE.replace('/', "."));
    let request = |number: u64| {
        let beyond = events as u64 + 2 + number;
        let body = format!("{{\"missing\":[[1,{events}],[{beyond},{beyond}]]}}");
        frames::request(&subject, &hostile.reply, &body)
    };
    let storm = Storm {
        gateway: scene.bus.gateway.address(),
        credentials: scene.bus.credentials(HOSTILE),
        scripts: vec![Script {
            first: frames::subscribe(&hostile.reply, "1").to_vec(),
            then: (0..WHOLE_LOGS).map(request).collect(),
            order: Order::Once,
        }],
        time,
    };
    let told = storm.rage()?.await?;
    let more = all() - calm - (calm - began);
    let figure = Figure::new(
        "requests to heal: bytes at a reading agent's line / bytes sent",
        more.max(0.0) / told.sent_bytes as f64,
        "times",
    )
    .at_most(TIMES_MOST)
    .made_of(format!(
        "{} requests for all of a log of {events}, {} KB, and what was told {}; {} KB more at the line than before in as long",
        plain(told.operations as f64),
        plain(told.sent_bytes as f64 / 1e3),
        told.words(),
        plain(more / 1e3)
    ));
    outcome.show(figure);
    Ok(())
}

/// Requests that name the hole and, each, other positions that there never were.
fn script(subject: &str, session: u64) -> Script {
    let request = |number: u64| -> Bytes {
        let first = 10 + (session * REQUESTS + number) * RANGES * 2;
        let invented = (1..RANGES).map(|range| first + range * 2);
        let ranges = std::iter::once(HOLE)
            .chain(invented)
            .map(|position| format!("[{position},{position}]"));
        let body = format!("{{\"missing\":[{}]}}", ranges.collect::<Vec<_>>().join(","));
        frames::request(subject, &format!("{}.heal", inbox(HOSTILE)), &body)
    };
    Script {
        first: frames::subscribe(&format!("{}.heal", inbox(HOSTILE)), "1").to_vec(),
        then: (0..REQUESTS).map(request).collect(),
        order: Order::Once,
    }
}

/// Bytes that a hearer got in so long.
async fn hear(hearer: RawClient, time: Duration) -> u64 {
    let (_mouth, mut ear) = hearer.apart();
    let before = ear.bytes;
    let hearing = async { while let Ok(Some(_)) = ear.next().await {} };
    let _ = tokio::time::timeout(time, hearing).await;
    ear.bytes - before
}
