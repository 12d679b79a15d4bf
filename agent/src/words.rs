//! What a clerk is told, in one place: values come in, a sentence in Khmer and one in English go out. A sentence without Khmer does
//! not compile.
//!
//! All Khmer here was written by machine, and has not yet been read by a native reader.

use std::fmt;

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub km: String,
    pub en: String,
}

impl Words {
    /// Goes on with what `more` says.
    pub fn append(&mut self, more: Words) {
        self.km.push_str(&more.km);
        self.en.push_str(&more.en);
    }
}

impl fmt::Display for Words {
    /// English, and Khmer below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}", self.en, self.km)
    }
}

impl From<schemas::form::Text> for Words {
    fn from(schemas::form::Text { km, en }: schemas::form::Text) -> Words {
        Words { km, en }
    }
}

/// A function for each sentence; the braces of both languages name its arguments.
macro_rules! words {
    ($($name:ident($($argument:ident: $type:ty),*) { km: $km:literal, en: $en:literal })*) => {
        $(pub fn $name($($argument: $type),*) -> Words {
            Words { km: format!($km), en: format!($en) }
        })*

        /// Every sentence as it is written here, by its name: for the tests of all of them.
        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $km, $en)),*];
    };
}

words! {
    // Why a file as a whole is not read.
    file_unreadable(why: &str) { km: "មិនអាចអានឯកសារបានទេ៖ {why}", en: "the file cannot be read: {why}" }
    file_empty() { km: "ឯកសារទទេ៖ បន្ទាត់ទីមួយត្រូវមានឈ្មោះជួរឈរ", en: "the file is empty: its first line names the columns" }
    file_too_large(most: u64) { km: "ឯកសារធំជាង {most} បៃ សូមបំបែកវា", en: "the file is larger than {most} bytes; split it" }
    rows_too_many(most: usize) { km: "ឯកសារមានលើសពី {most} ជួរ សូមបំបែកវា", en: "the file holds more than {most} rows; split it" }
    columns_too_many(row: u64, most: usize) { km: "ជួរទី {row} មានលើសពី {most} ក្រឡា", en: "row {row} has more than {most} cells" }
    no_workbook() { km: "ឯកសារនេះមិនមែនជា XLSX, XLS, ODS ឬ CSV ទេ", en: "the file is neither XLSX nor XLS, ODS or CSV" }
    macros() { km: "សៀវភៅការងារមានម៉ាក្រូ សូមរក្សាទុកជា .xlsx", en: "the workbook holds macros; save it as .xlsx" }
    sheets_many(names: &str) { km: "សន្លឹកច្រើនជាងមួយមានទិន្នន័យ៖ {names} សូមទុកតែមួយ", en: "more than one sheet holds something: {names}; leave one" }
    unpacks_too_large(most: u64) { km: "សៀវភៅការងារធំពេក អាចមាន {most} បៃយ៉ាងច្រើន", en: "the workbook unpacks to more than the {most} bytes that it may have" }
    form_written(path: &str) { km: "តារាងទទេនៅក្នុង {path}", en: "the empty sheet is {path}" }
    no_row() { km: "គ្មានជួរណានៅក្រោមក្បាលតារាងទេ", en: "there is no row below the heading" }
    quote_open(row: u64) {
        km: "ឯកសារចប់នៅក្នុងក្រឡាដែលសញ្ញាសម្រង់បើកនៅជួរទី {row}៖ ឯកសារមិនត្រូវបានចម្លងគ្រប់ ឬសញ្ញាសម្រង់មិនបានបិទ",
        en: "the file ends inside a cell whose quote opens in row {row}: it was not copied whole, or the quote is not closed"
    }
    row_too_long(row: u64, most: usize) {
        km: "ចាប់ពីជួរទី {row} ជួរមួយវែងជាង {most} បៃ៖ តើមានសញ្ញាសម្រង់មិនបានបិទទេ?",
        en: "from row {row} on one row is longer than {most} bytes: is a quote not closed?"
    }
    heading_read(row: u64) { km: "ជួរទី {row} ត្រូវបានអានជាក្បាលតារាង", en: "row {row} was read as the heading" }
    heading_lacks(columns: &str) { km: "ខ្វះជួរឈរ៖ {columns}", en: "it lacks: {columns}" }
    heading_twice(columns: &str) { km: "ជួរឈរមានពីរដង៖ {columns}", en: "stands there twice: {columns}" }
    heading_unknown(columns: &str) { km: "ទម្រង់នេះគ្មានជួរឈរនេះទេ៖ {columns} សូមដកចេញ", en: "this form has no such column: {columns}; leave it out" }
    heading_must(feed: &str, columns: &str) { km: "តារាងរបស់ {feed} ត្រូវមាន៖ {columns}", en: "a sheet of {feed} must have: {columns}" }
    heading_of(feed: &str) { km: "នេះមើលទៅដូចជាតារាងរបស់ {feed} សូមពិនិត្យ --feed", en: "it looks like a sheet of {feed}: look at --feed" }
    form_unknown(feed: &str) { km: "គ្មានទម្រង់តារាងសម្រាប់ {feed} ទេ", en: "no form of spreadsheet is known for {feed}" }

    // Why a row or a cell is bad.
    read_was(read: &str) { km: "អានបាន {read}", en: "{read} was read" }
    must_be(expected: &str, expected_km: &str) { km: "ត្រូវតែជា {expected_km}", en: "must be {expected}" }
    cell_empty() { km: "ក្រឡាទទេ", en: "the cell is empty" }
    cells_counted(have: usize, want: usize) { km: "ជួរនេះមាន {have} ក្រឡា តែក្បាលតារាងមាន {want}", en: "the row has {have} cells, the heading {want}" }
    no_heading_above() { km: "ក្រឡានេះស្ថិតក្រោមក្បាលទទេ សូមដាក់ឈ្មោះជួរឈរ ឬលុបក្រឡា", en: "nothing stands in the heading above this cell: name its column, or empty the cell" }
    not_utf8() { km: "ជួរនេះមិនមែនជាអក្សរ UTF-8 ទេ សូមរក្សាទុកជា CSV UTF-8", en: "the row is not UTF-8 text; save the file as CSV UTF-8" }
    line_break() { km: "ក្រឡានេះមានច្រើនបន្ទាត់៖ តើសញ្ញាសម្រង់មិនបានបិទឬ?", en: "the cell holds a line break: is a quote not closed?" }
    error_value() { km: "នេះជាសញ្ញាកំហុសរបស់កម្មវិធីតារាង មិនមែនតម្លៃទេ", en: "this is an error of the spreadsheet program, and no value" }
    number_blank() { km: "មានចន្លោះនៅក្នុងលេខ សូមសរសេរជាប់គ្នា", en: "there is a blank inside the number; write it without" }
    number_zero() { km: "លេខផ្តើមដោយសូន្យដែលមិនត្រូវការ", en: "the number begins with a zero that does not belong there" }
    number_short() { km: "កម្មវិធីតារាងបានបង្រួញលេខនេះ (E) សូមសរសេរគ្រប់ខ្ទង់", en: "the spreadsheet program has shortened the number (E); write all its digits" }
    number_thousands() { km: "សូមសរសេរលេខដោយគ្មានសញ្ញាបំបែកខ្ទង់ពាន់", en: "write the number without signs between the thousands" }
    number_comma(thousands: &str, decimal: &str) {
        km: "សញ្ញាក្បៀសអាចមានន័យពីរ៖ {thousands} ឬ {decimal} សូមសរសេរមួយក្នុងចំណោមនោះ",
        en: "the comma can mean {thousands} or {decimal}; write one of them"
    }
    number_point(thousands: &str, decimal: &str) {
        km: "សញ្ញាចុចអាចមានន័យពីរ៖ {thousands} ឬ {decimal} សូមសរសេរមួយក្នុងចំណោមនោះ ជាលេខឡាតាំង",
        en: "with Khmer digits the point can mean {thousands} or {decimal}; write one of them in Latin digits"
    }
    number_mixed() { km: "ជួរឈរនេះប្រើទាំងសញ្ញាចុច និងសញ្ញាក្បៀស សូមប្រើតែសញ្ញាចុច", en: "the column has decimal points and commas; write points" }
    date_order() { km: "លំដាប់ថ្ងៃ និងខែមិនច្បាស់ សូមសរសេរ ឆ្នាំ-ខែ-ថ្ងៃ", en: "which part is the day and which the month is not clear; write year-month-day" }
    province_code() { km: "នេះមិនមែនជាលេខកូដខេត្តទេ លេខកូដគឺ 01 ដល់ 25", en: "this is no province's code; codes are 01 to 25" }
    province_name() { km: "គ្មានខេត្តដែលមានឈ្មោះនេះទេ សូមសរសេរឈ្មោះផ្សេង ឬលេខកូដ", en: "no province is known by this name; write its name otherwise, or its code" }
    truth() { km: "ត្រូវតែជា true ឬ false", en: "must be true or false" }
    columns_disagree(other: &str) { km: "ខុសពីអ្វីដែលជួរឈរ {other} ប្រាប់", en: "says something else than the column {other}" }
    rows_disagree(row: u64) { km: "ខុសពីជួរទី {row} នៃរបាយការណ៍តែមួយ", en: "says something else than row {row} of the same report" }
    said_before(row: u64) { km: "ជួរទី {row} បានប្រាប់រឿងនេះរួចហើយ ដោយមានតម្លៃផ្សេង", en: "row {row} says this already, with another value" }
    held_back(row: u64) {
        km: "ជួរនេះត្រឹមត្រូវ តែជារបាយការណ៍តែមួយជាមួយជួរទី {row} ដែលខុស ហើយនឹងទៅជាមួយគ្នា",
        en: "good itself, but of one report with row {row}, which is bad: a report goes whole"
    }
    corrects_one(count: usize) {
        km: "--corrects ប្រើសម្រាប់តារាងដែលបង្កើតព្រឹត្តិការណ៍តែមួយ តារាងនេះបង្កើត {count} សូមប្រើ --correction",
        en: "--corrects is for a sheet that makes one event, and this one makes {count}; use --correction"
    }
    lines_no_events() { km: "បន្ទាត់ JSON ទាំងនេះមិនមែនជា CloudEvents ទេ (ខ្វះ specversion)", en: "these lines of JSON are no CloudEvents: they have no specversion" }
    feed_wanted() { km: "តើសម្រាប់ feed ណា? សូមប្រាប់ដោយ --feed", en: "which feed is it for? give it with --feed" }
    list_empty() { km: "បញ្ជីទទេ", en: "the list is empty" }
    submitted_before(id: &str) {
        km: "បានដាក់ជូនពីមុនជា {id} ដោយមានតម្លៃផ្សេង បើនេះជាការកែតម្រូវ សូមប្រើ --correction ឬ --corrects {id}",
        en: "this was submitted before as {id}, with other values; if this corrects it, say so with --correction or --corrects {id}"
    }

    // What becomes of the rows.
    skipped_empty() { km: "ជួរទទេ", en: "empty" }
    skipped_tags() { km: "ស្លាក HXL", en: "HXL tags" }
    skipped_labels() { km: "ស្លាករបស់តារាង", en: "the sheet's labels" }
    skipped_same(row: u64) { km: "ដូចជួរទី {row}", en: "the same as row {row}" }
    place(row: u64, column: &str, name: &str) { km: "ជួរទី {row} ជួរឈរ {column} ({name})", en: "row {row}, column {column} ({name})" }
    place_row(row: u64) { km: "ជួរទី {row}", en: "row {row}" }
    place_rows(row: u64, last: u64) { km: "ជួរទី {row} ដល់ {last}", en: "rows {row} to {last}" }
    nothing_submitted(bad: usize) {
        km: "គ្មានអ្វីត្រូវបានដាក់ជូនទេ៖ មានជួរខុស {bad} សូមកែ ឬដាក់ជូនជួរផ្សេងដោយ --skip-bad",
        en: "nothing was submitted: {bad} bad rows; mend them, or submit the others with --skip-bad"
    }
    nothing_left() { km: "គ្មានអ្វីត្រូវបានដាក់ជូនទេ", en: "nothing was submitted" }
    more_bad(more: usize) { km: "... និងជួរខុស {more} ទៀត", en: "... and {more} more bad rows" }
    accepted(new: usize, feed: &str) { km: "បានទទួលព្រឹត្តិការណ៍ {new} លើ {feed}", en: "{new} events accepted on {feed}" }
    accepted_before(again: usize) { km: " និង {again} បានទទួលពីមុនរួចហើយ", en: ", {again} accepted before" }
    bad_kept(bad: usize, path: &str) { km: " ជួរខុស {bad} នៅក្នុង {path}", en: "; {bad} bad rows are in {path}" }
    account(rows: usize, sent: usize, again: usize, bad: usize, skipped: usize) {
        km: "ជួរ {rows} ក្រោមក្បាលតារាង៖ បានផ្ញើ {sent} ធ្លាប់ផ្ញើ {again} ខុស {bad} រំលង {skipped}",
        en: "{rows} rows below the heading: {sent} submitted, {again} accepted before, {bad} bad, {skipped} passed over"
    }
    unsent(rows: usize) { km: "ជួរត្រឹមត្រូវ {rows} មិនត្រូវបានផ្ញើទេ", en: "{rows} good rows were not submitted" }
    passed_over(why: &str, why_km: &str, rows: &str) { km: "រំលង ({why_km})៖ ជួរទី {rows}", en: "passed over ({why}): row {rows}" }
    stays(columns: &str) { km: "មិនត្រូវបានផ្ញើ ហើយនៅក្នុងការិយាល័យ៖ {columns}", en: "not sent, and stays at the office: {columns}" }
    doubted(count: usize) { km: "តួលេខ {count} គួរមើលម្តងទៀត (ពួកវាមិនត្រូវបានបដិសេធទេ)៖", en: "{count} figures to look at again (they are not refused):" }
    bad_files_many(count: u32, first: &str) {
        km: "មានឯកសារជួរខុស {count} រួចហើយ ទីមួយគឺ {first} សូមលុបអ្វីដែលបានកែរួច",
        en: "{count} files of bad rows are there already, the first is {first}; remove those that are mended"
    }
}

