//! `/desk/enter/{feed}/{id}/review`: what will be sent, as it was read, and what to look at again. From here it is handed in, once; or a
//! second person is asked, hands it in, or gives it back.

use std::sync::Arc;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use schemas::event;
use schemas::form::Form;
use serde_json::Value;

use super::fields::said;
use super::form::open;
use super::told::changes;
use super::{end, form_path, name, read_back, to_event};
use crate::desk::acts::Act;
use crate::desk::door::form::Fields;
use crate::desk::door::{Posted, Visit, Who};
use crate::desk::filling::checking::{Remark, check, doubts};
use crate::desk::filling::recent::Recent;
use crate::desk::filling::typed::differences;
use crate::desk::filling::{Approval, Filling};
use crate::desk::layout::{self, Room};
use crate::desk::limits::NOTE_CHARS_MAX;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, enter as words, frame};
use crate::outbox::Submission;
use crate::store::alarms::now_ms;
use crate::submit::problem::Problem;
use crate::submit::{Desk, now};
use crate::web::App;

/// A form in which nothing is wrong, and what is to be looked at again.
struct Ready {
    form: Form,
    filling: Filling,
    event: event::Draft,
    data: Value,
    doubts: Vec<Remark>,
}

/// What is said above the page.
enum Notice {
    Nothing,
    /// Somebody has saved other figures after this page was drawn.
    Changed,
    /// The reason, and what is wrong with it.
    Why(String),
    Problem(Problem),
}

impl Ready {
    /// Or where to go instead: to the form, where something is wrong; to the event, where it was handed in.
    async fn of(
        visit: &Visit,
        feed: String,
        id: String,
    ) -> Result<Result<Ready, Response>, Trouble> {
        let (form, filling) = match open(visit, feed, id).await? {
            Ok(found) => found,
            Err(elsewhere) => return Ok(Err(elsewhere)),
        };
        let asked = filling.clone();
        let checked = visit.read(move |app| Ok(check(app, &asked))).await?;
        let (Some(data), Some(event)) = (checked.data(), checked.event) else {
            let form = format!("{}?done=wrong", form_path(&form.feed, filling.id));
            return Ok(Err(Redirect::to(&form).into_response()));
        };
        let recent = Recent::of(visit, &form.feed).await?;
        let doubts = doubts(&form, &data, recent.before(&form, &data));
        Ok(Ok(Ready {
            form,
            filling,
            event,
            data,
            doubts,
        }))
    }

    fn wants_reason(&self) -> bool {
        !self.doubts.is_empty() || self.filling.purpose.wants_reason()
    }

    /// Whether this visitor's word is enough to hand it in.
    fn may_pass(&self, who: &Who) -> bool {
        // Where the office has named nobody, nobody can be told from another.
        let is_free = !self.form.approval || *who == Who::Office;
        match &self.filling.approval {
            Approval::Asked { by, .. } => is_free || (who.may_decide() && *by != name(who)),
            Approval::NotAsked | Approval::GivenBack { .. } => is_free,
        }
    }
}

