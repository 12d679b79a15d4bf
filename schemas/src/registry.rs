//! The registry: what the authority has said, one event after the other, comes in; who exists, whose key is whose and who
//! may do what goes out. A pure fold: the same events give the same registry, at the gateway and at every office.
//!
//! Whether the authority has said it is proved in `registry_log`; nothing here reads a file or a clock.

mod feed_file;
mod head;
mod lookup;
mod outgrown;
mod policy;
mod record;
mod revoked;
mod seed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::contract::{Contract, SchemaFault};
use crate::event::{Hash, Position};
use crate::feed::Feed;
use crate::receipt::is_gateway_name;
use crate::subject::{CONFIRMATIONS, FeedName, OfficeId};
pub use crate::tables::{Ministry, Node, Province};

pub use self::feed_file::FeedFile;
pub use self::head::{Beside, REGISTRY_HEADER, RegistryHead};
pub use self::outgrown::Outgrown;
pub use self::policy::{Denied, Rule};
pub use self::record::{
    ContractRecord, Gateway, GatewayRecord, Grant, Key, KeyRecord, KeyRetirement, Office,
    OfficeName, RegistryEvent, Revocation, Right, RuleName, Span, Standing, Who,
};
pub use self::revoked::{NotASerial, Serial};
pub use self::seed::{later, seed};

