//! `rights`: an office and a feed come in; what the office may do there, and by which rule, goes out. It is computed from the
//! same registry and by the same rules as the gateway's answers, and changes nothing.

use std::path::Path;

use anyhow::Context as _;
use schemas::feed::Feed;
use schemas::registry::{Office, Registry, Right, Span, Standing};
use schemas::registry_log::RegistryLog;
use schemas::subject::{FeedName, OfficeId};
use serde::Serialize;

use super::changes::positions;
use super::folder;
use super::issued::{self, CertificateLine, Issued};
use super::table::Table;
use crate::settings::Settings;

/// What an office may do on a feed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rights {
    pub office: OfficeId,
    pub feed: FeedName,
    /// The registry's position at which this holds.
    pub registry: u64,
    /// Whether the authority has closed the office.
    pub closed: bool,
    pub rights: Vec<Allowed>,
    /// Whose figures it may send, where the feed has a row rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    pub keys: Vec<KeyLine>,
    /// Those that are written down in the authority's folder.
    pub certificates: Vec<CertificateLine>,
}

/// One thing that an office may do, or may not.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    pub what: &'static str,
    pub allowed: bool,
    pub rule: String,
}

/// A signing key of the office, and the positions of this log at which it is honoured.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct KeyLine {
    pub keyid: String,
    pub first: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

/// Reads the registry that a gateway's folder names.
///
/// # Errors
/// Its settings are wrong, or the authority has not signed it.
pub fn registry(folder: &Path) -> anyhow::Result<RegistryLog> {
    let settings = Settings::read(folder)?;
    let (_, log) = folder::read_registry(&settings.registry, settings.authority_key)?;
    Ok(log)
}

/// # Errors
/// The registry knows no such office, or no such feed.
pub fn rights(
    registry: &Registry,
    issued: Vec<Issued>,
    office: &OfficeId,
    feed: &FeedName,
) -> anyhow::Result<Rights> {
    let known = registry
        .office(office)
        .with_context(|| format!("the registry knows no office {office}; enrol it first"))?;
    let feed = registry.feed(feed).with_context(|| {
        let names: Vec<&str> = registry.feeds().map(|feed| feed.name.as_str()).collect();
        format!(
            "the registry knows no feed {feed}; it knows {}",
            names.join(", ")
        )
    })?;
    let keys = registry.keys_of(office).map(|key| {
        let span = key.span(&feed.name);
        KeyLine {
            keyid: key.keyid.clone(),
            first: span.first.unwrap_or(1),
            last: span.last,
        }
    });
    let certificates = issued::certificates(issued, registry, Some(office));
    Ok(Rights {
        office: office.clone(),
        feed: feed.name.clone(),
        registry: registry.position(),
        closed: registry.is_closed(office),
        rights: allowed(registry, known, feed),
        rows: rows(registry, known, feed),
        keys: keys.collect(),
        certificates,
    })
}

fn allowed(registry: &Registry, office: &Office, feed: &Feed) -> Vec<Allowed> {
    let open = !registry.is_closed(&office.id);
    let of_open = |allowed: Option<&str>| match open {
        true => allowed.unwrap_or("no rule allows it").to_owned(),
        false => "the authority has closed the office".to_owned(),
    };
    let granted = |what, right| {
        let mut grants = registry.grants();
        let grant = grants.find(|grant| {
            grant.feed == feed.name && grant.right == right && grant.who.names(office)
        });
        Allowed {
            what,
            allowed: open && grant.is_some(),
            rule: of_open(grant.map(|grant| &*grant.rule)),
        }
    };
    vec![
        granted("publish to its own log", Right::Publish),
        granted("read every office's log", Right::Read),
        Allowed {
            what: "read its own log",
            allowed: open,
            rule: of_open(Some("an office reads its own logs")),
        },
        Allowed {
            what: "publish to another's log",
            allowed: false,
            rule: "nobody may".to_owned(),
        },
    ]
}

fn rows(registry: &Registry, office: &Office, feed: &Feed) -> Option<String> {
    let at = feed.province_at.as_ref()?;
    Some(match office.standing {
        Standing::Headquarters => format!("any province's ({at} may name any)"),
        Standing::Provincial => {
            let province = office
                .province
                .as_ref()
                .and_then(|code| registry.province(code));
            let (pcode, name) = province.map_or(("", ""), |own| (&own.pcode, &own.name_en));
            format!("its own province's ({at} must be {pcode}, {name})")
        }
    })
}

impl Rights {
    /// For a person to read.
    pub fn table(&self) -> String {
        let mut rights = Table::new(&["what", "allowed", "by which rule"]);
        for right in &self.rights {
            let allowed = if right.allowed { "yes" } else { "no" };
            rights.row([right.what, allowed, &right.rule]);
        }
        let mut keys = Table::new(&["signing key", "its signatures"]);
        for key in &self.keys {
            keys.row([key.keyid.as_str(), &key.positions()]);
        }
        let rows = self.rows.as_ref();
        let rows = rows.map_or(String::new(), |rows| {
            format!("figures it may send: {rows}\n")
        });
        let certificates = match &self.certificates[..] {
            [] => String::new(),
            lines => format!("{}\n", issued::certificates_table(lines)),
        };
        let closed = if self.closed { " (CLOSED)" } else { "" };
        format!(
            "{}{closed} on {}, by the registry at position {}\n{rights}\n{rows}{keys}\n{certificates}",
            self.office, self.feed, self.registry
        )
    }
}

impl KeyLine {
    fn positions(&self) -> String {
        positions(&Span {
            first: Some(self.first),
            last: self.last,
        })
    }
}

#[cfg(test)]
mod tests {
    use schemas::event::Hash;
    use schemas::registry::{RegistryEvent, seed};

    use super::*;

    fn given() -> Registry {
        let mut registry = Registry::empty(Hash::of(b"genesis"));
        for said in seed() {
            registry.apply(&said).expect("the seed can be applied");
        }
        for office in ["moh/siem-reap", "moh/hq"] {
            let id = office.parse().expect("an office");
            let office = registry.usual_office(&id).expect("usual");
            registry
                .apply(&RegistryEvent::OfficeAdded(office))
                .expect("applied");
        }
        registry
    }

    fn told(office: &str, feed: &str) -> Rights {
        let office = office.parse().expect("an office");
        let feed = feed.parse().expect("a feed");
        rights(&given(), Vec::new(), &office, &feed).expect("known")
    }

    #[test]
    fn a_provincial_office_is_told_its_rule_and_its_rows() {
        let health = told("moh/siem-reap", "health-quarterly");
        assert!(health.rights[0].allowed);
        assert!(
            health.rights[0]
                .rule
                .starts_with("health-quarterly/publish/")
        );
        let rows = health.rows.expect("a row rule");
        assert!(rows.contains("KH17"), "{rows}");
    }

    #[test]
    fn what_no_rule_allows_is_said_to_be_so() {
        let prices = told("moh/siem-reap", "market-prices");
        assert!(!prices.rights[0].allowed && !prices.rights[1].allowed);
        assert!(prices.table().contains("no rule allows it"));
        assert!(told("moh/hq", "market-prices").rights[1].allowed);
    }
}
