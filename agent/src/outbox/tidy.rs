//! Tidying: a moment in which nobody waits comes in, and one small step of giving space back is done in it: pruning, then the
//! journal, then the index. What was accepted and is not settled is never touched.

use super::committer::Committer;
use crate::store::Outage;
use crate::store::index::Left;

impl Committer {
    /// One step; says whether there is another one.
    pub fn tidy(&mut self) -> Result<Left, Outage> {
        match self.step() {
            // No room to write down what would be given back: what is there stays there.
            Err(Outage::Full) => Ok(Left::Nothing),
            done => done,
        }
    }

    fn step(&mut self) -> Result<Left, Outage> {
        if self.prune_due()? || self.trim_journal()? {
            return Ok(Left::More);
        }
        let left = self.index.tidy(self.slack_bytes())?;
        if left != Left::Nothing {
            return Ok(left);
        }
        self.index_bytes = self.index.disk_bytes();
        self.show();
        let pressed = self.is_pressed();
        self.pressed &= pressed;
        // A small index has little to give.
        if !pressed || self.index_bytes <= self.slack_bytes() {
            return Ok(Left::Nothing);
        }
        // As much as makes it worth while to copy the index into less.
        Ok(match self.prune_oldest()? {
            true => Left::More,
            false => Left::Nothing,
        })
    }
}
