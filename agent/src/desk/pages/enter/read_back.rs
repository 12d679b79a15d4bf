//! An event's data with the labels of its form: both come in, a table for a person goes out, with what each code means. At most so many rows as
//! a page shows.

use maud::{Markup, html};
use schemas::form::{Field, Form};
use serde_json::Value;

use super::fields::{options, said};
use crate::desk::filling::typed::fields;
use crate::desk::limits::DATA_ROWS;
use crate::desk::words::{Lang, enter as words, sent};

/// All that the form has a field for.
pub fn read_back(lang: Lang, form: &Form, data: &Value) -> Markup {
    let columns: Vec<&Field> = fields(form, true).map(|(_, field)| field).collect();
    let rows = form.list().and_then(|list| data.get(list)?.as_array());
    let rows = rows.map_or(&[][..], Vec::as_slice);
    let left = rows.len().saturating_sub(DATA_ROWS);
    html! {
        dl.facts.data {
            @for (_, field) in fields(form, false) {
                @if let Some(value) = data.pointer(field.at.as_str()) {
                    div { dt { (said(lang, &field.label)) } dd { (shown(lang, field, value)) } }
                }
            }
        }
        @if !rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(words::row(lang)) {
                table {
                    thead {
                        tr {
                            th scope="col" { span.hidden { (words::row(lang)) } }
                            @for field in &columns { th.data scope="col" { (said(lang, &field.label)) } }
                        }
                    }
                    tbody {
                        @for (at, row) in rows.iter().enumerate().take(DATA_ROWS) {
                            tr {
                                th.number scope="row" { (at.saturating_add(1)) }
                                @for field in &columns {
                                    td.data { @if let Some(value) = row.get(field.at.name()) { (shown(lang, field, value)) } }
                                }
                            }
                        }
                    }
                }
            }
            @if left > 0 { p.faint { (sent::more_rows(lang, left)) } }
        }
    }
}

/// A value as it is sent, and behind it what its code means.
fn shown(lang: Lang, field: &Field, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let label = options(lang, field)
        .into_iter()
        .find(|(code, _)| *code == text);
    match label {
        Some((_, label)) if label != text => format!("{text} – {label}"),
        Some(_) | None => text,
    }
}
