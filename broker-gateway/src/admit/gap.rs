//! What an office says its log has lost for good comes in; a declaration that it signed, and that stands behind its range, goes out,
//! with what it shows of its end. Whether the positions are really missing is `commit`'s question.

use std::sync::Arc;

use schemas::notice::GapDeclared;
use schemas::receipt::{Receipt, VerifiedReceipt};
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
    receipt: Option<VerifiedReceipt>,
}

impl Declared {
    pub fn log(&self) -> &LogName {
        self.event.event().log()
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

    /// Whether it carries a gateway's word that the log was as long: a receipt for the last position, which then names the hash that
    /// the log goes on from, or for one behind it.
    pub fn is_proved(&self) -> bool {
        let facts = self.receipt.as_ref().map(VerifiedReceipt::facts);
        facts
            .filter(|facts| facts.log == *self.log())
            .is_some_and(|facts| {
                let position = facts.position.number();
                let same = position == self.gap.last && facts.hash == self.event.link().prev;
                same || position > self.gap.last
            })
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
        let event = event.map_err(|no| Box::new(unread(0, no)))?.event;
        let signed = examiner
            .signer(&event)
            .and_then(|key| event.verify(key).map_err(No::from));
        let timely = signed.and_then(|()| examiner.clock(&event));
        let read = timely.and_then(|()| GapDeclared::read_with_receipt(&event).map_err(No::from));
        match read {
            Ok((gap, receipt)) => Ok(Declared {
                // One by a key that is not known may be believed another time, and proves nothing now.
                receipt: receipt.and_then(|receipt| Receipt::verified(receipt, registry).ok()),
                registry: registry.clone(),
                event,
                gap,
            }),
            Err(no) => Err(Box::new(answered(0, &event, no))),
        }
    }
}
