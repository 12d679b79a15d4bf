//! What the hostile office has at hand before a flood begins: a log of its own on the bus, its keys, subjects it may speak on.
//! In: a bus, a number of events. Out: the stored events, further ones, letters with any fault. Never: another office's key.

use anyhow::{Context as _, Result};
use schemas::confirmation::{Confirmation, Said};
use schemas::event::Timestamp;
use schemas::signing::SignedEvent;
use serde_json::{Value, json};
use tests::letter::{Key, Letter, LogOf};

use super::office::Office;
use super::scene::{BULLETINS, HOSTILE, Scene, inbox};
use crate::events::{BULLETIN, Chain, FEED, Kind, LABOUR};

/// Figures that are not those of `LABOUR` at the same positions.
const OTHERS: Kind = Kind {
    data: other_figure,
    ..LABOUR
};

const LOG: LogOf<'static> = LogOf {
    office: HOSTILE,
    feed: FEED,
    event_type: LABOUR.event_type,
};

pub struct Hostile {
    pub inbox: String,
    /// Where answers go to that are all heard alike.
    pub reply: String,
    /// The log as it stands on the bus.
    pub stored: Vec<SignedEvent>,
    /// The log as it goes on.
    pub chain: Chain,
    /// What another log of the same office would hold at the same positions.
    pub others: Chain,
    key: Key,
    bulletin: SignedEvent,
}

impl Hostile {
    /// Stores so many events as a good office would.
    pub async fn prepare(scene: &Scene, events: usize) -> Result<Hostile> {
        let mut office = Office::connect(scene, HOSTILE, LABOUR).await?;
        let stored = office.chain.sign(events)?;
        office.store(&stored).await?;
        let mut bulletins = Office::connect(scene, BULLETINS, BULLETIN).await?;
        let bulletin = bulletins.chain.sign(1)?;
        bulletins.store(&bulletin).await?;
        let inbox = inbox(HOSTILE);
        Ok(Hostile {
            reply: format!("{inbox}.heard"),
            inbox,
            stored,
            chain: office.chain,
            others: scene.chain(HOSTILE, OTHERS)?,
            key: scene.bus.key(HOSTILE),
            bulletin: bulletin.into_iter().next().context("one was signed")?,
        })
    }

    pub fn subject(&self) -> String {
        LOG.subject()
    }

    /// A signed event at any position behind any other.
    pub fn letter(&self, position: u64, data: Value) -> Letter {
        let previous = self
            .stored
            .last()
            .map_or_else(String::new, |event| event.hash().to_string());
        Letter::new(&LOG, position, &previous, &data).sign(&self.key)
    }

    /// The true word of a reader who has read the bulletin.
    pub fn confirmation(&self) -> Result<(String, String)> {
        let event = self.bulletin.event();
        let said = Said {
            reader: HOSTILE.parse().ok().context("an office's name")?,
            log: event.log().clone(),
            position: self.bulletin.link().position,
            hash: self.bulletin.hash(),
            time: Timestamp::from_unix_seconds(1_790_000_000).context("a time in 2026")?,
            registry: None,
            newest: None,
        };
        let subject = said.subject().to_string();
        let confirmation = Confirmation::sign(said, self.chain.key());
        Ok((subject, confirmation.to_string()))
    }
}

pub fn figure(value: u64) -> Value {
    other_figure("KH07", value)
}

fn other_figure(pcode: &str, number: u64) -> Value {
    json!({
        "ref_area": pcode,
        "source": "WFP price monitoring",
        "indicator": "EAR_DAILY_NONQUALIFIED_NB",
        "sex": "_T",
        "disability": "_T",
        "classif1": "CUR_TYPE_LCU",
        "time": "2026-07",
        "obs_value": format!("{}", 10_000 + number),
    })
}
