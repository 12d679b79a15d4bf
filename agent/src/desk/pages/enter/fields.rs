//! The fields of a form as a page has them: the form, what was typed and what is wrong with it come in, labels and inputs go out. Every
//! input takes any text: what cannot be right is told beside it, and stays as it was typed.

use maud::{Markup, html};
use schemas::form::{Code, Codes, Field, Form, Kind, Text};
use schemas::tables::PROVINCES;

use crate::desk::filling::checking::{At, Remark};
use crate::desk::filling::typed::{Typed, cell_name, fields, name};
use crate::desk::limits::{FORM_ROWS, FORM_ROWS_EMPTY};
use crate::desk::words::{Lang, enter as words};

/// A form that is drawn: the rows behind `from`, with what is wrong.
pub struct Drawn<'f> {
    pub lang: Lang,
    pub form: &'f Form,
    pub typed: &'f Typed,
    pub wrong: &'f [Remark],
    pub from: usize,
    /// Show as many rows as fit.
    pub all_rows: bool,
}

pub fn said(lang: Lang, text: &Text) -> &str {
    lang.pick(&text.km, &text.en)
}

/// The id of a field's input, to which what is wrong links.
pub fn place(at: At) -> String {
    match at {
        At::Field(index) => name(index),
        At::Cell { row, field } => cell_name(row, field),
        At::Form => "form".to_owned(),
    }
}

impl Drawn<'_> {
    pub fn markup(&self) -> Markup {
        html! {
            @for section in &self.form.sections {
                @let own = section.fields.iter().filter(|field| field.at.in_list().is_none());
                fieldset {
                    legend.data { (said(self.lang, &section.title)) }
                    @for field in own { (self.field(field)) }
                    @if section.fields.iter().any(|field| field.at.in_list().is_some()) { (self.rows()) }
                }
            }
        }
    }

    fn wrong(&self, at: At) -> Option<&Remark> {
        self.wrong.iter().find(|remark| remark.at == at)
    }

    fn field(&self, field: &Field) -> Markup {
        let Some((index, _)) = fields(self.form, false).find(|(_, known)| known.at == field.at)
        else {
            return html! {};
        };
        let (lang, id) = (self.lang, name(index));
        let wrong = self.wrong(At::Field(index));
        let described = match wrong {
            None => format!("{id}-hint"),
            Some(_) => format!("{id}-hint {id}-error"),
        };
        html! {
            div.field.wrong[wrong.is_some()] {
                label for=(id) {
                    span.data { (said(lang, &field.label)) }
                    @if let Some(unit) = &field.unit { " (" span.data { (said(lang, unit)) } ")" }
                    @if is_optional(field) { span.optional { " (" (words::optional(lang)) ")" } }
                }
                p.hint id={ (id) "-hint" } { (hint(lang, field)) }
                @if let Some(wrong) = wrong {
                    p.error.data id={ (id) "-error" } { (lang.pick(&wrong.words.km, &wrong.words.en)) }
                }
                (self.input(field, &id, &described, self.typed.field(field)))
            }
        }
    }

    fn input(&self, field: &Field, id: &str, described: &str, value: &str) -> Markup {
        let codes = options(self.lang, field);
        if codes.is_empty() || takes_others(field) {
            return html! {
                input id=(id) name=(id) type="text" value=(value) inputmode=[mode(field)] autocomplete="off" spellcheck="false"
                    aria-describedby=(described);
            };
        }
        let known = codes.iter().any(|(code, _)| code == value);
        html! {
            select id=(id) name=(id) aria-describedby=(described) {
                option value="" { (words::choose(self.lang)) }
                @if !known && !value.is_empty() { option value=(value) selected { (value) } }
                @for (code, label) in &codes {
                    option value=(code) selected[code == value] { (label) }
                }
            }
        }
    }

    /// The entries of the list, each a row of inputs that are named by their row and their column.
    fn rows(&self) -> Markup {
        let lang = self.lang;
        let end = self.from.saturating_add(FORM_ROWS);
        let filled = self.typed.rows.len().min(end);
        let shown = match self.all_rows {
            true => end,
            false => filled.saturating_add(FORM_ROWS_EMPTY).clamp(self.from, end),
        };
        let columns: Vec<(usize, &Field)> = fields(self.form, true).collect();
        html! {
            @for (index, field) in &columns {
                @let codes = options(lang, field);
                @if !codes.is_empty() {
                    datalist id={ "codes-" (index) } {
                        @for (code, label) in &codes { option value=(code) { (label) } }
                    }
                }
            }
            div.scroll tabindex="0" role="region" aria-label=(words::row(lang)) {
                table.grid {
                    thead {
                        tr {
                            th scope="col" { span.hidden { (words::row(lang)) } }
                            @for (index, field) in &columns {
                                th.data scope="col" id={ "c" (index) } {
                                    (said(lang, &field.label))
                                    p.note.data { (said(lang, &field.expects)) }
                                }
                            }
                        }
                    }
                    tbody {
                        @for row in self.from..shown { (self.row(row, &columns)) }
                    }
                }
            }
        }
    }

    fn row(&self, row: usize, columns: &[(usize, &Field)]) -> Markup {
        html! {
            tr {
                th.number scope="row" id={ "r" (row) } { (row.saturating_add(1)) }
                @for (index, field) in columns {
                    @let id = cell_name(row, *index);
                    @let wrong = self.wrong(At::Cell { row, field: *index });
                    @let list = !options(self.lang, field).is_empty();
                    td.wrong[wrong.is_some()] {
                        input id=(id) name=(id) type="text" value=(self.typed.cell(row, field)) inputmode=[mode(field)] autocomplete="off"
                            list=[list.then(|| format!("codes-{index}"))] aria-labelledby={ "r" (row) " c" (index) }
                            aria-describedby=[wrong.map(|_| format!("{id}-error"))];
                        @if let Some(wrong) = wrong {
                            p.error.data id={ (id) "-error" } { (self.lang.pick(&wrong.words.km, &wrong.words.en)) }
                        }
                    }
                }
            }
        }
    }
}

fn is_optional(field: &Field) -> bool {
    !field.required || field.unless_said.is_some()
}

fn hint(lang: Lang, field: &Field) -> Markup {
    html! {
        span.data { (said(lang, &field.expects)) }
        @if let Some(value) = &field.unless_said { "; " (words::unless_said(lang, value)) }
    }
}

/// The keyboard of a telephone; every input takes text all the same.
fn mode(field: &Field) -> Option<&'static str> {
    match field.kind {
        Kind::Number => Some("decimal"),
        Kind::Whole | Kind::Digits => Some("numeric"),
        Kind::Text | Kind::Code | Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => None,
        Kind::Province(_) | Kind::Codes(_) => None,
    }
}

fn takes_others(field: &Field) -> bool {
    matches!(&field.kind, Kind::Codes(Codes { others: true, .. }))
}

/// The codes of a field with their labels, provinces in the order of their codes.
pub fn options(lang: Lang, field: &Field) -> Vec<(String, String)> {
    let label = |code: &Code| (code.code.clone(), lang.pick(&code.km, &code.en).to_owned());
    match &field.kind {
        Kind::Province(more) => {
            let provinces = PROVINCES.iter().map(|province| {
                let name = lang.pick(&province.name_km, &province.name_en);
                (province.pcode.clone(), name.to_owned())
            });
            provinces.chain(more.iter().map(label)).collect()
        }
        Kind::Codes(codes) => codes.list.iter().map(label).collect(),
        Kind::Text | Kind::Code | Kind::Number | Kind::Whole | Kind::Digits => Vec::new(),
        Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => Vec::new(),
    }
}
