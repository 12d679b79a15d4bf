//! What becomes of accepted events: settled, taken back, put back, refused, released, dropped.
//! A job comes in, its answer goes out behind what it wrote. Nothing new is accepted here.

use bytes::Bytes;
use schemas::subject::FeedName;

use super::committer::{Answer, Committer, Draft, Job};
use super::facts::{self, Fact, Placed, Stood};
use super::state::Feed;
use super::tidy::Left;
use super::{PutBack, Settled, Stage, Telling, Vouched, receipts, untold};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::GROUP_BYTES_MAX;

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
                let done = self.release(&feed, number);
                self.tell_news();
                tell(answer, done)
            }
            Job::Drop(feed, number, answer) => {
                let done = self.drop_from_tray(&feed, number);
                tell(answer, done)
            }
            Job::Checkpoint(answer) => {
                let done = self.checkpoint();
                tell(answer, done)
            }
            Job::Mend => Ok(()),
            Job::Asked(feed, answer) => tell(answer, self.asked(&feed)),
            Job::Confirmed(confirmation) => full_is_not_final(self.confirmed(&confirmation)),
            Job::Lost(feed, number) => full_is_not_final(self.lost(&feed, number)),
            Job::Unread(feed, position) => full_is_not_final(self.unread(&feed, position)),
            Job::Alarm(number, alarm) => {
                let raised = Fact::Alarm(facts::Raised {
                    number,
                    at_ms: alarm.at_ms,
                    code: &alarm.code,
                });
                let draft = Draft::of(&raised, alarm.text);
                full_is_not_final(self.append_unit(&[draft]))
            }
            Job::Tidy(answer) => {
                let done = self.tidy_all();
                tell(answer, done)
            }
            #[cfg(test)]
            Job::NotHere(feed, position, answer) => {
                let (number, _) = self.feed_of(&feed);
                let own = self.look().own(number, position)?;
                let done = self.not_here(number, position, own.map(|own| own.hash));
                tell(answer, done)
            }
            #[cfg(test)]
            Job::WriteTo(file) => {
                self.log.write_to(file);
                Ok(())
            }
            Job::Suspect => Err(Outage::Index {
                doing: "read",
                reason: "its tables do not answer".into(),
            }),
        }
    }

    /// The number of a feed, and the record that gives it where it has none yet: that one is a unit by itself.
    pub fn feed_of(&self, feed: &FeedName) -> (u32, Option<Draft>) {
        let state = self.log.state();
        match state.named(feed) {
            Some((number, _)) => (number, None),
            None => {
                let number = state.next_feed(0);
                let named = Fact::Named(number, feed.as_str());
                (number, Some(Draft::of(&named, Bytes::new())))
            }
        }
    }

    fn refuse(&mut self, feed: &FeedName, number: u64, refusal: &str) -> Result<(), Outage> {
        let is_there = |feed: &Feed| feed.waiting.contains(number);
        match self.placed(feed, number, is_there)? {
            Some((one, id)) => {
                let refused = Fact::Refused(Placed { id: &id, ..one });
                self.commit_unit(&[Draft::of(&refused, refusal.to_owned())])
            }
            None => Ok(()),
        }
    }

    /// An event whose id the bus knows with other content stays in the tray.
    fn release(&mut self, feed: &FeedName, number: u64) -> Result<(), Outage> {
        let in_tray = |feed: &Feed| feed.tray.contains(number);
        let Some((one, id)) = self.placed(feed, number, in_tray)? else {
            return Ok(());
        };
        let known = self.look().known(feed, &id)?;
        let means_it =
            known.is_some_and(|known| (known.stage, known.number) == (Stage::Refused, number));
        if !means_it {
            return Ok(());
        }
        let released = Fact::Released(Placed { id: &id, ..one });
        self.commit_unit(&[Draft::of(&released, Bytes::new())])
    }

    fn drop_from_tray(&mut self, feed: &FeedName, number: u64) -> Result<(), Outage> {
        let in_tray = |feed: &Feed| feed.tray.contains(number);
        match self.placed(feed, number, in_tray)? {
            Some((one, id)) => {
                let dropped = Fact::Dropped(Placed { id: &id, ..one });
                self.commit_unit(&[Draft::of(&dropped, Bytes::new())])
            }
            None => Ok(()),
        }
    }

    /// An event by its place, if it is where it should be. Its id stands beside it, for whoever writes it down.
    pub fn placed(
        &self,
        name: &FeedName,
        number: u64,
        is_there: impl Fn(&Feed) -> bool,
    ) -> Result<Option<(Placed<'static>, String)>, Outage> {
        let look = self.look();
        let Some((of, _)) = look.state.named(name).filter(|(_, feed)| is_there(feed)) else {
            return Ok(None);
        };
        let id = look.in_line(of, number)?.map(|event| event.id);
        let one = Placed {
            feed: of,
            number,
            at_ms: now_ms(),
            id: "",
        };
        Ok(Some((one, id.unwrap_or_default())))
    }

    /// From the last to the first, so that one that is written leaves those before it in their places, whatever comes.
    fn put_back(&mut self, feed: &FeedName, events: &[PutBack]) -> Result<(), Outage> {
        let (mut drafts, mut bytes, mut given) = (Vec::new(), 0, 0);
        for event in events.iter().rev() {
            let one = self.put_back_one(feed, event, &mut given)?;
            bytes += one.iter().map(Draft::size).sum::<usize>();
            drafts.extend(one);
            if bytes >= GROUP_BYTES_MAX {
                self.commit_unit(&drafts)?;
                (bytes, given) = (0, 0);
                drafts.clear();
            }
        }
        if !drafts.is_empty() {
            self.commit_unit(&drafts)?;
        }
        self.tell_news();
        Ok(())
    }

    /// It leaves the own log and is in line, and what stood there is kept beside. `given` were put before the line in this unit already.
    fn put_back_one(
        &self,
        name: &FeedName,
        event: &PutBack,
        given: &mut u64,
    ) -> Result<Vec<Draft>, Outage> {
        let look = self.look();
        let (position, hash) = (event.position, event.hash);
        let (number, named) = self.feed_of(name);
        let nothing = Feed::default();
        let feed = look.state.feed(number).unwrap_or(&nothing);
        let mut drafts: Vec<Draft> = named.into_iter().collect();
        let stood = |hash| Stood {
            feed: number,
            position,
            hash,
            time: feed.time,
        };
        let own = look.own(number, position)?;
        let stands = own.as_ref().map_or(hash, |own| own.hash);
        drafts.push(Draft::of(&Fact::Retracted(stood(stands)), Bytes::new()));
        let held = own.filter(|own| own.hash == hash && own.bytes.as_ref() == Some(&event.signed));
        if held.is_none() {
            let beside = Fact::Branch(stood(hash));
            drafts.push(Draft::of(&beside, event.signed.clone()));
        }
        let known = look.known_in(number, feed, &event.id)?;
        let in_line = known
            .filter(|known| matches!(known.stage, Stage::Accepted | Stage::Refused))
            .is_some();
        if in_line {
            return Ok(drafts);
        }
        *given += 1;
        let accepted = Fact::Accepted(facts::Accepted {
            feed: number,
            number: feed.front.saturating_sub(*given),
            at_ms: now_ms(),
            content: known.and_then(|known| known.content),
            data: event.data,
            key: known.and_then(|known| known.key),
            id: &event.id,
            name: "",
        });
        drafts.push(Draft::of(&accepted, event.bytes.clone()));
        Ok(drafts)
    }

    fn settle(&mut self, feed: &FeedName, vouched: &Vouched) -> Result<(), Outage> {
        self.shared.status.release(feed);
        let told = untold::told(self.log.state(), feed, &vouched.events);
        self.add_to_own_log(feed, vouched, told, |stage| {
            matches!(stage, Stage::Accepted | Stage::Refused)
        })
    }

    fn take_back(
        &mut self,
        feed: &FeedName,
        vouched: &Vouched,
        telling: Telling,
    ) -> Result<(), Outage> {
        let untold = match telling {
            Telling::Due => untold::remembered(self.log.state(), feed, &vouched.events),
            Telling::NotDue => None,
        };
        let untold = untold.map(Some);
        self.add_to_own_log(feed, vouched, untold, |stage| stage == Stage::Accepted)
    }

    /// What the bus has is not synced: after a crash it is read from the bus again. Receipts and what is to be told stand before the events:
    /// what a cut has taken is asked for again with them.
    fn add_to_own_log(
        &mut self,
        name: &FeedName,
        vouched: &Vouched,
        untold: Option<Option<facts::Range>>,
        leaves: impl Fn(Stage) -> bool,
    ) -> Result<(), Outage> {
        let (number, named) = self.feed_of(name);
        let mut drafts: Vec<Draft> = Vec::new();
        if let Some(range) = untold {
            drafts.push(Draft::of(&Fact::Untold(number, range), Bytes::new()));
        }
        let nothing = Feed::default();
        let feed = self.log.state().feed(number).unwrap_or(&nothing);
        drafts.extend(receipts::new(feed, number, &vouched.receipts));
        if drafts.is_empty() && vouched.events.is_empty() {
            return Ok(());
        }
        if let Some(named) = named {
            self.append_unit(&[named])?;
        }
        let mut bytes = 0;
        for event in &vouched.events {
            let Some(draft) = self.settled(number, event, &leaves)? else {
                continue;
            };
            bytes += draft.size();
            drafts.push(draft);
            if bytes >= GROUP_BYTES_MAX {
                self.append_unit(&drafts)?;
                drafts.clear();
                bytes = 0;
            }
        }
        self.append_unit(&drafts)
    }

    /// None where it stands there already, and can be given.
    fn settled(
        &self,
        number: u32,
        event: &Settled,
        leaves: impl Fn(Stage) -> bool,
    ) -> Result<Option<Draft>, Outage> {
        let look = self.look();
        let nothing = Feed::default();
        let feed = look.state.feed(number).unwrap_or(&nothing);
        let known = look.known_in(number, feed, &event.id)?;
        let stage = known.map(|known| known.stage);
        let position = event.position;
        if stage == Some(Stage::Settled { position })
            && let Some(own) = look.own(number, position)?
            && own.hash == event.hash
        {
            let pruned = feed.pruned.is_some_and(|to| to.position >= position);
            if own.bytes.is_some() || pruned {
                return Ok(None);
            }
        }
        let same = known.filter(|known| known.data == event.data);
        let settled = Fact::Settled(facts::Settled {
            feed: number,
            position,
            hash: event.hash,
            number: known.map_or(0, |known| known.number),
            leaves: stage.is_some_and(leaves),
            time: feed.time,
            at_ms: known.map_or(0, |known| known.at_ms),
            content: same.and_then(|known| known.content),
            data: event.data,
            key: known.and_then(|known| known.key),
            id: &event.id,
        });
        Ok(Some(Draft::of(&settled, event.bytes.clone())))
    }

    /// Until nothing is left, whoever else waits.
    fn tidy_all(&mut self) -> Result<(), Outage> {
        self.sync()?;
        while self.tidy()? != Left::Nothing {
            self.wait_for_cleaned()?;
        }
        Ok(())
    }
}

/// An outage is told to the one who asked, and stops the work; a full disk stops nothing.
fn tell(answer: Answer, done: Result<(), Outage>) -> Result<(), Outage> {
    let _gone = answer.send(done.clone());
    full_is_not_final(done)
}

fn full_is_not_final(done: Result<(), Outage>) -> Result<(), Outage> {
    match done {
        Err(Outage::Full) => Ok(()),
        done => done,
    }
}
