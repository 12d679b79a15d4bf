//! Feeds: what a feed is called, whose it is, which events travel on it and by which contracts their data is checked.
//! Who may publish and who may read stands in grants, not here.

use serde::{Deserialize, Serialize};

use crate::event::Classification;
use crate::subject::FeedName;

/// A named kind of information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub name: FeedName,
    /// The owning ministry's code.
    pub owner: String,
    pub title_en: String,
    pub title_km: String,
    pub classification: Classification,
    /// JSON Pointer to the P-code of the province that the figures are of; none where data is of no one province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province_at: Option<String>,
    pub types: Vec<EventType>,
}

/// A type of event that travels on a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// The CloudEvents `type`.
    pub name: String,
    pub action: Action,
    /// The URIs (`dataschema`) of the contracts that its data may follow; the first is the one to write by.
    pub contracts: Vec<String>,
}

/// What an event does to what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Says something for the first time.
    Submitted,
    /// Says it anew; `causationid` is the event corrected.
    Corrected,
    /// Takes it back, and holds no figures; `causationid` is the event withdrawn.
    Withdrawn,
}

impl Feed {
    pub fn event_type(&self, name: &str) -> Option<&EventType> {
        self.types.iter().find(|known| known.name == name)
    }

    /// The type by which an event is admitted: one of the feed's, or a notice of every feed's.
    pub fn admits(&self, name: &str) -> Option<&EventType> {
        self.event_type(name)
            .or_else(|| crate::notice::on_every_feed(name))
    }

    /// The type of an action's events, such as the one that a plain submission has.
    pub fn type_of(&self, action: Action) -> Option<&EventType> {
        self.types.iter().find(|known| known.action == action)
    }
}

impl EventType {
    /// The contract that new data is written by.
    pub fn contract(&self) -> &str {
        self.contracts.first().map_or("", String::as_str)
    }

    pub fn takes(&self, data_schema: &str) -> bool {
        self.contracts.iter().any(|uri| uri == data_schema)
    }
}
