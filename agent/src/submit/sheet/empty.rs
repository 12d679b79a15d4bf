//! The empty sheet of a form: a form comes in, a CSV file or a workbook to fill in goes out, with the columns of the office's own sheet,
//! their labels in Khmer and English, and lists of codes. What is written here, the reader of sheets reads.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, Format, Workbook, Worksheet, XlsxError,
};
use schemas::form::{Column, Field, Form, Kind};
use schemas::tables::PROVINCES;

/// Rows that are ready to be filled in: a quarter's report of an office has a few hundred.
const ROWS: u32 = 2_000;
/// The heading, and the labels in both languages below it.
const HEADING_ROWS: u32 = 3;
/// What a list within a cell's rule may hold, in Excel.
const LIST_CHARACTERS_MAX: usize = 255;

/// The columns of the office's own sheet, with the field that each says.
fn columns(form: &Form) -> impl Iterator<Item = (&Column, Option<&Field>)> {
    let columns = form
        .layouts
        .iter()
        .take(1)
        .flat_map(|layout| &layout.columns);
    columns.map(|column| {
        let field = column.fields.first().and_then(|at| form.field(at));
        (column, field)
    })
}

/// With a byte order mark, by which Excel knows that it is UTF-8.
pub fn csv(form: &Form) -> std::io::Result<Vec<u8>> {
    let mut out = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(&mut out);
    writer.write_record(columns(form).map(|(column, _)| &column.name))?;
    writer
        .write_record(columns(form).map(|(_, field)| field.map_or("", |field| &field.label.km)))?;
    writer
        .write_record(columns(form).map(|(_, field)| field.map_or("", |field| &field.label.en)))?;
    writer.flush()?;
    drop(writer);
    Ok(out)
}

/// With headings that cannot be changed, and lists where a field has codes.
pub fn xlsx(form: &Form) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let name: String = form.title.km.chars().take(31).collect();
    sheet.set_name(name)?;
    let heading = Format::new().set_bold();
    let labels = Format::new().set_text_wrap();
    // Text, so that a code keeps its zeros, a month does not become a date, and a price keeps its point.
    let open = Format::new().set_num_format("@").set_unlocked();
    for (index, (column, field)) in (0..).zip(columns(form)) {
        sheet.write_string_with_format(0, index, &column.name, &heading)?;
        sheet.set_column_width(index, 18)?;
        sheet.set_column_format(index, &open)?;
        let Some(field) = field else {
            continue;
        };
        sheet.write_string_with_format(1, index, &field.label.km, &labels)?;
        sheet.write_string_with_format(2, index, &field.label.en, &labels)?;
        rule(sheet, index, field)?;
    }
    sheet.set_freeze_panes(HEADING_ROWS, 0)?;
    sheet.protect();
    book.save_to_buffer()
}

/// What the cells below a heading are to hold: a list of codes, and what is expected in words. Excel warns, and the reader decides.
fn rule(sheet: &mut Worksheet, column: u16, field: &Field) -> Result<(), XlsxError> {
    let codes: Vec<&str> = match &field.kind {
        Kind::Codes(codes) if !codes.others => codes.list.iter().map(|code| &*code.code).collect(),
        Kind::Province(more) => {
            let provinces = PROVINCES.iter().map(|province| &*province.pcode);
            provinces
                .chain(more.iter().map(|code| &*code.code))
                .collect()
        }
        Kind::Codes(_) | Kind::Text | Kind::Code | Kind::Number | Kind::Whole | Kind::Digits => {
            Vec::new()
        }
        Kind::Day | Kind::Month | Kind::Quarter | Kind::Period => Vec::new(),
    };
    // A comma parts the entries of a list, and one of priceflag's codes holds one.
    let fits = codes.join(",").chars().count() <= LIST_CHARACTERS_MAX
        && !codes.iter().any(|code| code.contains(','));
    let rule = match codes.is_empty() || !fits {
        true => DataValidation::new().allow_any_value(),
        false => DataValidation::new().allow_list_strings(&codes)?,
    };
    let words: String = format!("{}\n{}", field.expects.km, field.expects.en)
        .chars()
        .take(255)
        .collect();
    let rule = rule
        .set_input_message(words)?
        .set_error_style(DataValidationErrorStyle::Warning);
    sheet.add_data_validation(HEADING_ROWS, column, HEADING_ROWS + ROWS, column, &rule)?;
    Ok(())
}
