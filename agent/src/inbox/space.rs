//! Giving space back: the inbox keeps all that it has read, but not what its index no longer needs. A tick comes in, and the index is
//! copied into less where that is worth while. What is kept stays the same.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Inbox;
use crate::store::Outage;
use crate::store::index::Left;
use crate::store::limits::{CHECKPOINT_INTERVAL, INDEX_SLACK_BYTES};

impl Inbox {
    /// Until the end, in the moments between: an index that holds far more than lives in it is copied into less.
    ///
    /// # Errors
    /// When the index cannot be read, or the disk fails.
    pub async fn tidy(self, end: CancellationToken) -> Result<(), Outage> {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CHECKPOINT_INTERVAL) => {}
                () = end.cancelled() => return Ok(()),
            }
            while !end.is_cancelled() && self.tidy_step().await? == Left::More {}
        }
    }

    async fn tidy_step(&self) -> Result<Left, Outage> {
        let index = Arc::clone(&self.inner.index);
        let step = tokio::task::spawn_blocking(move || index.tidy(INDEX_SLACK_BYTES)).await;
        let step = step.unwrap_or_else(|_| Err(self.unreadable("the inbox panicked")));
        step.inspect_err(|_| self.inner.failed.cancel())
    }
}
