//! The heading: a table's first row comes in, the sheet that it is of goes out, with what each of its columns stands for.
//! A heading of no known sheet is told whole: what it lacks, what is not known, and what it must have.

use schemas::form::{Column, Form, Layout, Place};

use super::cell::visible;
use super::notes::{OF_NOTES, as_it_was};
use super::table::Row;
use super::{HeadingFault, SheetFault};

/// A heading that a form knows.
pub struct Heading<'f> {
    pub layout: &'f Layout,
    pub columns: Vec<Standing<'f>>,
    /// The sheet was written here, of rows that were bad.
    pub of_notes: bool,
}

/// What a column of the file is.
pub enum Standing<'f> {
    Known {
        column: &'f Column,
        name: String,
    },
    /// What was written here beside rows that were bad; it is written anew.
    Note,
    Nameless,
}

impl<'f> Standing<'f> {
    /// As the file calls it.
    pub fn name(&self) -> &str {
        match self {
            Standing::Known { name, .. } => name,
            Standing::Note | Standing::Nameless => "",
        }
    }

    pub fn column(&self) -> Option<&'f Column> {
        match self {
            Standing::Known { column, .. } => Some(column),
            Standing::Note | Standing::Nameless => None,
        }
    }

    /// The first field that it says.
    pub fn field(&self) -> Option<&'f Place> {
        self.column()?.fields.first()
    }
}

/// How a spreadsheet program names a column.
pub fn letter(index: usize) -> String {
    let mut letters = Vec::new();
    let mut left = index + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or_default();
        letters.insert(0, char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.into_iter().collect()
}

/// Blanks and line breaks within a heading's cell are one blank; its case does not matter.
fn name(cell: &str) -> String {
    let words: Vec<String> = visible(cell)
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

impl<'f> Heading<'f> {
    /// # Errors
    /// No sheet of the form has this heading.
    pub fn of(form: &'f Form, others: &[Form], row: &Row) -> Result<Heading<'f>, SheetFault> {
        let names: Vec<String> = row.cells.iter().map(|cell| name(cell)).collect();
        // The third was not always written.
        let mut sure = OF_NOTES.iter().take(2);
        let of_notes = sure.all(|note| names.iter().any(|name| name == note));
        let names: Vec<String> = match of_notes {
            true => names
                .iter()
                .map(|name| as_it_was(name).to_owned())
                .collect(),
            false => names,
        };
        let mut nearest: Option<(usize, HeadingFault)> = None;
        for layout in &form.layouts {
            let fault = compare(form, layout, &names, row.number);
            let distance = fault.lacks.len() + fault.unknown.len() + fault.twice.len();
            if distance == 0 {
                let columns = names
                    .into_iter()
                    .map(|name| standing(layout, name))
                    .collect();
                return Ok(Heading {
                    layout,
                    columns,
                    of_notes,
                });
            }
            if nearest.as_ref().is_none_or(|(least, _)| distance < *least) {
                nearest = Some((distance, fault));
            }
        }
        let (_, mut fault) = nearest.ok_or(SheetFault::Empty)?;
        fault.like = others
            .iter()
            .filter(|other| other.feed != form.feed)
            .find(|other| {
                other
                    .layouts
                    .iter()
                    .any(|layout| layout.only.is_empty() && fits(other, layout, &names))
            })
            .map(|other| other.feed.clone());
        Err(SheetFault::Heading(Box::new(fault)))
    }
}

fn fits(form: &Form, layout: &Layout, names: &[String]) -> bool {
    let fault = compare(form, layout, names, 1);
    fault.lacks.is_empty() && fault.unknown.is_empty() && fault.twice.is_empty()
}

fn standing(layout: &Layout, name: String) -> Standing<'_> {
    if OF_NOTES.contains(&&*name) {
        return Standing::Note;
    }
    match layout.column(&name) {
        Some(column) => Standing::Known { column, name },
        None => Standing::Nameless,
    }
}

fn compare(form: &Form, layout: &Layout, names: &[String], row: u64) -> HeadingFault {
    let named = || {
        names
            .iter()
            .filter(|name| !name.is_empty() && !OF_NOTES.contains(&&***name))
    };
    let unknown = named()
        .filter(|name| layout.column(name).is_none())
        .cloned();
    let mut seen: Vec<&str> = Vec::new();
    let mut twice = Vec::new();
    for name in named() {
        let meant = layout.column(name).map_or(&**name, |column| &column.name);
        match seen.contains(&meant) {
            true => twice.push(name.clone()),
            false => seen.push(meant),
        }
    }
    let must = must(form, layout);
    let lacks = must
        .iter()
        .filter(|any| !any.iter().any(|name| seen.contains(name)));
    HeadingFault {
        row,
        feed: form.feed.clone(),
        lacks: lacks.map(|any| any.join(" / ")).collect(),
        unknown: unknown.collect(),
        twice,
        must: must.iter().map(|any| any.join(" / ")).collect(),
        like: None,
    }
}

/// The columns that a sheet must have; of each group one.
fn must<'f>(form: &'f Form, layout: &'f Layout) -> Vec<Vec<&'f str>> {
    let fields = form.fields().filter(|field| {
        field.required && field.unless_said.is_none() && !layout.fill.contains_key(&field.at)
    });
    let said = fields.map(|field| layout.says(&field.at).map(|column| &*column.name).collect());
    let needed = layout.columns.iter().filter(|column| column.needed);
    said.chain(needed.map(|column| vec![&*column.name]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_called_as_spreadsheet_programs_call_them() {
        let letters: Vec<String> = [0, 1, 25, 26, 51, 52, 701, 702]
            .into_iter()
            .map(letter)
            .collect();
        assert_eq!(letters, ["A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
