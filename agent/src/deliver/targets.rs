//! How it goes with each application: what became of its deliveries comes in, what a person is told of it goes out. Nothing is decided
//! by it. An address is shown without what may be a secret in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::subject::FeedName;
use serde::Serialize;

use super::limits::ANSWER_SHOWN;
use crate::store::alarms::now_ms;

/// How it goes with one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    pub feed: FeedName,
    /// The file, or the address without user, password and query.
    pub to: String,
    pub state: TargetState,
    /// Since when it is so.
    pub since_ms: u64,
    /// Everything up to this arrival is delivered.
    pub delivered: u64,
    /// What the last delivery was answered with; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// What arrives is delivered.
    Delivering,
    /// Something was not taken, and is offered again.
    Waiting,
    /// It wants nothing more (410): nothing is sent until the agent starts again.
    Retired,
}

/// All of them, by what they are remembered under.
#[derive(Debug, Clone, Default)]
pub struct Targets(Arc<Mutex<BTreeMap<String, Target>>>);

impl Targets {
    pub fn list(&self) -> Vec<Target> {
        self.all().values().cloned().collect()
    }

    pub(super) fn begin(&self, name: &str, feed: &FeedName, to: &str) {
        let target = Target {
            feed: feed.clone(),
            to: to.to_owned(),
            state: TargetState::Delivering,
            since_ms: now_ms(),
            delivered: 0,
            answer: None,
        };
        self.all().insert(name.to_owned(), target);
    }

    pub(super) fn delivered(&self, name: &str, up_to: u64) {
        if let Some(target) = self.all().get_mut(name) {
            target.delivered = up_to;
        }
    }

    pub(super) fn answered(&self, name: &str, state: TargetState, answer: &str) {
        if let Some(target) = self.all().get_mut(name) {
            if target.state != state {
                target.state = state;
                target.since_ms = now_ms();
            }
            let cut = answer.floor_char_boundary(ANSWER_SHOWN);
            target.answer = Some(answer[..cut].to_owned());
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Target>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address as it may be logged: user, password, query and fragment are left out.
pub fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, expected) in [
            (
                "https://u:p@prices.example/events?key=s#f",
                "https://prices.example/events",
            ),
            ("http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b"),
            ("https://u@h", "https://h"),
            ("https://h?key=a/b@c", "https://h"),
            ("https://h/a@b", "https://h/a@b"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
