//! The rows that were not submitted, as a spreadsheet again: bad rows come in, the same cells with the reason behind them go out.
//! Cells are written as they were read, so that a mended file can be submitted.

use std::io::Write;

use csv::Writer;

use super::BadRow;
use super::sheet::OF_BAD_ROWS;

/// A CSV file of bad rows that is being written.
pub struct BadRows<W: Write> {
    writer: Writer<W>,
    width: usize,
}

impl<W: Write> BadRows<W> {
    /// # Errors
    /// The heading cannot be written.
    pub fn begin(out: W, heading: &[String]) -> std::io::Result<BadRows<W>> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
        let width = heading.len();
        let names = heading.iter().map(String::as_str);
        writer.write_record(names.chain(OF_BAD_ROWS))?;
        Ok(BadRows { writer, width })
    }

    /// # Errors
    /// The row cannot be written.
    pub fn write(&mut self, row: &BadRow) -> std::io::Result<()> {
        let cells = row.line.cells.iter();
        let padding = std::iter::repeat_n("", self.width.saturating_sub(row.line.cells.len()));
        let reasons: Vec<String> = row
            .wrong
            .iter()
            .map(|wrong| match wrong.at.as_str() {
                "" => wrong.en.clone(),
                column => format!("{column}: {}", wrong.en),
            })
            .collect();
        let number = row.line.number.to_string();
        let reason = reasons.join("; ");
        let record = cells.chain(padding).chain([number.as_str(), &reason]);
        Ok(self.writer.write_record(record)?)
    }

    /// # Errors
    /// What was written cannot be flushed.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
