//! `/desk/import/{feed}/{id}`: a sheet as it was read, with every bad cell named and open to be mended. What is mended is saved in the version
//! that it stands on; the wrong rows are given back as a file, too.

use std::sync::Arc;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::super::enter::form_of;
use super::markup::{Page, cell_name};
use super::{file, path};
use crate::desk::door::form::Fields;
use crate::desk::door::{Posted, Visit};
use crate::desk::filling::FormId;
use crate::desk::filling::looking::{Looked, Taken, look};
use crate::desk::filling::sheets::Sheet;
use crate::desk::limits::SHEET_CELL_CHARS;
use crate::desk::trouble::Trouble;
use crate::desk::words::import as words;
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::submit::sheet::Notes;

/// The sheet; None where it was handed in whole, or discarded.
pub async fn found(visit: &Visit, feed: String, id: String) -> Result<Option<Sheet>, Trouble> {
    let form = form_of(visit, feed)?;
    let id = FormId::try_from(id).map_err(|_| Trouble::NotFound)?;
    visit
        .read(move |app| app.reception.sheets.find(&form.feed, id))
        .await
}

/// A sheet that was read once is read again: only the registry may have changed meanwhile.
pub async fn looked(visit: &Visit, sheet: &Sheet, of_taken: Taken) -> Result<Looked, Trouble> {
    let (feed, table) = (sheet.feed.clone(), sheet.table());
    let looked = visit
        .read(move |app| look(app, &feed, table, of_taken))
        .await?;
    looked.map_err(|_| Trouble::NotFound)
}

/// `GET`
pub async fn show(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let Some(sheet) = found(&visit, feed.clone(), id).await? else {
        return Ok(Redirect::to(&format!("/desk/import/{feed}")).into_response());
    };
    let query = Fields::read(&query.unwrap_or_default().into());
    let handed_in: Option<usize> = query.text("handed-in").parse().ok();
    let done = handed_in.map(|count| words::handed_in(visit.lang, count));
    let looked = looked(&visit, &sheet, Taken::Stays).await?;
    let page = Page {
        done,
        ..Page::of(&visit, &sheet, &looked)
    };
    Ok(page.response(StatusCode::OK))
}

/// What was mended in the page, into the rows that it names.
fn mend(sheet: &mut Sheet, fields: &Fields) {
    for row in &mut sheet.rows {
        for (index, cell) in row.cells.iter_mut().enumerate() {
            let mended = fields.find(&cell_name(row.number, index));
            if let Some(mended) = mended {
                *cell = mended.chars().take(SHEET_CELL_CHARS).collect();
            }
        }
    }
}

/// The mended cells are on disk, or the page that says why they are not.
///
/// # Errors
/// The sheet cannot be read.
pub async fn saved(
    visit: &Visit,
    mut sheet: Sheet,
    fields: &Fields,
) -> Result<Result<Sheet, Response>, Trouble> {
    let before = sheet.rows.clone();
    mend(&mut sheet, fields);
    if sheet.rows == before {
        return Ok(Ok(sheet));
    }
    if fields.text("version") != sheet.version.to_string() {
        let looked = looked(visit, &sheet, Taken::Stays).await?;
        let page = Page {
            wrong: Some(words::changed(visit.lang)),
            ..Page::of(visit, &sheet, &looked)
        };
        return Ok(Err(page.response(StatusCode::CONFLICT)));
    }
    sheet.version = sheet.version.saturating_add(1);
    sheet.saved_ms = now_ms();
    let next = sheet.clone();
    visit
        .read(move |app| app.reception.sheets.save(&next))
        .await?;
    Ok(Ok(sheet))
}

/// `GET .../wrong.csv`: the rows that are wrong with the reasons behind them; mended, that file can be uploaded as it is.
pub async fn wrong(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let sheet = found(&visit, feed, id).await?.ok_or(Trouble::NotFound)?;
    let looked = looked(&visit, &sheet, Taken::Stays).await?;
    let name = format!("{}-wrong.csv", sheet.feed);
    let bytes = visit.read(move |_| {
        let mut bytes = Vec::new();
        let mut write = || {
            let reading = &looked.reading;
            let mut notes = Notes::begin(&mut bytes, &reading.heading, reading.separator)?;
            for bad in &reading.bad {
                notes.write(bad)?;
            }
            notes.finish()
        };
        let written: std::io::Result<()> = write();
        written.map(|()| bytes).map_err(|_| Outage::Stopped)
    });
    Ok(file("text/csv; charset=utf-8", &name, bytes.await?))
}

/// `POST .../discard`
pub async fn discard(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let visit = posted.visit;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    if let Some(sheet) = found(&visit, feed.clone(), id).await? {
        visit
            .read(move |app| app.reception.sheets.forget(sheet.id))
            .await?;
    }
    Ok(Redirect::to(&format!("/desk/import/{feed}")).into_response())
}

/// Back to the sheet.
pub fn back(sheet: &Sheet, said: &str) -> Response {
    Redirect::to(&format!("{}{said}", path(&sheet.feed, sheet.id))).into_response()
}
