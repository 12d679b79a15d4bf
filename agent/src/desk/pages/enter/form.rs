//! `/desk/enter/{feed}/{id}`: a form that is being filled in. A post is saved before anything else becomes of it, in the version that it
//! stands on; where somebody else has saved meanwhile, both are shown and nothing is written over.

use std::sync::Arc;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use schemas::form::Form;

use super::fields::{Drawn, said};
use super::told::{changes, given_back, purpose, summary};
use super::{Place, about, form_of, form_path, name, to_event};
use crate::desk::door::form::Fields;
use crate::desk::door::{Posted, Visit};
use crate::desk::filling::checking::{At, Remark, check};
use crate::desk::filling::recent::Recent;
use crate::desk::filling::typed::{Typed, differences};
use crate::desk::filling::{Approval, Filling, FormId, Purpose, begin};
use crate::desk::layout::{self, Room};
use crate::desk::limits::FORM_ROWS;
use crate::desk::trouble::Trouble;
use crate::desk::words::{enter as words, frame};
use crate::store::alarms::now_ms;

/// What a page of the form says above it.
enum Notice {
    Nothing,
    Done(String),
    /// All that is wrong, in a summary that links to the fields.
    Wrong,
    NotSaved,
    /// What somebody else has saved meanwhile.
    Elsewhere(Typed),
}

struct Page<'v> {
    visit: &'v Visit,
    form: &'v Form,
    filling: &'v Filling,
    wrong: Vec<Remark>,
    notice: Notice,
    from: usize,
    all_rows: bool,
}

/// The form and its draft; or where it has gone.
pub async fn open(
    visit: &Visit,
    feed: String,
    id: String,
) -> Result<Result<(Form, Filling), Response>, Trouble> {
    let form = form_of(visit, feed)?;
    let id = FormId::try_from(id).map_err(|_| Trouble::NotFound)?;
    Ok(match Place::find(visit, &form.feed, id).await? {
        Place::Draft(draft) => Ok((form, *draft)),
        Place::HandedIn(event) => Err(to_event(&form.feed, &event, "already")),
        Place::Nowhere => return Err(Trouble::NotFound),
    })
}

/// `GET`
pub async fn show(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let (form, filling) = match open(&visit, feed, id).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let query = Fields::read(&query.unwrap_or_default().into());
    let lang = visit.lang;
    let notice = match query.text("done") {
        "saved" => Notice::Done(words::saved(lang)),
        "copied" => Notice::Done(words::copied(lang)),
        "nothing-to-copy" => Notice::Done(words::copy_none(lang)),
        "wrong" => Notice::Wrong,
        _ => Notice::Nothing,
    };
    let wrong = checked(&visit, &filling).await?;
    let wrong = match notice {
        Notice::Wrong => wrong,
        // What is empty is not wrong while somebody is at it.
        _ => marked(&form, &filling.typed, wrong),
    };
    let page = Page {
        visit: &visit,
        form: &form,
        filling: &filling,
        wrong,
        notice,
        from: query.text("from").parse().unwrap_or(0),
        all_rows: query.text("rows") == "more",
    };
    Ok(page.response(StatusCode::OK))
}

async fn checked(visit: &Visit, filling: &Filling) -> Result<Vec<Remark>, Trouble> {
    let filling = filling.clone();
    visit.read(move |app| Ok(check(app, &filling).wrong)).await
}

fn marked(form: &Form, typed: &Typed, wrong: Vec<Remark>) -> Vec<Remark> {
    let is_filled = |at: At| {
        let field = |index: usize| form.fields().nth(index);
        match at {
            At::Field(index) => field(index).is_some_and(|field| !typed.field(field).is_empty()),
            At::Cell { row, field: index } => {
                field(index).is_some_and(|field| !typed.cell(row, field).is_empty())
            }
            At::Form => false,
        }
    };
    wrong
        .into_iter()
        .filter(|remark| is_filled(remark.at))
        .collect()
}

