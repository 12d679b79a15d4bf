//! How much an office may ask of others in a span of time: bytes that others will hear come in, whether they may pass goes out.

use tokio::time::Instant;

use crate::limits::{HEAL_REQUEST_BYTES_MAX, HEAL_REQUEST_BYTES_TIME};

#[derive(Debug)]
pub(super) struct Allowance {
    left: usize,
    since: Instant,
}

impl Allowance {
    pub fn new(now: Instant) -> Allowance {
        Allowance {
            left: HEAL_REQUEST_BYTES_MAX,
            since: now,
        }
    }

    /// Takes so many bytes, if they are left in this span of time.
    pub fn take(&mut self, bytes: usize, now: Instant) -> bool {
        if now.duration_since(self.since) >= HEAL_REQUEST_BYTES_TIME {
            *self = Allowance::new(now);
        }
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}
