//! What becomes of accepted events: settled, taken back, put back, refused, released, dropped, lost.
//! A job comes in, its answer goes out behind what it wrote. Nothing new is accepted here.

use schemas::subject::FeedName;

use super::committer::{Answer, Committer, Job};
use super::index::{Known, Reads, Stage, Writes};
use super::journal::CommitError;
use super::record::{self, Record, Refused};
use super::segment::Location;
use super::{PutBack, Settled, Telling, Vouched, branches, receipts, untold};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::fields;
use crate::store::index::Left;
use crate::store::limits::INDEX_UNSYNCED_BYTES_MAX;

/// An event that was taken back has never been in the journal.
const NOWHERE: Location = Location {
    segment: 0,
    offset: 0,
    length: 0,
};

impl Committer {
    pub fn serve_one(&mut self, job: Job) -> Result<(), Outage> {
        match job {
            Job::Accept { .. } => unreachable!("submissions are served in groups"),
            Job::Settle(feed, vouched, answer) => {
                let done = self.settle(&feed, &vouched);
                tell(answer, done)
            }
            Job::TakeBack(feed, vouched, telling, answer) => {
                let done = self.take_back(&feed, &vouched, telling);
                tell(answer, done)
            }
            Job::PutBack(feed, events, answer) => {
                let done = self.put_back(&feed, &events);
                tell(answer, done)
            }
            Job::Refuse(feed, number, refusal, answer) => {
                let done = self.refuse(&feed, number, &refusal);
                tell(answer, done)
            }
            Job::Release(feed, number, answer) => {
                let feed = feed.as_str();
                let done = self.write_one(&Record::Released { number, feed });
                self.tell_news();
                tell(answer, done)
            }
            Job::Drop(feed, number, answer) => {
                let feed = feed.as_str();
                let done = self.write_one(&Record::Dropped { number, feed });
                tell(answer, done)
            }
            Job::Checkpoint(answer) => {
                let done = self.checkpoint();
                tell(answer, done)
            }
            Job::Confirmed(confirmation) => self.confirmed(&confirmation),
            Job::Lost(feed, number, at) => self.lost(&feed, number, at),
            Job::Tidy(answer) => {
                let mut done = self.checkpoint();
                while done.is_ok() && self.tidy()? != Left::Nothing {
                    std::thread::yield_now();
                    done = Ok(());
                }
                tell(answer, done)
            }
            #[cfg(test)]
            Job::WriteTo(file) => {
                self.journal.write_to(file);
                Ok(())
            }
            Job::Suspect => Err(Outage::Index {
                doing: "read",
                reason: "it is damaged".into(),
            }),
        }
    }

    /// Journals records and applies them, one after another.
    pub fn write_one(&mut self, record: &Record<'_>) -> Result<(), Outage> {
        let at = record.stage(&mut self.journal);
        self.commit_now()?;
        let mut writes = Writes::default();
        self.state
            .replay(&self.index.db(), &mut writes, at, record)
            .map_err(|e| Outage::index("read", &e))?;
        self.apply_journaled(writes)
    }

    /// For what must not wait for others, and what a full disk must not stop without being told.
    pub fn commit_now(&mut self) -> Result<(), Outage> {
        self.journal.commit().map_err(|error| match error {
            CommitError::Full => Outage::Full,
            CommitError::Outage(outage) => outage,
        })
    }

    fn refuse(&mut self, feed: &FeedName, number: u64, refusal: &str) -> Result<(), Outage> {
        let entry = Reads(&self.index.db()).waiting_entry(feed, number);
        let Some(entry) = entry.map_err(|e| Outage::index("read", &e))? else {
            return Ok(());
        };
        self.write_one(&Record::Refused(Refused {
            number,
            at_ms: now_ms(),
            feed: feed.as_str(),
            id: &entry.id,
            refusal,
        }))
    }

    fn put_back(&mut self, feed: &FeedName, events: &[PutBack]) -> Result<(), Outage> {
        let unreadable = |e: sled::Error| Outage::index("read", &e);
        self.state.front -= u64::try_from(events.len()).unwrap_or(u64::MAX);
        for (number, event) in (self.state.front..).zip(events) {
            // Before it leaves the own log.
            let mut writes = Writes::default();
            branches::keep(&mut writes, feed, event);
            self.apply_index(writes)?;
            let known = Reads(&self.index.db()).known(feed, &event.id);
            let record = record::Accepted {
                number,
                at_ms: now_ms(),
                content: known
                    .map_err(unreadable)?
                    .and_then(|known| known.content)
                    .unwrap_or(fields::NONE),
                data: event.data,
                feed: feed.as_str(),
                id: &event.id,
                key: None,
                bytes: &event.bytes,
            };
            self.write_one(&Record::Accepted(record))?;
            let mut writes = Writes::default();
            let gone = writes.not_own(&self.index.db(), feed, event.position);
            gone.map_err(unreadable)?;
            self.apply_index(writes)?;
        }
        self.tell_news();
        Ok(())
    }

