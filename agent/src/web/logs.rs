//! Logs by their positions: a log's name and a position come in, what is held behind it goes out as it was signed, and what stood, or
//! claims to stand, beside it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use schemas::event::Position;
use schemas::subject::{LogName, OfficeId};

use super::feeds::{as_signed, known_feed, limit, raw_json};
use super::query::{Parameters, Segments};
use super::{App, read};
use crate::store::Outage;
use crate::submit::problem::Problem;

type Named = Segments<(String, String, String)>;

/// Which log, behind which position, and how many events.
fn asked(
    app: &App,
    Segments((feed, ministry, place)): Named,
    query: &Parameters,
) -> Result<(LogName, u64, usize), Problem> {
    let feed = known_feed(app, feed)?;
    let office = OfficeId::new(&ministry, &place).ok();
    let registry = app.registry();
    let known =
        |office: &OfficeId| *office == app.settings.office || registry.office(office).is_some();
    let office = office.filter(known).ok_or(Problem::LogNotFound)?;
    let after = query.number("after")?.unwrap_or(0);
    Ok((LogName { feed, office }, after, limit(query)?))
}

/// `GET /logs/{feed}/{ministry}/{place}`: a log by its positions, the office's own or one that it receives, up to the first gap.
pub async fn held(
    State(app): State<Arc<App>>,
    name: Named,
    query: Parameters,
) -> Result<Response, Problem> {
    let (log, after, limit) = asked(&app, name, &query)?;
    let source = log.source();
    let (events, known) = read(&app, move |app| positions(app, &log, after, limit)).await?;
    let next = after + events.len() as u64;
    Ok(raw_json(format!(
        r#"{{"source":"{source}","events":[{}],"next":{next},"known":{known}}}"#,
        events.join(",")
    )))
}

/// Contiguous positions behind `after`, and the highest one that is known of.
fn positions(
    app: &App,
    log: &LogName,
    after: u64,
    limit: usize,
) -> Result<(Vec<String>, u64), Outage> {
    let own = log.office == app.settings.office;
    let known = match own {
        true => app
            .outbox
            .last_settled(&log.feed)?
            .map_or(0, |head| head.position.number()),
        false => app.inbox.completeness(log)?.known,
    };
    let mut events = Vec::new();
    let mut bytes = 0;
    for number in (after.saturating_add(1)..=known).take(limit) {
        let Some(position) = Position::new(number) else {
            break;
        };
        let stored = match own {
            true => app.outbox.own(&log.feed, position)?,
            false => app.inbox.get(log, position)?,
        };
        let Some(stored) = stored else { break };
        bytes += stored.len();
        events.push(as_signed(&stored)?);
        if bytes >= crate::store::limits::PAGE_BYTES_MAX {
            break;
        }
    }
    Ok((events, known))
}

/// `GET /logs/{feed}/{ministry}/{place}/branches`: the signed events that are kept beside a log: of the office's own what it held
/// before, with a receipt; of others what came for a position that is held, and is not what is held.
pub async fn branches(
    State(app): State<Arc<App>>,
    name: Named,
    query: Parameters,
) -> Result<Response, Problem> {
    let (log, after, limit) = asked(&app, name, &query)?;
    let source = log.source();
    let page = read(&app, move |app| beside(app, &log, after, limit));
    let (events, next) = page.await?;
    let events = events.join(",");
    Ok(raw_json(format!(
        r#"{{"source":"{source}","events":[{events}],"next":{next}}}"#
    )))
}

/// The events, and the position of the last one.
fn beside(
    app: &App,
    log: &LogName,
    after: u64,
    limit: usize,
) -> Result<(Vec<String>, u64), Outage> {
    let page = match log.office == app.settings.office {
        true => app.outbox.branches(&log.feed, after, limit)?,
        false => app.inbox.branches(log, after, limit)?,
    };
    let next = page.last().map_or(after, |(last, _)| last.number());
    let events = page.iter().map(|(_, stored)| as_signed(stored));
    Ok((events.collect::<Result<_, _>>()?, next))
}
