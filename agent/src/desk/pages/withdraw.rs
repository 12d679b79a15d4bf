//! `/desk/sent/{feed}/{id}/withdraw`: an event of this office no longer holds. It is asked why, which is sent with it, and done once: the
//! withdrawal's id is made of the event that it withdraws.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use schemas::event::{self, Hash};
use schemas::feed::Action;
use schemas::subject::LogName;
use serde_json::json;

use super::enter::to_event;
use super::event::{Whole, path};
use super::home::titles;
use crate::desk::acts::Act;
use crate::desk::door::{Posted, Visit};
use crate::desk::layout::{self, Room};
use crate::desk::limits::NOTE_CHARS_MAX;
use crate::desk::reading::data;
use crate::desk::reading::rows::is_notice;
use crate::desk::reading::stage::Stage;
use crate::desk::trouble::Trouble;
use crate::desk::words::{enter as words, frame};
use crate::outbox::Submission;
use crate::submit::problem::Problem;
use crate::submit::{Desk, now};
use crate::web::App;

/// Whether an event is one of this office's reports that can be withdrawn.
pub fn can_be_withdrawn(app: &App, whole: &Whole) -> bool {
    let registry = app.registry();
    let Some(feed) = registry.feed(&whole.feed) else {
        return false;
    };
    let name = whole
        .event
        .as_ref()
        .map(|event| event.core().event_type.as_str());
    let known = name.and_then(|name| feed.event_type(name));
    known.is_some_and(|known| known.action != Action::Withdrawn)
        && feed.type_of(Action::Withdrawn).is_some()
        && !whole.event.as_ref().is_some_and(is_notice)
        && !matches!(whole.stage, Stage::Refused | Stage::Lost)
}

async fn found(visit: &Visit, feed: String, id: String) -> Result<Whole, Trouble> {
    if !visit.who.may_hand_in() {
        return Err(Trouble::NotAllowed);
    }
    let whole = Whole::read(visit, feed, id).await?;
    match can_be_withdrawn(&visit.app, &whole) {
        true => Ok(whole),
        false => Err(Trouble::NotFound),
    }
}

/// `GET`
pub async fn ask(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let whole = found(&visit, feed, id).await?;
    Ok(page(&visit, &whole, "", None, StatusCode::OK))
}

/// `POST`
pub async fn withdraw(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let Posted { visit, fields } = posted;
    let lang = visit.lang;
    let whole = found(&visit, feed, id).await?;
    let why = fields
        .text("note")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let wrong = match why.chars().count() {
        0 => Some(words::why_missing(lang)),
        count if count > NOTE_CHARS_MAX => Some(words::why_too_long(lang, NOTE_CHARS_MAX)),
        _ => None,
    };
    if let Some(wrong) = wrong {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(&visit, &whole, &why, Some(&wrong), status));
    }
    let act = Act::Withdrew {
        feed: whole.feed.clone(),
        id: whole.id.clone(),
    };
    visit.notes(act).await?;
    let accepted = match submission(&visit.app, &whole, &why) {
        Ok((id, submission)) => {
            let accepted = visit.app.outbox.accept(submission).await;
            accepted.map(|_| id).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match accepted {
        Ok(id) => Ok(to_event(&whole.feed, &id, "handed-in")),
        // It was withdrawn before, for another reason.
        Err(Problem::IdTaken { id }) => Ok(to_event(&whole.feed, &id, "already")),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status());
            let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let wrong = lang.pick(problem.km(), problem.en());
            Ok(page(&visit, &whole, &why, Some(wrong), status))
        }
    }
}

fn submission(app: &App, whole: &Whole, why: &str) -> Result<(String, Submission), Problem> {
    let registry = app.registry();
    let office = &app.settings.office;
    let log = LogName {
        feed: whole.feed.clone(),
        office: office.clone(),
    };
    let hash = Hash::of(format!("{}\n{}", log.source(), whole.id).as_bytes()).to_string();
    let id = format!("withdrawal-{}", hash.get(..26).unwrap_or(&hash));
    let feed = registry.feed(&whole.feed);
    let withdrawn = feed.and_then(|feed| feed.type_of(Action::Withdrawn));
    let draft = event::Draft {
        id: Some(id.clone()),
        event_type: withdrawn.map(|known| known.name.clone()),
        causation_id: Some(whole.id.clone()),
        subject: whole
            .event
            .as_ref()
            .and_then(|event| event.core().subject.clone()),
        data: json!({ "reason": why }).to_string().into(),
        ..event::Draft::default()
    };
    let desk = Desk {
        registry: &registry,
        office,
        now: now(),
    };
    let valid = desk.submit(draft, Some(&whole.feed))?;
    Ok((id, Submission::of(&valid, None)))
}

fn page(
    visit: &Visit,
    whole: &Whole,
    why: &str,
    wrong: Option<&str>,
    status: StatusCode,
) -> Response {
    let (lang, place) = (visit.lang, path(whole));
    let about = whole.event.as_ref().map(|event| data::about(event.data()));
    let title = words::withdraw_sure(lang);
    let main = html! {
        div.narrow {
            @if let Some(wrong) = wrong {
                div.summary role="alert" tabindex="-1" {
                    h2 { (frame::problem(lang)) }
                    ul { li { a.data href="#note" { (wrong) } } }
                }
            }
            h1 { (title) }
            p.lead { (words::withdraw_text(lang)) }
            p.data { (titles(visit)(&whole.feed)) br; (about.unwrap_or_default()) br; code { (whole.id) } }
            form method="post" action=(format!("{place}/withdraw")) {
                input type="hidden" name="token" value=(visit.token());
                div.field.wrong[wrong.is_some()] {
                    label for="note" { (words::why(lang)) }
                    @if let Some(wrong) = wrong { p.error.data #note-error { (wrong) } }
                    textarea #note name="note" rows="3" { (why) }
                }
                button.button.danger type="submit" { (words::withdraw_yes(lang)) }
                a.button.plain href=(place) { (words::withdraw_no(lang)) }
            }
        }
    };
    layout::with_status(status, visit.frame(), Some(Room::Sent), &title, &main)
}
