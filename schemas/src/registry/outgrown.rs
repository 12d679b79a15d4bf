//! What a line of the registry says that this version does not understand comes in; what it ends all the same is ended, what is told of it
//! goes out. It gives nothing, and what stands behind it counts: no end of a right is missed because of what stands before it.
//!
//! Rights are grants. So of a rule that is said anew in unknown words, the old words do not stand either; and whatever ends a right ends
//! it by what is known of it, however much more is said.

use std::fmt;

use serde_json::{Map, Value};

use super::{Registry, RegistryEvent, RuleName};
use crate::json;

/// Lines that are named one by one: more say only that this version is old.
const NAMED_MAX: usize = 8;
/// Of a name that is not known here, so much is told.
const KIND_CHARS_MAX: usize = 40;

/// The lines that this version does not understand: it is older than the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgrown {
    lines: u64,
    named: Vec<(u64, String)>,
}

impl Outgrown {
    /// How many there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    fn add(&mut self, position: u64, kind: String) {
        self.lines = self.lines.saturating_add(1);
        if self.named.len() < NAMED_MAX {
            self.named.push((position, kind));
        }
    }
}

impl fmt::Display for Outgrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.iter();
        let named: Vec<String> = named
            .map(|(position, kind)| format!("{position} ({kind})"))
            .collect();
        let more = match self.lines.saturating_sub(self.named.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        write!(
            f,
            "registry-outgrown: this program is older than the registry and does not understand what stands at position {}{more}; \
             the lines behind it count, what these give is not known here: update this program",
            named.join(", ")
        )
    }
}

impl Registry {
    /// What of it is not understood here; none of it, where this version is as new as the registry.
    pub fn outgrown(&self) -> Option<&Outgrown> {
        Some(&self.outgrown).filter(|outgrown| outgrown.lines > 0)
    }

    /// Goes on behind a line that says something else than this version knows.
    pub(crate) fn pass_over(&mut self, data: &[u8]) {
        let members = match json::parse(data) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        };
        if let Some(end) = ends(&members) {
            // What is not known here has nothing that could be ended.
            self.change(&end).ok();
        }
        if let Some(keyid) = is_unclear(&members) {
            self.keys.remove(keyid);
        }
        self.position = self.position.saturating_add(1);
        let kind = text(&members, "kind").unwrap_or("no kind");
        let plain = kind.chars().filter(|c| !c.is_control());
        self.outgrown
            .add(self.position, plain.take(KIND_CHARS_MAX).collect());
    }
}

/// What a line ends, by the members that are known here.
fn ends(members: &Map<String, Value>) -> Option<RegistryEvent> {
    let known: &[&str] = match text(members, "kind")? {
        "grant-added" => {
            let rule = text(members, "rule")?.to_owned();
            return Some(RegistryEvent::GrantRemoved(RuleName { rule }));
        }
        "grant-removed" => &["kind", "rule"],
        "office-closed" => &["kind", "office"],
        "certificate-revoked" => &["kind", "serial"],
        "key-retired" => &["kind", "keyid", "last"],
        _ => return None,
    };
    let mut members = members.clone();
    members.retain(|name, _| known.contains(&name.as_str()));
    serde_json::from_value(Value::Object(members)).ok()
}

/// A key that is ended nobody knows where: whatever it signed waits.
fn is_unclear(members: &Map<String, Value>) -> Option<&str> {
    let retired = text(members, "kind") == Some("key-retired") && ends(members).is_none();
    text(members, "keyid").filter(|_| retired)
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}