    pub fn lost(&mut self, feed: &FeedName, number: u64, at: Location) -> Result<(), Outage> {
        let mut writes = Writes::default();
        let lost = self
            .state
            .lost(&self.index.db(), &mut writes, feed, number, at);
        if let Some(id) = lost.map_err(|e| Outage::index("read", &e))? {
            self.apply_index(writes)?;
            let Location {
                segment, offset, ..
            } = at;
            let text = format!(
                "{feed} {id}: its bytes in journal segment {segment} at {offset} are gone; submit it again"
            );
            self.shared.alarms.raise("accepted-events-lost", text);
        }
        Ok(())
    }

    fn settle(&mut self, feed: &FeedName, vouched: &Vouched) -> Result<(), Outage> {
        self.shared.status.release(feed);
        let mut writes = Writes::default();
        untold::forget_told(&self.index.db(), &mut writes, feed, &vouched.events)
            .map_err(|e| Outage::index("read", &e))?;
        self.add_to_own_log(writes, feed, vouched, |stage| stage != Stage::Lost)
    }

    fn take_back(
        &mut self,
        feed: &FeedName,
        vouched: &Vouched,
        telling: Telling,
    ) -> Result<(), Outage> {
        let mut writes = Writes::default();
        match telling {
            Telling::Due => untold::remember(&self.index.db(), &mut writes, feed, &vouched.events)
                .map_err(|e| Outage::index("read", &e))?,
            Telling::NotDue => {}
        }
        self.add_to_own_log(writes, feed, vouched, |stage| stage == Stage::Accepted)
    }

    /// What the bus has is not journaled: after a crash it is read from the bus again.
    fn add_to_own_log(
        &mut self,
        mut writes: Writes,
        feed: &FeedName,
        vouched: &Vouched,
        leaves: impl Fn(Stage) -> bool,
    ) -> Result<(), Outage> {
        let unreadable = |e: sled::Error| Outage::index("read", &e);
        // Before the events that it vouches for: one for positions that a cut has taken is asked for again with them.
        let kept = receipts::keep(&self.index.db(), &mut writes, feed, &vouched.receipts);
        kept.map_err(unreadable)?;
        for event in &vouched.events {
            let written = self.write_own_log(&mut writes, feed, event, &leaves);
            written.map_err(unreadable)?;
            if writes.0.bytes() > INDEX_UNSYNCED_BYTES_MAX {
                self.apply_index(std::mem::take(&mut writes))?;
            }
        }
        self.apply_index(writes)?;
        let mut writes = Writes::default();
        let shortened = writes.shorten_line(&self.index.db(), feed);
        shortened.map_err(|e| Outage::index("read", &e))?;
        self.apply_index(writes)
    }

    fn write_own_log(
        &mut self,
        writes: &mut Writes,
        feed: &FeedName,
        event: &Settled,
        leaves: impl Fn(Stage) -> bool,
    ) -> Result<(), sled::Error> {
        let known = Reads(&self.index.db()).known(feed, &event.id)?;
        let in_line = known.filter(|known| !matches!(known.stage, Stage::Settled { .. }));
        if let Some(known) = in_line.filter(|known| leaves(known.stage)) {
            self.state
                .out_of_line(&self.index.db(), writes, feed, &known)?;
        }
        let now = Known {
            stage: Stage::Settled {
                position: event.position,
            },
            number: known.map_or(0, |known| known.number),
            at: known.map_or(NOWHERE, |known| known.at),
            at_ms: known.map_or(0, |known| known.at_ms),
            content: known
                .filter(|known| known.data == event.data)
                .and_then(|known| known.content),
            data: event.data,
        };
        writes.known(feed, &event.id, &now);
        writes.own(feed, event);
        if !self.state.feeds.contains_key(feed) {
            self.state.counts(feed);
            writes.feed(feed);
        }
        Ok(())
    }
}

/// An outage is told to the one who asked, and stops the work; a full disk stops nothing.
fn tell(answer: Answer, done: Result<(), Outage>) -> Result<(), Outage> {
    let _gone = answer.send(done.clone());
    match done {
        Err(Outage::Full) => Ok(()),
        done => done,
    }
}
