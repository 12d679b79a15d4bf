//! Lines that crawl: the classes of the readiness sheet, a modem, a satellite, a long outage behind them.

use std::time::Duration;

use anyhow::Result;

use crate::scenario::{Cast, HEALTH, PRICES, Role, Scenario, Seat};
use crate::stage::{Stage, Way};

/// The readiness sheet's five classes of speed, in bits a second: "64 kbit/s or less" to "1 Mbit/s or more".
const SPEEDS: [u32; 5] = [64_000, 128_000, 256_000, 512_000, 1_000_000];

/// The readiness sheet's five classes of failure: how long a line holds, and how long it then stays away, in seconds.
const FAILURES: [(&str, Option<(u64, u64)>); 5] = [
    ("almost always difficult to access", Some((4, 12))),
    ("very often", Some((8, 6))),
    ("occasionally", Some((20, 5))),
    ("rare", Some((45, 4))),
    ("never", None),
];

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::full("backlog-64k", "2,000 events wait behind a pulled cable, and then go over a line of 64 kbit/s", |stage| Box::pin(backlog_64k(stage))).cast(|| Cast::usual().slowly(6_000).patience(600)),
        Scenario::full("modem-9600", "a publisher with 60 events waiting, and a subscriber, have a line of 9.6 kbit/s for two minutes", |stage| Box::pin(modem_9600(stage))).cast(|| Cast::usual().slowly(12_000).patience(300)),
        Scenario::full("satellite", "a publisher and a subscriber are 300 ms away each way, with a twentieth of the packets sent again and lines that are cut", |stage| Box::pin(satellite(stage))).cast(far_apart),
        Scenario::full("readiness-speeds", "five publishers have the readiness sheet's five classes of speed, 64 kbit/s to 1 Mbit/s, from an outage on", |stage| Box::pin(readiness_speeds(stage))).cast(|| five_publishers().slowly(2_000)),
        Scenario::full("readiness-failures", "five publishers have the readiness sheet's five classes of failure, from almost always away to never, for two minutes", |stage| Box::pin(readiness_failures(stage))).cast(five_publishers),
    ]
}

async fn backlog_64k(stage: &mut Stage) -> Result<()> {
    stage.pull(0)?;
    stage.backlog(0, stage.pick(2_000, 60)).await?;
    stage.slow(0, 64_000)?;
    stage.plug(0)?;
    stage.mended_now();
    stage.has_sent(0, 900).await;
    stage.full_speed(0)
}

async fn modem_9600(stage: &mut Stage) -> Result<()> {
    for office in [0, 3] {
        stage.slow(office, 9_600)?;
    }
    stage.backlog(0, stage.pick(60, 5)).await?;
    stage.mended_now();
    stage.seconds(stage.pick(120, 20)).await;
    stage.has_sent(0, 300).await;
    for office in [0, 3] {
        stage.full_speed(office)?;
    }
    Ok(())
}

async fn satellite(stage: &mut Stage) -> Result<()> {
    for _ in 0..stage.pick(3, 1) {
        stage.seconds(stage.pick(15, 4)).await;
        stage.cut(0, Way::Both)?;
        stage.cut(3, Way::Both)?;
        stage.pause(3_000..10_000).await;
        stage.mend(0)?;
        stage.mend(3)?;
    }
    stage.count_satellite_losses();
    Ok(())
}

async fn readiness_speeds(stage: &mut Stage) -> Result<()> {
    for (office, bits) in SPEEDS.into_iter().enumerate() {
        stage.slow(office, bits)?;
        stage.cut(office, Way::Both)?;
    }
    stage.seconds(stage.pick(30, 6)).await;
    for office in 0..SPEEDS.len() {
        stage.backlog(office, stage.pick(100, 10)).await?;
        stage.mend(office)?;
    }
    stage.mended_now();
    for office in 0..SPEEDS.len() {
        stage.has_sent(office, 300).await;
        stage.full_speed(office)?;
    }
    Ok(())
}

async fn readiness_failures(stage: &mut Stage) -> Result<()> {
    let mut down = [false; FAILURES.len()];
    for second in 0..stage.pick(120, 20) {
        for (office, (class, failure)) in FAILURES.into_iter().enumerate() {
            let Some((up, away)) = failure else { continue };
            let is_down = second % (up + away) >= up;
            match (down[office], is_down) {
                (false, true) => {
                    stage.act(class);
                    stage.cut(office, Way::Both)?;
                }
                (true, false) => stage.mend(office)?,
                (true, true) | (false, false) => {}
            }
            down[office] = is_down;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let still = down.iter().enumerate().filter(|(_, down)| **down);
    still
        .map(|(office, _)| office)
        .try_for_each(|office| stage.mend(office))
}

/// The usual cast, with the first publisher and the first subscriber behind a satellite.
fn far_apart() -> Cast {
    let usual = Cast::usual().slowly(1_000);
    let seats = usual.offices.into_iter().enumerate();
    let offices = seats.map(|(index, seat)| {
        if [0, 3].contains(&index) {
            seat.far()
        } else {
            seat
        }
    });
    Cast {
        offices: offices.collect(),
        ..usual
    }
}

/// One publisher for each class, and two subscribers.
fn five_publishers() -> Cast {
    Cast::of(vec![
        Seat::of("moh/siem-reap", Role::publishes(HEALTH, "KH17")),
        Seat::of("moh/battambang", Role::publishes(HEALTH, "KH02")),
        Seat::of("maff/battambang", Role::publishes(PRICES, "KH02")),
        Seat::of("moh/kampot", Role::publishes(HEALTH, "KH07")),
        Seat::of("moh/takeo", Role::publishes(HEALTH, "KH21")),
        Seat::of("moh/hq", Role::Reads),
        Seat::of("mef/hq", Role::Reads),
    ])
}