/// `POST`
pub async fn save(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let Posted { visit, fields } = posted;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    let (form, stored) = match open(&visit, feed, id).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let from = fields.text("from").parse().unwrap_or(0);
    let wish = fields.text("do");
    let mut filling = stored.clone();
    filling.typed = Typed::posted(&form, &fields, from, &stored.typed);
    let is_behind = fields.text("version") != stored.version.to_string();
    if is_behind && filling.typed != stored.typed {
        return refused(
            &visit,
            &form,
            &filling,
            from,
            Notice::Elsewhere(stored.typed),
        )
        .await;
    }
    let mut done = "saved";
    if wish == "copy" {
        let recent = Recent::of(&visit, &form.feed).await?;
        let last = recent.reports.first();
        let copied = last.and_then(|last| begin::copied(&form, &last.data, &filling.typed));
        done = if copied.is_some() {
            "copied"
        } else {
            "nothing-to-copy"
        };
        filling.typed = copied.unwrap_or(filling.typed);
    }
    if filling.typed != stored.typed && !keep(&visit, &mut filling).await {
        return refused(&visit, &form, &filling, from, Notice::NotSaved).await;
    }
    let place = form_path(&form.feed, filling.id);
    let next = from.saturating_add(FORM_ROWS);
    let to = match wish {
        "check" => match checked(&visit, &filling).await?.first() {
            None => format!("{place}/review"),
            Some(first) => format!("{place}?done=wrong&from={}", page_of(first.at, from)),
        },
        "rows" if filling.typed.rows.len() >= next => format!("{place}?from={next}"),
        "rows" => format!("{place}?from={from}&rows=more"),
        "before" => format!("{place}?from={}", from.saturating_sub(FORM_ROWS)),
        "after" => format!("{place}?from={next}"),
        _ => format!("{place}?done={done}&from={from}"),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Which rows show what is wrong there.
pub fn page_of(at: At, from: usize) -> usize {
    match at {
        At::Cell { row, .. } => row.saturating_sub(row % FORM_ROWS),
        At::Field(_) | At::Form => from,
    }
}

/// Whether the next version is on disk.
async fn keep(visit: &Visit, filling: &mut Filling) -> bool {
    filling.version = filling.version.saturating_add(1);
    filling.saved_ms = now_ms();
    filling.by = name(&visit.who);
    // What was asked for was asked for other figures.
    filling.approval = Approval::NotAsked;
    let next = filling.clone();
    let saved = visit
        .read(move |app| app.reception.drafts.save(&next))
        .await;
    if saved.is_err() {
        filling.version = filling.version.saturating_sub(1);
    }
    saved.is_ok()
}

/// The form with what was typed, none of which is on disk.
async fn refused(
    visit: &Visit,
    form: &Form,
    filling: &Filling,
    from: usize,
    notice: Notice,
) -> Result<Response, Trouble> {
    let status = match notice {
        Notice::Elsewhere(_) => StatusCode::CONFLICT,
        Notice::NotSaved => StatusCode::SERVICE_UNAVAILABLE,
        Notice::Nothing | Notice::Done(_) | Notice::Wrong => StatusCode::OK,
    };
    let wrong = checked(visit, filling).await?;
    let page = Page {
        visit,
        form,
        filling,
        wrong: marked(form, &filling.typed, wrong),
        notice,
        from,
        all_rows: false,
    };
    Ok(page.response(status))
}

impl Page<'_> {
    fn response(&self, status: StatusCode) -> Response {
        let (lang, form, filling) = (self.visit.lang, self.form, self.filling);
        let place = form_path(&form.feed, filling.id);
        let drawn = Drawn {
            lang,
            form,
            typed: &filling.typed,
            wrong: &self.wrong,
            from: self.from,
            all_rows: self.all_rows,
        };
        let main = html! {
            p.back { a href="/desk/enter" { (frame::back_to(lang, &frame::enter(lang))) } }
            (self.notice())
            h1.data { (said(lang, &form.title)) }
            (purpose(lang, &filling.purpose))
            @if let Approval::GivenBack { by, why } = &filling.approval { (given_back(lang, by.as_deref(), why)) }
            p.lead { (words::form_text(lang)) }
            form #form method="post" action=(place) novalidate tabindex="-1" {
                input type="hidden" name="token" value=(self.visit.token());
                input type="hidden" name="version" value=(filling.version);
                input type="hidden" name="from" value=(self.from);
                (drawn.markup())
                (self.buttons())
            }
            @if let Some(before) = filling.purpose.before() {
                section aria-labelledby="changes" {
                    h2 #changes { (words::changes(lang)) }
                    (changes(lang, [&words::before(lang), &words::now(lang)], &differences(form, before, &filling.typed)))
                }
            }
            p { a href=(format!("{place}/discard")) { (words::discard(lang)) } }
        };
        let title = match about(filling) {
            about if about.is_empty() => said(lang, &form.title).to_owned(),
            about => about,
        };
        layout::with_status(status, self.visit.frame(), Some(Room::Enter), &title, &main)
    }

    fn buttons(&self) -> Markup {
        let (lang, count) = (self.visit.lang, self.filling.typed.rows.len());
        let button = |wish: &str, label: String, look: &str| {
            html! { button class={ "button " (look) } type="submit" name="do" value=(wish) { (label) } }
        };
        let next = self.from.saturating_add(FORM_ROWS);
        html! {
            @if self.form.list().is_some() {
                p {
                    @if count > FORM_ROWS { (words::rows_shown(lang, self.from.saturating_add(1), count.min(next), count)) " " }
                    // The first button of a form is the one that Enter presses: it saves, and hands in nothing.
                    (button("rows", words::more_rows(lang), "second"))
                    @if self.from > 0 { (button("before", words::rows_before(lang), "plain")) }
                    @if count > next { (button("after", words::rows_after(lang), "plain")) }
                }
            }
            p {
                (button("check", words::check(lang), ""))
                (button("save", words::save(lang), "second"))
                @if self.filling.purpose == Purpose::New { (button("copy", words::copy(lang), "plain")) }
            }
        }
    }

    fn notice(&self) -> Markup {
        let lang = self.visit.lang;
        match &self.notice {
            Notice::Nothing => html! {},
            Notice::Done(done) => html! { p.done role="status" { (done) } },
            Notice::NotSaved => html! {
                div.summary role="alert" tabindex="-1" {
                    h2 { (frame::problem(lang)) }
                    p { (words::not_saved(lang)) }
                }
            },
            Notice::Wrong if self.wrong.is_empty() => html! {},
            Notice::Wrong => summary(lang, self.form, &self.wrong, self.from),
            Notice::Elsewhere(theirs) => html! {
                div.summary role="alert" tabindex="-1" {
                    h2 { (words::changed_elsewhere(lang)) }
                    p { (words::changed_elsewhere_text(lang)) }
                    (changes(lang, [&words::elsewhere(lang), &words::yours(lang)], &differences(self.form, theirs, &self.filling.typed)))
                }
            },
        }
    }
}
