//! How far the deliveries have come, for the bar and to know when to close the account.
//! In: the ledger and the subscribers' feeds, each read on from the last look. Out: a count. Never: the account itself, which reads all again.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::LogKey;
use crate::stage::Stage;

/// What each office was told is accepted.
pub type Ledger = BTreeMap<LogKey, BTreeSet<String>>;

#[derive(Default)]
pub struct Arrivals {
    /// Where the last look ended, by subscriber and feed.
    read_to: BTreeMap<(&'static str, String), u64>,
    seen: BTreeSet<(&'static str, LogKey, String)>,
}

/// How many deliveries the ledger asks for: each event once at each of its feed's subscribers.
pub fn expected(ledger: &Ledger) -> usize {
    let of_log = |(log, ids): (&LogKey, &BTreeSet<String>)| {
        ids.len() * Stage::subscribers(&log.feed, &log.office).len()
    };
    ledger.iter().map(of_log).sum()
}

impl Arrivals {
    /// Reads what has arrived since the last look; how many deliveries of the ledger's events there are by now.
    pub async fn look(&mut self, stage: &Stage, ledger: &Ledger) -> usize {
        let pairs = ledger.keys().flat_map(|log| {
            let subscribers = Stage::subscribers(&log.feed, &log.office);
            subscribers
                .into_iter()
                .map(|subscriber| (subscriber, log.feed.clone()))
        });
        for (subscriber, feed) in pairs.collect::<BTreeSet<_>>() {
            let read_to = self.read_to.entry((subscriber, feed.clone())).or_default();
            for event in stage
                .office(subscriber)
                .received_after(&feed, read_to)
                .await
            {
                let log = event["source"].as_str().and_then(LogKey::of_source);
                let known = log.and_then(|log| ledger.get_key_value(&log));
                let id = event["id"].as_str().unwrap_or_default();
                if let Some((log, _)) =
                    known.filter(|(log, ids)| log.office != subscriber && ids.contains(id))
                {
                    self.seen.insert((subscriber, log.clone(), id.to_owned()));
                }
            }
        }
        self.seen.len()
    }
}
