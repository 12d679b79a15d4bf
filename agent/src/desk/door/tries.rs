//! Wrong PINs: a name and a time come in, how long that name has to wait goes out. Each name is counted by itself, so that nobody keeps
//! another one out for good.

use std::collections::HashMap;

/// Milliseconds after the third wrong one, the fourth, and each further one.
const WAITS_MS: [u64; 3] = [10_000, 60_000, 15 * 60_000];
/// Wrong ones that cost nothing: anybody's finger slips.
const FREE: usize = 2;

#[derive(Debug, Default)]
pub struct Tries(HashMap<String, Wrong>);

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: usize,
    until_ms: u64,
    /// Of the PIN that it was counted against: a new one begins anew.
    since_ms: u64,
}

impl Tries {
    /// Milliseconds that are left to wait.
    pub fn wait_ms(&self, name: &str, since_ms: u64, now_ms: u64) -> u64 {
        let wrong = self.0.get(name).filter(|wrong| wrong.since_ms == since_ms);
        let longest = WAITS_MS.last().copied().unwrap_or_default();
        // A clock that was put back keeps nobody waiting for longer.
        wrong.map_or(0, |wrong| {
            wrong.until_ms.saturating_sub(now_ms).min(longest)
        })
    }

    /// Called before a PIN is looked at, so that tries at the same time are all counted.
    pub fn count(&mut self, name: &str, since_ms: u64, now_ms: u64) {
        let wrong = self.0.entry(name.to_owned()).or_insert(Wrong {
            count: 0,
            until_ms: 0,
            since_ms,
        });
        if wrong.since_ms != since_ms {
            (wrong.count, wrong.since_ms) = (0, since_ms);
        }
        wrong.count = wrong.count.saturating_add(1);
        let costly = wrong.count.checked_sub(FREE + 1);
        let wait = costly.map_or(0, |costly| {
            let at = costly.min(WAITS_MS.len() - 1);
            WAITS_MS.get(at).copied().unwrap_or_default()
        });
        wrong.until_ms = now_ms.saturating_add(wait);
    }

    /// The PIN was right.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }
}
