//! Where the numbers of arrivals begin: a store's number comes in, its first arrival goes out. No two stores begin at the same place, so that a
//! number of one that was lost is none of the next, whatever the clock says, and whoever comes with it can be told.

use schemas::subject::FeedName;

use super::Inbox;
use super::state::State;

/// Arrivals that one numbering has room for. The digits above them are the numbering's own, the ten below count.
const ROOM: u64 = 10_000_000_000;
/// Numberings that there are: with the room of each they end below 2^53, the largest number that every reader of JSON keeps.
const NUMBERINGS: u64 = 900_000;
/// Where the end of a store was cut, numbers go on at the next multiple of this: nobody knows which of them were shown.
const JUMP: u64 = 1 << 20;

/// The number of the first arrival of each feed. A store's number is drawn.
pub(super) fn first(store: u64) -> u64 {
    (store % (NUMBERINGS - 1) + 1) * ROOM + 1
}

/// A number that none of this store can have had.
pub(super) fn behind_all(state: &State) -> u64 {
    let last = state.last_arrival().max(state.least);
    (last / JUMP + 1).saturating_mul(JUMP)
}

impl Inbox {
    /// Whether a number is one of this numbering that was given, or stands before all of them: 0.
    pub fn has_numbered(&self, feed: &FeedName, number: u64) -> bool {
        let shown = self.shown();
        let feed = shown.feed(feed);
        number == 0 || feed.is_some_and(|feed| feed.arrivals.contains(number))
    }
}
