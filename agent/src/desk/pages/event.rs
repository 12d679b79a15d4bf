//! `GET /desk/sent/{feed}/{id}`: one event of this office with each of its stages, when it came there, and its data.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::envelope::nats;
use schemas::event::{Event, Position};
use schemas::form::Form;
use schemas::receipt::Receipt;
use schemas::subject::FeedName;
use serde_json::Value;

use super::home::titles;
use super::to_fix::{Told, reason};
use super::withdraw::can_be_withdrawn;
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::door::form::Fields;
use crate::desk::filling::begin::can_be_corrected;
use crate::desk::filling::typed::Typed;
use crate::desk::layout::{self, Room};
use crate::desk::reading::rows::{is_notice, ms};
use crate::desk::reading::{data, stage::Stage};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, enter, frame, sent as words};
use crate::outbox::{Known, Reader, Stage as Kept};
use crate::store::Outage;
use crate::web::App;

/// All that this office knows of one of its events.
pub struct Whole {
    pub feed: FeedName,
    pub id: String,
    pub accepted_ms: u64,
    pub stage: Stage,
    /// None where its data is no longer here.
    pub event: Option<Event>,
    pub position: Option<Position>,
    pub receipt: Option<Receipt>,
    readers: Vec<Reader>,
    refusal: Option<Told>,
}

pub async fn show(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let query = Fields::read(&query.unwrap_or_default().into());
    let done = match query.text("done") {
        "handed-in" => Some(enter::handed_in(lang)),
        "already" => Some(enter::already(lang)),
        _ => None,
    };
    let whole = Whole::read(&visit, feed, id).await?;
    let about = whole.event.as_ref().map(|event| match is_notice(event) {
        true => words::notice(lang),
        false => data::about(event.data()),
    });
    let about = about.filter(|about| !about.is_empty());
    let title = about.unwrap_or_else(|| whole.id.clone());
    let notice = whole.event.as_ref().is_some_and(is_notice);
    let main = html! {
        p.back { a href=(format!("/desk/sent?feed={}", whole.feed)) { (frame::back_to(lang, &frame::sent(lang))) } }
        p.over.data { (titles(&visit)(&whole.feed)) }
        h1.data { (title) }
        @if let Some(done) = done { p.done role="status" { (done) } }
        @if let Some(corrected) = whole.event.as_ref().and_then(|event| event.core().causation_id.as_deref()) {
            p { a href=(path_of(&whole.feed, corrected)) { (words::corrects(lang, corrected)) } }
        }
        @if notice { p.lead { (words::notice_text(lang)) } }
        p { (whole.stage.mark(lang)) }
        (stages(lang, &whole))
        (orders(&visit, &whole))
        section aria-labelledby="data" {
            h2 #data { (words::data(lang)) }
            @match &whole.event {
                Some(event) => (labelled(&visit, &whole.feed, event)),
                None => p { (words::data_here_no_more(lang)) },
            }
        }
        dl.facts { div { dt { (frame::id(lang)) } dd.data { code { (whole.id) } } } }
    };
    Ok(layout::page(visit.frame(), Some(Room::Sent), &title, &main))
}

/// With the labels of the form, where it has a field for all of it; else by the names of the data's members.
fn labelled(visit: &Visit, feed: &FeedName, event: &Event) -> Markup {
    let (lang, registry) = (visit.lang, visit.app.registry());
    let form = Form::of(&registry, feed).and_then(Result::ok);
    let form = form.filter(|form| form.contract == event.core().data_schema);
    let data: Option<Value> = serde_json::from_slice(event.data()).ok();
    match form.zip(data) {
        Some((form, data)) if Typed::of_data(&form, &data).is_some() => {
            super::enter::read_back(lang, &form, &data)
        }
        Some(_) | None => data::tables(lang, event.data()),
    }
}

/// What can be done with it: print its receipt, say it better, or take it back.
fn orders(visit: &Visit, whole: &Whole) -> Markup {
    let lang = visit.lang;
    let forms = match visit.who.may_hand_in() {
        true => super::enter::forms(visit),
        false => Vec::new(),
    };
    let form = forms.into_iter().find(|form| form.feed == whole.feed);
    let event = whole.event.as_ref();
    let corrects = form
        .zip(event)
        .is_some_and(|(form, event)| can_be_corrected(&visit.app, &form, event, &whole.stage));
    let withdraws = visit.who.may_hand_in() && can_be_withdrawn(&visit.app, whole);
    html! {
        p {
            @if whole.receipt.is_some() {
                a.button.second href=(format!("{}/receipt", path(whole))) { (words::receipt_page(lang)) }
            }
            @if corrects {
                (super::enter::begin_form(visit, &whole.feed, &[("corrects", &whole.id)], &enter::correct(lang), "button second"))
            }
            @if withdraws { a.button.plain href=(format!("{}/withdraw", path(whole))) { (enter::withdraw(lang)) } }
        }
    }
}

/// Where the event's page is.
pub fn path(whole: &Whole) -> String {
    path_of(&whole.feed, &whole.id)
}

fn path_of(feed: &FeedName, id: &str) -> String {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    format!("/desk/sent/{feed}/{id}")
}

