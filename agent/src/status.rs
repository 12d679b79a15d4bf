//! What the agent says of itself: the link's state, as the link last saw it. Set by `link`, read by `web`; nothing is decided here.

use schemas::event::Timestamp;
use serde::Serialize;

/// The link to the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    Connecting,
    Connected { gateway: String, since: Timestamp },
    Down { since: Timestamp, why: String },
}

/// The link's state as it is told over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkReport {
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl LinkState {
    pub fn report(&self) -> LinkReport {
        let plain = |state| LinkReport {
            state,
            gateway: None,
            since: None,
            why: None,
        };
        match self {
            LinkState::Connecting => plain("connecting"),
            LinkState::Connected { gateway, since } => LinkReport {
                gateway: Some(gateway.clone()),
                since: Some(since.to_string()),
                ..plain("connected")
            },
            LinkState::Down { since, why } => LinkReport {
                since: Some(since.to_string()),
                why: Some(why.clone()),
                ..plain("down")
            },
        }
    }
}
