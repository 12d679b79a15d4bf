//! `GET /desk/sent/{feed}/{id}/receipt`: the receipt of an event as a page to print, with a QR code that holds the whole signed receipt.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use qrcode::{Color, EcLevel, QrCode};
use schemas::receipt::Receipt;

use super::event::{Whole, path};
use super::home::titles;
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::layout::{self, Room};
use crate::desk::reading::data;
use crate::desk::reading::rows::ms;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, sent as words};

/// The white around a code without which no reader finds it (ISO/IEC 18004).
const QUIET: usize = 4;

pub async fn show(
    visit: Visit,
    Path((feed, id)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let whole = Whole::read(&visit, feed, id).await?;
    let back = path(&whole);
    let main = html! {
        p.back { a href=(back) { (frame::back_to(lang, &words::event(lang))) } }
        @match &whole.receipt {
            Some(receipt) => (paper(&visit, &whole, receipt)),
            None => {
                h1 { (words::receipt_not_yet(lang)) }
                p.lead { (words::receipt_not_yet_text(lang)) }
            }
        }
    };
    let title = words::receipt(lang);
    Ok(layout::page(visit.frame(), Some(Room::Sent), &title, &main))
}

fn paper(visit: &Visit, whole: &Whole, receipt: &Receipt) -> Markup {
    let lang = visit.lang;
    let facts = receipt.facts();
    let about = whole.event.as_ref().map(|event| data::about(event.data()));
    let position = whole.position.map(schemas::event::Position::number);
    html! {
        article.paper {
            h1 { (words::receipt(lang)) }
            p.lead { (words::receipt_text(lang)) }
            div.sheet {
                dl.facts {
                    (fact(&frame::office(lang), &visit.frame().office))
                    (fact(&frame::feed(lang), &titles(visit)(&whole.feed)))
                    @if let Some(about) = &about { (fact(&frame::what(lang), about)) }
                    (fact(&words::handed_in(lang), &dates::stamp(whole.accepted_ms)))
                    (fact(&words::kept_since(lang), &dates::stamp(ms(facts.stamp.admitted))))
                    @if let Some(position) = position { (fact(&frame::number(lang), &position.to_string())) }
                    (fact(&words::gateway(lang), &facts.stamp.gateway))
                    (fact(&frame::id(lang), &whole.id))
                    (fact(&words::fingerprint(lang), &facts.hash.to_string()))
                    (fact(&words::signed_by(lang), receipt.keyid()))
                }
                figure.code {
                    @if let Some(code) = qr(&receipt.to_string(), &words::qr_alt(lang)) { (code) }
                    figcaption { (words::qr_text(lang)) }
                }
            }
            @if position != Some(facts.position.number()) {
                p.faint { (words::covers(lang, facts.position.number())) }
            }
            p.faint { (words::proof_file(lang)) " " code.data lang="en" { "spean-agent receipt " (whole.id) } }
            (print(lang))
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd.data { (value) } } }
}

/// Of use only with script, and shown only then; the browser's own menu prints, too.
fn print(lang: Lang) -> Markup {
    html! { p.screen { button.button type="button" data-print="" hidden { (frame::print(lang)) } } }
}

/// The text as one path of runs. None where it is too long for a code.
fn qr(text: &str, alt: &str) -> Option<Markup> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, long) = (x + QUIET, y + QUIET, run.len());
                path.push_str(&format!("M{left} {top}h{long}v1h-{long}z"));
            }
            x += run.len();
        }
    }
    let side = width + 2 * QUIET;
    Some(html! {
        svg.qr role="img" aria-label=(alt) viewBox=(format!("0 0 {side} {side}")) shape-rendering="crispEdges" {
            (PreEscaped(format!(r##"<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/>"##)))
        }
    })
}