impl Whole {
    /// # Errors
    /// `NotFound` where nothing of this office has the id.
    pub async fn read(visit: &Visit, feed: String, id: String) -> Result<Whole, Trouble> {
        let feed = FeedName::try_from(feed).map_err(|_| Trouble::NotFound)?;
        let (of, asked) = (feed.clone(), id.clone());
        let known = visit.read(move |app| app.outbox.known(&of, &asked)).await?;
        let known = known.ok_or(Trouble::NotFound)?;
        let waits = match known.stage {
            Kept::Accepted => {
                let outbox = &visit.app.outbox;
                outbox
                    .waiting(&feed, known.number.saturating_sub(1), 1)
                    .await?
            }
            Kept::Settled { .. } | Kept::Refused | Kept::Lost => Vec::new(),
        };
        let waits = waits.into_iter().find(|waiting| waiting.id == id);
        let waits = waits.and_then(|waiting| nats::read_stored_unsigned(&waiting.bytes).ok());
        visit
            .read(move |app| Whole::of(app, feed, id, known, waits))
            .await
    }

    fn of(
        app: &App,
        feed: FeedName,
        id: String,
        known: Known,
        waits: Option<Event>,
    ) -> Result<Whole, Outage> {
        let mut whole = Whole {
            accepted_ms: known.at_ms,
            stage: Stage::Lost,
            event: waits,
            position: None,
            receipt: None,
            readers: Vec::new(),
            refusal: None,
            feed,
            id,
        };
        match known.stage {
            Kept::Accepted => {
                let feeds = app.outbox_status()?.feeds;
                let of_feed = feeds.into_iter().find(|status| status.feed == whole.feed);
                let held = of_feed.and_then(|status| status.held);
                whole.stage = Stage::Waiting {
                    held: held.map(|held| held.code),
                };
            }
            Kept::Settled { position } => whole.settled(app, position)?,
            Kept::Refused => {
                whole.stage = Stage::Refused;
                let tray = app.outbox.tray()?;
                let entry = tray
                    .into_iter()
                    .find(|entry| entry.feed == whole.feed && entry.entry.id == whole.id);
                whole.refusal = entry.map(|entry| Told::read(&entry.entry.refusal));
            }
            Kept::Lost => {}
        }
        Ok(whole)
    }

    fn settled(&mut self, app: &App, position: Position) -> Result<(), Outage> {
        self.position = Some(position);
        self.readers = app.outbox.readers(&self.feed)?;
        self.readers.retain(|reader| !reader.ahead);
        self.stage = Stage::settled(position.number(), &self.readers);
        self.receipt = app.outbox.receipt_for(&self.feed, position)?;
        let stored = app.outbox.own(&self.feed, position)?;
        let signed = stored.and_then(|bytes| nats::read_stored(&bytes).ok());
        self.event = signed.map(|signed| signed.event().clone());
        Ok(())
    }
}

fn stages(lang: Lang, whole: &Whole) -> Markup {
    let position = whole.position.map(Position::number);
    html! {
        section aria-labelledby="stages" {
            h2 #stages { (words::stages(lang)) }
            ol.stages {
                li.done {
                    strong { (words::accepted(lang)) }
                    " " span.time { (dates::stamp(whole.accepted_ms)) }
                    p { (words::accepted_text(lang)) }
                    @if let Stage::Waiting { held: Some(code) } = &whole.stage {
                        p { (words::held(lang)) ": " a.data href=(format!("/desk/help/{code}")) { (code) } }
                    }
                }
                @if let Some(told) = &whole.refusal {
                    li.done.wrong { strong { (words::refused(lang)) } (reason(lang, told)) }
                } @else if whole.stage == Stage::Lost {
                    li.done.wrong { strong { (words::lost(lang)) } p { (words::lost_text(lang)) } }
                } @else {
                    li.done[position.is_some()] {
                        strong { (words::durable(lang)) }
                        @match (&whole.receipt, position) {
                            (Some(receipt), _) => { " " span.time { (dates::stamp(ms(receipt.facts().stamp.admitted))) } },
                            (None, None) => { " " span.faint { (words::not_yet(lang)) } },
                            (None, Some(_)) => {},
                        }
                        @if let Some(position) = position {
                            p { (words::durable_text(lang)) " " (words::position(lang, position)) }
                        }
                    }
                    (confirmed(lang, whole, position))
                }
            }
        }
    }
}

fn confirmed(lang: Lang, whole: &Whole, position: Option<u64>) -> Markup {
    let has = |reader: &Reader| position.is_some_and(|position| reader.complete >= position);
    html! {
        li.done[whole.stage == Stage::Confirmed] {
            strong { (words::confirmed(lang)) }
            @if whole.stage == Stage::Confirmed { p { (words::confirmed_text(lang)) } }
            @else { " " span.faint { (words::not_yet(lang)) } }
            @if !whole.readers.is_empty() {
                ul.readers {
                    @for reader in &whole.readers {
                        @let office = reader.office.to_string();
                        @if has(reader) { li { (words::has_it(lang, &office, &reader.at)) } }
                        @else { li.faint { (words::lacks_it(lang, &office)) } }
                    }
                }
            }
        }
    }
}
