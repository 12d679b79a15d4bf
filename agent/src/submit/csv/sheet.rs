//! A sheet: the bytes of a CSV file come in, its heading and its lines go out. Takes what spreadsheet programs write: a byte order
//! mark, `,` `;` or tab, quoted cells, columns in any order, an HXL row below the heading, empty rows. Cells are not interpreted here.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Read};
use std::rc::Rc;
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};
use schemas::limits::DATA_BYTES_MAX;
use schemas::refusal::Detail;

use super::BadRow;
use super::bad_rows::as_it_was;

/// Bytes looked at to tell the separator; a heading is shorter.
const HEADING_BYTES: usize = 8 * 1024;

/// Bytes of one row: an event's data at most, and a whole file behind a quote that is not closed is none. More is never held.
const ROW_BYTES_MAX: usize = DATA_BYTES_MAX;

/// The columns that a file of bad rows has besides its own, so that it can be mended and submitted as it is.
pub const OF_BAD_ROWS: [&str; 2] = ["bad_line", "bad_reason"];

/// Why a file as a whole cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetFault {
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("the file is empty: its first line names the columns")]
    Empty,
    #[error("the file is UTF-16; save it as CSV UTF-8")]
    Utf16,
    #[error("the column {0} stands twice in the heading")]
    Repeated(String),
    #[error("this form has no such column: {}; leave it out", .0.join(", "))]
    Unknown(Vec<String>),
    #[error("the heading lacks: {}", .0.join(", "))]
    Missing(Vec<String>),
    #[error("the file holds more than {0} rows; split it")]
    TooLong(usize),
    #[error(
        "the heading is longer than {ROW_BYTES_MAX} bytes: is a quote not closed?\n  \
         ក្បាលតារាងវែងជាង {ROW_BYTES_MAX} បៃ៖ តើមានសញ្ញាសម្រង់មិនបានបិទទេ?"
    )]
    HeadingTooLong,
}

/// A file of which no more is read for one row than a row may have.
struct Bounded {
    input: BufReader<Box<dyn Read>>,
    /// What is left for the row that is being read.
    left: Rc<Cell<usize>>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(std::io::Error::other(RowTooLong));
        }
        let most = into.len().min(left);
        let read = self.input.read(&mut into[..most])?;
        self.left.set(left - read);
        Ok(read)
    }
}

/// Why a bounded file is not read further.
#[derive(Debug, thiserror::Error)]
#[error("a row is longer than {ROW_BYTES_MAX} bytes")]
struct RowTooLong;

fn is_too_long(error: &csv::Error) -> bool {
    match error.kind() {
        csv::ErrorKind::Io(error) => error
            .get_ref()
            .is_some_and(|carried| carried.is::<RowTooLong>()),
        _ => false,
    }
}

/// A sheet that is being read: an iterator over its lines, and over the rows that are no text.
pub struct Sheet {
    reader: Reader<Bounded>,
    /// Shared with the reader: filled up before each row.
    left: Rc<Cell<usize>>,
    heading: Arc<[String]>,
    /// It was written here, of rows that were bad.
    of_bad_rows: bool,
    /// Nothing was read yet: an HXL row can only stand here.
    at_top: bool,
    failed: bool,
}

/// A row under its heading.
#[derive(Debug, Clone)]
pub struct Line {
    pub number: u64,
    pub cells: StringRecord,
    heading: Arc<[String]>,
}

