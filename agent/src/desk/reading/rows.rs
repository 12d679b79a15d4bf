//! Events of this office as rows: a feed and a place in its line or its log come in, rows with their stages go out, at most a page of them.

use schemas::envelope::nats;
use schemas::event::{Event, Position};
use schemas::notice;
use schemas::subject::FeedName;

use super::data;
use super::stage::Stage;
use crate::outbox::Waiting;
use crate::store::Outage;
use crate::web::App;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub feed: FeedName,
    pub id: String,
    /// When it was accepted here.
    pub at_ms: u64,
    /// What it is about, in the data's own words.
    pub about: String,
    /// It is a notice that an agent wrote into the log, and no report of a person.
    pub notice: bool,
    pub stage: Stage,
}

/// What waits, first in line first.
pub fn waiting(feed: &FeedName, page: Vec<Waiting>, held: Option<&str>) -> Vec<Row> {
    let row = |waiting: Waiting| {
        let event = nats::read_stored_unsigned(&waiting.bytes).ok();
        Row {
            feed: feed.clone(),
            notice: event.as_ref().is_some_and(is_notice),
            about: event.map_or_else(String::new, |event| data::about(event.data())),
            id: waiting.id,
            at_ms: waiting.at_ms,
            stage: Stage::Waiting {
                held: held.map(str::to_owned),
            },
        }
    };
    page.into_iter().map(row).collect()
}

/// A page of the own log.
#[derive(Debug, Default)]
pub struct Settled {
    /// Newest first.
    pub rows: Vec<Row>,
    /// Behind which position older ones stand, where there are more here.
    pub older: Option<u64>,
    /// How many older ones are on the bus, and no longer here.
    pub elsewhere: u64,
}

/// The events of the own log before a position, or the latest; positions that are not here are passed over, within the page's bound.
pub fn settled(
    app: &App,
    feed: &FeedName,
    before: Option<u64>,
    max: usize,
) -> Result<Settled, Outage> {
    let head = app.outbox.last_settled(feed)?;
    let head = head.map_or(0, |head| head.position.number());
    let pruned = app.outbox.pruned(feed)?;
    let pruned = pruned.map_or(0, |pruned| pruned.position.number());
    let readers = app.outbox.readers(feed)?;
    let from = before.map_or(head, |before| head.min(before.saturating_sub(1)));
    let mut page = Settled::default();
    let mut next = from;
    for number in (pruned.saturating_add(1)..=from).rev().take(max) {
        next = number.saturating_sub(1);
        let Some(position) = Position::new(number) else {
            break;
        };
        let stage = Stage::settled(number, &readers);
        page.rows.extend(own(app, feed, position, stage)?);
    }
    page.older = (next > pruned).then(|| next.saturating_add(1));
    page.elsewhere = pruned;
    Ok(page)
}

/// None where it is not here, or cannot be read.
fn own(
    app: &App,
    feed: &FeedName,
    position: Position,
    stage: Stage,
) -> Result<Option<Row>, Outage> {
    let stored = app.outbox.own(feed, position)?;
    let event = stored.and_then(|bytes| nats::read_stored(&bytes).ok());
    Ok(event.map(|event| Row {
        feed: feed.clone(),
        id: event.id().to_owned(),
        at_ms: ms(event.event().recorded_time()),
        about: data::about(event.event().data()),
        notice: is_notice(event.event()),
        stage,
    }))
}

/// Whether an event is one of those that stand in the logs of every feed, such as `log-resumed`.
pub fn is_notice(event: &Event) -> bool {
    notice::on_every_feed(&event.core().event_type).is_some()
}

/// Milliseconds since 1970.
pub fn ms(time: schemas::event::Timestamp) -> u64 {
    u64::try_from(time.unix_seconds())
        .unwrap_or(0)
        .saturating_mul(1_000)
}
