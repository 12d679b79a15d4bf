//! What the agent says of itself: the link's state, as the link last saw it. Set by `link`, read by `web`; nothing is decided here.

use std::time::Duration;

use schemas::event::Timestamp;
use schemas::refusal::Code;
use serde::Serialize;
use tokio::time::Instant;

use crate::outbox::Held;

/// A trouble that lasts is told again after so long.
const TOLD_AGAIN: Duration = Duration::from_secs(10 * 60);

/// The link to the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    Connecting,
    Connected {
        gateway: String,
        since: Timestamp,
    },
    Down {
        since: Timestamp,
        why: String,
        /// In Khmer, where the office itself can mend it.
        why_km: Option<String>,
        /// The gateways do not take the office, and will not until the authority says something else.
        turned_away: Option<Code>,
    },
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_km: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

impl LinkState {
    pub fn report(&self) -> LinkReport {
        let plain = |state| LinkReport {
            state,
            gateway: None,
            since: None,
            why: None,
            why_km: None,
            code: None,
        };
        match self {
            LinkState::Connecting => plain("connecting"),
            LinkState::Connected { gateway, since } => LinkReport {
                gateway: Some(gateway.clone()),
                since: Some(since.to_string()),
                ..plain("connected")
            },
            LinkState::Down {
                since,
                why,
                why_km,
                turned_away,
            } => LinkReport {
                since: Some(since.to_string()),
                why: Some(why.clone()),
                why_km: why_km.clone(),
                code: turned_away.map(|code| code.name),
                ..plain("down")
            },
        }
    }

    /// What holds up everything that waits, where the gateways do not take the office at all.
    pub fn held(&self) -> Option<Held> {
        let LinkState::Down {
            since,
            turned_away: Some(code),
            ..
        } = self
        else {
            return None;
        };
        Some(Held {
            code: code.name.to_owned(),
            text: code.en.to_owned(),
            since_ms: u64::try_from(since.unix_seconds()).unwrap_or(0) * 1_000,
        })
    }
}

/// What a room has told of a trouble, so that one that lasts does not fill the log.
#[derive(Debug, Default)]
pub struct Told(Option<(String, Instant)>);

impl Told {
    /// Whether this is another trouble than the last one, or that one lasts long.
    pub fn is_news(&mut self, why: &str, now: Instant) -> bool {
        let same =
            |(told, at): &(String, Instant)| told == why && now.duration_since(*at) < TOLD_AGAIN;
        let news = !self.0.as_ref().is_some_and(same);
        if news {
            self.0 = Some((why.to_owned(), now));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_that_lasts_is_told_once_in_ten_minutes() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(told.is_news("no answer", now));
        assert!(!told.is_news("no answer", now + TOLD_AGAIN / 2));
        assert!(told.is_news("no answer", now + TOLD_AGAIN));
        assert!(told.is_news("no room", now + TOLD_AGAIN));
    }
}
