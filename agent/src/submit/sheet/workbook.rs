//! Workbooks: an XLSX, XLS or ODS file comes in, the rows of its one sheet with data go out as text: numbers with all their digits,
//! dates as ISO 8601 writes them, formulas as their values. No macro is run, and a file that holds some is refused.
//!
//! What a file unpacks to is counted before it is read: how much memory it takes is not the sender's choice.

mod ods;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader, SheetType, SheetVisible, Xls, Xlsx};
use zip::ZipArchive;

use super::SheetFault;
use super::table::{COLUMNS_MAX, ROWS_MAX, Row, Table};

/// Bytes of all that a workbook unpacks to: a sheet of as many rows as may be has about half.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Files within a workbook: a usual one has a dozen.
const PARTS_MAX: usize = 1_000;
/// Bytes of a workbook in the format before 2007, which can only be read whole.
const XLS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Cells with something in them.
const CELLS_MAX: usize = 2_000_000;

/// Told by how the file begins.
pub fn is_workbook(bytes: &[u8]) -> bool {
    is_packed(bytes) || bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0])
}

fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// # Errors
/// It cannot be read, holds macros, or has no sheet with data, or several.
pub fn table(bytes: &[u8]) -> Result<Table, SheetFault> {
    let sheets = match is_packed(bytes) {
        true => packed(bytes)?,
        false => xls(bytes)?,
    };
    let mut filled: Vec<(String, Cells)> = sheets
        .into_iter()
        .filter(|(_, cells)| !cells.rows.is_empty())
        .collect();
    match filled.len() {
        0 => Err(SheetFault::Empty),
        1 => Ok(filled.remove(0).1.table()),
        // Which of them is meant nobody can tell, and the others would be left out.
        _ => Err(SheetFault::SheetsMany(
            filled.into_iter().map(|(name, _)| name).collect(),
        )),
    }
}

type Sheets = Vec<(String, Cells)>;

fn packed(bytes: &[u8]) -> Result<Sheets, SheetFault> {
    let parts = parts(bytes)?;
    let has = |name: &str| parts.iter().any(|part| part == name);
    if parts
        .iter()
        .any(|part| part.to_lowercase().ends_with("vbaproject.bin"))
    {
        return Err(SheetFault::Macros);
    }
    match (has("xl/workbook.xml"), has("content.xml")) {
        (true, _) => xlsx(bytes),
        (false, true) => ods(bytes),
        (false, false) => Err(SheetFault::NoWorkbook),
    }
}

/// The names of its parts; what they unpack to is counted, whatever the file says of it.
fn parts(bytes: &[u8]) -> Result<Vec<String>, SheetFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    if archive.len() > PARTS_MAX {
        return Err(SheetFault::UnpacksTooLarge(UNPACKED_BYTES_MAX));
    }
    let mut left = UNPACKED_BYTES_MAX;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(unreadable)?;
        names.push(part.name().map_err(unreadable)?.into_owned());
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(unreadable)?;
        left = left
            .checked_sub(unpacked)
            .ok_or(SheetFault::UnpacksTooLarge(UNPACKED_BYTES_MAX))?;
    }
    Ok(names)
}

fn unreadable(error: impl std::fmt::Display) -> SheetFault {
    SheetFault::Unreadable(error.to_string().chars().take(200).collect())
}

fn xlsx(bytes: &[u8]) -> Result<Sheets, SheetFault> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut sheets = Vec::new();
    for name in shown_sheets(book.sheets_metadata()) {
        let mut reader = book.worksheet_cells_reader(&name).map_err(unreadable)?;
        let mut cells = Cells::default();
        while let Some(cell) = reader.next_cell().map_err(unreadable)? {
            let text = match cell.get_value() {
                DataRef::Int(number) => number.to_string(),
                DataRef::Float(number) => decimal(*number),
                DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                    text.clone()
                }
                DataRef::SharedString(text) => (*text).to_owned(),
                DataRef::Bool(truth) => truth.to_string(),
                DataRef::DateTime(time) => iso(time),
                DataRef::Error(error) => error.to_string(),
                DataRef::Empty => continue,
            };
            cells.put(cell.get_position(), text)?;
        }
        sheets.push((name, cells));
    }
    Ok(sheets)
}

