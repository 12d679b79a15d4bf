//! Workbooks that are made here come in, the rows that a person sees in them go out; and what only looks like a workbook.

use std::io::Write as _;

use rust_xlsxwriter::{ExcelDateTime as Day, Format, Formula, Workbook, Worksheet};
use zip::write::SimpleFileOptions;

use super::*;

fn xlsx_of(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().expect("a workbook")
}

/// A zip file of these parts.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .expect("begun");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn cells(table: &Table) -> Vec<(u64, Vec<&str>)> {
    let rows = table.rows.iter();
    rows.map(|row| (row.number, row.cells.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn cells_of_every_kind_are_the_text_that_a_person_means_by_them() {
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let bytes = xlsx_of(|sheet| {
        sheet.write_string(0, 0, "code").expect("written");
        sheet.write_string(2, 0, "02").expect("written");
        sheet.write_string(2, 1, "០៥").expect("written");
        sheet.write_number(2, 2, 0.1 + 0.2).expect("written");
        sheet.write_number(2, 3, 4100.0).expect("written");
        let date = Day::from_ymd(2026, 7, 2).expect("a day");
        sheet
            .write_datetime_with_format(2, 4, &date, &day)
            .expect("written");
        sheet.write_boolean(2, 5, true).expect("written");
        sheet
            .write_formula(2, 6, Formula::new("=1+1").set_result("2"))
            .expect("written");
    });
    let table = table(&bytes).expect("a table");
    let expected = vec![
        (1, vec!["code", "", "", "", "", "", ""]),
        (
            3,
            vec!["02", "០៥", "0.3", "4100", "2026-07-02", "true", "2"],
        ),
    ];
    assert_eq!(cells(&table), expected);
}

#[test]
fn a_workbook_with_two_filled_sheets_or_macros_or_none_is_refused() {
    let mut book = Workbook::new();
    for name in ["July", "August"] {
        let sheet = book.add_worksheet();
        sheet.set_name(name).expect("a name");
        sheet.write_string(0, 0, "x").expect("written");
    }
    let two = book.save_to_buffer().expect("a workbook");
    let fault = table(&two).expect_err("two sheets");
    assert_eq!(
        fault,
        SheetFault::SheetsMany(vec!["July".into(), "August".into()])
    );
    assert_eq!(
        table(&xlsx_of(|_| {})).expect_err("empty"),
        SheetFault::Empty
    );
    let macros = zipped(&[("xl/workbook.xml", b"<a/>"), ("xl/vbaProject.bin", b"x")]);
    assert_eq!(table(&macros).expect_err("macros"), SheetFault::Macros);
    let other = zipped(&[("word/document.xml", b"<a/>")]);
    assert_eq!(table(&other).expect_err("a letter"), SheetFault::NoWorkbook);
    for broken in [
        &b"PK\x03\x04 and no more"[..],
        &[0xD0, 0xCF, 0x11, 0xE0, 1, 2],
    ] {
        assert!(matches!(table(broken), Err(SheetFault::Unreadable(_))));
    }
    let cut = xlsx_of(|sheet| {
        sheet.write_string(0, 0, "x").expect("written");
    });
    assert!(matches!(
        table(&cut[..cut.len() / 2]),
        Err(SheetFault::Unreadable(_))
    ));
}

#[test]
fn what_unpacks_to_more_than_it_may_is_not_read() {
    let zeros = vec![b' '; 32 * 1024 * 1024];
    let parts: Vec<(String, &[u8])> = (0..9).map(|n| (format!("xl/{n}"), &zeros[..])).collect();
    let mut parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, bytes)| (&**name, *bytes))
        .collect();
    parts.push(("xl/workbook.xml", b"<a/>"));
    let bomb = zipped(&parts);
    assert!(bomb.len() < 1024 * 1024, "it is small");
    assert!(matches!(table(&bomb), Err(SheetFault::UnpacksTooLarge(_))));
}

#[test]
fn a_cell_far_away_is_told_and_no_room_is_made_for_what_lies_between() {
    let far = xlsx_of(|sheet| {
        sheet.write_string(0, 0, "x").expect("written");
        sheet.write_string(1_048_575, 0, "x").expect("written");
    });
    assert_eq!(
        table(&far).expect_err("far below"),
        SheetFault::RowsTooMany(ROWS_MAX)
    );
    let wide = xlsx_of(|sheet| {
        sheet.write_string(4, 16_383, "x").expect("written");
    });
    assert_eq!(
        table(&wide).expect_err("far right"),
        SheetFault::ColumnsTooMany(5, COLUMNS_MAX)
    );
}

/// An ODS file with this sheet.
fn ods_of(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="Sheet1">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", br#"<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#),
    ])
}

#[test]
fn an_ods_file_is_read_and_one_that_says_that_it_is_endless_is_not() {
    let rows = r#"<table:table-row><table:table-cell office:value-type="string"><text:p>ខេត្ត</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2026-07-02"><text:p>2 July</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16382"/></table:table-row><table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#;
    let table_of = table(&ods_of(rows)).expect("a table");
    assert_eq!(cells(&table_of), [(1, vec!["ខេត្ត", "2026-07-02"])]);
    let endless = rows.replacen(
        "<table:table-row>",
        r#"<table:table-row table:number-rows-repeated="1000000">"#,
        1,
    );
    assert_eq!(
        table(&ods_of(&endless)).expect_err("endless"),
        SheetFault::RowsTooMany(ROWS_MAX)
    );
    let hidden = rows.replacen(
        "office:value-type=\"string\"",
        "office:title=\">\" office:value-type=\"string\" table:number-columns-repeated=\"9000\"",
        1,
    );
    assert!(table(&ods_of(&hidden)).is_err());
}
