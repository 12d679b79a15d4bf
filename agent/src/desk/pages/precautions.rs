//! `GET /desk/precautions`: what everybody at a computer of the office takes care of, as a page to print.

use axum::response::Response;
use maud::{Markup, html};

use crate::desk::door::Visit;
use crate::desk::layout::{self, Room};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, precautions as words};

type Say = fn(Lang) -> String;

/// Each with what belongs to it.
const CHAPTERS: [(&str, Say, &[Say]); 5] = [
    (
        "secrets",
        words::secrets,
        &[
            words::secrets_own,
            words::secrets_written,
            words::secrets_seen,
        ],
    ),
    (
        "machine",
        words::machine,
        &[
            words::machine_lock,
            words::machine_update,
            words::machine_programs,
            words::machine_door,
        ],
    ),
    (
        "files",
        words::files,
        &[
            words::files_unknown,
            words::files_scan,
            words::files_macros,
            words::files_copies,
        ],
    ),
    (
        "messages",
        words::messages,
        &[
            words::messages_asked,
            words::messages_links,
            words::messages_call,
        ],
    ),
    (
        "wrong",
        words::wrong,
        &[words::wrong_tell, words::wrong_leave, words::wrong_stolen],
    ),
];

pub async fn show(visit: Visit) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let title = words::title(lang);
    let main = html! {
        p.back { a href="/desk/help" { (frame::back_to(lang, &frame::help(lang))) } }
        h1 { (title) }
        p.lead { (words::lead(lang)) }
        @for (id, about, rules) in CHAPTERS { (chapter(lang, id, about, rules)) }
    };
    Ok(layout::page(visit.frame(), Some(Room::Help), &title, &main))
}

fn chapter(lang: Lang, id: &str, about: Say, rules: &[Say]) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (about(lang)) }
            ul.list { @for rule in rules { li { (rule(lang)) } } }
        }
    }
}
