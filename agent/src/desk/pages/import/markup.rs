//! The page of a sheet: what was read of it comes in; an account, the wrong rows with an input for each cell, the good ones, and the orders
//! that can be given go out. However long the sheet is, the page is not.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::path;
use crate::desk::door::Visit;
use crate::desk::filling::looking::Looked;
use crate::desk::filling::sheets::Sheet;
use crate::desk::layout::{self, Room};
use crate::desk::limits::{DATA_COLUMNS, SHEET_ROWS_GOOD, SHEET_ROWS_WRONG};
use crate::desk::pages::home::titles;
use crate::desk::words::{Lang, enter, frame, import as words};
use crate::submit::sheet::{BadRow, Row, letter};
use crate::words::{Words, shown};

/// What a cell's input is called.
pub fn cell_name(row: u64, column: usize) -> String {
    format!("c{row}-{column}")
}

pub struct Page<'v> {
    pub visit: &'v Visit,
    pub sheet: &'v Sheet,
    pub looked: &'v Looked,
    pub done: Option<String>,
    pub wrong: Option<String>,
}

impl<'v> Page<'v> {
    pub fn of(visit: &'v Visit, sheet: &'v Sheet, looked: &'v Looked) -> Page<'v> {
        Page {
            visit,
            sheet,
            looked,
            done: None,
            wrong: None,
        }
    }

    /// The wrong rows that are shown, each with something of its own that is wrong.
    fn bad(&self) -> Vec<&BadRow> {
        let own = self.looked.reading.bad.iter().filter(|bad| !bad.held_back);
        own.collect()
    }

    pub fn response(&self, status: StatusCode) -> Response {
        let (lang, sheet) = (self.visit.lang, self.sheet);
        let place = path(&sheet.feed, sheet.id);
        let bad = self.bad();
        let main = html! {
            p.back { a href=(format!("/desk/import/{}", sheet.feed)) { (frame::back_to(lang, &words::title(lang))) } }
            @if let Some(done) = &self.done { p.done role="status" { (done) } }
            @if let Some(wrong) = &self.wrong {
                div.summary role="alert" tabindex="-1" { h2 { (frame::problem(lang)) } p.data { (wrong) } }
            }
            p.over.data { (titles(self.visit)(&sheet.feed)) }
            h1.data { (sheet.name) }
            (self.account(bad.len()))
            form method="post" action=(place) {
                input type="hidden" name="token" value=(self.visit.token());
                input type="hidden" name="version" value=(sheet.version);
                @if !bad.is_empty() { (self.wrong_rows(&bad, &place)) }
                (self.good_rows())
                (self.doubts())
                (self.orders(bad.is_empty()))
            }
            form method="post" action=(format!("{place}/discard")) {
                input type="hidden" name="token" value=(self.visit.token());
                button.button.plain type="submit" { (words::discard(lang)) }
            }
        };
        layout::with_status(
            status,
            self.visit.frame(),
            Some(Room::Enter),
            &sheet.name,
            &main,
        )
    }

    fn account(&self, bad: usize) -> Markup {
        let (lang, looked) = (self.visit.lang, self.looked);
        let reading = &looked.reading;
        let held_back = reading.bad.len().saturating_sub(bad);
        let reports = looked.ready.len();
        html! {
            section.card.good[bad == 0].warn[bad > 0] {
                h2 { (words::preview(lang)) }
                p { (words::account(lang, reading.rows, reports, bad)) }
                @if held_back > 0 { p { (words::held_back(lang, held_back)) } }
                @if looked.known > 0 { p { (words::known(lang, looked.known)) } }
                @if !reading.stays.is_empty() { p { (words::stays(lang, &shown(&reading.stays.join(", ")))) } }
                @if !reading.skipped.is_empty() {
                    p { (words::skipped(lang, reading.skipped.len())) }
                    ul.wrongs {
                        @for skipped in reading.skipped.iter().take(SHEET_ROWS_GOOD) {
                            li { (words::row_is(lang, skipped.row)) " " span.data { (said(lang, &skipped.why)) } }
                        }
                    }
                }
            }
        }
    }

    fn wrong_rows(&self, bad: &[&BadRow], place: &str) -> Markup {
        let (lang, heading) = (self.visit.lang, &self.looked.reading.heading);
        let shown_rows = bad
            .get(..SHEET_ROWS_WRONG.min(bad.len()))
            .unwrap_or_default();
        let columns = columns(heading, shown_rows);
        let left = bad.len().saturating_sub(shown_rows.len());
        html! {
            section aria-labelledby="wrong" {
                h2 #wrong { (words::wrong_rows(lang)) }
                p { (words::wrong_text(lang)) " " a href=(format!("{place}/wrong.csv")) { (words::as_file(lang)) } }
                div.scroll tabindex="0" role="region" aria-labelledby="wrong" {
                    table.grid {
                        thead {
                            tr {
                                th scope="col" { (enter::row(lang)) }
                                @for index in &columns {
                                    th.data scope="col" id={ "h" (index) } { (letter(*index)) " " (cell(heading, *index)) }
                                }
                            }
                        }
                        tbody { @for bad in shown_rows { (wrong_row(lang, bad, &columns)) } }
                    }
                }
                @if left > 0 { p.faint { (words::more_wrong(lang, left)) } }
                // The first button of a form is the one that Enter presses: it saves, and hands in nothing.
                button.button.second type="submit" name="do" value="save" { (words::again(lang)) }
            }
        }
    }

    fn good_rows(&self) -> Markup {
        let (lang, heading) = (self.visit.lang, &self.looked.reading.heading);
        let rows: Vec<&Row> = self
            .looked
            .ready
            .iter()
            .flat_map(|(_, entry)| &entry.rows)
            .collect();
        if rows.is_empty() {
            return html! {};
        }
        let columns = columns(heading, &[]);
        let left = rows.len().saturating_sub(SHEET_ROWS_GOOD);
        html! {
            section aria-labelledby="good" {
                h2 #good { (words::good_rows(lang)) }
                div.scroll tabindex="0" role="region" aria-labelledby="good" {
                    table {
                        thead {
                            tr {
                                th scope="col" { (enter::row(lang)) }
                                @for index in &columns { th.data scope="col" { (cell(heading, *index)) } }
                            }
                        }
                        tbody {
                            @for row in rows.iter().take(SHEET_ROWS_GOOD) {
                                tr {
                                    th.number scope="row" { (row.number) }
                                    @for index in &columns { td.data { (shown(cell(row, *index))) } }
                                }
                            }
                        }
                    }
                }
                @if left > 0 { p.faint { (words::more_good(lang, left)) } }
            }
        }
    }

    fn doubts(&self) -> Markup {
        let (lang, doubts) = (self.visit.lang, &self.looked.reading.doubts);
        if doubts.is_empty() {
            return html! {};
        }
        let left = doubts.len().saturating_sub(SHEET_ROWS_WRONG);
        html! {
            section.card.warn aria-labelledby="doubts" {
                h2 #doubts { (enter::doubts(lang)) }
                p { (enter::doubts_text(lang)) }
                ul.wrongs {
                    @for (row, words) in doubts.iter().take(SHEET_ROWS_WRONG) {
                        li { (words::row_is(lang, *row)) " " span.data { (said(lang, words)) } }
                    }
                }
                @if left > 0 { p.faint { (enter::more_changes(lang, left)) } }
                div.field {
                    label for="note" { (enter::why(lang)) }
                    p.hint #note-hint { (enter::why_hint(lang)) }
                    textarea #note name="note" rows="2" aria-describedby="note-hint" {}
                }
            }
        }
    }

    fn orders(&self, whole: bool) -> Markup {
        let (lang, looked) = (self.visit.lang, self.looked);
        let (ready, taken) = (looked.ready.len(), looked.taken.len());
        let all = ready.saturating_add(taken).saturating_add(looked.known);
        html! {
            @if taken > 0 {
                div.field {
                    p { (words::taken(lang, taken)) }
                    label.choice for="correction" {
                        input #correction type="checkbox" name="correction" value="yes";
                        " " (words::as_correction(lang))
                    }
                }
            }
            @if all > 0 {
                @if whole { button.button type="submit" name="do" value="hand-in" { (words::hand_in_all(lang, ready)) } }
                @else {
                    button.button type="submit" name="do" value="hand-in" { (words::hand_in_good(lang, ready)) }
                    p.hint { (words::rest_stays(lang)) }
                }
            }
        }
    }
}

fn said(lang: Lang, words: &Words) -> &str {
    lang.pick(&words.km, &words.en)
}

fn cell(row: &Row, index: usize) -> &str {
    row.cells.get(index).map_or("", String::as_str)
}

/// The columns that a page shows: those in which something is wrong, and the first ones, by which a row is known.
fn columns(heading: &Row, bad: &[&BadRow]) -> Vec<usize> {
    const FIRST: usize = 4;
    let wrong = bad.iter().flat_map(|bad| &bad.wrong);
    let wrong = wrong.filter_map(|wrong| Some(wrong.column.as_ref()?.0));
    let mut columns: Vec<usize> = (0..heading.cells.len().min(FIRST)).chain(wrong).collect();
    columns.extend(0..heading.cells.len());
    let mut seen = Vec::new();
    for column in columns {
        if !seen.contains(&column) && seen.len() < DATA_COLUMNS {
            seen.push(column);
        }
    }
    seen.sort_unstable();
    seen
}

fn wrong_row(lang: Lang, bad: &BadRow, columns: &[usize]) -> Markup {
    let number = bad.row.number;
    let of_row = bad.wrong.iter().filter(|wrong| {
        let column = wrong.column.as_ref();
        column.is_none_or(|(index, _)| !columns.contains(index))
    });
    html! {
        tr {
            th.number scope="row" id={ "n" (number) } {
                (number)
                @for wrong in of_row { p.error.data { (said(lang, &wrong.words)) } }
            }
            @for index in columns {
                @let id = cell_name(number, *index);
                @let wrong = bad.wrong.iter().find(|wrong| wrong.column.as_ref().is_some_and(|(at, _)| at == index));
                td.wrong[wrong.is_some()] {
                    input id=(id) name=(id) type="text" value=(cell(&bad.row, *index)) autocomplete="off" aria-labelledby={ "n" (number) " h" (index) }
                        aria-describedby=[wrong.map(|_| format!("{id}-error"))];
                    @if let Some(wrong) = wrong {
                        p.error.data id={ (id) "-error" } { (said(lang, &wrong.words)) }
                    }
                }
            }
        }
    }
}
