//! `GET /desk/help`: what each state means and how to take care.

use axum::response::Response;
use maud::{Markup, html};

use crate::desk::door::Visit;
use crate::desk::layout::{self, Room};
use crate::desk::reading::stage::Stage;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, frame, help as words, sent};

pub async fn show(visit: Visit) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let main = html! {
        h1 { (words::title(lang)) }
        section aria-labelledby="safe" {
            h2 #safe { (words::safe(lang)) }
            p { (words::safe_text(lang)) }
        }
        (stages(lang))
        section aria-labelledby="care" {
            h2 #care { (words::keep_safe(lang)) }
            ul.list {
                li { (words::keep_safe_pin(lang)) }
                li { (words::keep_safe_address(lang)) }
                li { (words::keep_safe_usb(lang)) }
            }
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
