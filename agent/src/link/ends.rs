//! Where feeds' streams end, over all sessions: what was delivered here, and what gateways and readers have named, come in; where the gateway
//! says less than somebody has named, a person is told. Forgotten with the process: what is on disk has its own witnesses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::alarm::Alarm;
use schemas::newest::{End, Newest, Witnesses, contradiction};
use schemas::subject::FeedName;

use super::named::THE_GATEWAY;
use crate::store::alarms::Alarms;

/// As whom this office remembers what was delivered to it.
const THIS_OFFICE: &str = "this office";

/// Cheap to clone. The registry bounds the feeds.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<FeedName, Witnesses>>>);

impl Ends {
    /// This message of the feed's stream was delivered here.
    pub fn sees(&self, feed: &FeedName, sequence: u64) {
        if let Some(newest) = Newest::new(sequence) {
            self.names(feed, THIS_OFFICE, newest);
        }
    }

    /// The newest that was delivered here.
    pub fn seen(&self, feed: &FeedName) -> Option<Newest> {
        self.all().get(feed)?.of(THIS_OFFICE)
    }

    /// Somebody has seen the feed's stream end there, and has signed that, or is the gateway.
    pub fn names(&self, feed: &FeedName, who: &str, newest: Newest) {
        let now = Instant::now();
        let mut all = self.all();
        match all.get_mut(feed) {
            Some(witnesses) => witnesses.name(who, newest, now),
            None => all.entry(feed.clone()).or_default().name(who, newest, now),
        }
    }

    /// The gateway here says, unsigned, where streams end or did a moment ago.
    pub fn gateway_says(&self, ends: &[End], alarms: &Alarms) {
        for end in ends {
            self.gateway_has(THE_GATEWAY, end, alarms);
        }
    }

    /// A gateway's word about now. Who has named more a while before it is told with it.
    pub fn gateway_has(&self, gateway: &str, end: &End, alarms: &Alarms) {
        let End { feed, newest, ago } = end;
        let now = Instant::now();
        let at = now.checked_sub(*ago).unwrap_or(now);
        let mut all = self.all();
        let witnesses = all.entry(feed.clone()).or_default();
        let contradicted = witnesses.hold_against(*newest, at);
        witnesses.name(gateway, *newest, now);
        drop(all);
        if let Some(text) = contradiction(feed, (gateway, *newest), &contradicted) {
            alarms.raise(Alarm::FeedBehind, format!("{text}; tell the operator"));
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<FeedName, Witnesses>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the stream ends now, by somebody who was asked a moment ago.
pub fn now(feed: &FeedName, sequence: u64) -> Option<End> {
    Some(End {
        feed: feed.clone(),
        newest: Newest::new(sequence)?,
        ago: Duration::ZERO,
    })
}
