//! `POST /desk/import/{feed}/{id}`: what was mended is saved, and where that is asked for, everything that is good is handed in together.
//! A report's id comes of what it is about, so that a second click finds it handed in; wrong rows stay in the sheet.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::markup::Page;
use super::sheet::{back, found, looked, saved};
use crate::desk::acts::Act;
use crate::desk::door::{Posted, Visit};
use crate::desk::filling::looking::{Looked, Taken};
use crate::desk::filling::sheets::Sheet;
use crate::desk::limits::NOTE_CHARS_MAX;
use crate::desk::trouble::Trouble;
use crate::desk::words::{enter, import as words};
use crate::store::alarms::now_ms;
use crate::submit::problem::Problem;
use crate::submit::sheet::Row;

pub async fn hand_in(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let Posted { visit, fields } = posted;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    let Some(sheet) = found(&visit, feed.clone(), id).await? else {
        // A second click: it was handed in whole.
        return Ok(Redirect::to(&format!("/desk/sent?feed={feed}")).into_response());
    };
    let sheet = match saved(&visit, sheet, &fields).await? {
        Ok(sheet) => sheet,
        Err(page) => return Ok(page),
    };
    if fields.text("do") != "hand-in" {
        return Ok(back(&sheet, ""));
    }
    let of_taken = match fields.text("correction") {
        "yes" => Taken::Corrects,
        _ => Taken::Stays,
    };
    let looked = looked(&visit, &sheet, of_taken).await?;
    let note = fields.text("note").trim().to_owned();
    let wrong = match note.chars().count() {
        0 if !looked.reading.doubts.is_empty() => Some(enter::why_missing(visit.lang)),
        count if count > NOTE_CHARS_MAX => Some(enter::why_too_long(visit.lang, NOTE_CHARS_MAX)),
        _ => None,
    };
    if let Some(wrong) = wrong {
        let page = Page {
            wrong: Some(wrong),
            ..Page::of(&visit, &sheet, &looked)
        };
        return Ok(page.response(StatusCode::UNPROCESSABLE_ENTITY));
    }
    pass(&visit, sheet, looked, note).await
}

/// The line in the journal first, then the events; what was not accepted is still in the sheet.
async fn pass(
    visit: &Visit,
    sheet: Sheet,
    looked: Looked,
    why: String,
) -> Result<Response, Trouble> {
    let Looked {
        reading,
        ready,
        taken,
        ..
    } = looked;
    let act = Act::HandedInSheet {
        feed: sheet.feed.clone(),
        name: sheet.name.clone(),
        reports: ready.len(),
        why,
    };
    visit.notes(act).await?;
    let feed = sheet.feed.clone();
    let (submissions, entries): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
    let accepted = visit.app.outbox.accept_all(submissions).await;
    let mut failure = None;
    let mut count: usize = 0;
    let mut left: Vec<Row> = reading.bad.into_iter().map(|bad| bad.row).collect();
    left.extend(taken.into_iter().flat_map(|entry| entry.rows));
    for (accepted, entry) in accepted.into_iter().zip(entries) {
        match accepted {
            Ok(_) => count = count.saturating_add(1),
            Err(error) => {
                left.extend(entry.rows);
                failure = Some(Problem::from(error));
            }
        }
    }
    left.sort_by_key(|row| row.number);
    let sheet = keep(visit, sheet, reading.heading, left).await?;
    match (failure, sheet) {
        (Some(problem), Some(sheet)) => {
            let looked = super::sheet::looked(visit, &sheet, Taken::Stays).await?;
            let page = Page {
                wrong: Some(visit.lang.pick(problem.km(), problem.en()).to_owned()),
                done: Some(words::handed_in(visit.lang, count)),
                ..Page::of(visit, &sheet, &looked)
            };
            let status = StatusCode::from_u16(problem.status());
            Ok(page.response(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE)))
        }
        (None, Some(sheet)) => Ok(back(&sheet, &format!("?handed-in={count}"))),
        (_, None) => {
            let sent = format!("/desk/sent?feed={feed}&handed-in={count}");
            Ok(Redirect::to(&sent).into_response())
        }
    }
}

/// The rows that are left; where none are, the sheet is no more.
async fn keep(
    visit: &Visit,
    sheet: Sheet,
    heading: Row,
    left: Vec<Row>,
) -> Result<Option<Sheet>, Trouble> {
    let id = sheet.id;
    if left.is_empty() {
        visit
            .read(move |app| app.reception.sheets.forget(id))
            .await?;
        return Ok(None);
    }
    let sheet = Sheet {
        version: sheet.version.saturating_add(1),
        saved_ms: now_ms(),
        rows: std::iter::once(heading).chain(left).collect(),
        ..sheet
    };
    let next = sheet.clone();
    visit
        .read(move |app| app.reception.sheets.save(&next))
        .await?;
    Ok(Some(sheet))
}
