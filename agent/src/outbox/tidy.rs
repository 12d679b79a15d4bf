//! Tidying: a moment in which nobody waits comes in, and one small step of giving space back is done in it: pruning, then
//! a segment is written anew. What was accepted and is not settled is never touched.

use std::time::Instant;

use super::committer::Committer;
use crate::store::Outage;

/// What there is to tidy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    Nothing,
    /// Something is being done, or somebody was here: in a while.
    Later,
    More,
}

/// Hundredths of a segment that are dead before it is written anew in a quiet moment: a settled event leaves a third of what it was.
pub const DEAD_IN_QUIET: u64 = 30;
/// The same where the budget presses.
const DEAD_UNDER_PRESSURE: u64 = 10;

impl Committer {
    /// Syncs what is written; where much of the budget is used, room is made.
    pub fn checkpoint(&mut self) -> Result<(), Outage> {
        self.sync()?;
        let roomy = self.budget_bytes - self.budget_bytes / 4;
        while self.bytes > roomy && self.tidy()? != Left::Nothing {
            self.wait_for_cleaned()?;
        }
        Ok(())
    }

    /// One step; says whether there is another one.
    pub fn tidy(&mut self) -> Result<Left, Outage> {
        self.tidied = Instant::now();
        match self.step() {
            // No room to write down what would be given back: what is there stays there.
            Err(Outage::Full) => Ok(Left::Nothing),
            done => done,
        }
    }

    fn step(&mut self) -> Result<Left, Outage> {
        if self.cleaner.is_running() {
            return Ok(Left::Later);
        }
        if self.prune_due()? || self.clean(DEAD_IN_QUIET)? || self.seal_if_worth()? {
            return Ok(Left::More);
        }
        let pressed = self.is_pressed();
        self.pressed &= pressed;
        let found = pressed && (self.prune_oldest()? || self.clean(DEAD_UNDER_PRESSURE)?);
        Ok(if found { Left::More } else { Left::Nothing })
    }
}
