//! A table: the bytes of a file come in, its rows go out as text, each with its number in the file. CSV as spreadsheet programs write
//! it: UTF-8 with and without its mark, UTF-16, `,` `;` or tab, Excel's `sep=` line, quoted cells. Cells are not interpreted here.
//!
//! A file that ends inside a quoted cell is no table: what stands behind the quote would be gone without a word.

use super::SheetFault;
use schemas::limits::DATA_BYTES_MAX;
use serde::{Deserialize, Serialize};

/// Rows of one file, empty ones as well: a month of a whole country's prices has a tenth of this.
pub const ROWS_MAX: usize = 100_000;
/// Cells of one row: no known sheet has a tenth of this.
pub const COLUMNS_MAX: usize = 256;
/// Bytes of one row: an event's data at most, and a whole file behind a quote that is not closed is none.
const ROW_BYTES_MAX: usize = DATA_BYTES_MAX;

/// A file's rows.
#[derive(Debug)]
pub struct Table {
    pub rows: Vec<Row>,
    pub separator: char,
}

/// A row, and where it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// From 1, as an editor and a spreadsheet program count.
    pub number: u64,
    /// Where it ends: a cell may hold line breaks.
    pub last: u64,
    pub cells: Vec<String>,
}

impl Row {
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

impl Table {
    /// # Errors
    /// The file ends inside a cell, or is larger than a sheet may be.
    pub fn of_csv(bytes: &[u8]) -> Result<Table, SheetFault> {
        let text = text(bytes);
        let (separator, skipped) = match sep_line(&text) {
            Some((separator, length)) => (separator, length),
            None => (separator(&text), 0),
        };
        let body = text.get(skipped..).unwrap_or_default();
        let first = if skipped == 0 { 1 } else { 2 };
        let rows = Reading::new(separator, first).read(body)?;
        Ok(Table { rows, separator })
    }
}

/// The file as text. What is no text becomes U+FFFD, by which the row is named.
pub fn text(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| match pair {
            [first, second] => unit([*first, *second]),
            _ => 0xFFFD,
        });
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // A heading in Latin letters, in UTF-16 without its mark.
        [first, 0, _, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        [0, second, 0, _, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Excel's first line `sep=;`: what it says, and how long it is.
fn sep_line(text: &str) -> Option<(char, usize)> {
    let end = text.find('\n')?;
    let line = text[..end].trim().trim_matches('"').to_ascii_lowercase();
    let mut said = line.strip_prefix("sep=")?.chars();
    match (said.next(), said.next()) {
        (Some(separator @ (',' | ';' | '|')), None) => Some((separator, end + 1)),
        // The tab itself was trimmed.
        (None, None) => Some(('\t', end + 1)),
        _ => None,
    }
}

/// The separator of which the first line that has one has most, outside quotes; a comma where none has.
fn separator(text: &str) -> char {
    const SEPARATORS: [char; 3] = [',', ';', '\t'];
    for line in text.lines().take(10) {
        let mut quoted = false;
        let mut counts = [0_usize; SEPARATORS.len()];
        for character in line.chars() {
            quoted ^= character == '"';
            for (separator, count) in SEPARATORS.iter().zip(&mut counts) {
                *count += usize::from(!quoted && character == *separator);
            }
        }
        let most = counts.iter().copied().max().unwrap_or_default();
        let found = counts.iter().position(|count| *count == most && most > 0);
        if let Some(found) = found {
            return SEPARATORS[found];
        }
    }
    ','
}

/// Where the reader of a CSV file is.
struct Reading {
    separator: char,
    line: u64,
    rows: Vec<Row>,
    row: Row,
    cell: String,
    bytes: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a cell's first character: a quote here opens.
    Begin,
    Plain,
    /// In a cell whose quote opened in this line.
    Quoted(u64),
    /// Behind a quote within a quoted cell: it closes, or the next is a quote and both are one.
    Closing(u64),
}

impl Reading {
    fn new(separator: char, line: u64) -> Reading {
        Reading {
            separator,
            line,
            rows: Vec::new(),
            row: Row::begin(line),
            cell: String::new(),
            bytes: 0,
            state: State::Begin,
        }
    }

    fn read(mut self, text: &str) -> Result<Vec<Row>, SheetFault> {
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let character = match character {
                '\r' if characters.next_if_eq(&'\n').is_some() => '\n',
                '\r' => '\n',
                other => other,
            };
            self.bytes += character.len_utf8();
            if self.bytes > ROW_BYTES_MAX {
                return Err(SheetFault::RowTooLong(self.row.number, ROW_BYTES_MAX));
            }
            self.take(character)?;
            self.line += u64::from(character == '\n');
        }
        match self.state {
            State::Quoted(opened) => return Err(SheetFault::QuoteOpen(opened)),
            State::Begin if self.row.cells.is_empty() => {}
            State::Begin | State::Plain | State::Closing(_) => self.end_row()?,
        }
        Ok(self.rows)
    }

    fn take(&mut self, character: char) -> Result<(), SheetFault> {
        self.state = match (self.state, character) {
            (State::Quoted(opened), '"') => State::Closing(opened),
            (State::Quoted(opened), other) => {
                self.cell.push(other);
                State::Quoted(opened)
            }
            (State::Closing(opened), '"') => {
                self.cell.push('"');
                State::Quoted(opened)
            }
            (State::Begin, '"') => State::Quoted(self.line),
            (_, '\n') => {
                self.end_row()?;
                State::Begin
            }
            (_, other) if other == self.separator => {
                self.end_cell()?;
                State::Begin
            }
            (State::Begin | State::Plain | State::Closing(_), other) => {
                self.cell.push(other);
                State::Plain
            }
        };
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), SheetFault> {
        if self.row.cells.len() == COLUMNS_MAX {
            return Err(SheetFault::ColumnsTooMany(self.row.number, COLUMNS_MAX));
        }
        self.row.cells.push(std::mem::take(&mut self.cell));
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), SheetFault> {
        self.end_cell()?;
        if self.rows.len() == ROWS_MAX {
            return Err(SheetFault::RowsTooMany(ROWS_MAX));
        }
        self.row.last = self.line;
        self.bytes = 0;
        let next = Row::begin(self.line + 1);
        self.rows.push(std::mem::replace(&mut self.row, next));
        Ok(())
    }
}

impl Row {
    fn begin(number: u64) -> Row {
        Row {
            number,
            last: number,
            cells: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
