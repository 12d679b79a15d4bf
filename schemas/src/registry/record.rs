//! What the registry says, as its events carry it: JSON comes in, an event of a known kind goes out, and back.
//! Nothing here asks whether it contradicts what stands; that is `apply`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Serial;
use crate::event::Position;
use crate::feed::Feed;
use crate::signing::{KeyFault, PublicKey, WrittenKey};
use crate::subject::{FeedName, OfficeId};
use crate::tables::{Ministry, Node, Province};

/// One thing that the authority says. What is said anew of a name replaces what was said before, but for contracts and keys:
/// what a URI or a `keyid` means never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RegistryEvent {
    MinistryAdded(Ministry),
    ProvinceAdded(Province),
    NodeAdded(Node),
    OfficeAdded(Office),
    KeyAdded(KeyRecord),
    KeyRetired(KeyRetirement),
    GatewayAdded(GatewayRecord),
    ContractAdded(ContractRecord),
    FeedAdded(Feed),
    GrantAdded(Grant),
    GrantRemoved(RuleName),
    OfficeClosed(OfficeName),
    CertificateRevoked(Revocation),
}

impl RegistryEvent {
    /// What it is called, in JSON and in the type of the event that carries it.
    pub fn kind(&self) -> &'static str {
        match self {
            RegistryEvent::MinistryAdded(_) => "ministry-added",
            RegistryEvent::ProvinceAdded(_) => "province-added",
            RegistryEvent::NodeAdded(_) => "node-added",
            RegistryEvent::OfficeAdded(_) => "office-added",
            RegistryEvent::KeyAdded(_) => "key-added",
            RegistryEvent::KeyRetired(_) => "key-retired",
            RegistryEvent::GatewayAdded(_) => "gateway-added",
            RegistryEvent::ContractAdded(_) => "contract-added",
            RegistryEvent::FeedAdded(_) => "feed-added",
            RegistryEvent::GrantAdded(_) => "grant-added",
            RegistryEvent::GrantRemoved(_) => "grant-removed",
            RegistryEvent::OfficeClosed(_) => "office-closed",
            RegistryEvent::CertificateRevoked(_) => "certificate-revoked",
        }
    }
}

/// A gateway's key as `gateway-added` carries it. A name may have several keys, one after the other: a receipt stays good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayRecord {
    #[serde(rename = "gateway")]
    pub name: String,
    pub public_key: WrittenKey,
}

/// A gateway and the key with which it signs receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    pub name: String,
    pub public: PublicKey,
}

impl TryFrom<&GatewayRecord> for Gateway {
    type Error = KeyFault;

    fn try_from(record: &GatewayRecord) -> Result<Gateway, KeyFault> {
        Ok(Gateway {
            name: record.name.clone(),
            public: record.public_key.read()?,
        })
    }
}

/// A contract as the registry carries it: the whole schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRecord {
    pub uri: String,
    pub schema: Value,
}

impl ContractRecord {
    /// A schema under its own `$id`; None where it has none.
    pub fn of_schema(schema: Value) -> Option<ContractRecord> {
        let uri = schema.get("$id")?.as_str()?.to_owned();
        Some(ContractRecord { uri, schema })
    }
}

/// Names a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleName {
    pub rule: String,
}

/// Names an office. Closed, it is let in no more and has no rights; its logs and keys stay what they were. Adding it again opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeName {
    pub office: OfficeId,
}

/// Names a certificate of the offices' CA that opens no gateway any more, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub serial: Serial,
}

/// A place of a ministry, which has logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    #[serde(rename = "office")]
    pub id: OfficeId,
    pub title_en: String,
    pub title_km: String,
    pub standing: Standing,
    /// The NCDD code of its province; a provincial office has one, a headquarters may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The node of the National Information Infrastructure that it sits on; most sit on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// How many agents write its logs, each by the same rule; one where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<u8>,
}

