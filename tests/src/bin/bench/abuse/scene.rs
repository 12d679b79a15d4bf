//! A bus of its own for each attack: an honest office and a hostile one on the same feed, a reader, an office that everybody reads.
//! In: further offices. Out: the bus, chains of events. Never: what another attack has left behind.

use anyhow::{Context as _, Result};
use schemas::event::Hash;
use schemas::tables::PROVINCES;
use tests::bus::Bus;

use crate::events::{Chain, Kind, Place};

/// A stolen laptop of one provincial office.
pub const HOSTILE: &str = "mlvt/kampot";
/// Publishes on the same feed.
pub const HONEST: &str = "mlvt/takeo";
/// Publishes what everybody reads.
pub const BULLETINS: &str = "maff/hq";
/// Hears what is asked of those logs.
pub const READER: &str = "mef/hq";

pub struct Scene {
    pub bus: Bus,
    genesis: Hash,
}

impl Scene {
    pub async fn build() -> Result<Scene> {
        Scene::with(&[]).await
    }

    pub async fn with(others: &[&str]) -> Result<Scene> {
        let usual = [HOSTILE, HONEST, BULLETINS, READER];
        let others = others.iter().filter(|other| !usual.contains(other));
        let offices: Vec<&str> = usual.iter().chain(others).copied().collect();
        let bus = Bus::start(&offices).await;
        let genesis = bus.genesis().parse::<Hash>();
        let genesis = genesis.ok().context("a registry's first hash is one")?;
        Ok(Scene { bus, genesis })
    }

    pub fn chain(&self, office: &str, kind: Kind) -> Result<Chain> {
        Chain::begin(&place(office), kind, self.bus.bundle(office), self.genesis)
    }
}

/// Where the office is; ministries' headquarters are nowhere, and speak of any province.
fn place(office: &str) -> Place {
    let name = office.split_once('/').map_or(office, |(_, name)| name);
    let province = PROVINCES.iter().find(|province| province.place == name);
    Place {
        office: office.to_owned(),
        pcode: province.map_or("KH17", |province| &province.pcode).into(),
    }
}

/// Where an office's answers go.
pub fn inbox(office: &str) -> String {
    format!("_INBOX.{}.abuse", office.replace('/', "."))
}
