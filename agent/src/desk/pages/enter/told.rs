//! What is told beside a form: what is wrong with it, what it corrects or mends, and where two versions differ. Remarks and differences come
//! in, markup goes out; nothing is decided here.

use maud::{Markup, html};
use schemas::form::Form;

use super::fields::{place, said};
use super::form::page_of;
use crate::desk::filling::Purpose;
use crate::desk::filling::checking::{At, Remark};
use crate::desk::filling::typed::Difference;
use crate::desk::limits::CHANGES_SHOWN;
use crate::desk::pages::to_fix::{Told, reason};
use crate::desk::words::{Lang, enter as words, frame, sent};

/// All that is wrong, before everything else, with a way to each field; where its rows are on another page, the way leads there.
pub fn summary(lang: Lang, form: &Form, wrong: &[Remark], from: usize) -> Markup {
    let link = |at: At| match page_of(at, from) {
        page if page == from => format!("#{}", place(at)),
        page => format!("?done=wrong&from={page}#{}", place(at)),
    };
    let label = |index: usize| {
        let field = form.fields().nth(index);
        field.map_or("", |field| said(lang, &field.label))
    };
    html! {
        div.summary role="alert" tabindex="-1" {
            h2 { (frame::problem(lang)) }
            ul {
                @for remark in wrong.iter().take(CHANGES_SHOWN) {
                    li {
                        a href=(link(remark.at)) {
                            @match remark.at {
                                At::Field(index) => { span.data { (label(index)) } ": " },
                                At::Cell { row, field } => { (words::row_number(lang, row.saturating_add(1))) ", " span.data { (label(field)) } ": " },
                                At::Form => {},
                            }
                            span.data { (lang.pick(&remark.words.km, &remark.words.en)) }
                        }
                    }
                }
            }
        }
    }
}

/// What handing it in will mean.
pub fn purpose(lang: Lang, purpose: &Purpose) -> Markup {
    html! {
        @match purpose {
            Purpose::New => {},
            Purpose::Corrects { event, .. } => p.over { (words::corrects(lang, event)) },
            Purpose::Mends { event, refusal, .. } => {
                p.over { (words::mends(lang, event)) }
                section.card.warn { h2 { (sent::reason(lang)) } (reason(lang, &Told::read(refusal))) }
            },
        }
    }
}

/// Why somebody has given it back.
pub fn given_back(lang: Lang, by: Option<&str>, why: &str) -> Markup {
    html! {
        section.card.warn {
            h2 { (words::is_given_back(lang)) }
            @if let Some(name) = by { p.faint.data { (name) } }
            p.data { (why) }
        }
    }
}

/// Where two versions differ, beside each other.
pub fn changes(lang: Lang, names: [&str; 2], differences: &[Difference<'_>]) -> Markup {
    if differences.is_empty() {
        return html! { p.faint { (words::no_change(lang)) } };
    }
    let left = differences.len().saturating_sub(CHANGES_SHOWN);
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (words::field(lang)) }
                    @for name in names { th scope="col" { (name) } }
                }
            }
            tbody {
                @for one in differences.iter().take(CHANGES_SHOWN) {
                    tr {
                        th scope="row" {
                            @if let Some(row) = one.row { (words::row_number(lang, row.saturating_add(1))) ", " }
                            span.data { (said(lang, &one.field.label)) }
                        }
                        td.data { @if one.before.is_empty() { "–" } @else { (one.before) } }
                        td.data { @if one.now.is_empty() { "–" } @else { (one.now) } }
                    }
                }
            }
        }
        @if left > 0 { p.faint { (words::more_changes(lang, left)) } }
    }
}
