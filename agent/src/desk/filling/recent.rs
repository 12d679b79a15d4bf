//! What this office handed in of late: a feed comes in, its latest reports with their data go out, newest first, at most so many as a bound says.
//! By them a figure is held against that of the period before, and what is due is known.

use schemas::envelope::nats;
use schemas::event::{Event, Position};
use schemas::feed::Action;
use schemas::form::Form;
use schemas::subject::FeedName;
use serde_json::Value;

use crate::desk::door::Visit;
use crate::desk::limits::RECENT_MAX;
use crate::desk::reading::rows::is_notice;
use crate::desk::trouble::Trouble;
use crate::store::Outage;
use crate::web::App;

/// A report that was handed in, and how far it has come.
#[derive(Debug, Clone)]
pub struct Report {
    pub data: Value,
    /// None while it waits.
    pub position: Option<Position>,
}

/// An event, and its position where it has one.
type Placed = (Event, Option<Position>);

/// The latest reports.
#[derive(Debug, Default)]
pub struct Recent {
    /// Newest first.
    pub reports: Vec<Report>,
    /// Older ones are not here, or were not looked at.
    pub cut: bool,
}

impl Recent {
    /// Reports, corrected or not; what was withdrawn is none.
    pub async fn of(visit: &Visit, feed: &FeedName) -> Result<Recent, Trouble> {
        let outbox = &visit.app.outbox;
        let waiting = outbox.waiting(feed, 0, RECENT_MAX).await?;
        let full = waiting.len() >= RECENT_MAX;
        let events = waiting.iter().rev().filter_map(|waiting| {
            let event = nats::read_stored_unsigned(&waiting.bytes).ok()?;
            Some((event, None))
        });
        let mut events: Vec<Placed> = events.collect();
        let name = feed.clone();
        let (settled, cut) = visit.read(move |app| settled(app, &name)).await?;
        events.extend(settled);
        let reports = reports(&visit.app, feed, events);
        let cut = cut || full;
        Ok(Recent { reports, cut })
    }

    /// The one of the period before that is about the same thing as this data.
    pub fn before(&self, form: &Form, data: &Value) -> Option<&Value> {
        let at = form.period()?.at.as_str();
        let text = |data: &Value| data.pointer(at)?.as_str().map(str::to_owned);
        let period: schemas::period::Period = text(data)?.parse().ok()?;
        let wanted = period.previous()?;
        let is_before =
            |other: &Value| text(other).and_then(|text| text.parse().ok()) == Some(wanted);
        let is_same = |other: &Value| {
            let own = form.key.iter().filter(|place| place.in_list().is_none());
            let lasting = own.filter(|place| !form.field(place).is_some_and(|f| f.is_time()));
            let mut lasting = lasting.map(|place| place.as_str());
            lasting.all(|place| other.pointer(place) == data.pointer(place))
        };
        let mut all = self.reports.iter().map(|report| &report.data);
        all.find(|other| is_before(other) && is_same(other))
    }
}

/// The latest of the own log, and whether there are more.
fn settled(app: &App, feed: &FeedName) -> Result<(Vec<Placed>, bool), Outage> {
    let head = app.outbox.last_settled(feed)?;
    let head = head.map_or(0, |head| head.position.number());
    let max = u64::try_from(RECENT_MAX).unwrap_or(u64::MAX);
    let first = head.saturating_sub(max);
    let mut events = Vec::new();
    let mut cut = first > 0;
    for number in (first.saturating_add(1)..=head).rev() {
        let Some(position) = Position::new(number) else {
            break;
        };
        match app.outbox.own(feed, position)? {
            Some(bytes) => {
                let event = nats::read_stored(&bytes).ok();
                events.extend(event.map(|event| (event.event().clone(), Some(position))));
            }
            None => cut = true,
        }
    }
    Ok((events, cut))
}

fn reports(app: &App, feed: &FeedName, events: Vec<Placed>) -> Vec<Report> {
    let registry = app.registry();
    let withdrawn = registry
        .feed(feed)
        .and_then(|feed| feed.type_of(Action::Withdrawn));
    let withdrawn = withdrawn.map(|known| known.name.as_str());
    let (gone, kept): (Vec<_>, Vec<_>) = events
        .into_iter()
        .filter(|(event, _)| !is_notice(event))
        .partition(|(event, _)| Some(event.core().event_type.as_str()) == withdrawn);
    let gone: Vec<String> = gone
        .into_iter()
        .filter_map(|(event, _)| event.core().causation_id.clone())
        .collect();
    let kept = kept
        .into_iter()
        .filter(|(event, _)| !gone.iter().any(|id| id == event.id()));
    kept.filter_map(|(event, position)| {
        Some(Report {
            data: serde_json::from_slice(event.data()).ok()?,
            position,
        })
    })
    .collect()
}