/// A file's text as it may be shown on a terminal or in a page: nothing in it moves a cursor or hides, and it is short.
pub fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN_MAX {
            shown.push('…');
            break;
        }
        match is_invisible(character) || character.is_control() {
            true => shown.push_str(&format!("‹U+{:04X}›", u32::from(character))),
            false => shown.push(character),
        }
    }
    shown
}

/// Characters that nobody sees and nobody means: zero-width ones, marks of direction, the byte order mark, soft hyphens.
pub fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_sentence_is_in_khmer_too_and_no_two_mean_one() {
        let mut seen = HashMap::new();
        for (name, km, en) in ALL {
            let khmer = km.chars().any(|c| ('\u{1780}'..='\u{17ff}').contains(&c));
            assert!(khmer, "{name}");
            assert!(!km.contains('\u{200b}') && !en.trim().is_empty(), "{name}");
            assert_eq!(seen.insert(en, name), None, "{name}");
        }
    }

    #[test]
    fn a_sentence_is_said_in_both_languages_with_its_values() {
        let words = cells_counted(2, 10);
        assert_eq!(words.en, "the row has 2 cells, the heading 10");
        assert_eq!(words.km, "ជួរនេះមាន 2 ក្រឡា តែក្បាលតារាងមាន 10");
    }

    #[test]
    fn nothing_of_a_file_moves_the_cursor_or_hides_on_a_terminal() {
        assert_eq!(shown("\u{1b}]0;x\u{7}"), "‹U+001B›]0;x‹U+0007›");
        assert_eq!(shown("41\u{200b}"), "41‹U+200B›");
        assert_eq!(shown(&"ក".repeat(100)).chars().count(), 61);
    }
}
