//! The operator's commands come in, the registry's words for them go out; or why they cannot be said, and what can.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use schemas::registry::{
    ContractRecord, FeedFile, Grant, Key, KeyRetirement, Office, OfficeName, Registry,
    RegistryEvent, Revocation, Right, RuleName, Serial,
};
use schemas::subject::{FeedName, OfficeId};

/// What the authority may be asked to say.
#[derive(Debug, Clone)]
pub enum Words {
    CloseOffice(OfficeId),
    RetireKey {
        office: OfficeId,
        /// Needed where the office has several.
        keyid: Option<String>,
        after: Vec<After>,
    },
    RevokeCertificate(Serial),
    Grant(Grant),
    Withdraw(String),
    /// A feed with the contracts that the registry may not have yet, and with its rules.
    AddFeed {
        contracts: Vec<ContractRecord>,
        feed: FeedFile,
    },
}

/// The last position at which a key counts: of the one log that the office has, or of a feed's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub feed: Option<FeedName>,
    pub position: u64,
}

impl Words {
    /// Nothing, where the registry says it already.
    ///
    /// # Errors
    /// What the registry does not know, and what it knows instead.
    pub(super) fn events(&self, registry: &Registry) -> anyhow::Result<Vec<RegistryEvent>> {
        let event = match self {
            Words::CloseOffice(id) => {
                let office = known(registry, id)?.id.clone();
                let name = OfficeName { office };
                (!registry.is_closed(id)).then_some(RegistryEvent::OfficeClosed(name))
            }
            Words::RetireKey {
                office,
                keyid,
                after,
            } => retirement(registry, known(registry, office)?, keyid.as_deref(), after)?
                .map(RegistryEvent::KeyRetired),
            Words::RevokeCertificate(serial) => {
                let revocation = Revocation {
                    serial: serial.clone(),
                };
                (!registry.is_revoked(serial))
                    .then_some(RegistryEvent::CertificateRevoked(revocation))
            }
            Words::Grant(grant) => {
                ensure!(
                    registry.feed(&grant.feed).is_some(),
                    "the registry knows no feed {}; it knows {}",
                    grant.feed,
                    feed_names(registry.feeds().map(|feed| &feed.name))
                );
                (!stands(registry, grant)).then(|| RegistryEvent::GrantAdded(grant.clone()))
            }
            Words::Withdraw(rule) => {
                let names: Vec<&str> = registry.grants().map(|known| &*known.rule).collect();
                ensure!(
                    names.contains(&rule.as_str()),
                    "the registry has no rule {rule:?}; it has\n  {}",
                    names.join("\n  ")
                );
                Some(RegistryEvent::GrantRemoved(RuleName { rule: rule.clone() }))
            }
            Words::AddFeed { contracts, feed } => return Ok(added(registry, contracts, feed)),
        };
        Ok(event.into_iter().collect())
    }
}

/// In the order in which each may name what is before it.
fn added(registry: &Registry, contracts: &[ContractRecord], file: &FeedFile) -> Vec<RegistryEvent> {
    let new = |record: &&ContractRecord| {
        let known = registry.contract(&record.uri);
        known.is_none_or(|known| *known.schema() != record.schema)
    };
    let contracts = contracts.iter().filter(new).cloned();
    let feed = Some(file.feed()).filter(|feed| registry.feed(&feed.name) != Some(feed));
    let grants = file.grants().filter(|grant| !stands(registry, grant));
    contracts
        .map(RegistryEvent::ContractAdded)
        .chain(feed.cloned().map(RegistryEvent::FeedAdded))
        .chain(grants.map(RegistryEvent::GrantAdded))
        .collect()
}

fn stands(registry: &Registry, grant: &Grant) -> bool {
    registry.grants().any(|known| known == grant)
}

/// The name of a rule that is given none: what it is about.
pub fn rule_name(feed: &FeedName, right: Right, who: &str) -> String {
    let right = match right {
        Right::Publish => "publish",
        Right::Read => "read",
    };
    format!("{feed}/{right}/{who}")
}

fn known<'r>(registry: &'r Registry, office: &OfficeId) -> anyhow::Result<&'r Office> {
    registry
        .office(office)
        .with_context(|| format!("the registry knows no office {office}"))
}

/// Every log of the office is named, for one that is not named would lose all its signatures.
fn retirement(
    registry: &Registry,
    office: &Office,
    keyid: Option<&str>,
    after: &[After],
) -> anyhow::Result<Option<KeyRetirement>> {
    let key = key(registry, office, keyid)?;
    let publishes = |feed: &&FeedName| {
        let rule = |grant: &Grant| {
            grant.feed == **feed && grant.right == Right::Publish && grant.who.names(office)
        };
        registry.grants().any(rule)
    };
    let feeds = || registry.feeds().map(|feed| &feed.name);
    let logs: Vec<&FeedName> = feeds().filter(publishes).collect();
    let mut last = BTreeMap::new();
    for After { feed, position } in after {
        let feed = match (feed, &logs[..]) {
            (Some(feed), _) => feed,
            (None, [only]) => only,
            (None, _) => bail!("{}", each(office, &logs)),
        };
        ensure!(
            registry.feed(feed).is_some(),
            "the registry knows no feed {feed}; it knows {}",
            feed_names(feeds())
        );
        last.insert(feed.clone(), *position);
    }
    ensure!(
        logs.iter().all(|feed| last.contains_key(*feed)),
        "{}",
        each(office, &logs)
    );
    let ends = |feed: &FeedName| Some(last.get(feed).copied().unwrap_or(0));
    let stands = key.is_retired() && feeds().all(|feed| key.span(feed).last == ends(feed));
    let keyid = key.keyid.clone();
    Ok((!stands).then_some(KeyRetirement { keyid, last }))
}

fn each(office: &Office, logs: &[&FeedName]) -> String {
    let words: Vec<String> = logs
        .iter()
        .map(|feed| format!("--after {feed}=POSITION"))
        .collect();
    format!(
        "say of each log of {} the last position at which the key counts (0: it counts nowhere): {}",
        office.id,
        words.join(" ")
    )
}

fn key<'r>(
    registry: &'r Registry,
    office: &Office,
    keyid: Option<&str>,
) -> anyhow::Result<&'r Key> {
    let all: Vec<&Key> = registry.keys_of(&office.id).collect();
    let lines = all.iter().map(|key| {
        let state = if key.is_retired() { " (retired)" } else { "" };
        format!("\n  {}{state}", key.keyid)
    });
    let listed = || {
        format!(
            "its keys, the newest first:{}",
            lines.clone().collect::<String>()
        )
    };
    let id = &office.id;
    if let Some(keyid) = keyid {
        let named = all.iter().find(|key| key.keyid == keyid);
        return named
            .copied()
            .with_context(|| format!("{id} has no key {keyid}; {}", listed()));
    }
    let mut good = all.iter().filter(|key| !key.is_retired());
    match (good.next(), good.next()) {
        (Some(key), None) => Ok(*key),
        (None, _) => bail!(
            "{id} has no key that is not retired; name one with --key; {}",
            listed()
        ),
        (Some(_), Some(_)) => bail!("{id} has several keys; name one with --key; {}", listed()),
    }
}

fn feed_names<'f>(feeds: impl Iterator<Item = &'f FeedName>) -> String {
    let names: Vec<&str> = feeds.map(FeedName::as_str).collect();
    names.join(", ")
}
