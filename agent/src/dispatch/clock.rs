//! Clocks: times that were written down and the clock of the moment come in; what is signed, and what a person is told, goes out. Which
//! clock is wrong is not known here, and nothing is stopped by it.

use schemas::alarm::Alarm;
use schemas::event::{Event, Timestamp};
use schemas::limits::CLOCKS_APART_MAX;
use schemas::receipt::VerifiedReceipt;

use crate::outbox::Vouched;
use crate::store::alarms::Alarms;
use crate::submit;

/// What a clock wrote that is wrong by the present one is written by that. Nothing of it was signed yet.
pub(super) fn by_todays(event: Event, now: Timestamp) -> Event {
    match event.recorded_time().is_within_reach_of(now) {
        true => event,
        false => event.recorded_anew(now),
    }
}

/// Holds receipts' stamps against this machine's clock. What was stored just now must be stamped now; what was stored before, at
/// least not later.
pub(super) fn compare(vouched: &Vouched, fresh: bool, alarms: &Alarms) {
    for receipt in vouched.receipts() {
        match apart(receipt, submit::now()) {
            Apart::Ahead(text) => alarms.stands(Alarm::ClocksApart, Some(text)),
            Apart::Behind(text) if fresh => alarms.stands(Alarm::ClocksApart, Some(text)),
            Apart::Not if fresh => alarms.stands(Alarm::ClocksApart, None),
            Apart::Behind(_) | Apart::Not => {}
        }
    }
}

/// Where a stamp lies to a clock, in words.
#[derive(Debug, PartialEq, Eq)]
enum Apart {
    Ahead(String),
    Behind(String),
    Not,
}

fn apart(receipt: &VerifiedReceipt, now: Timestamp) -> Apart {
    let facts = receipt.facts();
    let admitted = facts.stamp.admitted;
    let seconds = admitted.seconds_behind(now);
    if seconds.unsigned_abs() <= CLOCKS_APART_MAX.as_secs() {
        return Apart::Not;
    }
    let text = format!(
        "{}: gateway {} stamped position {} at {admitted}, and this machine's clock shows {now}: they are {} minutes apart. \
         Set this machine's clock; if it is right, tell the operator",
        facts.log,
        facts.stamp.gateway,
        facts.position,
        seconds.unsigned_abs() / 60
    );
    match seconds {
        1.. => Apart::Ahead(text),
        _ => Apart::Behind(text),
    }
}

#[cfg(test)]
mod tests;
