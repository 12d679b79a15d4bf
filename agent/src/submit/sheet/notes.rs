//! The rows that were not submitted, as a sheet again: bad rows come in, the same cells with the reasons behind them go out, in the
//! form in which the office's spreadsheet program writes and opens its files. Mended, that file can be submitted as it is.
//!
//! Cells are written so that they read as they were; a spreadsheet program finds no formula in them.

use std::borrow::Cow;
use std::io::Write;

use csv::Writer;

use super::BadRow;
use super::heading::letter;
use super::table::Row;

/// The columns that are written beside the file's own. They are written anew each time: what was said of an earlier file is past.
pub const OF_NOTES: [&str; 3] = ["bad_line", "bad_reason", "bad_reason_km"];

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

/// A row of a sheet that was written here, as it stood in the office's own.
pub fn read_back(row: &mut Row) {
    for cell in &mut row.cells {
        *cell = as_it_was(cell).to_owned();
    }
}

/// A CSV file of bad rows that is being written.
pub struct Notes<W: Write> {
    writer: Writer<W>,
    /// The file's own columns.
    own: Vec<usize>,
}

impl<W: Write> Notes<W> {
    /// # Errors
    /// The heading cannot be written.
    pub fn begin(mut out: W, heading: &Row, separator: char) -> std::io::Result<Notes<W>> {
        // By this mark Excel knows that the file is UTF-8.
        out.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(separator).unwrap_or(b','))
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        let names = heading.cells.iter().enumerate();
        let own = names
            .filter(|(_, name)| !is_note(name))
            .map(|(index, _)| index);
        let own: Vec<usize> = own.collect();
        let names = own.iter().map(|index| heading.cells[*index].as_str());
        let names = names.chain(OF_NOTES).map(harmless);
        writer.write_record(names.map(Cow::into_owned))?;
        Ok(Notes { writer, own })
    }

    /// # Errors
    /// The row cannot be written.
    pub fn write(&mut self, bad: &BadRow) -> std::io::Result<()> {
        let cell = |index: &usize| bad.row.cells.get(*index).map_or("", String::as_str);
        let own = self.own.iter().map(cell);
        let told = bad.wrong.iter().map(|wrong| {
            let at = match &wrong.column {
                Some((index, name)) => format!("{} {name}: ", letter(*index)),
                None => String::new(),
            };
            let words = wrong.told();
            (format!("{at}{}", words.en), format!("{at}{}", words.km))
        });
        let (en, km): (Vec<String>, Vec<String>) = told.unzip();
        let notes = [bad.row.number.to_string(), en.join("; "), km.join("; ")];
        let record = own.chain(notes.iter().map(String::as_str));
        let record = record.map(|cell| harmless(cell).into_owned());
        Ok(self.writer.write_record(record)?)
    }

    /// # Errors
    /// What was written cannot be flushed.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

fn is_note(name: &str) -> bool {
    OF_NOTES.contains(&&*name.trim().to_lowercase())
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
