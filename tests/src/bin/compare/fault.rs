//! What is done to each system, step by step, and what it accepted meanwhile.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use tests::deadline::eventually_within;
use tests::folder;
use tests::proxy::Weather;

use crate::forgetful::Forgetful;
use crate::system::System;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    LineCut,
    OfficeKilled,
    OfficePowerCut,
    OfficeRestored,
    CentrePowerCut,
    CentreRestored,
    CentreWiped,
    CentreHole,
    LateRetry,
}

/// Events before the fault, and while it lasts: few enough to be accepted, one behind the other, within seconds, long before a stock
/// server (2 minutes) or the kernel (30 s) writes out what nobody asked to be safe. More of them would be lost in the same way.
const BEFORE: usize = 200;
const DURING: usize = 300;
/// Events that a restored store does not know, and those that come after it.
const FORGOTTEN: usize = 100;
const AFTER: usize = 60;
/// A little more than nats-server's default window for duplicates, of two minutes.
const RETRY_AFTER: Duration = Duration::from_secs(125);
const RETRIED: usize = 10;
/// How long a system may take until everything is there, before a fault: a stock source begins again after up to 40 s.
const PATIENCE: Duration = Duration::from_secs(120);

impl Fault {
    pub const ALL: [Fault; 9] = [
        Fault::LineCut,
        Fault::OfficeKilled,
        Fault::OfficePowerCut,
        Fault::OfficeRestored,
        Fault::CentrePowerCut,
        Fault::CentreRestored,
        Fault::CentreWiped,
        Fault::CentreHole,
        Fault::LateRetry,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::LineCut => "line-cut",
            Fault::OfficeKilled => "office-killed",
            Fault::OfficePowerCut => "office-power-cut",
            Fault::OfficeRestored => "office-restored",
            Fault::CentrePowerCut => "centre-power-cut",
            Fault::CentreRestored => "centre-restored",
            Fault::CentreWiped => "centre-wiped",
            Fault::CentreHole => "centre-hole",
            Fault::LateRetry => "late-retry",
        }
    }

    /// For these a volume is mounted.
    pub fn cuts_power(self) -> bool {
        matches!(self, Fault::OfficePowerCut | Fault::CentrePowerCut)
    }

    /// Returns what was accepted, in order, and when everything was mended.
    pub async fn play(self, system: &mut impl System) -> Result<(Vec<String>, Instant)> {
        let mut office = Submissions::default();
        match self {
            Fault::LineCut => {
                office.deliver(system, BEFORE).await?;
                system.line().set(Weather::Cut);
                office.submit(system, DURING).await?;
            }
            Fault::OfficeKilled => {
                office.deliver(system, BEFORE).await?;
                system.line().set(Weather::Cut);
                office.submit(system, DURING).await?;
                system.kill_office().await?;
                system.start_office().await?;
            }
            Fault::OfficePowerCut => office_loses_power(system, &mut office).await?,
            Fault::OfficeRestored => office_goes_back(system, &mut office).await?,
            Fault::CentrePowerCut => centre_loses_power(system, &mut office).await?,
            Fault::CentreRestored => centre_goes_back(system, &mut office, true).await?,
            Fault::CentreWiped => centre_goes_back(system, &mut office, false).await?,
            Fault::CentreHole => {
                office.deliver(system, BEFORE).await?;
                system.stop_reader().await?;
                let there = system.held().await?;
                office.submit(system, FORGOTTEN).await?;
                office.held(system).await;
                system.lose(there + 40..there + 43).await?;
                system.start_reader().await?;
            }
            Fault::LateRetry => {
                office.deliver(system, RETRIED).await?;
                tokio::time::sleep(RETRY_AFTER).await;
                // Its program never saw the answers.
                for id in office.ids.clone() {
                    system.submit(&id).await?;
                }
            }
        }
        system.line().set(Weather::Clear);
        let mended = Instant::now();
        office.submit(system, AFTER).await?;
        Ok((office.ids, mended))
    }
}

/// What the office's program has submitted.
#[derive(Default)]
struct Submissions {
    ids: Vec<String>,
}

impl Submissions {
    async fn submit(&mut self, system: &mut impl System, count: usize) -> Result<()> {
        for _ in 0..count {
            let id = format!("compare-{:06}", self.ids.len() + 1);
            system.submit(&id).await?;
            self.ids.push(id);
        }
        Ok(())
    }

    /// And waits until the application has all of it: before the fault, every system works.
    async fn deliver(&mut self, system: &mut impl System, count: usize) -> Result<()> {
        self.submit(system, count).await?;
        self.arrive(system).await;
        Ok(())
    }

    async fn arrive(&self, system: &mut impl System) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ids = system.delivered().await.unwrap_or_default();
            let there = ids.iter().collect::<HashSet<_>>().len();
            if there >= self.ids.len() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{there} of {} arrived",
                self.ids.len()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn held(&self, system: &impl System) {
        let goal = self.ids.len() as u64;
        eventually_within(PATIENCE, "all events at the centre", async || {
            (system.held().await.ok()? >= goal).then_some(())
        })
        .await;
    }
}

/// The power goes at the office while its line is cut.
async fn office_loses_power(system: &mut impl System, office: &mut Submissions) -> Result<()> {
    office.deliver(system, BEFORE).await?;
    system.stop_office().await?;
    let disk = Forgetful::under(&system.office_store())?;
    system.start_office().await?;
    system.line().set(Weather::Cut);
    office.submit(system, DURING).await?;
    system.kill_office().await?;
    disk.cut()?;
    system.start_office().await
}

/// The office's store is put back to a copy.
async fn office_goes_back(system: &mut impl System, office: &mut Submissions) -> Result<()> {
    office.deliver(system, BEFORE).await?;
    let aside = tempfile::tempdir()?;
    let (store, copy) = (system.office_store(), aside.path().join("copy"));
    system.stop_office().await?;
    folder::copy(&store, &copy);
    system.start_office().await?;
    office.deliver(system, FORGOTTEN).await?;
    system.stop_office().await?;
    folder::copy(&copy, &store);
    system.start_office().await
}

/// The power goes at the centre's server, behind events that the application has.
async fn centre_loses_power(system: &mut impl System, office: &mut Submissions) -> Result<()> {
    office.deliver(system, BEFORE).await?;
    system.stop_centre().await?;
    let disk = Forgetful::under(&system.centre_store())?;
    system.start_centre().await?;
    office.deliver(system, FORGOTTEN).await?;
    system.stop_centre().await?;
    disk.cut()?;
    system.start_centre().await
}

/// The centre's store is put back to a copy, or is gone.
async fn centre_goes_back(
    system: &mut impl System,
    office: &mut Submissions,
    has_copy: bool,
) -> Result<()> {
    office.deliver(system, BEFORE).await?;
    let aside = tempfile::tempdir()?;
    let (store, copy) = (system.centre_store(), aside.path().join("copy"));
    system.stop_centre().await?;
    folder::copy(&store, &copy);
    system.start_centre().await?;
    office.deliver(system, FORGOTTEN).await?;
    system.stop_centre().await?;
    match has_copy {
        true => folder::copy(&copy, &store),
        false => std::fs::remove_dir_all(&store)?,
    }
    system.start_centre().await
}
