//! What was confirmed of others' logs: the position that the bus has taken comes in, how far each log is confirmed goes out. Forgotten, it
//! is confirmed once more, which costs a message and changes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::event::Position;
use schemas::subject::{FeedName, LogName};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Inbox;
use super::kinds::OfLogSaid;
use super::writes::Writes;
use crate::store::Outage;

/// What confirming waits for; forgotten with the process.
#[derive(Default)]
pub(super) struct Confirming {
    unconfirmed: Notify,
    in_step: Mutex<BTreeMap<FeedName, CancellationToken>>,
}

impl Inbox {
    /// How much of a log was confirmed to its office.
    pub fn confirmed(&self, log: &LogName) -> Result<u64, Outage> {
        let shown = self.shown();
        Ok(shown.log(log).map_or(0, |of_log| of_log.confirmed))
    }

    /// The bus has our confirmation. What is forgotten by a crash is confirmed once more.
    pub fn note_confirmed(&self, log: &LogName, position: Position) -> Result<(), Outage> {
        let confirmed = position.number();
        self.note(log, |said| OfLogSaid { confirmed, ..said })
    }

    /// The bus has less of a log than was read: what was confirmed of it is to be said again, for the bus may have lost that, too.
    pub fn forget_confirmed(&self, log: &LogName) -> Result<(), Outage> {
        self.note(log, |said| OfLogSaid {
            confirmed: 0,
            ..said
        })?;
        self.inner.confirming.unconfirmed.notify_one();
        Ok(())
    }

    /// Writes down what the events of a log do not say, where that is another thing than is known. It is not synced.
    pub(super) fn note(
        &self,
        name: &LogName,
        changed: impl FnOnce(OfLogSaid) -> OfLogSaid,
    ) -> Result<(), Outage> {
        self.with_log(|log| {
            let before = self.keeping(log).reads.log(name).said();
            let said = changed(before);
            if said == before {
                return Ok(());
            }
            let mut writes = Writes::of(log.state(), name);
            writes.log(said);
            self.apply(log, writes)
        })
    }

    /// Ends when there may be something to confirm that was not before.
    pub async fn is_unconfirmed(&self) {
        self.inner.confirming.unconfirmed.notified().await;
    }

    /// Whether the bus has another history of a log than is held: then nothing of it is confirmed, for nobody could bring it back.
    pub fn is_on_branch(&self, log: &LogName) -> Result<bool, Outage> {
        let shown = self.shown();
        Ok(shown.log(log).is_some_and(|of_log| of_log.on_branch))
    }

    /// What the bus has of a log is what is held.
    pub fn agrees(&self, log: &LogName) -> Result<(), Outage> {
        if !self.is_on_branch(log)? {
            return Ok(());
        }
        self.note(log, |said| OfLogSaid {
            on_branch: false,
            ..said
        })
    }

    /// The feed's stream was compared with what is held, over a session that lasts until the token says otherwise.
    pub fn in_step(&self, feed: &FeedName, session: CancellationToken) {
        let mut all = self.in_step_until();
        all.insert(feed.clone(), session);
        self.inner.confirming.unconfirmed.notify_one();
    }

    /// Whether it is known over the session that is open what the feed's stream has.
    pub fn is_in_step(&self, feed: &FeedName) -> bool {
        let all = self.in_step_until();
        all.get(feed).is_some_and(|session| !session.is_cancelled())
    }

    fn in_step_until(&self) -> MutexGuard<'_, BTreeMap<FeedName, CancellationToken>> {
        let in_step = &self.inner.confirming.in_step;
        in_step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
