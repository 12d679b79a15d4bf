//! Checkpoints: the index is synced, and journal segments that nothing needs any more go away.
//! What still waits in the oldest segment, or lies in the tray, is copied on, so that one old event pins no file.
//! No segment goes before an index that knows all of it is on disk.

use schemas::subject::FeedName;

use super::committer::Committer;
use super::index::{Entry, Reads, Writes};
use super::prune::PrunedTo;
use super::record::{Accepted, Pruned, Record, Refused};
use super::segment::Location;
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::{COPIES_MAX, SLACK_SEGMENTS};

/// An event that must not go with its segment.
struct Needed {
    feed: FeedName,
    number: u64,
    entry: Entry,
    body: Vec<u8>,
    kind: u8,
}

impl Committer {
    pub fn checkpoint(&mut self) -> Result<(), Outage> {
        let roomy = self.disk_bytes() <= self.budget_bytes / 2;
        let slack = if roomy { SLACK_SEGMENTS } else { 0 };
        self.checkpoint_leaving(slack * u64::from(self.journal.segment_bytes()))
    }

    /// When nobody waits: half a segment of leftovers is tolerated. False when there are no more.
    pub fn trim_journal(&mut self) -> Result<bool, Outage> {
        let tolerated = u64::from(self.journal.segment_bytes() / 2);
        if self.journal.bytes() <= 2 * self.state.live_bytes() + tolerated {
            return Ok(false);
        }
        let before = self.journal.bytes();
        // What is only in the last segment can go, too, when that is not the last one any more.
        if self.journal.begin_next().is_err() {
            return Ok(false);
        }
        self.checkpoint_leaving(tolerated)?;
        Ok(self.journal.bytes() < before)
    }

    fn checkpoint_leaving(&mut self, slack_bytes: u64) -> Result<(), Outage> {
        for _ in 0..COPIES_MAX {
            self.index.sync()?;
            self.unsynced = None;
            self.remove_unneeded()?;
            if !self.leftovers_prevail(slack_bytes) {
                break;
            }
            match self.copy_first_on() {
                // No room for a copy: what is there stays there.
                Err(Outage::Full) => break,
                done => done?,
            }
        }
        self.index_bytes = self.index.disk_bytes();
        self.show();
        Ok(())
    }

    /// Only from the front: a record may speak of one in an older segment, never of one in a newer.
    fn remove_unneeded(&mut self) -> Result<(), Outage> {
        while self.journal.first_segment() < self.journal.last_segment()
            && !self.state.live.contains_key(&self.journal.first_segment())
        {
            self.journal.remove_first()?;
        }
        Ok(())
    }

    /// Half of the journal and some segments more are settled: copying the rest costs less than it frees.
    fn leftovers_prevail(&self, slack_bytes: u64) -> bool {
        self.journal.first_segment() < self.journal.last_segment()
            && self.journal.bytes() > 2 * self.state.live_bytes() + slack_bytes
    }

    fn copy_first_on(&mut self) -> Result<(), Outage> {
        let first = self.journal.first_segment();
        let mut needed = Vec::new();
        self.journal
            .replay_segment(first, 0, &mut |at, kind, body| {
                if let Some(Record::Accepted(accepted)) = Record::read(kind, body)
                    && let Some((feed, entry)) = self.pinned_by(at, &accepted)?
                {
                    needed.push(Needed {
                        feed,
                        number: accepted.number,
                        entry,
                        body: body.to_vec(),
                        kind,
                    });
                }
                Ok(())
            })?;
        let copies: Vec<Location> = needed.iter().map(|one| self.stage_copy(one)).collect();
        let marks = self.stage_marks(first);
        self.commit_now()?;
        let mut writes = Writes::default();
        for (feed, pruned) in marks {
            let marked = self
                .state
                .pruned(&self.index.db(), &mut writes, &feed, pruned);
            marked.map_err(|e| Outage::index("read", &e))?;
        }
        for (one, to) in needed.iter().zip(copies) {
            let place = (&one.feed, one.number);
            let moved = self.state.moved(&self.index.db(), &mut writes, place, to);
            moved.map_err(|e| Outage::index("read", &e))?;
        }
        self.apply_journaled(writes)?;
        if self.state.live.contains_key(&first) {
            self.name_lost(|at| at.segment == first)?;
        }
        Ok(())
    }

    /// Up to where logs were pruned, as the segment says. Which events those were need not be said again: whatever the journal
    /// has of them is not behind this segment.
    fn stage_marks(&mut self, segment: u32) -> Vec<(FeedName, PrunedTo)> {
        let marks = self.state.pruned.iter();
        let here = marks.filter(|(_, pruned)| pruned.at.segment == segment);
        let here: Vec<(FeedName, PrunedTo)> = here.map(|(f, p)| (f.clone(), *p)).collect();
        let staged = here.into_iter().map(|(feed, PrunedTo { head, .. })| {
            let places = Vec::new();
            let record = Record::Pruned(Pruned {
                feed: feed.as_str(),
                head,
                places,
            });
            let at = record.stage(&mut self.journal);
            (feed, PrunedTo { head, at })
        });
        staged.collect()
    }

    /// The entry of the index that needs this very record.
    fn pinned_by(
        &self,
        at: Location,
        accepted: &Accepted<'_>,
    ) -> Result<Option<(FeedName, Entry)>, Outage> {
        let Ok(feed) = accepted.feed.parse::<FeedName>() else {
            return Ok(None);
        };
        let db = self.index.db();
        let reads = Reads(&db);
        let entry = || match reads.waiting_entry(&feed, accepted.number)? {
            Some(entry) => Ok(Some(entry)),
            None => reads.tray_entry(&feed, accepted.number),
        };
        let entry = entry().map_err(|e| Outage::index("read", &e))?;
        Ok(entry
            .filter(|entry| entry.at == at)
            .map(|entry| (feed, entry)))
    }

    fn stage_copy(&mut self, one: &Needed) -> Location {
        let to = self
            .journal
            .stage(one.kind, |into| into.extend_from_slice(&one.body));
        if !one.entry.refusal.is_empty() {
            let refused = Refused {
                number: one.number,
                at_ms: now_ms(),
                feed: one.feed.as_str(),
                id: &one.entry.id,
                refusal: &one.entry.refusal,
            };
            Record::Refused(refused).stage(&mut self.journal);
        }
        to
    }

    /// Names what the index knows and the journal no longer has; returns how many.
    pub fn name_lost(&mut self, gone: impl Fn(Location) -> bool) -> Result<u64, Outage> {
        let lost = self
            .find_lost(gone)
            .map_err(|e| Outage::index("read", &e))?;
        for (feed, number, at) in &lost {
            self.lost(feed, *number, *at)?;
        }
        Ok(u64::try_from(lost.len()).unwrap_or(u64::MAX))
    }

    fn find_lost(
        &self,
        gone: impl Fn(Location) -> bool,
    ) -> Result<Vec<(FeedName, u64, Location)>, sled::Error> {
        let db = self.index.db();
        let reads = Reads(&db);
        let mut lost = Vec::new();
        for feed in reads.feeds()? {
            for entry in reads.waiting(&feed, 0).chain(reads.tray(&feed)) {
                let (number, entry) = entry?;
                if gone(entry.at) {
                    lost.push((feed.clone(), number, entry.at));
                }
            }
        }
        Ok(lost)
    }
}
