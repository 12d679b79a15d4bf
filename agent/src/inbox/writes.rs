//! One step of writing: what is to be said of one log comes in, the records of one unit go out. A feed or a log that has no number yet gets it in
//! the same unit, before whatever has the number.

use schemas::event::{Hash, Position};
use schemas::subject::{FeedName, LogName};

use super::Cursor;
use super::kinds::{At, Entry, Event, Named, OfLogSaid, Which};
use super::reads::Held;
use super::state::State;

/// A record that is not written yet.
pub struct Written {
    pub kind: u8,
    pub head: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// The records of one unit.
#[derive(Default)]
pub struct Writes {
    names: Vec<Written>,
    records: Vec<Written>,
    feed: u32,
    log: u32,
}

impl Writes {
    /// About one log.
    pub fn of(state: &State, log: &LogName) -> Writes {
        let mut writes = Writes::of_feed(state, &log.feed);
        writes.log = state.log_number(log).unwrap_or_else(|| {
            let (_, number) = state.next_numbers();
            writes.name(Named::Log, number, &log.source());
            number
        });
        writes
    }

    /// About a feed alone.
    pub fn of_feed(state: &State, feed: &FeedName) -> Writes {
        let mut writes = Writes::default();
        writes.feed = state.feed_number(feed).unwrap_or_else(|| {
            let (number, _) = state.next_numbers();
            writes.name(Named::Feed, number, feed.as_str());
            number
        });
        writes
    }

    fn name(&mut self, what: Named, number: u32, name: &str) {
        self.names
            .push(written(&Entry::Named { what, number, name }, &[]));
    }

    /// What is to be written, in order. A name alone is not worth while.
    pub fn records(self) -> Vec<Written> {
        if self.records.is_empty() {
            return Vec::new();
        }
        self.names.into_iter().chain(self.records).collect()
    }

    fn which(&self, (position, hash): (Position, Hash), size: u64) -> Which {
        Which {
            log: self.log,
            position: position.number(),
            hash,
            size,
        }
    }

    fn put(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.records.push(written(entry, bytes));
    }

    /// An event at its position, with what is known of its arrival.
    pub fn kept(&mut self, position: Position, held: &Held, bytes: &[u8]) {
        let (event, prev) = (self.event(position, held), held.prev);
        self.put(&Entry::Kept { event, prev }, bytes);
    }

    /// What was parked has arrived.
    pub fn arrived(&mut self, position: Position, held: &Held) {
        let event = self.event(position, held);
        self.put(&Entry::Arrived(event), &[]);
    }

    fn event<'h>(&self, position: Position, held: &'h Held) -> Event<'h> {
        Event {
            at: At {
                feed: self.feed,
                log: self.log,
                position: position.number(),
            },
            hash: held.hash,
            arrival: held.arrival,
            flags: held.flags,
            size: held.size,
            id: &held.id,
        }
    }

    pub fn branch(&mut self, place: (Position, Hash), bytes: &[u8]) {
        let which = self.which(place, bytes.len() as u64);
        let was_parked = false;
        self.put(&Entry::Branch { which, was_parked }, bytes);
    }

    /// What was parked does not follow: it makes room, and is kept beside.
    pub fn parked_is_branch(&mut self, place: (Position, Hash), bytes: &[u8]) {
        let which = self.which(place, bytes.len() as u64);
        let was_parked = true;
        self.put(&Entry::Branch { which, was_parked }, bytes);
    }

    pub fn aside(&mut self, place: (Position, Hash), bytes: &[u8]) {
        let which = self.which(place, bytes.len() as u64);
        self.put(&Entry::Aside(which), bytes);
    }

    pub fn not_aside(&mut self, place: (Position, Hash), size: u64) {
        let which = self.which(place, size);
        self.put(&Entry::NotAside(which), &[]);
    }

    pub fn declared(&mut self, (first, last): (u64, u64), hash: Hash) {
        let log = self.log;
        let entry = Entry::Declared {
            log,
            first,
            last,
            hash,
        };
        self.put(&entry, &[]);
    }

    pub fn log(&mut self, said: OfLogSaid) {
        let log = self.log;
        self.put(&Entry::Log { log, said }, &[]);
    }

    pub fn cursor(&mut self, cursor: Cursor) {
        let feed = self.feed;
        self.put(&Entry::Cursor { feed, cursor }, &[]);
    }
}

/// A record that says this.
pub fn written(entry: &Entry<'_>, bytes: &[u8]) -> Written {
    let (kind, head) = entry.write();
    Written {
        kind,
        head,
        bytes: bytes.to_vec(),
    }
}
