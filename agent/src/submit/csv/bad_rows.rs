//! The rows that were not submitted, as a spreadsheet again: bad rows come in, the same cells with the reason behind them go out.
//! Cells are written so that they read as they were, and a mended file can be submitted; a spreadsheet program finds no formula in them.

use std::borrow::Cow;
use std::io::Write;

use csv::Writer;

use super::BadRow;
use super::sheet::OF_BAD_ROWS;

/// What a spreadsheet program takes for the beginning of a formula, or passes over before one; the wide forms, too.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a program might run this. A number is one, whatever its sign; what stands behind quotes is one more quote away from it.
fn is_formula(cell: &str) -> bool {
    let bare = cell.trim_start_matches('\'');
    bare.starts_with(FORMULA) && bare.parse::<f64>().is_err()
}

/// The cell as a spreadsheet program shows and does not run it: behind a quote.
fn harmless(cell: &str) -> Cow<'_, str> {
    match is_formula(cell) {
        true => format!("'{cell}").into(),
        false => cell.into(),
    }
}

/// What stood in the cell that [`harmless`] wrote.
pub fn as_it_was(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        Some(_) | None => cell,
    }
}

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
        let names = names.chain(OF_BAD_ROWS).map(harmless);
        writer.write_record(names.map(Cow::into_owned))?;
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
        let record = record.map(|cell| harmless(cell).into_owned());
        Ok(self.writer.write_record(record)?)
    }

    /// # Errors
    /// What was written cannot be flushed.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_written_harmless_and_read_as_it_was_and_a_number_stays_one() {
        for (cell, written) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1+2", "'+1+2"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("-5", "-5"),
            ("+1.50", "+1.50"),
            ("-1e3", "-1e3"),
            ("'41", "'41"),
            ("'-5", "'-5"),
            ("Rice", "Rice"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), written);
            assert_eq!(as_it_was(written), cell);
        }
    }
}
