//! `/desk/import/{feed}`: a file that is uploaded, or rows that are pasted, come in within a bound; a sheet on the agent's disk goes out, to be
//! looked at before anything is handed in.

mod hand_in;
mod markup;
mod sheet;

use std::sync::Arc;

use axum::extract::{Multipart, Path};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use schemas::form::Form;
use schemas::subject::FeedName;

use super::enter::form_of;
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::filling::FormId;
use crate::desk::filling::looking::{Taken, look};
use crate::desk::filling::sheets::{Listed, Sheet};
use crate::desk::layout::{self, Room};
use crate::desk::limits::{SHEET_NAME_CHARS, UPLOAD_BYTES_MAX};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, import as words};
use crate::store::alarms::now_ms;
use crate::submit::sheet::{SheetFault, Table, empty, table_of};
use crate::words::{Words, shown};

pub use self::hand_in::hand_in;
pub use self::sheet::{discard, show, wrong};

/// `GET`
pub async fn begin(visit: Visit, Path(feed): Path<String>) -> Result<Response, Trouble> {
    let form = form_of(&visit, feed)?;
    page(&visit, &form, None).await
}

async fn page(visit: &Visit, form: &Form, wrong: Option<&Words>) -> Result<Response, Trouble> {
    let (lang, feed) = (visit.lang, &form.feed);
    let sheets = visit.read(|app| app.reception.sheets.all()).await?;
    let sheets: Vec<Listed> = sheets
        .into_iter()
        .filter(|sheet| sheet.feed == *feed)
        .collect();
    let megabytes = u64::try_from(UPLOAD_BYTES_MAX / 1_048_576).unwrap_or(0);
    let main = html! {
        p.back { a href="/desk/enter" { (frame::back_to(lang, &frame::enter(lang))) } }
        @if let Some(wrong) = wrong {
            div.summary role="alert" tabindex="-1" {
                h2 { (frame::problem(lang)) }
                ul { li { a.data href="#file" { (lang.pick(&wrong.km, &wrong.en)) } } }
            }
        }
        p.over.data { (lang.pick(&form.title.km, &form.title.en)) }
        h1 { (words::title(lang)) }
        p.lead { (words::lead(lang)) }
        p {
            (words::empty_sheet(lang)) " "
            a.data href=(format!("/desk/import/{feed}/empty.xlsx")) { "XLSX" } " "
            a.data href=(format!("/desk/import/{feed}/empty.csv")) { "CSV" }
        }
        form method="post" action=(format!("/desk/import/{feed}")) enctype="multipart/form-data" {
            input type="hidden" name="token" value=(visit.token());
            input type="hidden" name="id" value=(FormId::new());
            div.field {
                label for="file" { (words::file(lang)) }
                p.hint #file-hint { (words::file_hint(lang, megabytes)) }
                input #file name="file" type="file" accept=".csv,.txt,.tsv,.xlsx,.xls,.ods" aria-describedby="file-hint";
            }
            div.field {
                label for="pasted" { (words::pasted(lang)) }
                p.hint #pasted-hint { (words::pasted_hint(lang)) }
                textarea #pasted name="pasted" rows="6" spellcheck="false" aria-describedby="pasted-hint" {}
            }
            button.button type="submit" { (words::read(lang)) }
        }
        @if !sheets.is_empty() { (listed(lang, &sheets)) }
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let title = words::title(lang);
    Ok(layout::with_status(
        status,
        visit.frame(),
        Some(Room::Enter),
        &title,
        &main,
    ))
}

fn listed(lang: Lang, sheets: &[Listed]) -> Markup {
    html! {
        section aria-labelledby="sheets" {
            h2 #sheets { (words::waiting_sheets(lang)) }
            ul.list {
                @for sheet in sheets {
                    li {
                        a.data href=(path(&sheet.feed, sheet.id)) { (sheet.name) } " "
                        span.time { (dates::stamp(sheet.saved_ms)) }
                    }
                }
            }
        }
    }
}

pub fn path(feed: &FeedName, id: FormId) -> String {
    format!("/desk/import/{feed}/{id}")
}

/// What an upload carries.
#[derive(Default)]
struct Upload {
    token: String,
    id: String,
    name: String,
    file: Vec<u8>,
    pasted: String,
}

impl Upload {
    /// The route bounds its bytes.
    async fn read(mut parts: Multipart) -> Result<Upload, Trouble> {
        let mut upload = Upload::default();
        let cut = |_| Trouble::TooLarge;
        while let Some(part) = parts.next_field().await.map_err(cut)? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(cut)?;
            let text = || String::from_utf8_lossy(&bytes).into_owned();
            match name.as_str() {
                "token" => upload.token = text(),
                "id" => upload.id = text(),
                "pasted" => upload.pasted = text(),
                "file" => {
                    upload.name = shown(&file_name).chars().take(SHEET_NAME_CHARS).collect();
                    upload.file = bytes.to_vec();
                }
                _ => {}
            }
        }
        Ok(upload)
    }

    /// The file, or else what was pasted; None where there is neither.
    fn table(&self) -> Option<Result<Table, SheetFault>> {
        match (self.file.is_empty(), self.pasted.trim().is_empty()) {
            (false, _) => Some(table_of(&self.file)),
            (true, false) => Some(table_of(self.pasted.as_bytes())),
            (true, true) => None,
        }
    }
}

