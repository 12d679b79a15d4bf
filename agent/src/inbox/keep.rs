//! Keeping: a verified event comes in, it is written down at its place, and it is said what it was: new, seen, a branch.
//! An arrival number is given only in the order of the log: what comes behind a gap is parked until the gap is filled.
//! Nothing that is held is ever written over.

use schemas::envelope::nats;
use schemas::event::{Event, Position};
use schemas::notice::LogResumed;
use schemas::subject::LogName;

use super::LogState;
use super::kinds::{Flags, OfLogSaid};
use super::reads::{Held, Reads, Result};
use super::writes::Writes;
use crate::receive::VerifiedEvent;
use crate::store::alarms::Alarms;
use crate::store::fields::NONE;
use crate::store::limits::{PARKED_BYTES_MAX, PARKED_EVENTS_MAX};

/// What an event was to the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Held, and it has arrived.
    New,
    /// Held, and it has arrived behind what followed it: it had been declared lost.
    Late,
    /// Held, behind a gap; it arrives when the gap is filled.
    Parked,
    /// Held before.
    Seen,
    /// Other content than what is held there, or not what follows what is held: kept aside, and an alarm.
    Branch,
    /// Not held: too much is parked in this log already. It is to be read again when the gap is filled.
    LeftBehind,
}

/// What an event says to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Something for applications.
    Data,
    /// Something of the log itself, for people.
    Resumed(LogResumed),
    /// Nothing: it is not believed, and fills its position.
    Nothing,
}

impl Said {
    fn by(event: &Event) -> Said {
        LogResumed::read(event).map_or(Said::Data, Said::Resumed)
    }
}

impl LogState {
    pub const EMPTY: LogState = LogState {
        complete: 0,
        hash: NONE,
        known: 0,
        parked_events: 0,
        parked_bytes: 0,
        left_behind: false,
    };
}

/// One step of keeping: it reads what the inbox holds, and what it writes is in the log before the next step.
pub struct Keeping<'a> {
    pub reads: Reads<'a>,
    pub alarms: &'a Alarms,
    /// The number of the first arrival of a feed.
    pub first_arrival: u64,
}

