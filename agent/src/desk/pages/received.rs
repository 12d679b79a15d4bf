//! `GET /desk/received`: the feeds that this office reads, what arrived on each, newest first, and one event with its data.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use maud::{Markup, html};
use schemas::envelope::nats;
use schemas::subject::FeedName;

use super::home::{Titles, titles};
use super::sent::{pager, tabs};
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::door::form::Fields;
use crate::desk::layout::{self, Room};
use crate::desk::limits::ROWS;
use crate::desk::reading::data;
use crate::desk::reading::rows::ms;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, received as words, sent};
use crate::inbox::{Arrived, FeedStatus};

pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let query = Fields::read(&query.unwrap_or_default().into());
    let lang = visit.lang;
    let feeds = readable(&visit);
    let chosen = feeds
        .iter()
        .find(|feed| feed.as_str() == query.text("feed"));
    let main = match chosen.or(feeds.first()) {
        None => html! { p.nothing { (words::none(lang)) } },
        Some(feed) => {
            let before = query.text("before").parse().ok();
            of_feed(&visit, &feeds, feed, before).await?
        }
    };
    let main = html! { h1 { (words::title(lang)) } (main) };
    let title = frame::received(lang);
    Ok(layout::page(
        visit.frame(),
        Some(Room::Received),
        &title,
        &main,
    ))
}

fn readable(visit: &Visit) -> Vec<FeedName> {
    let registry = visit.app.registry();
    let feeds = registry.readable_feeds(&visit.app.settings.office);
    feeds.iter().map(|feed| feed.name.clone()).collect()
}

async fn of_feed(
    visit: &Visit,
    feeds: &[FeedName],
    feed: &FeedName,
    before: Option<u64>,
) -> Result<Markup, Trouble> {
    let lang = visit.lang;
    let titles = titles(visit);
    let asked = feed.clone();
    let status = visit.read(move |app| app.inbox.status(&asked)).await?;
    let last = before.map_or(status.last_arrival, |before| {
        status.last_arrival.min(before.saturating_sub(1))
    });
    let after = last.saturating_sub(ROWS as u64);
    let arrived = page(visit, feed, after, last).await?;
    // The first number of a feed may be a high one, and a page of what only the log needs is empty.
    let more = after > 0 && visit.app.inbox.has_numbered(feed, after);
    let older = more.then(|| after.saturating_add(1));
    let newest = before.map(|_| (format!("/desk/received?feed={feed}"), frame::newest(lang)));
    let older = older.map(|before| {
        let path = format!("/desk/received?feed={feed}&before={before}");
        (path, frame::older(lang))
    });
    let ways: Vec<_> = newest.into_iter().chain(older).collect();
    Ok(html! {
        (tabs(lang, feeds, feed, &titles, "/desk/received"))
        (table(lang, feed, &arrived))
        @if !ways.is_empty() { (pager(lang, &ways)) }
        @if before.is_none() { (logs(lang, &status)) }
    })
}

/// What arrived behind one number and up to another, newest first.
async fn page(
    visit: &Visit,
    feed: &FeedName,
    after: u64,
    last: u64,
) -> Result<Vec<Arrived>, Trouble> {
    let mut all = Vec::new();
    let mut behind = after;
    // A page of the store is shorter where events are large.
    while behind < last {
        let page = visit.app.inbox.page(feed, behind, ROWS).await?;
        let Some(next) = page.last().map(|arrived| arrived.arrival) else {
            break;
        };
        behind = next;
        let wanted = |arrived: &Arrived| arrived.for_applications && arrived.arrival <= last;
        all.extend(page.into_iter().filter(wanted));
    }
    all.reverse();
    Ok(all)
}

fn table(lang: Lang, feed: &FeedName, arrived: &[Arrived]) -> Markup {
    if arrived.is_empty() {
        return data::nothing(lang);
    }
    html! {
        table.events {
            thead {
                tr {
                    th scope="col" { (frame::what(lang)) }
                    th scope="col" { (words::from(lang)) }
                    th scope="col" { (words::recorded(lang)) }
                }
            }
            tbody {
                @for one in arrived { (row(lang, feed, one)) }
            }
        }
    }
}

fn row(lang: Lang, feed: &FeedName, one: &Arrived) -> Markup {
    let event = nats::read_stored(&one.bytes).ok();
    let event = event.as_ref().map(schemas::signing::SignedEvent::event);
    let about = event.map(|event| data::about(event.data()));
    let about = about.unwrap_or_else(|| words::unreadable(lang));
    html! {
        tr {
            th scope="row" {
                a.data href=(format!("/desk/received/{feed}/{}", one.arrival)) {
                    @if about.is_empty() { (one.arrival) } @else { (about) }
                }
            }
            td.data { (one.log.office) }
            td.time { @if let Some(event) = event { (dates::stamp(ms(event.recorded_time()))) } }
        }
    }
}

fn logs(lang: Lang, status: &FeedStatus) -> Markup {
    if status.logs.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="logs" {
            h2 #logs { (words::offices_sending(lang)) }
            table.figures {
                thead {
                    tr {
                        th scope="col" { (frame::office(lang)) }
                        th.number scope="col" { (words::last(lang)) }
                        th scope="col" { (frame::state(lang)) }
                    }
                }
                tbody {
                    @for log in &status.logs {
                        @let missing: u64 = log.missing.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1)).sum();
                        tr {
                            th.data scope="row" { (log.office) }
                            td.number { (log.known) }
                            td { @if missing == 0 { (words::complete(lang)) } @else { (words::missing(lang, missing)) } }
                        }
                    }
                }
            }
        }
    }
}

/// `GET /desk/received/{feed}/{arrival}`
pub async fn one(
    visit: Visit,
    Path((feed, arrival)): Path<(String, u64)>,
) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let feed = readable(&visit)
        .into_iter()
        .find(|known| known.as_str() == feed);
    let feed = feed.ok_or(Trouble::NotFound)?;
    let before = arrival.checked_sub(1).ok_or(Trouble::NotFound)?;
    if !visit.app.inbox.has_numbered(&feed, arrival) {
        return Err(Trouble::NotFound);
    }
    let page = visit.app.inbox.page(&feed, before, 1).await?;
    let arrived = page.into_iter().find(|one| one.arrival == arrival);
    let arrived = arrived.ok_or(Trouble::NotFound)?;
    let title_of: Titles = titles(&visit);
    let event = nats::read_stored(&arrived.bytes).map_err(|_| Trouble::NotFound)?;
    let about = data::about(event.event().data());
    let title = if about.is_empty() {
        event.id().to_owned()
    } else {
        about
    };
    let main = html! {
        p.back { a href=(format!("/desk/received?feed={feed}")) { (frame::back_to(lang, &frame::received(lang))) } }
        p.over.data { (title_of(&feed)) }
        h1.data { (title) }
        p.faint { (words::checked(lang)) }
        dl.facts {
            div { dt { (words::from(lang)) } dd.data { (arrived.log.office) } }
            div { dt { (words::recorded(lang)) } dd { (dates::stamp(ms(event.event().recorded_time()))) } }
            div { dt { (frame::number(lang)) } dd { (arrived.position) } }
            div { dt { (frame::id(lang)) } dd.data { code { (event.id()) } } }
        }
        section aria-labelledby="data" {
            h2 #data { (sent::data(lang)) }
            (data::tables(lang, event.event().data()))
        }
    };
    Ok(layout::page(
        visit.frame(),
        Some(Room::Received),
        &title,
        &main,
    ))
}
