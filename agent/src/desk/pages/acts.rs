//! `GET /desk/acts`: the latest lines of the journal of acts, for whoever decides.

use axum::response::Response;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::desk::acts::{Act, Line};
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::door::people::Role;
use crate::desk::layout::{self, Room};
use crate::desk::limits::ROWS;
use crate::desk::reading::data;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, door, frame, help as words};

pub async fn show(visit: Visit) -> Result<Response, Trouble> {
    if !visit.who.may_decide() {
        return Err(Trouble::NotAllowed);
    }
    let lang = visit.lang;
    let lines = visit.read(|app| app.reception.acts.latest(ROWS)).await?;
    let main = html! {
        h1 { (words::journal_title(lang)) }
        p.lead { (words::journal_text(lang)) }
        @if lines.is_empty() { (data::nothing(lang)) } @else { (table(lang, &lines)) }
    };
    let title = frame::acts(lang);
    Ok(layout::page(visit.frame(), Some(Room::Acts), &title, &main))
}

fn table(lang: Lang, lines: &[Line]) -> Markup {
    html! {
        table.events {
            thead {
                tr {
                    th scope="col" { (frame::when(lang)) }
                    th scope="col" { (words::who(lang)) }
                    th scope="col" { (words::did(lang)) }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        td.time { (dates::stamp(line.at_ms)) }
                        th scope="row" {
                            @match &line.who {
                                Some(name) => span.data { (name) },
                                None => (words::the_office(lang)),
                            }
                            @if let Some(role) = line.role { p.note { (role_word(lang, role)) } }
                        }
                        td { (did(lang, &line.act)) }
                    }
                }
            }
        }
    }
}

fn did(lang: Lang, act: &Act) -> Markup {
    let of = |word: String, feed: &schemas::subject::FeedName, id: &str| {
        let path = utf8_percent_encode(id, NON_ALPHANUMERIC);
        html! { (word) p.note { a.data href=(format!("/desk/sent/{feed}/{path}")) { (id) } } }
    };
    match act {
        Act::Opened => html! { (words::act_opened(lang)) },
        Act::SignedIn => html! { (words::act_signed_in(lang)) },
        Act::SignedOut => html! { (words::act_signed_out(lang)) },
        Act::PinWrong => html! { (words::act_pin_wrong(lang)) },
        Act::Released { feed, id } => of(words::act_released(lang), feed, id),
        Act::HandedIn { feed, id, why } => html! {
            (of(words::act_handed_in(lang), feed, id))
            @if !why.is_empty() { p.note.data { (why) } }
        },
        Act::HandedInSheet {
            name, reports, why, ..
        } => html! {
            (words::act_handed_in_sheet(lang, *reports))
            p.note.data { (name) @if !why.is_empty() { br; (why) } }
        },
        Act::Withdrew { feed, id } => of(words::act_withdrew(lang), feed, id),
        Act::AskedApproval { id, .. } => html! { (words::act_asked(lang)) p.note.data { (id) } },
        Act::GaveBack { id, why, .. } => {
            html! { (words::act_gave_back(lang)) p.note.data { (id) br; (why) } }
        }
        Act::Dropped { feed, id } => of(words::act_dropped(lang), feed, id),
    }
}

fn role_word(lang: Lang, role: Role) -> String {
    match role {
        Role::Reader => door::reader(lang),
        Role::Clerk => door::clerk(lang),
        Role::Chief => door::chief(lang),
    }
}
