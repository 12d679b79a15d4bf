//! Publishes come in one by one, submissions go out: the events of each log together, in the order in which they came. What
//! brings back lost positions goes apart from what is appended.

use crate::acl::{HealPermit, PublishPermit};
use crate::admit::{RawEvent, Refills, Submission};
use crate::limits::{GATHERED_BYTES_MAX, GATHERED_EVENTS_MAX};
use crate::peer::Peer;

#[derive(Debug, Default)]
pub struct Gathered {
    logs: Vec<(PublishPermit, Vec<RawEvent>)>,
    refills: Vec<Refills>,
    events: usize,
    bytes: usize,
}

/// Whether more can be gathered, or it is time to submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    Room,
    Full,
}

impl Gathered {
    pub fn put(&mut self, permit: PublishPermit, event: RawEvent) -> Fill {
        let fill = self.count(&event);
        let known = self
            .logs
            .iter_mut()
            .find(|(log, _)| log.log() == permit.log());
        match known {
            Some((_, events)) => events.push(event),
            None => self.logs.push((permit, vec![event])),
        }
        fill
    }

    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.refills.is_empty()
    }

    /// The same for an event that comes back.
    pub fn put_refill(&mut self, permit: HealPermit, event: RawEvent) -> Fill {
        let fill = self.count(&event);
        let known = self
            .refills
            .iter_mut()
            .find(|refills| refills.log() == permit.log());
        match known {
            Some(refills) => refills.put(permit, event),
            None => self.refills.push(Refills::new(permit, event)),
        }
        fill
    }

    fn count(&mut self, event: &RawEvent) -> Fill {
        self.events = self.events.saturating_add(1);
        self.bytes = self.bytes.saturating_add(event.bytes());
        match self.events < GATHERED_EVENTS_MAX && self.bytes < GATHERED_BYTES_MAX {
            true => Fill::Room,
            false => Fill::Full,
        }
    }

    pub fn take(&mut self, peer: &Peer) -> (Vec<Submission>, Vec<Refills>) {
        let Gathered { logs, refills, .. } = std::mem::take(self);
        let submissions = logs.into_iter().map(|(permit, events)| Submission {
            peer: peer.clone(),
            permit,
            events,
        });
        (submissions.collect(), refills)
    }
}
