//! Two registries come in, one before and one after some words; what is different for whom goes out. Whatever the words are, their
//! effect is computed by the rules by which gateways decide.

use schemas::registry::{Key, Registry, Rule, Span};
use schemas::subject::{FeedName, LogName, OfficeId};
use serde::Serialize;

use super::issued::Issued;
use super::table::Table;

/// One thing that is different for one office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// None for what no office of the registry has, such as a certificate of which nothing is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeId>,
    pub what: String,
    pub before: String,
    pub after: String,
}

/// What some words change.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Changes(Vec<Change>);

impl Changes {
    pub fn between(before: &Registry, after: &Registry, issued: &[Issued]) -> Changes {
        let mut changes = Changes::default();
        for office in after.offices() {
            let office = &office.id;
            changes.compare(
                office,
                "sessions",
                entry(before, office),
                entry(after, office),
            );
            for feed in after.feeds() {
                let feed = &feed.name;
                let right = format!("publish on {feed}");
                let publish = |registry| may_publish(registry, office, feed);
                changes.compare(office, &right, publish(before), publish(after));
                let right = format!("read {feed}");
                let read = |registry| may_read(registry, office, feed);
                changes.compare(office, &right, read(before), read(after));
            }
            for key in after.keys_of(office) {
                changes.compare_key(before.key(&key.keyid), key, after);
            }
        }
        let new = |serial: &&_| !before.is_revoked(serial);
        for serial in after.revoked_certificates().filter(new) {
            let whose = issued.iter().find(|issued| issued.serial == *serial);
            changes.0.push(Change {
                office: whose.map(|issued| issued.office.clone()),
                what: format!("certificate {serial}"),
                before: "good".to_owned(),
                after: "revoked for ever: its sessions end".to_owned(),
            });
        }
        changes
    }

    fn compare(&mut self, office: &OfficeId, what: &str, before: String, after: String) {
        if before != after {
            self.0.push(Change {
                office: Some(office.clone()),
                what: what.to_owned(),
                before,
                after,
            });
        }
    }

    fn compare_key(&mut self, before: Option<&Key>, after: &Key, registry: &Registry) {
        for feed in registry.feeds() {
            let what = format!("signatures of key {} on {}", after.keyid, feed.name);
            let before = before.map_or("unknown".to_owned(), |key| positions(key.span(&feed.name)));
            let after_words = positions(after.span(&feed.name));
            self.compare(&after.office, &what, before, after_words);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a person to read.
    pub fn table(&self) -> String {
        if self.is_empty() {
            return "nothing changes for any office".to_owned();
        }
        let mut table = Table::new(&["office", "what", "before", "after"]);
        for Change {
            office,
            what,
            before,
            after,
        } in &self.0
        {
            let office = office
                .as_ref()
                .map_or("not known here".into(), ToString::to_string);
            table.row([&*office, what, before, after]);
        }
        table.to_string()
    }
}

/// The positions at which a key's signature counts.
pub fn positions(span: &Span) -> String {
    let first = span.first.unwrap_or(1);
    match span.last {
        Some(0) => "count nowhere".to_owned(),
        Some(last) => format!("count at {first} to {last}"),
        None => format!("count at {first} and on"),
    }
}

fn entry(registry: &Registry, office: &OfficeId) -> String {
    match registry.office(office) {
        None => "not known",
        Some(_) if registry.is_closed(office) => "none: closed",
        Some(_) => "let in",
    }
    .to_owned()
}

fn may_publish(registry: &Registry, office: &OfficeId, feed: &FeedName) -> String {
    let granted = registry.may_publish(office, feed);
    granted.map_or("no".to_owned(), |grant| format!("by {}", grant.rule))
}

fn may_read(registry: &Registry, office: &OfficeId, feed: &FeedName) -> String {
    let log = LogName {
        feed: feed.clone(),
        office: office.clone(),
    };
    match registry.may_read(office, &log) {
        Ok(Rule::Grant(grant)) => format!("by {}", grant.rule),
        Ok(Rule::OwnLog) => "its own log".to_owned(),
        Err(_) => "no".to_owned(),
    }
}
