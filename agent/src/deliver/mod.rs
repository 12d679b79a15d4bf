//! What arrived in the inbox comes in, in the order of each log; the office's application has it afterwards, and a mark on disk says so. An event
//! whose delivery was not confirmed is delivered again; one that was is not. A target is what the settings name; it is remembered by that name.
//!
//! # What an event of the inbox is to a target
//!
//! ```text
//!                      is its position behind all that was delivered of its log? ── yes ──> next: due
//!                               │ no
//!               was it passed over, as declared lost? ── yes ──> late: due
//!                               │ no
//!        is the hash that was delivered there its own? ── yes ──> done
//!                               │ no, or not known
//!    does the chain here reach the last delivered hash? ── yes, the same ──> done: what was known there is harmed
//!                               │           └ yes, another ──> branch: told, due, and the log goes on from it
//!                               │ no
//!            was another hash delivered there? ── yes ──> branch
//!                               └ not known ──> undecided: its log waits until the chain reaches that far; told
//! ```
//!
//! # What a log is at a target
//!
//! *due* (its next event is known), *under way* (posted, or in a write), *held up* (not taken, and due again at a time), *quiet* (nothing has come).
//! Each log goes through these alone: no log waits for another one's event. The target as a whole is *delivering*, *waiting* (it
//! takes nothing now: no connection, 429, 503, 401, 403, 404, a redirect; or a log is held up), or *retired* (410).
//!
//! # What is true after a crash
//!
//! | the process ends | what the application has | what follows |
//! |---|---|---|
//! | before a webhook's answer is marked | perhaps the event | it is posted again: at least once |
//! | while a file is written, before the mark | nothing of it: the file is not in its place | its lines are found in it, and marked |
//! | behind the mark, before the file is back in its place | nothing of it | the file is put back; nothing is written twice |
//! | behind that | the lines | nothing: they are marked |
//! | between the two copies of the marks | as the first copy says | the second gets what only the first has |
//! | while an order of a person is written | | it is done and remembered, or neither; half of it at worst does less, and says so |
//!
//! What is lost, and what tells: marks in one copy (the other); hashes from far back (the chain in the inbox); the inbox (marks and
//! hashes, while it is read again from the bus); the delivered file (marks). Where all of it is lost, a file's own lines tell by their hashes; a webhook gets everything again, and an alarm says that it begins.

pub mod delivered;
pub mod feeds;
mod file;
mod judge;
mod lanes;
pub(crate) mod limits;
mod orders;
mod targets;
mod telling;
mod to_file;
mod to_webhook;
mod webhook;
mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::delivered::{Delivered, Here};
use self::file::LineFile;
use self::limits::{LINES_TOGETHER, ORDERS_WAITING};
use self::orders::blocking;
pub use self::orders::{ARRIVAL, Done, Refused, What};
pub use self::targets::{Target, TargetState, Targets};
use self::to_file::ToFile;
use self::to_webhook::ToWebhook;
use self::webhook::Webhook;
pub use self::written::{Believes, signed_by};
use crate::inbox::Inbox;
use crate::settings::{Deliver, DeliverTo, TargetName, Waits};
use crate::store::Outage;
use crate::watchdog::in_room;

/// What all deliveries stand on.
#[derive(Clone)]
pub struct From {
    pub inbox: Inbox,
    pub delivered: Arc<Delivered>,
    pub targets: Targets,
    /// Whether an event in a file is one of this bus, by who signed it.
    pub believes: Believes,
}

/// One target's way to one feed.
struct Ground {
    /// What was delivered is remembered under it.
    name: TargetName,
    feed: FeedName,
    /// What a person is shown of where it goes.
    shown: String,
    waits: Waits,
    inbox: Inbox,
    delivered: Arc<Delivered>,
    targets: Targets,
    believes: Believes,
}

