//! What comes in several messages: answers to one question, or a consumer's deliveries, in their order, until the session ends.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::message::Delivery;
use super::session::{Outage, Session};
use super::wire::Deliveries;

/// Answers to one question, in their order.
pub struct Replies {
    pub(super) replies: mpsc::Receiver<Delivery>,
    pub(super) session: Session,
    pub(super) token: u64,
}

impl Replies {
    /// # Errors
    /// The session ended, or nothing came in time.
    pub async fn next(&mut self, within: Duration) -> Result<Delivery, Outage> {
        let next = tokio::time::timeout(within, self.replies.recv()).await;
        next.map_err(|_| Outage::TimedOut(within))?
            .ok_or(Outage::Ended)
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        self.session.forget(self.token);
    }
}

/// A subscription to one inbox of this office.
pub struct Subscription {
    pub(super) inbox: String,
    pub(super) deliveries: Deliveries,
    pub(super) ended: CancellationToken,
}

impl Subscription {
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// # Errors
    /// `Ended`.
    pub async fn next(&mut self) -> Result<Delivery, Outage> {
        tokio::select! {
            message = self.deliveries.next() => message.ok_or(Outage::Ended),
            () = self.ended.cancelled() => Err(Outage::Ended),
        }
    }

    /// What has arrived already.
    pub fn now(&mut self) -> Option<Delivery> {
        self.deliveries.next().now_or_never().flatten()
    }
}

/// Takes a question back when nobody waits for its answer any more.
pub(super) struct Forget<'s> {
    pub session: &'s Session,
    pub token: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.session.forget(self.token);
    }
}
