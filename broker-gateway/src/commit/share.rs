//! How much of a feed's stream one office may fill: what the stream may hold and how many may publish there come in, an office's part
//! goes out. What a log has used stands beside the last event of each append (`Spean-Used`), so whoever reads the head knows it: no
//! gateway counts, and none forgets.

use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::receipt::header;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::subject::{FeedName, LogName};
use tokio::time::Instant;

use super::heads::LogHead;
use super::unit::Unit;
use crate::limits::{ROOM_LOOK_INTERVAL, SHARE_WARNED, SHARES_OF_EVEN};
use crate::seldom::seldom;
use crate::streams;
use crate::upstream::jetstream::{JetStream, Outage};

/// The header in which a gateway writes the bytes of a log up to the event beside which it stands.
const USED_HEADER: &str = "Spean-Used";

/// The line of a header block.
pub(super) fn used_header(used: u64) -> String {
    format!("{USED_HEADER}: {used}\r\n")
}

/// Reads it from a header block. What was stored before gateways wrote it counts nothing.
pub(super) fn read_used(headers: &[u8]) -> u64 {
    let used = header(headers, USED_HEADER);
    used.and_then(|used| used.parse().ok()).unwrap_or(0)
}

/// What one feed's stream may hold, and for how many.
#[derive(Debug)]
pub(super) struct Shares {
    feed: FeedName,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    stream_bytes: u64,
    looked: Instant,
    /// The registry's position, and how many offices may publish by it.
    publishers: (u64, u64),
}

impl Shares {
    pub fn new(feed: FeedName) -> Shares {
        let known = Known {
            stream_bytes: u64::MAX,
            looked: Instant::now(),
            publishers: (0, 1),
        };
        Shares {
            feed,
            known: Mutex::new(known),
        }
    }

    /// Looks at the stream, as whoever stores does on each new connection.
    ///
    /// # Errors
    /// It is not as it must be, or not told.
    pub async fn look(&self, jetstream: &JetStream) -> Result<(), Outage> {
        let stream_bytes = streams::fit(jetstream, &self.feed).await?;
        let mut known = self.known();
        (known.stream_bytes, known.looked) = (stream_bytes, Instant::now());
        Ok(())
    }

    /// Whether an office's log may take this in, behind what it has and what is stored with it.
    pub fn admit(&self, unit: &Unit, head: &LogHead, planned: u64) -> bool {
        let used = head.used.saturating_add(planned);
        used.saturating_add(unit.bytes() as u64) <= self.part(unit.registry())
    }

    /// The same for one that did not fit, after a look at what the stream may hold now, if the last one is a while ago.
    ///
    /// # Errors
    /// The hold that its office is told.
    pub async fn admit_again(
        &self,
        jetstream: &JetStream,
        unit: &Unit,
        head: &LogHead,
    ) -> Result<(), Hold> {
        if self.known().looked.elapsed() >= ROOM_LOOK_INTERVAL {
            let looked = self.look(jetstream).await;
            looked.map_err(|_outage| Hold::BusUnavailable)?;
        }
        if self.admit(unit, head, 0) {
            return Ok(());
        }
        let (used, part) = (head.used, self.part(unit.registry()));
        let log = unit.log();
        seldom!(error, log, "office-room-used", %log, used, part, "office-room-used: an office has filled its part of the feed's stream; what it sends is held");
        Err(Hold::OfficeRoomUsed { used, part })
    }

    /// Tells the operator in time. A log comes past a mark once.
    pub fn warn(&self, log: &LogName, registry: &Registry, (before, after): (u64, u64)) {
        let part = self.part(registry);
        let mark = (part as f64 * SHARE_WARNED) as u64;
        if before < mark && mark <= after {
            seldom!(error, log, "office-room-short", %log, used = after, part, "an office has soon filled its part of the feed's stream: look at what it sends, or give the stream more room");
        }
    }

    fn part(&self, registry: &Registry) -> u64 {
        let mut known = self.known();
        if known.publishers.0 != registry.position() {
            let offices = registry.offices();
            let may = offices.filter(|office| registry.may_publish(&office.id, &self.feed).is_ok());
            known.publishers = (registry.position(), may.count() as u64);
        }
        part(known.stream_bytes, known.publishers.1)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked with the lock left whole numbers behind.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some times an even part, for offices are of different sizes; at most a half, so that there is something left for the others.
fn part(stream_bytes: u64, publishers: u64) -> u64 {
    match publishers {
        0 | 1 => stream_bytes,
        several => {
            let even = stream_bytes.checked_div(several).unwrap_or(0);
            even.saturating_mul(SHARES_OF_EVEN).min(stream_bytes / 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_office_alone_has_all_and_among_others_four_even_parts_but_no_more_than_half() {
        let parts = [1, 2, 8, 16, 32, 132].map(|publishers| part(1 << 32, publishers));
        let of_even = |publishers: u64| 4 * ((1_u64 << 32) / publishers);
        let half = 1 << 31;
        assert_eq!(
            parts,
            [1 << 32, half, half, of_even(16), of_even(32), of_even(132)]
        );
        assert_eq!(part(u64::MAX, 3), u64::MAX / 2);
    }

    #[test]
    fn what_is_used_is_read_as_it_is_written_and_is_nothing_where_it_does_not_stand() {
        let block = format!("NATS/1.0\r\nce-id: 1\r\n{}\r\n", used_header(1_234));
        assert_eq!(read_used(block.as_bytes()), 1_234);
        assert_eq!(read_used(b"NATS/1.0\r\n\r\n"), 0);
        assert_eq!(read_used(b"NATS/1.0\r\nSpean-Used: x\r\n\r\n"), 0);
    }
}
