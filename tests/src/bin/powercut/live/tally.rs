//! Live cuts one after the other come in, each with what it left; a table and the failures go out.
//! Never: an index set aside that passes for a store that is whole.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use comfy_table::{Table, presets};
use tests::disk::Way;

use crate::outbox;
use crate::tally::Seen;

#[derive(Default)]
pub struct Tally {
    /// For each way: cuts, and those that cost at least one unsynced change.
    ways: BTreeMap<Way, (u64, u64)>,
    pub promises: u64,
    slowest: Duration,
    pub failures: Vec<String>,
}

impl Tally {
    pub fn cuts(&self) -> u64 {
        self.ways.values().map(|(cuts, _)| cuts).sum()
    }

    pub fn add(&mut self, way: Way, dropped: usize, seen: Result<[Seen; 2]>) {
        let (cuts, lossy) = self.ways.entry(way).or_default();
        *cuts += 1;
        *lossy += u64::from(dropped > 0);
        let cut = self.cuts();
        match seen {
            Ok(both) => {
                for seen in both {
                    self.slowest = self.slowest.max(seen.opened);
                    if seen.opened > outbox::OPEN_TIME {
                        let failure = format!("cut {cut}: it took {:?} to open", seen.opened);
                        self.failures.push(failure);
                    }
                    if let Some(reason) = seen.set_aside {
                        self.failures
                            .push(format!("cut {cut}: an index was set aside: {reason}"));
                    }
                }
            }
            Err(why) => self.failures.push(format!("cut {cut}, {way:?}: {why:#}")),
        }
    }

    pub fn print(&self, seed: u64, took: Duration) {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header([
            "what was not synced",
            "cuts",
            "of them with something lost that was not synced",
        ]);
        for (way, (cuts, lossy)) in &self.ways {
            table.add_row([
                format!("{way:?}").to_lowercase(),
                cuts.to_string(),
                lossy.to_string(),
            ]);
        }
        println!("{table}");
        for failure in &self.failures {
            println!("  {failure}");
        }
        println!(
            "{} cuts, seed {seed}, {} events accepted: {} violated; slowest opening {} ms; with 0 of N, the true rate is below \
             3/N = {:.5}; {} s",
            self.cuts(),
            self.promises,
            self.failures.len(),
            self.slowest.as_millis(),
            3.0 / self.cuts().max(1) as f64,
            took.as_secs()
        );
    }
}
