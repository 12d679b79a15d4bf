//! Keeping: a verified event comes in, it is written down at its place, and it is said what it was: new, seen, a branch.
//! An arrival number is given only in the order of the log: what comes behind a gap is parked until the gap is filled.
//! Nothing that is held is ever written over.

use schemas::envelope::nats;
use schemas::event::{Event, Position};
use schemas::notice::LogResumed;
use schemas::subject::LogName;
use sled::Db;

use super::index::{Arrival, Held, LogState, Reads, Writes};
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

/// One step of keeping: it reads what the index holds, and what it writes is applied as one before the next step.
pub struct Keeping<'a> {
    pub db: Db,
    pub alarms: &'a Alarms,
    /// The number of the first arrival of a feed.
    pub first_arrival: u64,
}

impl Keeping<'_> {
    pub fn keep(&self, event: &VerifiedEvent, writes: &mut Writes) -> Result<Kept, sled::Error> {
        let signed = event.signed();
        let log = signed.event().log();
        let (position, hash) = (signed.link().position, signed.hash());
        let mut state = self.state(log)?;
        state.known = state.known.max(position.number());
        match Reads(&self.db).held(log, position)? {
            Some(held) if held.hash == hash => return Ok(Kept::Seen),
            Some(_) => return self.branch(event, "branch", writes),
            None => {}
        }
        let bytes = nats::stored(signed);
        let held = Held {
            hash,
            prev: signed.link().prev,
            arrival: 0,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            id: signed.id().into(),
        };
        if position.number() <= state.complete + 1 {
            let late = position.number() <= state.complete
                && self.was_declared_lost(log, position, (hash, held.prev))?;
            if !late && !follows(&state, position, &held) {
                return self.branch(event, "chain-broken", writes);
            }
            writes.bytes(log, position, &bytes);
            self.arrive(
                log,
                position,
                (held, Said::by(signed.event())),
                state,
                writes,
            )?;
            return Ok(if late { Kept::Late } else { Kept::New });
        }
        let full = state.parked_events >= PARKED_EVENTS_MAX
            || state.parked_bytes + held.size > PARKED_BYTES_MAX;
        if full {
            state.left_behind = true;
            writes.log(log, &state);
            return Ok(Kept::LeftBehind);
        }
        state.parked_events += 1;
        state.parked_bytes += held.size;
        writes.log(log, &state);
        writes.held(log, position, &held);
        writes.bytes(log, position, &bytes);
        Ok(Kept::Parked)
    }

    /// Lets the next parked event of a log arrive, or goes on behind what was declared lost. False when the next position is
    /// neither held nor declared, or does not follow.
    pub fn unpark_next(&self, log: &LogName, writes: &mut Writes) -> Result<bool, sled::Error> {
        let mut state = self.state(log)?;
        let reads = Reads(&self.db);
        let Some(position) = Position::new(state.complete + 1) else {
            return Ok(false);
        };
        let Some(held) = reads.held(log, position)? else {
            if state.parked_events > 0 && self.fill_with_unbelieved(log, state, writes)? {
                return Ok(true);
            }
            let behind = self.behind_declared(log, position, state)?;
            if let Some(behind) = behind {
                writes.log(log, &behind);
            }
            return Ok(behind.is_some());
        };
        state.parked_events = state.parked_events.saturating_sub(1);
        state.parked_bytes = state.parked_bytes.saturating_sub(held.size);
        let bytes = reads.bytes(log, position)?.unwrap_or_default();
        if follows(&state, position, &held) {
            let signed = nats::read_stored(&bytes).ok();
            let said = signed.map_or(Said::Data, |signed| Said::by(signed.event()));
            self.arrive(log, position, (held, said), state, writes)?;
            return Ok(true);
        }
        // Two histories meet here, and the one that was complete first stands: the other makes room, and is kept aside.
        writes.branch(log, position, held.hash, &bytes);
        writes.not_held(log, position);
        writes.log(log, &state);
        self.alarm(log, position, "chain-broken");
        Ok(false)
    }

    pub fn state(&self, log: &LogName) -> Result<LogState, sled::Error> {
        Ok(Reads(&self.db).log(log)?.unwrap_or(LogState::EMPTY))
    }

    /// Gives an arrival number. An id is delivered once: at another position of the log it is kept, but not as the first.
    /// A notice of the office is an alarm, and no application's.
    pub fn arrive(
        &self,
        log: &LogName,
        position: Position,
        (mut held, said): (Held, Said),
        mut state: LogState,
        writes: &mut Writes,
    ) -> Result<(), sled::Error> {
        let reads = Reads(&self.db);
        if reads.on_branch(log)? {
            writes.not_on_branch(log);
        }
        let next = reads.next_arrival(&log.feed)?;
        held.arrival = next.unwrap_or(self.first_arrival);
        let before = reads.position_of_id(log, &held.id)?;
        let first_of_id = before.is_none_or(|before| before == position.number());
        if first_of_id && said != Said::Nothing {
            writes.id(log, &held.id, position);
        }
        let arrival = Arrival {
            log: log.clone(),
            position,
            for_applications: first_of_id && said == Said::Data,
        };
        if let Said::Resumed(LogResumed { first, last, hash }) = said {
            let text = format!(
                "{log}: at position {position} the office says that it did not remember its positions {first} to {last} ({hash})"
            );
            self.alarms.raise("log-resumed", text);
        }
        writes.arrival(held.arrival, &arrival);
        writes.held(log, position, &held);
        if position.number() > state.complete {
            state.complete = position.number();
            state.hash = held.hash;
        }
        state.known = state.known.max(state.complete);
        state.left_behind &= state.complete < state.known;
        writes.log(log, &state);
        Ok(())
    }

    fn branch(
        &self,
        event: &VerifiedEvent,
        code: &str,
        writes: &mut Writes,
    ) -> Result<Kept, sled::Error> {
        let signed = event.signed();
        let log = signed.event().log();
        let position = signed.link().position;
        writes.on_branch(log);
        if !Reads(&self.db).has_branch(log, position, signed.hash())? {
            writes.branch(log, position, signed.hash(), &nats::stored(signed));
            self.alarm(log, position, code);
        }
        Ok(Kept::Branch)
    }

    fn alarm(&self, log: &LogName, position: Position, code: &str) {
        let text = format!("{log}: two contents for position {position}; both are kept");
        self.alarms.raise(code, text);
    }
}

/// Whether an event stands behind what is complete. What stands behind nothing was checked by whoever verified it.
fn follows(state: &LogState, position: Position, held: &Held) -> bool {
    position.number() == state.complete + 1 && (state.complete == 0 || held.prev == state.hash)
}
