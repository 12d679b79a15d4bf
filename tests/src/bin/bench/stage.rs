//! Two buses side by side, set up alike: one that is written through its gateway, one straight to its nats-server.
//! In: how many offices. Out: senders and chains for both sides. Never: a setting that only one side has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use schemas::event::{Hash, Timestamp};
use schemas::registry::{Grant, RegistryEvent, Right, Standing, Who};
use schemas::registry_log::RegistryLog;
use schemas::signing::SigningKey;
use tempfile::TempDir;
use tests::gateway::{Authority, Gateway};
use tests::nats::NatsServer;
use tests::ports;

use crate::events::{Chain, FEED, LABOUR, Message, Place, places};
use crate::rounds::Side;
use crate::sender::{self, Sender};

pub struct Stage {
    // Processes stand before the folder that they write into: fields drop in order.
    pub gateway: Gateway,
    nats_behind_gateway: NatsServer,
    nats_alone: NatsServer,
    authority: Authority,
    alone: Authority,
    offices: Vec<(Place, PathBuf)>,
    genesis: Hash,
    _folder: TempDir,
}

impl Stage {
    pub async fn build(offices: usize) -> Result<Stage> {
        let folder =
            TempDir::with_prefix("spean-bench-").context("cannot make a temporary folder")?;
        let init = |name| Authority::init(&folder.path().join(name), ports::free(), ports::free());
        let (authority, alone) = (init("guarded"), init("alone"));
        let genesis = let_every_province_publish(&authority)?;
        let enrol = |place: Place| {
            let bundle = authority.enrol(&place.office, folder.path());
            (place, bundle)
        };
        let offices = places(offices).into_iter().map(enrol).collect();
        let nats_behind_gateway =
            NatsServer::start(&authority.nats_configuration(), authority.nats).await;
        let nats_alone = NatsServer::start(&alone.nats_configuration(), alone.nats).await;
        authority.create_streams();
        alone.create_streams();
        Ok(Stage {
            gateway: Gateway::start(&authority).await,
            nats_behind_gateway,
            nats_alone,
            authority,
            alone,
            offices,
            genesis,
            _folder: folder,
        })
    }

    /// The nats-server of a side.
    pub fn broker(&self, side: Side) -> &NatsServer {
        match side {
            Side::Straight => &self.nats_alone,
            Side::Gateway => &self.nats_behind_gateway,
        }
    }

    /// One connection and one log an office, on one of the two sides.
    pub async fn lane(&self, side: Side) -> Result<Lane> {
        let mut lane = Lane {
            senders: Vec::new(),
            chains: Vec::new(),
        };
        for (place, bundle) in &self.offices {
            let sender = match side {
                Side::Straight => Sender::straight(&self.alone).await?,
                Side::Gateway => self.connect(place, bundle).await?,
            };
            lane.senders.push(sender);
            lane.chains
                .push(Chain::begin(place, LABOUR, bundle, self.genesis)?);
        }
        Ok(lane)
    }

    /// A log that nobody sends.
    pub fn chain(&self) -> Result<Chain> {
        let (place, bundle) = self.offices.first().context("a stage has an office")?;
        Chain::begin(place, LABOUR, bundle, self.genesis)
    }

    /// Further connections through the gateway, under the offices' certificates in turn, each served as an agent is.
    pub async fn connections(&self, count: usize) -> Result<Vec<Sender>> {
        let mut senders = Vec::with_capacity(count);
        for (place, bundle) in self.offices.iter().cycle().take(count) {
            let sender = self.connect(place, bundle).await?;
            sender.greet(&place.log(FEED)?.subject()).await?;
            senders.push(sender);
        }
        Ok(senders)
    }

    async fn connect(&self, place: &Place, bundle: &Path) -> Result<Sender> {
        Sender::through_gateway(&self.authority, &place.office, bundle).await
    }
}

/// All offices on one side: their connections and their logs.
pub struct Lane {
    senders: Vec<Sender>,
    chains: Vec<Chain>,
}

impl Lane {
    /// The next events of each office's log, signed.
    pub fn messages(&mut self, each: usize) -> Result<Vec<Vec<Message>>> {
        self.chains
            .iter_mut()
            .map(|chain| chain.messages(each))
            .collect()
    }

    /// Sends them, all offices at once; events a second.
    pub async fn send(&self, messages: Vec<Vec<Message>>, in_flight: usize) -> Result<f64> {
        sender::together(&self.senders, messages, in_flight).await
    }

    /// Sends the first office's, one after the other; how long each took.
    pub async fn send_singly(&self, messages: Vec<Message>) -> Result<Vec<Duration>> {
        self.senders[0].send_singly(messages).await
    }
}

/// One feed for 64 offices: more than any ministry has. The authority may say so of its own registry.
fn let_every_province_publish(authority: &Authority) -> Result<Hash> {
    let key = std::fs::read(authority.folder().join("authority/signing.pk8"))?;
    let key = SigningKey::from_pkcs8(&key)?;
    let mut text = std::fs::read_to_string(authority.registry())?;
    let mut log = RegistryLog::load(&text, *key.public())?;
    let grant = |(ministry, rule): (&str, &str)| {
        RegistryEvent::GrantAdded(Grant {
            rule: rule.to_owned(),
            feed: FEED.parse().expect("a feed's name"),
            right: Right::Publish,
            who: Who::Ministry {
                ministry: ministry.to_owned(),
                standing: Standing::Provincial,
            },
        })
    };
    let now =
        Timestamp::from_time(time::OffsetDateTime::now_utc()).context("the clock is wrong")?;
    for said in [
        ("moh", "bench/publish/health"),
        ("maff", "bench/publish/agriculture"),
    ]
    .map(grant)
    {
        text.push_str(&log.append(&said, &key, now)?);
        text.push('\n');
    }
    std::fs::write(authority.registry(), text)?;
    Ok(log.registry().genesis())
}
