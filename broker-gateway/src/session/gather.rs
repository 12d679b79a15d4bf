//! Publishes come in one by one, submissions go out: the events of each log together, in the order in which they came.

use crate::acl::PublishPermit;
use crate::admit::{RawEvent, Submission};
use crate::limits::{GATHERED_BYTES_MAX, GATHERED_EVENTS_MAX};
use crate::peer::Peer;

#[derive(Debug, Default)]
pub struct Gathered {
    logs: Vec<(PublishPermit, Vec<RawEvent>)>,
    events: usize,
    bytes: usize,
}

impl Gathered {
    /// Says whether it is time to submit.
    pub fn put(&mut self, permit: PublishPermit, event: RawEvent) -> bool {
        self.events += 1;
        self.bytes += event.bytes();
        let known = self
            .logs
            .iter_mut()
            .find(|(log, _)| log.log() == permit.log());
        match known {
            Some((_, events)) => events.push(event),
            None => self.logs.push((permit, vec![event])),
        }
        self.events >= GATHERED_EVENTS_MAX || self.bytes >= GATHERED_BYTES_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    pub fn take(&mut self, peer: &Peer) -> Vec<Submission> {
        let Gathered { logs, .. } = std::mem::take(self);
        logs.into_iter()
            .map(|(permit, events)| Submission {
                peer: peer.clone(),
                permit,
                events,
            })
            .collect()
    }
}