/// `POST`
pub async fn upload(
    visit: Visit,
    Path(feed): Path<String>,
    parts: Multipart,
) -> Result<Response, Trouble> {
    let form = form_of(&visit, feed)?;
    let upload = Upload::read(parts).await?;
    if upload.token != visit.token() {
        return Err(Trouble::FormOld);
    }
    let id = FormId::try_from(upload.id.clone()).map_err(|_| Trouble::FormOld)?;
    let lang = visit.lang;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    let feed = form.feed.clone();
    let name = match upload.file.is_empty() {
        true => words::pasted_name(lang),
        false => upload.name.clone(),
    };
    let kept = visit
        .read(move |app| {
            let sheets = &app.reception.sheets;
            // Reload and a second click: the same sheet.
            if sheets.find(&feed, id)?.is_some() {
                return Ok(Ok(true));
            }
            let Some(table) = upload.table() else {
                return Ok(Err(None));
            };
            let table = match table {
                Ok(table) => table,
                Err(fault) => return Ok(Err(Some(fault.words()))),
            };
            let sheet = Sheet {
                id,
                feed: feed.clone(),
                version: 1,
                saved_ms: now_ms(),
                name,
                separator: table.separator,
                rows: table.rows,
            };
            if let Err(words) = look(app, &feed, sheet.table(), Taken::Stays)? {
                return Ok(Err(Some(words)));
            }
            let has_room = sheets.has_room()?;
            if has_room {
                sheets.save(&sheet)?;
            }
            Ok(Ok(has_room))
        })
        .await?;
    match kept {
        Ok(true) => Ok(Redirect::to(&path(&form.feed, id)).into_response()),
        Ok(false) => Err(Trouble::SheetsFull),
        Err(words) => {
            let nothing = || {
                let said = words::nothing_given;
                Words {
                    km: said(Lang::Km),
                    en: said(Lang::En),
                }
            };
            page(&visit, &form, Some(&words.unwrap_or_else(nothing))).await
        }
    }
}

/// `GET /desk/import/{feed}/empty.xlsx`
pub async fn empty_xlsx(visit: Visit, Path(feed): Path<String>) -> Result<Response, Trouble> {
    let form = form_of(&visit, feed)?;
    let bytes = visit.read(move |_| Ok(empty::xlsx(&form).map(|book| (form.feed, book))));
    let (feed, bytes) = bytes.await?.map_err(|_| Trouble::NotFound)?;
    let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(file(media, &format!("{feed}.xlsx"), bytes))
}

/// `GET /desk/import/{feed}/empty.csv`
pub async fn empty_csv(visit: Visit, Path(feed): Path<String>) -> Result<Response, Trouble> {
    let form = form_of(&visit, feed)?;
    let bytes = empty::csv(&form).map_err(|_| Trouble::NotFound)?;
    Ok(file(
        "text/csv; charset=utf-8",
        &format!("{}.csv", form.feed),
        bytes,
    ))
}

/// To be kept by the browser under this name, which is one of ours.
fn file(media: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, media.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, bytes).into_response()
}
