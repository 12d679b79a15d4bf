//! `GET /desk/enter`: the forms of this office and the drafts that were begun. A form is begun by a post that carries the id which was made
//! with the page, so that it is begun once.

mod discard;
mod fields;
mod form;
mod read_back;
mod review;
mod told;

use std::sync::Arc;

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::form::Form;
use schemas::subject::FeedName;

use super::home::titles;
use crate::desk::dates;
use crate::desk::door::form::Fields;
use crate::desk::door::{Posted, Visit, Who};
use crate::desk::filling::{Approval, Filling, FormId, Purpose, begin};
use crate::desk::layout::{self, Room};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, enter as words, frame};
use crate::store::alarms::now_ms;

pub use self::discard::{ask as ask_discard, discard};
pub use self::form::{save, show as form};
pub use self::read_back::read_back;
pub use self::review::{hand_in, show as review};

/// The forms that this office may fill in.
pub fn forms(visit: &Visit) -> Vec<Form> {
    let registry = visit.app.registry();
    let feeds = registry.publishable_feeds(&visit.app.settings.office);
    let forms = feeds
        .iter()
        .filter_map(|feed| Form::of(&registry, &feed.name)?.ok());
    forms.collect()
}

pub async fn list(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    if !visit.who.may_hand_in() {
        return Err(Trouble::NotAllowed);
    }
    let lang = visit.lang;
    let query = Fields::read(&query.unwrap_or_default().into());
    let done = match query.text("done") {
        "discarded" => Some(words::discarded(lang)),
        "asked" => Some(words::asked(lang)),
        "given-back" => Some(words::given_back(lang)),
        _ => None,
    };
    let forms = forms(&visit);
    let drafts = visit.read(|app| app.reception.drafts.all()).await?;
    let main = html! {
        h1 { (words::title(lang)) }
        @if let Some(done) = done { p.done role="status" { (done) } }
        @if forms.is_empty() { p.nothing { (words::no_form(lang)) } }
        @else {
            p.lead { (words::lead(lang)) }
            @for form in &forms { (card(&visit, form)) }
        }
        @if !drafts.is_empty() { (table(&visit, &drafts)) }
    };
    let title = frame::enter(lang);
    Ok(layout::page(
        visit.frame(),
        Some(Room::Enter),
        &title,
        &main,
    ))
}

fn card(visit: &Visit, form: &Form) -> Markup {
    let (lang, feed) = (visit.lang, &form.feed);
    html! {
        section.card {
            h2.data { (lang.pick(&form.title.km, &form.title.en)) }
            (begin_form(visit, feed, &[], &words::begin(lang), "button"))
            a.button.second href=(format!("/desk/import/{feed}")) { (words::by_sheet(lang)) }
        }
    }
}

/// A button that begins a form; `of` says what it corrects or mends.
pub fn begin_form(
    visit: &Visit,
    feed: &FeedName,
    of: &[(&str, &str)],
    label: &str,
    look: &str,
) -> Markup {
    html! {
        form.inline method="post" action=(format!("/desk/enter/{feed}")) {
            input type="hidden" name="token" value=(visit.token());
            input type="hidden" name="id" value=(FormId::new());
            @for (name, value) in of { input type="hidden" name=(name) value=(value); }
            button class=(look) type="submit" { (label) }
        }
    }
}

fn table(visit: &Visit, drafts: &[Filling]) -> Markup {
    let (lang, titles) = (visit.lang, titles(visit));
    html! {
        section aria-labelledby="drafts" {
            h2 #drafts { (words::drafts(lang)) }
            table.events {
                thead {
                    tr {
                        th scope="col" { (words::draft(lang)) }
                        th scope="col" { (words::saved_at(lang)) }
                        th scope="col" { (frame::state(lang)) }
                    }
                }
                tbody {
                    @for draft in drafts {
                        @let about = about(draft);
                        tr {
                            th scope="row" {
                                @if about.is_empty() { a href=(path(draft)) { (words::empty_draft(lang)) } }
                                @else { a.data href=(path(draft)) { (about) } }
                                p.note.data { (titles(&draft.feed)) }
                            }
                            td.time {
                                (dates::stamp(draft.saved_ms))
                                @if let Some(name) = &draft.by { p.note { (words::saved_by(lang, name)) } }
                            }
                            td { (state(lang, draft)) }
                        }
                    }
                }
            }
        }
    }
}

fn state(lang: Lang, draft: &Filling) -> String {
    match &draft.approval {
        Approval::NotAsked => words::draft(lang),
        Approval::Asked { .. } => words::waits_for_approval(lang),
        Approval::GivenBack { .. } => words::is_given_back(lang),
    }
}