/// Why an event cannot be applied: it contradicts what stands, or builds on what does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFault {
    #[error("{name} names the {what} {missing:?}, which the registry does not know")]
    Unknown {
        name: String,
        what: &'static str,
        missing: String,
    },
    #[error("{0} is a provincial office without a province")]
    NoProvince(OfficeId),
    #[error("the key {0} is another's already")]
    KeyTaken(String),
    #[error("{0:?} is no gateway's name: 1 to 64 of a-z, A-Z, 0-9, -, . and _ are")]
    GatewayName(String),
    #[error("the keyid of {office}'s key must be {thumbprint}, its RFC 7638 thumbprint")]
    Keyid {
        office: OfficeId,
        thumbprint: String,
    },
    #[error("the contract {0} stands already with another schema; give the new one a new version")]
    ContractChanged(String),
    #[error(transparent)]
    Contract(#[from] SchemaFault),
    #[error("the feed {feed} {why}")]
    Feed { feed: FeedName, why: &'static str },
}

/// Everything that the authority has said, folded.
#[derive(Debug, Clone)]
pub struct Registry {
    position: u64,
    /// The hash of each line, where it was read line by line.
    lines: Vec<Hash>,
    genesis: Hash,
    ministries: BTreeMap<String, Ministry>,
    provinces: BTreeMap<String, Province>,
    nodes: BTreeMap<String, Node>,
    offices: BTreeMap<OfficeId, Office>,
    keys: BTreeMap<String, Key>,
    /// The keys of each office, the newest last.
    keyids: BTreeMap<OfficeId, Vec<String>>,
    /// By the `keyid` of their keys.
    gateways: BTreeMap<String, Gateway>,
    /// The `keyid`s of what was registered as a key and is none: nothing is verified with it.
    no_keys: BTreeSet<String>,
    contracts: BTreeMap<String, Arc<Contract>>,
    feeds: BTreeMap<FeedName, Feed>,
    grants: BTreeMap<String, Grant>,
    revoked: revoked::Revoked,
    outgrown: Outgrown,
}

impl Registry {
    /// A registry before its first event. `genesis` is that event's hash, from which every log of this registry begins.
    pub fn empty(genesis: Hash) -> Registry {
        Registry {
            position: 0,
            lines: Vec::new(),
            genesis,
            ministries: BTreeMap::new(),
            provinces: BTreeMap::new(),
            nodes: BTreeMap::new(),
            offices: BTreeMap::new(),
            keys: BTreeMap::new(),
            keyids: BTreeMap::new(),
            gateways: BTreeMap::new(),
            no_keys: BTreeSet::new(),
            contracts: BTreeMap::new(),
            feeds: BTreeMap::new(),
            grants: BTreeMap::new(),
            revoked: revoked::Revoked::default(),
            outgrown: Outgrown::default(),
        }
    }

    /// Applies the next event; after a fault the registry is as it was.
    ///
    /// # Errors
    /// [`RegistryFault`].
    pub fn apply(&mut self, event: &RegistryEvent) -> Result<(), RegistryFault> {
        self.change(event)?;
        self.position = self.position.saturating_add(1);
        Ok(())
    }

    fn change(&mut self, event: &RegistryEvent) -> Result<(), RegistryFault> {
        match event {
            RegistryEvent::MinistryAdded(ministry) => {
                self.ministries
                    .insert(ministry.code.clone(), ministry.clone());
            }
            RegistryEvent::ProvinceAdded(province) => {
                self.provinces
                    .insert(province.code.clone(), province.clone());
            }
            RegistryEvent::NodeAdded(node) => self.add_node(node)?,
            RegistryEvent::OfficeAdded(office) => self.add_office(office)?,
            RegistryEvent::KeyAdded(record) => self.add_key(record)?,
            RegistryEvent::KeyRetired(retirement) => self.retire_key(retirement)?,
            RegistryEvent::GatewayAdded(gateway) => self.add_gateway(gateway)?,
            RegistryEvent::ContractAdded(record) => self.add_contract(record)?,
            RegistryEvent::FeedAdded(feed) => self.add_feed(feed)?,
            RegistryEvent::GrantAdded(grant) => self.add_grant(grant)?,
            RegistryEvent::GrantRemoved(name) => {
                if self.grants.remove(&name.rule).is_none() {
                    return Err(unknown("the removal", "rule", &name.rule));
                }
            }
            RegistryEvent::OfficeClosed(name) => self.close_office(&name.office)?,
            RegistryEvent::CertificateRevoked(Revocation { serial }) => {
                self.revoked.certificates.insert(serial.clone());
            }
        }
        Ok(())
    }

    /// The line in which the last event stands.
    pub(crate) fn read_in(&mut self, line: Hash) {
        self.lines.push(line);
    }

    fn add_node(&mut self, node: &Node) -> Result<(), RegistryFault> {
        self.know_province(&node.id, &node.province)?;
        if let Some(access) = &node.access {
            self.nodes
                .get(access)
                .ok_or_else(|| unknown(&node.id, "access node", access))?;
        }
        self.nodes.insert(node.id.clone(), node.clone());
        Ok(())
    }

    fn add_office(&mut self, office: &Office) -> Result<(), RegistryFault> {
        let name = office.id.to_string();
        self.know_ministry(&name, office.id.ministry())?;
        match &office.province {
            Some(province) => self.know_province(&name, province)?,
            None if office.standing == Standing::Provincial => {
                return Err(RegistryFault::NoProvince(office.id.clone()));
            }
            None => {}
        }
        if let Some(node) = &office.node {
            self.nodes
                .get(node)
                .ok_or_else(|| unknown(&name, "node", node))?;
        }
        self.revoked.offices.remove(&office.id);
        self.offices.insert(office.id.clone(), office.clone());
        Ok(())
    }

    fn add_key(&mut self, record: &KeyRecord) -> Result<(), RegistryFault> {
        let KeyRecord { office, keyid, .. } = record;
        let thumbprint = record.public_key.keyid();
        if *keyid != thumbprint {
            return Err(RegistryFault::Keyid {
                office: office.clone(),
                thumbprint,
            });
        }
        if !self.offices.contains_key(office) {
            return Err(unknown("the key", "office", &office.to_string()));
        }
        if self.gateways.contains_key(keyid) {
            return Err(RegistryFault::KeyTaken(keyid.clone()));
        }
        let Ok(key) = Key::try_from(record) else {
            self.no_keys.insert(keyid.clone());
            return Ok(());
        };
        match self.keys.get(keyid) {
            Some(known) if known.office != *office => {
                return Err(RegistryFault::KeyTaken(keyid.clone()));
            }
            Some(_) => {}
            None => self
                .keyids
                .entry(office.clone())
                .or_default()
                .push(keyid.clone()),
        }
        self.keys.insert(keyid.clone(), key);
        Ok(())
    }

    fn retire_key(&mut self, retirement: &KeyRetirement) -> Result<(), RegistryFault> {
        if self.no_keys.contains(&retirement.keyid) {
            return Ok(());
        }
        let key = self.keys.get_mut(&retirement.keyid);
        key.ok_or_else(|| unknown("the retirement", "key", &retirement.keyid))?
            .retire(&retirement.last);
        Ok(())
    }

    fn add_gateway(&mut self, record: &GatewayRecord) -> Result<(), RegistryFault> {
        if !is_gateway_name(&record.name) {
            return Err(RegistryFault::GatewayName(record.name.clone()));
        }
        let keyid = record.public_key.keyid();
        let Ok(gateway) = Gateway::try_from(record) else {
            self.no_keys.insert(keyid);
            return Ok(());
        };
        let other = self.gateways.get(&keyid).filter(|known| **known != gateway);
        if other.is_some() || self.keys.contains_key(&keyid) {
            return Err(RegistryFault::KeyTaken(keyid));
        }
        self.gateways.insert(keyid, gateway);
        Ok(())
    }

    fn add_contract(&mut self, record: &ContractRecord) -> Result<(), RegistryFault> {
        if let Some(known) = self.contracts.get(&record.uri) {
            return (*known.schema() == record.schema)
                .then_some(())
                .ok_or_else(|| RegistryFault::ContractChanged(record.uri.clone()));
        }
        let contract = Contract::compile(&record.uri, &record.schema.to_string())?;
        self.contracts
            .insert(record.uri.clone(), Arc::new(contract));
        Ok(())
    }

    fn add_feed(&mut self, feed: &Feed) -> Result<(), RegistryFault> {
        let fault = |why| RegistryFault::Feed {
            feed: feed.name.clone(),
            why,
        };
        self.know_ministry(feed.name.as_str(), &feed.owner)?;
        if [LOG_FEED, CONFIRMATIONS].contains(&feed.name.as_str()) {
            return Err(fault("has a name that the bus itself uses"));
        }
        if feed
            .province_at
            .as_ref()
            .is_some_and(|at| !at.starts_with('/'))
        {
            return Err(fault(
                "has a province_at that is no JSON Pointer to a field",
            ));
        }
        if feed.types.is_empty() || feed.types.iter().any(|known| known.contracts.is_empty()) {
            return Err(fault("has no event type, or one without a contract"));
        }
        for uri in feed.types.iter().flat_map(|known| &known.contracts) {
            self.contracts
                .get(uri)
                .ok_or_else(|| unknown(feed.name.as_str(), "contract", uri))?;
        }
        self.feeds.insert(feed.name.clone(), feed.clone());
        Ok(())
    }

    fn add_grant(&mut self, grant: &Grant) -> Result<(), RegistryFault> {
        self.feeds
            .get(&grant.feed)
            .ok_or_else(|| unknown(&grant.rule, "feed", grant.feed.as_str()))?;
        match &grant.who {
            Who::Office { office } => self.know_ministry(&grant.rule, office.ministry())?,
            Who::Ministry { ministry, .. } => self.know_ministry(&grant.rule, ministry)?,
            Who::Provinces {
                ministry,
                provinces,
            } => {
                self.know_ministry(&grant.rule, ministry)?;
                for province in provinces {
                    self.know_province(&grant.rule, province)?;
                }
            }
            Who::Standing { .. } | Who::Everyone {} => {}
        }
        self.grants.insert(grant.rule.clone(), grant.clone());
        Ok(())
    }

    fn know_ministry(&self, name: &str, code: &str) -> Result<(), RegistryFault> {
        let known = self.ministries.contains_key(code);
        known
            .then_some(())
            .ok_or_else(|| unknown(name, "ministry", code))
    }

    fn know_province(&self, name: &str, code: &str) -> Result<(), RegistryFault> {
        let known = self.provinces.contains_key(code);
        known
            .then_some(())
            .ok_or_else(|| unknown(name, "province", code))
    }
}

fn unknown(name: &str, what: &'static str, missing: &str) -> RegistryFault {
    RegistryFault::Unknown {
        name: name.to_owned(),
        what,
        missing: missing.to_owned(),
    }
}

/// The feed part of the registry's own log name, `urn:spean:nida:hq:registry`.
pub const LOG_FEED: &str = "registry";

#[cfg(test)]
mod tests;
