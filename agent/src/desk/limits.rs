//! The bounds of the desk, each with the reason for its number.

use std::time::Duration;

/// A one-time address: long enough to walk to another room, too short to be found later.
pub const ADDRESS_TIME: Duration = Duration::from_secs(10 * 60);
/// Browsers that are known: an office has tens of PCs at most.
pub const BROWSERS_MAX: usize = 32;
/// How long a browser keeps its cookie: browsers allow no more.
pub const COOKIE_TIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// A person who signed in: one working day.
pub const SIGNED_IN_TIME: Duration = Duration::from_secs(12 * 60 * 60);
/// People of one office.
pub const PEOPLE_MAX: usize = 100;
/// Characters of a person's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Digits of a PIN: at least as many as a bank asks for, and some more.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;
/// What a stranger's form posts: a name, a PIN, a token.
pub const DOOR_BYTES_MAX: usize = 16 * 1024;
/// What a form of somebody who is in posts: a page of a report's rows, each byte of Khmer written as three characters.
pub const FORM_BYTES_MAX: usize = 512 * 1024;
/// Drafts of one office: each of its PCs may have several.
pub const DRAFTS_MAX: usize = 200;
/// Rows of a form's list on one page: where each cell of the widest form is wrong, and says so in Khmer, the page with all that it loads is
/// below 150 KB.
pub const FORM_ROWS: usize = 10;
/// Empty rows below those that are filled in.
pub const FORM_ROWS_EMPTY: usize = 5;
/// Rows of a form's list; a contract allows 2,000, and who has more has them in a sheet.
pub const FORM_ROWS_MAX: usize = 2_000;
/// Characters of a reason: what a withdrawal may carry.
pub const NOTE_CHARS_MAX: usize = 1_000;
/// Bytes of an upload: a month of a whole country's prices has a tenth of this.
pub const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;
/// What stands around the files of an upload.
pub const UPLOAD_FRAME_BYTES: usize = 64 * 1024;
/// Sheets that were uploaded and not handed in.
pub const SHEETS_MAX: usize = 20;
/// Characters of a sheet's name that are kept.
pub const SHEET_NAME_CHARS: usize = 80;
/// Characters of a cell that is mended in the page; the contracts allow less.
pub const SHEET_CELL_CHARS: usize = 2_000;
/// Wrong rows on one page, each with an input for each of its cells; bounded as the rows of a form are.
pub const SHEET_ROWS_WRONG: usize = 15;
/// Good rows that are shown.
pub const SHEET_ROWS_GOOD: usize = 10;
/// The latest reports that are looked at for last time's figures, and for what is due.
pub const RECENT_MAX: usize = 200;
/// Periods that are over and looked at for what is due.
pub const DUE_PERIODS: usize = 8;
/// Lines of what is due.
pub const DUE_SHOWN: usize = 12;
/// Changes that a page shows one by one.
pub const CHANGES_SHOWN: usize = 50;
/// Rows of a page: more are not read, they are scrolled.
pub const ROWS: usize = 50;
/// Rows of each feed from which the home page takes the latest.
pub const LATEST: usize = 6;
/// Rows of a table of an event's data; a contract allows 2,000.
pub const DATA_ROWS: usize = 200;
/// Columns of a table of an event's data.
pub const DATA_COLUMNS: usize = 12;
/// Characters of a value that stands in a table.
pub const VALUE_CHARS: usize = 500;
/// The journal of acts before it begins a new file: some years of one office.
pub const ACTS_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Bytes at the end of the journal that its page reads.
pub const ACTS_BYTES_SHOWN: u64 = 64 * 1024;
/// A style sheet or a font never changes under its name.
pub const ASSET_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
