//! Rows for people come in, an aligned table goes out. It is plain text: colour is no part of what it says.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

/// A table with a heading.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    pub fn new(heading: &[&str]) -> Table {
        let mut table = comfy_table::Table::new();
        table
            .load_preset(UTF8_HORIZONTAL_ONLY)
            .set_header(heading.iter().copied());
        Table(table)
    }

    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.0.add_row(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.trim_fmt().fmt(f)
    }
}
