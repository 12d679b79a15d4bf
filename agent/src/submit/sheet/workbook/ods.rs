//! An ODS file's content comes in; whether its sheets have no more rows and cells than may be goes out. A cell or row that stands
//! there once may say that it is repeated a million times: that is counted before anything is made of it.

use super::super::SheetFault;
use super::super::table::{COLUMNS_MAX, ROWS_MAX};

/// Cells, filled or not, up to the last that is filled: the reader has room for each of them.
const ROOM_MAX: usize = 8_000_000;

/// What stands in a sheet so far, up to the last cell that holds something.
#[derive(Default)]
struct Extent {
    rows: usize,
    columns: usize,
    /// All rows, and all columns of this row, so far.
    rows_read: usize,
    columns_read: usize,
    repeated: usize,
    filled: bool,
}

/// # Errors
/// More rows or columns than a sheet may have.
pub fn bounded(content: &str) -> Result<(), SheetFault> {
    let mut extent = Extent::default();
    for piece in content.split('<').skip(1) {
        let (name, rest) = piece
            .split_once(|c: char| c.is_whitespace() || c == '>' || c == '/')
            .unwrap_or((piece, ""));
        match name {
            "table:table" => extent = Extent::default(),
            "table:table-row" => {
                extent.repeated = repeated(rest, "table:number-rows-repeated");
                extent.columns_read = 0;
                extent.filled = false;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let times = repeated(rest, "table:number-columns-repeated");
                extent.columns_read = extent.columns_read.saturating_add(times);
                let tag = rest.split('>').next().unwrap_or_default();
                if !tag.ends_with('/') || tag.contains("office:") {
                    extent.filled = true;
                    extent.columns = extent.columns.max(extent.columns_read);
                }
            }
            _ => {}
        }
        let ends = piece.starts_with("/table:table-row")
            || name == "table:table-row" && rest.starts_with("/>");
        if ends {
            extent.end_row()?;
        }
    }
    Ok(())
}

impl Extent {
    fn end_row(&mut self) -> Result<(), SheetFault> {
        self.rows_read = self.rows_read.saturating_add(self.repeated);
        if self.filled {
            self.rows = self.rows_read;
        }
        if self.rows > ROWS_MAX || self.rows.saturating_mul(self.columns) > ROOM_MAX {
            return Err(SheetFault::RowsTooMany(ROWS_MAX));
        }
        match self.columns > COLUMNS_MAX {
            true => Err(SheetFault::ColumnsTooMany(self.rows as u64, COLUMNS_MAX)),
            false => Ok(()),
        }
    }
}

/// The largest number that is said for this name anywhere in the piece: an attribute's value may hold what looks like another attribute.
fn repeated(piece: &str, name: &str) -> usize {
    let said = piece.match_indices(name).map(|(at, _)| {
        let rest = piece.get(at + name.len()..).unwrap_or_default();
        let value = rest.split(['"', '\'']).nth(1).unwrap_or_default();
        // What is no number is as bad as a large one.
        value.trim().parse().unwrap_or(usize::MAX)
    });
    said.max().unwrap_or(1)
}
