//! What was typed into a form: fields of a page, or an event's data, come in; text by place goes out, as it was typed. What is right and what
//! is wrong is not asked here.

use std::collections::BTreeMap;

use schemas::form::{Field, Form};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desk::door::form::Fields;
use crate::desk::limits::{FORM_ROWS, FORM_ROWS_MAX};

/// Text by a field's place; what is empty is not there.
type Texts = BTreeMap<String, String>;

/// A form as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    pub own: Texts,
    /// The entries of its list; none of them is empty.
    pub rows: Vec<Texts>,
}

/// What a field of the page is called.
pub fn name(index: usize) -> String {
    format!("f{index}")
}

/// What a cell of the page is called.
pub fn cell_name(row: usize, index: usize) -> String {
    format!("r{row}-{index}")
}

/// The form's fields with their numbers: those of the event, or those of the entries of its list.
pub fn fields(form: &Form, in_list: bool) -> impl Iterator<Item = (usize, &Field)> {
    let fields = form.fields().enumerate();
    fields.filter(move |(_, field)| field.at.in_list().is_some() == in_list)
}

impl Typed {
    /// What a page has posted that shows the rows behind `from`; other rows stay as they were.
    pub fn posted(form: &Form, posted: &Fields, from: usize, before: &Typed) -> Typed {
        let mut typed = Typed::default();
        for (index, field) in fields(form, false) {
            put(&mut typed.own, field, posted.text(&name(index)));
        }
        let end = from.saturating_add(FORM_ROWS);
        let shown = (from..end).map(|row| {
            let mut texts = Texts::new();
            for (index, field) in fields(form, true) {
                put(&mut texts, field, posted.text(&cell_name(row, index)));
            }
            texts
        });
        let (above, below) = (before.rows.iter().take(from), before.rows.iter().skip(end));
        let rows = above.cloned().chain(shown).chain(below.cloned());
        typed.rows = rows
            .filter(|row| !row.is_empty())
            .take(FORM_ROWS_MAX)
            .collect();
        typed
    }

    /// What an event says, as somebody would have typed it. None where it says something that no field of the form is for: that
    /// would be lost on the way.
    pub fn of_data(form: &Form, data: &Value) -> Option<Typed> {
        let members = data.as_object()?;
        let mut typed = Typed::default();
        for (name, value) in members {
            if form.list() == Some(name) {
                let rows = value.as_array()?.iter();
                let rows: Option<Vec<Texts>> = rows.map(|entry| row_of(form, entry)).collect();
                typed.rows = rows?;
                continue;
            }
            let (_, field) = fields(form, false).find(|(_, field)| field.at.name() == name)?;
            put(&mut typed.own, field, &text(value)?);
        }
        (typed.rows.len() <= FORM_ROWS_MAX).then_some(typed)
    }

    pub fn field(&self, field: &Field) -> &str {
        self.own.get(field.at.as_str()).map_or("", String::as_str)
    }

    pub fn cell(&self, row: usize, field: &Field) -> &str {
        let cell = self
            .rows
            .get(row)
            .and_then(|row| row.get(field.at.as_str()));
        cell.map_or("", String::as_str)
    }

    pub fn set(&mut self, field: &Field, text: &str) {
        put(&mut self.own, field, text);
    }
}

fn row_of(form: &Form, entry: &Value) -> Option<Texts> {
    let mut texts = Texts::new();
    for (name, value) in entry.as_object()? {
        let (_, field) = fields(form, true).find(|(_, field)| field.at.name() == name)?;
        put(&mut texts, field, &text(value)?);
    }
    Some(texts)
}

fn put(texts: &mut Texts, field: &Field, text: &str) {
    let text = text.trim();
    match text.is_empty() {
        true => texts.remove(field.at.as_str()),
        false => texts.insert(field.at.as_str().to_owned(), text.to_owned()),
    };
}

/// None where the value is no single one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A place where two versions of a form differ: which field, in which row of its list, and both texts.
#[derive(Debug, Clone)]
pub struct Difference<'f> {
    pub field: &'f Field,
    pub row: Option<usize>,
    pub before: String,
    pub now: String,
}

/// All places where two versions differ, in the order of the form.
pub fn differences<'f>(form: &'f Form, before: &Typed, now: &Typed) -> Vec<Difference<'f>> {
    let own = fields(form, false).map(|(_, field)| Difference {
        field,
        row: None,
        before: before.field(field).to_owned(),
        now: now.field(field).to_owned(),
    });
    let rows = 0..before.rows.len().max(now.rows.len());
    let cells = rows.flat_map(|row| {
        fields(form, true).map(move |(_, field)| Difference {
            field,
            row: Some(row),
            before: before.cell(row, field).to_owned(),
            now: now.cell(row, field).to_owned(),
        })
    });
    own.chain(cells)
        .filter(|one| one.before != one.now)
        .collect()
}
