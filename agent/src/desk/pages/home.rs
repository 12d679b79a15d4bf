//! `GET /`: how the link is, in words; what waits and what has to be mended; what was handed in last.

use axum::response::Response;
use maud::{Markup, html};
use schemas::subject::FeedName;

use super::due;
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::layout::{self, Room};
use crate::desk::limits::LATEST;
use crate::desk::reading::rows::{self, Row, ms};
use crate::desk::reading::{data, stage::Stage};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, home as words, sent};
use crate::outbox::{FeedStatus, Status};
use crate::status::LinkState;
use crate::store::alarms::now_ms;

pub async fn show(visit: Visit) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let status = visit.read(|app| app.outbox_status()).await?;
    let latest = latest(&visit, &status).await?;
    let due = due::due(&visit).await?;
    let link = visit.app.link.borrow().clone();
    let titles = titles(&visit);
    let to_fix: u64 = status.feeds.iter().map(|feed| feed.refused).sum();
    let main = html! {
        h1 { (words::title(lang)) }
        p.day.data { (dates::day(lang, now_ms())) }
        div #now data-live="" {
            (link_card(lang, &link, &status))
            @if to_fix > 0 { (to_fix_card(lang, usize::try_from(to_fix).unwrap_or(usize::MAX))) }
            @if !due.is_empty() { (due::table(&visit, &due, &titles)) }
            @if !status.feeds.is_empty() { (what_waits(lang, &status.feeds, &titles)) }
            (last_sent(lang, &latest, &titles))
        }
    };
    let title = frame::home(lang);
    Ok(layout::page(visit.frame(), Some(Room::Home), &title, &main))
}

/// The titles of the feeds, in the visitor's language.
pub type Titles = Box<dyn Fn(&FeedName) -> String + Send + Sync>;

pub fn titles(visit: &Visit) -> Titles {
    let (registry, lang) = (visit.app.registry(), visit.lang);
    Box::new(move |name| {
        let feed = registry.feed(name);
        feed.map_or_else(
            || name.to_string(),
            |feed| lang.pick(&feed.title_km, &feed.title_en).to_owned(),
        )
    })
}

/// Of each feed the first in line and the latest that arrived; of all these the latest.
async fn latest(visit: &Visit, status: &Status) -> Result<Vec<Row>, Trouble> {
    let mut all = Vec::new();
    for feed in &status.feeds {
        let held = feed.held.as_ref().map(|held| held.code.clone());
        let name = feed.feed.clone();
        if feed.waiting > 0 {
            let waiting = visit.app.outbox.waiting(&name, 0, LATEST).await?;
            all.extend(rows::waiting(&name, waiting, held.as_deref()));
        }
        let settled = visit.read(move |app| rows::settled(app, &name, None, LATEST));
        all.extend(settled.await?.rows);
    }
    // What was handed in is what people did.
    all.retain(|row| !row.notice);
    all.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
    all.truncate(LATEST);
    Ok(all)
}

fn link_card(lang: Lang, link: &LinkState, status: &Status) -> Markup {
    let waiting: u64 = status.feeds.iter().map(|feed| feed.waiting).sum();
    if status.stopped {
        return html! {
            section.card.bad aria-labelledby="link" {
                h2 #link { (words::disk_stopped(lang)) }
                p { (words::disk_stopped_text(lang)) }
            }
        };
    }
    let at = |since: schemas::event::Timestamp| dates::moment(lang, ms(since), now_ms());
    let (look, title, why) = match link {
        LinkState::Connected { since, .. } => ("good", words::connected(lang, &at(*since)), None),
        LinkState::Connecting => ("calm", words::connecting(lang), None),
        LinkState::Down {
            since,
            turned_away: Some(code),
            ..
        } => {
            let why = lang.pick(code.km, code.en).to_owned();
            ("bad", words::turned_away(lang, &at(*since)), Some(why))
        }
        LinkState::Down {
            since, why_km, why, ..
        } => {
            let why = why_km.as_ref().map(|km| lang.pick(km, why).to_owned());
            ("calm", words::no_connection(lang, &at(*since)), why)
        }
    };
    html! {
        section class={ "card " (look) } aria-labelledby="link" {
            h2 #link { (title) }
            p {
                @match (waiting, look) {
                    (0, "good") => (words::connected_text(lang)),
                    (0, _) => (words::nothing_waits(lang)),
                    (1, _) => (words::one_waiting_safely(lang)),
                    (count, _) => (words::waiting_safely(lang, count)),
                }
            }
            @if let Some(why) = why { p.faint { (words::why(lang, &why)) } }
        }
    }
}

