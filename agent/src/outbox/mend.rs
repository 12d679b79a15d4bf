//! Damage: what does not read comes in, at a start or found by a reader; what went with it is named, and what of the own log is gone is asked of the
//! bus before anything else is sent. Never an event taken for a new one that the bus may have.
//!
//! ```text
//! reader meets bytes that are no record ─► hints made anew from what reads ─┐
//! start: damage on the way of the fold ─────────────────────────────────────┴─► in line, and no record: LOST, by name
//!                                                                               in the own log, and no record: GONE ─► the bus is asked ─► ASKED
//! ```

use bytes::Bytes;
use schemas::subject::FeedName;

use super::Outbox;
use super::committer::{Committer, Draft, Job};
use super::facts::Fact;
use super::recover::OpenReport;
use crate::store::Outage;
use crate::store::intervals::Intervals;
use crate::store::limits::GROUP_EVENTS_MAX;
use crate::store::log::{OwnedHead, Repair, Section};

impl Committer {
    /// Looks at what readers found that does not read, if anything. Where the disk has no room for that it is looked at again.
    pub fn mend(&mut self) -> Result<(), Outage> {
        if !self.log.reading().is_suspected() {
            return Ok(());
        }
        match self.mend_log() {
            Err(Outage::Full) => Ok(()),
            done => done,
        }
    }

    fn mend_log(&mut self) -> Result<(), Outage> {
        let mut report = OpenReport {
            repairs: self.log.mend()?,
            ..OpenReport::default()
        };
        if report.is_damage() {
            report.lost = self.look_for_lost(&report.repairs)?;
        }
        self.tell(&report);
        Ok(())
    }

    /// Alarms of what was amiss.
    pub fn tell(&self, report: &OpenReport) {
        for (code, text) in report.notes() {
            if code.is_empty() {
                tracing::info!("{text}");
            } else {
                self.shared.alarms.raise(code, text);
            }
        }
    }

    /// What damage took: events in line are named, and positions of the own log are asked of the bus. Says how many events in line are lost.
    pub fn look_for_lost(&mut self, repairs: &[Repair]) -> Result<u64, Outage> {
        let rotten = repairs.iter().filter_map(|repair| match repair {
            Repair::Rotten { head, .. } => Some(head.clone()),
            Repair::TornTail { .. }
            | Repair::Damaged(_)
            | Repair::MissingSegments { .. }
            | Repair::HeaderUnread(_)
            | Repair::StateUnread(_)
            | Repair::HintMade(_) => None,
        });
        let rotten: Vec<OwnedHead> = rotten.collect();
        let lost = self.name_lost(&rotten)?;
        self.name_gone()?;
        Ok(lost)
    }

    /// Positions of the own logs of which there is no record, although one before it or behind it is known.
    fn name_gone(&mut self) -> Result<(), Outage> {
        let mut drafts = Vec::new();
        for (number, _, feed) in self.log.state().named_feeds() {
            let mut gone: Intervals = feed.holes();
            for (first, last) in feed.own.within(0, u64::MAX) {
                for position in self.missing(Section::Own, number, first, last)? {
                    gone.add(position);
                }
            }
            let runs = gone.within(0, u64::MAX);
            let news =
                runs.filter(|(first, last)| feed.gone.count_within(*first, *last) <= last - first);
            drafts.extend(
                news.map(|(first, last)| Draft::of(&Fact::Gone(number, first, last), Bytes::new())),
            );
        }
        for some in drafts.chunks(GROUP_EVENTS_MAX) {
            self.commit_unit(some)?;
        }
        Ok(())
    }

    pub fn asked(&mut self, name: &FeedName) -> Result<(), Outage> {
        let state = self.log.state();
        let gone = state.named(name).filter(|(_, feed)| !feed.gone.is_empty());
        match gone {
            // Not synced: after a crash it is asked for again.
            Some((number, _)) => self.append_unit(&[Draft::of(&Fact::Asked(number), Bytes::new())]),
            None => Ok(()),
        }
    }
}

impl Outbox {
    /// Where damage took something of the own log: the position before it. What was there may seem to wait, or be accepted anew, although the
    /// bus has it: the bus is asked before anything is sent. None: nothing is gone, or the bus [was asked](Outbox::mended).
    pub fn whole_up_to(&self, feed: &FeedName) -> Option<u64> {
        let state = self.inner.shared.state();
        let (_, feed) = state.named(feed)?;
        feed.gone.first().map(|first| first.saturating_sub(1))
    }

    /// What the own log lacked was taken back, as far as the bus has it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mended(&self, feed: &FeedName) -> Result<(), Outage> {
        let feed = feed.clone();
        self.ask(|answer| Job::Asked(feed, answer)).await
    }
}
