//! The empty sheets of all forms: what is written to be filled in is read again, and labels are no data.

use schemas::form::Form;

use super::*;
use crate::submit::sheet::empty;

fn forms() -> Vec<Form> {
    let forms = Form::all(&registry());
    assert_eq!(forms.len(), 4);
    forms
}

fn labels_alone(feed: &str, table: Result<Table, SheetFault>) {
    let reading = read_as(office(feed), feed, table, |_, reading| {
        reading.expect("a heading")
    });
    assert!(
        reading.entries.is_empty() && reading.bad.is_empty(),
        "{feed}: {:?}",
        reading.bad
    );
    let why: Vec<(u64, &str)> = reading
        .skipped
        .iter()
        .map(|s| (s.row, &*s.why.en))
        .collect();
    assert_eq!(
        why,
        [(2, "the sheet's labels"), (3, "the sheet's labels")],
        "{feed}"
    );
}

#[test]
fn the_empty_sheet_of_every_form_has_its_labels_in_both_languages_and_is_read_again() {
    for form in forms() {
        let feed = form.feed.as_str();
        let csv = empty::csv(&form).expect("written");
        assert!(
            csv.starts_with("\u{feff}".as_bytes()),
            "Excel knows that it is UTF-8"
        );
        labels_alone(feed, Table::of_csv(&csv));
        let workbook = empty::xlsx(&form).expect("made");
        labels_alone(feed, table_of_workbook(&workbook));
    }
}

#[test]
fn a_row_below_the_labels_is_an_event() {
    let forms = forms();
    let form = forms
        .iter()
        .find(|form| form.feed.as_str() == "market-prices");
    let mut csv = empty::csv(form.expect("a form")).expect("written");
    csv.extend_from_slice("2026-07,17,,Psar Leu,food,Rice,KG,Retail,KHR,2400\n".as_bytes());
    let text = String::from_utf8(csv).expect("UTF-8");
    let read = events("market-prices", &text);
    assert_eq!((read.len(), &read[0]["price"]), (1, &Value::from("2400")));
}
