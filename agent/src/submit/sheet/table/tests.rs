//! Bytes as spreadsheet programs write them come in, the rows that a person sees go out.

use super::*;

fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let table = Table::of_csv(bytes).expect("a table");
    table.rows.into_iter().map(|row| row.cells).collect()
}

#[test]
fn every_encoding_and_separator_that_excel_writes_gives_the_same_cells() {
    let rows = "period;market\r\n2026-07;ផ្សារលើ\r\n";
    let expected = cells(rows.as_bytes());
    assert_eq!(expected, [["period", "market"], ["2026-07", "ផ្សារលើ"]]);
    let utf16 = |text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]| {
        let units = mark
            .then_some(0xFEFF)
            .into_iter()
            .chain(text.encode_utf16());
        units.flat_map(bytes).collect::<Vec<u8>>()
    };
    let tabs = rows.replace(';', "\t");
    for bytes in [
        format!("\u{feff}{rows}").into_bytes(),
        rows.replace(';', ",").into_bytes(),
        rows.replace("\r\n", "\n").into_bytes(),
        rows.replace("\r\n", "\r").into_bytes(),
        format!("sep=;\r\n{rows}").into_bytes(),
        format!("\"sep=;\"\r\n{rows}").into_bytes(),
        format!("SEP=\t\r\n{tabs}").into_bytes(),
        utf16(&tabs, true, u16::to_le_bytes),
        utf16(&tabs, true, u16::to_be_bytes),
        utf16(&tabs, false, u16::to_le_bytes),
        utf16(&tabs, false, u16::to_be_bytes),
    ] {
        assert_eq!(cells(&bytes), expected, "{:?}", text(&bytes));
    }
}

#[test]
fn a_row_is_numbered_as_in_the_file_whatever_its_cells_hold() {
    let text = "sep=,\na,b\n\n\"one\ntwo\",\"say \"\"yes\"\"\"\nx,y";
    let table = Table::of_csv(text.as_bytes()).expect("a table");
    let places: Vec<_> = table
        .rows
        .iter()
        .map(|row| (row.number, row.last))
        .collect();
    assert_eq!(places, [(2, 2), (3, 3), (4, 5), (6, 6)]);
    assert_eq!(table.rows[2].cells, ["one\ntwo", "say \"yes\""]);
    assert!(table.rows[1].is_empty());
}

#[test]
fn a_quote_within_a_cell_stays_and_text_behind_a_closed_one_too() {
    assert_eq!(cells(b"a \"b\",\"c\" d\n"), [["a \"b\"", "c d"]]);
    assert_eq!(cells(b"\"\",\"\"\n"), [["", ""]]);
}

#[test]
fn a_file_that_ends_inside_a_cell_is_no_table() {
    for text in ["a,b\n1,\"2", "a,b\n1,\"2\n3,4\n", "a,\"b"] {
        let fault = Table::of_csv(text.as_bytes()).expect_err("an open quote");
        let line = if text.starts_with("a,\"") { 1 } else { 2 };
        assert_eq!(fault, SheetFault::QuoteOpen(line), "{text:?}");
    }
    assert_eq!(cells(b"a,b\n1,\"2\""), [["a", "b"], ["1", "2"]]);
}

#[test]
fn rows_cells_and_bytes_have_their_bounds() {
    let long = format!("a,b\n1,\"{}\"\n", "x".repeat(ROW_BYTES_MAX));
    let fault = Table::of_csv(long.as_bytes()).expect_err("a long row");
    assert_eq!(fault, SheetFault::RowTooLong(2, ROW_BYTES_MAX));
    let wide = ",".repeat(COLUMNS_MAX);
    let fault = Table::of_csv(wide.as_bytes()).expect_err("a wide row");
    assert_eq!(fault, SheetFault::ColumnsTooMany(1, COLUMNS_MAX));
    let many = "a\n".repeat(ROWS_MAX + 1);
    let fault = Table::of_csv(many.as_bytes()).expect_err("many rows");
    assert_eq!(fault, SheetFault::RowsTooMany(ROWS_MAX));
}

#[test]
fn what_is_no_text_is_marked_in_its_row_alone() {
    let rows = cells(b"a,b\nLe\xe9,1\nx,2\n");
    assert!(rows[1][0].contains(char::REPLACEMENT_CHARACTER));
    assert_eq!(rows[2], ["x", "2"]);
}
