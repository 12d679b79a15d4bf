//! What an office says its log has lost for good comes in; a declaration that it signed, and that stands behind its range, goes out.
//! Whether the positions are really missing is `commit`'s question.

use std::sync::Arc;

use schemas::event::Hash;
use schemas::notice::GapDeclared;
use schemas::refusal::Hold;
use schemas::registry::Registry;
use schemas::signing::SignedEvent;
use schemas::subject::LogName;

use super::examine::Examiner;
use super::{Admission, RawEvent, answered, unread};
use crate::acl::PublishPermit;
use crate::refuse::{Answered, No};

/// A declaration by the log's own office; made only here.
#[derive(Debug)]
pub struct Declared {
    registry: Arc<Registry>,
    event: SignedEvent,
    gap: GapDeclared,
}

impl Declared {
    pub fn log(&self) -> &LogName {
        self.event.event().log()
    }

    pub fn genesis(&self) -> Hash {
        self.registry.genesis()
    }

    /// What it was judged by.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn event(&self) -> &SignedEvent {
        &self.event
    }

    pub fn gap(&self) -> GapDeclared {
        self.gap
    }
}

impl Admission {
    /// # Errors
    /// What the office is told.
    pub fn declare(
        &self,
        permit: &PublishPermit,
        raw: &RawEvent,
    ) -> Result<Declared, Box<Answered>> {
        let registry = permit.registry();
        let mut examiner = Examiner::new(registry, permit.log())
            .map_err(|hold: Hold| Box::new(unread(0, hold.into())))?;
        let event = examiner.read(raw);
        let event = event
            .map_err(|refusal| Box::new(unread(0, refusal.into())))?
            .event;
        let signed = examiner
            .signer(&event)
            .and_then(|key| event.verify(key).map_err(No::from));
        let timely = signed.and_then(|()| examiner.clock(&event));
        let gap = timely.and_then(|()| GapDeclared::read(&event).map_err(No::from));
        match gap {
            Ok(gap) => Ok(Declared {
                registry: registry.clone(),
                event,
                gap,
            }),
            Err(no) => Err(Box::new(answered(0, &event, no))),
        }
    }
}