impl Keeping<'_> {
    pub fn keep(&self, event: &VerifiedEvent) -> Result<(Kept, Writes)> {
        let signed = event.signed();
        let log = signed.event().log();
        let (position, hash) = (signed.link().position, signed.hash());
        let mut writes = Writes::of(self.reads.state, log);
        match self.reads.held(log, position)? {
            Some(held) if held.hash == hash => return Ok((Kept::Seen, writes)),
            Some(_) => return self.branch(event, "branch", writes),
            None => {}
        }
        let state = self.reads.log(log).state;
        let bytes = nats::stored(signed);
        let held = Held {
            hash,
            prev: signed.link().prev,
            arrival: 0,
            flags: Flags::default(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            id: signed.id().into(),
        };
        if position.number() <= state.complete + 1 {
            let late = position.number() <= state.complete
                && self.was_declared_lost(log, position, (hash, held.prev))?;
            if !late && !follows(&state, position, &held) {
                return self.branch(event, "chain-broken", writes);
            }
            let mut held = self.arriving(log, position, held, Said::by(signed.event()))?;
            held.flags = held.flags.with(Flags::LATE, late);
            writes.kept(position, &held, &bytes);
            return Ok((if late { Kept::Late } else { Kept::New }, writes));
        }
        let full = state.parked_events >= PARKED_EVENTS_MAX
            || state.parked_bytes + held.size > PARKED_BYTES_MAX;
        if full {
            writes.log(OfLogSaid {
                left_behind: true,
                known: state.known.max(position.number()),
                ..self.reads.log(log).said()
            });
            return Ok((Kept::LeftBehind, writes));
        }
        writes.kept(position, &held, &bytes);
        Ok((Kept::Parked, writes))
    }

    /// Lets the next parked event of a log arrive, or goes on behind what was declared lost. None when the next position is
    /// neither held nor declared; nothing follows what does not follow.
    pub fn unpark_next(&self, log: &LogName) -> Result<Option<Unparked>> {
        let state = self.reads.log(log).state;
        let Some(position) = Position::new(state.complete + 1) else {
            return Ok(None);
        };
        let mut writes = Writes::of(self.reads.state, log);
        let Some(held) = self.reads.held(log, position)? else {
            if state.parked_events > 0 && self.fill_with_unbelieved(log, &mut writes)? {
                return Ok(Some(Unparked::more(writes)));
            }
            let behind = self.behind_declared(log, position)?;
            return Ok(behind.map(|behind| {
                writes.log(behind);
                Unparked::more(writes)
            }));
        };
        let bytes = self.reads.bytes(log, position)?.unwrap_or_default();
        if follows(&state, position, &held) {
            let signed = nats::read_stored(&bytes).ok();
            let said = signed.map_or(Said::Data, |signed| Said::by(signed.event()));
            let held = self.arriving(log, position, held, said)?;
            writes.arrived(position, &held);
            return Ok(Some(Unparked::more(writes)));
        }
        // Two histories meet here, and the one that was complete first stands: the other makes room, and is kept aside.
        writes.parked_is_branch((position, held.hash), &bytes);
        self.alarm(log, position, "chain-broken");
        Ok(Some(Unparked::last(writes)))
    }

    /// Gives an arrival number. An id is delivered once: at another position of the log it is kept, but not as the first.
    /// A notice of the office is an alarm, and no application's.
    pub fn arriving(
        &self,
        log: &LogName,
        position: Position,
        mut held: Held,
        said: Said,
    ) -> Result<Held> {
        let last = self.reads.state.feed(&log.feed);
        let last = last.and_then(|feed| feed.arrivals.last());
        let next = last.map_or(self.first_arrival, |last| last + 1);
        held.arrival = next.max(self.reads.state.least);
        let before = self.reads.position_of_id(log, &held.id)?;
        let first_of_id = before.is_none();
        held.flags = Flags::default()
            .with(Flags::FIRST_OF_ID, first_of_id && said != Said::Nothing)
            .with(Flags::FOR_APPLICATIONS, first_of_id && said == Said::Data)
            .with(Flags::UNBELIEVED, said == Said::Nothing);
        if let Said::Resumed(LogResumed { first, last, hash }) = said {
            let text = format!(
                "{log}: at position {position} the office says that it did not remember its positions {first} to {last} ({hash})"
            );
            self.alarms.raise("log-resumed", text);
        }
        Ok(held)
    }

    fn branch(
        &self,
        event: &VerifiedEvent,
        code: &str,
        mut writes: Writes,
    ) -> Result<(Kept, Writes)> {
        let signed = event.signed();
        let log = signed.event().log();
        let place = (signed.link().position, signed.hash());
        let of_log = self.reads.log(log);
        if !self.reads.has_branch(log, place)? {
            writes.branch(place, &nats::stored(signed));
            self.alarm(log, place.0, code);
        } else if !of_log.on_branch {
            writes.log(OfLogSaid {
                on_branch: true,
                ..of_log.said()
            });
        }
        Ok((Kept::Branch, writes))
    }

    fn alarm(&self, log: &LogName, position: Position, code: &str) {
        let text = format!("{log}: two contents for position {position}; both are kept");
        self.alarms.raise(code, text);
    }
}

/// What is written, and whether there may be more to do behind it.
pub struct Unparked {
    pub writes: Writes,
    pub more: bool,
}

impl Unparked {
    fn more(writes: Writes) -> Unparked {
        Unparked { writes, more: true }
    }

    fn last(writes: Writes) -> Unparked {
        Unparked {
            writes,
            more: false,
        }
    }
}

/// Whether an event stands behind what is complete. What stands behind nothing was checked by whoever verified it.
fn follows(state: &LogState, position: Position, held: &Held) -> bool {
    position.number() == state.complete + 1 && (state.complete == 0 || held.prev == state.hash)
}
