//! How long a session waits for its client: an operation that has begun, or nothing at all, comes in; a deadline goes out, and what
//! there is to do when it has passed.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;

use super::Session;
use super::end::End;
use super::intake::Announced;
use super::outgoing::Closed;
use crate::limits::{
    HALF_OPERATION_WAIT, OPERATION_BYTES_A_SECOND_MIN, PINGS_UNANSWERED_MAX, SILENCE_BEFORE_PING,
    UNKNOWN_PEER_WAIT,
};
use crate::wire::{Frame, Parser};

/// An operation that has begun to come.
pub(super) struct Half {
    since: Instant,
    /// Room for a large payload.
    _room: Option<Announced>,
}

impl Half {
    /// By when the next byte has to come, and by when all of it: a line may be slow, and not as slow as its client likes.
    fn deadline(&self, heard: Instant, announced: usize) -> Instant {
        let whole = Duration::from_secs((announced / OPERATION_BYTES_A_SECOND_MIN) as u64);
        (heard + HALF_OPERATION_WAIT).min(self.since + HALF_OPERATION_WAIT + whole)
    }
}

impl Session {
    /// By when something must have come.
    pub(super) fn deadline(&self, began: Instant, heard: Instant, parser: &Parser) -> Instant {
        match (&self.connect, &self.half) {
            (None, _) => began + UNKNOWN_PEER_WAIT,
            (Some(_), Some(half)) => half.deadline(heard, parser.announced()),
            (Some(_), None) => {
                heard + SILENCE_BEFORE_PING * self.pings_unanswered.saturating_add(1)
            }
        }
    }

    /// Takes note of an operation that has begun, and finds room for a large one before any more of it is read.
    pub(super) async fn follow_half(&mut self, parser: &Parser) -> Result<(), End> {
        if self.half.is_some() || !parser.is_half_way() {
            return Ok(());
        }
        let room = match parser.announced() {
            0 => None,
            bytes => Some(self.desk.announce(bytes).await.ok_or(End::NoRoom)?),
        };
        self.half = Some(Half {
            since: Instant::now(),
            _room: room,
        });
        Ok(())
    }

    /// Finds room for what a packed run that has come will be, before it is unpacked. Whether there was one.
    pub(super) async fn make_room(&mut self, parser: &mut Parser) -> Result<bool, End> {
        let Some(bytes) = parser.waits_for_room() else {
            return Ok(false);
        };
        // What it took to come is given back first: nobody waits for room that he holds.
        self.half = None;
        let room = self.desk.announce(bytes).await.ok_or(End::NoRoom)?;
        self.half = Some(Half {
            since: Instant::now(),
            _room: Some(room),
        });
        parser.has_room();
        Ok(true)
    }

    /// The deadline has passed.
    pub(super) async fn overdue(&mut self, half_way: bool) -> ControlFlow<End> {
        if self.connect.is_none() {
            return ControlFlow::Break(End::ConnectAwaited);
        }
        if half_way {
            return ControlFlow::Break(End::HalfOperation);
        }
        if self.pings_unanswered >= PINGS_UNANSWERED_MAX {
            return ControlFlow::Break(End::Silent);
        }
        self.pings_unanswered = self.pings_unanswered.saturating_add(1);
        match self.desk.down.send(Frame::new().ping().finish()).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(Closed) => ControlFlow::Break(End::Gone),
        }
    }
}
