//! What was tried and what came of it. In: one state's outcome after the other. Out: counts and a verdict.
//! Never: a pass for a run that tried nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::outbox::OPEN_TIME;

/// How a state opened.
pub struct Seen {
    pub opened: Duration,
    /// Why an index was set aside, if one was.
    pub set_aside: Option<String>,
}

/// What a room was put through.
#[derive(Default)]
pub struct Tally {
    /// Moments at which the power was cut.
    pub cuts: usize,
    /// States that differ in at least one byte.
    pub distinct: usize,
    /// Times that a state was opened: also once more when more had been promised meanwhile.
    pub opened: usize,
    /// States that lack at least one unsynced change.
    pub lossy: usize,
    /// The fewest and the most promises that a state was held against.
    pub promises: (usize, usize),
    /// Indexes that were set aside: why, and in which states.
    pub set_aside: BTreeMap<String, Vec<String>>,
    pub slowest: Duration,
    pub panics: usize,
    pub failures: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, name: &str, promises: usize, seen: Result<Seen, String>) {
        self.opened += 1;
        if self.opened == 1 {
            self.promises = (promises, promises);
        }
        self.promises.0 = self.promises.0.min(promises);
        self.promises.1 = self.promises.1.max(promises);
        match seen {
            Ok(seen) => {
                self.slowest = self.slowest.max(seen.opened);
                if seen.opened > OPEN_TIME {
                    self.failures
                        .push(format!("it took {:?} to open", seen.opened));
                }
                if let Some(reason) = seen.set_aside {
                    self.set_aside.entry(reason).or_default().push(name.into());
                }
            }
            Err(why) => self.failures.push(why),
        }
    }

    /// Whether the run shows anything, and shows it.
    pub fn passes(&self, distinct_min: usize) -> bool {
        self.failures.is_empty()
            && self.panics == 0
            && self.set_aside.is_empty()
            && self.distinct >= distinct_min
            && self.lossy > 0
            && self.promises.1 > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            cuts,
            distinct,
            opened,
            lossy,
            promises: (fewest, most),
            slowest,
            panics,
            failures,
            set_aside,
        } = self;
        write!(
            f,
            "{cuts} cuts, {distinct} distinct states ({lossy} with unsynced changes lost), opened {opened} times, \
             held against {fewest} to {most} promises: {} failed, {panics} panics, slowest opening {} ms",
            failures.len(),
            slowest.as_millis()
        )?;
        for (reason, states) in set_aside {
            let (times, first) = (states.len(), states.join(" "));
            write!(
                f,
                "\n  {times} times an index was set aside: {reason}: {first}"
            )?;
        }
        for failure in failures.iter().take(10) {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}
