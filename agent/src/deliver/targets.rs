//! How it goes with each application: what became of its deliveries comes in, what a person is told of it goes out, and what a person orders
//! goes to whoever delivers. Nothing is decided by it. An address is shown without what may be a secret in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::subject::{FeedName, LogName};
use serde::Serialize;
use tokio::sync::mpsc;

use super::Ground;
use super::delivered::Order;
use super::limits::{ANSWER_SHOWN, STUCK_SHOWN};
use super::orders::Request;
use crate::settings::TargetName;
use crate::store::Outage;
use crate::store::alarms::now_ms;

/// How it goes with one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    pub name: String,
    pub feed: FeedName,
    /// The file, or the address without user, password and query.
    pub to: String,
    pub state: TargetState,
    /// Since when it is so.
    pub since_ms: u64,
    /// Everything up to this arrival is delivered.
    pub delivered: u64,
    /// Events that have arrived and are not delivered.
    pub waiting: u64,
    /// What the last delivery was answered with; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<u64>,
    /// Logs that wait because their next event is not taken.
    pub stuck_logs: usize,
    /// The first of them.
    pub stuck: Vec<Stuck>,
    /// What people said of it, the last first.
    pub orders: Vec<Order>,
}

/// A log whose next event is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stuck {
    pub source: String,
    pub position: u64,
    pub id: String,
    pub tries: u32,
    pub since_ms: u64,
    pub answer: String,
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

struct Entry {
    ground: Arc<Ground>,
    state: TargetState,
    since_ms: u64,
    answer: Option<String>,
    answered_ms: Option<u64>,
    stuck: BTreeMap<LogName, Stuck>,
    orders: mpsc::Sender<Request>,
}

/// All of them, by name.
#[derive(Clone, Default)]
pub struct Targets(Arc<Mutex<BTreeMap<TargetName, Entry>>>);

impl Targets {
    /// What is to be told of each. It is looked up in the stores: call it where blocking is allowed.
    pub fn list(&self) -> Result<Vec<Target>, Outage> {
        let mut all: Vec<(Target, Arc<Ground>)> = Vec::new();
        for entry in self.all().values() {
            all.push((entry.told(), Arc::clone(&entry.ground)));
        }
        for (target, ground) in &mut all {
            (target.delivered, target.waiting) = ground.progress()?;
            target.orders = ground.delivered.orders(&ground.name);
        }
        Ok(all.into_iter().map(|(target, _)| target).collect())
    }

    pub(super) fn begin(&self, ground: Arc<Ground>, orders: mpsc::Sender<Request>) {
        let name = ground.name.clone();
        let entry = Entry {
            ground,
            state: TargetState::Delivering,
            since_ms: now_ms(),
            answer: None,
            answered_ms: None,
            stuck: BTreeMap::new(),
            orders,
        };
        self.all().insert(name, entry);
    }

    /// Who carries out what is ordered of a target; None where there is none of the name.
    pub(super) fn orders_of(&self, name: &str) -> Option<mpsc::Sender<Request>> {
        let name: TargetName = name.parse().ok()?;
        let all = self.all();
        all.get(&name).map(|entry| entry.orders.clone())
    }

    pub(super) fn answered(&self, name: &TargetName, state: TargetState, answer: &str) {
        if let Some(target) = self.all().get_mut(name) {
            target.becomes(state);
            target.answer = Some(short(answer));
            target.answered_ms = Some(now_ms());
        }
    }

    /// What stands still is not over because something else was taken.
    pub(super) fn stands(&self, name: &TargetName, state: TargetState) {
        if let Some(target) = self.all().get_mut(name) {
            target.becomes(state);
        }
    }

    pub(super) fn stuck(&self, name: &TargetName, log: &LogName, stuck: Option<Stuck>) {
        if let Some(target) = self.all().get_mut(name) {
            match stuck {
                Some(stuck) => {
                    let answer = short(&stuck.answer);
                    target.stuck.insert(log.clone(), Stuck { answer, ..stuck });
                }
                None => drop(target.stuck.remove(log)),
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<TargetName, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn becomes(&mut self, state: TargetState) {
        if self.state != state {
            self.state = state;
            self.since_ms = now_ms();
        }
    }

    fn told(&self) -> Target {
        Target {
            name: self.ground.name.to_string(),
            feed: self.ground.feed.clone(),
            to: self.ground.shown.clone(),
            state: self.state,
            since_ms: self.since_ms,
            delivered: 0,
            waiting: 0,
            answer: self.answer.clone(),
            answered_ms: self.answered_ms,
            stuck_logs: self.stuck.len(),
            stuck: self.stuck.values().take(STUCK_SHOWN).cloned().collect(),
            orders: Vec::new(),
        }
    }
}

impl Ground {
    /// The arrival up to which everything is delivered, and how many events that have arrived are not.
    fn progress(&self) -> Result<(u64, u64), Outage> {
        // Read before the logs: what arrives while these are looked through is not taken for delivered.
        let end = self.inbox.last_arrival(&self.feed);
        let (mut delivered, mut waiting) = (end, 0);
        for (log, _) in self.inbox.logs(&self.feed)? {
            let up_to = self.delivered.up_to(&self.name, &log);
            let mut behind = up_to.position;
            // Notices at the end are nobody's to deliver.
            let next = loop {
                match self.inbox.next_in_log(&log, behind)? {
                    Some(event) if !event.for_applications => behind = event.position.number(),
                    next => break next,
                }
            };
            if let Some(next) = next {
                delivered = delivered.min(next.arrival.saturating_sub(1));
                waiting += self.inbox.arrived_behind(&log, behind)?;
            }
            if !up_to.passed_over.is_empty() {
                let back = self.inbox.first_arrival_of(&log, &up_to.passed_over)?;
                delivered = back.map_or(delivered, |back| delivered.min(back.saturating_sub(1)));
            }
        }
        Ok((delivered, waiting))
    }
}

fn short(answer: &str) -> String {
    answer[..answer.floor_char_boundary(ANSWER_SHOWN)].to_owned()
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
