//! Events that were accepted and are gone: a place in line at which nothing good lies comes in, a record that says so and an alarm that names it
//! go out. Nothing is named that can still be read.

use bytes::Bytes;
use schemas::subject::FeedName;

use super::committer::{Committer, Draft};
use super::facts::{Fact, Placed};
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::store::limits::{ALARMS_MAX, GROUP_EVENTS_MAX};
use crate::store::log::limits::PAGE_ENTRIES_MAX;
use crate::store::log::{OwnedHead, Section};

/// One that is gone.
struct Gone {
    feed: u32,
    name: FeedName,
    number: u64,
    at_ms: u64,
    /// Empty where that does not read, either.
    id: String,
    place: String,
}

impl Committer {
    /// Somebody found nothing good there: it is looked at once more, by who writes.
    pub fn lost(&mut self, name: &FeedName, number: u64) -> Result<(), Outage> {
        match self.gone(name, number)? {
            Some(gone) => self.tell_gone(&[gone]),
            None => Ok(()),
        }
    }

    fn gone(&self, name: &FeedName, number: u64) -> Result<Option<Gone>, Outage> {
        let look = self.look();
        let in_line = look
            .state
            .named(name)
            .filter(|(_, feed)| feed.waiting.contains(number) || feed.tray.contains(number));
        let Some((feed, _)) = in_line else {
            return Ok(None);
        };
        let event = look.in_line(feed, number)?;
        if event.as_ref().is_some_and(|event| event.bytes.is_some()) {
            return Ok(None);
        }
        let place = event.as_ref().map_or(String::new(), |event| {
            let place = event.place;
            format!(" in segment {} at {}", place.segment, place.offset)
        });
        Ok(Some(Gone {
            feed,
            name: name.clone(),
            number,
            at_ms: event.as_ref().map_or(now_ms(), |event| event.at_ms),
            id: event.map_or(String::new(), |event| event.id),
            place,
        }))
    }

    fn tell_gone(&mut self, gone: &[Gone]) -> Result<(), Outage> {
        for some in gone.chunks(GROUP_EVENTS_MAX) {
            let drafts = some.iter().map(|one| {
                let lost = Fact::Lost(Placed {
                    feed: one.feed,
                    number: one.number,
                    at_ms: one.at_ms,
                    id: &one.id,
                });
                Draft::of(&lost, Bytes::new())
            });
            let drafts: Vec<Draft> = drafts.collect();
            self.commit_unit(&drafts)?;
        }
        // The last ones are all that is kept; how many there are in all is told beside.
        for one in gone.iter().take(ALARMS_MAX) {
            let Gone {
                name,
                number,
                id,
                place,
                ..
            } = one;
            let what = match id.as_str() {
                "" => format!("the event with number {number} in line"),
                id => id.to_owned(),
            };
            let text = format!("{name} {what}: its bytes{place} are gone; submit it again");
            self.shared.alarms.raise("accepted-events-lost", text);
        }
        Ok(())
    }

    /// After damage: whatever should be in line and has no record, or one of these, which rot. Says how many that were.
    pub fn name_lost(&mut self, rotten: &[OwnedHead]) -> Result<u64, Outage> {
        let mut suspects: Vec<(FeedName, u64)> = Vec::new();
        let look = self.look();
        for (number, name, feed) in look.state.named_feeds() {
            for intervals in [&feed.waiting, &feed.tray] {
                for (first, last) in intervals.within(0, u64::MAX) {
                    let missing = self.missing(Section::Line, number, first, last)?;
                    suspects.extend(missing.into_iter().map(|place| (name.clone(), place)));
                }
            }
            let rots = rotten
                .iter()
                .filter_map(|head| match Fact::read(head.head())? {
                    Fact::Accepted(one) if one.feed == number => Some((name.clone(), one.number)),
                    _ => None,
                });
            suspects.extend(rots);
        }
        let mut gone = Vec::new();
        for (name, place) in &suspects {
            gone.extend(self.gone(name, *place)?);
        }
        self.tell_gone(&gone)?;
        Ok(gone.len() as u64)
    }

    /// The numbers of a run that lie nowhere.
    pub fn missing(
        &self,
        section: Section,
        feed: u32,
        first: u64,
        last: u64,
    ) -> Result<Vec<u64>, Outage> {
        let reading = self.log.reading();
        let (mut missing, mut next) = (Vec::new(), first);
        while next <= last {
            let page = reading.page(section, feed, next..=last, PAGE_ENTRIES_MAX)?;
            let full = page.len() == PAGE_ENTRIES_MAX;
            for (number, _) in page {
                missing.extend(next..number);
                next = number.saturating_add(1);
            }
            if !full {
                missing.extend(next..=last);
                break;
            }
        }
        Ok(missing)
    }
}
