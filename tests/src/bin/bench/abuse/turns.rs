//! One flood: an honest office on the same feed, before it, under it, and after it again, in turns.
//! In: a flood. Out: p50 and p99 under it over those without it, what the hostile office was told, memory, audit. Never: a baseline of another run.

use std::time::Duration;

use anyhow::Result;

use super::floods::Flood;
use super::gauge::{Gauge, Memory};
use super::hostile::Hostile;
use super::office::Office;
use super::scene::{HONEST, HOSTILE, Scene};
use super::storm::{Storm, Told};
use crate::Effort;
use crate::events::LABOUR;
use crate::figure::{Figure, Outcome, plain};
use crate::rounds::waits_at;

/// No flood may change an honest office's waits by more.
const TIMES_MOST: f64 = 2.0;
/// What the audit keeps: files of 64 MiB.
const AUDIT_MOST: f64 = 4.0;
const HOUR_SECONDS: f64 = 3_600.0;
const BYTES_A_GIB: f64 = 1_073_741_824.0;

/// The flood that fills the audit fastest.
#[derive(Default)]
pub struct Worst {
    bytes_a_second: f64,
    flood: &'static str,
}

impl Worst {
    pub fn show(&self, outcome: &mut Outcome) {
        if self.flood.is_empty() {
            return;
        }
        let hour = self.bytes_a_second * HOUR_SECONDS / BYTES_A_GIB;
        let figure = Figure::new("audit: an hour of the flood that writes most", hour, "GiB")
            .at_most(AUDIT_MOST)
            .made_of(format!(
                "{}: {} KB/s",
                self.flood,
                plain(self.bytes_a_second / 1e3)
            ));
        outcome.show(figure);
    }
}

pub async fn measure(
    flood: &Flood,
    effort: Effort,
    audit: &mut Worst,
    outcome: &mut Outcome,
) -> Result<()> {
    let scene = Scene::build().await?;
    let mut hostile = Hostile::prepare(&scene, effort.pick(6_000, 200)).await?;
    let mut honest = Office::connect(&scene, HONEST, LABOUR).await?;
    let gauge = Gauge::of(&scene);
    let (calm_time, flood_time) = effort.pick((secs(4), secs(6)), (secs(1), secs(2)));
    honest.publish_for(calm_time / 2).await?;
    let mut seen = Seen::begin(gauge.memory()?);
    let written = gauge.audit_bytes();
    seen.calm.extend(honest.publish_for(calm_time).await?);
    let own = gauge.audit_bytes().saturating_sub(written);
    seen.audit_of_event = own as f64 / seen.calm.len().max(1) as f64;
    let usual = waits_at(&seen.calm, 50);
    for _ in 0..effort.pick(2, 1) {
        let storm = Storm {
            gateway: scene.bus.gateway.address(),
            credentials: scene.bus.credentials(HOSTILE),
            scripts: flood.scripts(&mut hostile)?,
            time: flood_time,
        };
        let written = gauge.audit_bytes();
        let told = storm.rage()?;
        let (waits, worst) = tokio::join!(honest.publish_for(flood_time), gauge.worst(flood_time));
        seen.under.extend(waits?);
        seen.worst = seen.worst.and(worst?);
        seen.told.push(told.await?);
        seen.audit_bytes += gauge.audit_bytes().saturating_sub(written);
        seen.flooded += flood_time;
        honest.settle(usual).await?;
        seen.calm.extend(honest.publish_for(calm_time).await?);
    }
    seen.held = honest.held;
    seen.show(flood, outcome);
    let rate = seen.audit_rate();
    if rate > audit.bytes_a_second {
        *audit = Worst {
            bytes_a_second: rate,
            flood: flood.name,
        };
    }
    Ok(())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct Seen {
    calm: Vec<Duration>,
    under: Vec<Duration>,
    before: Memory,
    worst: Memory,
    told: Vec<Told>,
    audit_bytes: u64,
    /// What the honest office's own events write, each.
    audit_of_event: f64,
    flooded: Duration,
    held: u64,
}

impl Seen {
    fn begin(memory: Memory) -> Seen {
        Seen {
            calm: Vec::new(),
            under: Vec::new(),
            before: memory,
            worst: memory,
            told: Vec::new(),
            audit_bytes: 0,
            audit_of_event: 0.0,
            flooded: Duration::ZERO,
            held: 0,
        }
    }

    /// What the flood writes, in bytes a second.
    fn audit_rate(&self) -> f64 {
        let own = self.audit_of_event * self.under.len() as f64;
        (self.audit_bytes as f64 - own).max(0.0) / self.flooded.as_secs_f64()
    }

    fn show(&self, flood: &Flood, outcome: &mut Outcome) {
        for share in [50, 99] {
            let (calm, under) = (waits_at(&self.calm, share), waits_at(&self.under, share));
            let what = format!("{}: p{share} under / without", flood.name);
            let ratio = under.as_secs_f64() / calm.as_secs_f64();
            let words = format!(
                "{} / {} ms",
                plain(under.as_secs_f64() * 1e3),
                plain(calm.as_secs_f64() * 1e3)
            );
            let words = match share {
                50 => format!("{words}; {}", self.hostile_words()),
                _ => format!("{words}; {}", self.cost_words()),
            };
            let figure = Figure::new(what, ratio, "times").at_most(TIMES_MOST);
            outcome.show(figure.made_of(words));
        }
    }

    fn hostile_words(&self) -> String {
        let mut all = Told::default();
        for told in &self.told {
            all.add(told);
        }
        format!(
            "sent {} operations, {} MB; was told {}",
            plain(all.operations as f64),
            plain(all.sent_bytes as f64 / 1e6),
            all.words()
        )
    }

    fn cost_words(&self) -> String {
        let (before, worst) = (self.before, self.worst);
        format!(
            "{} events beside {} without; held {} times; gateway {} to {} MiB, nats-server {} to {}; audit {} KB/s",
            plain(self.under.len() as f64),
            plain(self.calm.len() as f64),
            self.held,
            plain(before.gateway.round()),
            plain(worst.gateway.round()),
            plain(before.nats.round()),
            plain(worst.nats.round()),
            plain(self.audit_rate() / 1e3)
        )
    }
}
