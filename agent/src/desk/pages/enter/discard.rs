//! `/desk/enter/{feed}/{id}/discard`: a draft that is not wanted any more. It is asked once more, and then gone.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::form::open;
use super::{about, form_path};
use crate::desk::door::{Posted, Visit};
use crate::desk::layout::{self, Room};
use crate::desk::trouble::Trouble;
use crate::desk::words::enter as words;

/// `GET`
pub async fn ask(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let (form, filling) = match open(&visit, feed, id).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (lang, place) = (visit.lang, form_path(&form.feed, filling.id));
    let title = words::discard_sure(lang);
    let main = html! {
        div.narrow {
            h1 { (title) }
            p.lead { (words::discard_text(lang)) }
            p.data { (lang.pick(&form.title.km, &form.title.en)) br; (about(&filling)) }
            form.inline method="post" action=(format!("{place}/discard")) {
                input type="hidden" name="token" value=(visit.token());
                button.button.danger type="submit" { (words::discard_yes(lang)) }
            }
            a.button.plain href=(place) { (words::back_to_form(lang)) }
        }
    };
    Ok(layout::page(
        visit.frame(),
        Some(Room::Enter),
        &title,
        &main,
    ))
}

/// `POST`
pub async fn discard(
    Path((feed, id)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let visit = posted.visit;
    let app = Arc::clone(&visit.app);
    let _turn = app.reception.drafts.turn.lock().await;
    match open(&visit, feed, id).await {
        Ok(Ok((_, filling))) => {
            let id = filling.id;
            visit
                .read(move |app| app.reception.drafts.forget(id))
                .await?;
        }
        Ok(Err(elsewhere)) => return Ok(elsewhere),
        // A second click.
        Err(Trouble::NotFound) => {}
        Err(trouble) => return Err(trouble),
    }
    Ok(Redirect::to("/desk/enter?done=discarded").into_response())
}
