//! `GET /desk/sent`: every event of this office, feed by feed: what is in line, then what arrived, newest first, a page at a time; or the one
//! whose id is searched.

use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::subject::FeedName;

use super::home::{Titles, table, titles};
use crate::desk::door::Visit;
use crate::desk::door::form::Fields;
use crate::desk::layout::{self, Room};
use crate::desk::limits::ROWS;
use crate::desk::reading::rows::{self, Row, Settled};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, import, sent as words};

pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let query = Fields::read(&query.unwrap_or_default().into());
    let lang = visit.lang;
    let id = query.text("id").trim().to_owned();
    if !id.is_empty()
        && let Some(path) = found(&visit, &id).await?
    {
        return Ok(Redirect::to(&path).into_response());
    }
    let feeds = feeds(&visit).await?;
    let asked = query.text("feed");
    let chosen = feeds.iter().find(|feed| feed.as_str() == asked);
    let titles = titles(&visit);
    let handed_in: Option<usize> = query.text("handed-in").parse().ok();
    let main = match chosen.or(feeds.first()) {
        None => html! { p.nothing { (words::no_feed(lang)) } },
        Some(feed) => {
            let page = Page::read(&visit, feed, &query).await?;
            html! {
                (tabs(lang, &feeds, feed, &titles, "/desk/sent"))
                (page.markup(lang, feed, &titles))
            }
        }
    };
    let main = html! {
        h1 { (words::title(lang)) }
        @if let Some(count) = handed_in { p.done role="status" { (import::handed_in(lang, count)) } }
        (search(lang, &id))
        (main)
    };
    let title = frame::sent(lang);
    Ok(layout::page(visit.frame(), Some(Room::Sent), &title, &main))
}

/// The page of the event with this id.
async fn found(visit: &Visit, id: &str) -> Result<Option<String>, Trouble> {
    let asked = id.to_owned();
    let found = visit.read(move |app| app.outbox.find(&asked)).await?;
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let first = found.into_iter().next();
    Ok(first.map(|(feed, _)| format!("/desk/sent/{feed}/{id}")))
}

/// The feeds on which this office may hand in, and those on which it has.
async fn feeds(visit: &Visit) -> Result<Vec<FeedName>, Trouble> {
    let status = visit.read(|app| app.outbox_status()).await?;
    let registry = visit.app.registry();
    let open = registry.publishable_feeds(&visit.app.settings.office);
    let mut all: Vec<FeedName> = open.iter().map(|feed| feed.name.clone()).collect();
    all.extend(status.feeds.into_iter().map(|feed| feed.feed));
    all.sort();
    all.dedup();
    Ok(all)
}

fn search(lang: Lang, id: &str) -> Markup {
    html! {
        form.search method="get" action="/desk/sent" role="search" {
            label for="id" { (words::search(lang)) }
            div.line {
                input #id name="id" type="text" value=(id) autocomplete="off" spellcheck="false";
                button.button.second type="submit" { (words::search_button(lang)) }
            }
            @if !id.is_empty() { p.error role="alert" { (words::search_none(lang, id)) } }
        }
    }
}

/// The feeds, one of them shown.
pub fn tabs(
    lang: Lang,
    feeds: &[FeedName],
    shown: &FeedName,
    titles: &Titles,
    path: &str,
) -> Markup {
    html! {
        nav.tabs aria-label=(frame::feed(lang)) {
            ul {
                @for feed in feeds {
                    li { a.data href=(format!("{path}?feed={feed}")) aria-current=[(feed == shown).then_some("true")] { (titles(feed)) } }
                }
            }
        }
    }
}

struct Page {
    waiting: Vec<Row>,
    /// Behind which number in line the next ones stand.
    next_waiting: Option<u64>,
    settled: Settled,
    /// None on the first page.
    before: Option<u64>,
    after: Option<u64>,
}

impl Page {
    async fn read(visit: &Visit, feed: &FeedName, query: &Fields) -> Result<Page, Trouble> {
        let before: Option<u64> = query.text("before").parse().ok();
        let after: Option<u64> = query.text("after").parse().ok();
        let status = visit.read(|app| app.outbox_status()).await?;
        let of_feed = status.feeds.into_iter().find(|status| status.feed == *feed);
        let held = of_feed.and_then(|status| status.held).map(|held| held.code);
        let mut waiting = match before {
            None => {
                let outbox = &visit.app.outbox;
                outbox.waiting(feed, after.unwrap_or(0), ROWS + 1).await?
            }
            Some(_) => Vec::new(),
        };
        let more = waiting.len() > ROWS;
        waiting.truncate(ROWS);
        let next_waiting = waiting.last().filter(|_| more).map(|last| last.number);
        let name = feed.clone();
        let settled = match after {
            None => {
                visit
                    .read(move |app| rows::settled(app, &name, before, ROWS))
                    .await?
            }
            Some(_) => Settled::default(),
        };
        Ok(Page {
            waiting: rows::waiting(feed, waiting, held.as_deref()),
            next_waiting,
            settled,
            before,
            after,
        })
    }

    fn markup(&self, lang: Lang, feed: &FeedName, titles: &Titles) -> Markup {
        let first = self.before.is_none() && self.after.is_none();
        html! {
            @if !self.waiting.is_empty() {
                section aria-labelledby="in-line" {
                    h2 #in-line { (words::in_line(lang)) }
                    (table(lang, &self.waiting, titles))
                    @if let Some(after) = self.next_waiting {
                        (pager(lang, &[(format!("/desk/sent?feed={feed}&after={after}"), frame::next_ones(lang))]))
                    }
                }
            }
            @if self.after.is_none() {
                section aria-labelledby="arrived" {
                    h2 #arrived { (words::on_the_bus(lang)) }
                    (table(lang, &self.settled.rows, titles))
                    @if self.settled.older.is_none() && self.settled.elsewhere > 0 {
                        p.faint { (words::older_elsewhere(lang, self.settled.elsewhere)) }
                    }
                }
            }
            @let newest = (!first).then(|| (format!("/desk/sent?feed={feed}"), frame::newest(lang)));
            @let older = self.settled.older.map(|before| (format!("/desk/sent?feed={feed}&before={before}"), frame::older(lang)));
            @let ways: Vec<_> = newest.into_iter().chain(older).collect();
            @if !ways.is_empty() { (pager(lang, &ways)) }
        }
    }
}

/// Ways to other pages of the same list.
pub fn pager(lang: Lang, ways: &[(String, String)]) -> Markup {
    html! {
        nav.pager aria-label=(frame::pages(lang)) {
            @for (path, name) in ways { a href=(path) { (name) } }
        }
    }
}
