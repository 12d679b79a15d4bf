//! How often a session may ask others to heal: requests come in, whether one may pass goes out. A flood of them would cost every
//! reader of the feed.

use std::time::Instant;

use crate::limits::{HEAL_REQUESTS_MAX, HEAL_REQUESTS_TIME};

#[derive(Debug)]
pub struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    pub fn new(now: Instant) -> Allowance {
        Allowance {
            left: HEAL_REQUESTS_MAX,
            since: now,
        }
    }

    /// Takes one, if there is one left in this span of time.
    pub fn take(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= HEAL_REQUESTS_TIME {
            *self = Allowance::new(now);
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_requests_pass_in_a_minute_and_no_more() {
        let now = Instant::now();
        let mut allowance = Allowance::new(now);
        let passed = (0..200).filter(|_| allowance.take(now)).count();
        assert_eq!(passed, usize::try_from(HEAL_REQUESTS_MAX).expect("small"));
        assert!(allowance.take(now + HEAL_REQUESTS_TIME));
    }
}
