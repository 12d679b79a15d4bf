//! An event's data as people read it: JSON comes in, tables with what the contract says of each field go out. Whatever the JSON is, what
//! goes out is bounded, and is text.

use maud::{Markup, html};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::desk::limits::{DATA_COLUMNS, DATA_ROWS, VALUE_CHARS};
use crate::desk::words::{Lang, frame, sent as words};

/// Values that tell two events of a feed apart.
const ABOUT_VALUES: usize = 4;
const ABOUT_CHARS: usize = 100;

/// The members of an object in the order in which they were written; no number is read and written again.
#[derive(Debug, Default)]
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(InOrder)
    }
}

impl Members {
    fn get(&self, name: &str) -> Option<&RawValue> {
        let member = self.0.iter().find(|(known, _)| known == name);
        member.map(|(_, value)| &**value)
    }
}

/// What an event is about, in a line: its first values.
pub fn about(data: &[u8]) -> String {
    let members: Members = serde_json::from_slice(data).unwrap_or_default();
    let values = members.0.iter().filter_map(|(_, value)| scalar(value));
    let line: Vec<String> = values.take(ABOUT_VALUES).collect();
    shortened(&line.join(" · "), ABOUT_CHARS)
}

/// A value that stands in one cell: text without its quotes, a number as it was written.
fn scalar(value: &RawValue) -> Option<String> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'{' | b'[' | b'n' => None,
        b'"' => serde_json::from_str(text).ok(),
        _ => Some(text.to_owned()),
    }
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

/// The objects of a list; None where it is no list of objects.
fn objects(value: &RawValue) -> Option<Vec<Members>> {
    let rows: Vec<Members> = serde_json::from_str(value.get()).ok()?;
    (!rows.is_empty()).then_some(rows)
}

/// All of it: the members in one table, each list of objects in its own.
pub fn tables(lang: Lang, data: &[u8]) -> Markup {
    let Ok(members) = serde_json::from_slice::<Members>(data) else {
        return html! { p { (words::data_no_table(lang)) } };
    };
    let (mut plain, mut lists) = (Vec::new(), Vec::new());
    for (name, value) in &members.0 {
        match objects(value) {
            Some(rows) => lists.push((name, rows)),
            None => plain.push((name, value)),
        }
    }
    html! {
        @if !plain.is_empty() {
            dl.facts.data {
                @for (name, value) in plain.into_iter().take(DATA_ROWS) {
                    div { dt { (name) } dd { (cell(value)) } }
                }
            }
        }
        @for (name, rows) in lists.iter().take(DATA_COLUMNS) { (list(lang, name, rows)) }
    }
}

fn list(lang: Lang, name: &str, rows: &[Members]) -> Markup {
    let mut columns: Vec<&str> = Vec::new();
    for (column, _) in rows.iter().take(DATA_ROWS).flat_map(|row| &row.0) {
        if !columns.contains(&column.as_str()) && columns.len() < DATA_COLUMNS {
            columns.push(column);
        }
    }
    let left_out = rows.len().saturating_sub(DATA_ROWS);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table {
                caption.data { (name) }
                thead {
                    tr {
                        th scope="col" { span.hidden { (words::row(lang)) } }
                        @for column in &columns { th.data scope="col" { (column) } }
                    }
                }
                tbody {
                    @for (at, row) in rows.iter().enumerate().take(DATA_ROWS) {
                        tr {
                            th.number scope="row" { (at.saturating_add(1)) }
                            @for column in &columns {
                                td.data { @if let Some(value) = row.get(column) { (cell(value)) } }
                            }
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p.faint { (words::more_rows(lang, left_out)) } }
    }
}

fn cell(value: &RawValue) -> String {
    let text = scalar(value).unwrap_or_else(|| match value.get() {
        "null" => String::new(),
        other => other.to_owned(),
    });
    shortened(&text, VALUE_CHARS)
}

/// A table that has no rows says so.
pub fn nothing(lang: Lang) -> Markup {
    html! { p.nothing { (frame::nothing_here(lang)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_its_first_values() {
        let data = br#"{"dataSet":"HMIS","period":"2026Q3","orgUnit":"KH17","dataValues":[{"value":"1"}],"n":3.10}"#;
        assert_eq!(about(data), "HMIS · 2026Q3 · KH17 · 3.10");
        assert_eq!(about(b"no JSON"), "");
        assert_eq!(about(b"[1]"), "");
    }

    #[test]
    fn markup_in_data_is_text() {
        let data = br#"{"a":"<script>x</script>","rows":[{"<b>":"\"><img src=x>"}]}"#;
        let page = tables(Lang::En, data).into_string();
        assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("<b>"));
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn a_list_without_end_is_a_page_with_an_end() {
        let rows: Vec<String> = (0..2_000).map(|n| format!(r#"{{"c{n}":{n}}}"#)).collect();
        let data = format!(r#"{{"rows":[{}]}}"#, rows.join(","));
        let page = tables(Lang::En, data.as_bytes()).into_string();
        assert!(page.contains("and 1800 more rows"), "{}", page.len());
        assert!(page.matches("<th").count() < 300);
    }
}
