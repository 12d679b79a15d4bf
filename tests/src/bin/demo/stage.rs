//! The stage: an authority, nats-server, a gateway, and the offices of the demonstration as real processes.
//! In: nothing. Out: offices that can be spoken to. Never: an office that shares a process, a folder or a line with another.

use std::collections::BTreeMap;

use anyhow::Result;
use tests::broker::Broker;
use tests::bus::Bus;
use tests::office::Office;

use crate::account::{LineAccount, LogKey};
use crate::figures::{BULLETIN, HEALTH, LABOUR, PRICES};
use crate::view::View;

pub const OFFICES: [&str; 9] = [
    "moh/siem-reap",
    "moh/battambang",
    "moh/hq",
    "maff/siem-reap",
    "maff/battambang",
    "maff/hq",
    "mlvt/siem-reap",
    "mlvt/hq",
    "mef/hq",
];

pub const FEEDS: [&str; 4] = [HEALTH, PRICES, BULLETIN, LABOUR];

pub struct Stage {
    pub offices: BTreeMap<&'static str, Office>,
    pub bus: Bus,
}

impl Stage {
    pub async fn build(view: &View) -> Stage {
        let bus = Bus::start(&OFFICES).await;
        view.act("an authority, nats-server and a gateway are up; nine offices are enrolled");
        let mut offices = BTreeMap::new();
        for name in OFFICES {
            offices.insert(name, bus.office(name).await);
        }
        view.act("nine agents run, each behind a line of its own");
        Stage { offices, bus }
    }

    pub fn office(&self, name: &str) -> &Office {
        &self.offices[name]
    }

    /// Who, of the offices on this stage, reads the feed. An office's own events are not delivered to itself.
    pub fn subscribers(feed: &str, publisher: &str) -> Vec<&'static str> {
        let readers: &[&str] = match feed {
            HEALTH => &["moh/hq", "mef/hq"],
            PRICES => &["maff/hq", "moh/hq", "mlvt/hq", "mef/hq"],
            LABOUR => &["mlvt/hq", "mef/hq"],
            _ => &OFFICES,
        };
        OFFICES
            .into_iter()
            .filter(|office| readers.contains(office) && *office != publisher)
            .collect()
    }

    /// How many events of each log nats-server holds.
    pub async fn durable(&self) -> Result<BTreeMap<LogKey, u64>> {
        let broker = Broker::connect(&self.bus.authority).await?;
        let mut durable = BTreeMap::new();
        for feed in FEEDS {
            let counts = broker.counts(feed).await?;
            for office in OFFICES {
                let subject = format!("spean.log.{feed}.{}", office.replace('/', "."));
                durable.insert(
                    LogKey::new(feed, office),
                    counts.get(&subject).copied().unwrap_or_default(),
                );
            }
        }
        Ok(durable)
    }

    pub fn lines(&self) -> BTreeMap<String, LineAccount> {
        let line = |(name, office): (&&str, &Office)| {
            let traffic = office.line.traffic();
            (
                (*name).to_owned(),
                LineAccount {
                    up_bytes: traffic.up,
                    down_bytes: traffic.down,
                },
            )
        };
        self.offices.iter().map(line).collect()
    }
}
