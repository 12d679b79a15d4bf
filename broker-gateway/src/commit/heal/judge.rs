//! What waits to come back and what stands around it comes in, what is to be done with the first goes out. No socket here.

use std::collections::VecDeque;

use schemas::chain::Head;
use schemas::limits::{BATCH_EVENTS_MIN, HEADER_BYTES_MAX, RUN_EVENTS_MAX};
use schemas::refusal::Hold;
use schemas::signing::SignedEvent;

use crate::admit::Healing;
use crate::commit::append::OWN_BYTES_USUAL;
use crate::commit::confirmed::{Brought, Confirmed};
use crate::commit::holes::Around;
use crate::limits::BATCH_BYTES_MAX;
use crate::refuse::No;

/// What is to be done with the first that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    StoredAlready(u64),
    /// So many from the first on are the log's next ones.
    Append(usize),
    Fill,
    No(No),
}

pub(super) fn no(hold: Hold) -> Judgement {
    Judgement::No(hold.into())
}

/// How many of those that wait are the log's next ones, each vouched for as an append is, none of them another than readers have
/// confirmed. Few go one by one.
pub(super) fn next_ones(
    waiting: &VecDeque<Healing>,
    head: Head,
    confirmed: &Confirmed,
) -> Judgement {
    let mut end = head;
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for healing in waiting.iter().take(RUN_EVENTS_MAX) {
        let event = healing.event();
        let own = HEADER_BYTES_MAX.saturating_add(OWN_BYTES_USUAL);
        bytes = own
            .saturating_add(event.event().data().len())
            .saturating_add(bytes);
        let fits = count == 0 || bytes <= BATCH_BYTES_MAX;
        if !end.is_followed_by(event.link()) || healing.as_append().is_err() || !fits {
            break;
        }
        end = Head::of(event);
        count = count.saturating_add(1);
    }
    let next: Vec<&SignedEvent> = waiting.range(..count).map(Healing::event).collect();
    if let Err(hold) = confirmed.admits(&next, Brought::Back) {
        return no(hold);
    }
    match (count, waiting.front()) {
        (BATCH_EVENTS_MIN.., _) => Judgement::Append(count),
        (1.., _) => Judgement::Append(1),
        (0, Some(first)) if head.is_followed_by(first.event().link()) => {
            let why = first.as_append().err();
            Judgement::No(why.unwrap_or(Hold::BusUnavailable.into()))
        }
        (0, _) => {
            let head = head.number();
            no(Hold::ChainMismatch { head })
        }
    }
}

/// Judges what is to fill a hole below the head.
pub(super) fn judge_hole(healing: &Healing, around: Around, head: u64) -> Judgement {
    let event = healing.event();
    match around {
        Around::Filled(stands) if stands.hash == event.hash() => {
            Judgement::StoredAlready(stands.seq)
        }
        Around::Filled(_) => no(Hold::PositionTaken { head }),
        Around::Named(hash) if hash == event.hash() => Judgement::Fill,
        Around::Named(_) => no(Hold::ChainMismatch { head }),
        Around::Behind(None) => no(Hold::PositionAhead { head }),
        Around::Behind(Some(hash)) if hash != event.link().prev => no(Hold::ChainMismatch { head }),
        Around::Behind(Some(_)) => match healing.as_append() {
            Ok(()) => Judgement::Fill,
            Err(why) => Judgement::No(why),
        },
    }
}
