//! Events that stand at or below their log's head come in, each is answered: stored already if it is it, held if another stands
//! there; what goes on behind the head goes back to the feed's writer. An office sends again what it knows to be lost, and whoever
//! sends its whole log again makes the stream be searched for each event: that happens here, beside the writer, one office after the
//! other, and never from memory alone.

use std::sync::Arc;

use schemas::refusal::Hold;
use schemas::subject::FeedName;

use super::heads::{LogHead, Place};
use super::line::{Away, Exit, Rest, Weighs};
use super::plan::Joint;
use super::read::Reader;
use super::unit::Unit;
use super::writer::held;
use crate::limits::LOOKING_UP_RESTS;
use crate::seldom::seldom;
use crate::upstream::jetstream::{JetStream, Outage, Source};

/// A unit that begins at or below its log's head, and its place in the writer's line.
#[derive(Debug)]
pub(super) struct Known {
    pub unit: Unit,
    pub away: Away<Unit>,
}

impl Weighs for Known {
    fn weight(&self) -> usize {
        self.unit.weight()
    }
}

/// Who looks them up.
pub(super) struct Lookup {
    feed: FeedName,
    broker: Arc<dyn Source>,
    connection: Option<JetStream>,
}

impl Lookup {
    pub fn new(feed: FeedName, broker: Arc<dyn Source>) -> Lookup {
        Lookup {
            feed,
            broker,
            connection: None,
        }
    }

    /// Works until the writer has gone, and the line is empty.
    pub async fn run(mut self, mut line: Exit<Known>) {
        while let Some(mut turn) = line.turn().await {
            for known in std::mem::take(&mut turn.work) {
                self.look_up(known).await;
            }
            line.rest(turn, Rest::Always(LOOKING_UP_RESTS));
        }
    }

    async fn look_up(&mut self, known: Known) {
        let Known { mut unit, away } = known;
        match self.answer(&mut unit).await {
            Ok(()) if unit.events().is_empty() => unit.finish(),
            Ok(()) => {
                unit.looked_up = true;
                away.bring_back(unit);
            }
            Err(hold) => unit.hold(&hold),
        }
    }

    async fn answer(&mut self, unit: &mut Unit) -> Result<(), Hold> {
        let jetstream = self.connected().await.map_err(|outage| {
            let feed = &self.feed;
            seldom!(warn, feed, "known-held", %feed, %outage, "the bus does not answer; what is sent again is held");
            Hold::BusUnavailable
        })?;
        let log = unit.log().clone();
        let reader = Reader {
            jetstream: &jetstream,
            log: &log,
        };
        let head = reader.head(unit.genesis(), 0).await;
        let head = head.map_err(|why| held(&log, &why))?;
        match Joint::of(unit.events(), &head.head) {
            Joint::Known(count) => answer(reader, &head, unit, count).await,
            // Something was lost meanwhile; the writer judges it anew.
            Joint::Next
            | Joint::Confirmed
            | Joint::Ahead
            | Joint::Unlinked
            | Joint::BeyondShare => Ok(()),
        }
    }

    async fn connected(&mut self) -> Result<JetStream, Outage> {
        match self.connection.take_if(|open| !open.is_closed()) {
            Some(open) => Ok(self.connection.insert(open).clone()),
            None => {
                let opened = self.broker.open(None).await?;
                Ok(self.connection.insert(opened).clone())
            }
        }
    }
}

/// Answers a unit's first events, which stand at or below the head.
///
/// # Errors
/// Another event stands there, or none can be read.
pub(super) async fn answer(
    reader: Reader<'_>,
    head: &LogHead,
    unit: &mut Unit,
    count: usize,
) -> Result<(), Hold> {
    let mut before: Option<Place> = None;
    for index in 1..=count {
        let Some(event) = unit.events().first() else {
            break;
        };
        let (position, hash) = (event.link().position, event.hash());
        let place = match head.recent(position) {
            Some(place) => Some(place),
            None => {
                let place = reader.place_of(position, before, head.seq).await;
                place.map_err(|why| held(reader.log, &why))?
            }
        };
        match &place {
            Some(place) if place.hash == hash => {
                // One covers all before it.
                let stamp = place.stamp.clone().filter(|_| index == count);
                unit.stored(place.seq, true, stamp);
            }
            Some(_) => {
                let head = head.head.number();
                return Err(Hold::PositionTaken { head });
            }
            None => return Err(Hold::LogUnreadable),
        }
        before = place;
    }
    Ok(())
}