fn ods(bytes: &[u8]) -> Result<Sheets, SheetFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut content = String::new();
    let mut part = archive.by_name("content.xml").map_err(unreadable)?;
    part.read_to_string(&mut content).map_err(unreadable)?;
    ods::bounded(&content)?;
    whole(Ods::new(Cursor::new(bytes)).map_err(unreadable)?)
}

fn xls(bytes: &[u8]) -> Result<Sheets, SheetFault> {
    if bytes.len() > XLS_BYTES_MAX {
        return Err(SheetFault::UnpacksTooLarge(XLS_BYTES_MAX as u64));
    }
    let mut book = Xls::new(Cursor::new(bytes)).map_err(unreadable)?;
    if book.vba_project().is_ok_and(|macros| macros.is_some()) {
        return Err(SheetFault::Macros);
    }
    whole(book)
}

/// The sheets of a workbook that is read at once.
fn whole<'b, B>(mut book: B) -> Result<Sheets, SheetFault>
where
    B: Reader<Cursor<&'b [u8]>>,
    B::Error: std::fmt::Display,
{
    let mut sheets = Vec::new();
    for name in shown_sheets(book.sheets_metadata()) {
        let range = book.worksheet_range(&name).map_err(unreadable)?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut cells = Cells::default();
        for (row, column, value) in range.used_cells() {
            let text = match value {
                Data::Int(number) => number.to_string(),
                Data::Float(number) => decimal(*number),
                Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
                    text.clone()
                }
                Data::Bool(truth) => truth.to_string(),
                Data::DateTime(time) => iso(time),
                Data::Error(error) => error.to_string(),
                Data::Empty => continue,
            };
            let place =
                |at: usize, first: u32| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(first);
            cells.put((place(row, first_row), place(column, first_column)), text)?;
        }
        sheets.push((name, cells));
    }
    Ok(sheets)
}

fn shown_sheets(sheets: &[calamine::Sheet]) -> Vec<String> {
    let shown = sheets.iter().filter(|sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    });
    shown.map(|sheet| sheet.name.clone()).collect()
}

/// All the digits that a spreadsheet program shows, which are 15, and none of those that come of counting in twos.
fn decimal(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

fn iso(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    match time.is_duration() {
        true => decimal(time.as_f64()),
        false if (hour, minute, second) == (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        false => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

/// The cells of a sheet that hold something, by row and column from 0.
#[derive(Default)]
struct Cells {
    rows: BTreeMap<u32, BTreeMap<usize, String>>,
    count: usize,
}

impl Cells {
    fn put(&mut self, (row, column): (u32, u32), text: String) -> Result<(), SheetFault> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let rows_max = u32::try_from(ROWS_MAX).unwrap_or(u32::MAX);
        self.count += 1;
        if row >= rows_max || self.count > CELLS_MAX {
            return Err(SheetFault::RowsTooMany(ROWS_MAX));
        }
        if column >= COLUMNS_MAX {
            return Err(SheetFault::ColumnsTooMany(u64::from(row) + 1, COLUMNS_MAX));
        }
        self.rows.entry(row).or_default().insert(column, text);
        Ok(())
    }

    /// Rows under the widest as CSV has them: all of one width.
    fn table(self) -> Table {
        let last =
            |cells: &BTreeMap<usize, String>| cells.keys().next_back().map_or(0, |last| last + 1);
        let width = self.rows.values().map(last).max().unwrap_or_default();
        let rows = self.rows.into_iter().map(|(row, mut cells)| {
            let number = u64::from(row) + 1;
            Row {
                number,
                last: number,
                cells: (0..width)
                    .map(|column| cells.remove(&column).unwrap_or_default())
                    .collect(),
            }
        });
        Table {
            rows: rows.collect(),
            separator: ',',
        }
    }
}

#[cfg(test)]
mod tests;