/// What a draft is about: its first values.
pub fn about(draft: &Filling) -> String {
    const VALUES: usize = 4;
    const CHARS: usize = 100;
    let values: Vec<&str> = draft
        .typed
        .own
        .values()
        .take(VALUES)
        .map(String::as_str)
        .collect();
    values.join(" · ").chars().take(CHARS).collect()
}

/// Where the draft's page is: the form, or what somebody else has to look at.
pub fn path(draft: &Filling) -> String {
    let form = form_path(&draft.feed, draft.id);
    match draft.approval {
        Approval::Asked { .. } => format!("{form}/review"),
        Approval::NotAsked | Approval::GivenBack { .. } => form,
    }
}

pub fn form_path(feed: &FeedName, id: FormId) -> String {
    format!("/desk/enter/{feed}/{id}")
}

/// The event's own page, with what has just become of it.
pub fn to_event(feed: &FeedName, id: &str, done: &str) -> Response {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    Redirect::to(&format!("/desk/sent/{feed}/{id}?done={done}")).into_response()
}

/// The person's name, where the office has named people.
pub fn name(who: &Who) -> Option<String> {
    match who {
        Who::Office => None,
        Who::Person { name, .. } => Some(name.clone()),
    }
}

/// `POST /desk/enter/{feed}`
pub async fn begin(Path(feed): Path<String>, posted: Posted) -> Result<Response, Trouble> {
    let Posted { visit, fields } = posted;
    let form = form_of(&visit, feed)?;
    let id = fields.text("id").to_owned();
    let id = FormId::try_from(id).map_err(|_| Trouble::FormOld)?;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    match Place::find(&visit, &form.feed, id).await? {
        Place::HandedIn(event) => return Ok(to_event(&form.feed, &event, "already")),
        Place::Draft(draft) => return Ok(Redirect::to(&path(&draft)).into_response()),
        Place::Nowhere => {}
    }
    let has_room = visit.read(|app| app.reception.drafts.has_room()).await?;
    if !has_room {
        return Err(Trouble::DraftsFull);
    }
    let (purpose, typed) = begin::begin(&visit, &form, &fields).await?;
    let filling = Filling {
        id,
        feed: form.feed.clone(),
        version: 1,
        saved_ms: now_ms(),
        by: name(&visit.who),
        typed,
        note: String::new(),
        purpose,
        approval: Approval::NotAsked,
    };
    let to = path(&filling);
    visit
        .read(move |app| app.reception.drafts.save(&filling))
        .await?;
    Ok(Redirect::to(&to).into_response())
}

/// The form of a feed that this visitor may fill in.
pub fn form_of(visit: &Visit, feed: String) -> Result<Form, Trouble> {
    if !visit.who.may_hand_in() {
        return Err(Trouble::NotAllowed);
    }
    let feed = FeedName::try_from(feed).map_err(|_| Trouble::NotFound)?;
    let forms = forms(visit);
    let form = forms.into_iter().find(|form| form.feed == feed);
    form.ok_or(Trouble::NotFound)
}

/// Where a form is by now.
pub enum Place {
    Draft(Box<Filling>),
    /// It has become this event.
    HandedIn(String),
    Nowhere,
}

impl Place {
    /// A draft of which the event is there already, as behind a power cut between the two, is brought to its end.
    pub async fn find(visit: &Visit, feed: &FeedName, id: FormId) -> Result<Place, Trouble> {
        let event = format!("form-{id}");
        let (name, asked) = (feed.clone(), event.clone());
        let (draft, known) = visit
            .read(move |app| {
                let draft = app.reception.drafts.find(&name, id)?;
                Ok((draft, app.outbox.known(&name, &asked)?))
            })
            .await?;
        Ok(match (draft, known) {
            (Some(draft), Some(_)) => {
                end(visit, &draft).await?;
                Place::HandedIn(event)
            }
            (None, Some(_)) => Place::HandedIn(event),
            (Some(draft), None) => Place::Draft(Box::new(draft)),
            (None, None) => Place::Nowhere,
        })
    }
}

/// What was handed in is no draft any longer, and what it takes the place of lies in the tray no longer.
pub async fn end(visit: &Visit, draft: &Filling) -> Result<(), Trouble> {
    if let Purpose::Mends { number, event, .. } = &draft.purpose {
        let tray = visit.read(|app| app.outbox.tray()).await?;
        let mut entries = tray.iter();
        let is_there = entries.any(|entry| {
            entry.feed == draft.feed && entry.number == *number && entry.entry.id == *event
        });
        if is_there {
            visit
                .app
                .outbox
                .drop_from_tray(&draft.feed, *number)
                .await?;
        }
    }
    let id = draft.id;
    visit.read(move |app| app.reception.drafts.forget(id)).await
}