fn to_fix_card(lang: Lang, count: usize) -> Markup {
    html! {
        section.card.warn aria-labelledby="to-fix" {
            h2 #to-fix {
                @if count == 1 { (words::to_fix_one(lang)) } @else { (words::to_fix_many(lang, count)) }
            }
            p { a.button href="/desk/to-fix" { (words::look(lang)) } }
        }
    }
}

fn what_waits(lang: Lang, feeds: &[FeedStatus], titles: &Titles) -> Markup {
    html! {
        section aria-labelledby="waits" {
            h2 #waits { (words::what_waits(lang)) }
            table.figures {
                thead {
                    tr {
                        th scope="col" { (frame::feed(lang)) }
                        th.number scope="col" { (words::waiting(lang)) }
                        th scope="col" { (words::oldest(lang)) }
                        th.number scope="col" { (words::durable(lang)) }
                        th.number scope="col" { (words::refused(lang)) }
                    }
                }
                tbody {
                    @for feed in feeds {
                        tr {
                            th scope="row" {
                                a.data href=(format!("/desk/sent?feed={}", feed.feed)) { (titles(&feed.feed)) }
                                @if let Some(held) = &feed.held {
                                    p.note { (words::held(lang, &held.code)) }
                                }
                            }
                            td.number { (feed.waiting) }
                            td.time { @if let Some(at) = feed.oldest_waiting_ms { (dates::stamp(at)) } @else { "–" } }
                            td.number { (feed.settled) }
                            td.number { (feed.refused) }
                        }
                    }
                }
            }
        }
    }
}

fn last_sent(lang: Lang, latest: &[Row], titles: &Titles) -> Markup {
    html! {
        section aria-labelledby="last" {
            h2 #last { (words::last_sent(lang)) }
            @if latest.is_empty() {
                p.nothing { (words::nothing_sent(lang)) }
            } @else {
                (table(lang, latest, titles))
                p { a href="/desk/sent" { (words::all_sent(lang)) } }
            }
        }
    }
}

/// Events with their stages, each a way to its own page.
pub fn table(lang: Lang, all: &[Row], titles: &Titles) -> Markup {
    if all.is_empty() {
        return data::nothing(lang);
    }
    html! {
        table.events {
            thead {
                tr {
                    th scope="col" { (frame::what(lang)) }
                    th scope="col" { (frame::when(lang)) }
                    th scope="col" { (frame::state(lang)) }
                }
            }
            tbody {
                @for row in all {
                    tr {
                        th scope="row" {
                            @if row.notice { a href=(event_path(row)) { (sent::notice(lang)) } }
                            @else { a.data href=(event_path(row)) { @if row.about.is_empty() { (row.id) } @else { (row.about) } } }
                            p.note.data { (titles(&row.feed)) }
                        }
                        td.time { (dates::stamp(row.at_ms)) }
                        td {
                            (row.stage.mark(lang))
                            @if let Stage::Durable { have, all } = row.stage {
                                @if all > 0 { p.note { (sent::confirmed_by(lang, have, all)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where an event's own page is.
pub fn event_path(row: &Row) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    format!(
        "/desk/sent/{}/{}",
        row.feed,
        utf8_percent_encode(&row.id, NON_ALPHANUMERIC)
    )
}