impl Sheet {
    /// # Errors
    /// The file cannot be read, is empty or UTF-16, or has a column twice.
    pub fn open(input: Box<dyn Read>) -> Result<Sheet, SheetFault> {
        let unreadable = |error: std::io::Error| SheetFault::Unreadable(error.to_string());
        let mut input = BufReader::with_capacity(HEADING_BYTES, input);
        let start = input.fill_buf().map_err(unreadable)?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(SheetFault::Utf16);
        }
        let mark = b"\xef\xbb\xbf";
        let mark = if start.starts_with(mark) {
            mark.len()
        } else {
            0
        };
        let separator = separator(&start[mark..]);
        input.consume(mark);
        let left = Rc::new(Cell::new(ROW_BYTES_MAX));
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .from_reader(Bounded {
                input,
                left: Rc::clone(&left),
            });
        let heading = match reader.byte_headers() {
            Ok(heading) => heading.iter().map(column).collect::<Vec<String>>(),
            Err(error) if is_too_long(&error) => return Err(SheetFault::HeadingTooLong),
            Err(error) => return Err(SheetFault::Unreadable(error.to_string())),
        };
        if heading.iter().all(String::is_empty) {
            return Err(SheetFault::Empty);
        }
        let of_bad_rows = OF_BAD_ROWS
            .iter()
            .all(|name| heading.iter().any(|own| own == name));
        let as_written = heading.into_iter().map(|name| match of_bad_rows {
            true => as_it_was(&name).to_owned(),
            false => name,
        });
        let heading: Arc<[String]> = as_written.collect();
        if let Some(twice) = repeated(&heading) {
            return Err(SheetFault::Repeated(twice));
        }
        Ok(Sheet {
            reader,
            left,
            heading,
            of_bad_rows,
            at_top: true,
            failed: false,
        })
    }

    /// The columns' names in lower case.
    pub fn heading(&self) -> &[String] {
        &self.heading
    }

    pub fn has(&self, column: &str) -> bool {
        self.heading.iter().any(|name| name == column)
    }

    /// Compares the heading with a form. In `needed`, any one column of a group will do.
    ///
    /// # Errors
    /// Columns that the form does not know, or that it needs.
    pub fn expect(&self, known: &[&str], needed: &[&[&str]]) -> Result<(), SheetFault> {
        let named = self.heading.iter().filter(|name| !name.is_empty());
        let unknown: Vec<String> = named
            .filter(|name| !known.contains(&name.as_str()) && !OF_BAD_ROWS.contains(&name.as_str()))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(SheetFault::Unknown(unknown));
        }
        let missing: Vec<String> = needed
            .iter()
            .filter(|group| !group.iter().any(|name| self.has(name)))
            .map(|group| group.join(" or "))
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(SheetFault::Missing(missing)),
        }
    }

    /// Cells without a column are no fault where they are empty: spreadsheet programs write them.
    fn line(&self, number: u64, record: ByteRecord) -> Result<Line, BadRow> {
        let line = |cells| Line {
            number,
            cells,
            heading: Arc::clone(&self.heading),
        };
        let cells = match StringRecord::from_byte_record(record) {
            Ok(cells) => cells,
            Err(error) => {
                let bytes = error.into_byte_record();
                let cells = bytes.iter().map(String::from_utf8_lossy);
                let line = line(cells.collect::<Vec<_>>().into());
                let wrong = Detail::new(
                    "",
                    "the row is not UTF-8 text; save the file as CSV UTF-8",
                    "ជួរនេះមិនមែនជាអក្សរ UTF-8 ទេ សូមរក្សាទុកជា CSV UTF-8",
                );
                return Err(bad(line, wrong));
            }
        };
        let cells: StringRecord = match self.of_bad_rows {
            true => cells.iter().map(as_it_was).collect(),
            false => cells,
        };
        let beyond = cells.iter().skip(self.heading.len());
        let wide = beyond.map(str::trim).any(|cell| !cell.is_empty());
        let (have, want) = (cells.len(), self.heading.len());
        let line = line(cells);
        if have < want || wide {
            let wrong = Detail::new(
                "",
                format!("the row has {have} cells, the heading {want}"),
                format!("ជួរនេះមាន {have} ក្រឡា តែក្បាលតារាងមាន {want}"),
            );
            return Err(bad(line, wrong));
        }
        Ok(line)
    }
}

/// Why the file is not read further.
fn unread(error: &csv::Error) -> Detail {
    if is_too_long(error) {
        return Detail::new(
            "",
            format!(
                "from here on one row is longer than {ROW_BYTES_MAX} bytes: is a quote not closed? what follows was not read"
            ),
            format!(
                "ចាប់ពីទីនេះ ជួរមួយវែងជាង {ROW_BYTES_MAX} បៃ៖ តើមានសញ្ញាសម្រង់មិនបានបិទទេ? អ្វីដែលនៅក្រោយមិនត្រូវបានអានទេ"
            ),
        );
    }
    let why = error.to_string();
    Detail::new("", why.clone(), why)
}

fn bad(line: Line, wrong: Detail) -> BadRow {
    BadRow {
        line,
        wrong: vec![wrong],
    }
}

impl Iterator for Sheet {
    type Item = Result<Line, BadRow>;

    fn next(&mut self) -> Option<Result<Line, BadRow>> {
        while !self.failed {
            let mut record = ByteRecord::new();
            self.left.set(ROW_BYTES_MAX);
            let read = self.reader.read_byte_record(&mut record);
            let number = record.position().map_or(0, csv::Position::line);
            match read {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    let line = Line {
                        number,
                        cells: StringRecord::new(),
                        heading: Arc::clone(&self.heading),
                    };
                    self.failed = true;
                    return Some(Err(bad(line, unread(&error))));
                }
            }
            let mut cells = record
                .iter()
                .map(<[u8]>::trim_ascii)
                .filter(|cell| !cell.is_empty());
            let first = cells.next();
            let hxl = std::mem::take(&mut self.at_top) && first.is_some_and(|cell| cell[0] == b'#');
            if first.is_some() && !hxl {
                return Some(self.line(number, record));
            }
        }
        None
    }
}

impl Line {
    /// The columns' names, in lower case.
    pub fn heading(&self) -> &[String] {
        &self.heading
    }

    /// The cell of a column without the blanks around it; none where the column is not there or the cell is empty.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let index = self.heading.iter().position(|name| name == column)?;
        let cell = self.cells.get(index)?.trim();
        (!cell.is_empty()).then_some(cell)
    }
}

fn column(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim().to_lowercase()
}

fn repeated(heading: &[String]) -> Option<String> {
    let mut named: Vec<&String> = heading.iter().filter(|name| !name.is_empty()).collect();
    named.sort_unstable();
    let twice = named.windows(2).find(|pair| pair[0] == pair[1]);
    twice.map(|pair| pair[0].clone())
}

/// The separator that the first line holds most of, outside quotes; a comma where it holds none.
fn separator(start: &[u8]) -> u8 {
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in line {
        quoted ^= *byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && byte == separator);
        }
    }
    let [comma, semicolon, tab] = counts;
    [semicolon, tab]
        .into_iter()
        .fold(
            comma,
            |most, next| if next.1 > most.1 { next } else { most },
        )
        .0
}
