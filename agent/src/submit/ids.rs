//! Ids of events that were submitted without one: what an event says comes in, an id goes out that no other event of this agent has. It is made
//! of the content and the moment, so that who has the event can make it again, and it need not be sent.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use schemas::event::Hash;
use schemas::ids;

/// Different contents that are remembered in one millisecond: several times what one accepts.
const REMEMBERED_MAX: usize = 4_096;

static GIVEN: LazyLock<Mutex<Given>> = LazyLock::new(Mutex::default);

/// What was given in the latest millisecond.
#[derive(Debug, Default)]
struct Given {
    unix_ms: u64,
    /// How often each content.
    counts: HashMap<Hash, u64>,
}

/// An id for an event of the log with this source.
pub fn of_new(source: &str, data: &[u8]) -> String {
    // Whoever panicked with the lock has given an id that nobody has, or none.
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH);
    let clock_ms = clock.map_or(0, |since| since.as_millis());
    given.next(u64::try_from(clock_ms).unwrap_or(u64::MAX), source, data)
}

impl Given {
    /// A clock that was set back waits at the latest moment until it has come there again.
    fn next(&mut self, clock_ms: u64, source: &str, data: &[u8]) -> String {
        if self.counts.len() >= REMEMBERED_MAX {
            self.begin(self.unix_ms.saturating_add(1));
        }
        if clock_ms > self.unix_ms {
            self.begin(clock_ms);
        }
        let content = Hash::of(&[source.as_bytes(), b"\n", data].concat());
        let count = self.counts.entry(content).or_default();
        let id = ids::of_content(source, self.unix_ms, *count, data);
        *count += 1;
        id
    }

    fn begin(&mut self, unix_ms: u64) {
        self.unix_ms = unix_ms;
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SOURCE: &str = "urn:spean:moh:siem-reap:health-quarterly";

    #[test]
    fn an_id_can_be_made_again_from_its_event_and_the_count_of_its_like() {
        let mut given = Given::default();
        let ids: Vec<String> = [b"{}", b"[]", b"{}"]
            .iter()
            .map(|data| given.next(7, SOURCE, *data))
            .collect();
        let made = [(0, b"{}"), (0, b"[]"), (1, b"{}")];
        let made = made.map(|(count, data)| ids::of_content(SOURCE, 7, count, data));
        assert_eq!(ids, made);
    }

    #[test]
    fn no_id_is_given_twice_whatever_the_clock_does() {
        let mut given = Given::default();
        let clock = [9, 9, 10, 3, 3, 10, 11, 0];
        let ids: BTreeSet<String> = clock
            .iter()
            .map(|ms| given.next(*ms, SOURCE, b"{}"))
            .collect();
        assert_eq!(ids.len(), clock.len());
        let many =
            (0..3 * REMEMBERED_MAX).map(|n| given.next(11, SOURCE, n.to_string().as_bytes()));
        assert_eq!(many.collect::<BTreeSet<_>>().len(), 3 * REMEMBERED_MAX);
        assert!(given.counts.len() <= REMEMBERED_MAX && given.unix_ms == 14);
    }
}
