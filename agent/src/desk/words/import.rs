//! What is said of a sheet that is uploaded or pasted: what was read, what is wrong, what is handed in.

use super::words;

words! {
    title() { unread km: "ដាក់ជូនពីសៀវភៅតារាង", en: "Hand in from a spreadsheet" }
    lead() { unread km: "ផ្ញើឯកសារ (XLSX, XLS, ODS ឬ CSV) ឬបិទភ្ជាប់ជួរដេកពីកម្មវិធីតារាង។ គ្មានអ្វីត្រូវបានដាក់ជូន មុនពេលអ្នកបានឃើញវាទេ។", en: "Upload a file (XLSX, XLS, ODS or CSV), or paste rows from your spreadsheet. Nothing is handed in before you have seen it." }
    empty_sheet() { unread km: "តារាងទទេសម្រាប់បំពេញ៖", en: "The empty sheet, to fill in:" }
    file() { unread km: "ឯកសារ", en: "File" }
    file_hint(most: u64) { unread km: "ធំបំផុត {most} មេកាបៃ", en: "At most {most} megabytes" }
    pasted() { unread km: "ឬបិទភ្ជាប់នៅទីនេះ", en: "Or paste here" }
    pasted_hint() { unread km: "ជួរទីមួយត្រូវមានឈ្មោះជួរឈរ", en: "The first row must name the columns" }
    pasted_name() { unread km: "ជួរដេកដែលបានបិទភ្ជាប់", en: "Pasted rows" }
    read() { unread km: "អានតារាង", en: "Read the sheet" }
    nothing_given() { unread km: "សូមជ្រើសរើសឯកសារ ឬបិទភ្ជាប់ជួរដេក", en: "Choose a file, or paste rows" }
    sheets_full() { unread km: "មានតារាងច្រើនពេកដែលមិនទាន់បានដាក់ជូន។ សូមដាក់ជូន ឬបោះបង់ខ្លះសិន។", en: "There are too many sheets that were not handed in. Hand some in or discard some first." }
    waiting_sheets() { unread km: "តារាងដែលមិនទាន់បានដាក់ជូន", en: "Sheets that were not handed in" }
    preview() { unread km: "អ្វីដែលបានអាន", en: "What was read" }
    account(rows: usize, reports: usize, bad: usize) { unread km: "ជួរដេក {rows} ក្រោមក្បាលតារាង៖ បង្កើតរបាយការណ៍ {reports} មានជួរខុស {bad}។", en: "{rows} rows below the heading: they make {reports} reports; {bad} rows are wrong." }
    held_back(count: usize) { unread km: "ជួរត្រឹមត្រូវ {count} រង់ចាំជួរខុសនៃរបាយការណ៍តែមួយ។", en: "{count} good rows wait for a wrong one of the same report." }
    skipped(count: usize) { unread km: "រំលងជួរ {count}៖", en: "{count} rows were passed over:" }
    stays(columns: &str) { unread km: "មិនត្រូវបានផ្ញើ៖ {columns}", en: "Not sent: {columns}" }
    wrong_rows() { unread km: "ជួរដែលត្រូវកែ", en: "Rows to mend" }
    wrong_text() { unread km: "កែនៅទីនេះ ឬយកជួរទាំងនេះជាឯកសារ កែវា ហើយផ្ញើម្តងទៀត។", en: "Mend them here; or take these rows as a file, mend it, and upload it again." }
    more_wrong(count: usize) { unread km: "និងជួរខុស {count} ទៀត បន្ទាប់ពីទាំងនេះ", en: "and {count} more wrong rows, behind these" }
    as_file() { unread km: "យកជួរខុសជាឯកសារ", en: "Take the wrong rows as a file" }
    again() { unread km: "រក្សាទុក និងពិនិត្យម្តងទៀត", en: "Save and check again" }
    good_rows() { unread km: "ជួរត្រឹមត្រូវ", en: "Good rows" }
    more_good(count: usize) { unread km: "និងជួរត្រឹមត្រូវ {count} ទៀត", en: "and {count} more good rows" }
    taken(count: usize) { unread km: "របាយការណ៍ {count} បានដាក់ជូនពីមុន ដោយមានតម្លៃផ្សេង។", en: "{count} reports were handed in before, with other values." }
    as_correction() { unread km: "ដាក់ជូនវាជាការកែតម្រូវ", en: "Hand them in as corrections" }
    known(count: usize) { unread km: "របាយការណ៍ {count} បានដាក់ជូនពីមុនរួចហើយ ហើយនឹងមិនត្រូវបានដាក់ជូនពីរដងទេ។", en: "{count} reports were handed in before, and are not handed in twice." }
    hand_in_all(count: usize) { unread km: "ដាក់ជូនរបាយការណ៍ {count}", en: "Hand in {count} reports" }
    hand_in_good(count: usize) { unread km: "ដាក់ជូនតែរបាយការណ៍ត្រឹមត្រូវ {count}", en: "Hand in the {count} good reports only" }
    rest_stays() { unread km: "ជួរខុសនៅទីនេះ រហូតដល់បានកែ ឬបោះបង់។", en: "The wrong rows stay here until they are mended or discarded." }
    handed_in(count: usize) { unread km: "បានទទួលរបាយការណ៍ {count} នៅទីនេះ។ វាចេញដោយខ្លួនឯង ពេលមានការតភ្ជាប់។", en: "{count} reports were accepted here. They leave by themselves when there is a connection." }
    changed() { unread km: "តារាងនេះត្រូវបានផ្លាស់ប្តូរនៅកន្លែងផ្សេង។ អ្វីដែលអ្នកបានកែនៅលើទំព័រនេះ ហើយមិនទាន់បានរក្សាទុកទេ។ សូមពិនិត្យ ហើយរក្សាទុកម្តងទៀត។", en: "This sheet was changed elsewhere. What you mended stands on this page, and is not saved yet. Look at it, and save again." }
    discard() { unread km: "បោះបង់តារាងនេះ", en: "Discard this sheet" }
    cell(row: u64, column: &str) { unread km: "ជួរទី {row} ជួរឈរ {column}", en: "Row {row}, column {column}" }
    row_is(row: u64) { unread km: "ជួរទី {row}៖", en: "Row {row}:" }
}