/// `GET`
pub async fn show(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let ready = match Ready::of(&visit, feed, id).await? {
        Ok(ready) => ready,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let query = Fields::read(&query.unwrap_or_default().into());
    let notice = match query.text("done") {
        "changed" => Notice::Changed,
        _ => Notice::Nothing,
    };
    let note = ready.filling.note.clone();
    Ok(page(&visit, &ready, &note, &notice, StatusCode::OK))
}

/// `POST`
pub async fn hand_in(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let Posted { visit, fields } = posted;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    let ready = match Ready::of(&visit, feed, id).await? {
        Ok(ready) => ready,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = form_path(&ready.form.feed, ready.filling.id);
    // What was not seen is not handed in.
    if fields.text("version") != ready.filling.version.to_string() {
        return Ok(Redirect::to(&format!("{place}/review?done=changed")).into_response());
    }
    let note = fields.text("note").trim().to_owned();
    let gives_back = fields.text("do") == "give-back";
    let wrong = match note.chars().count() {
        0 if ready.wants_reason() || gives_back => Some(words::why_missing(visit.lang)),
        count if count > NOTE_CHARS_MAX => Some(words::why_too_long(visit.lang, NOTE_CHARS_MAX)),
        _ => None,
    };
    if let Some(wrong) = wrong {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(&visit, &ready, &note, &Notice::Why(wrong), status));
    }
    let is_asked = matches!(ready.filling.approval, Approval::Asked { .. });
    match (gives_back && is_asked, ready.may_pass(&visit.who), is_asked) {
        (true, true, _) => give_back(&visit, ready, note).await,
        (false, true, _) => pass(&visit, ready, note).await,
        (_, false, false) => ask(&visit, ready, note).await,
        (_, false, true) => Err(Trouble::NotAllowed),
    }
}

/// Into the outbox: the line in the journal first, then the event, then the draft is no more.
async fn pass(visit: &Visit, ready: Ready, note: String) -> Result<Response, Trouble> {
    let Ready { form, filling, .. } = &ready;
    let (feed, id) = (form.feed.clone(), filling.event_id());
    visit
        .notes(Act::HandedIn {
            feed: feed.clone(),
            id: id.clone(),
            why: note.clone(),
        })
        .await?;
    let accepted = match submission(&visit.app, ready.event.clone(), form) {
        Ok(submission) => visit
            .app
            .outbox
            .accept(submission)
            .await
            .map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = accepted {
        let status = StatusCode::from_u16(problem.status());
        let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        return Ok(page(
            visit,
            &ready,
            &note,
            &Notice::Problem(problem),
            status,
        ));
    }
    end(visit, filling).await?;
    Ok(to_event(&feed, &id, "handed-in"))
}

fn submission(app: &App, event: event::Draft, form: &Form) -> Result<Submission, Problem> {
    let registry = app.registry();
    let desk = Desk {
        registry: &registry,
        office: &app.settings.office,
        now: now(),
    };
    let valid = desk.submit(event, Some(&form.feed))?;
    Ok(Submission::of(&valid, None))
}

async fn ask(visit: &Visit, ready: Ready, note: String) -> Result<Response, Trouble> {
    let approval = Approval::Asked {
        by: name(&visit.who),
        at_ms: now_ms(),
    };
    let act = Act::AskedApproval {
        feed: ready.form.feed.clone(),
        id: ready.filling.event_id(),
    };
    turn(visit, ready, note, approval, act, "asked").await
}

async fn give_back(visit: &Visit, ready: Ready, why: String) -> Result<Response, Trouble> {
    let approval = Approval::GivenBack {
        by: name(&visit.who),
        why: why.clone(),
    };
    let act = Act::GaveBack {
        feed: ready.form.feed.clone(),
        id: ready.filling.event_id(),
        why,
    };
    let note = ready.filling.note.clone();
    turn(visit, ready, note, approval, act, "given-back").await
}

/// The draft goes to somebody else.
async fn turn(
    visit: &Visit,
    ready: Ready,
    note: String,
    approval: Approval,
    act: Act,
    done: &str,
) -> Result<Response, Trouble> {
    visit.notes(act).await?;
    let mut filling = ready.filling;
    filling.version = filling.version.saturating_add(1);
    filling.note = note;
    filling.approval = approval;
    visit
        .read(move |app| app.reception.drafts.save(&filling))
        .await?;
    Ok(Redirect::to(&format!("/desk/enter?done={done}")).into_response())
}

fn page(visit: &Visit, ready: &Ready, note: &str, notice: &Notice, status: StatusCode) -> Response {
    let (lang, form, filling) = (visit.lang, &ready.form, &ready.filling);
    let place = form_path(&form.feed, filling.id);
    let main = html! {
        p.back { a href=(place) { (words::back_to_form(lang)) } }
        (above(lang, notice))
        p.over.data { (said(lang, &form.title)) }
        h1 { (words::review(lang)) }
        p.lead { (words::review_text(lang)) }
        (read_back(lang, form, &ready.data))
        @if let Some(before) = filling.purpose.before() {
            section aria-labelledby="changes" {
                h2 #changes { (words::changes(lang)) }
                (changes(lang, [&words::before(lang), &words::now(lang)], &differences(form, before, &filling.typed)))
            }
        }
        (looked_at_again(lang, ready))
        form method="post" action=(format!("{place}/review")) {
            input type="hidden" name="token" value=(visit.token());
            input type="hidden" name="version" value=(filling.version);
            (why(lang, ready, note, notice))
            (buttons(visit, ready))
        }
    };
    let title = words::review(lang);
    layout::with_status(status, visit.frame(), Some(Room::Enter), &title, &main)
}

fn above(lang: Lang, notice: &Notice) -> Markup {
    let text = match notice {
        Notice::Nothing => return html! {},
        Notice::Changed => words::changed_elsewhere(lang),
        Notice::Why(wrong) => {
            return html! {
                div.summary role="alert" tabindex="-1" {
                    h2 { (frame::problem(lang)) }
                    ul { li { a href="#note" { (wrong) } } }
                }
            };
        }
        Notice::Problem(problem) => lang.pick(problem.km(), problem.en()).to_owned(),
    };
    html! {
        div.summary role="alert" tabindex="-1" {
            h2 { (frame::problem(lang)) }
            p.data { (text) }
        }
    }
}

fn looked_at_again(lang: Lang, ready: &Ready) -> Markup {
    if ready.doubts.is_empty() {
        return html! {};
    }
    html! {
        section.card.warn aria-labelledby="doubts" {
            h2 #doubts { (words::doubts(lang)) }
            p { (words::doubts_text(lang)) }
            ul.wrongs {
                @for doubt in &ready.doubts {
                    li.data { (place_of(lang, &ready.form, doubt)) (lang.pick(&doubt.words.km, &doubt.words.en)) }
                }
            }
        }
    }
}

fn place_of(lang: Lang, form: &Form, remark: &Remark) -> String {
    use crate::desk::filling::checking::At;
    let label = |index: usize| {
        let field = form.fields().nth(index);
        field.map_or("", |field| said(lang, &field.label))
    };
    match remark.at {
        At::Field(index) => format!("{}: ", label(index)),
        At::Cell { row, field } => {
            let row = words::row_number(lang, row.saturating_add(1));
            format!("{row}, {}: ", label(field))
        }
        At::Form => String::new(),
    }
}

fn why(lang: Lang, ready: &Ready, note: &str, notice: &Notice) -> Markup {
    let is_asked = matches!(ready.filling.approval, Approval::Asked { .. });
    if !ready.wants_reason() && !is_asked {
        return html! {};
    }
    let wrong = match notice {
        Notice::Why(wrong) => Some(wrong),
        Notice::Nothing | Notice::Changed | Notice::Problem(_) => None,
    };
    html! {
        div.field.wrong[wrong.is_some()] {
            label for="note" { (words::why(lang)) }
            p.hint #note-hint { (words::why_hint(lang)) }
            @if let Some(wrong) = wrong { p.error #note-error { (wrong) } }
            textarea #note name="note" rows="3" aria-describedby="note-hint" { (note) }
        }
    }
}

fn buttons(visit: &Visit, ready: &Ready) -> Markup {
    let lang = visit.lang;
    let is_asked = matches!(ready.filling.approval, Approval::Asked { .. });
    html! {
        p {
            @match (ready.may_pass(&visit.who), is_asked) {
                (true, true) => {
                    button.button type="submit" name="do" value="hand-in" { (words::approve(lang)) }
                    button.button.second type="submit" name="do" value="give-back" { (words::give_back(lang)) }
                },
                (true, false) => button.button type="submit" name="do" value="hand-in" { (words::hand_in(lang)) },
                (false, false) => button.button type="submit" name="do" value="ask" { (words::ask_approval(lang)) },
                (false, true) => strong { (words::waits_for_approval(lang)) },
            }
        }
    }
}
