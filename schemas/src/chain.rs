//! The chain: signed events come in, runs go out that are one log, contiguous and linked. Whether their signatures are good is not asked
//! here, and which head a run must join is the caller's knowledge.

use crate::event::{Hash, Position};
use crate::limits::RUN_EVENTS_MAX;
use crate::signing::SignedEvent;
use crate::subject::LogName;

/// An event's place: its position, and the hash of the event before it (at position 1, of the registry's genesis).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub position: Position,
    pub prev: Hash,
}

/// The end of a log: the last position and its hash, or the empty log's genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// None where the log is empty.
    pub position: Option<Position>,
    pub hash: Hash,
}

impl Head {
    pub fn empty(genesis: Hash) -> Head {
        Head {
            position: None,
            hash: genesis,
        }
    }

    pub fn of(event: &SignedEvent) -> Head {
        Head {
            position: Some(event.link().position),
            hash: event.hash(),
        }
    }

    /// The last position as a number, 0 where the log is empty.
    pub fn number(&self) -> u64 {
        self.position.map_or(0, Position::number)
    }

    /// Where the next event goes; None behind a log's last position: that log is full.
    pub fn next(&self) -> Option<Link> {
        let position = self
            .position
            .map_or(Some(Position::FIRST), Position::next)?;
        Some(Link {
            position,
            prev: self.hash,
        })
    }

    /// Whether an event at this link is the next one.
    pub fn is_followed_by(&self, link: &Link) -> bool {
        self.next().as_ref() == Some(link)
    }
}

/// Contiguous, linked events of one log, signed with one key; at least one, at most [`RUN_EVENTS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run(Vec<SignedEvent>);

/// Where events stop being a run, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index} of the run {what}")]
pub struct RunFault {
    pub index: usize,
    pub what: RunBreak,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunBreak {
    #[error("is missing: a run holds 1 to {RUN_EVENTS_MAX} events")]
    Length,
    #[error("is of another log")]
    OtherLog,
    #[error("is signed with another key")]
    OtherKey,
    #[error("does not follow the event before it")]
    NotLinked,
}

impl Run {
    /// # Errors
    /// The first place where the events are no run.
    pub fn new(events: Vec<SignedEvent>) -> Result<Run, RunFault> {
        if events.is_empty() || events.len() > RUN_EVENTS_MAX {
            return Err(RunFault {
                index: events.len(),
                what: RunBreak::Length,
            });
        }
        let pairs = events.iter().zip(events.iter().skip(1));
        for (index, (event, next)) in (1..).zip(pairs) {
            follows(event, next).map_err(|what| RunFault { index, what })?;
        }
        Ok(Run(events))
    }

    pub fn one(event: SignedEvent) -> Run {
        Run(vec![event])
    }

    pub fn log(&self) -> &LogName {
        self.first().event().log()
    }

    #[expect(clippy::expect_used, reason = "Run::new takes no empty list")]
    pub fn first(&self) -> &SignedEvent {
        self.0.first().expect("a run holds at least one event")
    }

    #[expect(clippy::expect_used, reason = "Run::new takes no empty list")]
    pub fn last(&self) -> &SignedEvent {
        self.0.last().expect("a run holds at least one event")
    }

    pub fn events(&self) -> &[SignedEvent] {
        &self.0
    }

    pub fn into_events(self) -> Vec<SignedEvent> {
        self.0
    }
}

/// Says whether `next` can stand directly behind `event`.
pub fn follows(event: &SignedEvent, next: &SignedEvent) -> Result<(), RunBreak> {
    if event.event().log() != next.event().log() {
        Err(RunBreak::OtherLog)
    } else if event.keyid() != next.keyid() {
        Err(RunBreak::OtherKey)
    } else if !Head::of(event).is_followed_by(next.link()) {
        Err(RunBreak::NotLinked)
    } else {
        Ok(())
    }
}