impl Office {
    /// Whether another agent than one's own may write its logs.
    pub fn has_several_agents(&self) -> bool {
        self.agents.is_some_and(|agents| agents > 1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Headquarters,
    Provincial,
}

/// An office's key as `key-added` carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    pub office: OfficeId,
    pub keyid: String,
    pub public_key: WrittenKey,
    /// The positions at which it is honoured, for logs where those are not all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub honoured: BTreeMap<FeedName, Span>,
}

/// Ends a key: from here it is honoured up to these positions, and not at all in logs that are not named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRetirement {
    pub keyid: String,
    #[serde(default)]
    pub last: BTreeMap<FeedName, u64>,
}

/// Positions of a log, both ends in it; open where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

impl Span {
    pub const ALL: Span = Span {
        first: None,
        last: None,
    };
    const NONE: Span = Span {
        first: None,
        last: Some(0),
    };

    pub fn contains(&self, position: Position) -> bool {
        let number = position.number();
        self.first.is_none_or(|first| first <= number)
            && self.last.is_none_or(|last| number <= last)
    }
}

/// An office's key with all that was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub office: OfficeId,
    pub keyid: String,
    pub public: PublicKey,
    honoured: BTreeMap<FeedName, Span>,
    elsewhere: Span,
}

impl TryFrom<&KeyRecord> for Key {
    type Error = KeyFault;

    fn try_from(record: &KeyRecord) -> Result<Key, KeyFault> {
        Ok(Key {
            office: record.office.clone(),
            keyid: record.keyid.clone(),
            public: record.public_key.read()?,
            honoured: record.honoured.clone(),
            elsewhere: Span::ALL,
        })
    }
}

impl Key {
    /// Says whether a signature of this key counts at a position of its office's log.
    pub fn honoured(&self, feed: &FeedName, position: Position) -> bool {
        self.span(feed).contains(position)
    }

    pub fn span(&self, feed: &FeedName) -> &Span {
        self.honoured.get(feed).unwrap_or(&self.elsewhere)
    }

    /// Whether it was ended, whatever it is still honoured for.
    pub fn is_retired(&self) -> bool {
        self.elsewhere == Span::NONE
    }

    pub(crate) fn retire(&mut self, last: &BTreeMap<FeedName, u64>) {
        let ended = |feed: &FeedName, first| {
            (
                feed.clone(),
                Span {
                    first,
                    last: last.get(feed).copied().or(Some(0)),
                },
            )
        };
        let known = self
            .honoured
            .iter()
            .map(|(feed, span)| ended(feed, span.first));
        let mut honoured: BTreeMap<FeedName, Span> = known.collect();
        for feed in last.keys().filter(|feed| !self.honoured.contains_key(feed)) {
            honoured.extend([ended(feed, self.elsewhere.first)]);
        }
        self.honoured = honoured;
        self.elsewhere = Span::NONE;
    }
}

/// A rule: these offices may do this on this feed. What no grant allows is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The rule's own name, by which it is named and removed.
    pub rule: String,
    pub feed: FeedName,
    pub right: Right,
    pub who: Who,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    Publish,
    Read,
}

/// Which offices a grant names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Who {
    Office {
        office: OfficeId,
    },
    /// The offices of one standing of a ministry.
    Ministry {
        ministry: String,
        standing: Standing,
    },
    /// The offices of one standing of every ministry.
    Standing {
        standing: Standing,
    },
    /// A ministry's provincial offices in these provinces (NCDD codes).
    Provinces {
        ministry: String,
        provinces: Vec<String>,
    },
    /// Every office in the registry.
    Everyone {},
}

impl Who {
    pub fn names(&self, office: &Office) -> bool {
        match self {
            Who::Office { office: id } => *id == office.id,
            Who::Ministry { ministry, standing } => {
                ministry == office.id.ministry() && *standing == office.standing
            }
            Who::Standing { standing } => *standing == office.standing,
            Who::Provinces {
                ministry,
                provinces,
            } => {
                ministry == office.id.ministry()
                    && office.standing == Standing::Provincial
                    && office
                        .province
                        .as_ref()
                        .is_some_and(|code| provinces.contains(code))
            }
            Who::Everyone {} => true,
        }
    }
}
