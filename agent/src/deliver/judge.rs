//! Whether an event was delivered to a target: how far its log is delivered and an event of the inbox come in; whether it is new, was
//! delivered, or stands where another one was, goes out. A position alone decides nothing: the hash there does, or one behind it, for a hash names
//! all that lies before it.

use schemas::event::Position;
use schemas::subject::LogName;

use super::Ground;
use super::delivered::UpTo;
use crate::inbox::InLog;
use crate::store::Outage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It is delivered, or is for no application.
    Done,
    /// It stands behind all that was delivered.
    Next,
    /// Another event was delivered at its position.
    Branch,
    /// Something was delivered there, and what is not known; it is known when the log here reaches what is.
    Undecided,
}

pub fn judge(
    ground: &Ground,
    log: &LogName,
    up_to: &UpTo,
    event: &InLog,
) -> Result<Judged, Outage> {
    let number = event.position.number();
    if !event.for_applications {
        return Ok(Judged::Done);
    }
    if number > up_to.position {
        return Ok(Judged::Next);
    }
    let known = match number == up_to.position {
        true => up_to.hash,
        false => ground.delivered.hash_of(&ground.name, log, number),
    };
    if known == Some(event.hash) || up_to.hash.is_none() {
        return Ok(Judged::Done);
    }
    let end = Position::new(up_to.position);
    let end = end
        .map(|end| ground.inbox.hash_known(log, end))
        .transpose()?;
    Ok(match (end.flatten(), known) {
        // The chain says that it was; what is known of it was damaged, or is gone.
        (Some(end), _) if Some(end) == up_to.hash => Judged::Done,
        (Some(_), _) | (None, Some(_)) => Judged::Branch,
        (None, None) => Judged::Undecided,
    })
}
