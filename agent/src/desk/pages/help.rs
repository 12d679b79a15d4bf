//! `GET /desk/help`: what each state means and how to take care; the codes, and for each what it means, what to do and whom to call.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use schemas::alarm::Call;
use schemas::explain::{Chapter, Codes, Page, WHAT_TO_DO, WHOM_TO_CALL};
use schemas::text::Language;

use crate::desk::door::Visit;
use crate::desk::layout::{self, Room};
use crate::desk::reading::stage::Stage;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, help as words, precautions, sent};
use crate::submit::problem;

pub async fn show(visit: Visit) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let main = html! {
        h1 { (words::title(lang)) }
        section aria-labelledby="safe" {
            h2 #safe { (words::safe(lang)) }
            p { (words::safe_text(lang)) }
        }
        (stages(lang))
        (codes(lang))
        section aria-labelledby="care" {
            h2 #care { (words::keep_safe(lang)) }
            ul.list {
                li { (words::keep_safe_pin(lang)) }
                li { (words::keep_safe_address(lang)) }
                li { (words::keep_safe_usb(lang)) }
            }
            p { a href="/desk/precautions" { (precautions::link(lang)) } }
        }
    };
    let title = frame::help(lang);
    Ok(layout::page(visit.frame(), Some(Room::Help), &title, &main))
}

fn stages(lang: Lang) -> Markup {
    let durable = Stage::Durable { have: 0, all: 0 };
    let all = [
        (Stage::Waiting { held: None }, sent::accepted_text(lang)),
        (durable, sent::durable_text(lang)),
        (Stage::Confirmed, sent::confirmed_text(lang)),
        (Stage::Refused, sent::fix_text(lang)),
    ];
    html! {
        section aria-labelledby="states" {
            h2 #states { (words::stages_title(lang)) }
            dl.facts {
                @for (stage, text) in all {
                    div { dt { (stage.mark(lang)) } dd { (text) } }
                }
            }
        }
    }
}

/// What a clerk meets: what was refused, and what holds something up.
const CHAPTERS: [Chapter; 2] = [Chapter::Refused, Chapter::Held];

fn codes(lang: Lang) -> Markup {
    let (known, language) = (Codes::shared(), language(lang));
    html! {
        section aria-labelledby="codes" {
            h2 #codes { (words::codes_title(lang)) }
            p { (words::codes_text(lang)) }
            @for chapter in CHAPTERS {
                details {
                    summary.data { (chapter.title().of(language)) }
                    ul.list.data {
                        @for page in known.pages().iter().filter(|page| page.chapter == chapter) {
                            @let [code, _, meaning] = page.row(language);
                            li { a href=(format!("/desk/help/{code}")) { code { (code) } } " " (meaning) }
                        }
                    }
                }
            }
        }
    }
}

/// `GET /desk/help/{code}`: all that is known of a code.
pub async fn one(visit: Visit, Path(code): Path<String>) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let codes = Codes::shared().with(problem::pages());
    let pages = codes.find(&code);
    let back = html! {
        p.back { a href="/desk/help" { (frame::back_to(lang, &frame::help(lang))) } }
    };
    let (status, title, main) = match pages.is_empty() {
        true => {
            let title = words::code_unknown(lang);
            let main = html! { (back) h1 { (title) } p.lead { (words::code_unknown_text(lang)) } };
            (StatusCode::NOT_FOUND, title, main)
        }
        false => {
            let main = html! { (back) @for page in pages { (explained(lang, page)) } };
            (StatusCode::OK, code, main)
        }
    };
    Ok(layout::with_status(
        status,
        visit.frame(),
        Some(Room::Help),
        &title,
        &main,
    ))
}

fn explained(lang: Lang, page: &Page) -> Markup {
    let language = language(lang);
    html! {
        section {
            p.over.data { (page.chapter.title().of(language)) }
            h1 { code { (page.code) } }
            p.lead.data { (page.meaning(language)) }
            dl.facts.data {
                @if let Some(what) = page.what_to_do {
                    div { dt { (WHAT_TO_DO.of(language)) } dd { (what.of(language)) } }
                }
                @if page.call != Call::Nobody {
                    div { dt { (WHOM_TO_CALL.of(language)) } dd { (page.call.text().of(language)) } }
                }
                div { dt { (words::severity(lang)) } dd { (page.severity.text().of(language)) } }
            }
        }
    }
}

/// The codes have two languages.
fn language(lang: Lang) -> Language {
    match lang {
        Lang::Km => Language::Km,
        Lang::En | Lang::Qps => Language::En,
    }
}