/// Delivers to every target until the shutdown.
///
/// # Errors
/// The store failed: whoever owns it opens it anew.
pub async fn run(all: Vec<Deliver>, from: From, shutdown: CancellationToken) -> Result<(), Outage> {
    let mut tasks = JoinSet::new();
    let names: Vec<TargetName> = all.iter().map(|deliver| deliver.name.clone()).collect();
    let mut files: BTreeMap<PathBuf, LineFile> = BTreeMap::new();
    for deliver in all {
        let ground = Arc::new(Ground::of(&deliver, &from));
        let (orders, ordered) = mpsc::channel(ORDERS_WAITING);
        from.targets.begin(Arc::clone(&ground), orders);
        let (stop, names) = (shutdown.clone(), names.clone());
        let file = match &deliver.to {
            DeliverTo::File(path) => {
                let file = files.entry(path.clone());
                Some(file.or_insert_with(|| LineFile::new(path.clone())).clone())
            }
            DeliverTo::Webhook { .. } => None,
        };
        let delivering = async move {
            ground.begin(&deliver, names).await?;
            match (deliver.to, file) {
                (DeliverTo::Webhook { url, leave }, _) => {
                    let webhook = Webhook::new(url, leave, deliver.waits.answer);
                    ToWebhook::new(ground, webhook).run(ordered).await
                }
                (DeliverTo::File(path), file) => {
                    let file = file.unwrap_or_else(|| LineFile::new(path));
                    ToFile::new(ground, file).run(ordered).await
                }
            }
        };
        tasks.spawn(in_room("deliver/target", async move {
            tokio::select! {
                done = delivering => done,
                () = stop.cancelled() => Ok(()),
            }
        }));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap_or(Err(Outage::Stopped))?;
    }
    shutdown.cancelled().await;
    Ok(())
}

impl Ground {
    fn of(deliver: &Deliver, from: &From) -> Ground {
        let shown = match &deliver.to {
            DeliverTo::Webhook { url, .. } => targets::shown(url),
            DeliverTo::File(path) => path.display().to_string(),
        };
        Ground {
            name: deliver.name.clone(),
            feed: deliver.feed.clone(),
            shown,
            waits: deliver.waits,
            inbox: from.inbox.clone(),
            delivered: Arc::clone(&from.delivered),
            targets: from.targets.clone(),
            believes: Arc::clone(&from.believes),
        }
    }

    /// Goes on where the target was, under whatever name.
    async fn begin(
        self: &Arc<Ground>,
        deliver: &Deliver,
        all: Vec<TargetName>,
    ) -> Result<(), Outage> {
        let (ground, deliver) = (Arc::clone(self), deliver.clone());
        blocking(move || {
            let to = match &deliver.to {
                DeliverTo::Webhook { url, .. } => url.clone(),
                DeliverTo::File(path) => path.display().to_string(),
            };
            let here = Here {
                name: &ground.name,
                feed: &ground.feed,
                to: &to,
                usual: TargetName::usual(&deliver.feed, &deliver.to),
                all: &all,
            };
            let knew = ground.delivered.knows(&ground.name);
            let has = ground.delivered.adopt(&here)?;
            if !knew && !has {
                ground.tell_begins();
            }
            for (log, _) in ground.inbox.logs(&ground.feed)? {
                ground.learn(&log)?;
            }
            Ok(())
        })
        .await
    }

    /// What was delivered before hashes were remembered is what the inbox has, now that they are.
    fn learn(&self, log: &LogName) -> Result<(), Outage> {
        let up_to = self.delivered.up_to(&self.name, log);
        let Some(end) = Position::new(up_to.position).filter(|_| up_to.hash.is_none()) else {
            return Ok(());
        };
        let mut hashes: BTreeMap<u64, Hash> = BTreeMap::new();
        let mut at = 0;
        while let Some(event) = self.inbox.next_in_log(log, at)? {
            if event.position > end {
                break;
            }
            at = event.position.number();
            if !up_to.passed_over.contains(at) {
                hashes.insert(at, event.hash);
            }
            if hashes.len() >= LINES_TOGETHER {
                self.delivered.learn(&self.name, log, &hashes, None)?;
                hashes.clear();
            }
        }
        let known = self.inbox.hash_known(log, end)?;
        self.delivered.learn(&self.name, log, &hashes, known)
    }
}

#[cfg(test)]
mod tests;
