//! Deliveries of the bus come in, verified events lie in the inbox afterwards, with the cursor, in one sync.
//! An event that cannot be checked yet is neither passed nor lost: the cursor stays before it.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
    )
)]

mod limits;
mod reader;
mod registry;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::code::CodeName;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName, OfficeId};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::limits::{PAUSE_FIRST, PAUSE_LONGEST, REREAD_INTERVAL};
use self::reader::{Ended, Reader};
use crate::inbox::Inbox;
use crate::link::{Link, NoAnswer, Outage, Session};
use crate::status::Told;
use crate::store;
use crate::watchdog::in_room;

pub(crate) use self::reader::batch::Batch;
pub use self::registry::{MemoryFault, RegistryFault, RegistryFile, RegistryKeeper};
pub use self::verify::{
    Incoming, No, Place, Unbelieved, Unread, Verified, VerifiedEvent, VerifiedGap, Verifier,
};

/// Why a reader cannot go on now.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Unanswered(#[from] NoAnswer),
    #[error(transparent)]
    Store(#[from] store::Outage),
}

impl From<Outage> for Trouble {
    fn from(outage: Outage) -> Trouble {
        Trouble::Unanswered(outage.into())
    }
}

/// What holds readers up, for people to see: a log that cannot be checked yet, or a feed that cannot be read.
#[derive(Clone, Default)]
pub struct Holds(Arc<Mutex<BTreeMap<FeedName, FeedHolds>>>);

/// What holds one feed up.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct FeedHolds {
    /// Why the feed is not read now.
    pub feed: Option<String>,
    /// The code for each office whose events cannot be checked yet.
    pub logs: BTreeMap<OfficeId, CodeName>,
}

impl Holds {
    pub fn of(&self, feed: &FeedName) -> FeedHolds {
        self.change(feed, |holds| holds.clone())
    }

    fn change<T>(&self, feed: &FeedName, change: impl FnOnce(&mut FeedHolds) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(feed.clone()).or_default())
    }
}

/// What receiving stands on.
#[derive(Clone)]
pub struct Receive {
    pub office: OfficeId,
    pub inbox: Inbox,
    pub link: Link,
    pub registry: watch::Receiver<Arc<Registry>>,
    /// Asks for the registry's further lines.
    pub registry_wanted: Arc<Notify>,
    pub holds: Holds,
}

impl Receive {
    /// One reader for each feed that the office may read, until the shutdown.
    ///
    /// # Errors
    /// The store failed: whoever owns it opens it anew.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), store::Outage> {
        let mut begun = BTreeMap::new();
        let mut readers = JoinSet::new();
        loop {
            let registry = self.registry.borrow_and_update().clone();
            let readable = registry.readable_feeds(&self.office);
            let names: Vec<FeedName> = readable.iter().map(|feed| feed.name.clone()).collect();
            begun.retain(|feed, stop: &mut CancellationToken| {
                let stays = names.contains(feed);
                if !stays {
                    stop.cancel();
                }
                stays
            });
            for feed in names {
                let stop = shutdown.child_token();
                if !begun.contains_key(&feed) {
                    begun.insert(feed.clone(), stop.clone());
                    let reading = self.clone().read(feed, stop);
                    readers.spawn(in_room("receive/reader", reading));
                }
            }
            tokio::select! {
                Some(ended) = readers.join_next() => match ended {
                    Ok(done) => done?,
                    Err(_panicked) => return Err(store::Outage::Stopped),
                },
                Ok(()) = self.registry.changed() => {}
                () = shutdown.cancelled() => break,
            }
        }
        while let Some(ended) = readers.join_next().await {
            ended.unwrap_or(Err(store::Outage::Stopped))?;
        }
        Ok(())
    }

    /// Passes through one feed, one after the other.
    ///
    /// # Errors
    /// As [`Receive::run`].
    pub async fn read(self, feed: FeedName, stop: CancellationToken) -> Result<(), store::Outage> {
        let mut troubles: u32 = 0;
        let mut told = Told::default();
        let mut compare_from = Instant::now();
        let leftover = Mutex::default();
        let mut doubt = false;
        while !stop.is_cancelled() {
            let session = tokio::select! {
                session = self.link.session() => session,
                () = stop.cancelled() => break,
            };
            let began = Instant::now();
            let ended = tokio::select! {
                ended = self.pass(&feed, &session, &leftover, (doubt, compare_from)) => ended,
                () = stop.cancelled() => break,
            };
            doubt = false;
            if began.elapsed() >= PAUSE_LONGEST {
                troubles = 0;
            }
            let wait = match ended {
                Ok(Ended::RegistryChanged) => continue,
                Ok(Ended::PassedOver) => {
                    tracing::warn!(%feed, "the bus counts more than was seen: what is not complete is read again");
                    (doubt, compare_from) = (true, Instant::now() + REREAD_INTERVAL);
                    continue;
                }
                Err(Trouble::Store(outage)) => return Err(outage),
                Err(Trouble::Unanswered(NoAnswer::Outage(Outage::Ended))) => {
                    troubles = 0;
                    session.ended().cancelled().await;
                    continue;
                }
                Err(Trouble::Unanswered(why)) => {
                    troubles = troubles.saturating_add(1);
                    let why = why.to_string();
                    if told.is_news(&why, Instant::now()) {
                        tracing::warn!(%feed, why, "the feed cannot be read now");
                    }
                    self.holds.change(&feed, |holds| holds.feed = Some(why));
                    pause(troubles)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = session.ended().cancelled() => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn pass(
        &self,
        feed: &FeedName,
        session: &Session,
        leftover: &Mutex<Option<String>>,
        (doubt, compare_from): (bool, Instant),
    ) -> Result<Ended, Trouble> {
        let mut registry = self.registry.clone();
        let verifier = Verifier {
            registry: registry.borrow_and_update().clone(),
        };
        self.holds
            .change(feed, |holds| *holds = FeedHolds::default());
        let on_hold = |log: &LogName, hold: &Hold| {
            let code = CodeName::from(hold.code());
            tracing::warn!(%log, %code, "the log waits for the registry");
            self.holds
                .change(feed, |holds| holds.logs.insert(log.office.clone(), code));
            self.registry_wanted.notify_one();
        };
        let reader = Reader {
            feed,
            office: &self.office,
            inbox: &self.inbox,
            session,
            verifier,
            registry,
            leftover,
            compare_from,
            ends: self.link.ends(),
            on_hold: &on_hold,
        };
        reader.pass(doubt).await
    }
}

fn pause(troubles: u32) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << troubles.saturating_sub(1).min(8));
    doubled
        .min(PAUSE_LONGEST)
        .mul_f64(0.75 + 0.25 * fastrand::f64())
}
