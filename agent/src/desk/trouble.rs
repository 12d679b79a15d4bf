//! Why a page cannot be shown, or a form was not followed: the reason comes in, a page in the reader's language goes out. No code of a
//! program is shown, and nothing of the data.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::words::{Lang, enter, frame as words, import};
use crate::store::Outage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    NotFound,
    /// The form's token is not the one of this browser.
    FormOld,
    /// The person's role does not do this.
    NotAllowed,
    /// What was posted is larger than it may be.
    TooLarge,
    /// There are as many drafts as may be.
    DraftsFull,
    /// There are as many sheets that were not handed in as may be.
    SheetsFull,
    /// An event says what no field of its form is for.
    NotAsForm,
    /// A store, or the desk's own files.
    Disk,
}

impl Trouble {
    pub fn status(self) -> StatusCode {
        match self {
            Trouble::NotFound => StatusCode::NOT_FOUND,
            Trouble::FormOld | Trouble::NotAllowed => StatusCode::FORBIDDEN,
            Trouble::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Trouble::DraftsFull | Trouble::SheetsFull | Trouble::NotAsForm => StatusCode::CONFLICT,
            Trouble::Disk => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn title(self, lang: Lang) -> String {
        match self {
            Trouble::NotFound => words::not_found(lang),
            Trouble::FormOld => words::form_old(lang),
            Trouble::NotAllowed => words::not_allowed(lang),
            Trouble::TooLarge => words::too_large(lang),
            Trouble::DraftsFull | Trouble::SheetsFull | Trouble::NotAsForm => words::not_now(lang),
            Trouble::Disk => words::disk_fails(lang),
        }
    }

    pub fn main(self, lang: Lang) -> Markup {
        let text = match self {
            Trouble::NotFound => words::not_found_text(lang),
            Trouble::FormOld => words::form_old_text(lang),
            Trouble::NotAllowed => words::not_allowed_text(lang),
            Trouble::TooLarge => words::too_large_text(lang),
            Trouble::DraftsFull => enter::drafts_full(lang),
            Trouble::SheetsFull => import::sheets_full(lang),
            Trouble::NotAsForm => enter::not_as_form(lang),
            Trouble::Disk => words::disk_fails_text(lang),
        };
        html! {
            h1 { (self.title(lang)) }
            p.lead { (text) }
        }
    }
}

/// The frame around all pages makes a page of it, because it knows the language.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Outage> for Trouble {
    fn from(outage: Outage) -> Trouble {
        tracing::error!(%outage, "the desk cannot show a page");
        Trouble::Disk
    }
}
